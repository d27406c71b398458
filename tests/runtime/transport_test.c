#include "tests/runtime/scratch.h"

#include "common/clock.h"
#include "common/transport.h"
#include "common/transport_address.h"
#include "common/wire.h"

#include <zmq.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEADLINE_US (20u * 1000u * 1000u)
#define SEEN_MAX    4096u
#define CLIENTS_MAX 128u

/* One daemon: a transport, and what it has received. */
struct node {
    struct transport *transport;
    struct tx_address address;
    unsigned received, batches;
    transport_client first_client, last_client;
    unsigned from_others; /* messages that came on another connection than the first one */
    struct tx_envelope last_envelope;
    uint64_t seen[SEEN_MAX]; /* what number_of() says, by order of arrival */
    bool echo;               /* answers a client's STATUS_REQUEST */
};

struct world {
    struct scratch scratch;
    struct loop *loop;
    struct node coordinator, participant;
    void *zmq;                  /* of the clients */
    void *clients[CLIENTS_MAX]; /* those still open; a failing test leaves some behind */
    size_t clients_n;
    bool (*done)(struct world *w);
    uint64_t wanted;
    bool late;
};

static struct world w;

static struct tx_msg join(uint64_t seq)
{
    return (struct tx_msg){.type = TX_MSG_JOIN, .id = {{.coordinator = 1, .epoch = 1, .seq = seq}}};
}

static struct tx_msg commit(uint64_t seq)
{
    struct tx_msg msg = join(seq);

    msg.type = TX_MSG_COMMIT;
    return msg;
}

static void check_done(void)
{
    if (w.done != NULL && w.done(&w)) {
        loop_stop(w.loop);
    }
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

    node->batches++;
    check_done();
}

static void too_late(void *arg)
{
    (void)arg;
    w.late = true;
    loop_stop(w.loop);
}

/* Runs the loop until `done` says so; fails after the deadline. */
static void run_until(bool (*done)(struct world *w))
{
    if (done(&w)) {
        return;
    }
    w.done = done;
    loop_timer(w.loop, clock_now_us() + DEADLINE_US, too_late, NULL);
    loop_run(w.loop);
    loop_timer(w.loop, UINT64_MAX, NULL, NULL);
    w.done = NULL;
    assert_false(w.late);
}

static void stop(void *arg)
{
    (void)arg;
    loop_stop(w.loop);
}

/* One turn of the loop, or a few milliseconds. */
static void run_a_little(void)
{
    loop_timer(w.loop, clock_now_us() + 5000, stop, NULL);
    loop_run(w.loop);
}

/* Runs the loop until a counter of the participant's transport is at least `wanted`. */
#define RUN_UNTIL_STAT(field, wanted_n)                                                            \
    do {                                                                                           \
        const uint64_t until = clock_now_us() + DEADLINE_US;                                       \
        while (transport_stats(w.participant.transport).field < (wanted_n)) {                      \
            assert_true(clock_now_us() < until);                                                   \
            run_a_little();                                                                        \
        }                                                                                          \
    } while (0)

static enum tx_error try_open(struct node *node, enum tx_role role, const char *listen,
                              struct tx_why *why)
{
    struct transport_options options = {.listen = listen, .message_max = 64u * 1024u};

    *node = (struct node){.transport = NULL};
    (void)snprintf(options.envelope.cluster, sizeof(options.envelope.cluster), "test");
    options.envelope.role = role;
    if (role == TX_ROLE_PARTICIPANT) {
        (void)snprintf(options.envelope.name.s, sizeof(options.envelope.name.s), "a");
    } else {
        options.envelope.coordinator = 1;
    }
    options.envelope.start = 1;
    return transport_new(&options, w.loop, on_message, on_batch, node, &node->transport, why);
}

static void open_node(struct node *node, enum tx_role role, const char *listen)
{
    struct tx_why why = {.text = ""};
    const enum tx_error error = try_open(node, role, listen, &why);

    assert_string_equal(why.text, "");
    assert_int_equal(error, TX_OK);
    assert_int_equal(
        tx_address_set(&node->address, tx_bytes_str(transport_endpoint(node->transport))), TX_OK);
}

static const char *ipc_name(const char *name)
{
    static char address[256];

    (void)snprintf(address, sizeof(address), "ipc://%s/%s", w.scratch.dir, name);
    return address;
}

static int set_up(void **state)
{
    struct tx_why why;

    (void)state;
    memset(&w, 0, sizeof(w));
    scratch_make(&w.scratch);
    w.zmq = zmq_ctx_new();
    assert_non_null(w.zmq);
    assert_int_equal(loop_new(&w.loop, &why), TX_OK);
    open_node(&w.coordinator, TX_ROLE_COORDINATOR, "tcp://127.0.0.1:*");
    open_node(&w.participant, TX_ROLE_PARTICIPANT, ipc_name("a.sock"));
    w.participant.echo = true;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    while (w.clients_n > 0) {
        (void)zmq_close(w.clients[--w.clients_n]);
    }
    assert_int_equal(zmq_ctx_term(w.zmq), 0);
    transport_destroy(&w.coordinator.transport);
    transport_destroy(&w.participant.transport);
    assert_null(w.participant.transport);
    loop_destroy(&w.loop);
    scratch_remove(&w.scratch);
    return 0;
}

static bool participant_has(struct world *world)
{
    return world->participant.received >= world->wanted;
}

static bool coordinator_has(struct world *world)
{
    return world->coordinator.received >= world->wanted;
}

/* -------------------------------------------------------------- between daemons */

static void test_both_ways(void **state)
{
    const struct tx_msg there = commit(7), back = join(8);

    (void)state;
    transport_set_start(w.coordinator.transport, 5);
    transport_send(w.coordinator.transport, &w.participant.address, &there);
    transport_flush(w.coordinator.transport);
    w.wanted = 1;
    run_until(participant_has);
    assert_int_equal(w.participant.seen[0], 7);
    assert_int_equal(w.participant.last_envelope.role, TX_ROLE_COORDINATOR);
    assert_int_equal(w.participant.last_envelope.coordinator, 1);
    assert_int_equal(w.participant.last_envelope.start, 5);
    assert_string_equal(w.participant.last_envelope.address.s, w.coordinator.address.s);
    assert_int_equal(strncmp(w.coordinator.address.s, "tcp://127.0.0.1:", 16), 0);

    /* To the address that the envelope gave. */
    transport_send(w.participant.transport, &w.participant.last_envelope.address, &back);
    transport_flush(w.participant.transport);
    run_until(coordinator_has);
    assert_int_equal(w.coordinator.seen[0], 8);
    assert_string_equal(w.coordinator.last_envelope.name.s, "a");
}

static void test_messages_travel_together(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        const struct tx_msg msg = commit(i + 1);

        transport_send(w.coordinator.transport, &w.participant.address, &msg);
    }
    assert_int_equal(transport_stats(w.coordinator.transport).frames_out, 0);
    transport_flush(w.coordinator.transport);
    transport_flush(w.coordinator.transport); /* nothing more to send */
    assert_int_equal(transport_stats(w.coordinator.transport).frames_out, 1);
    assert_int_equal(transport_stats(w.coordinator.transport).messages_out, 100);
    w.wanted = 100;
    run_until(participant_has);
    assert_int_equal(transport_stats(w.participant.transport).frames_in, 1);
    assert_int_equal(transport_stats(w.participant.transport).messages_in, 100);
    assert_int_equal(w.participant.batches, 1);
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(w.participant.seen[i], i + 1);
    }
}

static struct tx_msg big_prepare(uint64_t seq, struct tx_op *op, uint8_t *value, size_t len)
{
    *op = (struct tx_op){.type = TX_OP_PUT,
                         .participant = {"a"},
                         .space = tx_bytes_str("s"),
                         .key = tx_bytes_str("k"),
                         .value = tx_bytes(value, len)};
    return (struct tx_msg){.type = TX_MSG_PREPARE,
                           .prepare = {.id = {1, 1, seq},
                                       .age = {.counter = 1, .coordinator = 1},
                                       .one_shot = true,
                                       .ops = op,
                                       .ops_n = 1}};
}

static void test_a_full_frame_begins_another(void **state)
{
    static uint8_t value[20 * 1024];
    struct tx_member member = {.name = {"a"}, .incarnation = 1};
    struct tx_op op;

    (void)state;
    member.address = w.participant.address;
    for (uint64_t i = 0; i < 10; i++) {
        struct tx_msg msg = big_prepare(i + 1, &op, value, sizeof(value));

        msg.prepare.members = &member;
        msg.prepare.members_n = 1;
        transport_send(w.coordinator.transport, &w.participant.address, &msg);
    }
    transport_flush(w.coordinator.transport);
    assert_int_equal(transport_stats(w.coordinator.transport).frames_out, 4); /* three in each */
    w.wanted = 10;
    run_until(participant_has);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(w.participant.seen[i], i + 1);
    }
}

static void test_a_message_too_large_is_dropped(void **state)
{
    static uint8_t value[100 * 1024];
    struct capture capture;
    char text[4096];
    struct tx_op op;
    const struct tx_msg big = big_prepare(9, &op, value, sizeof(value)), small = commit(10);

    (void)state;
    capture_begin(&capture);
    transport_send(w.coordinator.transport, &w.participant.address, &small);
    transport_send(w.coordinator.transport, &w.participant.address, &big);
    transport_reply(w.coordinator.transport, UINT64_C(1) << 40 | 1, &big);
    transport_send(w.coordinator.transport, &w.participant.address, &small);
    transport_flush(w.coordinator.transport);
    capture_end(&capture, text, sizeof(text));
    assert_non_null(strstr(text, "level=error tx=1-1-9 msg=\"message dropped, it cannot be sent\" "
                                 "message=PREPARE"));
    assert_int_equal(transport_stats(w.coordinator.transport).dropped, 2);
    w.wanted = 2;
    run_until(participant_has);
    assert_int_equal(w.participant.seen[1], 10);
}

static void test_an_address_that_may_not_be_used(void **state)
{
    const struct tx_address far = {"tcp://10.1.2.3:7400"};
    const struct tx_msg msg = commit(1);
    struct capture capture;
    char text[4096];

    (void)state;
    capture_begin(&capture);
    for (int i = 0; i < 5; i++) {
        transport_send(w.coordinator.transport, &far, &msg);
    }
    capture_end(&capture, text, sizeof(text));
    assert_int_equal(transport_stats(w.coordinator.transport).dropped, 5);
    assert_non_null(strstr(text,
                           "peer=tcp://10.1.2.3:7400 why=\"\\\"tcp://10.1.2.3:7400\\\": the host "
                           "is no loopback address"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
}

/* ZeroMQ closes a socket in the background. Its file stays, as after a crash. */
static void close_participant(void)
{
    const uint64_t until = clock_now_us() + DEADLINE_US;
    const char *path = w.participant.address.s + strlen("ipc://");

    transport_destroy(&w.participant.transport);
    while (transport_path_check(path, NULL) != TX_OK) {
        assert_true(clock_now_us() < until);
        run_a_little();
    }
}

static void test_a_peer_that_is_away(void **state)
{
    const struct tx_address address = w.participant.address;
    struct capture capture;
    char text[4096];

    (void)state;
    close_participant();
    capture_begin(&capture);
    for (uint64_t i = 0; i < 2000; i++) {
        const struct tx_msg msg = commit(i + 1);

        transport_send(w.coordinator.transport, &address, &msg);
        transport_flush(w.coordinator.transport); /* a frame each */
    }
    capture_end(&capture, text, sizeof(text));
    assert_true(transport_stats(w.coordinator.transport).dropped >= 2000 - 256);
    assert_non_null(strstr(text, "its queue is full"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);

    /* It comes back at the same address: what was kept arrives, and what is sent from now on. */
    open_node(&w.participant, TX_ROLE_PARTICIPANT, ipc_name("a.sock"));
    w.wanted = 2000 - transport_stats(w.coordinator.transport).dropped;
    assert_true(w.wanted > 0);
    run_until(participant_has);
    assert_int_equal(w.participant.seen[0], 1);
    {
        const struct tx_msg msg = commit(5000);

        transport_send(w.coordinator.transport, &address, &msg);
        transport_flush(w.coordinator.transport);
    }
    w.wanted = w.participant.received + 1;
    run_until(participant_has);
    assert_int_equal(w.participant.seen[w.participant.received - 1], 5000);
}

static void test_many_destinations(void **state)
{
    const struct tx_msg msg = commit(1);

    (void)state;
    transport_send(w.coordinator.transport, &w.participant.address, &msg);
    transport_flush(w.coordinator.transport);
    for (int i = 0; i < 600; i++) {
        struct tx_address address;

        (void)snprintf(address.s, sizeof(address.s), "ipc://%s/none-%d", w.scratch.dir, i);
        transport_send(w.coordinator.transport, &address, &msg);
        transport_flush(w.coordinator.transport);
        if (i % 100 == 0) { /* in use all along, so it must not be the one that goes */
            transport_send(w.coordinator.transport, &w.participant.address, &msg);
            transport_flush(w.coordinator.transport);
        }
    }
    w.wanted = 7;
    run_until(participant_has);
    assert_int_equal(w.participant.from_others, 0); /* still the same connection */
    assert_int_equal(transport_stats(w.coordinator.transport).dropped, 0);
}

/* -------------------------------------------------------------------- clients */

/* A client without any of the transport's code, connected to the participant. */
static void *client_new(const char *routing_id)
{
    const int linger = 0, wait_ms = 10000;
    void *dealer = zmq_socket(w.zmq, ZMQ_DEALER);

    assert_non_null(dealer);
    assert_int_equal(zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms)), 0);
    if (routing_id != NULL) {
        assert_int_equal(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, routing_id, strlen(routing_id)), 0);
    }
    assert_int_equal(zmq_connect(dealer, w.participant.address.s), 0);
    assert_true(w.clients_n < CLIENTS_MAX);
    w.clients[w.clients_n++] = dealer;
    return dealer;
}

static void client_close(void *dealer)
{
    size_t i = 0;

    while (i < w.clients_n && w.clients[i] != dealer) {
        i++;
    }
    assert_true(i < w.clients_n);
    w.clients[i] = w.clients[--w.clients_n];
    assert_int_equal(zmq_close(dealer), 0);
}

static void client_request_flags(void *dealer, const char *cluster, enum tx_role role, uint64_t req,
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

static void client_request(void *dealer, const char *cluster, enum tx_role role, uint64_t req)
{
    client_request_flags(dealer, cluster, role, req, 0);
}

/* The next answer's frame must hold the answers to the requests from `req` on. */
static void client_expect(void *dealer, uint64_t req, size_t n)
{
    static uint8_t bytes[65536];
    struct tx_arena arena = {NULL};
    struct tx_frame frame;
    struct tx_why why;
    const int len = zmq_recv(dealer, bytes, sizeof(bytes), 0);

    assert_true(len > 0);
    assert_int_equal(
        tx_frame_decode(tx_bytes(bytes, (size_t)len), sizeof(bytes), &arena, &frame, &why), TX_OK);
    assert_int_equal(frame.messages_n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(frame.messages[i].type, TX_MSG_ERROR);
        assert_int_equal(frame.messages[i].error.req, req + i);
    }
    tx_arena_deinit(&arena);
}

static void test_client(void **state)
{
    void *dealer = client_new(NULL);

    (void)state;
    client_request(dealer, "test", TX_ROLE_CLIENT, 77);
    w.wanted = 1;
    run_until(participant_has);
    client_expect(dealer, 77, 1);
    assert_int_equal(w.participant.last_envelope.role, TX_ROLE_CLIENT);
    client_close(dealer);
}

/* A hundred clients with ten requests each: every one gets its own answers, in order. */
static void test_many_clients(void **state)
{
    void *dealers[100];

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        dealers[i] = client_new(NULL);
        for (uint64_t j = 0; j < 10; j++) {
            client_request(dealers[i], "test", TX_ROLE_CLIENT, i * 10 + j);
        }
    }
    w.wanted = 1000;
    run_until(participant_has);
    run_a_little(); /* the last flush */
    assert_int_equal(transport_stats(w.participant.transport).messages_out, 1000);
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t next = i * 10;

        while (next < i * 10 + 10) {
            static uint8_t bytes[65536];
            struct tx_arena arena = {NULL};
            struct tx_frame frame;
            const int len = zmq_recv(dealers[i], bytes, sizeof(bytes), 0);

            assert_true(len > 0);
            assert_int_equal(
                tx_frame_decode(tx_bytes(bytes, (size_t)len), sizeof(bytes), &arena, &frame, NULL),
                TX_OK);
            for (size_t k = 0; k < frame.messages_n; k++) {
                assert_int_equal(frame.messages[k].error.req, next++);
            }
            tx_arena_deinit(&arena);
        }
        client_close(dealers[i]);
    }
}

/* Answers that wait for one flush are one frame; more clients than the table holds are all
 * answered. */
static void test_replies_travel_together(void **state)
{
    void *dealer = client_new(NULL);
    const uint64_t before = transport_stats(w.participant.transport).frames_out;
    transport_client client;

    (void)state;
    w.participant.echo = false;
    client_request(dealer, "test", TX_ROLE_CLIENT, 1);
    w.wanted = 1;
    run_until(participant_has);
    client = w.participant.last_client;
    for (uint64_t i = 0; i < 50; i++) {
        const struct tx_msg msg = {.type = TX_MSG_ERROR, .error = {.req = i, .error = TX_EIO}};

        transport_reply(w.participant.transport, client, &msg);
    }
    transport_flush(w.participant.transport);
    assert_int_equal(transport_stats(w.participant.transport).frames_out, before + 1);
    client_expect(dealer, 0, 50);

    for (uint64_t i = 0; i < 2000; i++) { /* clients that are gone: dropped, nothing else happens */
        const struct tx_msg msg = {.type = TX_MSG_ERROR, .error = {.req = i, .error = TX_EIO}};

        transport_reply(w.participant.transport, (client ^ 0x80000000u) + i, &msg);
        transport_reply(w.participant.transport, i % 500 == 0 ? client : 0, &msg);
    }
    transport_flush(w.participant.transport);
    assert_int_equal(transport_stats(w.participant.transport).dropped, 2000);
    assert_int_equal(transport_stats(w.participant.transport).messages_out, 54);
    client_close(dealer);
}

/* ---------------------------------------------------------------- bad frames */

/* A good client is still served. */
static void assert_unharmed(void)
{
    void *dealer = client_new(NULL);

    w.wanted = w.participant.received + 1;
    client_request(dealer, "test", TX_ROLE_CLIENT, 4711);
    run_until(participant_has);
    client_expect(dealer, 4711, 1);
    client_close(dealer);
}

static void test_garbage(void **state)
{
    static uint8_t nested[4096], large[100 * 1024];
    static const uint8_t count_bomb[] = {0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0};
    static const uint8_t truncated[] = {0x93, 0x01};
    static const uint8_t version[] = {0x93, 0x63, 0x96, 0xa4, 't', 'e', 's', 't', 0, 0, 0, 0, 0x90};
    const struct {
        const void *data;
        size_t len;
    } bad[] = {{"", 0},
               {"hello", 5},
               {count_bomb, sizeof(count_bomb)},
               {truncated, 2},
               {nested, sizeof(nested)},
               {large, sizeof(large)},
               {version, sizeof(version)}};
    const size_t n = sizeof(bad) / sizeof(bad[0]);
    void *dealer = client_new(NULL);
    struct capture capture;
    char text[4096];

    (void)state;
    memset(nested, 0x91, sizeof(nested));
    capture_begin(&capture);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(zmq_send(dealer, bad[i].data, bad[i].len, 0), bad[i].len);
    }
    RUN_UNTIL_STAT(malformed, n);
    capture_end(&capture, text, sizeof(text));
    assert_int_equal(transport_stats(w.participant.transport).malformed, n);
    assert_int_equal(transport_stats(w.participant.transport).messages_in, 0);
    assert_non_null(strstr(text, "level=warn msg=\"malformed frame dropped\" peer=00"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line for all */
    client_close(dealer);
    assert_unharmed();
}

static void test_multipart_is_malformed(void **state)
{
    void *dealer = client_new(NULL);

    (void)state;
    for (int i = 0; i < 3; i++) {
        /* Each part alone would be a good frame. */
        client_request_flags(dealer, "test", TX_ROLE_CLIENT, 1, ZMQ_SNDMORE);
        client_request_flags(dealer, "test", TX_ROLE_CLIENT, 2, 0);
    }
    RUN_UNTIL_STAT(malformed, 3);
    assert_int_equal(transport_stats(w.participant.transport).frames_in, 3);
    client_close(dealer);
    assert_unharmed();
}

static void test_a_chosen_routing_id_is_malformed(void **state)
{
    void *long_id = client_new("a-routing-id-of-my-own"), *short_id = client_new("12345");

    (void)state;
    client_request(long_id, "test", TX_ROLE_CLIENT, 1);
    client_request(short_id, "test", TX_ROLE_CLIENT, 2);
    RUN_UNTIL_STAT(malformed, 2);
    assert_int_equal(w.participant.received, 0);
    client_close(long_id);
    client_close(short_id);
    assert_unharmed();
}

static void test_foreign(void **state)
{
    void *stranger = client_new(NULL), *liar = client_new(NULL);
    struct capture capture;
    char text[4096];

    (void)state;
    capture_begin(&capture);
    client_request(stranger, "elsewhere", TX_ROLE_CLIENT, 1);
    RUN_UNTIL_STAT(foreign, 1);
    client_request(liar, "test", TX_ROLE_COORDINATOR, 1); /* asks as only a client may */
    RUN_UNTIL_STAT(foreign, 2);
    capture_end(&capture, text, sizeof(text));
    assert_int_equal(w.participant.received, 0);
    assert_int_equal(transport_stats(w.participant.transport).malformed, 0);
    assert_non_null(strstr(text, "why=\"it belongs to cluster \\\"elsewhere\\\", this one is "
                                 "\\\"test\\\"\""));
    assert_non_null(strstr(text, "may not send STATUS_REQUEST to a participant"));
    client_close(stranger);
    client_close(liar);
    assert_unharmed();
}

static int connect_unix(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(strlen(path) < sizeof(at.sun_path));
    memcpy(at.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* No ZeroMQ at all, half a greeting, and a frame far beyond the limit: the connection ends, no
 * more. */
static void test_raw_bytes(void **state)
{
    static uint8_t huge[1024 * 1024];
    char path[256];
    void *dealer;
    int web, half;

    (void)state;
    web = connect_unix(scratch_path(&w.scratch, "a.sock", path));
    half = connect_unix(path);
    assert_int_equal(write(web, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    assert_int_equal(write(half, "\xff\0\0\0\0\0\0\0\1\x7f\3", 11), 11);
    dealer = client_new(NULL);
    assert_int_equal(zmq_send(dealer, huge, sizeof(huge), 0), sizeof(huge));
    assert_unharmed();
    assert_int_equal(transport_stats(w.participant.transport).frames_in, 1);
    assert_int_equal(close(web), 0);
    assert_int_equal(close(half), 0);
    client_close(dealer);
}

/* ------------------------------------------------------------------- binding */

static void test_port_in_use(void **state)
{
    struct node second;
    struct tx_why why;
    char expected[256];

    (void)state;
    assert_int_equal(try_open(&second, TX_ROLE_COORDINATOR, w.coordinator.address.s, &why),
                     TX_EBUSY);
    (void)snprintf(expected, sizeof(expected),
                   "%s is in use by another process; stop it, or choose another address",
                   w.coordinator.address.s);
    assert_string_equal(why.text, expected);
    assert_null(second.transport);
}

static void test_path_in_use(void **state)
{
    struct node second;
    struct tx_why why;

    (void)state;
    assert_int_equal(try_open(&second, TX_ROLE_PARTICIPANT, w.participant.address.s, &why),
                     TX_EBUSY);
    assert_unharmed(); /* the first one still has the path */
}

static void test_stale_path(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    transport_destroy(&w.participant.transport);
    /* What a daemon leaves that died by kill -9: the file, and nobody behind it. */
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/b.sock", w.scratch.dir);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(access(at.sun_path, F_OK), 0);
    open_node(&w.participant, TX_ROLE_PARTICIPANT, ipc_name("b.sock"));
    w.participant.echo = true;
    assert_unharmed();
}

static void test_path_is_taken_by_a_file(void **state)
{
    struct node second;
    struct tx_why why;
    char path[256];

    (void)state;
    scratch_write(scratch_path(&w.scratch, "file", path), "precious", 8);
    assert_int_equal(try_open(&second, TX_ROLE_PARTICIPANT, ipc_name("file"), &why), TX_EADDRESS);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(try_open(&second, TX_ROLE_PARTICIPANT, ipc_name("no/such/folder"), &why),
                     TX_EADDRESS);
    assert_int_equal(try_open(&second, TX_ROLE_PARTICIPANT, "tcp://0.0.0.0:7400", &why),
                     TX_EADDRESS);
}

static void test_ipv6_and_localhost(void **state)
{
    struct node node;
    const struct tx_msg msg = commit(3);

    (void)state;
    open_node(&node, TX_ROLE_PARTICIPANT, "tcp://localhost:*");
    assert_int_equal(strncmp(node.address.s, "tcp://127.0.0.1:", 16), 0);
    transport_destroy(&node.transport);
    if (access("/proc/net/if_inet6", F_OK) != 0) {
        return; /* a machine without IPv6 */
    }
    transport_destroy(&w.participant.transport);
    open_node(&w.participant, TX_ROLE_PARTICIPANT, "tcp://[::1]:*");
    transport_send(w.coordinator.transport, &w.participant.address, &msg);
    transport_flush(w.coordinator.transport);
    w.wanted = 1;
    run_until(participant_has);
}

#define TRANSPORT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSPORT_TEST(test_both_ways),
        TRANSPORT_TEST(test_messages_travel_together),
        TRANSPORT_TEST(test_a_full_frame_begins_another),
        TRANSPORT_TEST(test_a_message_too_large_is_dropped),
        TRANSPORT_TEST(test_an_address_that_may_not_be_used),
        TRANSPORT_TEST(test_a_peer_that_is_away),
        TRANSPORT_TEST(test_many_destinations),
        TRANSPORT_TEST(test_client),
        TRANSPORT_TEST(test_many_clients),
        TRANSPORT_TEST(test_replies_travel_together),
        TRANSPORT_TEST(test_garbage),
        TRANSPORT_TEST(test_multipart_is_malformed),
        TRANSPORT_TEST(test_a_chosen_routing_id_is_malformed),
        TRANSPORT_TEST(test_foreign),
        TRANSPORT_TEST(test_raw_bytes),
        TRANSPORT_TEST(test_port_in_use),
        TRANSPORT_TEST(test_path_in_use),
        TRANSPORT_TEST(test_stale_path),
        TRANSPORT_TEST(test_path_is_taken_by_a_file),
        TRANSPORT_TEST(test_ipv6_and_localhost),
    };

    loop_prepare_process();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
