/* What real daemons serve under /metrics: the form, by promtool; the numbers, against what txbench
 * says that it did and what was done for real. */
#include "tests/integration/http_client.h"
#include "tests/integration/work.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];
static struct http_answer answer;

static int start(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    cluster_serve_http(&cluster);
    /* A participant that is held up is no reason to abort. */
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h");
    cluster_start(&cluster);
    client = work_client(coordinator);
    return 0;
}

static double metric(const struct daemon *daemon, const char *sample)
{
    double value = http_metric(daemon, sample);

    if (value < 0)
        fail_msg("%s serves no %s", daemon->name, sample);
    return value;
}

/* ---- the form ---- */

static void check_form(const struct daemon *daemon)
{
    char file[CLUSTER_PATH + 64], command[2 * CLUSTER_PATH], out[8192];

    assert_int_equal(http_get(daemon, "/metrics", &answer), 200);
    assert_non_null(strstr(answer.head, "text/plain; version=0.0.4"));
    snprintf(file, sizeof file, "%s/%s.metrics", cluster.directory, daemon->name);
    file_write(file, answer.body);
    snprintf(command, sizeof command, "promtool check metrics <%s 2>&1", file);
    if (run_program(out, sizeof out, NULL, 0, "/bin/sh", "-c", command, NULL) != 0)
        fail_msg("promtool of %s: %s", daemon->name, out);
}

static void test_promtool_has_nothing_to_say(void **state)
{
    (void)state;
    work_put_surely(client, "ab", "k", "v");
    check_form(coordinator);
    check_form(a);
}

/* Every bucket holds at least what the one before it does, and the last holds all. */
static void check_histogram(const struct daemon *daemon, const char *name, const char *label)
{
    double before = 0, count;
    char sample[200];
    int buckets = 0;

    snprintf(sample, sizeof sample, "\n%s_bucket{%s%sle=\"", name, label, label[0] ? "," : "");
    assert_int_equal(http_get(daemon, "/metrics", &answer), 200);
    for (const char *at = answer.body; (at = strstr(at, sample)) != NULL; at++) {
        double value = strtod(strchr(at, '}') + 2, NULL);

        assert_true(value >= before);
        before = value;
        buckets++;
    }
    assert_true(buckets > 10);
    snprintf(sample, sizeof sample, "%s_count%s%s%s", name, label[0] ? "{" : "", label,
             label[0] ? "}" : "");
    count = http_sample(answer.body, sample);
    if (count <= 0 || count != before)
        fail_msg("%s: %g counted, %g in the last bucket", sample, count, before);
}

struct wanted {
    const struct daemon *daemon;
    const char *sample;
    double least;
};

static bool has_come(void *arg)
{
    const struct wanted *wanted = arg;

    return http_metric(wanted->daemon, wanted->sample) >= wanted->least;
}

static void await(const struct daemon *daemon, const char *sample, double least)
{
    struct wanted wanted = {daemon, sample, least};

    if (!wait_until(has_come, &wanted, WORK_MS))
        fail_msg("%s of %s never reaches %g", sample, daemon->name, least);
}

/* ---- the numbers ---- */

/* The number behind "name": in what txbench writes. */
static double of_bench(const char *json, const char *name)
{
    char words[64];
    const char *at;

    snprintf(words, sizeof words, "\"%s\":", name);
    at = strstr(json, words);
    if (at == NULL)
        return 0;
    return strtod(at + strlen(words), NULL);
}

/* txbench makes its accounts and sums them up in some further transactions. */
#define OF_THE_BENCH_ITSELF 50

static void check_bench(const char *json)
{
    double committed = of_bench(json, "committed"), floor = of_bench(json, "floor");
    double counted = metric(coordinator, "assent_coordinator_committed_total");
    double submits = metric(coordinator, "assent_messages_received_total{kind=\"SUBMIT\"}");
    double begun = metric(coordinator, "assent_coordinator_begun_total");

    assert_true(committed > 0 && counted >= committed);
    assert_true(counted <= committed + OF_THE_BENCH_ITSELF);
    assert_true(metric(coordinator, "assent_coordinator_aborted_total{reason=\"floor\"}") == floor);
    /* A SUBMIT comes again when its answer has not within half a second. */
    assert_true(submits >= begun);
    assert_true(begun ==
                of_bench(json, "committed") + of_bench(json, "aborted") + counted - committed);
    assert_true(metric(coordinator,
                       "assent_coordinator_transaction_seconds_count{outcome=\"committed\"}") ==
                counted);
    assert_true(metric(coordinator, "assent_log_records_total") > committed);
}

static void *put_behind(void *arg)
{
    static txclient_status status;

    status = work_put(arg, "a", "k", "2");
    return &status;
}

/* Among the bench's own somebody may, or may not, have waited for a lock. */
static void make_somebody_wait(void)
{
    txclient *other = work_client(coordinator);
    txclient_tx *tx = work_begin(client);
    pthread_t thread;
    void *status;

    expect(txclient_put(tx, AT("a", "k"), txclient_str("1")), TXCLIENT_OK);
    assert_int_equal(pthread_create(&thread, NULL, put_behind, other), 0);
    await(a, "assent_participant_locks_waiting", 1);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    assert_int_equal(pthread_join(thread, &status), 0);
    expect_of(other, *(txclient_status *)status, TXCLIENT_OK);
    txclient_close(&other);
    work_await_quiet();
}

static void test_the_numbers_of_a_bench(void **state)
{
    static char json[65536];

    (void)state;
    assert_int_equal(run_program(json, sizeof json, NULL, 0, "txbench", "--config",
                                 cluster.client_config, "--json", "transfer", "--seconds", "1",
                                 "--accounts", "20", NULL),
                     0);
    work_await_quiet();
    check_bench(json);
    make_somebody_wait();
    check_histogram(coordinator, "assent_coordinator_phase_seconds", "phase=\"prepare\"");
    check_histogram(coordinator, "assent_coordinator_phase_seconds", "phase=\"decision\"");
    check_histogram(coordinator, "assent_coordinator_transaction_seconds", "outcome=\"committed\"");
    check_histogram(coordinator, "assent_log_batch_records", "");
    check_histogram(a, "assent_log_sync_seconds", "");
    check_histogram(a, "assent_participant_operation_seconds", "");
    check_histogram(a, "assent_participant_prepare_seconds", "");
    check_histogram(a, "assent_participant_in_doubt_seconds", "");
    check_histogram(a, "assent_participant_lock_wait_seconds", "");
    assert_true(metric(a, "assent_participant_lock_waits_total") > 0);
    assert_true(metric(a, "assent_participant_cache_hits_total") > 0);
    assert_true(metric(a, "assent_participant_committed_total") > 0);
    assert_true(metric(a, "assent_participant_locks_held") == 0);
    assert_true(metric(a, "assent_log_durable_lsn") > 0);
}

/* An interactive transaction whose client pauses between its begin and its commit. */
static void test_the_phases_of_an_interactive_transaction(void **state)
{
    txclient_tx *tx;

    (void)state;
    work_await_all_up(coordinator);
    tx = work_begin(client);
    expect(txclient_put(tx, AT("a", "k"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_put(tx, AT("b", "k"), txclient_str("1")), TXCLIENT_OK);
    assert_true(metric(coordinator, "assent_coordinator_open{state=\"active\"}") == 1);
    assert_true(metric(a, "assent_participant_transactions{state=\"working\"}") == 1);
    assert_true(metric(a, "assent_participant_locks_held") > 0);
    assert_true(metric(coordinator, "assent_coordinator_open_oldest_seconds") > 0);
    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/sleep", "0.3", NULL), 0);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    check_histogram(coordinator, "assent_coordinator_phase_seconds", "phase=\"begin\"");
    check_histogram(coordinator, "assent_coordinator_phase_seconds", "phase=\"operations\"");
    assert_true(metric(coordinator, "assent_coordinator_phase_seconds_sum{phase=\"operations\"}") >=
                0.3);
    assert_true(metric(coordinator,
                       "assent_coordinator_transaction_seconds_sum{outcome=\"committed\"}") >= 0.3);
}

/* Who is in doubt, for how long, that the log must keep it, and that it is over. */
static void test_in_doubt(void **state)
{
    char id[64], sample[128];

    (void)state;
    work_decides_by_itself(coordinator);
    work_leave_in_doubt(id);
    snprintf(sample, sizeof sample, "assent_log_pin_info{transaction=\"%s\"}", id);
    assert_true(metric(a, "assent_participant_in_doubt") == 1);
    await(a, "assent_participant_in_doubt_oldest_seconds", 0.5);
    await(a, "assent_participant_inquiries_total", 1);
    await(a, sample, 1);
    assert_true(metric(a, "assent_log_pin_age_seconds") >= 10);
    http_await_ready(a, 200, "\"in-doubt\"");
    daemon_start(coordinator);
    work_await_quiet();
    assert_true(metric(a, "assent_participant_in_doubt") == 0);
    assert_true(metric(a, "assent_participant_in_doubt_seconds_sum") >= 10);
    assert_true(metric(a, "assent_log_pin_age_seconds") == 0);
    assert_true(http_metric(a, sample) < 0);
    assert_true(metric(a, "assent_participant_aborted_total{reason=\"presumed\"}") == 1);
}

/* ---- snapshots cut the log ---- */

static int start_with_snapshots(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    cluster_serve_http(&cluster);
    daemon_set(&cluster, a, "storage", "snapshot_records = 100\nretain_records = 0");
    cluster_start(&cluster);
    client = work_client(coordinator);
    return 0;
}

static void test_the_log_is_cut(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++)
        work_put_surely(client, "ab", "k", "v");
    await(a, "assent_log_first_lsn", 100);
    assert_true(metric(b, "assent_log_first_lsn") == 1);
    assert_true(metric(b, "assent_log_bytes") > 0);
    daemon_stop(a);
    daemon_start(a);
    assert_true(metric(a, "assent_log_first_lsn") >= 100);
}

/* ---- the tables and what is served ---- */

/* Every metric of --print-metrics is served, and no other one. */
static void check_table(const struct daemon *daemon)
{
    static char rows[65536];
    int served = 0, printed = 0;

    assert_int_equal(
        run_program(rows, sizeof rows, NULL, 0, daemon->program, "--print-metrics", NULL), 0);
    assert_int_equal(http_get(daemon, "/metrics", &answer), 200);
    for (char *at = rows; (at = strstr(at, "| `assent_")) != NULL; at += 3) {
        char line[200], type[32], name[128];

        assert_int_equal(sscanf(at, "| `%127[a-z_]` | %31[a-z]", name, type), 2);
        snprintf(line, sizeof line, "# TYPE %s %s\n", name, type);
        if (strstr(answer.body, line) == NULL)
            fail_msg("%s does not serve: %s", daemon->name, line);
        printed++;
    }
    for (const char *at = answer.body; (at = strstr(at, "# TYPE ")) != NULL; at++)
        served++;
    assert_true(printed > 40);
    assert_int_equal(served, printed);
}

static void test_the_tables(void **state)
{
    (void)state;
    check_table(coordinator);
    check_table(a);
}

#define TEST(name)           cmocka_unit_test_setup_teardown(name, start, work_teardown)
#define TEST_OF(name, begin) cmocka_unit_test_setup_teardown(name, begin, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_promtool_has_nothing_to_say),
        TEST(test_the_numbers_of_a_bench),
        TEST(test_the_phases_of_an_interactive_transaction),
        TEST_OF(test_in_doubt, http_patient_cluster),
        TEST(test_the_tables),
        TEST_OF(test_the_log_is_cut, start_with_snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
