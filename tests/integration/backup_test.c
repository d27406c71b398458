/* Backups of a cluster that goes on working, and the cluster brought back to them: nothing is half
 * done, and nothing is missing that had been acknowledged before. */
#include "tests/integration/backup_case.h"
#include "tests/integration/mutation.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef ASSENT_SANITIZED /* each round starts three daemons and more: enough for every path */
#define ROUNDS 6
#else
#define ROUNDS 50
#endif

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const b = &cluster.participants[1];

static struct transfers transfers;
static struct cluster restored; /* another one, for directories that are restored beside it */

static int teardown(void **state)
{
    if (restored.directory[0] != '\0')
        cluster_deinit(&restored);
    restored.directory[0] = '\0';
    return work_teardown(state);
}

/* Snapshots follow one another quickly, and compaction with them: the log between a checkpoint and
 * the cut must be there all the same. */
static int accounts(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    for (size_t i = 0; i < 2; i++)
        daemon_set(&cluster, &cluster.participants[i], "storage",
                   "snapshot_records = 100\nretain_records = 0");
    daemon_set(&cluster, coordinator, "storage", "snapshot_records = 100\nretain_records = 0");
    cluster_start(&cluster);
    client = work_client(coordinator);
    backup_accounts();
    return 0;
}

static bool has_moved(void *arg)
{
    return atomic_load(&transfers.committed) > *(unsigned long *)arg;
}

/* The cluster goes on from what came back: its next backup is of that. */
static void round_of(unsigned n, unsigned long *seq)
{
    long sum = 0;
    unsigned long moved = 5;

    transfers_begin(&transfers, *seq);
    if (!wait_until(has_moved, &moved, WORK_MS))
        fail_msg("round %u: no transfer is made any more", n);
    unsigned long before = atomic_load(&transfers.acknowledged);
    backup_take(NULL, NULL);
    transfers_end(&transfers);
    backup_bring_back();
    backup_read(coordinator, &sum, seq);
    if (sum != 2 * BACKUP_ACCOUNTS * BACKUP_MONEY)
        fail_msg("round %u: %ld in all accounts", n, sum);
    if (*seq < before)
        fail_msg("round %u: the last transfer is %lu, but %lu had been acknowledged", n, *seq,
                 before);
}

static void test_restored_while_transfers_go_on(void **state)
{
    const char *rounds = getenv("ASSENT_BACKUP_ROUNDS");
    unsigned n = rounds != NULL ? (unsigned)strtoul(rounds, NULL, 10) : ROUNDS;
    unsigned long seq = 0;

    (void)state;
    for (unsigned i = 0; i < n; i++)
        round_of(i, &seq);
}

/* ---- the fence ---- */

static void expect_refused(const struct daemon *daemon, const char *text)
{
    int status = run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                             daemon->program, "--config", daemon->config, NULL);

    if (status != EX_CONFIG || strstr(backup_err, text) == NULL)
        fail_msg("%s: status %d: %s", daemon->name, status, backup_err);
}

static void restore_one(const char *node, const char *into, int expected)
{
    int status =
        run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txrecover",
                    "restore", backup_repository(), "latest", "--node", node, "--into", into, NULL);

    if (status != expected)
        fail_msg("txrecover restore --node %s: status %d: %s%s", node, status, backup_out,
                 backup_err);
}

static void rejoin(const char *directory, int expected)
{
    int status = run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                             "txrecover", "rejoin", directory, NULL);

    if (status != expected)
        fail_msg("txrecover rejoin: status %d: %s%s", status, backup_out, backup_err);
}

/* One node put back among those that live: it says no before the step, and they say no after it. */
static void test_one_node_is_fenced(void **state)
{
    char name[64];

    (void)state;
    backup_take(NULL, name);
    work_put_surely(client, "ab", "later", "1");
    daemon_stop(b);
    restore_one("b", b->data, EX_CANTCREAT); /* it is not empty */
    directory_remove(b->data);
    restore_one("c", b->data, EX_USAGE);
    restore_one("b", b->data, 0);
    assert_non_null(strstr(backup_out, "--generation "));
    expect_refused(b, "txrecover rejoin");
    assert_non_null(strstr(backup_err, name));
    rejoin(b->data, 0);
    rejoin(b->data, EX_USAGE); /* there is nothing to do any more */
    daemon_start(b);
    assert_true(daemon_says(b, "coordinator 1 is of generation 0", WORK_MS));
    daemon_set(&cluster, coordinator, "timers", "peer_down = 500ms");
    daemon_signal(coordinator, SIGHUP);
    work_await_peer(coordinator, "b", "down");
    txclient_close(&client);
    client = work_quick_client(coordinator);
    assert_int_not_equal(work_put(client, "ab", "k", "v"), TXCLIENT_OK);
}

/* And a coordinator that comes back among participants that have gone on. */
static void test_a_coordinator_is_fenced(void **state)
{
    (void)state;
    backup_take(NULL, NULL);
    daemon_stop(coordinator);
    directory_remove(coordinator->data);
    restore_one("coordinator-1", coordinator->data, 0);
    expect_refused(coordinator, "txrecover rejoin");
    rejoin(coordinator->data, 0);
    daemon_start(coordinator);
    assert_true(daemon_says(b, "of generation", WORK_MS));
    txclient_close(&client);
    client = work_quick_client(coordinator);
    assert_int_not_equal(work_put(client, "ab", "k", "v"), TXCLIENT_OK);
}

/* Nodes of one restore that are restored one by one are of one generation when it is given. */
static void test_nodes_one_by_one(void **state)
{
    char generation[64] = "";
    const char *labels[] = {"participant-a", "participant-b", "coordinator-1"};
    struct daemon *daemons[] = {&restored.participants[0], &restored.participants[1],
                                &restored.coordinator};
    long sum;
    unsigned long seq;

    (void)state;
    backup_take("--full", NULL);
    cluster_init(&restored, 2, false);
    restore_one(labels[0], daemons[0]->data, 0);
    assert_int_equal(sscanf(strstr(backup_out, "--generation "), "--generation %63s", generation),
                     1);
    for (size_t i = 1; i < 3; i++)
        assert_int_equal(run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                                     "txrecover", "restore", backup_repository(), "--node",
                                     labels[i], "--generation", generation, "--into",
                                     daemons[i]->data, NULL),
                         0);
    for (size_t i = 0; i < 3; i++)
        rejoin(daemons[i]->data, 0);
    cluster_start(&restored);
    backup_read(&restored.coordinator, &sum, &seq);
    assert_int_equal(sum, 2 * BACKUP_ACCOUNTS * BACKUP_MONEY);
}

/* ---- incremental ---- */

static void put_much(const char *key, size_t bytes)
{
    char *value = malloc(bytes);
    unsigned long seed = (unsigned long)key[3];
    txclient_batch *batch = txclient_batch_new();

    assert_non_null(value);
    for (size_t i = 0; i < bytes; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        value[i] = (char)(seed >> 56);
    }
    txclient_batch_put(batch, AT("a", key), txclient_data(value, bytes));
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    txclient_batch_free(&batch);
    free(value);
}

static void test_second_adds_little(void **state)
{
    (void)state;
    for (char key[] = "big0"; key[3] < '8'; key[3]++)
        put_much(key, 400000);
    unsigned long first = backup_take(NULL, NULL);
    unsigned long second = backup_take(NULL, NULL);
    unsigned long full = backup_take("--full", NULL);

    if (first < 3000000 || second > first / 20)
        fail_msg("the first backup added %lu bytes, the second %lu", first, second);
    if (full < 3000000)
        fail_msg("a full one added %lu", full);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, accounts, teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_restored_while_transfers_go_on),
        WITH(test_one_node_is_fenced),
        WITH(test_a_coordinator_is_fenced),
        WITH(test_nodes_one_by_one),
        WITH(test_second_adds_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
