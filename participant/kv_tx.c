/* A transaction in the store, and the table of them. */
#include "participant/kv_tx.h"

#include <stdlib.h>

static struct kv_tx_key key_of(struct tx_id id)
{
    return (struct kv_tx_key){.n = {id.coordinator, id.epoch, id.seq}};
}

struct kv_tx *kv_tx_find(struct kv_tx *txs, struct tx_id id)
{
    struct kv_tx *tx = NULL;
    struct kv_tx_key key = key_of(id);
    HASH_FIND(hh, txs, &key, sizeof(key), tx);
    return tx;
}

struct kv_tx *kv_tx_new(struct kv_tx **txs, struct tx_id id)
{
    TX_ASSERT(kv_tx_find(*txs, id) == NULL);
    struct kv_tx *tx = tx_xcalloc(1, sizeof(*tx));
    tx->key = key_of(id);
    tx->state = KV_TX_WORKING;
    HASH_ADD(hh, *txs, key, sizeof(tx->key), tx);
    return tx;
}

void kv_tx_destroy(struct kv_tx **txs, struct kv_tx **tx)
{
    struct kv_tx *old = *tx;
    HASH_DELETE(hh, *txs, old);
    kv_writeset_deinit(&old->writes);
    tx_buf_deinit(&old->data_key);
    tx_buf_deinit(&old->value);
    tx_buf_deinit(&old->redo);
    free(old->puts);
    free(old);
    *tx = NULL;
}
