/* Old copies of a directory come back: the coordinator is fenced, the participant quarantined, and
 * nobody is ever told "aborted" of what has committed. */
#include "tests/integration/work.h"

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

static int three_participants(void **state)
{
    (void)state;
    cluster_init(&cluster, 3, false);
    cluster_start(&cluster);
    client = work_client(coordinator);
    work_put_surely(client, "abc", "k", "first");
    return 0;
}

/* ---- copies of a stopped daemon's directory ---- */

static void copy_path(const struct daemon *daemon, const char *copy, char *path, size_t size)
{
    assert_true(snprintf(path, size, "%s.%s", daemon->data, copy) < (int)size);
}

static void keep_copy(const struct daemon *daemon, const char *copy)
{
    char path[CLUSTER_PATH + 16];

    assert_int_equal(daemon->pid, 0);
    copy_path(daemon, copy, path, sizeof path);
    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/cp", "-a", daemon->data, path, NULL), 0);
}

static void wipe(const struct daemon *daemon)
{
    assert_int_equal(daemon->pid, 0);
    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/rm", "-rf", daemon->data, NULL), 0);
}

static void restore(const struct daemon *daemon, const char *copy)
{
    char path[CLUSTER_PATH + 16];

    wipe(daemon);
    copy_path(daemon, copy, path, sizeof path);
    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/cp", "-a", path, daemon->data, NULL), 0);
}

/* ---- the coordinator ---- */

/* Commits on a and b; gives the reference, which the caller frees. */
static char *commit(const char *value)
{
    txclient_tx *tx;
    char *reference;

    work_await_all_up(coordinator);
    tx = work_begin(client);
    expect(txclient_put(tx, AT("a", "k"), txclient_str(value)), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", "k"), txclient_str(value)), TXCLIENT_OK);
    reference = strdup(txclient_tx_reference(tx));
    assert_non_null(reference);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    return reference;
}

/* Whatever the old copy knows, it must not call a committed transaction aborted. */
static void expect_never_aborted(const char *reference)
{
    txclient_status status = txclient_outcome(client, reference, 0);

    if (status != TXCLIENT_UNKNOWN && status != TXCLIENT_EREFUSED && status != TXCLIENT_OK)
        expect(status, TXCLIENT_UNKNOWN);
}

static void expect_fenced(void)
{
    txclient_tx *tx = NULL;

    assert_true(daemon_says(coordinator, "fenced for good", WORK_MS));
    assert_true(daemon_says(coordinator, "Stop this daemon", 0));
    work_await_field(coordinator, "state", "fenced");
    expect(txclient_begin(client, NULL, &tx), TXCLIENT_EREFUSED);
    assert_non_null(strstr(txclient_detail(client)->text, "fenced"));
    expect(work_put(client, "ab", "k", "never"), TXCLIENT_EREFUSED);
    assert_non_null(strstr(txclient_detail(client)->text, "fenced"));
}

/* The old copy starts with an epoch that may lie below or above that which the participants know,
 * for both draw how many numbers they leave out. It is restarted as often, as a supervisor would.
 */
static void old_coordinator(int starts)
{
    char *before = commit("before"), *after = NULL;

    daemon_stop(coordinator);
    keep_copy(coordinator, "old");
    for (int i = 0; i < starts; i++) {
        free(after);
        daemon_start(coordinator);
        after = commit("after");
        daemon_stop(coordinator);
    }
    keep_copy(coordinator, "true");
    restore(coordinator, "old");
    for (int i = 0; i <= starts; i++) {
        daemon_start(coordinator);
        expect_fenced();
        expect_never_aborted(after);
        expect(txclient_outcome(client, before, 0), TXCLIENT_OK);
        daemon_stop(coordinator);
    }
    restore(coordinator, "true");
    daemon_start(coordinator);
    work_put_surely(client, "abc", "l", "again");
    assert_int_equal(work_outcome(client, after), TXCLIENT_OK);
    work_holds(client, "a", "k", "after");
    work_holds(client, "b", "k", "after");
    work_await_quiet();
    free(before);
    free(after);
}

static void test_coordinator_copied_one_start_ago(void **state)
{
    (void)state;
    old_coordinator(1);
}

static void test_coordinator_copied_three_starts_ago(void **state)
{
    (void)state;
    old_coordinator(3);
}

/* Nobody is there to fence it when it starts. */
static void test_old_coordinator_alone(void **state)
{
    char *after;

    (void)state;
    daemon_stop(coordinator);
    keep_copy(coordinator, "old");
    daemon_start(coordinator);
    after = commit("after");
    daemon_stop(coordinator);
    for (size_t i = 0; i < cluster.participants_n; i++)
        daemon_stop(&cluster.participants[i]);
    restore(coordinator, "old");
    daemon_start(coordinator);
    expect_never_aborted(after);
    for (size_t i = 0; i < cluster.participants_n; i++)
        daemon_start(&cluster.participants[i]);
    expect_fenced();
    expect_never_aborted(after);
    free(after);
}

/* ---- a participant ---- */

static bool keeps_an_alarm(void *arg)
{
    char alarms[16];

    return work_field(arg, "alarms_kept", alarms, sizeof alarms) && strtol(alarms, NULL, 10) != 0;
}

static void expect_quarantined(void)
{
    txclient_tx *tx;

    work_await_peer(coordinator, "a", "quarantined");
    assert_true(daemon_says(coordinator, "participant a came back", WORK_MS));
    assert_true(daemon_says(coordinator, "an old disk or a cut log", 0));
    assert_true(wait_until(keeps_an_alarm, coordinator, WORK_MS));
    expect_aborted(work_put(client, "ab", "q", "1"), TXCLIENT_REASON_QUARANTINED);
    assert_string_equal(txclient_detail(client)->participant, "a");
    assert_non_null(strstr(txclient_detail(client)->text, "operator"));
    expect_aborted(work_put(client, "a", "q", "1"), TXCLIENT_REASON_QUARANTINED);
    expect(work_put(client, "bc", "q", "others go on"), TXCLIENT_OK);
    tx = work_begin(client);
    expect(txclient_put(tx, AT("b", "q"), txclient_str("interactive")), TXCLIENT_OK);
    if (txclient_put(tx, AT("a", "q"), txclient_str("1")) == TXCLIENT_OK)
        expect_aborted(txclient_commit(tx), TXCLIENT_REASON_QUARANTINED);
    txclient_tx_close(&tx);
    work_holds(client, "b", "q", "others go on");
}

static void expect_back(void)
{
    daemon_start(a);
    work_await_peer(coordinator, "a", "up");
    work_put_surely(client, "abc", "m", "back");
    work_holds(client, "a", "k", "newest");
    work_holds(client, "a", "q", NULL);
    work_await_quiet();
}

static void old_participant(bool wiped, bool coordinator_restarts)
{
    daemon_stop(a);
    keep_copy(a, "old");
    daemon_start(a);
    work_await_peer(coordinator, "a", "up");
    for (int i = 0; i < 5; i++)
        work_put_surely(client, "ab", "k", i < 4 ? "newer" : "newest");
    work_await_quiet();
    daemon_stop(a);
    if (coordinator_restarts)
        daemon_stop(coordinator);
    keep_copy(a, "true");
    if (wiped)
        wipe(a);
    else
        restore(a, "old");
    daemon_start(a);
    if (coordinator_restarts)
        daemon_start(coordinator);
    expect_quarantined();
    daemon_stop(a);
    restore(a, "true");
    expect_back();
}

static void test_participant_with_an_old_directory(void **state)
{
    (void)state;
    old_participant(false, false);
}

/* What it knows of the participants is durable. */
static void test_participant_with_an_old_directory_and_a_new_coordinator(void **state)
{
    (void)state;
    old_participant(false, true);
}

static void test_participant_with_a_wiped_directory(void **state)
{
    (void)state;
    old_participant(true, false);
}

static void test_participant_with_a_wiped_directory_and_a_new_coordinator(void **state)
{
    (void)state;
    old_participant(true, true);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, three_participants, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(test_coordinator_copied_one_start_ago),
        WITH(test_coordinator_copied_three_starts_ago),
        WITH(test_old_coordinator_alone),
        WITH(test_participant_with_an_old_directory),
        WITH(test_participant_with_an_old_directory_and_a_new_coordinator),
        WITH(test_participant_with_a_wiped_directory),
        WITH(test_participant_with_a_wiped_directory_and_a_new_coordinator),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
