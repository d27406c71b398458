/* Participants in doubt: they hold their locks while nobody can tell, say so, disturb nobody else,
 * and settle as soon as somebody can tell. Two coordinators serve the same participants. What the
 * members decide leaves nobody in doubt for long: see members_decide_test.c. */
#include "tests/integration/answered.h"
#include "tests/integration/work.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct daemon *const first = &cluster.coordinator;
static struct daemon *const second = &cluster.second;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

/* `client` is of the second coordinator: the first one comes and goes. */
static int two_coordinators(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    cluster_add_coordinator(&cluster);
    /* A participant that is held up is no reason to abort here. */
    daemon_set(&cluster, first, "timers", "peer_down = 1h\nprepare = 1h");
    cluster_start(&cluster);
    daemon_start(second);
    work_await_all_up(first);
    work_await_all_up(second);
    client = work_client(second);
    work_put_surely(client, "ab", "k", "old");
    return 0;
}

/* Both members stay in doubt only while they need the decision of a coordinator. */
static int first_decides(void **state)
{
    (void)two_coordinators(state);
    work_decides_by_itself(first);
    return 0;
}

/* ---- both at work ---- */

#define ACCOUNTS  4
#define TRANSFERS 40
#define WORKERS   6

struct worker {
    pthread_t thread;
    unsigned seed;
    int committed;
};

static txclient_status transfer(txclient_tx *tx, void *arg)
{
    const struct worker *worker = arg;
    bool swap = worker->seed / ACCOUNTS % 2 != 0;
    char key[16];
    txclient_status status;

    snprintf(key, sizeof key, "acct%u", worker->seed % ACCOUNTS);
    status = txclient_add(tx, AT(swap ? "a" : "b", key), -1, NULL, NULL, NULL);
    if (status != TXCLIENT_OK)
        return status;
    return txclient_add(tx, AT(swap ? "b" : "a", key), 1, NULL, NULL, NULL);
}

static void *transfers(void *arg)
{
    struct worker *worker = arg;
    txclient *own = work_client(worker->seed % 2 != 0 ? first : second);
    txclient_retry_options retry = {
        .size = sizeof retry, .attempts_max = 1000, .time_max_ms = WORK_MS};

    for (int i = 0; i < TRANSFERS; i++) {
        if (txclient_run(own, &retry, transfer, worker) == TXCLIENT_OK)
            worker->committed++;
        worker->seed = worker->seed * 1103515245u + 12345u;
    }
    txclient_close(&own);
    return NULL;
}

static void test_conflicts_between_two_coordinators(void **state)
{
    static const char *const names[] = {"a", "b"};
    struct worker workers[WORKERS] = {0};
    txclient_batch *batch = txclient_batch_new();
    txclient_value values[2 * ACCOUNTS];
    long sum = 0;

    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].seed = i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, transfers, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(workers[i].committed, TRANSFERS);
    for (int i = 0; i < 2 * ACCOUNTS; i++) {
        char key[16];

        snprintf(key, sizeof key, "acct%d", i / 2);
        txclient_batch_get(batch, AT(names[i % 2], key));
    }
    expect(submit_answered(client, batch, NULL, values), TXCLIENT_OK);
    txclient_batch_free(&batch);
    for (int i = 0; i < 2 * ACCOUNTS; i++) {
        char text[32] = "";

        memcpy(text, values[i].data, values[i].len);
        sum += strtol(text, NULL, 10);
    }
    assert_int_equal(sum, 0);
    work_await_quiet();
}

/* ---- in doubt ---- */

/* A transaction of the first coordinator that writes "new" to "k" on both sides; its client is not
 * told the outcome, or, if it `may` be told, that it has committed. Gives its reference, which the
 * caller frees. */
static char *commit_untold(bool may)
{
    txclient *own = work_doubting_client(first);
    txclient_status status;
    txclient_tx *tx = work_begin(own);
    char *reference;

    expect_of(own, txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    expect_of(own, txclient_put(tx, AT("b", "k"), txclient_str("new")), TXCLIENT_OK);
    reference = strdup(txclient_tx_reference(tx));
    assert_non_null(reference);
#ifndef ASSENT_CRASH_POINTS
    daemon_signal(b, SIGSTOP); /* holds back its vote */
#endif
    status = txclient_commit(tx);
    if (!may || status != TXCLIENT_OK)
        expect_of(own, status, TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
    txclient_close(&own);
    return reference;
}

/* Leaves both participants in doubt and the first coordinator dead. Without crash points it can
 * only be made to die before the decision. */
static char *leave_both_in_doubt(const char *crash_point)
{
    char *reference;
#ifdef ASSENT_CRASH_POINTS
    int status;

    daemon_stop(first);
    daemon_spawn(first, crash_point);
    assert_true(daemon_says(first, "msg=serving", WORK_MS));
    work_await_all_up(first);
    reference = commit_untold(false);
    assert_true(daemon_wait(first, WORK_MS, &status));
#else
    (void)crash_point;
    work_await_all_up(first);
    reference = commit_untold(false);
    work_await_field(a, "prepared", "1");
    work_await_sent(first); /* b is asked, too */
    daemon_signal(first, SIGSTOP);
    daemon_signal(b, SIGCONT);
    work_await_field(b, "prepared", "1");
    daemon_kill(first);
#endif
    work_await_field(a, "prepared", "1");
    work_await_field(b, "prepared", "1");
    return reference;
}

struct doubt {
    unsigned long over_ms;
};

static bool doubt_is_older(void *arg)
{
    const struct doubt *doubt = arg;
    char text[32];

    return work_field(a, "oldest_prepared_ms", text, sizeof text) &&
           strtoul(text, NULL, 10) > doubt->over_ms;
}

/* Writes under a lock timeout that a free key does not need. */
static txclient_status put_impatiently(const char *participant, const char *key)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_submit_options options = {.size = sizeof options, .lock_timeout_ms = 300};
    txclient_status status;

    txclient_batch_put(batch, AT(participant, key), txclient_str("later"));
    status = txclient_submit(client, batch, &options, NULL);
    txclient_batch_free(&batch);
    return status;
}

static void expect_in_doubt(void)
{
    struct doubt doubt = {.over_ms = 1500};

    expect_aborted(put_impatiently("a", "k"), TXCLIENT_REASON_LOCK_TIMEOUT);
    expect_aborted(put_impatiently("b", "k"), TXCLIENT_REASON_LOCK_TIMEOUT);
    work_put_surely(client, "ab", "other", "1");
    work_holds(client, "a", "other", "1");
    assert_true(wait_until(doubt_is_older, &doubt, WORK_MS));
    assert_true(daemon_says(a, "has not told the decision", WORK_MS));
    work_await_field(a, "prepared", "1");
    work_await_field(b, "prepared", "1");
}

/* Not by asking around, not by a restart. */
static void expect_doubt_outlives_a_restart(void)
{
    daemon_kill(a);
    daemon_start(a);
    /* The first attempt may still meet the old incarnation. */
    work_put_surely(client, "a", "other", "2");
    work_await_field(a, "prepared", "1");
    expect_aborted(put_impatiently("a", "k"), TXCLIENT_REASON_LOCK_TIMEOUT);
}

static void settles(const char *crash_point, txclient_status outcome, const char *value)
{
    char *reference = leave_both_in_doubt(crash_point);
    txclient *own;

    expect_in_doubt();
    assert_true(daemon_says(a, "every other member is in doubt as well", WORK_MS));
    expect_doubt_outlives_a_restart();
    daemon_start(first);
    work_await_quiet();
    work_holds(client, "a", "k", value);
    work_holds(client, "b", "k", value);
    own = work_client(first);
    assert_int_equal(work_outcome(own, reference), outcome);
    txclient_close(&own);
    expect(put_impatiently("a", "k"), TXCLIENT_OK);
    free(reference);
}

static void test_settled_as_aborted(void **state)
{
    (void)state;
    settles("log:COMMIT:before", TXCLIENT_ABORTED, "old");
}

#ifdef ASSENT_CRASH_POINTS
static void test_settled_as_committed(void **state)
{
    (void)state;
    settles("log:COMMIT:after", TXCLIENT_OK, "new");
}

/* One of them has heard the decision before the coordinator died, and tells the other. The answer
 * to the client has left before; a client that has not read it when the connection ends never will
 * (client/client_channel.c). */
static void test_a_peer_tells_the_commit(void **state)
{
    txclient *own;
    char *reference;
    int status;

    (void)state;
    daemon_stop(first);
    daemon_spawn(first, "send:COMMIT:after");
    assert_true(daemon_says(first, "msg=serving", WORK_MS));
    work_await_all_up(first);
    reference = commit_untold(true);
    assert_true(daemon_wait(first, WORK_MS, &status));
    work_await_field(a, "prepared", "0");
    work_await_field(b, "prepared", "0");
    work_holds(client, "a", "k", "new");
    work_holds(client, "b", "k", "new");
    daemon_start(first);
    work_await_quiet();
    own = work_client(first);
    assert_int_equal(work_outcome(own, reference), TXCLIENT_OK);
    txclient_close(&own);
    free(reference);
}
#endif

/* The coordinator dies before its decision, and one participant never got as far as preparing: it
 * says NO for good, and the other aborts without the coordinator. */
static void test_a_peer_that_never_prepared_tells_no(void **state)
{
    txclient *own = work_doubting_client(first);
    txclient_tx *tx = work_begin(own);
    char *reference;

    (void)state;
    expect_of(own, txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    expect_of(own, txclient_put(tx, AT("b", "k"), txclient_str("new")), TXCLIENT_OK);
    reference = strdup(txclient_tx_reference(tx));
    assert_non_null(reference);
    daemon_signal(b, SIGSTOP);
    expect_of(own, txclient_commit(tx), TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
    txclient_close(&own);
    work_await_field(a, "prepared", "1");
    daemon_kill(first);
    daemon_kill(b);
    daemon_start(b);
    work_await_field(a, "prepared", "0");
    work_await_field(a, "locks_held", "0");
    work_await_peer(second, "b", "up");
    work_holds(client, "a", "k", "old");
    work_holds(client, "b", "k", "old");
    expect(put_impatiently("a", "k"), TXCLIENT_OK);
    daemon_start(first);
    own = work_client(first);
    assert_int_equal(work_outcome(own, reference), TXCLIENT_ABORTED);
    txclient_close(&own);
    work_await_quiet();
    free(reference);
}

#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(two_coordinators, test_conflicts_between_two_coordinators),
        WITH(first_decides, test_settled_as_aborted),
#ifdef ASSENT_CRASH_POINTS
        WITH(first_decides, test_settled_as_committed),
        WITH(first_decides, test_a_peer_tells_the_commit),
        WITH(two_coordinators, test_a_peer_tells_the_commit),
#endif
        WITH(first_decides, test_a_peer_that_never_prepared_tells_no),
        WITH(two_coordinators, test_a_peer_that_never_prepared_tells_no),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
