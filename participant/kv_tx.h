/* A transaction in the store, and the table of them. */
#ifndef ASSENT_PARTICIPANT_KV_TX_H
#define ASSENT_PARTICIPANT_KV_TX_H

#include "participant/kv_writeset.h"
#include "participant/part_map.h"
#include "txlog/txlog.h"

/*   (first execute) -> WORKING -> PREPARED -> COMMITTED -> gone
 *                         |  \________|_________^  |
 *                         |           |         (committed())
 *                         +-----------+--> gone (rollback, or prepared without writes)
 *   (recover) -> PREPARED */
enum kv_tx_state {
    KV_TX_WORKING,
    KV_TX_PREPARED,
    KV_TX_COMMITTED, /* its entries are in the overlay; lives on for the batch that it has
                      * lent out */
};

struct kv_tx {
    UT_hash_handle hh;
    struct part_key key;
    enum kv_tx_state state;
    struct kv_writeset writes;
    struct tx_buf out;      /* what the last call on it has read, or its redo */
    struct txlog_put *puts; /* COMMITTED: the batch; its views are of entries in the overlay */
    size_t puts_n;
    struct txlog_put one; /* the batch of a single change */
};

/* NULL when the store does not know it. */
struct kv_tx *kv_tx_find(struct kv_tx *txs, struct tx_id id);
/* Adds a WORKING one, which must not be there. */
struct kv_tx *kv_tx_new(struct kv_tx **txs, struct kv_spares *spares, struct tx_id id);
void kv_tx_destroy(struct kv_tx **txs, struct kv_tx **tx);

#endif
