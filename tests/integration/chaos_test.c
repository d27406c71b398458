/* A minute of transfers while daemons die by kill -9 at random moments and come back. Every
 * transfer also writes a record of its own on both sides, so that an acknowledged one that is
 * missing, or one that is half there, is found by name. A third each: one-shots with idempotency
 * keys, which the coordinator decides; one-shots without, which the members decide, and which
 * nobody can ask for when their answer is lost; interactive ones as the default has it, which are
 * asked for by their id.
 *
 * ASSENT_CHAOS_SECONDS and ASSENT_CHAOS_SEED in the environment change the length and the moments.
 */
#include "tests/integration/cluster.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ACCOUNTS "200"
#define WAIT_MS  60000

static struct cluster cluster;
static char acked[CLUSTER_PATH + 16], attempted[CLUSTER_PATH + 16];

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* It goes on until it is interrupted. */
static pid_t start_load(const char *how)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(ASSENT_BIN_DIR "/txbench", "txbench", "--config", cluster.client_config, "transfer", how,
          "--clients", "8", "--seconds", "3600", "--accounts", ACCOUNTS, "--record", "--acked",
          acked, "--attempted", attempted, (char *)NULL);
    _exit(127);
}

static time_t monotonic(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static bool has_acked(void *arg)
{
    (void)arg;
    return file_size(acked) > 0;
}

/* Kills one daemon at a random moment and starts it again after another one. */
static void hit(uint64_t *seed, struct child *load)
{
    size_t n = (size_t)(next_random(seed) % (cluster.participants_n + 1));
    struct daemon *victim =
        n == cluster.participants_n ? &cluster.coordinator : &cluster.participants[n];

    if (wait_until(child_has_ended, load, (int)(200 + next_random(seed) % 1500)))
        return;
    daemon_kill(victim);
    (void)wait_until(child_has_ended, load, (int)(next_random(seed) % 1000));
    daemon_start(victim);
}

static void no_acknowledged_transfer_is_lost(const char *how)
{
    const char *given = getenv("ASSENT_CHAOS_SECONDS");
    unsigned long seconds = given != NULL ? strtoul(given, NULL, 10) : 60;
    struct child load = {0};
    int kills = 0;

    printf("%s: ", how);
    uint64_t seed = random_seed("ASSENT_CHAOS_SEED");
    load.pid = start_load(how);
    assert_true(wait_until(has_acked, NULL, WAIT_MS));
    for (time_t end = monotonic() + (time_t)(seconds + 2) / 3; monotonic() < end || kills < 4;
         kills++) {
        hit(&seed, &load);
        assert_false(child_has_ended(&load));
    }
    printf("%d kills\n", kills);
    assert_int_equal(kill(load.pid, SIGINT), 0);
    assert_true(wait_until(child_has_ended, &load, 2 * WAIT_MS));
    /* The load checks the sum itself and ends with 1 when it does not hold. */
    assert_true(WIFEXITED(load.status));
    assert_int_equal(WEXITSTATUS(load.status), 0);
    assert_int_equal(run_program(NULL, 0, NULL, 0, "txbench", "--config", cluster.client_config,
                                 "verify", "--accounts", ACCOUNTS, "--acked", acked, "--attempted",
                                 attempted, NULL),
                     0);
}

static void test_decided_by_the_coordinator(void **state)
{
    (void)state;
    no_acknowledged_transfer_is_lost("--commit-mode=coordinator");
}

static void test_decided_by_the_members(void **state)
{
    (void)state;
    no_acknowledged_transfer_is_lost("--commit-mode=participants");
}

static void test_interactive(void **state)
{
    (void)state;
    no_acknowledged_transfer_is_lost("--interactive");
}

static int start(void **state)
{
    char text[CLUSTER_PATH + 128];

    (void)state;
    cluster_init(&cluster, 2, false);
    snprintf(acked, sizeof acked, "%s/acked", cluster.directory);
    snprintf(attempted, sizeof attempted, "%s/attempted", cluster.directory);
    /* A one-shot without a key that has met a dying coordinator waits for so long, and in vain. */
    snprintf(text, sizeof text, "[client]\ncluster = test\ncoordinator = %s\ncommit_timeout = 2s\n",
             cluster.coordinator.address);
    file_write(cluster.client_config, text);
    cluster_start(&cluster);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cluster_deinit(&cluster);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_decided_by_the_coordinator),
        TEST(test_decided_by_the_members),
        TEST(test_interactive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
