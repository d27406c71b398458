/* A peer that follows no rules: a bare DEALER socket and the wire codec, to send daemons what no
 * client library would. Failures fail the test. */
#ifndef ASSENT_TESTS_INTEGRATION_RAW_PEER_H
#define ASSENT_TESTS_INTEGRATION_RAW_PEER_H

#include "common/wire.h"

#include <stdbool.h>

struct raw_peer;

/* Connects to a daemon. `routing_id`: one of its own choice, or NULL as all honest peers do. */
struct raw_peer *raw_open(const char *address, const char *routing_id);
void raw_close(struct raw_peer **peer);

/* What an honest client of cluster "test" writes on its frames, and what others do. */
struct tx_envelope raw_client(void);
struct tx_envelope raw_coordinator(uint32_t id, uint64_t epoch, const char *address);
struct tx_envelope raw_participant(const char *name, uint64_t incarnation);

/* One message of the given bytes. */
void raw_send_bytes(struct raw_peer *peer, struct tx_bytes bytes);
/* One message of two parts. */
void raw_send_parts(struct raw_peer *peer, struct tx_bytes first, struct tx_bytes second);
/* One frame of `n` messages. */
void raw_send_all(struct raw_peer *peer, const struct tx_envelope *envelope,
                  const struct tx_msg *msgs, size_t n);
/* One message of an honest client's envelope. */
void raw_send(struct raw_peer *peer, const struct tx_msg *msg);
/* A SUBMIT, as an honest client's, that puts "new" under the key at a and b. */
void raw_submit_puts(struct raw_peer *peer, uint64_t req, const char *key,
                     enum tx_commit_mode mode);
/* The bytes of a frame of one message; the caller frees `data`. */
struct tx_bytes raw_frame(const struct tx_envelope *envelope, const struct tx_msg *msg);

/* The next message that the daemon sends here, borrowed until the next call on the peer. */
const struct tx_msg *raw_receive(struct raw_peer *peer);
/* The same, or NULL after `timeout_ms`. */
const struct tx_msg *raw_receive_within(struct raw_peer *peer, int timeout_ms);
/* Sends as an honest client, and gives what comes back first. */
const struct tx_msg *raw_ask(struct raw_peer *peer, const struct tx_msg *msg);

/* Waits until the daemon has cut the connection; fails the test when it does not. */
void raw_expect_cut(struct raw_peer *peer);
/* Waits until the daemon has taken everything that was sent here, and fails the test when it
 * answered any of it. */
void raw_expect_silence(struct raw_peer *peer);
/* The figure of this name in the daemon's STATUS. */
uint64_t raw_figure(struct raw_peer *peer, const char *name);

#endif
