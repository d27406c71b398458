/* The transport's own state, for its files: transport.c receives and keeps the lifetimes,
 * transport_send.c sends. */
#ifndef ASSENT_COMMON_TRANSPORT_INTERNAL_H
#define ASSENT_COMMON_TRANSPORT_INTERNAL_H

#include "common/complaints.h"
#include "common/outbox.h"
#include "common/transport.h"

/* A message can name any address: the least recently used one goes. */
#define DESTINATIONS_MAX 256u
/* Places for destinations that were found lately, by hash. */
#define RECENT_MAX 64u

/* A routing id that ZeroMQ made: a zero byte and a number. A client that chooses its own is
 * refused. As a transport_client it has a bit above its 40 bits, so that it is never 0. */
#define ROUTING_ID_LEN 5u
#define CLIENT_MARK    (UINT64_C(1) << 40)

struct destination {
    struct tx_address address;
    uint64_t hash;
    uint64_t used; /* a count of uses, for the least recent one */
    void *dealer;
    struct outbox box;
};

struct transport {
    struct loop *loop;
    transport_receive *receive;
    void (*received_all)(void *arg);
    void *arg;
    struct tx_envelope envelope;
    size_t message_max;
    void *router;
    struct tx_arena arena;
    struct destination *destinations[DESTINATIONS_MAX];
    size_t destinations_n;
    struct destination *recent[RECENT_MAX]; /* any of them may be NULL */
    uint64_t uses;
    struct outbox_clients clients;
    struct complaints complaints;
    struct transport_stats stats;
};

/* About `peer`, a hash; not more often than complaints_allow() says. */
void transport_complain(struct transport *t, uint64_t peer, const char *peer_text, const char *what,
                        const char *why_text);
void transport_destination_destroy(struct destination **d_p);

#endif
