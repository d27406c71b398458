/* The other end of the client's protocol: a thread that plays a daemon with a raw ROUTER socket and
 * the wire codec, and answers as a test wants it to. It keeps no store. */
#ifndef ASSENT_TESTS_CLIENT_PEER_H
#define ASSENT_TESTS_CLIENT_PEER_H

#include "common/wire.h"

#define PEER_CLUSTER "test"

struct peer;

/* Called in the peer's thread for each message that arrives. */
typedef void peer_handler(struct peer *peer, const struct tx_msg *msg, void *arg);

/* Listens on a loopback port that the kernel chooses. */
struct peer *peer_start(enum tx_role role, const char *name, peer_handler *handler, void *arg);
void peer_stop(struct peer **peer);
const char *peer_endpoint(const struct peer *peer);

/* Within a handler: answers whoever sent the message. */
void peer_reply(struct peer *peer, const struct tx_msg *msg);
/* As peer_reply, in the name of another cluster. */
void peer_reply_foreign(struct peer *peer, const struct tx_msg *msg);
/* As peer_reply, any bytes. */
void peer_reply_bytes(struct peer *peer, const void *data, size_t len);

/* How many messages of this type have arrived. */
unsigned peer_seen(const struct peer *peer, enum tx_msg_type type);
/* How many frames have arrived. */
unsigned peer_frames(const struct peer *peer);

#endif
