/* The transport: frames over ZeroMQ between daemons and to clients. On czmq.
 *
 * A daemon binds one ROUTER, on which everything arrives, and keeps one DEALER for each address
 * that it sends to. It answers a client through the ROUTER. Messages queued during one pass of the
 * loop leave together at its end, whatever brought them forth: one frame for each receiver. Sending
 * never blocks; what cannot be queued is dropped and counted (the cores resend what matters).
 *
 * While a peer is away its DEALER keeps up to 256 frames, which it gets late when it is back; the
 * fences of the protocol make that harmless, and a decision arrives at once instead of at the next
 * resend. ZMQ_IMMEDIATE would drop them, but also everything that is sent before the first
 * connection stands.
 *
 * Closed until it can be locked: only loopback addresses and ipc are accepted, see
 * transport_address_check(). */
#ifndef ASSENT_COMMON_TRANSPORT_H
#define ASSENT_COMMON_TRANSPORT_H

#include "common/loop.h"
#include "common/msg.h"

struct transport;

/* Whoever is to be answered through the ROUTER; from transport's receive callback. 0 is nobody. */
typedef uint64_t transport_client;

struct transport_options {
    struct tx_envelope
        envelope;       /* stamped on every frame; its `address` becomes the bound endpoint */
    const char *listen; /* "tcp://127.0.0.1:7400", "ipc:///run/assent/a.sock"; port "*" lets
                         * the kernel choose */
    size_t message_max; /* bytes of a frame, both ways; 0: TX_MESSAGE_MAX */
};

/* A decoded message of a checked frame of this cluster; everything is borrowed until the callback
 * returns. */
typedef void transport_receive(void *arg, transport_client from, const struct tx_envelope *envelope,
                               const struct tx_msg *msg);

/* TX_OK when this program may send to the address. TX_EADDRESS with a text that says why not and
 * what to use: not tcp or ipc, no port, a host that is no loopback address (while there is no
 * encryption, nobody else may reach a daemon). */
enum tx_error transport_address_check(const char *address, struct tx_why *why) TX_MUST_CHECK;
/* The same for an address to listen on: the port may also be "*". */
enum tx_error transport_listen_check(const char *address, struct tx_why *why) TX_MUST_CHECK;

/* Binds. TX_EBUSY when the port or path is in use, TX_EADDRESS, TX_EACCESS. `received_all` is
 * called (if not NULL) after every batch of `receive` calls. At the end of each pass of the loop,
 * which must outlive it, the transport flushes. */
enum tx_error transport_new(const struct transport_options *options, struct loop *loop,
                            transport_receive *receive, void (*received_all)(void *arg), void *arg,
                            struct transport **transport, struct tx_why *why) TX_MUST_CHECK;
/* Sends what is queued; the sockets linger on it for a second, in the background. */
void transport_destroy(struct transport **transport);

/* The bound endpoint, with the port that the kernel chose. */
const char *transport_endpoint(const struct transport *transport);
/* The epoch or incarnation, for the envelopes from now on; what is queued leaves with the
 * old one. */
void transport_set_start(struct transport *transport, uint64_t start);
/* The highest cut that this daemon has taken: every frame that leaves from now on carries it, with
 * what is queued already, too. That may only make a message of before the cut one of behind it,
 * which its receiver takes for late. */
void transport_set_cut(struct transport *transport, uint64_t cut);

/* Queues for the daemon at `address` (connects at the first use) or for a client. Copies
 * everything. */
void transport_send(struct transport *transport, const struct tx_address *address,
                    const struct tx_msg *msg);
void transport_reply(struct transport *transport, transport_client client,
                     const struct tx_msg *msg);
/* Sends what is queued, one frame for each receiver; for whoever is outside the loop. */
void transport_flush(struct transport *transport);

struct transport_stats {
    uint64_t frames_in; /* all that arrived, dropped ones included */
    uint64_t messages_in, frames_out, messages_out;
    uint64_t malformed; /* frames dropped: no frame, too large, wrong version. One of more than
                         * twice the largest size never arrives: ZeroMQ closes that connection */
    uint64_t foreign;   /* frames dropped: another cluster, or a message this sender may not send */
    uint64_t dropped;   /* messages that could not be queued */
    uint64_t in_by[TX_MSG_TYPES_N];  /* of messages_in */
    uint64_t out_by[TX_MSG_TYPES_N]; /* handed over to be sent; a frame that is dropped later
                                        counts, too */
};
struct transport_stats transport_stats(const struct transport *transport);

#endif
