#include "tests/integration/backup_case.h"

#include "tests/integration/mutation.h"

#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

char backup_out[1 << 16], backup_err[1 << 14];

/* ---- money ---- */

static const char *account(char out[8], unsigned n)
{
    (void)snprintf(out, 8, "acc%u", n % BACKUP_ACCOUNTS);
    return out;
}

void backup_accounts(void)
{
    for (unsigned i = 0; i < BACKUP_ACCOUNTS; i++) {
        char key[8];

        work_put_surely(client, "ab", account(key, i), "100");
    }
    work_put_surely(client, "ab", "seq", "0");
}

/* The names must live until the batch is submitted: it copies them. */
static void fill(txclient_batch *batch, unsigned long n)
{
    char from[8], to[8], seq[32];
    const long amount = 1 + (long)(n % 7);

    (void)snprintf(seq, sizeof seq, "%lu", n);
    txclient_batch_add(batch, AT(n % 2 == 0 ? "a" : "b", account(from, (unsigned)(n / 3))), -amount,
                       NULL, NULL);
    txclient_batch_add(batch, AT(n % 2 == 0 ? "b" : "a", account(to, (unsigned)(n / 5))), amount,
                       NULL, NULL);
    txclient_batch_put(batch, AT("a", "seq"), txclient_str(seq));
    txclient_batch_put(batch, AT("b", "seq"), txclient_str(seq));
}

static bool transfer(struct transfers *transfers, txclient *with, unsigned long n)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_submit_options options = {.size = sizeof options,
                                       .commit_mode = (txclient_commit_mode)(n / 2 % 3)};

    fill(batch, n);
    txclient_status status = txclient_submit(with, batch, &options, NULL);
    txclient_batch_free(&batch);
    if (status == TXCLIENT_OK) {
        atomic_fetch_add(&transfers->committed, 1);
        atomic_store(&transfers->acknowledged, n);
        return true;
    }
    /* Nobody is told the outcome of one whose connection a busy machine has kept silent. */
    if (status == TXCLIENT_ABORTED || status == TXCLIENT_UNKNOWN)
        return true;
    (void)snprintf(transfers->failure, sizeof transfers->failure, "%s",
                   txclient_detail(with)->text);
    return false;
}

static void *run_transfers(void *arg)
{
    struct transfers *transfers = arg;
    txclient *own = work_client(&cluster.coordinator);
    bool going = true;

    while (going && !atomic_load(&transfers->stopping))
        going = transfer(transfers, own, ++transfers->attempted);
    txclient_close(&own);
    return NULL;
}

void transfers_begin(struct transfers *transfers, unsigned long from)
{
    *transfers = (struct transfers){.attempted = from};
    assert_int_equal(pthread_create(&transfers->thread, NULL, run_transfers, transfers), 0);
}

void transfers_end(struct transfers *transfers)
{
    atomic_store(&transfers->stopping, true);
    assert_int_equal(pthread_join(transfers->thread, NULL), 0);
    if (transfers->failure[0] != '\0')
        fail_msg("transfer %lu: %s", transfers->attempted, transfers->failure);
}

/* ---- backups ---- */

const char *backup_repository(void)
{
    static char path[CLUSTER_PATH + 16];

    assert_true(snprintf(path, sizeof path, "%s/backups", cluster.directory) < (int)sizeof path);
    return path;
}

unsigned long backup_take(const char *option, char *name)
{
    json_error_t error;
    int status = run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txctl",
                             "--json", "--config", cluster.client_config, "backup", "--into",
                             backup_repository(), option, NULL);

    if (status != 0)
        fail_msg("txctl backup: status %d: %s%s", status, backup_out, backup_err);
    json_t *result = json_loads(backup_out, 0, &error);
    assert_non_null(result);
    if (name != NULL)
        (void)snprintf(name, 64, "%s", json_string_value(json_object_get(result, "backup")));
    unsigned long stored = (unsigned long)json_integer_value(json_object_get(result, "stored"));
    json_decref(result);
    return stored;
}

static void run_recover(const char *command, const char *first, const char *option,
                        const char *value)
{
    int status = run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                             "txrecover", command, first, option, value, NULL);

    if (status != 0)
        fail_msg("txrecover %s %s: status %d: %s%s", command, first, status, backup_out,
                 backup_err);
}

void backup_move_in(struct daemon *daemon, const char *from, const char *label)
{
    char path[2 * CLUSTER_PATH];

    assert_true(snprintf(path, sizeof path, "%s/%s", from, label) < (int)sizeof path);
    directory_remove(daemon->data);
    assert_int_equal(rename(path, daemon->data), 0);
    run_recover("rejoin", daemon->data, NULL, NULL);
}

static void kill_running(struct daemon *daemon)
{
    if (daemon->pid > 0)
        daemon_kill(daemon);
}

void backup_kill_all(void)
{
    kill_running(&cluster.coordinator);
    for (size_t i = 0; i < cluster.participants_n; i++)
        kill_running(&cluster.participants[i]);
}

void backup_move_all_in(const char *from)
{
    backup_kill_all();
    backup_move_in(&cluster.coordinator, from, "coordinator-1");
    backup_move_in(&cluster.participants[0], from, "participant-a");
    backup_move_in(&cluster.participants[1], from, "participant-b");
    assert_int_equal(rmdir(from), 0);
    cluster_start(&cluster);
}

void backup_bring_back(void)
{
    char into[2 * CLUSTER_PATH];

    assert_true(snprintf(into, sizeof into, "%s/all", cluster.directory) < (int)sizeof into);
    run_recover("restore", backup_repository(), "--into", into);
    backup_move_all_in(into);
}

static long number_of(const txclient_value *value)
{
    char text[32] = "";

    assert_true(value->found && value->len < sizeof text);
    memcpy(text, value->data, value->len);
    return strtol(text, NULL, 10);
}

struct reading {
    txclient *with;
    txclient_value values[2 * BACKUP_ACCOUNTS + 2];
};

/* What is in doubt is locked until it is settled. */
static bool read_all(void *arg)
{
    struct reading *reading = arg;
    txclient_batch *batch = txclient_batch_new();
    size_t n = 0;

    for (unsigned i = 0; i < BACKUP_ACCOUNTS; i++) {
        char key[8];

        txclient_batch_get(batch, AT("a", account(key, i)));
        txclient_batch_get(batch, AT("b", account(key, i)));
        n += 2;
    }
    txclient_batch_get(batch, AT("a", "seq"));
    txclient_batch_get(batch, AT("b", "seq"));
    assert_int_equal(n + 2, sizeof reading->values / sizeof reading->values[0]);
    txclient_status status = txclient_submit(reading->with, batch, NULL, reading->values);
    txclient_batch_free(&batch);
    return status == TXCLIENT_OK;
}

void backup_read(const struct daemon *coordinator, long *sum, unsigned long *seq)
{
    struct reading reading = {.with = work_client(coordinator)};
    const size_t n = 2 * BACKUP_ACCOUNTS;

    if (!wait_until(read_all, &reading, WORK_MS))
        fail_msg("the accounts cannot be read: %s", txclient_detail(reading.with)->text);
    *sum = 0;
    for (size_t i = 0; i < n; i++)
        *sum += number_of(&reading.values[i]);
    assert_int_equal(number_of(&reading.values[n]), number_of(&reading.values[n + 1]));
    *seq = (unsigned long)number_of(&reading.values[n]);
    txclient_close(&reading.with);
}
