/* Old copies of a directory come back, as an operator meets it: the log lines, `txctl status`, and
 * what the commands say to those who wait for an outcome. (fences_test.c has the same through the
 * library, and the other ways in which a copy can be old.) */
#include "tests/integration/mutation.h"
#include "tests/integration/work.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

static char out[1 << 16], err[1 << 14];

static int two_participants(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h\nprepare = 1h");
    cluster_start(&cluster);
    client = work_client(coordinator);
    work_put_surely(client, "ab", "k", "first");
    work_await_quiet();
    return 0;
}

/* A decision that is durable before anybody hears of it: whoever has heard it misses it in a copy.
 */
static int coordinator_decides(void **state)
{
    (void)two_participants(state);
    work_decides_by_itself(coordinator);
    return 0;
}

/* ---- copies ---- */

static const char *path_of(const struct daemon *daemon, const char *copy)
{
    static char path[CLUSTER_PATH + 16];

    assert_true(snprintf(path, sizeof path, "%s.%s", daemon->data, copy) < (int)sizeof path);
    return path;
}

/* Of a daemon that stands still: stopped for good, or for a moment. */
static void keep_copy(const struct daemon *daemon, const char *copy)
{
    directory_copy(daemon->data, path_of(daemon, copy));
}

/* A copy of a daemon that goes on, as a snapshot of its volume would be. */
static void keep_copy_of_running(struct daemon *daemon, const char *copy)
{
    daemon_signal(daemon, SIGSTOP);
    keep_copy(daemon, copy);
    daemon_signal(daemon, SIGCONT);
}

static void restore(const struct daemon *daemon, const char *copy)
{
    assert_int_equal(daemon->pid, 0);
    directory_remove(daemon->data);
    directory_copy(path_of(daemon, copy), daemon->data);
}

/* ---- what an operator sees ---- */

struct showing {
    const char *text;
};

static bool status_shows(void *arg)
{
    const struct showing *showing = arg;

    (void)run_program(out, sizeof out, err, sizeof err, "txctl", "--config", cluster.client_config,
                      "status", "--verbose", NULL);
    return strstr(out, showing->text) != NULL;
}

static void expect_status(const char *text)
{
    struct showing showing = {text};

    if (!wait_until(status_shows, &showing, WORK_MS))
        fail_msg("txctl status does not show '%s':\n%s%s", text, out, err);
}

/* What txctl says of one that has committed: that, as long as a participant remembers it, or that
 * nobody can tell. Never the copy's presumption. */
static void expect_txctl_never_aborted(const char *reference)
{
    int status = run_program(out, sizeof out, err, sizeof err, "txctl", "--config",
                             cluster.client_config, "outcome", reference, NULL);
    bool committed = status == 0 && strncmp(out, "committed ", 10) == 0;
    bool unknown = status == 2 && strncmp(out, "unknown ", 8) == 0;

    if (!committed && !unknown)
        fail_msg("txctl outcome %s gives %d:\n%s%s", reference, status, out, err);
}

/* ---- work ---- */

/* Commits on a and b; gives the reference, which the caller frees. */
static char *commit(const char *key, const char *value)
{
    txclient_tx *tx;
    char *reference;

    work_await_all_up(coordinator);
    tx = work_begin(client);
    expect(txclient_put(tx, AT("a", key), txclient_str(value)), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", key), txclient_str(value)), TXCLIENT_OK);
    reference = strdup(txclient_tx_reference(tx));
    assert_non_null(reference);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    return reference;
}

static void *commit_open(void *arg)
{
    static txclient_status status;

    status = txclient_commit(arg);
    return &status;
}

/* The same; and a, which has promised it, dies before it can have heard the decision. */
static char *commit_unheard_by_a(const char *key, const char *value)
{
    txclient_tx *tx;
    char *reference;
    pthread_t thread;
    void *status;

    work_await_all_up(coordinator);
    tx = work_begin(client);
    expect(txclient_put(tx, AT("a", key), txclient_str(value)), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", key), txclient_str(value)), TXCLIENT_OK);
    reference = strdup(txclient_tx_reference(tx));
    assert_non_null(reference);
    daemon_signal(b, SIGSTOP); /* holds back its vote */
    assert_int_equal(pthread_create(&thread, NULL, commit_open, tx), 0);
    work_await_voted(a);
    daemon_kill(a);
    daemon_signal(b, SIGCONT);
    assert_int_equal(pthread_join(thread, &status), 0);
    expect(*(txclient_status *)status, TXCLIENT_OK);
    txclient_tx_close(&tx);
    return reference;
}

static void expect_both(const char *key, const char *value)
{
    work_holds(client, "a", key, value);
    work_holds(client, "b", key, value);
}

/* ---- a participant ---- */

static void expect_quarantined(void)
{
    expect_status("quarantined");
    assert_true(daemon_says(coordinator, "participant a came back", WORK_MS));
    assert_true(daemon_says(coordinator, "an old disk or a cut log", 0));
    expect_aborted(work_put(client, "ab", "q", "1"), TXCLIENT_REASON_QUARANTINED);
    assert_int_not_equal(run_program(out, sizeof out, err, sizeof err, "txctl", "--config",
                                     cluster.client_config, "exec", "put a/t/q 1", NULL),
                         0);
    if (strstr(err, "quarantined") == NULL && strstr(out, "quarantined") == NULL)
        fail_msg("txctl exec does not say why it was aborted:\n%s%s", out, err);
    work_put_surely(client, "b", "q", "others go on");
}

static void expect_lifted(void)
{
    restore(a, "true");
    daemon_start(a);
    expect_status("sees a                up  ");
    work_put_surely(client, "ab", "m", "back");
    expect_both("k", "newest");
    work_await_quiet();
}

/* Leaves the newest directory of a aside, and a running on the copy. */
static void go_on_and_restore_old(void)
{
    for (int i = 0; i < 5; i++)
        free(commit("k", i < 4 ? "newer" : "newest"));
    work_await_quiet();
    daemon_stop(a);
    keep_copy(a, "true");
    restore(a, "old");
    daemon_start(a);
}

static void test_participant_status(void **state)
{
    (void)state;
    daemon_stop(a);
    keep_copy(a, "old");
    daemon_start(a);
    go_on_and_restore_old();
    expect_quarantined();
    daemon_stop(a);
    expect_lifted();
}

/* The old copy has a transaction in doubt that has committed long since. Its coordinator tells it
 * nothing; b has forgotten it and says NO, as to an honest member, so that the copy aborts it. That
 * is wrong, and stays in the copy as long as that is in quarantine; nothing here checks more. */
static void test_participant_copied_in_doubt(void **state)
{
    (void)state;
    free(commit_unheard_by_a("k", "in doubt"));
    keep_copy(a, "old");
    daemon_start(a);
    work_await_quiet();
    go_on_and_restore_old();
    assert_true(daemon_says(a, "recovered 1 prepared transaction", WORK_MS));
    expect_quarantined();
    daemon_stop(a);
    expect_lifted();
}

/* ---- the coordinator ---- */

static void expect_fenced(const char *reference)
{
    txclient_status status;

    assert_true(daemon_says(coordinator, "fenced for good", WORK_MS));
    assert_true(daemon_says(coordinator, "Stop this daemon", 0));
    expect_status("fenced");
    expect_txctl_never_aborted(reference);
    status = txclient_outcome(client, reference, 0);
    expect(status, TXCLIENT_UNKNOWN);
    expect(work_put(client, "ab", "k", "never"), TXCLIENT_EREFUSED);
    assert_non_null(strstr(txclient_detail(client)->text, "fenced"));
}

/* Nobody is there who could fence it. */
static void expect_never_aborted(const char *reference)
{
    txclient_status status = txclient_outcome(client, reference, 0);

    if (status != TXCLIENT_UNKNOWN && status != TXCLIENT_EREFUSED)
        expect(status, TXCLIENT_UNKNOWN);
}

/* The true directory serves again, and nothing has been lost meanwhile. */
static void expect_true_coordinator(const char *reference)
{
    daemon_stop(coordinator);
    restore(coordinator, "true");
    daemon_start(coordinator);
    work_await_all_up(coordinator);
    assert_int_equal(work_outcome(client, reference), TXCLIENT_OK);
    expect_both("k", "after");
    work_put_surely(client, "ab", "l", "again");
    work_await_quiet();
    expect_both("l", "again");
}

static void test_coordinator_status(void **state)
{
    char *after;

    (void)state;
    daemon_stop(coordinator);
    keep_copy(coordinator, "old");
    daemon_start(coordinator);
    after = commit("k", "after");
    daemon_stop(coordinator);
    keep_copy(coordinator, "true");
    restore(coordinator, "old");
    daemon_start(coordinator);
    expect_fenced(after);
    expect_true_coordinator(after);
    free(after);
}

/* Every start of the copy raises its epoch; when the participants come, it is beyond the true one.
 */
static void test_coordinator_copy_started_often_alone(void **state)
{
    char *after;

    (void)state;
    daemon_stop(coordinator);
    keep_copy(coordinator, "old");
    daemon_start(coordinator);
    after = commit("k", "after");
    work_await_quiet();
    daemon_stop(coordinator);
    keep_copy(coordinator, "true");
    daemon_stop(a);
    daemon_stop(b);
    restore(coordinator, "old");
    for (int i = 0; i < 4; i++) {
        daemon_start(coordinator);
        expect_never_aborted(after);
        daemon_kill(coordinator);
    }
    daemon_start(a);
    daemon_start(b);
    daemon_start(coordinator);
    expect_fenced(after);
    expect_true_coordinator(after);
    free(after);
}

static bool log_is_durable(void *arg)
{
    char last[24], durable[24];

    return work_field(arg, "log_last", last, sizeof last) &&
           work_field(arg, "log_durable", durable, sizeof durable) && strcmp(last, durable) == 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct hearing {
    const struct daemon *participant;
    uint64_t since_ms;
};

static bool has_heard(void *arg)
{
    const struct hearing *hearing = arg;
    uint64_t asked_ms = now_ms();
    txclient_node *node = work_inspect(hearing->participant);
    const txclient_node_peer *peer = node != NULL ? txclient_node_peer_at(node, 0) : NULL;
    bool heard = peer != NULL && asked_ms > hearing->since_ms + peer->silent_ms;

    txclient_node_free(&node);
    return heard;
}

/* Waits until each has heard a greeting that tells how far the coordinator's log is durable: of two
 * that come from now on, the first may have been on its way. */
static void await_greetings(void)
{
    for (int i = 0; i < 4; i++) {
        struct hearing hearing = {i % 2 == 0 ? a : b, now_ms()};

        if (!wait_until(has_heard, &hearing, WORK_MS))
            fail_msg("%s hears nothing of the coordinator", hearing.participant->name);
    }
}

/* The true coordinator was in one and the same epoch before and after the copy. What the members
 * decide is known from it once it is durable there, and a later commit has told it. */
static void copied_while_it_runs(bool participants_restart, bool later_commit)
{
    char *after;

    free(commit("k", "before"));
    work_await_quiet();
    keep_copy_of_running(coordinator, "old");
    after = commit("k", "after");
    work_await_quiet();
    assert_true(wait_until(log_is_durable, coordinator, WORK_MS));
    await_greetings();
    if (later_commit) {
        free(commit("m", "later"));
        work_await_quiet();
    }
    daemon_stop(coordinator);
    keep_copy(coordinator, "true");
    if (participants_restart) {
        daemon_kill(a);
        daemon_start(a);
        daemon_kill(b);
        daemon_start(b);
    }
    restore(coordinator, "old");
    daemon_start(coordinator);
    expect_fenced(after);
    daemon_stop(coordinator);
    daemon_start(coordinator); /* as a supervisor does */
    expect_fenced(after);
    expect_true_coordinator(after);
    free(after);
}

static void test_coordinator_copied_while_it_ran(void **state)
{
    (void)state;
    copied_while_it_runs(false, false);
}

/* What they know of the coordinator is durable. */
static void test_coordinator_copied_while_it_ran_and_new_participants(void **state)
{
    (void)state;
    copied_while_it_runs(true, false);
}

static void test_coordinator_copied_while_members_decided(void **state)
{
    (void)state;
    copied_while_it_runs(true, true);
}

static bool all_durable(void *arg)
{
    char last[24], durable[24];

    return work_field(arg, "prepared", last, sizeof last) && strcmp(last, "0") == 0 &&
           work_field(arg, "lsn", last, sizeof last) &&
           work_field(arg, "lsn_durable", durable, sizeof durable) && strcmp(last, durable) == 0;
}

static bool noted_doubt_or_settled(void *arg)
{
    return daemon_says(arg, "in doubt for", 0) || daemon_says(arg, "settled:", 0);
}

/* a is in doubt about a decision that b has carried out, and asks the copy before b can fence it.
 * The copy has no record of it; to presume it aborted would leave it half done. Gives the
 * reference, with all three at work. */
static char *copy_meets_a_participant_in_doubt(void)
{
    char *after;

    keep_copy_of_running(coordinator, "old");
    after = commit_unheard_by_a("k", "after");
    assert_true(wait_until(all_durable, b, WORK_MS));
    daemon_stop(coordinator);
    keep_copy(coordinator, "true");
    daemon_stop(b);
    restore(coordinator, "old");
    daemon_start(a);
    assert_true(daemon_says(a, "recovered 1 prepared transaction", WORK_MS));
    daemon_start(coordinator);
    assert_true(daemon_says(coordinator, "participant a is up", WORK_MS));
    assert_true(wait_until(noted_doubt_or_settled, a, WORK_MS));
    assert_false(daemon_says(a, "settled: aborted", 0));
    daemon_start(b);
    return after;
}

static void test_coordinator_copy_meets_a_participant_in_doubt(void **state)
{
    char *after = copy_meets_a_participant_in_doubt();

    (void)state;
    expect_fenced(after);
    assert_true(daemon_says(a, "settled: committed by b", WORK_MS));
    free(after);
}

/* Nobody can miss a record in the copy: none was on disk when b was told. The copy presumes nothing
 * all the same, and asks them itself. */
static void test_coordinator_copy_meets_what_the_members_decided(void **state)
{
    char *after = copy_meets_a_participant_in_doubt();

    (void)state;
    assert_true(daemon_says(a, "settled: committed by b", WORK_MS));
    assert_int_equal(work_outcome(client, after), TXCLIENT_OK);
    expect_both("k", "after");
    free(after);
}

#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(two_participants, test_participant_status),
        WITH(two_participants, test_participant_copied_in_doubt),
        WITH(two_participants, test_coordinator_status),
        WITH(two_participants, test_coordinator_copy_started_often_alone),
        WITH(two_participants, test_coordinator_copied_while_it_ran),
        WITH(coordinator_decides, test_coordinator_copy_meets_a_participant_in_doubt),
        WITH(two_participants, test_coordinator_copy_meets_what_the_members_decided),
        WITH(coordinator_decides, test_coordinator_copied_while_it_ran_and_new_participants),
        WITH(two_participants, test_coordinator_copied_while_members_decided),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
