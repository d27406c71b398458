/* SIGHUP, and what it changes in running daemons: each key that has an effect which one can see. */
#include "tests/integration/reload_case.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

static int two_participants(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    work_start_with("old");
    return 0;
}

/* ---- the reload itself ---- */

static void test_sighup_tells_what_changed(void **state)
{
    (void)state;
    settings_become(a, "log", "level = debug\n[limits]\nlocks = 5000");
    daemon_signal(a, SIGHUP);
    assert_true(daemon_says(a, "key=log.level old=info new=debug", WORK_MS));
    assert_true(daemon_says(a, "a changed configuration key needs a restart", WORK_MS));
    assert_true(daemon_says(a, "key=limits.locks", WORK_MS));
    assert_true(daemon_says(a, "the configuration was read again", WORK_MS));
    json_t *line = audit_last(a, "reload");
    audit_has(line, "from", "signal");
    audit_has(line, "operator", "");
    audit_has(line, "outcome", "TX_OK");
    const json_t *changes = json_object_get(line, "changes");
    assert_int_equal(json_array_size(changes), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *change = json_array_get(changes, i);
        bool level = strcmp(json_string_value(json_object_get(change, "key")), "log.level") == 0;
        audit_has(change, "key", level ? "log.level" : "limits.locks");
        audit_has(change, "old", level ? "info" : "1000000");
        audit_has(change, "new", level ? "debug" : "5000");
        assert_int_equal(json_is_true(json_object_get(change, "taken")), level);
    }
    json_decref(line);
    assert_int_equal(operate("log-level", "a", NULL, NULL, NULL), 0);
    assert_string_equal(operate_out, "debug\n");
    /* What needs a restart is told of again, until there is one. */
    assert_int_equal(operate("reload", "a", "--operator=alice", NULL, NULL), 0);
    operate_wrote("nothing to take; not before a restart: limits.locks");
    line = audit_last(a, "reload");
    audit_has(line, "operator", "alice");
    json_decref(line);
    daemon_stop(a);
    daemon_start(a);
    assert_int_equal(operate("reload", a->address, NULL, NULL, NULL), 0);
    assert_string_equal(operate_out, "nothing to take\n");
}

static void test_an_invalid_file_changes_nothing(void **state)
{
    (void)state;
    settings_become(a, "log", "level = debug\n[timers]\nidle = soon");
    assert_int_equal(operate("reload", "a", NULL, NULL, NULL), EX_UNAVAILABLE);
    operate_wrote("nothing changes: ");
    operate_wrote("\"idle\" is \"soon\"; expected a time with its unit");
    assert_int_equal(operate("log-level", "a", NULL, NULL, NULL), 0);
    assert_string_equal(operate_out, "info\n");
    json_t *line = audit_last(a, "reload");
    audit_has(line, "outcome", "TX_EFORMAT");
    assert_null(json_object_get(line, "changes"));
    json_decref(line);
    daemon_signal(a, SIGHUP);
    assert_true(daemon_says(a, "from=signal error=TX_EFORMAT", WORK_MS));
    /* Keys that do not fit together. */
    settings_become(coordinator, "timers", "peer_down = 60ms");
    assert_int_equal(operate("reload", "coordinator", NULL, NULL, NULL), EX_UNAVAILABLE);
    operate_wrote("peer_down (60ms) must be above hello (100ms)");
    /* No file at all. */
    assert_int_equal(unlink(b->config), 0);
    assert_int_equal(operate("reload", "b", NULL, NULL, NULL), EX_UNAVAILABLE);
    operate_wrote("cannot open: No such file or directory");
    expect(work_put(client, "ab", "k", "new"), TXCLIENT_OK);
}

static void test_other_participants_need_a_restart(void **state)
{
    (void)state;
    settings_become(coordinator, "participants", "z = tcp://127.0.0.1:1");
    assert_int_equal(operate("reload", "coordinator", NULL, NULL, NULL), 0);
    operate_wrote("nothing to take; not before a restart: participants.*");
}

/* logrotate renames the file, and sends SIGHUP. */
static void test_the_audit_log_is_rotated(void **state)
{
    char path[CLUSTER_PATH + 16], renamed[CLUSTER_PATH + 24];

    (void)state;
    snprintf(path, sizeof path, "%s/audit.jsonl", a->data);
    snprintf(renamed, sizeof renamed, "%s.1", path);
    assert_int_equal(operate("drain", "a", NULL, NULL, NULL), 0);
    long size = file_size(path);
    assert_int_equal(rename(path, renamed), 0);
    assert_int_equal(operate("undrain", "a", NULL, NULL, NULL), 0);
    assert_true(file_size(renamed) > size); /* still the old one */
    size = file_size(renamed);
    assert_int_equal(operate("reload", "a", NULL, NULL, NULL), 0);
    assert_int_equal(file_size(renamed), size);
    json_t *lines = audit_lines(a);
    assert_int_equal(json_array_size(lines), 1);
    audit_has(json_array_get(lines, 0), "action", "reload");
    json_decref(lines);
}

/* ---- its effects ---- */

static void begin_is_refused(txclient_reason reason)
{
    txclient_tx *tx = NULL;

    expect(txclient_begin(client, NULL, &tx), TXCLIENT_EREFUSED);
    assert_int_equal(txclient_detail(client)->reason, reason);
}

static void test_limits_of_transactions(void **state)
{
    txclient_tx *tx = work_begin(client);

    (void)state;
    expect(txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    reload(coordinator, "limits", "transactions = 1");
    begin_is_refused(TXCLIENT_REASON_BUSY);
    reload(coordinator, "limits", "transactions = 2");
    work_put_surely(client, "b", "x", "1"); /* what was decided before may still count */
    reload(a, "limits", "transactions = 1");
    expect_aborted(work_put(client, "a", "x", "1"), TXCLIENT_REASON_BUSY);
    reload(a, "limits", "transactions = 5");
    work_put_surely(client, "a", "x", "1");
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

/* Of free space; a disk of some TB is nothing out of the ordinary. */
#define MORE_THAN_THERE_IS "disk_reserve = 1048576G"

static void test_the_disk_reserve(void **state)
{
    (void)state;
    reload(coordinator, "storage", MORE_THAN_THERE_IS);
    work_await_field(coordinator, "state", "disk reserve reached");
    begin_is_refused(TXCLIENT_REASON_DISK_FULL);
    reload(coordinator, "storage", "disk_reserve = 0");
    work_await_field(coordinator, "state", "serving");
    expect(work_put(client, "ab", "x", "1"), TXCLIENT_OK);
    reload(a, "storage", MORE_THAN_THERE_IS);
    work_await_field(a, "refusing", "disk-full");
    reload(a, "storage", "disk_reserve = 1M");
    work_await_field(a, "refusing", "no");
}

/* Shorter than the defaults of what is waited for. */
#define SOON_MS 20000

struct idling {
    const struct daemon *daemon;
    const char *count;
};

/* The field is not there before the first. */
static bool so_many_were_idle(void *arg)
{
    const struct idling *idling = arg;
    txclient_node *node = work_inspect(idling->daemon);
    const char *text = node != NULL ? txclient_node_get(node, "aborted_idle") : NULL;
    bool so_many = text != NULL && strcmp(text, idling->count) == 0;

    txclient_node_free(&node);
    return so_many;
}

/* Of a transaction that its client has left. What a undoes is aborted for that reason by the
 * coordinator, too: its own comes on top of that. */
static void test_idle_limits(void **state)
{
    struct idling at_a = {a, "1"}, told = {coordinator, "1"}, own = {coordinator, "2"};
    txclient_tx *tx;

    (void)state;
    reload(a, "timers", "idle = 100ms");
    tx = work_begin(client);
    expect(txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    assert_true(wait_until(so_many_were_idle, &at_a, SOON_MS));
    assert_true(wait_until(so_many_were_idle, &told, WORK_MS));
    txclient_tx_close(&tx);
    reload(coordinator, "timers", "active_idle = 100ms");
    tx = work_begin(client);
    assert_true(wait_until(so_many_were_idle, &own, SOON_MS));
    txclient_tx_close(&tx);
}

static void test_the_lock_timeout(void **state)
{
    txclient *other = work_client(coordinator);
    txclient_tx *tx = work_begin(client);

    (void)state;
    expect(txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    reload(a, "timers", "lock_timeout = 50ms");
    expect_aborted_of(other, work_put(other, "a", "k", "1"), TXCLIENT_REASON_LOCK_TIMEOUT);
    assert_non_null(strstr(txclient_detail(other)->text, "within 50 ms"));
    /* And the coordinator's, for one-shots that name none. */
    reload(coordinator, "timers", "lock_timeout = 70ms");
    txclient_batch *batch = txclient_batch_new();
    txclient_batch_put(batch, AT("a", "k"), txclient_str("2"));
    expect_aborted_of(other, txclient_submit(other, batch, NULL, NULL),
                      TXCLIENT_REASON_LOCK_TIMEOUT);
    assert_non_null(strstr(txclient_detail(other)->text, "within 70 ms"));
    txclient_batch_free(&batch);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    txclient_close(&other);
}

static void test_who_decides(void **state)
{
    uint64_t before;

    (void)state;
    reload(coordinator, "node", "commit_mode = participants");
    work_put_surely(client, "ab", "k", "1");
    before = work_number(coordinator, "committed_by_members_total");
    reload(coordinator, "node", "commit_mode = coordinator");
    work_put_surely(client, "ab", "k", "2");
    assert_int_equal(work_number(coordinator, "committed_by_members_total"), before);
    reload(coordinator, "node", "commit_mode = participants");
    work_put_surely(client, "ab", "k", "3");
    assert_true(work_number(coordinator, "committed_by_members_total") > before);
}

/* They start with an hour where a test waits for less. */
static int patient_participants(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h\ndrain = 1h");
    daemon_set(&cluster, a, "timers", "drain = 1h");
    work_start();
    return 0;
}

/* A participant that hangs is down after as long as the new value says. */
static void test_when_a_participant_is_down(void **state)
{
    (void)state;
    daemon_signal(a, SIGSTOP);
    reload(coordinator, "timers", "peer_down = 300ms");
    work_await_peer(coordinator, "a", "down");
    daemon_signal(a, SIGCONT);
    work_await_peer(coordinator, "a", "up");
}

/* An outcome is kept as long, and as often, as the new values say. */
static void test_what_is_retained(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++)
        work_put_surely(client, "a", "k", "1");
    assert_true(work_number(coordinator, "retained") > 100);
    reload(coordinator, "limits", "retained = 100");
    assert_int_equal(work_number(coordinator, "retained"), 100);
    reload(coordinator, "timers", "retention = 100ms");
    work_await_field(coordinator, "retained", "0");
}

/* SIGTERM leaves open work no longer than the new value says. */
static void expect_soon_drained(struct daemon *daemon)
{
    txclient_tx *tx = work_begin(client);
    int status;

    expect(txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    reload(daemon, "timers", "drain = 100ms");
    daemon_signal(daemon, SIGTERM);
    assert_true(daemon_wait(daemon, WORK_MS, &status));
    assert_true(daemon_says(daemon, "drain time is over", 0));
    txclient_tx_close(&tx);
}

static void test_the_time_to_drain(void **state)
{
    (void)state;
    expect_soon_drained(a);
    daemon_start(a);
    work_await_all_up(coordinator);
    expect_soon_drained(coordinator);
}

/* Both groups have run: every key that is taken has been seen to change something. */
static int check_table(void **state)
{
    (void)state;
    reload_check_table(ASSENT_CONFIGURATION_PAGE);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, two_participants, work_teardown)
#define PATIENT_TEST(name)                                                                         \
    cmocka_unit_test_setup_teardown(name, patient_participants, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sighup_tells_what_changed),
        TEST(test_an_invalid_file_changes_nothing),
        TEST(test_other_participants_need_a_restart),
        TEST(test_the_audit_log_is_rotated),
        TEST(test_limits_of_transactions),
        TEST(test_the_disk_reserve),
        TEST(test_idle_limits),
        TEST(test_the_lock_timeout),
        TEST(test_who_decides),
        PATIENT_TEST(test_when_a_participant_is_down),
        TEST(test_what_is_retained),
        PATIENT_TEST(test_the_time_to_drain),
    };

    const int failed = reload_timers();

    return failed + cmocka_run_group_tests_name("reload", tests, NULL, check_table);
}
