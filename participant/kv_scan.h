/* Scans: the rows of a range as one transaction sees them. */
#ifndef ASSENT_PARTICIPANT_KV_SCAN_H
#define ASSENT_PARTICIPANT_KV_SCAN_H

#include "participant/kv_overlay.h"
#include "participant/kv_writeset.h"
#include "txlog/txlog.h"

#include "common/op.h"

/* Merges a transaction's own writes, the overlay and the data of `log`, in this order of
 * precedence, into the rows of `op`, a valid TX_OP_SCAN. `rows` gets them packed (common/rows.h) in
 * place of its content: op->limit of them at most, and TX_SCAN_BYTES_MAX bytes unless the first row
 * alone is more. `more`: it stopped at one of the two. Costs in proportion to the rows, the writes
 * held in memory that it passes, and what RocksDB has to pass over. Errors are those of
 * txlog_data_scan(). */
enum tx_error kv_scan(struct txlog *log, struct kv_overlay *overlay, const struct kv_writeset *own,
                      const struct tx_op *op, struct tx_buf *rows, bool *more,
                      struct tx_why *why) TX_MUST_CHECK;

#endif
