/* txrecover on directories that real daemons have left behind: what it says of transactions in
 * doubt and settled, of records and of whole logs; and that it never changes what it reads. */
#include "tests/integration/recover_run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];
static char doubtful[64], committed[64]; /* ids */

static int start(void **state)
{
    (void)state;
    recover_live(committed);
    return 0;
}

/* ---- tests, in the order in which the cluster goes through them ---- */

static void test_refused_while_in_use(void **state)
{
    (void)state;
    assert_int_equal(run_program(recover_out, sizeof recover_out, recover_err, sizeof recover_err,
                                 "txrecover", "summary", a->data, NULL),
                     69);
    recover_complains("in use by process");
}

static void test_arguments(void **state)
{
    (void)state;
    assert_int_equal(run_program(recover_out, sizeof recover_out, recover_err, sizeof recover_err,
                                 "txrecover", NULL),
                     64);
    recover_complains("a command is missing");
    assert_int_equal(run_program(recover_out, sizeof recover_out, recover_err, sizeof recover_err,
                                 "txrecover", "mend", NULL),
                     64);
    recover_complains("unknown command \"mend\"");
    assert_int_equal(run_program(recover_out, sizeof recover_out, recover_err, sizeof recover_err,
                                 "txrecover", "log", NULL),
                     64);
    recover_complains("directory of a daemon is missing");
    recover(64, cluster.directory, "log", "--from", "12x");
    recover_complains("\"12x\" is no LSN: character 3 is no digit");
    recover(64, cluster.directory, "log", "--tx", "1-x-3");
    recover_complains("at character 3 the number of the epoch is missing");
    recover(64, cluster.directory, "replay");
    recover_complains("--into is missing");
    recover(66, cluster.directory, "summary");
    assert_int_equal(run_program(recover_out, sizeof recover_out, recover_err, sizeof recover_err,
                                 "txrecover", "verify", recover_path("nowhere"), NULL),
                     66);
    recover_complains("nowhere");
}

#ifdef ASSENT_CRASH_POINTS

static void take_id(char id[64])
{
    const char *at = strstr(recover_out, "\"tx\":\"");

    assert_non_null(at);
    snprintf(id, 64, "%s", at + 6);
    id[strcspn(id, "\"")] = '\0';
}

static bool has_prepared(void *arg)
{
    const struct daemon *daemon = arg;
    txclient_node *node = NULL;
    bool prepared = false;

    if (txclient_inspect(client, daemon->address, &node) == TXCLIENT_OK)
        prepared = strcmp(txclient_node_get(node, "prepared"), "1") == 0;
    txclient_node_free(&node);
    return prepared;
}

/* The coordinator dies around its decision, which is asked of it: else the participants would need
 * none. Both have voted, and are killed. */
static void lose_coordinator(const char *crash_point, const char *value)
{
    int status;

    if (coordinator->pid != 0)
        daemon_stop(coordinator);
    daemon_spawn(coordinator, crash_point);
    assert_true(daemon_says(coordinator, "msg=serving", WORK_MS));
    txclient_close(&client);
    recover_open_client(1500);
    assert_int_equal(recover_put_decided_by(TXCLIENT_COMMIT_COORDINATOR, "doubt", value),
                     TXCLIENT_UNKNOWN);
    assert_true(daemon_wait(coordinator, WORK_MS, &status));
    assert_true(wait_until(has_prepared, a, WORK_MS));
    assert_true(wait_until(has_prepared, b, WORK_MS));
    recover_kill_all();
}

static void test_in_doubt_without_decision(void **state)
{
    (void)state;
    lose_coordinator("log:COMMIT:before", "undecided");
    recover(0, a->data, "indoubt", "--json");
    recover_is_json();
    take_id(doubtful);
    recover_says("\"keyspace\":\"t\",\"key\":\"doubt\",\"value\":\"undecided\"");
    recover(0, a->data, "indoubt");
    recover_says(doubtful);
    recover_says("in doubt since 20");
    recover_says("locks        x t/doubt");
    recover_says("put t/doubt = undecided (held back)");
    recover_says("coordinator 1 at ipc://");
    recover_says("or, while that is away, b at ipc://");
    recover_says("COMMITTED at any of them settles to commit, a definite NO to abort");
    recover(0, b->data, "indoubt");
    recover_says("or, while that is away, a at ipc://");
    recover(0, coordinator->data, "indoubt");
    recover_says("coordinator 1: nothing is left to drive home");
    recover(0, a->data, "log", "--tx", doubtful);
    recover_says("a: in doubt since LSN ");
    recover(0, coordinator->data, "log", "--tx", doubtful);
    recover_says("coordinator 1: nothing here: under presumed abort");
    recover(0, a->data, "summary");
    recover_says("transactions  1 prepared, in doubt");
    recover(0, a->data, "verify");
}

/* What is in doubt in the log is in doubt in the directory that is built from it. */
static void test_replay_in_doubt(void **state)
{
    const char *into = recover_path("doubt-replayed");

    (void)state;
    recover(0, a->data, "replay", "--into", into);
    recover_says("1 still in doubt");
    recover_says("the data equal those of");
    recover(0, into, "indoubt");
    recover_says(doubtful);
}

static void test_in_doubt_with_decision(void **state)
{
    (void)state;
    daemon_start(a);
    daemon_start(b);
    daemon_start(coordinator);
    assert_true(daemon_says(a, "settled: aborted", WORK_MS));
    assert_true(daemon_says(b, "settled: aborted", WORK_MS));
    lose_coordinator("log:COMMIT:after", "decided");
    recover(0, coordinator->data, "indoubt", "--json");
    recover_is_json();
    take_id(doubtful);
    recover(0, coordinator->data, "indoubt");
    recover_says(doubtful);
    recover_says("decided to commit since");
    recover_says("to tell      a at ipc://");
    recover(0, coordinator->data, "summary");
    recover_says("1 committed, not acknowledged by all (no END)");
    recover(0, coordinator->data, "log", "--tx", doubtful);
    recover_says("coordinator 1: the decision is commit (LSN ");
    recover_says("not every member is known to have acknowledged it");
    recover(0, a->data, "indoubt");
    recover_says(doubtful);
    recover(0, a->data, "verify");
    recover(0, coordinator->data, "verify");
}

static void settle(void)
{
    daemon_start(a);
    daemon_start(b);
    daemon_start(coordinator);
    assert_true(daemon_says(a, "settled: committed", WORK_MS));
    assert_true(daemon_says(b, "settled: committed", WORK_MS));
}

#else

static void test_in_doubt_without_decision(void **state)
{
    (void)state;
    print_message("this build has no crash points: nobody can be left in doubt at will\n");
    skip();
}

static void test_replay_in_doubt(void **state)
{
    (void)state;
    skip();
}

static void test_in_doubt_with_decision(void **state)
{
    (void)state;
    skip();
}

/* A restart, so that its log does not stand in one write-ahead file alone. */
static void settle(void)
{
    snprintf(doubtful, sizeof doubtful, "%s", committed);
    daemon_kill(a);
    daemon_start(a);
}

#endif

/* A participant that has everything in its log and nothing in doubt, killed. */
static void test_settled(void **state)
{
    (void)state;
    settle();
    recover_settle();
    recover(0, a->data, "indoubt");
    recover_says("a: nothing is in doubt");
    recover(0, a->data, "log", "--tx", doubtful);
    recover_says("a: committed at LSN ");
    recover_says(": PREPARED ");
    recover(0, coordinator->data, "log", "--tx", doubtful);
    recover_says("every member has acknowledged (END, LSN ");
    recover(0, coordinator->data, "indoubt", "--json");
    recover_says("\"transactions\":[]");
}

static void test_summary(void **state)
{
    (void)state;
    recover(0, a->data, "summary");
    recover_says("participant a of cluster test");
    recover_says("format        1, records 1");
    recover_says("log           LSN 1 to ");
    recover_says("PREPARED ");
    recover_says("incarnation 1  20");
    recover_says("alarms        0");
    recover(0, b->data, "summary");
    recover_says("were removed by compaction");
    recover_says("the newest from LSN ");
    recover(0, coordinator->data, "summary");
    recover_says("coordinator 1 of cluster test");
    recover_says("epoch 1  20");
    recover_says("OUTCOME ");
    recover(0, a->data, "summary", "--json");
    recover_is_json();
    recover_says(
        "{\"role\":\"participant\",\"name\":\"a\",\"cluster\":\"test\",\"format\":1,\"first_lsn\":"
        "1,");
    recover(0, coordinator->data, "summary", "--json");
    recover_is_json();
    recover_says("{\"role\":\"coordinator\",\"coordinator\":1,");
}

static void test_log(void **state)
{
    const char *line;

    (void)state;
    recover(0, a->data, "log");
    recover_says("       1  20");
    recover_says("  start 1  START  life ");
    recover_says("one phase; writes put t/\\x00\\xffodd = \\x01, put t/alone = 1");
    recover_says("; writes delete t/alone");
    recover_says("members a (incarnation 1), b (incarnation 1)");
    recover_says("finished are those of epoch 1 below ");
    recover(0, a->data, "log", "--from", "2", "--to", "3");
    line = strchr(recover_out, '\n');
    assert_non_null(line);
    assert_int_equal(strncmp(recover_out, "       2  ", 10), 0);
    assert_int_equal(strncmp(line + 1, "       3  ", 10), 0);
    assert_int_equal(line[1 + strcspn(line + 1, "\n") + 1], '\0');
    recover(0, a->data, "log", "--json");
    recover_is_json();
    recover_says("\"writes\":[{\"op\":\"put\",\"keyspace\":\"t\",\"key_hex\":\"00ff6f6464\"");
    recover(0, coordinator->data, "log");
    recover_says("decided: commit; members a (incarnation ");
    recover_says("acknowledged by ");
    recover(64, a->data, "log", "--from", "1000000");
    recover_complains("ends at LSN ");
    recover(64, a->data, "log", "--from", "5", "--to", "4");
    recover(64, b->data, "log", "--to", "1");
    recover_complains("older records were removed");
}

static void test_log_of_one(void **state)
{
    (void)state;
    recover(0, a->data, "log", "--tx", committed);
    recover_says("  PREPARED  ");
    recover_says("; the members decide");
    recover_says("  COMMITTED  ");
    recover_says("a: committed at LSN ");
    recover_says("; forgotten since LSN ");
    recover(0, coordinator->data, "log", "--tx", committed, "--json");
    recover_is_json();
    recover_says("\"state\":\"committed and acknowledged\"");
    recover(0, a->data, "log", "--tx", "1-1-999999");
    recover_says("a: nothing here: it has never voted to commit here with writes");
    recover(0, b->data, "log", "--tx", "1-1-999999");
    recover_says("so it may have ended before");
    recover(0, coordinator->data, "log", "--tx", "2-1-1");
    recover_says("it is a transaction of coordinator 2");
    /* Options may come first. */
    assert_int_equal(run_program(recover_out, sizeof recover_out, recover_err, sizeof recover_err,
                                 "txrecover", "log", "--tx", committed, a->data, NULL),
                     0);
    recover_says("a: committed at LSN ");
}

static void test_verify_sound(void **state)
{
    (void)state;
    recover(0, a->data, "verify");
    recover_says(": sound. a of cluster test: LSN 1 to ");
    recover(0, b->data, "verify");
    recover_says(": sound. b of cluster test: LSN ");
    recover(0, coordinator->data, "verify");
    recover_says(": sound. coordinator 1 of cluster test");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_while_in_use),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_in_doubt_without_decision),
        cmocka_unit_test(test_replay_in_doubt),
        cmocka_unit_test(test_in_doubt_with_decision),
        cmocka_unit_test(test_settled),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_log_of_one),
        cmocka_unit_test(test_verify_sound),
    };

    return cmocka_run_group_tests(tests, start, work_teardown);
}
