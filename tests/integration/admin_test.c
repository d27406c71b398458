/* Administration of real daemons: they drain and take that back, change what they log, and write
 * down who asked for it before they answer. */
#include "tests/integration/operate.h"
#include "tests/integration/raw_peer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];

static int two_participants(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    /* What is open stays so, however long txctl takes. */
    daemon_set(&cluster, a, "timers", "drain = 1h\nidle = 1h");
    work_start_with("old");
    work_await_quiet(); /* nobody counts that one among what is open */
    return 0;
}

/* ---- drain ---- */

static bool a_has_nothing_open(void *arg)
{
    (void)arg;
    assert_int_equal(operate("drain", "a", "--wait", NULL, NULL), 0);
    return strstr(operate_out, "as before; nothing is open") != NULL;
}

static void test_a_drained_participant(void **state)
{
    txclient_tx *tx = work_begin(client);
    txclient_value value;

    (void)state;
    expect(txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    assert_int_equal(operate("drain", "a", "--wait", "--timeout=0.5", NULL), EX_TEMPFAIL);
    operate_wrote("a takes no new transactions; what is open goes on");
    operate_wrote("a: 1 open");
    operate_wrote("1 transactions are still open at a");
    work_await_peer(coordinator, "a", "up, refusing new work");
    expect_aborted(work_put(client, "ab", "x", "1"), TXCLIENT_REASON_DRAINING);
    assert_non_null(strstr(txclient_detail(client)->text, "participant a takes no new"));
    expect(work_put(client, "b", "x", "1"), TXCLIENT_OK); /* the others go on */
    expect(txclient_put(tx, AT("a", "l"), txclient_str("new")), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK); /* and so does what was open */
    txclient_tx_close(&tx);
    /* The outcome is told before the decision has come to a, and a record of it may be on its way
     * to the disk for longer. */
    assert_true(wait_until(a_has_nothing_open, NULL, WORK_MS));
    assert_int_equal(operate("undrain", a->address, NULL, NULL, NULL), 0);
    operate_wrote("a takes new transactions again");
    expect(work_put(client, "ab", "x", "2"), TXCLIENT_OK);
    txclient_batch *batch = txclient_batch_new();
    txclient_batch_get(batch, AT("a", "k"));
    expect(txclient_submit(client, batch, NULL, &value), TXCLIENT_OK);
    assert_memory_equal(value.data, "new", 3);
    txclient_batch_free(&batch);
}

static void test_a_drained_coordinator(void **state)
{
    txclient_tx *tx = work_begin(client);
    txclient_tx *refused = NULL;

    (void)state;
    assert_int_equal(operate("drain", "coordinator", NULL, NULL, NULL), 0);
    work_await_field(coordinator, "state", "draining");
    expect(txclient_begin(client, NULL, &refused), TXCLIENT_EREFUSED);
    assert_int_equal(txclient_detail(client)->reason, TXCLIENT_REASON_DRAINING);
    expect(txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    assert_int_equal(operate("undrain", "coordinator", "--json", NULL, NULL), 0);
    operate_wrote("\"done\":true");
    expect(work_put(client, "ab", "k", "newer"), TXCLIENT_OK);
    /* A start takes new work, whatever was before. */
    assert_int_equal(operate("drain", "coordinator", NULL, NULL, NULL), 0);
    daemon_kill(coordinator);
    daemon_start(coordinator);
    work_await_all_up(coordinator);
    expect(work_put(client, "ab", "k", "newest"), TXCLIENT_OK);
}

static void test_a_daemon_that_leaves_is_not_undrained(void **state)
{
    txclient_tx *tx = work_begin(client);
    int status;

    (void)state;
    expect(txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    daemon_signal(a, SIGTERM);
    work_await_field(a, "refusing", "draining");
    assert_int_equal(operate("undrain", a->address, NULL, NULL, NULL), EX_UNAVAILABLE);
    operate_wrote("a is about to stop; start it again instead");
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    assert_true(daemon_wait(a, WORK_MS, &status));
    json_t *line = audit_last(a, "undrain");
    audit_has(line, "outcome", "TX_ESTATE");
    json_decref(line);
}

/* ---- log level ---- */

static void test_the_log_level(void **state)
{
    (void)state;
    assert_int_equal(operate("log-level", "a", NULL, NULL, NULL), 0);
    assert_string_equal(operate_out, "info\n");
    assert_null(audit_last(a, "log-level")); /* nothing changed */
    assert_int_equal(operate("log-level", "a", "error", "--operator=alice", NULL), 0);
    assert_string_equal(operate_out, "error\n");
    assert_int_equal(operate("log-level", a->address, NULL, NULL, NULL), 0);
    assert_string_equal(operate_out, "error\n");
    long size = file_size(a->log);
    assert_int_equal(operate("drain", "a", NULL, NULL, NULL), 0); /* would be logged at info */
    assert_int_equal(file_size(a->log), size);
    assert_int_equal(operate("log-level", "a", "debug", NULL, NULL), 0);
    assert_int_equal(operate("undrain", "a", NULL, NULL, NULL), 0);
    assert_true(daemon_says(a, "a takes new transactions again", WORK_MS));
    assert_int_equal(operate("log-level", "a", "loud", NULL, NULL), EX_UNAVAILABLE);
    operate_wrote("loud is no log level; there are debug, info, warn, error");
    json_t *line = audit_last(a, "log-level");
    audit_has(line, "outcome", "TX_EINVAL");
    json_decref(line);
}

static void test_what_is_asked_wrongly(void **state)
{
    (void)state;
    assert_int_equal(operate("drain", NULL, NULL, NULL, NULL), EX_USAGE);
    assert_int_equal(operate("drain", "nobody", NULL, NULL, NULL), EX_USAGE);
    operate_wrote("the coordinator knows no participant \"nobody\"; it knows a, b");
    assert_int_equal(operate("undrain", "a", "--operator=no name", NULL, NULL), EX_USAGE);
    operate_wrote("\"no name\" is no operator's name");
    assert_int_equal(operate("drain", "tcp://127.0.0.1", NULL, NULL, NULL), EX_USAGE);
}

/* ---- the audit log ---- */

static void test_a_line_is_there_when_the_call_is_answered(void **state)
{
    (void)state;
    assert_int_equal(operate("drain", "a", "--operator=alice", NULL, NULL), 0);
    daemon_kill(a);
    json_t *line = audit_last(a, "drain");
    audit_has(line, "operator", "alice");
    audit_has(line, "from", "txctl");
    audit_has(line, "node", "a");
    audit_has(line, "outcome", "TX_OK");
    assert_int_equal(json_integer_value(json_object_get(line, "start")), 1);
    assert_int_equal(strlen(json_string_value(json_object_get(line, "time"))),
                     strlen("2026-11-21T10:00:00.123Z"));
    json_decref(line);
    assert_int_equal(operate("drain", "coordinator", "--operator=bob", NULL, NULL), 0);
    daemon_kill(coordinator);
    line = audit_last(coordinator, "drain");
    audit_has(line, "operator", "bob");
    audit_has(line, "node", "coordinator-1");
    json_decref(line);
}

static void test_starts_and_stops(void **state)
{
    (void)state;
    daemon_stop(a);
    json_t *line = audit_last(a, "stop");
    audit_has(line, "from", "signal");
    audit_has(line, "outcome", "TX_OK");
    json_decref(line);
    /* A line that a crash has cut is ended, and nothing else is lost. */
    char path[CLUSTER_PATH + 16];
    snprintf(path, sizeof path, "%s/audit.jsonl", a->data);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fputs("{\"time\":\"2026-11-2", file);
    fclose(file);
    daemon_start(a);
    assert_int_equal(operate("drain", a->address, NULL, NULL, NULL), 0);
    file = fopen(path, "r");
    assert_non_null(file);
    char text[512];
    int lines = 0, cut = 0;
    while (fgets(text, sizeof text, file) != NULL) {
        lines++;
        cut += strcmp(text, "{\"time\":\"2026-11-2\n") == 0;
    }
    fclose(file);
    assert_int_equal(lines, 5); /* start, stop, the cut one, start, drain */
    assert_int_equal(cut, 1);
}

static struct raw_peer *raw_to_a(void)
{
    return raw_open(a->address, NULL);
}

static const struct tx_msg *ask(struct raw_peer *peer, enum tx_admin_verb verb,
                                struct tx_bytes text)
{
    struct tx_msg msg = {.type = TX_MSG_ADMIN_REQUEST,
                         .admin_request = {.req = 7, .verb = verb, .text = text}};

    assert_int_equal(tx_name_set(&msg.admin_request.operator_name, tx_bytes_str("mallory")), TX_OK);
    const struct tx_msg *answer = raw_ask(peer, &msg);
    assert_int_equal(answer->type, TX_MSG_ERROR);
    assert_int_equal(answer->error.req, 7);
    return answer;
}

/* What an operator sends ends no line and begins no member. */
static void test_hostile_texts(void **state)
{
    static const char quotes[] = "\"},{\"action\":\"start\",\"x\":\"\n{\"\\";
    static const char bytes[] = "\x00\xff\x1b[2J\n";
    struct raw_peer *peer = raw_to_a();

    (void)state;
    assert_int_equal(ask(peer, TX_ADMIN_LOG_LEVEL, tx_bytes_str(quotes))->error.error, TX_EINVAL);
    json_t *line = audit_last(a, "log-level");
    audit_has(line, "argument", quotes);
    audit_has(line, "operator", "mallory");
    json_decref(line);
    assert_int_equal(ask(peer, TX_ADMIN_LOG_LEVEL, tx_bytes(bytes, sizeof bytes - 1))->error.error,
                     TX_EINVAL);
    line = audit_last(a, "log-level");
    audit_has(line, "argument_hex", "00ff1b5b324a0a");
    json_decref(line);
    json_t *lines = audit_lines(a);
    assert_int_equal(json_array_size(lines), 3); /* the start, and these */
    json_decref(lines);
    raw_close(&peer);
}

/* A decision is told of twice: that it was asked for, and what came of it. */
static void test_decisions_of_an_operator(void **state)
{
    struct raw_peer *peer = raw_to_a();
    struct tx_msg msg = {
        .type = TX_MSG_RESOLVE,
        .resolve = {.req = 9, .id = {1, 1, 4242}, .commit = true, .operator_name = {"carol"}}};

    (void)state;
    const struct tx_msg *answer = raw_ask(peer, &msg);
    assert_int_equal(answer->type, TX_MSG_ERROR);
    assert_int_equal(answer->error.error, TX_EUNKNOWN);
    json_t *lines = audit_lines(a);
    assert_int_equal(json_array_size(lines), 3);
    audit_has(json_array_get(lines, 1), "action", "resolve");
    audit_has(json_array_get(lines, 1), "outcome", "asked");
    audit_has(json_array_get(lines, 2), "outcome", "TX_EUNKNOWN");
    audit_has(json_array_get(lines, 2), "transaction", "1-1-4242");
    audit_has(json_array_get(lines, 2), "argument", "commit");
    audit_has(json_array_get(lines, 2), "operator", "carol");
    json_decref(lines);
    raw_close(&peer);
}

/* A disk that is full: what cannot be told of is not done. */
static int unwritable_audit(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    daemon_set(&cluster, a, "audit", "file = /dev/full");
    work_start();
    return 0;
}

static void test_what_cannot_be_told_is_not_done(void **state)
{
    struct raw_peer *peer = raw_to_a();
    struct tx_msg resolve = {
        .type = TX_MSG_RESOLVE,
        .resolve = {.req = 9, .id = {1, 1, 4242}, .commit = true, .operator_name = {"carol"}}};

    (void)state;
    assert_int_equal(operate("drain", "a", NULL, NULL, NULL), EX_UNAVAILABLE);
    operate_wrote("nothing was done: /dev/full: cannot write the audit log: No space left");
    expect(work_put(client, "ab", "k", "1"), TXCLIENT_OK);
    assert_int_equal(operate("log-level", "a", "error", NULL, NULL), EX_UNAVAILABLE);
    assert_int_equal(operate("log-level", "a", NULL, NULL, NULL), 0);
    assert_string_equal(operate_out, "info\n");
    settings_become(a, "audit", "file = /dev/full\n[log]\nlevel = error");
    assert_int_equal(operate("reload", "a", NULL, NULL, NULL), EX_UNAVAILABLE);
    operate_wrote("nothing was done");
    assert_int_equal(operate("log-level", "a", NULL, NULL, NULL), 0);
    assert_string_equal(operate_out, "info\n");
    const struct tx_msg *answer = raw_ask(peer, &resolve);
    assert_int_equal(answer->error.error, TX_EFULL);
    raw_close(&peer);
}

static void test_no_audit_log(void **state)
{
    char path[CLUSTER_PATH + 16];

    (void)state;
    daemon_stop(a);
    snprintf(path, sizeof path, "%s/audit.jsonl", a->data);
    assert_int_equal(unlink(path), 0);
    settings_become(a, "audit", "file = none");
    daemon_start(a);
    assert_int_equal(operate("drain", a->address, NULL, NULL, NULL), 0);
    assert_int_equal(file_size(path), -1);
    /* One that can never be written is a mistake in the configuration. */
    daemon_stop(a);
    settings_become(a, "audit", "file = /nowhere/audit.jsonl");
    daemon_spawn(a, NULL);
    int status;
    assert_true(daemon_wait(a, WORK_MS, &status));
    assert_int_not_equal(status, 0);
    assert_true(daemon_says(
        a, "/nowhere/audit.jsonl: cannot open the audit log: No such file or directory", 0));
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_drained_participant, two_participants),
        TEST(test_a_drained_coordinator, two_participants),
        TEST(test_a_daemon_that_leaves_is_not_undrained, two_participants),
        TEST(test_the_log_level, two_participants),
        TEST(test_what_is_asked_wrongly, two_participants),
        TEST(test_a_line_is_there_when_the_call_is_answered, two_participants),
        TEST(test_starts_and_stops, two_participants),
        TEST(test_hostile_texts, two_participants),
        TEST(test_decisions_of_an_operator, two_participants),
        TEST(test_what_cannot_be_told_is_not_done, unwritable_audit),
        TEST(test_no_audit_log, two_participants),
    };

    return cmocka_run_group_tests_name("administration", tests, NULL, NULL);
}
