/* A transaction in the store, and the table of them. */
#ifndef ASSENT_PARTICIPANT_KV_TX_H
#define ASSENT_PARTICIPANT_KV_TX_H

#include "participant/kv_writeset.h"
#include "txlog/txlog.h"

/* uthash, with the hash of this project, and without its exit() when memory runs out. */
#define HASH_FUNCTION(data, len, out) ((out) = (unsigned)tx_bytes_hash(tx_bytes((data), (len)), 0))
#define uthash_fatal(text)            tx_memory_failed(__func__) /* its only reason */
#include <uthash.h>

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

/* A transaction id without padding, so that it can be hashed and compared as bytes. */
struct kv_tx_key {
    uint64_t n[3];
};

struct kv_tx {
    struct kv_tx_key key;
    enum kv_tx_state state;
    struct kv_writeset writes;
    struct tx_buf data_key; /* of the operation under way */
    struct tx_buf value;    /* what the last operation read */
    struct tx_buf redo;
    struct tx_why why;      /* why the last operation failed */
    struct txlog_put *puts; /* COMMITTED: the batch; its views are of entries in the overlay */
    size_t puts_n;
    UT_hash_handle hh;
};

/* NULL when the store does not know it. */
struct kv_tx *kv_tx_find(struct kv_tx *txs, struct tx_id id);
/* Adds a WORKING one, which must not be there. */
struct kv_tx *kv_tx_new(struct kv_tx **txs, struct tx_id id);
void kv_tx_destroy(struct kv_tx **txs, struct kv_tx **tx);

#endif
