#include "tests/runtime/transport_fixture.h"

#include "common/clock.h"

#include <zmq.h>

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------- daemons */

struct tx_msg join(uint64_t seq)
{
    return (struct tx_msg){.type = TX_MSG_JOIN, .id = {{.coordinator = 1, .epoch = 1, .seq = seq}}};
}

struct tx_msg commit(uint64_t seq)
{
    struct tx_msg msg = join(seq);

    msg.type = TX_MSG_COMMIT;
    return msg;
}

static void on_message(void *arg, transport_client from, const struct tx_envelope *envelope,
                       const struct tx_msg *msg)
{
    struct node *node = arg;

    assert_true(from != 0);
    if (node->first_client == 0) {
        node->first_client = from;
    }
    node->from_others += from != node->first_client;
    node->last_client = from;
    node->last_envelope = *envelope;
    if (msg->type == TX_MSG_STATUS_REQUEST) {
        node->seen[node->received++ % SEEN_MAX] = msg->status_request.req;
        if (node->echo) {
            const struct tx_msg answer = {
                .type = TX_MSG_ERROR,
                .error = {.req = msg->status_request.req, .error = TX_ESTATE}};

            transport_reply(node->transport, from, &answer);
        }
    } else {
        node->seen[node->received++ % SEEN_MAX] = tx_msg_tx(msg).seq;
    }
}

static void on_batch(void *arg)
{
    struct node *node = arg;
    struct world *w = node->world;

    node->batches++;
    if (node->received - node->batched > node->largest_batch) {
        node->largest_batch = node->received - node->batched;
    }
    node->batched = node->received;
    if (w->awaited != NULL && w->awaited->received >= w->wanted) {
        loop_stop(w->loop);
    }
}

enum tx_error try_open(struct world *w, struct node *node, enum tx_role role, const char *listen,
                       struct tx_why *why)
{
    struct transport_options options = {.listen = listen, .message_max = 64u * 1024u};

    *node = (struct node){.world = w};
    (void)snprintf(options.envelope.cluster, sizeof(options.envelope.cluster), "test");
    options.envelope.role = role;
    if (role == TX_ROLE_PARTICIPANT) {
        (void)snprintf(options.envelope.name.s, sizeof(options.envelope.name.s), "a");
    } else {
        options.envelope.coordinator = 1;
    }
    options.envelope.start = 1;
    return transport_new(&options, w->loop, on_message, on_batch, node, &node->transport, why);
}

void open_node(struct world *w, struct node *node, enum tx_role role, const char *listen)
{
    struct tx_why why = {.text = ""};
    const enum tx_error error = try_open(w, node, role, listen, &why);

    assert_string_equal(why.text, "");
    assert_int_equal(error, TX_OK);
    assert_int_equal(
        tx_address_set(&node->address, tx_bytes_str(transport_endpoint(node->transport))), TX_OK);
}

const char *ipc_name(struct world *w, const char *name)
{
    static char address[256];

    (void)snprintf(address, sizeof(address), "ipc://%s/%s", w->scratch.dir, name);
    return address;
}

/* ------------------------------------------------------------------ the loop */

static void too_late(void *arg)
{
    struct world *w = arg;

    w->late = true;
    loop_stop(w->loop);
}

void receive(struct node *node, uint64_t wanted)
{
    struct world *w = node->world;

    if (node->received >= wanted) {
        return;
    }
    w->awaited = node;
    w->wanted = wanted;
    loop_timer(w->loop, clock_now_us() + DEADLINE_US, too_late, w);
    loop_run(w->loop);
    loop_timer(w->loop, UINT64_MAX, NULL, NULL);
    w->awaited = NULL;
    assert_false(w->late);
}

static void stop(void *arg)
{
    struct world *w = arg;

    loop_stop(w->loop);
}

void run_a_little(struct world *w)
{
    loop_timer(w->loop, clock_now_us() + 5000, stop, w);
    loop_run(w->loop);
}

int world_set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct tx_why why;

    assert_non_null(w);
    *state = w;
    scratch_make(&w->scratch);
    w->zmq = zmq_ctx_new();
    assert_non_null(w->zmq);
    assert_int_equal(loop_new(&w->loop, &why), TX_OK);
    open_node(w, &w->coordinator, TX_ROLE_COORDINATOR, "tcp://127.0.0.1:*");
    open_node(w, &w->participant, TX_ROLE_PARTICIPANT, ipc_name(w, "a.sock"));
    w->participant.echo = true;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *w = *state;

    while (w->clients_n > 0) {
        (void)zmq_close(w->clients[--w->clients_n]);
    }
    assert_int_equal(zmq_ctx_term(w->zmq), 0);
    transport_destroy(&w->coordinator.transport);
    transport_destroy(&w->participant.transport);
    assert_null(w->participant.transport);
    loop_destroy(&w->loop);
    scratch_remove(&w->scratch);
    free(w);
    return 0;
}

/* ------------------------------------------------------------------- clients */

void *client_new(struct world *w, const char *routing_id)
{
    const int linger = 0, wait_ms = DEADLINE_US / 1000;
    void *dealer = zmq_socket(w->zmq, ZMQ_DEALER);

    assert_non_null(dealer);
    assert_int_equal(zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms)), 0);
    if (routing_id != NULL) {
        assert_int_equal(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, routing_id, strlen(routing_id)), 0);
    }
    assert_int_equal(zmq_connect(dealer, w->participant.address.s), 0);
    assert_true(w->clients_n < CLIENTS_MAX);
    w->clients[w->clients_n++] = dealer;
    return dealer;
}

void client_close(struct world *w, void *dealer)
{
    size_t i = 0;

    while (i < w->clients_n && w->clients[i] != dealer) {
        i++;
    }
    assert_true(i < w->clients_n);
    w->clients[i] = w->clients[--w->clients_n];
    assert_int_equal(zmq_close(dealer), 0);
}

void client_request_flags(void *dealer, const char *cluster, enum tx_role role, uint64_t req,
                          int flags)
{
    struct tx_envelope envelope = {.role = role, .coordinator = role == TX_ROLE_COORDINATOR};
    const struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST, .status_request = {.req = req}};
    struct tx_frame_writer *writer;
    struct tx_bytes frame;

    (void)snprintf(envelope.cluster, sizeof(envelope.cluster), "%s", cluster);
    writer = tx_frame_writer_new(&envelope);
    assert_non_null(writer);
    assert_int_equal(tx_frame_writer_add(writer, &msg, 4096), TX_OK);
    frame = tx_frame_writer_finish(writer);
    assert_int_equal(zmq_send(dealer, frame.data, frame.len, flags), frame.len);
    tx_frame_writer_destroy(&writer);
}

void client_request(void *dealer, const char *cluster, enum tx_role role, uint64_t req)
{
    client_request_flags(dealer, cluster, role, req, 0);
}

size_t client_receive(void *dealer, uint64_t req)
{
    static uint8_t bytes[65536];
    struct tx_arena arena = {NULL};
    struct tx_frame frame;
    struct tx_why why;
    const int len = zmq_recv(dealer, bytes, sizeof(bytes), 0);

    assert_true(len > 0);
    assert_int_equal(
        tx_frame_decode(tx_bytes(bytes, (size_t)len), sizeof(bytes), &arena, &frame, &why), TX_OK);
    assert_true(frame.messages_n > 0);
    for (size_t i = 0; i < frame.messages_n; i++) {
        assert_int_equal(frame.messages[i].type, TX_MSG_ERROR);
        assert_int_equal(frame.messages[i].error.req, req + i);
    }
    tx_arena_deinit(&arena);
    return frame.messages_n;
}

void assert_unharmed(struct world *w)
{
    void *dealer = client_new(w, NULL);

    client_request(dealer, "test", TX_ROLE_CLIENT, 4711);
    receive(&w->participant, w->participant.received + 1);
    assert_int_equal(client_receive(dealer, 4711), 1);
    client_close(w, dealer);
}
