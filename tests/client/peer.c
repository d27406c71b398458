/* A daemon that says what a test wants it to say. */
#include "tests/client/peer.h"

#include "common/assert.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define POLL_MS 5

struct peer {
    void *context;
    void *socket; /* used by the thread alone, once it runs */
    pthread_t thread;
    atomic_bool stopping;
    char endpoint[128];
    struct tx_envelope envelope;
    peer_handler *handler;
    void *arg;
    zmq_msg_t from; /* the routing id of the message that is being handled */
    atomic_uint frames;
    atomic_uint seen[TX_MSG_TYPES_N];
};

static void handle_frame(struct peer *peer, zmq_msg_t *body)
{
    struct tx_arena arena = {0};
    struct tx_frame frame;
    struct tx_why why;
    enum tx_error error = tx_frame_decode(tx_bytes(zmq_msg_data(body), zmq_msg_size(body)),
                                          TX_MESSAGE_MAX, &arena, &frame, &why);
    TX_ASSERT(error == TX_OK);
    TX_ASSERT(strcmp(frame.envelope.cluster, PEER_CLUSTER) == 0);
    TX_ASSERT(frame.envelope.role == TX_ROLE_CLIENT);
    atomic_fetch_add(&peer->frames, 1);
    for (size_t i = 0; i < frame.messages_n; i++) {
        const struct tx_msg *msg = &frame.messages[i];
        TX_ASSERT(tx_msg_allowed(msg->type, TX_ROLE_CLIENT, peer->envelope.role));
        atomic_fetch_add(&peer->seen[msg->type], 1);
        peer->handler(peer, msg, peer->arg);
    }
    tx_arena_deinit(&arena);
}

static void *peer_main(void *arg)
{
    struct peer *peer = arg;
    zmq_pollitem_t item = {.socket = peer->socket, .events = ZMQ_POLLIN};
    while (!atomic_load(&peer->stopping)) {
        if (zmq_poll(&item, 1, POLL_MS) <= 0) {
            continue;
        }
        zmq_msg_t body;
        (void)zmq_msg_init(&peer->from);
        (void)zmq_msg_init(&body);
        int got = zmq_msg_recv(&peer->from, peer->socket, 0);
        TX_ASSERT(got >= 0);
        got = zmq_msg_recv(&body, peer->socket, 0);
        TX_ASSERT(got >= 0);
        handle_frame(peer, &body);
        (void)zmq_msg_close(&body);
        (void)zmq_msg_close(&peer->from);
    }
    (void)zmq_close(peer->socket);
    return NULL;
}

struct peer *peer_start(enum tx_role role, const char *name, peer_handler *handler, void *arg)
{
    struct peer *peer = calloc(1, sizeof *peer);
    TX_ASSERT(peer != NULL);
    peer->envelope = (struct tx_envelope){.cluster = PEER_CLUSTER, .role = role, .start = 1};
    if (role == TX_ROLE_PARTICIPANT) {
        enum tx_error set = tx_name_set(&peer->envelope.name, tx_bytes_str(name));
        TX_ASSERT(set == TX_OK);
    } else {
        peer->envelope.coordinator = 1;
    }
    peer->handler = handler;
    peer->arg = arg;
    peer->context = zmq_ctx_new();
    peer->socket = zmq_socket(peer->context, ZMQ_ROUTER);
    int failed = zmq_bind(peer->socket, "tcp://127.0.0.1:*");
    TX_ASSERT(failed == 0);
    size_t size = sizeof peer->endpoint;
    failed = zmq_getsockopt(peer->socket, ZMQ_LAST_ENDPOINT, peer->endpoint, &size);
    TX_ASSERT(failed == 0);
    enum tx_error error = tx_address_set(&peer->envelope.address, tx_bytes_str(peer->endpoint));
    TX_ASSERT(error == TX_OK);
    failed = pthread_create(&peer->thread, NULL, peer_main, peer);
    TX_ASSERT(failed == 0);
    return peer;
}

void peer_stop(struct peer **peer)
{
    atomic_store(&(*peer)->stopping, true);
    (void)pthread_join((*peer)->thread, NULL);
    (void)zmq_ctx_term((*peer)->context);
    free(*peer);
    *peer = NULL;
}

const char *peer_endpoint(const struct peer *peer)
{
    return peer->endpoint;
}

void peer_reply_bytes(struct peer *peer, const void *data, size_t len)
{
    (void)zmq_send(peer->socket, zmq_msg_data(&peer->from), zmq_msg_size(&peer->from), ZMQ_SNDMORE);
    (void)zmq_send(peer->socket, data, len, 0);
}

static void reply_as(struct peer *peer, const struct tx_envelope *envelope,
                     const struct tx_msg *msg)
{
    struct tx_frame_writer *writer = tx_frame_writer_new(envelope);
    TX_ASSERT(writer != NULL);
    enum tx_error error = tx_frame_writer_add(writer, msg, TX_MESSAGE_MAX);
    TX_ASSERT(error == TX_OK);
    struct tx_bytes frame = tx_frame_writer_finish(writer);
    peer_reply_bytes(peer, frame.data, frame.len);
    tx_frame_writer_destroy(&writer);
}

void peer_reply(struct peer *peer, const struct tx_msg *msg)
{
    reply_as(peer, &peer->envelope, msg);
}

void peer_reply_foreign(struct peer *peer, const struct tx_msg *msg)
{
    struct tx_envelope envelope = peer->envelope;
    strcpy(envelope.cluster, "other");
    reply_as(peer, &envelope, msg);
}

unsigned peer_seen(const struct peer *peer, enum tx_msg_type type)
{
    return atomic_load(&peer->seen[type]);
}

unsigned peer_frames(const struct peer *peer)
{
    return atomic_load(&peer->frames);
}
