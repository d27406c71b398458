#include "tests/integration/raw_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include <cmocka.h>

/* Under sanitizers on a busy machine; a wait ends as soon as something arrives. */
#define ANSWER_MS 60000

struct raw_peer {
    void *context, *socket;
    void *cuts;     /* tells of lost connections */
    zmq_msg_t body; /* of the frame being read */
    struct tx_arena arena;
    struct tx_frame frame;
    size_t next;  /* of its messages */
    uint64_t req; /* of STATUS_REQUESTs */
};

struct raw_peer *raw_open(const char *address, const char *routing_id)
{
    struct raw_peer *peer = calloc(1, sizeof *peer);

    assert_non_null(peer);
    peer->req = UINT64_C(1) << 60;
    peer->context = zmq_ctx_new();
    peer->socket = zmq_socket(peer->context, ZMQ_DEALER);
    assert_non_null(peer->socket);
    if (routing_id != NULL)
        assert_int_equal(
            zmq_setsockopt(peer->socket, ZMQ_ROUTING_ID, routing_id, strlen(routing_id)), 0);
    assert_int_equal(zmq_setsockopt(peer->socket, ZMQ_LINGER, &(int){0}, sizeof(int)), 0);
    assert_int_equal(zmq_setsockopt(peer->socket, ZMQ_SNDHWM, &(int){0}, sizeof(int)), 0);
    assert_int_equal(zmq_socket_monitor(peer->socket, "inproc://cuts", ZMQ_EVENT_DISCONNECTED), 0);
    peer->cuts = zmq_socket(peer->context, ZMQ_PAIR);
    assert_int_equal(zmq_connect(peer->cuts, "inproc://cuts"), 0);
    assert_int_equal(zmq_connect(peer->socket, address), 0);
    assert_int_equal(zmq_msg_init(&peer->body), 0);
    return peer;
}

void raw_close(struct raw_peer **peer_at)
{
    struct raw_peer *peer = *peer_at;

    if (peer == NULL)
        return;
    (void)zmq_msg_close(&peer->body);
    (void)zmq_socket_monitor(peer->socket, NULL, 0);
    (void)zmq_close(peer->cuts);
    (void)zmq_close(peer->socket);
    (void)zmq_ctx_term(peer->context);
    tx_arena_deinit(&peer->arena);
    free(peer);
    *peer_at = NULL;
}

/* ---- envelopes ---- */

struct tx_envelope raw_client(void)
{
    return (struct tx_envelope){.cluster = "test", .role = TX_ROLE_CLIENT};
}

struct tx_envelope raw_coordinator(uint32_t id, uint64_t epoch, const char *address)
{
    struct tx_envelope envelope = {
        .cluster = "test", .role = TX_ROLE_COORDINATOR, .coordinator = id, .start = epoch};

    assert_int_equal(tx_address_set(&envelope.address, tx_bytes_str(address)), TX_OK);
    return envelope;
}

struct tx_envelope raw_participant(const char *name, uint64_t incarnation)
{
    struct tx_envelope envelope = {
        .cluster = "test", .role = TX_ROLE_PARTICIPANT, .start = incarnation};

    assert_int_equal(tx_name_set(&envelope.name, tx_bytes_str(name)), TX_OK);
    return envelope;
}

/* ---- sending ---- */

void raw_send_bytes(struct raw_peer *peer, struct tx_bytes bytes)
{
    assert_true(zmq_send(peer->socket, bytes.data, bytes.len, 0) >= 0);
}

void raw_send_parts(struct raw_peer *peer, struct tx_bytes first, struct tx_bytes second)
{
    assert_true(zmq_send(peer->socket, first.data, first.len, ZMQ_SNDMORE) >= 0);
    raw_send_bytes(peer, second);
}

void raw_send_all(struct raw_peer *peer, const struct tx_envelope *envelope,
                  const struct tx_msg *msgs, size_t n)
{
    struct tx_frame_writer *writer = tx_frame_writer_new(envelope);

    assert_non_null(writer);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(tx_frame_writer_add(writer, &msgs[i], TX_MESSAGE_MAX), TX_OK);
    raw_send_bytes(peer, tx_frame_writer_finish(writer));
    tx_frame_writer_destroy(&writer);
}

void raw_send(struct raw_peer *peer, const struct tx_msg *msg)
{
    struct tx_envelope envelope = raw_client();

    raw_send_all(peer, &envelope, msg, 1);
}

void raw_submit_puts(struct raw_peer *peer, uint64_t req, const char *key, enum tx_commit_mode mode)
{
    struct tx_op ops[2] = {{.type = TX_OP_PUT}, {.type = TX_OP_PUT}};
    struct tx_msg msg = {.type = TX_MSG_SUBMIT,
                         .submit = {.req = req, .ops = ops, .ops_n = 2, .mode = mode}};

    for (unsigned i = 0; i < 2; i++) {
        ops[i].space = tx_bytes_str("t");
        ops[i].key = tx_bytes_str(key);
        ops[i].value = tx_bytes_str("new");
        ops[i].participant.s[0] = (char)('a' + (int)i);
    }
    raw_send(peer, &msg);
}

struct tx_bytes raw_frame(const struct tx_envelope *envelope, const struct tx_msg *msg)
{
    struct tx_frame_writer *writer = tx_frame_writer_new(envelope);
    struct tx_bytes frame;
    uint8_t *copy;

    assert_non_null(writer);
    assert_int_equal(tx_frame_writer_add(writer, msg, TX_MESSAGE_MAX), TX_OK);
    frame = tx_frame_writer_finish(writer);
    copy = malloc(frame.len);
    assert_non_null(copy);
    memcpy(copy, frame.data, frame.len);
    tx_frame_writer_destroy(&writer);
    return tx_bytes(copy, frame.len);
}

/* ---- receiving ---- */

const struct tx_msg *raw_receive_within(struct raw_peer *peer, int timeout_ms)
{
    struct tx_why why = {""};

    while (peer->next == peer->frame.messages_n) {
        zmq_pollitem_t item = {.socket = peer->socket, .events = ZMQ_POLLIN};

        if (zmq_poll(&item, 1, timeout_ms) == 0)
            return NULL;
        assert_true(zmq_msg_recv(&peer->body, peer->socket, 0) >= 0);
        tx_arena_reset(&peer->arena);
        if (tx_frame_decode(tx_bytes(zmq_msg_data(&peer->body), zmq_msg_size(&peer->body)),
                            TX_MESSAGE_MAX, &peer->arena, &peer->frame, &why) != TX_OK)
            fail_msg("the daemon's frame cannot be read: %s", why.text);
        peer->next = 0;
    }
    return &peer->frame.messages[peer->next++];
}

const struct tx_msg *raw_receive(struct raw_peer *peer)
{
    const struct tx_msg *msg = raw_receive_within(peer, ANSWER_MS);

    if (msg == NULL)
        fail_msg("no answer within %d ms", ANSWER_MS);
    return msg;
}

const struct tx_msg *raw_ask(struct raw_peer *peer, const struct tx_msg *msg)
{
    raw_send(peer, msg);
    return raw_receive(peer);
}

void raw_expect_cut(struct raw_peer *peer)
{
    zmq_pollitem_t item = {.socket = peer->cuts, .events = ZMQ_POLLIN};

    if (zmq_poll(&item, 1, ANSWER_MS) == 0)
        fail_msg("the connection still stands after %d ms", ANSWER_MS);
}

/* ---- what the daemon says of itself ---- */

/* A daemon takes the frames of one connection in order. */
static const struct tx_msg_status *status(struct raw_peer *peer)
{
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST, .status_request = {.req = ++peer->req}};
    const struct tx_msg *answer = raw_ask(peer, &msg);

    if (answer->type != TX_MSG_STATUS || answer->status.req != peer->req)
        fail_msg("%s came, which nobody expected", tx_msg_name(answer->type));
    return &answer->status;
}

void raw_expect_silence(struct raw_peer *peer)
{
    (void)status(peer);
}

uint64_t raw_figure(struct raw_peer *peer, const char *name)
{
    const struct tx_msg_status *now = status(peer);

    for (size_t i = 0; i < now->fields_n; i++)
        if (tx_bytes_equal(now->fields[i].name, tx_bytes_str(name))) {
            char text[32] = "";

            assert_true(now->fields[i].text.len < sizeof text);
            memcpy(text, now->fields[i].text.data, now->fields[i].text.len);
            return strtoull(text, NULL, 10);
        }
    fail_msg("STATUS has no \"%s\"", name);
    return 0;
}
