/* Reloads of timers, and of what a log keeps. What happens so often is counted: each test waits for
 * more of it than the old value would give in that time. */
#include "tests/integration/http_client.h"
#include "tests/integration/reload_case.h"

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

/* Long for what the new values give, short for what the defaults do. */
#define COUNTED_MS 20000

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

/* With the defaults, so that no key stands in the files already. */
static int defaults(void **state)
{
    (void)state;
    cluster_init_defaults(&cluster, 2);
    cluster_serve_http(&cluster);
    work_start_with("old");
    return 0;
}

static int seldom_forgotten(void **state)
{
    (void)state;
    cluster_init_defaults(&cluster, 2);
    cluster_serve_http(&cluster);
    daemon_set(&cluster, coordinator, "timers", "forget = 10s");
    cluster_start(&cluster);
    work_await_all_up(coordinator);
    client = work_client(coordinator);
    return 0;
}

struct sample {
    const struct daemon *daemon;
    const char *name;
    double least;
};

static bool sample_reached(void *arg)
{
    const struct sample *sample = arg;

    return http_metric(sample->daemon, sample->name) >= sample->least;
}

/* So many more of them come in less time than they would take with the old value. */
static void counts(const struct daemon *daemon, const char *name, double more)
{
    const double now = http_metric(daemon, name);
    struct sample sample = {daemon, name, (now > 0 ? now : 0) + more};

    if (!wait_until(sample_reached, &sample, COUNTED_MS))
        fail_msg("%s of %s is %g, and does not reach %g", name, daemon->name,
                 http_metric(daemon, name), sample.least);
}

static void test_greetings(void **state)
{
    (void)state;
    reload(coordinator, "timers", "hello = 20ms");
    counts(coordinator, "assent_messages_sent_total{kind=\"HELLO\"}", 100);
}

static bool five_cuts_begun(void *arg)
{
    return work_number(arg, "cuts_begun") >= 5;
}

static void test_cuts(void **state)
{
    (void)state;
    reload(coordinator, "storage", "cut_every = 50ms");
    assert_true(wait_until(five_cuts_begun, coordinator, COUNTED_MS));
}

/* The same, with some work each time: there is always something new. */
static bool reached_by_work(void *arg)
{
    for (int i = 0; i < 5; i++)
        work_put_surely(client, "ab", "k", "new");
    return sample_reached(arg);
}

static void test_what_may_be_forgotten(void **state)
{
    struct sample sample = {coordinator, "assent_messages_sent_total{kind=\"FORGET\"}", 40};

    (void)state;
    reload(coordinator, "timers", "forget = 10ms");
    /* However seldom the machine gets a put done; 14 with the old value. */
    assert_true(wait_until(reached_by_work, &sample, WORK_MS));
}

/* Votes that do not come: the transaction is aborted in time, after so many tries. */
static void test_votes_that_do_not_come(void **state)
{
    /* Less than the default of 30 s. */
    const txclient_options soon = {.size = sizeof soon, .commit_timeout_ms = COUNTED_MS};
    txclient *own = NULL;
    txclient_why why;
    uint64_t resends = 0;

    (void)state;
    reload(coordinator, "timers",
           "prepare = 1s\npeer_down = 1h\n[limits]\nprepare_tries = 50\n"
           "[node]\ncommit_mode = coordinator");
    assert_int_equal(txclient_open("test", coordinator->address, &soon, &own, &why), TXCLIENT_OK);
    /* 2 by default; and more than ten, unless the coordinator was held up in that second. */
    for (int tries = 0; tries < 10 && resends <= 10; tries++) {
        resends = work_number(coordinator, "resends");
        daemon_signal(b, SIGSTOP);
        expect_of(own, work_put(own, "ab", "k", "never"), TXCLIENT_ABORTED);
        daemon_signal(b, SIGCONT);
        resends = work_number(coordinator, "resends") - resends;
    }
    assert_true(resends > 10);
    txclient_close(&own);
}

static void *commit(void *arg)
{
    expect(txclient_commit(arg), TXCLIENT_OK);
    return NULL;
}

/* A transaction is committed, and b, which has voted, cannot hear of it. */
static void leave_undelivered(void)
{
    txclient_tx *tx = work_begin(client);
    pthread_t thread;

    expect(txclient_put(tx, AT("a", "k"), txclient_str("new")), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", "k"), txclient_str("new")), TXCLIENT_OK);
    daemon_signal(a, SIGSTOP); /* holds back its vote */
    assert_int_equal(pthread_create(&thread, NULL, commit, tx), 0);
    work_await_voted(b);
    daemon_signal(b, SIGSTOP);
    daemon_signal(a, SIGCONT);
    pthread_join(thread, NULL);
    txclient_tx_close(&tx);
}

struct resends {
    uint64_t least;
};

static bool resent(void *arg)
{
    const struct resends *resends = arg;

    return work_number(coordinator, "resends") >= resends->least;
}

/* By default after 500 ms, 1 s, 2 s and so on, up to every 10 s: five in twenty seconds. What has
 * grown to that under the first new value ends as it was set. Counted from before the decision: the
 * intervals may have grown long before anybody looks. */
static void test_decisions_sent_again(void **state)
{
    struct resends eight, many;

    (void)state;
    reload(coordinator, "timers",
           "resend = 10ms\npeer_down = 1h\n[node]\ncommit_mode = coordinator");
    eight.least = work_number(coordinator, "resends") + 8;
    leave_undelivered();
    assert_true(wait_until(resent, &eight, COUNTED_MS));
    reload(coordinator, "timers",
           "resend = 10ms\nresend_max = 20ms\npeer_down = 1h\n[node]\ncommit_mode = coordinator");
    many.least = work_number(coordinator, "resends") + 30;
    assert_true(wait_until(resent, &many, WORK_MS)); /* 6 by default */
    daemon_signal(b, SIGCONT);
    work_await_quiet();
}

/* By default after 2 s, 4 s and so on, up to every 10 s. */
static void test_inquiries(void **state)
{
    struct sample eight = {a, "assent_participant_inquiries_total", 8}, sixty = eight;
    char id[64];

    (void)state;
    reload(coordinator, "timers",
           "prepare = 1h\npeer_down = 1h\n[node]\ncommit_mode = coordinator");
    reload(a, "timers", "inquiry = 10ms");
    work_leave_in_doubt(id);
    assert_true(wait_until(sample_reached, &eight, COUNTED_MS));
    reload(a, "timers", "inquiry = 10ms\ninquiry_max = 20ms");
    sixty.least = http_metric(a, sixty.name) + 60;
    assert_true(wait_until(sample_reached, &sixty, WORK_MS)); /* 6 by default */
}

/* By default a hundred thousand records stay, and no snapshot is written before as many. */
static void test_what_a_log_keeps(void **state)
{
    struct sample cut[] = {{coordinator, "assent_log_first_lsn", 50},
                           {a, "assent_log_first_lsn", 50}};

    (void)state;
    reload(coordinator, "storage",
           "snapshot_records = 100\nretain_records = 0\n[timers]\nretention = 100ms");
    reload(a, "storage", "snapshot_records = 100\nretain_records = 0");
    for (size_t i = 0; i < 2; i++)
        assert_true(wait_until(reached_by_work, &cut[i], 2 * WORK_MS));
}

static void test_the_level_of_the_log(void **state)
{
    (void)state;
    reload(coordinator, "log", "level = debug");
    assert_int_equal(operate("log-level", "coordinator", NULL, NULL, NULL), 0);
    assert_string_equal(operate_out, "debug\n");
    reload(a, "log", "level = warn");
    assert_int_equal(operate("log-level", "a", NULL, NULL, NULL), 0);
    assert_string_equal(operate_out, "warn\n");
}

/* ---- backups ---- */

#define SLOW "rate = 1K"

/* Reading what they have takes each of these half a minute or more, at that rate. */
static int slow_backups(void **state)
{
    static char value[128 * 1024];
    struct daemon *const daemons[] = {coordinator, a};

    (void)state;
    cluster_init(&cluster, 2, true);
    for (size_t i = 0; i < 2; i++)
        daemon_set(&cluster, daemons[i], "backup", SLOW);
    work_start();
    memset(value, 'v', sizeof value - 1);
    work_put_surely(client, "a", "k", value);
    return 0;
}

static void test_the_rate_of_backups(void **state)
{
    struct timespec from, to;
    char into[CLUSTER_PATH + 16];

    (void)state;
    snprintf(into, sizeof into, "--into=%s/backups", cluster.directory);
    reload(coordinator, "backup", "rate = 0");
    reload(a, "backup", "rate = 0");
    clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(operate("backup", into, NULL, NULL, NULL), 0);
    clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true(to.tv_sec - from.tv_sec < COUNTED_MS / 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, defaults, work_teardown)

int reload_timers(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_greetings),
        TEST(test_cuts),
        cmocka_unit_test_setup_teardown(test_what_may_be_forgotten, seldom_forgotten,
                                        work_teardown),
        TEST(test_votes_that_do_not_come),
        TEST(test_decisions_sent_again),
        TEST(test_inquiries),
        TEST(test_what_a_log_keeps),
        TEST(test_the_level_of_the_log),
        cmocka_unit_test_setup_teardown(test_the_rate_of_backups, slow_backups, work_teardown),
    };

    return cmocka_run_group_tests_name("reload_timers", tests, NULL, NULL);
}
