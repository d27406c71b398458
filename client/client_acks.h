/* Outcomes that this client has learnt and not yet acknowledged. The coordinator may forget them
 * once it hears so, and after its retention time in any case: an acknowledgement that is lost costs
 * it memory for a while, and nothing else. Hence the fixed size. Pure. */
#ifndef ASSENT_CLIENT_CLIENT_ACKS_H
#define ASSENT_CLIENT_CLIENT_ACKS_H

#include "common/ids.h"

#define CLIENT_ACKS_MAX 1024u

struct client_acks {
    struct tx_id ids[CLIENT_ACKS_MAX];
    size_t n;
};

/* Adds an id; when there is no room the oldest makes way. */
void client_acks_add(struct client_acks *acks, struct tx_id id);
/* Removes the first `n`. */
void client_acks_drop(struct client_acks *acks, size_t n);

#endif
