/* Daemons that do not answer, at every stage of a transaction: dead, or hanging for a while. The
 * client hears something definite, or UNKNOWN and then the truth; nothing is half done. */
#include "tests/integration/work.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

static txclient *quick; /* gives up soon */

static int two_participants(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    daemon_set(&cluster, coordinator, "timers", "peer_down = 5s");
    /* What b has not been made to write stays unwritten for long. */
    daemon_set(&cluster, b, "storage", "lazy = 1s");
    work_start();
    quick = work_quick_client(coordinator);
    work_put_surely(client, "ab", "k", "old");
    work_holds(quick, "a", "k", "old"); /* connected before anybody falls silent */
    return 0;
}

/* A decision of the coordinator alone: a participant that does not vote is given up. Where the
 * members decide nobody may do that for it, and the client waits. */
static int coordinator_decides(void **state)
{
    (void)two_participants(state);
    work_decides_by_itself(coordinator);
    return 0;
}

static int teardown(void **state)
{
    txclient_close(&quick);
    return work_teardown(state);
}

static void expect_untouched(void)
{
    work_await_quiet();
    work_holds(client, "a", "k", "old");
    work_holds(client, "b", "k", "old");
}

struct opening {
    txclient *with;
    const char *at;
    txclient_tx *tx;
};

/* Everybody runs; but who has little patience may find a busy machine too slow. */
static bool is_open(void *arg)
{
    struct opening *opening = arg;
    txclient_status status = txclient_begin(opening->with, NULL, &opening->tx);

    for (const char *at = opening->at; *at != '\0' && status == TXCLIENT_OK; at++)
        status = txclient_put(opening->tx, AT(((char[]){*at, '\0'}), "k"), txclient_str("new"));
    if (status != TXCLIENT_OK)
        txclient_tx_close(&opening->tx);
    return status == TXCLIENT_OK;
}

/* A transaction that has put "new" under k at each of these. */
static txclient_tx *open_at(txclient *with, const char *at)
{
    struct opening opening = {with, at, NULL};

    if (!wait_until(is_open, &opening, WORK_MS))
        fail_msg("no transaction at %s: %s", at, txclient_detail(with)->text);
    return opening.tx;
}

static txclient_tx *open_on_both(txclient *with)
{
    return open_at(with, "ab");
}

/* ---- a participant ---- */

static void test_participant_down_at_begin(void **state)
{
    txclient_tx *tx;

    (void)state;
    daemon_kill(b);
    work_await_peer(coordinator, "b", "down");
    assert_true(daemon_says(coordinator, "participant b is down", 0));
    expect_aborted(work_put(client, "ab", "k", "new"), TXCLIENT_REASON_UNREACHABLE);
    assert_string_equal(txclient_detail(client)->participant, "b");
    assert_non_null(strstr(txclient_detail(client)->text, b->address));
    tx = open_at(quick, "a");
    expect_aborted_of(quick, txclient_put(tx, AT("b", "k"), txclient_str("new")),
                      TXCLIENT_REASON_UNREACHABLE);
    assert_string_equal(txclient_detail(quick)->participant, "b");
    txclient_tx_close(&tx);
    /* The other one is not held up. */
    expect(work_put(client, "a", "alone", "1"), TXCLIENT_OK);
    daemon_start(b);
    expect_untouched();
}

static void test_participant_dies_during_operations(void **state)
{
    txclient_tx *tx = open_on_both(quick);
    txclient_status status;

    (void)state;
    daemon_kill(b);
    status = txclient_put(tx, AT("b", "l"), txclient_str("new"));
    expect_of(quick, status, TXCLIENT_ABORTED);
    assert_true(txclient_reason_transient(txclient_detail(quick)->reason));
    assert_string_equal(txclient_detail(quick)->participant, "b");
    expect_of(quick, txclient_commit(tx), TXCLIENT_ABORTED);
    txclient_tx_close(&tx);
    expect(work_put(client, "a", "k", "free"), TXCLIENT_OK);
    expect(work_put(client, "a", "k", "old"), TXCLIENT_OK);
    daemon_start(b);
    expect_untouched();
}

static void test_participant_hangs_during_operations(void **state)
{
    txclient_tx *tx = open_on_both(quick);

    (void)state;
    daemon_signal(b, SIGSTOP);
    expect_aborted_of(quick, txclient_put(tx, AT("b", "l"), txclient_str("new")),
                      TXCLIENT_REASON_TIMEOUT);
    txclient_tx_close(&tx);
    daemon_signal(b, SIGCONT);
    expect_untouched();
    work_holds(client, "b", "l", NULL);
}

static void test_participant_dies_at_prepare(void **state)
{
    txclient_tx *tx = open_on_both(client);

    (void)state;
    daemon_kill(b);
    expect_aborted(txclient_commit(tx), TXCLIENT_REASON_UNREACHABLE);
    assert_string_equal(txclient_detail(client)->participant, "b");
    txclient_tx_close(&tx);
    daemon_start(b);
    expect_untouched();
}

/* It hangs for longer than the coordinator waits for it, and goes on as if nothing had been. */
static void test_participant_hangs_at_prepare(void **state)
{
    txclient_tx *tx = open_on_both(client);

    (void)state;
    daemon_signal(b, SIGSTOP);
    expect_aborted(txclient_commit(tx), TXCLIENT_REASON_UNREACHABLE);
    assert_true(daemon_says(coordinator, "participant b is down", 0));
    txclient_tx_close(&tx);
    daemon_signal(b, SIGCONT);
    work_await_peer(coordinator, "b", "up");
    expect_untouched();
}

static void test_participant_hangs_under_a_one_shot(void **state)
{
    (void)state;
    daemon_signal(b, SIGSTOP);
    expect_aborted(work_put(client, "ab", "k", "new"), TXCLIENT_REASON_UNREACHABLE);
    assert_string_equal(txclient_detail(client)->participant, "b");
    daemon_signal(b, SIGCONT);
    work_await_peer(coordinator, "b", "up");
    expect_untouched();
}

/* Where the members decide: UNKNOWN while b is away, and then the truth. What had not reached b is
 * refused by its next start. */
static void test_member_dies_at_prepare(void **state)
{
    txclient_tx *tx = open_on_both(quick);
    char *reference = strdup(txclient_tx_reference(tx));

    (void)state;
    daemon_kill(b);
    expect_of(quick, txclient_commit(tx), TXCLIENT_UNKNOWN);
    assert_string_equal(txclient_detail(quick)->reference, reference);
    txclient_tx_close(&tx);
    work_await_field(coordinator, "preventing", "1");
    work_await_field(a, "prepared", "1");
    daemon_start(b);
    assert_int_equal(work_outcome(client, reference), TXCLIENT_ABORTED);
    free(reference);
    expect_untouched();
}

/* Here and there the same, and all of it or nothing. */
static void expect_one_value(const char *value)
{
    work_await_quiet();
    work_holds(client, "a", "k", value);
    work_holds(client, "b", "k", value);
}

/* It goes on as if nothing had been, and what it hears of first counts: PREPARE, or INQUIRE. */
static void test_member_hangs_at_prepare(void **state)
{
    txclient_tx *tx = open_on_both(quick);
    char *reference = strdup(txclient_tx_reference(tx));
    txclient_status status;

    (void)state;
    daemon_signal(b, SIGSTOP);
    expect_of(quick, txclient_commit(tx), TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
    work_await_field(coordinator, "preventing", "1");
    daemon_signal(b, SIGCONT);
    status = work_outcome(client, reference);
    assert_true(status == TXCLIENT_OK || status == TXCLIENT_ABORTED);
    free(reference);
    expect_one_value(status == TXCLIENT_OK ? "new" : "old");
}

/* Without a key its client cannot find out; but it ends, the same on both sides. */
static void test_member_hangs_under_a_one_shot(void **state)
{
    uint64_t before, after;

    (void)state;
    work_await_quiet();
    before = work_number(coordinator, "committed_total");
    daemon_signal(b, SIGSTOP);
    expect_of(quick, work_put(quick, "ab", "k", "new"), TXCLIENT_UNKNOWN);
    assert_non_null(strstr(txclient_detail(quick)->text, "no way to find out"));
    work_await_field(coordinator, "preventing", "1");
    daemon_signal(b, SIGCONT);
    work_await_field(coordinator, "preventing", "0");
    after = work_number(coordinator, "committed_total");
    expect_one_value(after == before ? "old" : "new");
}

/* One-phase: the outcome is the participant's to say, so the client waits or hears UNKNOWN. */
static void test_participant_hangs_in_one_phase(void **state)
{
    txclient_tx *tx = open_at(quick, "b");
    char *reference;
    txclient_status status;

    (void)state;
    reference = strdup(txclient_tx_reference(tx));
    daemon_signal(b, SIGSTOP);
    expect_of(quick, txclient_commit(tx), TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
    work_await_peer(coordinator, "b", "down");
    daemon_signal(b, SIGCONT);
    status = work_outcome(client, reference);
    assert_true(status == TXCLIENT_OK || status == TXCLIENT_ABORTED);
    work_await_quiet();
    work_holds(client, "b", "k", status == TXCLIENT_OK ? "new" : "old");
    free(reference);
}

/* The client has its answer; what the participant has not yet written of it is told again. */
static void test_participant_dies_after_the_decision(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        char value[16];

        snprintf(value, sizeof value, "new%d", i);
        work_await_peer(coordinator, "b", "up");
        work_put_surely(client, "ab", "k", value);
        daemon_kill(b);
        work_holds(client, "a", "k", value);
        daemon_start(b);
        work_holds(client, "b", "k", value);
        work_await_quiet();
    }
}

#ifdef ASSENT_CRASH_POINTS
/* The same where it is certain that nothing of the decision was written. */
static void test_participant_dies_before_it_writes_the_decision(void **state)
{
    int status;

    (void)state;
    daemon_stop(b);
    daemon_spawn(b, "log:COMMITTED:before");
    assert_true(daemon_says(b, "msg=serving", WORK_MS));
    work_await_peer(coordinator, "b", "up");
    work_put_surely(client, "ab", "k", "new");
    assert_true(daemon_wait(b, WORK_MS, &status));
    work_await_field(coordinator, "committed", "1");
    work_await_peer(coordinator, "b", "down");
    work_await_field(coordinator, "committed", "1");
    daemon_start(b);
    work_await_quiet();
    work_holds(client, "a", "k", "new");
    work_holds(client, "b", "k", "new");
}
#endif

/* ---- the coordinator ---- */

/* What leaves before the client's side has noticed that the connection has ended is lost with it.
 */
static bool has_noticed(void *arg)
{
    txclient_tx *tx = NULL;
    txclient_status status = txclient_begin(quick, NULL, &tx);

    (void)arg;
    assert_null(tx);
    if (status == TXCLIENT_ETIMEOUT)
        return false;
    expect_of(quick, status, TXCLIENT_EUNREACHABLE);
    return true;
}

static void test_coordinator_down_at_begin(void **state)
{
    (void)state;
    daemon_kill(coordinator);
    assert_true(wait_until(has_noticed, NULL, WORK_MS));
    assert_non_null(strstr(txclient_detail(quick)->text, coordinator->address));
    expect_of(quick, work_put(quick, "ab", "k", "new"), TXCLIENT_EUNREACHABLE);
    expect_of(quick, txclient_outcome(quick, "1-1-1@a,b", 0), TXCLIENT_EUNREACHABLE);
    daemon_start(coordinator);
    expect_untouched();
}

static void test_coordinator_hangs_at_begin(void **state)
{
    txclient_tx *tx = NULL;

    (void)state;
    daemon_signal(coordinator, SIGSTOP);
    expect_of(quick, txclient_begin(quick, NULL, &tx), TXCLIENT_ETIMEOUT);
    assert_null(tx);
    assert_non_null(strstr(txclient_detail(quick)->text, coordinator->address));
    /* Again with a connection that stands: it has not been silent for long enough to be given up.
     */
    daemon_signal(coordinator, SIGCONT);
    work_holds(quick, "a", "k", "old");
    daemon_signal(coordinator, SIGSTOP);
    expect_of(quick, work_put(quick, "ab", "m", "new"), TXCLIENT_UNKNOWN);
    daemon_signal(coordinator, SIGCONT);
    expect_untouched();
}

/* What stands still hears nobody, and must not hold that against anybody. */
static void test_nobody_is_down_for_a_coordinator_that_hangs(void **state)
{
    (void)state;
    daemon_signal(coordinator, SIGSTOP);
    poll(NULL, 0, 6000); /* longer than peer_down: what it hangs */
    daemon_signal(coordinator, SIGCONT);
    work_put_surely(client, "ab", "k", "new");
    work_holds(client, "a", "k", "new");
    assert_false(daemon_says(coordinator, "is down: no word", 0));
}

/* Whether the commit is refused, hangs or is lost with the coordinator: a definite answer, or
 * UNKNOWN and then a definite one. */
static void coordinator_gone_at_commit(bool hangs)
{
    txclient_tx *tx = open_on_both(quick);
    char *reference = strdup(txclient_tx_reference(tx));
    txclient_status status;

    if (hangs)
        daemon_signal(coordinator, SIGSTOP);
    else
        daemon_kill(coordinator);
    status = txclient_commit(tx);
    if (hangs)
        expect_of(quick, status, TXCLIENT_UNKNOWN);
    else
        assert_true(status == TXCLIENT_UNKNOWN || status == TXCLIENT_ABORTED);
    if (status == TXCLIENT_UNKNOWN)
        assert_string_equal(txclient_detail(quick)->reference, reference);
    txclient_tx_close(&tx);
    if (hangs)
        daemon_kill(coordinator);
    daemon_start(coordinator);
    assert_int_equal(work_outcome(client, reference), TXCLIENT_ABORTED);
    free(reference);
    expect_untouched();
}

static void test_coordinator_dies_before_commit(void **state)
{
    (void)state;
    coordinator_gone_at_commit(false);
}

static void test_coordinator_hangs_and_dies_at_commit(void **state)
{
    (void)state;
    coordinator_gone_at_commit(true);
}

static void test_coordinator_hangs_at_commit_and_goes_on(void **state)
{
    txclient_tx *tx = open_on_both(quick);
    char *reference = strdup(txclient_tx_reference(tx));
    txclient_status status;

    (void)state;
    daemon_signal(coordinator, SIGSTOP);
    expect_of(quick, txclient_commit(tx), TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
    daemon_signal(coordinator, SIGCONT);
    status = work_outcome(client, reference);
    assert_true(status == TXCLIENT_OK || status == TXCLIENT_ABORTED);
    work_await_quiet();
    work_holds(client, "a", "k", status == TXCLIENT_OK ? "new" : "old");
    work_holds(client, "b", "k", status == TXCLIENT_OK ? "new" : "old");
    free(reference);
}

#ifdef ASSENT_CRASH_POINTS
static void coordinator_dies_with_the_decision(const char *point)
{
    /* With patience until it commits: the end of any other transaction would be the crash point. */
    txclient *own = work_doubting_client(coordinator);
    char *reference;
    txclient_tx *tx;
    int status;

    daemon_stop(coordinator);
    daemon_spawn(coordinator, point);
    assert_true(daemon_says(coordinator, "msg=serving", WORK_MS));
    work_await_all_up(coordinator);
    tx = open_on_both(own);
    reference = strdup(txclient_tx_reference(tx));
    expect_of(own, txclient_commit(tx), TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
    txclient_close(&own);
    assert_true(daemon_wait(coordinator, WORK_MS, &status));
    daemon_start(coordinator);
    assert_int_equal(work_outcome(client, reference), TXCLIENT_OK);
    free(reference);
    expect_one_value("new");
}

/* It has decided and told nobody. */
static void test_coordinator_dies_with_the_decision(void **state)
{
    (void)state;
    coordinator_dies_with_the_decision("log:COMMIT:after");
}

/* All have voted, and nobody has been told: nor is anything of it on its disk. */
static void test_coordinator_dies_with_the_votes(void **state)
{
    (void)state;
    coordinator_dies_with_the_decision("send:OUTCOME:before");
}
#endif

#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(two_participants, test_participant_down_at_begin),
        WITH(two_participants, test_participant_dies_during_operations),
        WITH(two_participants, test_participant_hangs_during_operations),
        WITH(coordinator_decides, test_participant_dies_at_prepare),
        WITH(coordinator_decides, test_participant_hangs_at_prepare),
        WITH(coordinator_decides, test_participant_hangs_under_a_one_shot),
        WITH(two_participants, test_member_dies_at_prepare),
        WITH(two_participants, test_member_hangs_at_prepare),
        WITH(two_participants, test_member_hangs_under_a_one_shot),
        WITH(two_participants, test_participant_hangs_in_one_phase),
        WITH(two_participants, test_participant_dies_after_the_decision),
#ifdef ASSENT_CRASH_POINTS
        WITH(two_participants, test_participant_dies_before_it_writes_the_decision),
        WITH(coordinator_decides, test_coordinator_dies_with_the_decision),
        WITH(two_participants, test_coordinator_dies_with_the_votes),
#endif
        WITH(two_participants, test_coordinator_down_at_begin),
        WITH(two_participants, test_coordinator_hangs_at_begin),
        WITH(two_participants, test_nobody_is_down_for_a_coordinator_that_hangs),
        WITH(two_participants, test_coordinator_dies_before_commit),
        WITH(two_participants, test_coordinator_hangs_and_dies_at_commit),
        WITH(two_participants, test_coordinator_hangs_at_commit_and_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
