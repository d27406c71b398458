/* The programs of the documentation, as they stand there, against a real cluster. */
#include "tests/integration/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct cluster cluster;

static int start(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    /* A hundred wait for one purse: each for as long as all of them take. */
    for (size_t i = 0; i < cluster.participants_n; i++)
        daemon_set(&cluster, &cluster.participants[i], "timers", "lock_timeout = 1h");
    cluster_start(&cluster);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cluster_deinit(&cluster);
    return 0;
}

static void expect(int wanted, const char *said)
{
    char out[1024], err[1024];
    int status = run_program(out, sizeof out, err, sizeof err, ASSENT_FIRST_EXAMPLE,
                             cluster.client_config, NULL);

    if (status != wanted || strstr(out, said) == NULL)
        fail_msg("exit %d, wanted %d and '%s': %s%s", status, wanted, said, out, err);
}

/* 100 pays 30 three times, and not a fourth time. */
static void test_first_program(void **state)
{
    (void)state;
    expect(0, "Alice has 70 left");
    expect(0, "Alice has 40 left");
    expect(0, "Alice has 10 left");
    expect(1, "nothing was moved");
    daemon_stop(&cluster.participants[1]);
    expect(1, "nothing was moved");
}

static void expect_scan(const char *prefix, const char *said)
{
    char out[1024], err[1024];
    int status = run_program(out, sizeof out, err, sizeof err, ASSENT_SCAN_EXAMPLE,
                             cluster.client_config, prefix, NULL);

    if (status != 0 || strcmp(out, said) != 0)
        fail_msg("exit %d: %s%s, not %s", status, out, err, said);
}

/* More than one page of accounts, an empty one among them. */
static void test_scan_program(void **state)
{
    char out[1024], err[1024];
    int status = run_program(out, sizeof out, err, sizeof err, "txctl", "exec", "--config",
                             cluster.client_config,
                             "put a/accounts/bea 5; put a/accounts/ben 0; put a/accounts/beth 7;"
                             "put a/accounts/bill 0; put a/accounts/betty 9; put a/accounts/b 1",
                             NULL);

    (void)state;
    if (status != 0)
        fail_msg("exit %d: %s%s", status, out, err);
    expect_scan("be", "bea has 5\nben has 0\nbeth has 7\nbetty has 9\n");
    expect_scan("b", "b has 1\nbea has 5\nbeth has 7\nbetty has 9\nbill has 0\n");
    expect_scan("b", "b has 1\nbea has 5\nbeth has 7\nbetty has 9\n");
    expect_scan("c", "");
}

/* All payments wait for the one purse, and none is lost or made twice. */
static void test_async_program(void **state)
{
    char out[1024], err[1024];
    int status = run_program(out, sizeof out, err, sizeof err, ASSENT_ASYNC_EXAMPLE,
                             cluster.client_config, NULL);

    (void)state;
    if (status != 0 || strcmp(out, "1000 committed, 0 failed, 0 unknown\n") != 0)
        fail_msg("exit %d: %s%s", status, out, err);
    status = run_program(out, sizeof out, err, sizeof err, "txctl", "get", "--config",
                         cluster.client_config, "a/accounts/purse", NULL);
    if (status != 0 || strstr(out, "-1000") == NULL)
        fail_msg("exit %d: %s%s", status, out, err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scan_program),
                                       cmocka_unit_test(test_async_program),
                                       cmocka_unit_test(test_first_program)};

    return cmocka_run_group_tests(tests, start, stop);
}
