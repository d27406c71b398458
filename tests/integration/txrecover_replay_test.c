/* txrecover on directories that are damaged, and directories that it builds anew; and that it never
 * changes what it reads. */
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
static char committed[64]; /* an id */

static int start(void **state)
{
    (void)state;
    recover_live(committed);
    /* A restart, so that its log does not stand in one write-ahead file alone. */
    daemon_kill(a);
    daemon_start(a);
    recover_settle();
    return 0;
}

static void test_verify_damaged(void **state)
{
    const char *copy = recover_copy(a, "flipped");

    (void)state;
    recover_flip_middle(recover_newest_wal(copy));
    recover(65, copy, "verify");
    recover_says("damaged: ");
    recover_says("DAMAGED in ");
    recover_says("readable: ");
    recover_says("what to do:");
    recover(65, copy, "summary");
    recover_says("participant a of cluster test");
    recover(65, copy, "replay", "--into", recover_path("never"));
    assert_int_equal(file_size(recover_path("never")), -1);

    copy = recover_copy(a, "cut");
    assert_int_equal(truncate(recover_newest_wal(copy), file_size(recover_newest_wal(copy)) - 100),
                     0);
    recover(65, copy, "verify");
    recover_says("the newest part of the log is missing");
    recover_says("damaged: LSN ");
    recover(65, copy, "log", "--tx", committed);
    recover_says("a: committed at LSN ");

    copy = recover_copy(a, "removed");
    assert_int_equal(unlink(recover_newest_wal(copy)), 0);
    recover(65, copy, "verify");
    recover_says("the newest part of the log is missing");
    recover_says("txrecover replay ");
}

/* Up to the damage the data can be rebuilt. */
static void test_replay_damaged(void **state)
{
    const char *copy = recover_path("removed"), *into = recover_path("until-damage"), *until;
    char lsn[24];

    (void)state;
    recover(65, copy, "verify");
    until = strstr(recover_out, "--until ");
    assert_non_null(until);
    snprintf(lsn, sizeof lsn, "%s", until + 8);
    lsn[strcspn(lsn, "\n")] = '\0';
    recover(65, copy, "replay", "--into", into);
    recover_complains("rebuilds the data up to the first damage");
    recover_run(0, copy, "replay", (const char *[5]){"--into", into, "--until", lsn, NULL});
    recover(0, into, "verify");
}

static void test_replay_refused(void **state)
{
    char inside[2 * CLUSTER_PATH];

    (void)state;
    recover_run(
        64, a->data, "replay",
        (const char *[5]){"--into", recover_path("none"), "--until-time", "yesterday", NULL});
    recover_complains("\"yesterday\" is no time; a time looks like 2026-11-21T10:00:00Z");
    recover_run(
        64, a->data, "replay",
        (const char *[5]){"--into", recover_path("none"), "--until-time", "2001-01-01", NULL});
    recover_complains("begins after 2001-01-01T00:00:00.000Z");
    recover(73, a->data, "replay", "--into", cluster.directory);
    recover_complains("is not empty");
    snprintf(inside, sizeof inside, "%s/new", a->data);
    recover(73, a->data, "replay", "--into", inside);
    recover_complains("in which nothing is changed");
    recover_run(64, a->data, "replay",
                (const char *[5]){"--into", recover_path("none"), "--until", "1000000", NULL});
    recover_complains("ends at LSN ");
    recover(65, b->data, "replay", "--into", recover_path("none"));
    recover_complains("were removed by compaction");
    assert_int_equal(file_size(recover_path("none")), -1);
    assert_int_equal(file_size(recover_path("none.incomplete")), -1);
}

static void test_replay_partial(void **state)
{
    (void)state;
    recover_run(0, b->data, "replay",
                (const char *[5]){"--into", recover_path("partial"), "--partial", NULL, NULL});
    recover_says("partial: what LSN 1 to ");
    recover(0, recover_path("partial"), "verify");
    recover(0, recover_path("partial"), "summary");
    recover_says("were removed by compaction");
}

static void test_replay_until(void **state)
{
    (void)state;
    recover_run(0, a->data, "replay",
                (const char *[5]){"--into", recover_path("until"), "--until", "40", NULL});
    recover_says("rebuilt from LSN 1 to 40");
    recover_says("will quarantine it");
    recover(0, recover_path("until"), "verify");
    recover_says("LSN 1 to 40, 40 records");
}

/* What stood in the log at the time of one of its records, and what the next record brought is not
 * there. */
static void test_replay_until_time(void **state)
{
    char time[64], *line;
    const char *into = recover_path("until-time");

    (void)state;
    recover(0, a->data, "log", "--from", "50", "--to", "50");
    line = strstr(recover_out, "  20");
    assert_non_null(line);
    snprintf(time, sizeof time, "%.24s", line + 2);
    recover_run(0, a->data, "replay",
                (const char *[5]){"--into", into, "--until-time", time, NULL});
    recover_says("it ends before its source does");
    recover(0, into, "verify");
    /* The last record of it is not later, and the next one is. */
    recover(0, into, "log", "--from", "50");
    for (line = recover_out; *line != '\0'; line = strchr(line, '\n') + 1)
        assert_true(strncmp(strstr(line, "  20") + 2, time, 24) <= 0);
    recover_run(0, a->data, "replay",
                (const char *[5]){"--into", recover_path("now"), "--until-time", "now", NULL});
    recover_says("the data equal those of");
}

/* A coordinator's directory holds no data, and can be rebuilt likewise. */
static void test_replay_coordinator(void **state)
{
    const char *into = recover_path("home");

    (void)state;
    recover(0, coordinator->data, "replay", "--into", into);
    recover(0, into, "verify");
    recover(0, a->data, "replay", "--into", recover_path("json"), "--json");
    recover_is_json();
    recover_says("\"in_doubt\":0,\"writes_lost\":0,\"keys\":");
    recover_says("\"keys_different\":0}");
    recover(0, into, "log", "--tx", committed);
    recover_says("every member has acknowledged (END, LSN ");
    recover_run(0, coordinator->data, "replay",
                (const char *[5]){"--into", recover_path("home-40"), "--until", "40", NULL});
    recover_says("will fence it");
}

static void holds(const char *key, const char *value)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_value got;

    txclient_batch_get(batch, txclient_at("a", "t", key));
    assert_int_equal(txclient_submit(client, batch, NULL, &got), TXCLIENT_OK);
    assert_int_equal(got.found, value != NULL);
    if (value != NULL) {
        assert_int_equal(got.len, strlen(value));
        assert_memory_equal(got.data, value, got.len);
    }
    txclient_batch_free(&batch);
}

/* The rebuilt directory takes the place of the lost one. */
static void test_replay_and_start(void **state)
{
    (void)state;
    assert_int_equal(mkdir(recover_path("rebuilt"), 0755), 0); /* an empty one will do */
    recover(0, a->data, "replay", "--into", recover_path("rebuilt"));
    recover_says("0 still in doubt");
    recover_says("the data equal those of");
    recover(0, recover_path("rebuilt"), "verify");
    assert_true(strlen(recover_path("rebuilt")) < sizeof a->data);
    strcpy(a->data, recover_path("rebuilt"));
    daemon_set(&cluster, a, "timers", "idle = 30s");
    cluster_start(&cluster);
    holds("k3", "k3");
    holds("noted", "n");
    holds("alone", NULL);
    holds("never", NULL);
    holds("last", "z");
    assert_int_equal(recover_put_both("after", "1"), TXCLIENT_OK);
    daemon_stop(coordinator);
    daemon_stop(a);
    daemon_stop(b);
    recover(0, a->data, "verify");
    recover(0, b->data, "verify");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_damaged),     cmocka_unit_test(test_replay_damaged),
        cmocka_unit_test(test_replay_refused),     cmocka_unit_test(test_replay_partial),
        cmocka_unit_test(test_replay_until),       cmocka_unit_test(test_replay_until_time),
        cmocka_unit_test(test_replay_coordinator), cmocka_unit_test(test_replay_and_start),
    };

    return cmocka_run_group_tests(tests, start, work_teardown);
}
