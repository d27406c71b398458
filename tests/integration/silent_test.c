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

static uint64_t took_ms(const char *command, int status)
{
    uint64_t from = now_ms();

    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txctl", "--config",
                                 cluster.client_config, command, NULL),
                     status);
    return now_ms() - from;
}

static void stand_still(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        daemon_signal(&cluster.participants[i], SIGSTOP);
}

/* Whoever is silent is named, and in the order of the coordinator's configuration. */
static void expect_silent_in_order(void)
{
    const char *at = out;

    for (unsigned i = 0; i < SILENT; i++) {
        char text[64];

        (void)snprintf(text, sizeof text, "\n%s%s", strstr(out, "NODE") == out ? "" : "  ",
                       cluster.participants[i].name);
        at = strstr(at, text);
        if (at == NULL)
            fail_msg("participant %s is not named behind those before it:\n%s%s",
                     cluster.participants[i].name, out, err);
    }
}

static void test_several_silent_ones_cost_one_timeout(void **state)
{
    static const struct {
        const char *name;
        int status;
    } commands[] = {{"status", 2},
                    {"indoubt", EX_UNAVAILABLE},
                    {"txns", EX_UNAVAILABLE},
                    {"alarms", EX_UNAVAILABLE}};
    uint64_t one_ms;

    (void)state;
    stand_still(1);
    one_ms = took_ms("status", 2);
    assert_true(one_ms >= TIMEOUT_MS);
    stand_still(SILENT);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        uint64_t all_ms = took_ms(commands[i].name, commands[i].status);

        printf("%s: %llu ms with %d silent, status with one: %llu ms\n", commands[i].name,
               (unsigned long long)all_ms, SILENT, (unsigned long long)one_ms);
        assert_true(all_ms >= TIMEOUT_MS);
        assert_true(all_ms < one_ms * 5 / 2); /* one after the other: three times as long */
        expect_silent_in_order();
    }
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
