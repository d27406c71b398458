/* txctl asks all daemons at once: several that do not answer cost no more time than one. */
#include "tests/integration/work.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <cmocka.h>

#define SILENT     3
#define TIMEOUT_MS 1500

static char out[1 << 16], err[1 << 14];

static int four_participants(void **state)
{
    char text[CLUSTER_PATH * 2];

    (void)state;
    cluster_init(&cluster, SILENT + 1, false);
    cluster_start(&cluster);
    assert_true(snprintf(text, sizeof text,
                         "[client]\ncluster = test\ncoordinator = %s\nconnect_timeout = %dms\n"
                         "request_timeout = %dms\n",
                         cluster.coordinator.address, TIMEOUT_MS, TIMEOUT_MS) < (int)sizeof text);
    file_write(cluster.client_config, text);
    return 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t took_ms(const char *command, int *status)
{
    uint64_t from = now_ms();

    *status = run_program(out, sizeof out, err, sizeof err, "txctl", "--config",
                          cluster.client_config, command, NULL);
    return now_ms() - from;
}

static void stand_still(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        daemon_signal(&cluster.participants[i], SIGSTOP);
}

/* Whoever is silent is named, and in the order of the coordinator's configuration. */
static bool named_in_order(void)
{
    const char *at = out;

    for (unsigned i = 0; i < SILENT; i++) {
        char text[64];

        (void)snprintf(text, sizeof text, "\n%s%s", strstr(out, "NODE") == out ? "" : "  ",
                       cluster.participants[i].name);
        at = strstr(at, text);
        if (at == NULL)
            return false;
    }
    return true;
}

struct question {
    const char *command;
    int status;
};

/* One after the other, they would take three times as long. On a busy machine this may be slow, and
 * even the coordinator not answer in time; but not always. */
static bool cost_one_timeout(void *arg)
{
    const struct question *question = arg;
    int status;
    uint64_t all_ms = took_ms(question->command, &status);

    printf("%s: %llu ms with %d silent\n", question->command, (unsigned long long)all_ms, SILENT);
    assert_true(all_ms >= TIMEOUT_MS);
    return status == question->status && all_ms < TIMEOUT_MS * 5 / 2 && named_in_order();
}

static void test_several_silent_ones_cost_one_timeout(void **state)
{
    static struct question commands[] = {{"status", 2},
                                         {"indoubt", EX_UNAVAILABLE},
                                         {"txns", EX_UNAVAILABLE},
                                         {"alarms", EX_UNAVAILABLE}};

    (void)state;
    stand_still(SILENT);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (!wait_until(cost_one_timeout, &commands[i], WORK_MS))
            fail_msg("txctl %s never costs one timeout with all named in order:\n%s%s",
                     commands[i].command, out, err);
    for (unsigned i = 0; i < SILENT; i++)
        daemon_signal(&cluster.participants[i], SIGCONT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_several_silent_ones_cost_one_timeout,
                                        four_participants, work_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
