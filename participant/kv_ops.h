/* What each operation does to a transaction of the store. */
#ifndef ASSENT_PARTICIPANT_KV_OPS_H
#define ASSENT_PARTICIPANT_KV_OPS_H

#include "participant/kv_overlay.h"
#include "participant/kv_tx.h"
#include "participant/rm.h"

/* What the store works with. Of the call under way, and good until the next call: the key of its
 * operation, and why it has failed. */
struct kv_work {
    struct txlog *log;
    struct kv_overlay overlay;
    struct kv_cache cache;
    struct kv_spares spares;
    struct tx_buf data_key;
    struct tx_why why;
};

/* Executes `op` for a WORKING transaction, against its own writes, then the overlay, the cache and
 * the data of `log`. The answer's views are of the transaction: good until its next call. */
void kv_ops_execute(struct kv_work *work, struct kv_tx *tx, const struct tx_op *op,
                    struct rm_answer *answer);

#endif
