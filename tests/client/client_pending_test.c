/* The table of requests: matching, resending, deadlines. */
#include "client/client_pending.h"

#include "tests/common/test.h"

#include <stdlib.h>

/* Channels are opaque to the table: two addresses are enough. */
static char places[2];
#define HERE  ((struct client_channel *)&places[0])
#define THERE ((struct client_channel *)&places[1])

static struct client_pending pending;

static uint64_t add(uint64_t deadline_us, uint64_t interval_us)
{
    struct client_request *request = calloc(1, sizeof *request);
    assert_non_null(request);
    request->req = client_pending_next_req(&pending);
    request->answer = TX_MSG_OUTCOME;
    request->id = (struct tx_id){1, 7, 42};
    request->channel = HERE;
    request->deadline_us = deadline_us;
    request->connect_by_us = deadline_us;
    request->interval_us = interval_us;
    uint64_t req = request->req;
    assert_int_equal(client_pending_add(&pending, &request), TX_OK);
    assert_null(request);
    return req;
}

static struct tx_msg outcome(uint64_t req)
{
    return (struct tx_msg){.type = TX_MSG_OUTCOME, .outcome = {.req = req, .id = {1, 7, 42}}};
}

static int begin(void **state)
{
    (void)state;
    pending = (struct client_pending){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    client_pending_deinit(&pending);
    return 0;
}

static void take(const struct client_channel *channel, const struct tx_msg *msg, uint64_t expected)
{
    struct client_request *request = client_pending_answered(&pending, channel, msg);
    if (expected == 0) {
        assert_null(request);
        return;
    }
    assert_non_null(request);
    assert_int_equal(request->req, expected);
    client_request_destroy(&request);
}

static void test_answers_find_their_request_in_any_order(void **state)
{
    (void)state;
    uint64_t reqs[20];
    for (size_t i = 0; i < 20; i++) {
        reqs[i] = add(100, 0);
    }
    for (size_t i = 0; i < 20; i++) {
        struct tx_msg msg = outcome(reqs[(i * 7) % 20]);
        take(HERE, &msg, reqs[(i * 7) % 20]);
        take(HERE, &msg, 0); /* a second answer to it */
    }
    assert_int_equal(pending.n, 0);
}

static void test_what_does_not_fit_is_no_answer(void **state)
{
    (void)state;
    uint64_t req = add(100, 0);
    struct tx_msg msg = outcome(req);
    take(THERE, &msg, 0);
    msg.outcome.id.seq++;
    take(HERE, &msg, 0);
    msg = (struct tx_msg){.type = TX_MSG_BEGUN, .begun = {.req = req, .id = {1, 7, 42}}};
    take(HERE, &msg, 0);
    msg = outcome(req + 1);
    take(HERE, &msg, 0);
    msg = (struct tx_msg){.type = TX_MSG_ERROR, .error = {.req = req}};
    take(HERE, &msg, req);
}

static void test_intervals_double_up_to_the_bound(void **state)
{
    (void)state;
    struct client_request request = {.interval_us = 1000000};
    const uint64_t expected[] = {1000000, 2000000, 4000000, 4000000};
    for (size_t i = 0; i < 4; i++) {
        client_request_sent(&request, 500);
        assert_int_equal(request.send_at_us, 500 + expected[i]);
    }
    assert_int_equal(request.sent, 4);
}

static void test_a_request_without_interval_is_sent_once(void **state)
{
    (void)state;
    struct client_request request = {.send_at_us = 7};
    client_request_sent(&request, 500);
    assert_int_equal(request.send_at_us, CLIENT_NEVER);
}

static void test_deadlines(void **state)
{
    (void)state;
    assert_int_equal(client_pending_next(&pending, 0), CLIENT_NEVER);
    (void)add(300, 10);
    uint64_t early = add(200, 10);
    assert_int_equal(client_pending_next(&pending, 50), 200);
    assert_null(client_pending_expired(&pending, 199));
    struct client_request *request = client_pending_expired(&pending, 200);
    assert_non_null(request);
    assert_int_equal(request->req, early);
    client_request_destroy(&request);
    assert_null(client_pending_expired(&pending, 200));
    assert_int_equal(client_pending_next(&pending, 50), 300);
}

static void test_what_has_not_left_waits_for_a_connection_only(void **state)
{
    (void)state;
    (void)add(1000, 10);
    pending.items[0]->connect_by_us = 100;
    assert_int_equal(client_pending_next(&pending, 1), 100);
    client_request_sent(pending.items[0], 50);
    assert_null(client_pending_expired(&pending, 100));
    struct client_request *request = client_pending_expired(&pending, 1000);
    assert_non_null(request);
    client_request_destroy(&request);
}

static void test_the_next_copy_counts_until_its_time_has_come(void **state)
{
    (void)state;
    (void)add(1000, 10);
    client_request_sent(pending.items[0], 100);
    assert_int_equal(client_pending_next(&pending, 100), 110);
    /* Then it waits for the socket, not for the clock. */
    assert_int_equal(client_pending_next(&pending, 110), 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answers_find_their_request_in_any_order),
        TEST(test_what_does_not_fit_is_no_answer),
        TEST(test_intervals_double_up_to_the_bound),
        TEST(test_a_request_without_interval_is_sent_once),
        TEST(test_deadlines),
        TEST(test_what_has_not_left_waits_for_a_connection_only),
        TEST(test_the_next_copy_counts_until_its_time_has_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
