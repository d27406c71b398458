/* txbench on a live cluster: its workloads hold and see when they do not, an open loop counts a
 * stall, the summary comes after an interrupt too, and a history that ends so is whole. */
#include "tests/integration/work.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char history[CLUSTER_PATH + 16], out[CLUSTER_PATH + 16], err[CLUSTER_PATH + 16];

static int start(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    cluster_start(&cluster);
    snprintf(history, sizeof history, "%s/history", cluster.directory);
    snprintf(out, sizeof out, "%s/out", cluster.directory);
    snprintf(err, sizeof err, "%s/err", cluster.directory);
    return 0;
}

static pid_t start_words(const char *const words[])
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (freopen(out, "w", stdout) == NULL || freopen(err, "w", stderr) == NULL)
        _exit(127);
    execv(ASSENT_BIN_DIR "/txbench", (char *const *)words);
    _exit(127);
}

/* An hour of load; `history_file` may be NULL. */
static pid_t start_bench(const char *command, const char *history_file)
{
    const char *words[] = {"txbench",    "--config",  cluster.client_config,
                           command,      "--seconds", "3600",
                           "--accounts", "20",        history_file != NULL ? "--history" : NULL,
                           history_file, NULL};

    return start_words(words);
}

/* A line each second; one of them tells of commits, however slow the machine has begun. */
static bool shows_progress(void *arg)
{
    FILE *file = fopen(err, "r");
    char line[256];
    unsigned long committed = 0;

    (void)arg;
    while (file != NULL && committed == 0 && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "%*f s %lu committed", &committed) != 1)
            committed = 0;
    if (file != NULL)
        fclose(file);
    return committed > 0;
}

struct bench {
    pid_t pid;
    int status;
};

#define STALL_US 1500000

static bool has_ended(void *arg)
{
    struct bench *bench = arg;

    return waitpid(bench->pid, &bench->status, WNOHANG) == bench->pid;
}

static void interrupt_it(const char *command, const char *history_file, int signal_number,
                         char *summary, size_t size)
{
    struct bench bench = {.pid = start_bench(command, history_file)};
    FILE *file;

    assert_true(wait_until(shows_progress, NULL, WORK_MS));
    assert_int_equal(kill(bench.pid, signal_number), 0);
    if (!wait_until(has_ended, &bench, WORK_MS)) {
        kill(bench.pid, SIGKILL);
        fail_msg("txbench goes on");
    }
    assert_true(WIFEXITED(bench.status));
    assert_int_equal(WEXITSTATUS(bench.status), 0);
    file = fopen(out, "r");
    assert_non_null(file);
    summary[fread(summary, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void test_summary_after_an_interrupt(void **state)
{
    char summary[4096];

    (void)state;
    interrupt_it("transfer", NULL, SIGINT, summary, sizeof summary);
    assert_non_null(strstr(summary, "committed "));
    assert_non_null(strstr(summary, "sum of balances 20000 before, 20000 after: equal\n"));
}

static void test_history_of_an_interrupted_run_is_whole(void **state)
{
    char summary[4096], verdict[4096];

    (void)state;
    interrupt_it("append", history, SIGTERM, summary, sizeof summary);
    assert_non_null(strstr(summary, "sum of balances 20000 before, 20000 after: equal\n"));
    assert_non_null(strstr(summary, " transactions in "));
    if (run_program(verdict, sizeof verdict, NULL, 0, ASSENT_TXCHECK, history, NULL) != 0)
        fail_msg("%s", verdict);
}

static void test_refuses_what_makes_no_sense(void **state)
{
    char complaint[1024];

    (void)state;
    assert_int_equal(run_program(NULL, 0, complaint, sizeof complaint, "txbench", "--config",
                                 cluster.client_config, "append", "--accounts", "1", NULL),
                     64);
    assert_non_null(strstr(complaint, "append takes 0, or 2 to 1000 accounts, not 1"));
    assert_int_equal(run_program(NULL, 0, complaint, sizeof complaint, "txbench", "--config",
                                 cluster.client_config, "append", "--history", "/nowhere/h", NULL),
                     73);
    assert_non_null(strstr(complaint, "/nowhere/h"));
    assert_int_equal(run_program(NULL, 0, complaint, sizeof complaint, "txbench", "--config",
                                 cluster.client_config, "ycsb", "--participants", "3", NULL),
                     64);
    assert_non_null(strstr(complaint, "the cluster has 2 participants, not 3"));
}

/* ---- the workloads, each in both modes ---- */

struct text {
    char out[65536];
    char err[8192];
    int status;
};

/* The first number of this name; fails the test when there is none. */
static double number(const struct text *text, const char *name)
{
    char quoted[64];

    snprintf(quoted, sizeof quoted, "\"%s\":", name);
    const char *at = strstr(text->out, quoted);
    if (at == NULL)
        fail_msg("no %s in: %s%s", name, text->out, text->err);
    return strtod(at + strlen(quoted), NULL);
}

#define EVERYTHING "--mix=read=20,update=20,insert=20,scan=20,rmw=20"

/* Has it ended well, and there is nothing to look at? A machine that stands still for as long as
 * the load is to last does that, and what little it does may all be of another kind. */
static bool says_nothing(const struct text *text, const char *const words[8])
{
    bool nothing = text->status == 0 && number(text, "committed") == 0;

    for (size_t i = 0; text->status == 0 && i < 8 && words[i] != NULL; i++) {
        if (strcmp(words[i], EVERYTHING) == 0)
            nothing = nothing || number(text, "inserted") == 0;
        if (strncmp(words[i], "--warmup", strlen("--warmup")) == 0)
            nothing = nothing || number(text, "warmup_committed") == 0;
    }
    return nothing;
}

/* A second of four clients, as JSON. */
static void bench_once(struct text *text, const char *workload, const char *const words[8])
{
    text->status = run_program(text->out, sizeof text->out, text->err, sizeof text->err, "txbench",
                               "--config", cluster.client_config, workload, "--json", "--clients",
                               "4", "--seconds", "1", words[0], words[1], words[2], words[3],
                               words[4], words[5], words[6], words[7], (char *)NULL);
}

static struct text *bench(const char *workload, const char *const options[], size_t n)
{
    static struct text text;
    const char *words[8] = {0};

    assert_true(n <= 8);
    for (size_t i = 0; i < n; i++)
        words[i] = options[i];
    bench_once(&text, workload, words);
    for (unsigned more = 0; more < 20 && says_nothing(&text, words); more++)
        bench_once(&text, workload, words);
    return &text;
}
#define BENCH(workload, ...)                                                                       \
    bench((workload), (const char *const[]){__VA_ARGS__},                                          \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void assert_held(const struct text *text)
{
    if (text->status != 0)
        fail_msg("exit status %d: %s%s", text->status, text->out, text->err);
    assert_true(number(text, "committed") > 0);
    assert_true(number(text, "never_settled") == 0);
}

static void assert_records(const struct text *text)
{
    assert_held(text);
    assert_true(number(text, "records_found") == number(text, "records"));
    assert_true(number(text, "inserted") > 0);
    assert_true(number(text, "inserted_found") == number(text, "inserted"));
    assert_true(number(text, "values_wrong") == 0);
}

static void test_ycsb(void **state)
{
    (void)state;
    assert_records(BENCH("ycsb", "--keys=300", EVERYTHING, "--scan-rows=20"));
    assert_records(
        BENCH("ycsb", "--keys=300", EVERYTHING, "--interactive", "--distribution=latest"));
    /* A run with other sizes does not mind the records of earlier ones. */
    assert_records(BENCH("ycsb", "--keys=200", EVERYTHING, "--value-size=5", "--participants=1",
                         "--operations=1", "--distribution=uniform"));
    assert_held(BENCH("ycsb", "--keys=200", "--mix=c", "--operations=10"));
}

static void test_smallbank(void **state)
{
    (void)state;
    const struct text *text = BENCH("smallbank", "--customers=50", "--distribution=zipfian");
    assert_held(text);
    assert_non_null(strstr(text->out, "\"sum_holds\":true"));
    assert_true(number(text, "sum_before") == 100000);
    assert_true(number(text, "sum_after") - number(text, "sum_before") ==
                number(text, "sum_change"));
    text = BENCH("smallbank", "--customers=50", "--interactive");
    assert_held(text);
    assert_true(number(text, "sum_after") - number(text, "sum_before") ==
                number(text, "sum_change"));
}

static void test_tpcb(void **state)
{
    (void)state;
    const struct text *text = BENCH("tpcb", "--accounts=50", "--remote=50");
    assert_held(text);
    assert_non_null(strstr(text->out, "\"sum_holds\":true"));
    assert_true(number(text, "history_lines") == number(text, "committed"));
    text = BENCH("tpcb", "--accounts=50", "--interactive", "--branches=1");
    assert_held(text);
    assert_true(number(text, "history_lines") == number(text, "committed"));
    assert_true(number(text, "tellers_change") == number(text, "history_sum"));
}

/* All ways to call, and to share handles, with the same sum and the same records. */
static void test_transfer_in_every_way(void **state)
{
    static const struct {
        const char *options[3];
        double handles;
        bool async;
    } ways[] = {{{"--handles=1"}, 1, false},
                {{"--handles=0"}, 4, false},
                {{"--handles=3", "--interactive"}, 3, false},
                {{"--async"}, 1, true},
                {{"--async", "--interactive"}, 1, true},
                {{"--async", "--handles=2", "--rate=200"}, 2, true}};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const char *const *options = ways[i].options;
        const struct text *text =
            BENCH("transfer", "--accounts=50", "--record", options[0],
                  options[1] != NULL ? options[1] : "--record",
                  options[2] != NULL ? options[2] : "--record", "--commit-mode=coordinator");
        assert_held(text);
        assert_true(number(text, "handles") == ways[i].handles);
        assert_int_equal(strstr(text->out, "\"calls\":\"asynchronous\"") != NULL, ways[i].async);
        assert_non_null(strstr(text->out, "\"commit_mode\":\"coordinator\""));
        assert_true(number(text, "failed") == 0);
    }
}

/* ---- one thread with all clients in flight ---- */

struct way {
    const char *workload;
    const char *options[4];
};

static void assert_checked(void)
{
    char verdict[4096];

    if (run_program(verdict, sizeof verdict, NULL, 0, ASSENT_TXCHECK, history, NULL) != 0)
        fail_msg("%s", verdict);
}

static const struct text *bench_async(const struct way *way, const char *option)
{
    const char *const *more = way->options;
    const char *options[8] = {"--async", "--seconds=0.5", option};
    size_t n = 3;

    for (size_t i = 0; i < 4 && more[i] != NULL; i++)
        options[n++] = more[i];
    return bench(way->workload, options, n);
}

/* What runs, holds, fails nowhere, and is what it says; the history too where there is one. */
static void assert_held_async(const struct text *text, const struct way *way)
{
    assert_held(text);
    assert_non_null(strstr(text->out, "\"calls\":\"asynchronous\""));
    if (strcmp(way->workload, "ycsb") == 0)
        assert_records(text);
    if (strcmp(way->workload, "append") == 0)
        assert_checked();
}

#define WAYS 5
static void set_ways(struct way ways[WAYS])
{
    static char history_option[CLUSTER_PATH + 32];

    snprintf(history_option, sizeof history_option, "--history=%s", history);
    ways[0] = (struct way){"transfer", {"--accounts=50", "--record"}};
    ways[1] = (struct way){"ycsb", {"--keys=300", EVERYTHING, "--scan-rows=20"}};
    ways[2] = (struct way){"smallbank", {"--customers=50"}};
    ways[3] = (struct way){"tpcb", {"--accounts=50", "--remote=50"}};
    ways[4] = (struct way){"append", {"--keys=3", history_option}};
}

static void test_every_workload_asynchronously(void **state)
{
    struct way ways[WAYS];

    (void)state;
    set_ways(ways);
    for (size_t i = 0; i < WAYS; i++) {
        const struct text *text = bench_async(&ways[i], "--clients=16");
        assert_held_async(text, &ways[i]);
        assert_true(number(text, "failed") == 0);
        if (strcmp(ways[i].workload, "append") != 0)
            assert_held_async(bench_async(&ways[i], "--interactive"), &ways[i]);
        text = bench_async(&ways[i], "--rate=100");
        assert_held_async(text, &ways[i]);
        assert_true(number(text, "overdue") + number(text, "committed") + number(text, "aborted") >=
                    45);
    }
}

/* More of the client's configuration. */
static void configure_client(const char *lines)
{
    FILE *file = fopen(cluster.client_config, "a");

    assert_non_null(file);
    fprintf(file, "\n[client]\n%s\n", lines);
    assert_int_equal(fclose(file), 0);
}

/* A handle that takes fewer calls than the clients would like to make: they wait, none fails. */
static void test_a_full_handle_holds_clients_up(void **state)
{
    static const char *const modes[] = {"--async", "--interactive"};
    struct way ways[WAYS];

    (void)state;
    configure_client("in_flight_max = 3");
    set_ways(ways);
    for (size_t i = 0; i < WAYS; i++) {
        for (size_t mode = 0; mode < 2; mode++) {
            if (mode == 1 && strcmp(ways[i].workload, "append") == 0)
                continue;
            const struct text *text = bench_async(&ways[i], modes[mode]);
            assert_held_async(text, &ways[i]);
            assert_true(number(text, "failed") == 0);
        }
    }
}

/* A load, in which `harm` is done; gives its line of JSON. */
static const struct text *words_while(const char *const words[], void (*harm)(size_t i), size_t i)
{
    static struct text text;
    struct bench bench;
    FILE *file;

    unlink(err);
    bench.pid = start_words(words);
    assert_true(wait_until(shows_progress, NULL, WORK_MS));
    harm(i);
    assert_int_equal(kill(bench.pid, SIGINT), 0); /* not before the harm was done */
    if (!wait_until(has_ended, &bench, WORK_MS)) {
        kill(bench.pid, SIGKILL);
        fail_msg("txbench %s goes on", words[3]);
    }
    file = fopen(out, "r");
    assert_non_null(file);
    text.out[fread(text.out, 1, sizeof text.out - 1, file)] = '\0';
    fclose(file);
    text.status = WIFEXITED(bench.status) ? WEXITSTATUS(bench.status) : -1;
    return &text;
}

static const struct text *bench_while(const struct way *way, const char *option,
                                      void (*harm)(size_t i), size_t i)
{
    const char *const *more = way->options;
    const char *const words[] = {"txbench",
                                 "--config",
                                 cluster.client_config,
                                 way->workload,
                                 "--json",
                                 "--async",
                                 "--seconds=3600",
                                 "--clients=32",
                                 option,
                                 more[0],
                                 more[1],
                                 more[2],
                                 NULL};

    return words_while(words, harm, i);
}

static void kill_a_participant(size_t i)
{
    daemon_kill(&cluster.participants[i % 2]);
    daemon_start(&cluster.participants[i % 2]);
}

static void test_asynchronous_workloads_outlive_a_participant(void **state)
{
    struct way ways[WAYS];

    (void)state;
    set_ways(ways);
    for (size_t i = 0; i < WAYS; i++)
        assert_held_async(bench_while(&ways[i], "--async", kill_a_participant, i), &ways[i]);
}

static bool shows_more(void *arg)
{
    return file_size(err) > *(const long *)arg;
}

/* Stalls it for at least so long, and for two lines of progress: the load has run meanwhile. */
static void stop_the_coordinator(size_t i)
{
    (void)i;
    assert_int_equal(kill(cluster.coordinator.pid, SIGSTOP), 0);
    for (int lines = 0; lines < 2; lines++) {
        long size = file_size(err);

        assert_true(wait_until(shows_more, &size, WORK_MS));
    }
    usleep(STALL_US); /* the length of the stall, not a wait for anything */
    assert_int_equal(kill(cluster.coordinator.pid, SIGCONT), 0);
}

/* Clients whose patience is shorter than the stall ask for what they were not told, and all of it
 * is found out: what committed is in the sums, what aborted is not. */
static void test_unknown_outcomes_are_asked_for(void **state)
{
    static const struct {
        size_t way;
        const char *mode;
    } runs[] = {{0, "--async"}, {0, "--interactive"}, {2, "--async"}, {4, "--async"}};
    struct way ways[WAYS];

    (void)state;
    configure_client("commit_timeout = 300ms\nrequest_timeout = 300ms");
    set_ways(ways);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        const struct text *text =
            bench_while(&ways[runs[i].way], runs[i].mode, stop_the_coordinator, i);
        assert_held_async(text, &ways[runs[i].way]);
        if (number(text, "unknown") == 0)
            fail_msg("nothing was unknown: %s%s", text->out, text->err);
        assert_true(number(text, "unknown") ==
                    number(text, "settled_committed") + number(text, "settled_aborted"));
    }
}

/* Without a key nobody can be asked: those count as never settled, and the sums allow for them. */
static void test_outcomes_that_are_lost_are_allowed_for(void **state)
{
    struct way ways[WAYS];

    (void)state;
    configure_client("commit_timeout = 300ms");
    set_ways(ways);
    for (size_t i = 1; i < 4; i++) {
        const struct text *text =
            bench_while(&ways[i], "--commit-mode=participants", stop_the_coordinator, i);
        if (text->status != 0)
            fail_msg("exit status %d: %s%s", text->status, text->out, text->err);
        assert_true(number(text, "never_settled") > 0);
    }
}

static bool tells_decided(void *arg)
{
    char text[32];
    if (!work_field(&cluster.coordinator, "committed_by_members_total", text, sizeof text))
        return false;
    *(unsigned long *)arg = strtoul(text, NULL, 10);
    return true;
}

static unsigned long decided_by_members(void)
{
    unsigned long decided = 0;
    assert_true(wait_until(tells_decided, &decided, WORK_MS));
    return decided;
}

/* Where the members are to decide they do, one-shot and interactive, whoever else would like a key.
 */
static void test_members_decide(void **state)
{
    static const char *const calls[] = {"--handles=1", "--async", "--interactive"};
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        unsigned long before = decided_by_members();
        const struct text *text =
            BENCH("transfer", "--accounts=50", calls[i], "--commit-mode=participants");
        assert_held(text);
        assert_true(number(text, "committed") > 0);
        assert_true((double)(decided_by_members() - before) >= number(text, "committed"));
    }
    /* Not all of these have two participants: a slow machine may draw none of them in a second. */
    unsigned long before = decided_by_members();
    for (unsigned i = 0; i < 20 && decided_by_members() == before; i++)
        assert_held(BENCH("smallbank", "--customers=50", "--commit-mode=participants"));
    assert_true(decided_by_members() > before);
}

/* ---- somebody else at the money ---- */

struct theft {
    const char *participant, *space, *key, *value;
};

/* The load may wound it. */
static bool steal(void *arg)
{
    const struct theft *theft = arg;
    txclient_batch *batch = txclient_batch_new();
    assert_non_null(batch);
    txclient_batch_put(batch, txclient_at(theft->participant, theft->space, theft->key),
                       txclient_str(theft->value));
    txclient_status status = txclient_submit(client, batch, NULL, NULL);
    txclient_batch_free(&batch);
    return status == TXCLIENT_OK;
}

/* What no transaction of the load did shows at its end: exit status 1. */
static void expect_theft_is_seen(const char *workload, const char *option, const char *participant,
                                 const char *space, const char *key, const char *value)
{
    const char *const words[] = {
        "txbench", "--config", cluster.client_config, workload, "--seconds", "3600", option, NULL};
    struct bench bench = {.pid = start_words(words)};

    assert_true(wait_until(shows_progress, NULL, WORK_MS));
    client = work_client(&cluster.coordinator);
    struct theft theft = {participant, space, key, value};
    assert_true(wait_until(steal, &theft, WORK_MS));
    assert_int_equal(kill(bench.pid, SIGINT), 0);
    if (!wait_until(has_ended, &bench, WORK_MS)) {
        kill(bench.pid, SIGKILL);
        fail_msg("txbench goes on");
    }
    assert_true(WIFEXITED(bench.status));
    assert_int_equal(WEXITSTATUS(bench.status), 1);
}

static void test_smallbank_sees_a_theft(void **state)
{
    (void)state;
    expect_theft_is_seen("smallbank", NULL, "a", "smallbank-savings", "customer000000000",
                         "-1000000");
}

static void test_tpcb_sees_a_theft(void **state)
{
    (void)state;
    expect_theft_is_seen("tpcb", NULL, "a", "tpcb-tellers", "000000-000000", "1000000000000");
}

static void test_ycsb_sees_another_value(void **state)
{
    (void)state;
    /* It only reads: what is written over it would heal it. */
    expect_theft_is_seen("ycsb", "--mix=c", "a", "ycsb", "user000000009998", "nobody wrote it");
}

/* ---- times ---- */

static void test_repetitions_and_warm_up(void **state)
{
    (void)state;
    const struct text *text =
        BENCH("transfer", "--accounts=100", "--repetitions=3", "--warmup=0.2");
    assert_held(text);
    assert_true(number(text, "warmup_committed") > 0);
    size_t n = 0;
    for (const char *at = text->out; (at = strstr(at, "\"slot_seconds\"")) != NULL; at++)
        n++;
    assert_int_equal(n, 3);
}

/* All transactions that are due while the coordinator stands still are late, and say so. */
static void expect_stall_is_counted(const char *option)
{
    const char *const words[] = {
        "txbench",   "--config", cluster.client_config, "transfer", "--json", "--rate", "100",
        "--seconds", "3600",     "--clients",           "4",        option,   NULL};
    const struct text *text = words_while(words, stop_the_coordinator, 0);

    assert_int_equal(text->status, 0);
    /* More than 150 of some 500 are due in the stall; a closed loop would have 4 that are slow. */
    assert_true(number(text, "max") >= 1400000);
    assert_true(number(text, "p95") >= 1000000);
}

static void test_an_open_loop_counts_a_stall(void **state)
{
    (void)state;
    expect_stall_is_counted("--handles=0");
}

static void test_an_asynchronous_open_loop_counts_a_stall(void **state)
{
    (void)state;
    expect_stall_is_counted("--async");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, work_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_summary_after_an_interrupt),
        TEST(test_history_of_an_interrupted_run_is_whole),
        TEST(test_refuses_what_makes_no_sense),
        TEST(test_ycsb),
        TEST(test_transfer_in_every_way),
        TEST(test_every_workload_asynchronously),
        TEST(test_a_full_handle_holds_clients_up),
        TEST(test_asynchronous_workloads_outlive_a_participant),
        TEST(test_unknown_outcomes_are_asked_for),
        TEST(test_outcomes_that_are_lost_are_allowed_for),
        TEST(test_members_decide),
        TEST(test_an_asynchronous_open_loop_counts_a_stall),
        TEST(test_smallbank),
        TEST(test_tpcb),
        TEST(test_smallbank_sees_a_theft),
        TEST(test_tpcb_sees_a_theft),
        TEST(test_ycsb_sees_another_value),
        TEST(test_repetitions_and_warm_up),
        TEST(test_an_open_loop_counts_a_stall),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
