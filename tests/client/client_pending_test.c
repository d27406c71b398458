/* The table of requests: matching, resending, deadlines; and queues. */
#include "client/client_pending.h"

#include "tests/common/test.h"

#include <stdlib.h>

/* Channels are opaque to the table: two addresses are enough. */
static char places[2];
#define HERE  ((struct client_channel *)&places[0])
#define THERE ((struct client_channel *)&places[1])

#define REQUESTS_MAX 2000

static struct client_pending pending;
static struct client_request requests[REQUESTS_MAX];
static size_t requests_n;

static struct client_request *add(uint64_t deadline_us, uint64_t interval_us)
{
    struct client_request *request = &requests[requests_n++];
    *request = (struct client_request){.req = client_pending_next_req(&pending),
                                       .answer = TX_MSG_OUTCOME,
                                       .id = (struct tx_id){1, 7, 42},
                                       .channel = HERE,
                                       .deadline_us = deadline_us,
                                       .connect_by_us = deadline_us,
                                       .interval_us = interval_us};
    assert_int_equal(client_pending_add(&pending, request), TX_OK);
    assert_true(client_pending_check(&pending));
    return request;
}

static void removed(struct client_request *request)
{
    client_pending_remove(&pending, request, NULL);
    assert_true(client_pending_check(&pending));
}

static struct tx_msg outcome(uint64_t req)
{
    return (struct tx_msg){.type = TX_MSG_OUTCOME, .outcome = {.req = req, .id = {1, 7, 42}}};
}

static int begin(void **state)
{
    (void)state;
    pending = (struct client_pending){0};
    requests_n = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    while (client_pending_any(&pending) != NULL) {
        client_pending_remove(&pending, client_pending_any(&pending), NULL);
    }
    client_pending_deinit(&pending);
    return 0;
}

static void take(const struct client_channel *channel, const struct tx_msg *msg,
                 struct client_request *expected)
{
    struct client_request *request = client_pending_answered(&pending, channel, msg);
    assert_ptr_equal(request, expected);
    if (request != NULL) {
        removed(request);
    }
}

static void test_answers_find_their_request_in_any_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        (void)add(100, 0);
    }
    for (size_t i = 0; i < 20; i++) {
        struct tx_msg msg = outcome(requests[(i * 7) % 20].req);
        take(HERE, &msg, &requests[(i * 7) % 20]);
        take(HERE, &msg, NULL); /* a second answer to it */
    }
    assert_int_equal(pending.n, 0);
}

static void test_what_does_not_fit_is_no_answer(void **state)
{
    (void)state;
    struct client_request *request = add(100, 0);
    struct tx_msg msg = outcome(request->req);
    take(THERE, &msg, NULL);
    msg.outcome.id.seq++;
    take(HERE, &msg, NULL);
    msg = (struct tx_msg){.type = TX_MSG_BEGUN, .begun = {.req = request->req, .id = {1, 7, 42}}};
    take(HERE, &msg, NULL);
    msg = outcome(request->req + 1);
    take(HERE, &msg, NULL);
    msg = outcome(0);
    take(HERE, &msg, NULL);
    msg = (struct tx_msg){.type = TX_MSG_ERROR, .error = {.req = request->req}};
    take(HERE, &msg, request);
}

static void test_a_timer_has_no_answer(void **state)
{
    (void)state;
    bool again;
    struct client_request *timer = add(100, 0);
    timer->channel = NULL;
    struct tx_msg msg = {.type = TX_MSG_ERROR, .error = {.req = timer->req}};
    take(NULL, &msg, NULL);
    take(HERE, &msg, NULL);
    assert_ptr_equal(client_pending_due(&pending, 100, &again), timer);
    assert_false(again);
}

static void test_intervals_double_up_to_the_bound(void **state)
{
    (void)state;
    struct client_request *request = add(CLIENT_NEVER, 1000000);
    const uint64_t expected[] = {1000000, 2000000, 4000000, 4000000};
    for (size_t i = 0; i < 4; i++) {
        client_pending_sent(&pending, request, 500);
        assert_int_equal(client_pending_next(&pending), 500 + expected[i]);
    }
    assert_int_equal(request->sent, 4);
}

static void test_a_request_without_interval_is_sent_once(void **state)
{
    (void)state;
    bool again;
    struct client_request *request = add(1000, 0);
    client_pending_sent(&pending, request, 500);
    assert_int_equal(client_pending_next(&pending), 1000);
    assert_null(client_pending_due(&pending, 999, &again));
}

static void test_deadlines(void **state)
{
    (void)state;
    bool again;
    assert_int_equal(client_pending_next(&pending), CLIENT_NEVER);
    struct client_request *late = add(300, 10);
    struct client_request *early = add(200, 10);
    assert_int_equal(client_pending_next(&pending), 200);
    assert_null(client_pending_due(&pending, 199, &again));
    assert_ptr_equal(client_pending_due(&pending, 200, &again), early);
    assert_false(again);
    removed(early);
    assert_null(client_pending_due(&pending, 200, &again));
    assert_int_equal(client_pending_next(&pending), 300);
    assert_ptr_equal(client_pending_any(&pending), late);
}

static void test_what_has_not_left_waits_for_a_connection_only(void **state)
{
    (void)state;
    bool again;
    struct client_request *request = add(1000, 0);
    removed(request);
    request->connect_by_us = 100;
    assert_int_equal(client_pending_add(&pending, request), TX_OK);
    assert_int_equal(client_pending_next(&pending), 100);
    client_pending_sent(&pending, request, 50);
    assert_null(client_pending_due(&pending, 100, &again));
    assert_ptr_equal(client_pending_due(&pending, 1000, &again), request);
    assert_false(again);
}

static void test_the_next_copy_is_due_once(void **state)
{
    (void)state;
    bool again;
    struct client_request *request = add(1000, 10);
    client_pending_sent(&pending, request, 100);
    assert_int_equal(client_pending_next(&pending), 110);
    assert_ptr_equal(client_pending_due(&pending, 110, &again), request);
    assert_true(again);
    /* Then it waits for the socket, not for the clock. */
    assert_null(client_pending_due(&pending, 110, &again));
    assert_int_equal(client_pending_next(&pending), 1000);
    assert_true(client_pending_check(&pending));
}

/* Against the plainest table there is: all of them, looked through. */
static void test_a_great_many(void **state)
{
    (void)state;
    uint64_t random = 12345;
    bool in[REQUESTS_MAX] = {false};
    for (size_t i = 0; i < REQUESTS_MAX; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        (void)add(1000 + (random >> 40) % 1000, 10);
        in[i] = true;
        random = random * UINT64_C(6364136223846793005) + 1;
        size_t other = (size_t)(random >> 33) % requests_n;
        struct tx_msg msg = outcome(requests[other].req);
        take(HERE, &msg, in[other] ? &requests[other] : NULL);
        in[other] = false;
        uint64_t least = CLIENT_NEVER;
        for (size_t k = 0; k < requests_n; k++) {
            least = in[k] && requests[k].deadline_us < least ? requests[k].deadline_us : least;
        }
        assert_int_equal(client_pending_next(&pending), least);
    }
}

static void test_a_queue_keeps_its_order(void **state)
{
    (void)state;
    struct client_queue queue = {0};
    for (size_t i = 0; i < 4; i++) {
        client_queue_put(&queue, add(100, 0));
    }
    client_pending_remove(&pending, &requests[1], &queue);
    client_pending_remove(&pending, &requests[3], &queue);
    assert_ptr_equal(queue.first, &requests[0]);
    assert_ptr_equal(queue.first->next, &requests[2]);
    assert_ptr_equal(queue.last, &requests[2]);
    client_pending_remove(&pending, &requests[0], &queue);
    client_pending_remove(&pending, &requests[2], &queue);
    assert_null(queue.first);
    assert_null(queue.last);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answers_find_their_request_in_any_order),
        TEST(test_what_does_not_fit_is_no_answer),
        TEST(test_a_timer_has_no_answer),
        TEST(test_intervals_double_up_to_the_bound),
        TEST(test_a_request_without_interval_is_sent_once),
        TEST(test_deadlines),
        TEST(test_what_has_not_left_waits_for_a_connection_only),
        TEST(test_the_next_copy_is_due_once),
        TEST(test_a_great_many),
        TEST(test_a_queue_keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
