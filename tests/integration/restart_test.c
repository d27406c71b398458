/* Daemons come and go: started in any order, restarted at rest and in the middle of transactions,
 * told to leave, killed. What became of a transaction can be found out afterwards. */
#include "tests/integration/work.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

static int two_participants(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    return 0;
}

/* Drain time and idle limit are so long that whatever ends has not just run out of them. */
static int two_serving(void **state)
{
    two_participants(state);
    /* Nor is somebody silent who takes long to come back. */
    daemon_set(&cluster, coordinator, "timers", "drain = 1h\npeer_down = 1h");
    daemon_set(&cluster, a, "timers", "drain = 1h");
    /* Nobody's locks may wait for the idle limit. */
    daemon_set(&cluster, a, "timers", "idle = 1h");
    daemon_set(&cluster, b, "timers", "idle = 1h");
    work_start();
    return 0;
}

static void restart(struct daemon *daemon, bool by_kill)
{
    if (by_kill)
        daemon_kill(daemon);
    else
        daemon_stop(daemon);
    daemon_start(daemon);
}

/* ---- any order ---- */

struct order {
    txclient *with;
    char key[32]; /* of the attempt whose outcome is open */
    int attempt;
};

/* Adds 1 on both sides, once: under the same key while the outcome is open, under a new one after
 * an abort. */
static bool counted(void *arg)
{
    struct order *order = arg;
    txclient_batch *batch = txclient_batch_new();
    txclient_submit_options options = {.size = sizeof options};
    txclient_status status;

    snprintf(order->key, sizeof order->key, "count-%d", order->attempt);
    options.idempotency_key = txclient_str(order->key);
    txclient_batch_add(batch, AT("a", "n"), 1, NULL, NULL);
    txclient_batch_add(batch, AT("b", "n"), 1, NULL, NULL);
    status = txclient_submit(order->with, batch, &options, NULL);
    txclient_batch_free(&batch);
    if (status == TXCLIENT_ABORTED) {
        assert_true(txclient_reason_transient(txclient_detail(order->with)->reason));
        order->attempt++;
    } else if (status != TXCLIENT_OK && status != TXCLIENT_UNKNOWN &&
               status != TXCLIENT_EUNREACHABLE) {
        expect_of(order->with, status, TXCLIENT_OK);
    }
    if (status != TXCLIENT_OK)
        assert_string_not_equal(txclient_detail(order->with)->text, "");
    return status == TXCLIENT_OK;
}

static void test_any_order_of_start(void **state)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct daemon *daemons[3] = {coordinator, a, b};
    struct order order = {.attempt = 0};
    char sum[16];

    (void)state;
    client = work_client(coordinator);
    order.with = work_quick_client(coordinator);
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 3; j++) {
            assert_false(counted(&order));
            daemon_spawn(daemons[orders[i][j]], NULL);
        }
        assert_true(wait_until(counted, &order, WORK_MS));
        order.attempt++;
        snprintf(sum, sizeof sum, "%d", i + 1);
        work_holds(client, "a", "n", sum);
        work_holds(client, "b", "n", sum);
        for (int j = 0; j < 3; j++) {
            assert_true(daemon_says(daemons[j], "msg=serving", WORK_MS));
            daemon_stop(daemons[j]);
        }
    }
    txclient_close(&order.with);
}

/* ---- outcomes ---- */

enum kind { TWO, ONE_PHASE, ABORTED, READ_ONLY, KINDS_N };

/* Runs a transaction of the kind to its end; gives its reference, which the caller frees. */
static char *run(enum kind kind)
{
    txclient_tx *tx = work_begin(client);
    char *reference;

    if (kind == READ_ONLY) {
        expect(txclient_get(tx, AT("a", "o"), NULL), TXCLIENT_OK);
        expect(txclient_get(tx, AT("b", "o"), NULL), TXCLIENT_OK);
    } else {
        expect(txclient_put(tx, AT("a", "o"), txclient_str("1")), TXCLIENT_OK);
        if (kind != ONE_PHASE)
            expect(txclient_put(tx, AT("b", "o"), txclient_str("1")), TXCLIENT_OK);
    }
    reference = strdup(txclient_tx_reference(tx));
    assert_non_null(reference);
    expect(kind == ABORTED ? txclient_abort(tx) : txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    return reference;
}

static void outcomes_after(bool by_kill)
{
    char *references[KINDS_N];

    for (int kind = 0; kind < KINDS_N; kind++)
        references[kind] = run((enum kind)kind);
    restart(coordinator, by_kill);
    assert_int_equal(work_outcome(client, references[TWO]), TXCLIENT_OK);
    assert_int_equal(work_outcome(client, references[ONE_PHASE]), TXCLIENT_OK);
    assert_int_equal(work_outcome(client, references[ABORTED]), TXCLIENT_ABORTED);
    /* It left no record, and "aborted" is as true of what had no effect. */
    assert_int_equal(work_outcome(client, references[READ_ONLY]), TXCLIENT_ABORTED);
    for (int kind = 0; kind < KINDS_N; kind++)
        free(references[kind]);
}

static void test_outcomes_after_a_restart(void **state)
{
    (void)state;
    outcomes_after(false);
}

static void test_outcomes_after_kill(void **state)
{
    (void)state;
    outcomes_after(true);
}

static void test_outcomes_of_what_never_began(void **state)
{
    char id[48];

    (void)state;
    restart(coordinator, false);
    work_await_all_up(coordinator);
    /* Of an older epoch: had it committed, a record would be here. */
    assert_int_equal(work_outcome(client, "1-1-999999@a,b"), TXCLIENT_ABORTED);
    assert_int_equal(work_outcome(client, "1-1-999999@a"), TXCLIENT_ABORTED);
    /* Without the participants nothing is proved: it may be a forgotten one-phase transaction. */
    expect(txclient_outcome(client, "1-1-999999", 0), TXCLIENT_UNKNOWN);
    expect(txclient_outcome(client, "1-1-999999@nobody", 0), TXCLIENT_UNKNOWN);
    /* Ids of epochs that this directory has never been at: another copy of it may have been. */
    expect(txclient_outcome(client, "1-2-1@a,b", 0), TXCLIENT_UNKNOWN);
    assert_non_null(strstr(txclient_detail(client)->text, "has never been at epoch 2"));
    expect(txclient_outcome(client, "1-9000000000000-1@a,b", 0), TXCLIENT_UNKNOWN);
    expect(txclient_outcome(client, "1-9000000000000-1@a", 0), TXCLIENT_UNKNOWN);
    /* Ids that nobody can have been given. */
    (void)snprintf(id, sizeof id, "1-%" PRIu64 "-999999@a,b", work_number(coordinator, "epoch"));
    expect(txclient_outcome(client, id, 0), TXCLIENT_EREFUSED);
    expect(txclient_outcome(client, "2-1-1@a,b", 0), TXCLIENT_EREFUSED);
    assert_non_null(strstr(txclient_detail(client)->text, "coordinator 2"));
}

static void test_idempotency_keys_outlive_the_coordinator(void **state)
{
    static const char *const places[] = {"ab", "a"};
    txclient_submit_options options = {.size = sizeof options};

    (void)state;
    for (int i = 0; i < 4; i++) {
        const char *at = places[i % 2];
        txclient_batch *batch = txclient_batch_new();
        char key[16];

        snprintf(key, sizeof key, "order-%d", i);
        options.idempotency_key = txclient_str(key);
        for (const char *p = at; *p != '\0'; p++)
            txclient_batch_add(batch, AT(((char[]){*p, '\0'}), key), 7, NULL, NULL);
        work_await_all_up(coordinator);
        expect(txclient_submit(client, batch, &options, NULL), TXCLIENT_OK);
        for (int again = 0; again < 2; again++) {
            restart(coordinator, i >= 2);
            expect(txclient_submit(client, batch, &options, NULL), TXCLIENT_OK);
        }
        for (const char *p = at; *p != '\0'; p++)
            work_holds(client, (char[]){*p, '\0'}, key, "7");
        txclient_batch_free(&batch);
    }
}

/* ---- restarted under an interactive transaction ---- */

static void test_participant_restarts_between_operations(void **state)
{
    txclient_tx *tx = work_begin(client);

    (void)state;
    expect(txclient_put(tx, AT("a", "k"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", "k"), txclient_str("1")), TXCLIENT_OK);
    restart(a, true);
    expect_aborted(txclient_put(tx, AT("a", "l"), txclient_str("1")), TXCLIENT_REASON_RESTARTED);
    assert_string_equal(txclient_detail(client)->participant, "a");
    expect_aborted(txclient_commit(tx), TXCLIENT_REASON_RESTARTED);
    txclient_tx_close(&tx);
    work_holds(client, "a", "k", NULL);
    work_holds(client, "b", "k", NULL);
    work_await_quiet();
}

static void test_participant_restarts_before_commit(void **state)
{
    (void)state;
    for (int members = 1; members <= 2; members++) {
        txclient_tx *tx = work_begin(client);

        if (members == 2)
            expect(txclient_put(tx, AT("b", "k"), txclient_str("1")), TXCLIENT_OK);
        expect(txclient_put(tx, AT("a", "k"), txclient_str("1")), TXCLIENT_OK);
        restart(a, true);
        expect_aborted(txclient_commit(tx), TXCLIENT_REASON_RESTARTED);
        assert_string_equal(txclient_detail(client)->participant, "a");
        txclient_tx_close(&tx);
    }
    work_holds(client, "a", "k", NULL);
    work_holds(client, "b", "k", NULL);
    work_await_quiet();
}

static void test_coordinator_restarts_before_commit(void **state)
{
    txclient_tx *tx = work_begin(client);
    txclient_status status;

    (void)state;
    expect(txclient_put(tx, AT("a", "k"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", "k"), txclient_str("1")), TXCLIENT_OK);
    restart(coordinator, true);
    status = txclient_commit(tx);
    if (status == TXCLIENT_UNKNOWN) {
        char *reference = strdup(txclient_tx_reference(tx));

        status = work_outcome(client, reference);
        free(reference);
    }
    expect(status, TXCLIENT_ABORTED);
    txclient_tx_close(&tx);
    work_await_quiet();
    work_holds(client, "a", "k", NULL);
    work_holds(client, "b", "k", NULL);
}

/* ---- told to leave ---- */

static void expect_leaves(struct daemon *daemon)
{
    int status = -1;

    if (!daemon_wait(daemon, WORK_MS, &status))
        fail_msg("%s does not leave", daemon->name);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_participant_drains(void **state)
{
    txclient *other = work_client(coordinator);
    txclient_tx *tx = work_begin(client), *late = work_begin(other);

    (void)state;
    expect(txclient_put(tx, AT("a", "k"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", "k"), txclient_str("1")), TXCLIENT_OK);
    daemon_signal(a, SIGTERM);
    work_await_field(a, "refusing", "draining");
    expect_aborted_of(other, txclient_put(late, AT("a", "l"), txclient_str("1")),
                      TXCLIENT_REASON_DRAINING);
    txclient_tx_close(&late);
    expect_aborted_of(other, work_put(other, "ab", "l", "1"), TXCLIENT_REASON_DRAINING);
    assert_string_equal(txclient_detail(other)->participant, "a");
    expect(txclient_put(tx, AT("a", "m"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    txclient_close(&other);
    expect_leaves(a);
    assert_true(daemon_says(a, "drained, leaving", 0));
    daemon_start(a);
    work_holds(client, "a", "m", "1");
    work_holds(client, "b", "k", "1");
    work_holds(client, "b", "l", NULL);
}

static void test_coordinator_drains(void **state)
{
    txclient *other = work_client(coordinator);
    txclient_tx *tx = work_begin(client), *late = NULL;

    (void)state;
    expect(txclient_put(tx, AT("a", "k"), txclient_str("1")), TXCLIENT_OK);
    daemon_signal(coordinator, SIGTERM);
    work_await_field(coordinator, "state", "draining");
    expect_of(other, txclient_begin(other, NULL, &late), TXCLIENT_EREFUSED);
    assert_int_equal(txclient_detail(other)->reason, TXCLIENT_REASON_DRAINING);
    expect_of(other, work_put(other, "ab", "l", "1"), TXCLIENT_EREFUSED);
    assert_int_equal(txclient_detail(other)->reason, TXCLIENT_REASON_DRAINING);
    txclient_close(&other);
    expect(txclient_put(tx, AT("b", "k"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    expect_leaves(coordinator);
    daemon_start(coordinator);
    work_holds(client, "a", "k", "1");
    work_holds(client, "b", "k", "1");
}

static void test_sigterm_with_nothing_open(void **state)
{
    struct daemon *daemons[] = {a, coordinator};

    (void)state;
    work_put_surely(client, "ab", "k", "1");
    for (int i = 0; i < 2; i++) {
        daemon_signal(daemons[i], SIGTERM);
        expect_leaves(daemons[i]);
        assert_true(daemon_says(daemons[i], "drained, leaving", 0));
    }
}

static void test_sigint_leaves_at_once(void **state)
{
    txclient_tx *tx = work_begin(client);
    struct daemon *daemons[] = {a, coordinator};

    (void)state;
    expect(txclient_put(tx, AT("a", "k"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", "k"), txclient_str("1")), TXCLIENT_OK);
    for (int i = 0; i < 2; i++) {
        daemon_signal(daemons[i], SIGINT);
        expect_leaves(daemons[i]);
        daemon_start(daemons[i]);
    }
    assert_int_not_equal(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    work_await_quiet();
    work_holds(client, "a", "k", NULL);
    work_holds(client, "b", "k", NULL);
}

/* A participant does not know a coordinator that has just started, for a moment; the client does
 * not see that. */
static void test_operations_right_after_a_start(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        restart(coordinator, true);
        txclient_tx *tx = work_begin(client);
        expect(txclient_put(tx, AT("a", "soon"), txclient_str("1")), TXCLIENT_OK);
        expect(txclient_put(tx, AT("b", "soon"), txclient_str("1")), TXCLIENT_OK);
        expect(txclient_commit(tx), TXCLIENT_OK);
        txclient_tx_close(&tx);
    }
}

static void test_ten_kills_in_a_row(void **state)
{
    struct daemon *daemons[3] = {coordinator, a, b};
    char key[16];

    (void)state;
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof key, "kill-%d", i);
        work_put_surely(client, i % 3 == 2 ? "a" : "ab", key, "kept");
        for (int j = 0; j < 3; j++)
            daemon_kill(daemons[(i + j) % 3]);
        for (int j = 0; j < 3; j++)
            daemon_start(daemons[(2 * i + j) % 3]);
    }
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof key, "kill-%d", i);
        work_holds(client, "a", key, "kept");
        work_holds(client, "b", key, i % 3 == 2 ? NULL : "kept");
    }
    work_await_quiet();
}

#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(two_participants, test_any_order_of_start),
        WITH(two_serving, test_outcomes_after_a_restart),
        WITH(two_serving, test_outcomes_after_kill),
        WITH(two_serving, test_outcomes_of_what_never_began),
        WITH(two_serving, test_idempotency_keys_outlive_the_coordinator),
        WITH(two_serving, test_participant_restarts_between_operations),
        WITH(two_serving, test_participant_restarts_before_commit),
        WITH(two_serving, test_coordinator_restarts_before_commit),
        WITH(two_serving, test_participant_drains),
        WITH(two_serving, test_coordinator_drains),
        WITH(two_serving, test_sigterm_with_nothing_open),
        WITH(two_serving, test_sigint_leaves_at_once),
        WITH(two_serving, test_operations_right_after_a_start),
        WITH(two_serving, test_ten_kills_in_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
