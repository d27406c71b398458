/* What rests on a record that is not durable yet: a ring in the order of the log. */
#include "coordinator/coord_internal.h"

#include <string.h>

static void grow(struct coord_queue *queue)
{
    size_t capacity = queue->capacity > 0 ? queue->capacity * 2 : 8;
    struct coord_resting *items = tx_xcalloc(capacity, sizeof *items);
    for (size_t i = 0; i < queue->n; i++) {
        items[i] = queue->items[(queue->first + i) % queue->capacity];
    }
    free(queue->items);
    queue->items = items;
    queue->first = 0;
    queue->capacity = capacity;
}

void coord_queue_push(struct coord_queue *queue, struct coord_resting resting)
{
    if (queue->n == queue->capacity) {
        grow(queue);
    }
    if (queue->n > 0) {
        const struct coord_resting *newest =
            &queue->items[(queue->first + queue->n - 1) % queue->capacity];
        TX_ASSERT(newest->lsn.n < resting.lsn.n);
    }
    queue->items[(queue->first + queue->n) % queue->capacity] = resting;
    queue->n++;
}

bool coord_queue_pop(struct coord_queue *queue, struct tx_lsn durable, struct coord_resting *out)
{
    if (queue->n == 0 || queue->items[queue->first].lsn.n > durable.n) {
        return false;
    }
    *out = queue->items[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->n--;
    return true;
}
