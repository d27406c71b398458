/* What the tests of the transport share: a coordinator's and a participant's transport on one loop,
 * and clients on bare ZeroMQ sockets. Everything here fails the test when it fails. */
#ifndef ASSENT_TESTS_RUNTIME_TRANSPORT_FIXTURE_H
#define ASSENT_TESTS_RUNTIME_TRANSPORT_FIXTURE_H

#include "tests/runtime/scratch.h"

#include "common/loop.h"
#include "common/transport.h"
#include "common/wire.h"

#define DEADLINE_US (60u * 1000u * 1000u) /* of anything that a test waits for */
#define SEEN_MAX    4096u
#define CLIENTS_MAX 128u

/* One daemon: a transport, and what it has received. */
struct node {
    struct world *world;
    struct transport *transport;
    struct tx_address address;
    unsigned received, batches;
    unsigned batched, largest_batch; /* messages at the end of the last batch; most in one */
    transport_client first_client, last_client;
    unsigned from_others; /* messages that came on another connection than the first one */
    struct tx_envelope last_envelope;
    uint64_t seen[SEEN_MAX]; /* a request's number or a transaction's, by order of arrival */
    bool echo;               /* answers a client's STATUS_REQUEST */
};

struct world {
    struct scratch scratch;
    struct loop *loop;
    struct node coordinator, participant;
    void *zmq;                  /* of the clients */
    void *clients[CLIENTS_MAX]; /* those still open; a failing test leaves some behind */
    size_t clients_n;
    const struct node *awaited; /* stops the loop once it has received `wanted` messages */
    uint64_t wanted;
    bool late;
};

/* The coordinator at a TCP address, the participant at "a.sock" with `echo`; *state is a struct
 * world. */
int world_set_up(void **state);
int world_tear_down(void **state);
#define TRANSPORT_TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)

struct tx_msg join(uint64_t seq);
struct tx_msg commit(uint64_t seq);

enum tx_error try_open(struct world *w, struct node *node, enum tx_role role, const char *listen,
                       struct tx_why *why);
void open_node(struct world *w, struct node *node, enum tx_role role, const char *listen);
/* An address in the scratch directory; the text lives until the next call. */
const char *ipc_name(struct world *w, const char *name);

/* Runs the loop until the node has received this many messages in all. */
void receive(struct node *node, uint64_t wanted);
/* One turn of the loop, or a few milliseconds. */
void run_a_little(struct world *w);

/* A client without any of the transport's code, connected to the participant. */
void *client_new(struct world *w, const char *routing_id);
void client_close(struct world *w, void *dealer);
/* Sends a frame with one STATUS_REQUEST. */
void client_request(void *dealer, const char *cluster, enum tx_role role, uint64_t req);
/* The same as a part of a ZeroMQ message, with the flags of zmq_send(). */
void client_request_flags(void *dealer, const char *cluster, enum tx_role role, uint64_t req,
                          int flags);
/* The next frame must answer requests from `req` on. Returns how many it answers. */
size_t client_receive(void *dealer, uint64_t req);

/* A new client of the participant is served. */
void assert_unharmed(struct world *w);

#endif
