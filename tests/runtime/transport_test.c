/* The transport at work: frames between daemons, and requests of clients with their answers. */
#include "tests/runtime/transport_fixture.h"

#include "common/clock.h"
#include "common/transport_address.h"

#include <string.h>

/* ------------------------------------------------------------ between daemons */

static void test_both_ways(void **state)
{
    struct world *w = *state;
    const struct tx_msg there = commit(7), back = join(8);

    transport_set_start(w->coordinator.transport, 5);
    transport_send(w->coordinator.transport, &w->participant.address, &there);
    transport_flush(w->coordinator.transport);
    receive(&w->participant, 1);
    assert_int_equal(w->participant.seen[0], 7);
    assert_int_equal(w->participant.last_envelope.role, TX_ROLE_COORDINATOR);
    assert_int_equal(w->participant.last_envelope.coordinator, 1);
    assert_int_equal(w->participant.last_envelope.start, 5);
    assert_string_equal(w->participant.last_envelope.address.s, w->coordinator.address.s);
    assert_int_equal(strncmp(w->coordinator.address.s, "tcp://127.0.0.1:", 16), 0);

    /* To the address that the envelope gave. */
    transport_send(w->participant.transport, &w->participant.last_envelope.address, &back);
    transport_flush(w->participant.transport);
    receive(&w->coordinator, 1);
    assert_int_equal(w->coordinator.seen[0], 8);
    assert_string_equal(w->coordinator.last_envelope.name.s, "a");
}

static void test_messages_travel_together(void **state)
{
    struct world *w = *state;
    for (uint64_t i = 0; i < 100; i++) {
        const struct tx_msg msg = commit(i + 1);

        transport_send(w->coordinator.transport, &w->participant.address, &msg);
    }
    assert_int_equal(transport_stats(w->coordinator.transport).frames_out, 0);
    transport_flush(w->coordinator.transport);
    transport_flush(w->coordinator.transport); /* nothing more to send */
    assert_int_equal(transport_stats(w->coordinator.transport).frames_out, 1);
    assert_int_equal(transport_stats(w->coordinator.transport).messages_out, 100);
    receive(&w->participant, 100);
    assert_int_equal(transport_stats(w->participant.transport).frames_in, 1);
    assert_int_equal(transport_stats(w->participant.transport).messages_in, 100);
    assert_int_equal(w->participant.batches, 1);
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(w->participant.seen[i], i + 1);
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
    struct world *w = *state;
    static uint8_t value[20 * 1024];
    struct tx_member member = {.name = {"a"}, .incarnation = 1};
    const struct tx_position nothing = {0};
    struct tx_op op;

    member.address = w->participant.address;
    for (uint64_t i = 0; i < 10; i++) {
        struct tx_msg msg = big_prepare(i + 1, &op, value, sizeof(value));

        msg.prepare.members = &member;
        msg.prepare.members_n = 1;
        msg.prepare.known = &nothing;
        transport_send(w->coordinator.transport, &w->participant.address, &msg);
    }
    transport_flush(w->coordinator.transport);
    assert_int_equal(transport_stats(w->coordinator.transport).frames_out, 4); /* three in each */
    receive(&w->participant, 10);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(w->participant.seen[i], i + 1);
    }
}

static void test_a_message_too_large_is_dropped(void **state)
{
    struct world *w = *state;
    static uint8_t value[100 * 1024];
    struct capture capture;
    char text[4096];
    struct tx_op op;
    const struct tx_msg big = big_prepare(9, &op, value, sizeof(value)), small = commit(10);

    capture_begin(&capture);
    transport_send(w->coordinator.transport, &w->participant.address, &small);
    transport_send(w->coordinator.transport, &w->participant.address, &big);
    transport_reply(w->coordinator.transport, UINT64_C(1) << 40 | 1, &big);
    transport_send(w->coordinator.transport, &w->participant.address, &small);
    transport_flush(w->coordinator.transport);
    capture_end(&capture, text, sizeof(text));
    assert_non_null(strstr(text, "level=error tx=1-1-9 msg=\"message dropped, it cannot be sent\" "
                                 "message=PREPARE"));
    assert_int_equal(transport_stats(w->coordinator.transport).dropped, 2);
    receive(&w->participant, 2);
    assert_int_equal(w->participant.seen[1], 10);
}

static void test_an_address_that_may_not_be_used(void **state)
{
    struct world *w = *state;
    const struct tx_address far = {"tcp://10.1.2.3:7400"};
    const struct tx_msg msg = commit(1);
    struct capture capture;
    char text[4096];

    capture_begin(&capture);
    for (int i = 0; i < 5; i++) {
        transport_send(w->coordinator.transport, &far, &msg);
    }
    capture_end(&capture, text, sizeof(text));
    assert_int_equal(transport_stats(w->coordinator.transport).dropped, 5);
    assert_non_null(strstr(text,
                           "peer=tcp://10.1.2.3:7400 why=\"\\\"tcp://10.1.2.3:7400\\\": the host "
                           "is no loopback address"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
}

/* ZeroMQ closes a socket in the background. Its file stays, as after a crash. */
static void close_participant(struct world *w)
{
    const uint64_t until = clock_now_us() + DEADLINE_US;
    const char *path = w->participant.address.s + strlen("ipc://");

    transport_destroy(&w->participant.transport);
    while (transport_path_check(path, NULL) != TX_OK) {
        assert_true(clock_now_us() < until);
        run_a_little(w);
    }
}

static void test_a_peer_that_is_away(void **state)
{
    struct world *w = *state;
    const struct tx_address address = w->participant.address;
    const struct tx_msg later = commit(5000);
    struct capture capture;
    uint64_t kept;
    char text[4096];

    close_participant(w);
    capture_begin(&capture);
    for (uint64_t i = 0; i < 2000; i++) {
        const struct tx_msg msg = commit(i + 1);

        transport_send(w->coordinator.transport, &address, &msg);
        transport_flush(w->coordinator.transport); /* a frame each */
    }
    capture_end(&capture, text, sizeof(text));
    assert_true(transport_stats(w->coordinator.transport).dropped >= 2000 - 256);
    assert_non_null(strstr(text, "its queue is full"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);

    /* It comes back at the same address: what was kept arrives, and what is sent from now on. */
    open_node(w, &w->participant, TX_ROLE_PARTICIPANT, ipc_name(w, "a.sock"));
    kept = 2000 - transport_stats(w->coordinator.transport).dropped;
    assert_true(kept > 0);
    receive(&w->participant, kept);
    assert_int_equal(w->participant.seen[0], 1);
    transport_send(w->coordinator.transport, &address, &later);
    transport_flush(w->coordinator.transport);
    receive(&w->participant, w->participant.received + 1);
    assert_int_equal(w->participant.seen[w->participant.received - 1], 5000);
}

/* What has arrived may be any amount; what a pass takes of it is not. Again until there was enough
 * at once for a pass to end early. */
static void test_a_pass_has_an_end(void **state)
{
    enum { FRAMES = 40, EACH = 100, MOST = 512 + EACH - 1 };
    struct world *w = *state;
    const uint64_t give_up = clock_now_us() + DEADLINE_US;
    const struct tx_msg msg = commit(1);

    while (w->participant.largest_batch < 512 && clock_now_us() < give_up) {
        const unsigned before = w->participant.received;

        for (unsigned i = 0; i < FRAMES; i++) {
            for (unsigned k = 0; k < EACH; k++) {
                transport_send(w->coordinator.transport, &w->participant.address, &msg);
            }
            transport_flush(w->coordinator.transport);
        }
        receive(&w->participant, before + FRAMES * EACH);
    }
    assert_true(w->participant.largest_batch >= 512);
    assert_true(w->participant.largest_batch <= MOST);
}

static void test_many_destinations(void **state)
{
    struct world *w = *state;
    const struct tx_msg msg = commit(1);

    transport_send(w->coordinator.transport, &w->participant.address, &msg);
    transport_flush(w->coordinator.transport);
    for (int i = 0; i < 600; i++) {
        /* The first ones come again, just used and when they had to go long ago. */
        const int number = i < 20 ? i / 2 : i >= 590 ? i - 590 : i;
        struct tx_address address = {""};

        (void)snprintf(address.s, sizeof(address.s), "ipc://%s/none-%d", w->scratch.dir, number);
        transport_send(w->coordinator.transport, &address, &msg);
        transport_flush(w->coordinator.transport);
        if (i % 100 == 0) { /* in use all along, so it must not be the one that goes */
            transport_send(w->coordinator.transport, &w->participant.address, &msg);
            transport_flush(w->coordinator.transport);
        }
    }
    receive(&w->participant, 7);
    assert_int_equal(w->participant.from_others, 0); /* still the same connection */
    assert_int_equal(transport_stats(w->coordinator.transport).dropped, 0);
}

/* -------------------------------------------------------------------- clients */

static void test_client(void **state)
{
    struct world *w = *state;
    void *dealer = client_new(w, NULL);

    client_request(dealer, "test", TX_ROLE_CLIENT, 77);
    receive(&w->participant, 1);
    assert_int_equal(client_receive(dealer, 77), 1);
    assert_int_equal(w->participant.last_envelope.role, TX_ROLE_CLIENT);
    client_close(w, dealer);
}

/* A hundred clients with ten requests each: every one gets its own answers, in order. */
static void test_many_clients(void **state)
{
    struct world *w = *state;
    void *dealers[100];

    for (uint64_t i = 0; i < 100; i++) {
        dealers[i] = client_new(w, NULL);
        for (uint64_t j = 0; j < 10; j++) {
            client_request(dealers[i], "test", TX_ROLE_CLIENT, i * 10 + j);
        }
    }
    receive(&w->participant, 1000);
    run_a_little(w); /* the last flush */
    assert_int_equal(transport_stats(w->participant.transport).messages_out, 1000);
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t next = i * 10;

        while (next < i * 10 + 10) {
            next += client_receive(dealers[i], next);
        }
        assert_int_equal(next, i * 10 + 10);
        client_close(w, dealers[i]);
    }
}

/* Answers that wait for one flush are one frame; more clients than the table holds are all
 * answered. */
static void test_replies_travel_together(void **state)
{
    struct world *w = *state;
    void *dealer = client_new(w, NULL);
    const uint64_t before = transport_stats(w->participant.transport).frames_out;
    transport_client client;

    w->participant.echo = false;
    client_request(dealer, "test", TX_ROLE_CLIENT, 1);
    receive(&w->participant, 1);
    client = w->participant.last_client;
    for (uint64_t i = 0; i < 50; i++) {
        const struct tx_msg msg = {.type = TX_MSG_ERROR, .error = {.req = i, .error = TX_EIO}};

        transport_reply(w->participant.transport, client, &msg);
    }
    transport_flush(w->participant.transport);
    assert_int_equal(transport_stats(w->participant.transport).frames_out, before + 1);
    assert_int_equal(client_receive(dealer, 0), 50);

    for (uint64_t i = 0; i < 2000; i++) { /* clients that are gone: dropped, nothing else happens */
        const struct tx_msg msg = {.type = TX_MSG_ERROR, .error = {.req = i, .error = TX_EIO}};

        transport_reply(w->participant.transport, (client ^ 0x80000000u) + i, &msg);
        transport_reply(w->participant.transport, i % 500 == 0 ? client : 0, &msg);
    }
    transport_flush(w->participant.transport);
    assert_int_equal(transport_stats(w->participant.transport).dropped, 2000);
    assert_int_equal(transport_stats(w->participant.transport).messages_out, 54);
    client_close(w, dealer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSPORT_TEST(test_both_ways),
        TRANSPORT_TEST(test_messages_travel_together),
        TRANSPORT_TEST(test_a_full_frame_begins_another),
        TRANSPORT_TEST(test_a_message_too_large_is_dropped),
        TRANSPORT_TEST(test_an_address_that_may_not_be_used),
        TRANSPORT_TEST(test_a_peer_that_is_away),
        TRANSPORT_TEST(test_a_pass_has_an_end),
        TRANSPORT_TEST(test_many_destinations),
        TRANSPORT_TEST(test_client),
        TRANSPORT_TEST(test_many_clients),
        TRANSPORT_TEST(test_replies_travel_together),
    };

    loop_prepare_process();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
