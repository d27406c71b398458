/* Memory of transactions and changes that are gone, for the next ones: common/spare.h says why. */
#ifndef ASSENT_PARTICIPANT_KV_SPARES_H
#define ASSENT_PARTICIPANT_KV_SPARES_H

#include "common/spare.h"

#define KV_SPARES_MAX    1024u        /* pieces of each size that are kept */
#define KV_ENTRY_STEP    ((size_t)64) /* a change takes a multiple of so many bytes ... */
#define KV_ENTRY_STEPS_N 4u           /* ... and is malloc's affair when it takes more of them */

/* All zero is a valid empty one. */
struct kv_spares {
    struct tx_spare txs;
    struct tx_spare entries[KV_ENTRY_STEPS_N];
};

static inline void kv_spares_deinit(struct kv_spares *spares)
{
    tx_spare_deinit(&spares->txs);
    for (size_t i = 0; i < KV_ENTRY_STEPS_N; i++)
        tx_spare_deinit(&spares->entries[i]);
}

#endif
