/* Memory of transactions and changes that are gone, for the next ones: common/spare.h says why. */
#ifndef ASSENT_PARTICIPANT_KV_SPARES_H
#define ASSENT_PARTICIPANT_KV_SPARES_H

#include "common/bytes.h"
#include "common/spare.h"

#define KV_SPARES_MAX    1024u         /* pieces of each size that are kept */
#define KV_BUFFERS_MAX   512u          /* buffers of transactions that are kept ... */
#define KV_BUFFER_BYTES  ((size_t)512) /* ... unless they are larger */
#define KV_ENTRY_STEP    ((size_t)64)  /* a change takes a multiple of so many bytes ... */
#define KV_ENTRY_STEPS_N 4u            /* ... and is malloc's affair when it takes more of them */

/* All zero is a valid empty one. */
struct kv_spares {
    struct tx_spare txs;
    struct tx_spare entries[KV_ENTRY_STEPS_N];
    struct tx_buf buffers[KV_BUFFERS_MAX]; /* empty ones that have some memory */
    size_t buffers_n;
};

/* An empty buffer. */
static inline struct tx_buf kv_buffer_take(struct kv_spares *spares)
{
    if (spares->buffers_n == 0)
        return (struct tx_buf){0};
    return spares->buffers[--spares->buffers_n];
}

static inline void kv_buffer_give(struct kv_spares *spares, struct tx_buf *buffer)
{
    if (TX_SPARE_NONE || buffer->data == NULL || buffer->capacity > KV_BUFFER_BYTES ||
        spares->buffers_n == KV_BUFFERS_MAX) {
        tx_buf_deinit(buffer);
        return;
    }
    tx_buf_clear(buffer);
    spares->buffers[spares->buffers_n++] = *buffer;
    *buffer = (struct tx_buf){0};
}

static inline void kv_spares_deinit(struct kv_spares *spares)
{
    tx_spare_deinit(&spares->txs);
    for (size_t i = 0; i < KV_ENTRY_STEPS_N; i++)
        tx_spare_deinit(&spares->entries[i]);
    while (spares->buffers_n > 0)
        tx_buf_deinit(&spares->buffers[--spares->buffers_n]);
}

#endif
