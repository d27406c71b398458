/* Outcomes to acknowledge with the next frame. */
#include "client/client_acks.h"

#include "common/assert.h"

#include <string.h>

void client_acks_add(struct client_acks *acks, struct tx_id id)
{
    if (acks->n == CLIENT_ACKS_MAX) {
        client_acks_drop(acks, 1);
    }
    acks->ids[acks->n++] = id;
}

void client_acks_drop(struct client_acks *acks, size_t n)
{
    TX_ASSERT(n <= acks->n);
    acks->n -= n;
    memmove(acks->ids, acks->ids + n, acks->n * sizeof acks->ids[0]);
}
