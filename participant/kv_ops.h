/* What each operation does to a transaction of the store. */
#ifndef ASSENT_PARTICIPANT_KV_OPS_H
#define ASSENT_PARTICIPANT_KV_OPS_H

#include "participant/kv_overlay.h"
#include "participant/kv_tx.h"
#include "participant/rm.h"

/* Executes `op` for a WORKING transaction, against its own writes, then the overlay, the cache and
 * the data of `log`. The answer's views are of the transaction: good until its next call. */
void kv_ops_execute(struct txlog *log, const struct kv_overlay *overlay, struct kv_cache *cache,
                    struct kv_tx *tx, const struct tx_op *op, struct rm_answer *answer);

#endif
