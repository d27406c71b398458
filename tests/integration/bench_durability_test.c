/* Durability where it is measured: the load of the benchmarks, 64 clients that transfer, on daemons
 * whose configuration has nothing set but who decides, as tests/bench runs them. Daemons die by
 * kill -9 in the middle, with their disk or with only what was synced; every transfer that was
 * acknowledged must be there. And of an undisturbed run, each single promise is held against the
 * order in which the daemons wrote, synced and sent.
 *
 * ASSENT_DURABILITY_SECONDS and ASSENT_DURABILITY_SEED in the environment change the length and the
 * moments. */
#include "tests/faults/faults.h"
#include "tests/integration/order.h"
#include "tests/integration/work.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CLIENTS  "64"
#define ACCOUNTS "20000"
#define NODES    3
#define LONG_MS  120000

static struct daemon *const nodes[NODES] = {&cluster.coordinator, &cluster.participants[0],
                                            &cluster.participants[1]};
static struct faults disks[NODES];
static char acked[CLUSTER_PATH + 16], attempted[CLUSTER_PATH + 16];
static uint64_t seed;
static bool members_decide;
static const char *commit_mode; /* of txbench: its own one, which also says whether it has keys */

static uint64_t draw(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static int begin_mode(const char *mode)
{
    char line[64];
    seed = random_seed("ASSENT_DURABILITY_SEED");
    members_decide = strcmp(mode, "participants") == 0;
    commit_mode = members_decide ? "--commit-mode=participants" : "--commit-mode=coordinator";
    cluster_init_defaults(&cluster, 2);
    (void)snprintf(line, sizeof line, "commit_mode = %s", mode);
    daemon_set(&cluster, &cluster.coordinator, "node", line);
    (void)snprintf(acked, sizeof acked, "%s/acked", cluster.directory);
    (void)snprintf(attempted, sizeof attempted, "%s/attempted", cluster.directory);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    return begin_mode("coordinator");
}

static int begin_members_decide(void **state)
{
    (void)state;
    return begin_mode("participants");
}

/* A one-shot without a key that has met a dying coordinator waits for so long, and in vain. */
static int begin_kill_members_decide(void **state)
{
    char text[CLUSTER_PATH + 128];
    int failed = begin_members_decide(state);
    (void)snprintf(text, sizeof text,
                   "[client]\ncluster = test\ncoordinator = %s\ncommit_timeout = 2s\n",
                   cluster.coordinator.address);
    file_write(cluster.client_config, text);
    return failed;
}

static int end(void **state)
{
    (void)state;
    cluster_deinit(&cluster);
    return 0;
}

/* ---- the load ---- */

static bool has_acked(void *arg)
{
    (void)arg;
    return file_size(acked) > 0;
}

static void load_begin(struct child *load, const char *seconds)
{
    *load = (struct child){.pid = fork()};
    assert_true(load->pid >= 0);
    if (load->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execl(ASSENT_BIN_DIR "/txbench", "txbench", "--config", cluster.client_config,
                    "transfer", commit_mode, "--clients", CLIENTS, "--seconds", seconds,
                    "--accounts", ACCOUNTS, "--balance", "1000000", "--record", "--acked", acked,
                    "--attempted", attempted, (char *)NULL);
        _exit(127);
    }
    assert_true(wait_until(has_acked, NULL, LONG_MS));
}

/* Sums are txbench's own business, at the end of a load and of `verify`. */
static void expect_all_acknowledged(const struct child *load)
{
    static char out[4096], err[8192];
    assert_true(WIFEXITED(load->status));
    assert_int_equal(WEXITSTATUS(load->status), 0);
    int status = run_program(out, sizeof out, err, sizeof err, "txbench", "--config",
                             cluster.client_config, "verify", "--accounts", ACCOUNTS, "--balance",
                             "1000000", "--acked", acked, "--attempted", attempted, NULL);
    print_message("%s", out);
    if (status != 0)
        fail_msg("not all is there: %s%s", out, err);
}

/* ---- kill -9 ---- */

static void start_node(size_t node, bool imaged)
{
    if (imaged)
        faults_arm(&disks[node], nodes[node]->data, &(struct fault){0}, true, NULL);
    daemon_start(nodes[node]);
    if (imaged)
        faults_disarm();
}

static void kill_in_the_middle(bool imaged)
{
    const char *given = getenv("ASSENT_DURABILITY_SECONDS");
    const char *seconds = given != NULL ? given : "12";
    struct child load;
    int kills = 0;
    for (size_t node = 0; node < NODES; node++)
        start_node(node, imaged);
    cluster_await_up(&cluster);
    load_begin(&load, seconds);
    /* Not while it adds up at its end: that could last for ever. */
    time_t end = time(NULL) + (time_t)strtoul(seconds, NULL, 10);
    while (!wait_until(child_has_ended, &load, (int)(200 + draw(1200))) &&
           (kills == 0 || time(NULL) < end)) {
        size_t victim = (size_t)draw(NODES);
        daemon_kill(nodes[victim]);
        if (imaged)
            assert_true(faults_restore(&disks[victim], nodes[victim]->data));
        (void)wait_until(child_has_ended, &load, (int)draw(500));
        start_node(victim, imaged);
        kills++;
    }
    print_message("%d kills\n", kills);
    assert_true(kills > 0);
    assert_true(wait_until(child_has_ended, &load, LONG_MS));
    expect_all_acknowledged(&load);
}

static void test_kill(void **state)
{
    (void)state;
    kill_in_the_middle(false);
}

/* With each process its machine loses everything that it has not synced. */
static void test_loss_of_power(void **state)
{
    (void)state;
    for (size_t node = 0; node < NODES; node++)
        faults_init(&disks[node]);
    kill_in_the_middle(true);
}

/* The images last: the daemons write them while they live. */
static int end_of_power(void **state)
{
    int failed = end(state);
    for (size_t node = 0; node < NODES; node++)
        faults_deinit(&disks[node]);
    return failed;
}

/* ---- the order of write, sync and send ---- */

static void trace_name(size_t node, char name[CLUSTER_PATH + 64])
{
    (void)snprintf(name, CLUSTER_PATH + 64, "%s/%s.order", cluster.directory, nodes[node]->name);
}

static void start_traced(void)
{
    /* All transactions are to commit, whoever is held up. */
    daemon_set(&cluster, &cluster.coordinator, "timers", "peer_down = 1h\nprepare = 1h");
    for (size_t node = 0; node < NODES; node++) {
        char name[CLUSTER_PATH + 64];
        trace_name(node, name);
        daemon_set(&cluster, nodes[node], "storage", "snapshot_records = 5000"); /* several a run */
        assert_int_equal(setenv("LD_PRELOAD", ASSENT_ORDER_LIBRARY, 1), 0);
        assert_int_equal(setenv(ORDER_ENV_FILE, name, 1), 0);
        assert_int_equal(setenv(ORDER_ENV_DIR, nodes[node]->data, 1), 0);
        daemon_start(nodes[node]);
        assert_int_equal(unsetenv("LD_PRELOAD"), 0);
    }
    cluster_await_up(&cluster);
}

/* How many transactions a load has committed, of its line of JSON. */
static size_t committed(const char *workload, const char *option)
{
    static char out[1 << 20], err[8192];
    int status = run_program(out, sizeof out, err, sizeof err, "txbench", "--config",
                             cluster.client_config, "--json", workload, commit_mode, "--clients",
                             CLIENTS, "--seconds", "2", option, NULL);
    const char *at = strstr(out, "\"committed\":");
    if (status != 0 || at == NULL)
        fail_msg("exit status %d: %s%s", status, out, err);
    return strtoul(at + strlen("\"committed\":"), NULL, 10);
}

/* Beside txbench: transactions that ask for nothing, and are decided as the coordinator is
 * configured. */
#define PUTTERS 16
#define PUTS    100

struct putter {
    pthread_t thread;
    txclient *client;
    size_t number, committed;
};

static void *put(void *arg)
{
    struct putter *putter = arg;
    char key[32];
    for (size_t i = 0; i < PUTS; i++) {
        (void)snprintf(key, sizeof key, "put-%zu-%zu", putter->number, i);
        putter->committed += work_put(putter->client, "ab", key, "x") == TXCLIENT_OK;
    }
    return NULL;
}

static size_t put_without_keys(void)
{
    static struct putter putters[PUTTERS];
    size_t all = 0;
    for (size_t i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){.number = i, .client = work_client(&cluster.coordinator)};
        assert_int_equal(pthread_create(&putters[i].thread, NULL, put, &putters[i]), 0);
    }
    for (size_t i = 0; i < PUTTERS; i++) {
        assert_int_equal(pthread_join(putters[i].thread, NULL), 0);
        txclient_close(&putters[i].client);
        all += putters[i].committed;
    }
    assert_int_equal(all, PUTTERS * PUTS);
    return all;
}

static void test_every_promise_was_on_disk(void **state)
{
    static char names[NODES][CLUSTER_PATH + 64];
    const char *files[NODES];
    struct order_found found, blind;
    (void)state;
    start_traced();
    size_t transfers = committed("transfer", "--accounts=" ACCOUNTS);
    size_t all = transfers;
    all += committed("ycsb", "--participants=1"); /* in one phase; every second operation reads */
    size_t keyless = put_without_keys();
    all += keyless;
    for (size_t node = NODES; node-- > 0;) {
        daemon_stop(nodes[node]);
        trace_name(node, names[node]);
        files[node] = names[node];
    }
    order_check(files, NODES, false, &found);
    print_message("%zu records, %zu syncs; promises: %zu commits (%zu by members, and %zu "
                  "without a write), "
                  "%zu votes, %zu acknowledgements\n",
                  found.records, found.syncs, found.commits, found.by_members, found.readers,
                  found.votes, found.acks);
    if (found.wrong > 0)
        fail_msg("%zu promises were not on disk; the first: %s", found.wrong, found.first);
    assert_true(all > 100);
    assert_true(members_decide ? found.by_members >= keyless + transfers : found.by_members == 0);
    assert_true(found.commits + found.readers >= all && found.commits > found.readers);
    assert_true(found.votes > found.commits && found.acks > 0 && found.syncs > 0);
    /* Without its syncs the same run has kept no promise. */
    order_check(files, NODES, true, &blind);
    assert_int_equal(blind.wrong, blind.commits + blind.votes + blind.acks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kill, begin, end),
        cmocka_unit_test_setup_teardown(test_loss_of_power, begin, end_of_power),
        cmocka_unit_test_setup_teardown(test_every_promise_was_on_disk, begin, end),
        cmocka_unit_test_setup_teardown(test_kill, begin_kill_members_decide, end),
        cmocka_unit_test_setup_teardown(test_loss_of_power, begin_kill_members_decide,
                                        end_of_power),
        cmocka_unit_test_setup_teardown(test_every_promise_was_on_disk, begin_members_decide, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
