#include "tests/integration/pitr_case.h"

#include "tests/integration/operate.h"
#include "txlog/backup/backup_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CUT_EVERY "200ms"
/* So many transfers between two points that snapshots of these logs begin behind the backup. */
#define MOVES (100 / PITR_POINTS)

static const char *const labels[PITR_NODES] = {"coordinator-1", "participant-a", "participant-b"};

struct pitr_point pitr_points[PITR_POINTS];
struct transfers pitr_transfers;

struct daemon *pitr_node(size_t i)
{
    return i == 0 ? &cluster.coordinator : &cluster.participants[i - 1];
}

const char *pitr_within(const char *name)
{
    static char paths[8][2 * CLUSTER_PATH];
    static unsigned next;
    char *path = paths[next++ % 8];

    assert_true(snprintf(path, sizeof paths[0], "%s/%s", cluster.directory, name) <
                (int)sizeof paths[0]);
    return path;
}

void pitr_remove(const char *path)
{
    assert_int_equal(backup_directory_remove(path, NULL), TX_OK);
}

/* ---- a cluster with a past ---- */

static uint64_t now_ms(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool has_moved(void *arg)
{
    return atomic_load(&pitr_transfers.committed) > *(unsigned long *)arg;
}

void pitr_let_move(unsigned long n)
{
    n += atomic_load(&pitr_transfers.committed);
    if (!wait_until(has_moved, &n, WORK_MS))
        fail_msg("no transfer is made any more: %s", pitr_transfers.failure);
}

/* False: this process was held up for so long that a node has forgotten the cut over those that the
 * coordinator has taken since. */
static bool take_cut(struct pitr_point *point)
{
    txclient_cut at;

    point->before = atomic_load(&pitr_transfers.acknowledged);
    expect(txclient_cut_begin(client, NULL, &at), TXCLIENT_OK);
    point->number = at.number;
    for (size_t i = 0; i < PITR_NODES; i++) {
        txclient_status status =
            txclient_cut_ask(client, pitr_node(i)->address, point->number, WORK_MS, &at);
        if (status == TXCLIENT_EREFUSED &&
            strstr(txclient_detail(client)->text, "forgotten") != NULL)
            return false;
        expect(status, TXCLIENT_OK);
        point->lsns[i] = at.lsn;
    }
    point->time_ms = now_ms();
    point->after = atomic_load(&pitr_transfers.attempted);
    return true;
}

void pitr_take_cut(struct pitr_point *point)
{
    while (!take_cut(point))
        continue;
}

static void await_archived(const uint64_t lsns[PITR_NODES])
{
    for (size_t i = 0; i < PITR_NODES; i++)
        work_await_archived(pitr_node(i), lsns[i]);
}

static void configure(size_t i, const char *cut_every)
{
    char text[2 * CLUSTER_PATH];

    (void)snprintf(text, sizeof text, "directory = %s\nevery = 100ms\nsegment = 4096",
                   pitr_within("archive"));
    settings_become(pitr_node(i), "archive", text);
    (void)snprintf(text, sizeof text, "snapshot_records = 100\nretain_records = 0%s%s",
                   i == 0 ? "\ncut_every = " : "", i == 0 ? cut_every : "");
    daemon_set(&cluster, pitr_node(i), "storage", text);
}

/* No cut is taken behind the last point, and each node archives some records behind it. */
static void let_move_behind_the_last(void)
{
    uint64_t lsns[PITR_NODES];

    configure(0, "24h");
    assert_int_equal(operate("reload", "coordinator", NULL, NULL, NULL), 0);
    pitr_take_cut(&pitr_points[PITR_POINTS - 1]);
    pitr_let_move(MOVES);
    for (size_t i = 0; i < PITR_NODES; i++)
        lsns[i] = work_number(pitr_node(i), i == 0 ? "log_last" : "lsn");
    await_archived(lsns);
}

int pitr_setup(void **state)
{
    struct pitr_point before;

    (void)state;
    cluster_init(&cluster, 2, false);
    for (size_t i = 0; i < PITR_NODES; i++)
        configure(i, CUT_EVERY);
    cluster_start(&cluster);
    client = work_client(&cluster.coordinator);
    backup_accounts();
    transfers_begin(&pitr_transfers, 0);
    pitr_let_move(5);
    pitr_take_cut(&before);
    backup_take(NULL, NULL);
    for (unsigned i = 0; i < PITR_POINTS - 1; i++) {
        pitr_let_move(MOVES);
        pitr_take_cut(&pitr_points[i]);
        if (i == PITR_MIDDLE - 2 || i == PITR_MIDDLE)
            await_archived(pitr_points[i].lsns);
    }
    pitr_let_move(MOVES);
    let_move_behind_the_last();
    transfers_end(&pitr_transfers);
    txclient_close(&client);
    backup_kill_all();
    configure(0, CUT_EVERY);
    return 0;
}

/* ---- restoring ---- */

int pitr_restore(const char *into, const char *options)
{
    char text[512];
    char *words[8] = {NULL}, *rest = NULL;
    size_t n = 0;

    assert_true(snprintf(text, sizeof text, "%s", options) < (int)sizeof text);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_true(n < 8);
        for (char *c = word; (c = strchr(c, '_')) != NULL;)
            *c = ' ';
        words[n++] = word;
    }
    return run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txrecover",
                       "restore", backup_repository(), "--into", into, "--archive",
                       pitr_within("archive"), words[0] != NULL ? words[0] : (char *)NULL, words[1],
                       words[2], words[3], words[4], words[5], words[6], words[7], (char *)NULL);
}

void pitr_must_restore(const char *into, const char *options)
{
    int status = pitr_restore(into, options);

    if (status != 0)
        fail_msg("restore %s: status %d: %s%s", options, status, backup_out, backup_err);
}

void pitr_refused(const char *options, int expected, const char *text)
{
    int status = pitr_restore(pitr_within("none"), options);

    if (status != expected || strstr(backup_err, text) == NULL)
        fail_msg("restore %s: status %d, not %d; \"%s\" is not in: %s", options, status, expected,
                 text, backup_err);
    assert_int_not_equal(access(pitr_within("none/participant-a"), F_OK), 0);
    pitr_remove(pitr_within("none"));
}

json_t *pitr_result(void)
{
    json_error_t error;
    json_t *all = json_loads(backup_out, 0, &error);

    if (all == NULL)
        fail_msg("%s: %s", error.text, backup_out);
    return all;
}

size_t pitr_index(const char *label)
{
    size_t i = 0;

    while (i < PITR_NODES && strcmp(labels[i], label) != 0)
        i++;
    assert_true(i < PITR_NODES);
    return i;
}

uint64_t pitr_member(const json_t *of, const char *name)
{
    const json_t *value = json_object_get(of, name);

    assert_true(json_is_integer(value));
    return (uint64_t)json_integer_value(value);
}

void pitr_check_logs(const char *into)
{
    char paths[PITR_NODES][4 * CLUSTER_PATH];

    for (size_t i = 0; i < PITR_NODES; i++)
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", into, labels[i]);
    if (run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txrecover",
                    "verify", paths[0], paths[1], paths[2], NULL) != 0)
        fail_msg("%s%s", backup_out, backup_err);
}

int pitr_archive(const char *action, const char *option)
{
    return run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txrecover",
                       "archive", action, pitr_within("archive"), option, NULL);
}
