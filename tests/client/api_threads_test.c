/* One handle and many threads, against played daemons. Run under ThreadSanitizer, too. */
#include "tests/client/api_fixture.h"
#include "tests/common/pace.h"
#include "tests/common/test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define THREADS 16
#define ROUNDS  30

static atomic_uint wrong; /* cmocka's assertions belong to the main thread */
static atomic_uint callbacks;

static void check(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "wrong: %s\n", what);
        atomic_fetch_add(&wrong, 1);
    }
}
#define CHECK(condition) check(condition, #condition)

static void run_threads(unsigned n, void *(*work)(void *arg))
{
    pthread_t threads[THREADS];
    static unsigned numbers[THREADS];
    atomic_store(&wrong, 0);
    for (unsigned i = 0; i < n; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&wrong), 0);
}

static txclient_batch *new_batch(void)
{
    txclient_batch *batch = txclient_batch_new();
    CHECK(batch != NULL);
    CHECK(txclient_batch_get(batch, at_a()) == TXCLIENT_OK);
    return batch;
}

/* Every call of a blocking thread, with what it says. */
static void *call_blocking(void *arg)
{
    unsigned number = *(unsigned *)arg;
    txclient_batch *batch = new_batch();
    for (unsigned i = 0; i < ROUNDS; i++) {
        char name[32];
        txclient_value value;
        CHECK(txclient_submit(client, batch, NULL, &value) == TXCLIENT_OK);
        CHECK(value.len == 2 && memcmp(value.data, "42", 2) == 0);
        CHECK(strcmp(txclient_detail(client)->reference, "1-7-99@a") == 0);
        /* The detail is the thread's own. */
        (void)snprintf(name, sizeof name, "nobody-%u", number);
        CHECK(txclient_outcome(client, name, 0) == TXCLIENT_EINVAL);
        (void)sched_yield();
        CHECK(strstr(txclient_detail(client)->text, name) != NULL);
        txclient_tx *tx = NULL;
        CHECK(txclient_begin(client, NULL, &tx) == TXCLIENT_OK);
        CHECK(txclient_get(tx, at_a(), &value) == TXCLIENT_OK);
        CHECK(txclient_put(tx, at_b(), txclient_str("x")) == TXCLIENT_OK);
        CHECK((i % 3 == 0 ? txclient_abort(tx) : txclient_commit(tx)) == TXCLIENT_OK);
        txclient_tx_close(&tx);
    }
    txclient_batch_free(&batch);
    return NULL;
}

static void test_blocking_threads_share_a_handle(void **state)
{
    unsigned messages = 0;
    (void)state;
    /* Requests of two threads travel together where both were ready; on a single processor they
     * seldom are. */
    for (unsigned tries = 1; tries <= 8 && peer_frames(fake.coordinator) >= messages; tries++) {
        run_threads(THREADS, call_blocking);
        messages = peer_seen(fake.coordinator, TX_MSG_SUBMIT) +
                   peer_seen(fake.coordinator, TX_MSG_BEGIN) +
                   peer_seen(fake.coordinator, TX_MSG_COMMIT_REQUEST) +
                   peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST);
        assert_int_equal(messages, tries * 3 * THREADS * ROUNDS);
    }
    assert_true(peer_frames(fake.coordinator) < messages);
}

static void count_call(void *arg, const txclient_result *result)
{
    atomic_uint *mine = arg;
    CHECK(result->status == TXCLIENT_OK);
    CHECK(result->values_n == 1 && result->values[0].len == 2);
    atomic_fetch_add(mine, 1);
    atomic_fetch_add(&callbacks, 1);
}

/* Submits and processes: its own callbacks, or those of others. */
static void *call_async(void *arg)
{
    atomic_uint mine = 0;
    txclient_batch *batch = new_batch();
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK(txclient_submit_async(client, batch, NULL, count_call, &mine) == TXCLIENT_OK);
        CHECK(txclient_submit_async(client, batch, NULL, count_call, &mine) == TXCLIENT_OK);
        (void)txclient_process(client, (int)(i % 3));
    }
    while (atomic_load(&mine) < 2 * ROUNDS) {
        (void)txclient_process(client, 1);
    }
    txclient_batch_free(&batch);
    return NULL;
}

/* The same with a loop around the descriptor. */
static void *call_polling(void *arg)
{
    atomic_uint mine = 0;
    txclient_batch *batch = new_batch();
    struct pollfd wait = {.fd = txclient_fd(client), .events = POLLIN};
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned before = atomic_load(&mine); /* another thread may call back at once */
        CHECK(txclient_submit_async(client, batch, NULL, count_call, &mine) == TXCLIENT_OK);
        while (atomic_load(&mine) == before) {
            CHECK(poll(&wait, 1, (int)pace_ms(10)) >= 0);
            (void)txclient_process(client, 0);
        }
    }
    txclient_batch_free(&batch);
    return NULL;
}

static void *call_mixed(void *arg)
{
    unsigned number = *(unsigned *)arg;
    return number % 4 == 0   ? call_async(arg)
           : number % 4 == 1 ? call_polling(arg)
                             : call_blocking(arg);
}

static void test_blocking_and_asynchronous_threads_share_a_handle(void **state)
{
    (void)state;
    atomic_store(&callbacks, 0);
    run_threads(THREADS, call_mixed);
    assert_int_equal(atomic_load(&callbacks), THREADS / 4 * ROUNDS * 3);
    assert_int_equal(txclient_in_flight(client), 0);
}

/* Its request is lost, and it is not sent again: it sleeps for as long as a commit may take. */
static void *call_lost(void *arg)
{
    txclient_batch *batch = new_batch();
    (void)arg;
    CHECK(txclient_submit(client, batch, NULL, NULL) == TXCLIENT_UNKNOWN);
    txclient_batch_free(&batch);
    return NULL;
}

static atomic_bool given_up;

static void *sleep_on(void *arg)
{
    (void)call_lost(arg);
    atomic_store(&given_up, true);
    return NULL;
}

/* Has none of ten calls waited until the sleeper's time was over? */
static bool others_are_done_before(void)
{
    pthread_t sleeper;
    unsigned before = peer_seen(fake.coordinator, TX_MSG_SUBMIT);
    atomic_store(&given_up, false);
    fake_lock(&fake);
    fake.ignore[TX_MSG_SUBMIT] = 1;
    fake_unlock(&fake);
    assert_int_equal(pthread_create(&sleeper, NULL, sleep_on, NULL), 0);
    while (peer_seen(fake.coordinator, TX_MSG_SUBMIT) == before) {
        (void)sched_yield();
    }
    txclient_batch *batch = new_batch();
    for (unsigned i = 0; i < 10; i++) {
        expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    }
    bool in_time = !atomic_load(&given_up);
    txclient_batch_free(&batch);
    assert_int_equal(pthread_join(sleeper, NULL), 0);
    return in_time;
}

/* A machine that stands still may keep them for as long, and not again and again. */
static void test_who_waits_for_all_is_woken_for_others(void **state)
{
    (void)state;
    bool in_time = false;
    atomic_store(&wrong, 0);
    for (int tries = 0; tries < 10 && !in_time; tries++) {
        in_time = others_are_done_before();
    }
    assert_true(in_time);
    assert_int_equal(atomic_load(&wrong), 0);
}

/* Time-outs are kept although somebody else does the waiting. */
static void *call_unanswered(void *arg)
{
    unsigned number = *(unsigned *)arg;
    txclient_batch *batch = new_batch();
    txclient_submit_options options = {.size = sizeof options,
                                       .timeout_ms = 1 + number * pace_ms(50),
                                       .idempotency_key = txclient_str("key")};
    CHECK(txclient_submit(client, batch, &options, NULL) == TXCLIENT_UNKNOWN);
    txclient_batch_free(&batch);
    return NULL;
}

static void test_every_thread_has_its_own_time(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.ignore[TX_MSG_SUBMIT] = 100000;
    fake_unlock(&fake);
    run_threads(THREADS, call_unanswered);
    fake_lock(&fake);
    fake.ignore[TX_MSG_SUBMIT] = 0;
    fake_unlock(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_blocking_threads_share_a_handle),
        TEST(test_blocking_and_asynchronous_threads_share_a_handle),
        TEST_LOSSY(test_who_waits_for_all_is_woken_for_others),
        TEST_LOSSY(test_every_thread_has_its_own_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
