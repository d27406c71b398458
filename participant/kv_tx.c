/* A transaction in the store, and the table of them. */
#include "participant/kv_tx.h"

#include <stdlib.h>

struct kv_tx *kv_tx_find(struct kv_tx *txs, struct tx_id id)
{
    struct kv_tx *tx = NULL;
    struct part_key key = part_key(id);
    HASH_FIND(hh, txs, &key, sizeof(key), tx);
    return tx;
}

struct kv_tx *kv_tx_new(struct kv_tx **txs, struct kv_spares *spares, struct tx_id id)
{
    TX_ASSERT(kv_tx_find(*txs, id) == NULL);
    struct kv_tx *tx = tx_spare_take(&spares->txs, sizeof(*tx));
    *tx = (struct kv_tx){.key = part_key(id),
                         .state = KV_TX_WORKING,
                         .writes.spares = spares,
                         .out = kv_buffer_take(spares)};
    HASH_ADD(hh, *txs, key, sizeof(tx->key), tx);
    return tx;
}

void kv_tx_destroy(struct kv_tx **txs, struct kv_tx **tx)
{
    struct kv_tx *old = *tx;
    struct kv_spares *spares = old->writes.spares;
    HASH_DELETE(hh, *txs, old);
    kv_writeset_deinit(&old->writes);
    kv_buffer_give(spares, &old->out);
    if (old->puts != &old->one)
        free(old->puts);
    tx_spare_give(&spares->txs, old, KV_SPARES_MAX);
    *tx = NULL;
}
