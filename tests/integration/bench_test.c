/* txbench on a live cluster: its summary comes after an interrupt too, and a history that ends so
 * is whole. */
#include "tests/integration/work.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
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

/* An hour of load; `history_file` may be NULL. */
static pid_t start_bench(const char *command, const char *history_file)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (freopen(out, "w", stdout) == NULL || freopen(err, "w", stderr) == NULL)
        _exit(127);
    execl(ASSENT_BIN_DIR "/txbench", "txbench", "--config", cluster.client_config, command,
          "--seconds", "3600", "--accounts", "20", history_file != NULL ? "--history" : NULL,
          history_file, (char *)NULL);
    _exit(127);
}

static bool shows_progress(void *arg)
{
    (void)arg;
    return file_size(err) > 0; /* a line each second */
}

struct bench {
    pid_t pid;
    int status;
};

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
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, work_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_summary_after_an_interrupt),
        TEST(test_history_of_an_interrupted_run_is_whole),
        TEST(test_refuses_what_makes_no_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
