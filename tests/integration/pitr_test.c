/* Points in time behind a backup: a cluster that moves money is backed up, goes on and archives its
 * logs, and is lost. It comes back as it was at any of the cuts since, with nothing half and
 * nothing missing that had been acknowledged before; and where the archive does not reach, that is
 * said. */
#include "tests/integration/backup_case.h"
#include "txlog/backup/archive.h"
#include "txlog/backup/backup_files.h"
#include "txlog/record.h"

#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef ASSENT_SANITIZED
#define POINTS  8u
#define STARTED 4u
#else
#define POINTS  20u
#define STARTED 4u /* the daemons are started at each fourth point */
#endif

#define NODES 3u

static const char *const labels[NODES] = {"coordinator-1", "participant-a", "participant-b"};

/* What is known of a cut from the outside. */
static struct point {
    unsigned long before, after; /* the last transfer was one of these */
    uint64_t number;
    uint64_t time_ms; /* all daemons had taken it */
    uint64_t lsns[NODES];
} points[POINTS];

static struct transfers transfers;

static struct daemon *node(size_t i)
{
    return i == 0 ? &cluster.coordinator : &cluster.participants[i - 1];
}

static const char *within(const char *name)
{
    static char paths[8][2 * CLUSTER_PATH];
    static unsigned next;
    char *path = paths[next++ % 8];

    assert_true(snprintf(path, sizeof paths[0], "%s/%s", cluster.directory, name) <
                (int)sizeof paths[0]);
    return path;
}

static void remove_all(const char *path)
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
    return atomic_load(&transfers.committed) > *(unsigned long *)arg;
}

static void let_move(unsigned long n)
{
    n += atomic_load(&transfers.committed);
    if (!wait_until(has_moved, &n, WORK_MS))
        fail_msg("no transfer is made any more: %s", transfers.failure);
}

static void take_cut(struct point *point)
{
    txclient_cut at;

    point->before = atomic_load(&transfers.acknowledged);
    expect(txclient_cut_begin(client, NULL, &at), TXCLIENT_OK);
    point->number = at.number;
    for (size_t i = 0; i < NODES; i++) {
        expect(txclient_cut_ask(client, node(i)->address, point->number, WORK_MS, &at),
               TXCLIENT_OK);
        point->lsns[i] = at.lsn;
    }
    point->time_ms = now_ms();
    point->after = atomic_load(&transfers.acknowledged) + 1;
}

struct archived {
    const struct daemon *daemon;
    uint64_t lsn;
};

static bool is_archived(void *arg)
{
    const struct archived *wanted = arg;
    char text[64];

    return work_field(wanted->daemon, "archive_last", text, sizeof text) &&
           strtoull(text, NULL, 10) >= wanted->lsn;
}

static void await_archived(const struct point *point)
{
    for (size_t i = 0; i < NODES; i++) {
        struct archived wanted = {node(i), point->lsns[i]};

        if (!wait_until(is_archived, &wanted, WORK_MS))
            fail_msg("%s does not archive LSN %" PRIu64, labels[i], point->lsns[i]);
    }
}

/* Snapshots follow one another quickly, and compaction with them: the nodes' own logs do not go
 * back to the backup. */
static int setup(void **state)
{
    char text[2 * CLUSTER_PATH];

    (void)state;
    cluster_init(&cluster, 2, false);
    for (size_t i = 0; i < NODES; i++) {
        (void)snprintf(text, sizeof text, "directory = %s\nevery = 100ms\nsegment = 4096",
                       within("archive"));
        daemon_set(&cluster, node(i), "archive", text);
        (void)snprintf(text, sizeof text, "snapshot_records = 100\nretain_records = 0%s",
                       i == 0 ? "\ncut_every = 200ms" : "");
        daemon_set(&cluster, node(i), "storage", text);
    }
    cluster_start(&cluster);
    client = work_client(&cluster.coordinator);
    backup_accounts();
    transfers_begin(&transfers, 0);
    let_move(5);
    take_cut(&points[0]); /* one that lies before the backup */
    backup_take(NULL, NULL);
    for (unsigned i = 0; i < POINTS; i++) {
        let_move(4);
        take_cut(&points[i]);
    }
    let_move(4);
    await_archived(&points[POINTS - 1]);
    transfers_end(&transfers);
    txclient_close(&client);
    backup_kill_all();
    return 0;
}

/* ---- restoring ---- */

/* txrecover restore with what stands in `options`, separated by blanks; '_' stands for one. */
static int restore(const char *into, const char *options)
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
                       within("archive"), words[0] != NULL ? words[0] : (char *)NULL, words[1],
                       words[2], words[3], words[4], words[5], words[6], words[7], (char *)NULL);
}

static void must_restore(const char *into, const char *options)
{
    int status = restore(into, options);

    if (status != 0)
        fail_msg("restore %s: status %d: %s%s", options, status, backup_out, backup_err);
}

/* It fails with that status and text, and leaves nothing. */
static void refused(const char *options, int expected, const char *text)
{
    int status = restore(within("none"), options);

    if (status != expected || strstr(backup_err, text) == NULL)
        fail_msg("restore %s: status %d, not %d; \"%s\" is not in: %s", options, status, expected,
                 text, backup_err);
    assert_int_not_equal(access(within("none/participant-a"), F_OK), 0);
    remove_all(within("none"));
}

static json_t *result(void)
{
    json_error_t error;
    json_t *all = json_loads(backup_out, 0, &error);

    if (all == NULL)
        fail_msg("%s: %s", error.text, backup_out);
    return all;
}

static uint64_t member(const json_t *of, const char *name)
{
    const json_t *value = json_object_get(of, name);

    assert_true(json_is_integer(value));
    return (uint64_t)json_integer_value(value);
}

static const char *option(char out[96], unsigned i)
{
    char text[40];
    time_t seconds = (time_t)(points[i].time_ms / 1000);
    struct tm utc;

    if (i % 2 == 0) {
        (void)snprintf(out, 96, "--json --until-cut %" PRIu64, points[i].number);
        return out;
    }
    assert_non_null(gmtime_r(&seconds, &utc));
    assert_int_equal(strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc), 19);
    (void)snprintf(out, 96, "--json --until-time %s.%03uZ", text,
                   (unsigned)(points[i].time_ms % 1000));
    return out;
}

static uint64_t place_of(const struct point *point, const char *label)
{
    size_t i = 0;

    while (i < NODES && strcmp(labels[i], label) != 0)
        i++;
    assert_true(i < NODES);
    return point->lsns[i];
}

/* By its number, each log ends at its own place in that cut. By its time, another cut may have been
 * taken since; it was not later. */
static void check_place(const struct point *point, bool by_number)
{
    json_t *all = result(), *each;
    size_t i;

    assert_true(json_is_true(json_object_get(all, "complete")));
    assert_true(member(all, "cut") >= point->number);
    assert_true(member(all, "time_ms") <= point->time_ms);
    if (by_number)
        assert_int_equal(member(all, "cut"), point->number);
    json_array_foreach(json_object_get(all, "nodes"), i, each)
    {
        uint64_t place = place_of(point, json_string_value(json_object_get(each, "node")));
        assert_true(member(each, "lsn") >= place);
        if (by_number)
            assert_int_equal(member(each, "lsn"), place);
        assert_true(member(each, "given_up_records") > 0);
    }
    assert_int_equal(i, NODES);
    json_decref(all);
}

/* What each node knows of the others' logs lies within these. */
static void check_logs(const char *into)
{
    char paths[NODES][4 * CLUSTER_PATH];

    for (size_t i = 0; i < NODES; i++)
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", into, labels[i]);
    if (run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txrecover",
                    "verify", paths[0], paths[1], paths[2], NULL) != 0)
        fail_msg("%s%s", backup_out, backup_err);
}

static void check_money(unsigned long before, unsigned long after)
{
    long sum;
    unsigned long seq;

    backup_read(&cluster.coordinator, &sum, &seq);
    if (sum != 2 * BACKUP_ACCOUNTS * BACKUP_MONEY)
        fail_msg("%ld in all accounts", sum);
    if (seq < before || seq > after)
        fail_msg("the last transfer is %lu, which is not %lu to %lu", seq, before, after);
}

static void test_any_point(void **state)
{
    char text[96];

    (void)state;
    for (unsigned i = 0; i < POINTS; i++) {
        const char *into = within("all");

        must_restore(into, option(text, i));
        check_place(&points[i], i % 2 == 0);
        check_logs(into);
        if (i % STARTED == 0) {
            backup_move_all_in(into);
            check_money(points[i].before, points[i].after);
        } else {
            remove_all(into);
        }
    }
    backup_kill_all();
}

/* By default the newest one that all reach; what lies behind it is told. */
static void test_the_newest_point(void **state)
{
    const char *into = within("all");

    (void)state;
    must_restore(into, "");
    assert_non_null(strstr(backup_out, "behind it in the archive"));
    assert_null(strstr(backup_out, "no later one"));
    check_logs(into);
    backup_move_all_in(into);
    check_money(points[POINTS - 1].before, transfers.attempted);
    backup_kill_all();
}

/* ---- what cannot be reached ---- */

static void test_points_that_are_none(void **state)
{
    char text[96];

    (void)state;
    refused("--until-time 2001-01-01T00:00:00Z", EX_USAGE, "no backup had ended by 2001-01-01");
    refused("latest --until-time 2001-01-01T00:00:00Z", EX_USAGE, "lies before the backup");
    refused("latest --until-cut 1", EX_USAGE, "cut 1 lies before the backup");
    refused("--until-end", EX_USAGE, "--until-end is for one node");
    refused("--until-cut 3 --until-time now", EX_USAGE, "there is one end only");
    refused("--until-cut x", EX_USAGE, "\"x\" is no cut");
    refused("--until-cut 1000000", EX_USAGE, "cut 1000000 cannot be reached");
    const char *newest = strstr(backup_err, "--until-cut ");
    assert_non_null(newest);
    assert_int_equal(sscanf(newest, "--until-cut %80[0-9]", text + 12), 1);
    memcpy(text, "--until-cut ", 12);
    must_restore(within("all"), text);
    remove_all(within("all"));
    assert_int_equal(run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                                 "txrecover", "restore", backup_repository(), "--into",
                                 within("none"), "--until-cut", "3", NULL),
                     EX_USAGE);
    assert_non_null(strstr(backup_err, "--archive is missing"));
    assert_int_equal(run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                                 "txrecover", "restore", backup_repository(), "--into",
                                 within("none"), "--archive", backup_repository(), NULL),
                     EX_DATAERR);
    assert_non_null(strstr(backup_err, "is no archive that this program knows"));
}

static const char *part(const char *label)
{
    static char path[4 * CLUSTER_PATH];

    assert_true(snprintf(path, sizeof path, "%s/generation-0/%s", within("archive"), label) <
                (int)sizeof path);
    return path;
}

/* The segment with that record, or with a later one where `behind`; its path in a static buffer. */
static const char *segment_of(const char *label, uint64_t lsn)
{
    static char path[8 * CLUSTER_PATH];
    DIR *entries = opendir(part(label));
    const struct dirent *entry;
    struct tx_lsn first, last;

    assert_non_null(entries);
    path[0] = '\0';
    while ((entry = readdir(entries)) != NULL)
        if (archive_segment_parse(entry->d_name, &first, &last) && first.n <= lsn && lsn <= last.n)
            (void)snprintf(path, sizeof path, "%s/%s", part(label), entry->d_name);
    (void)closedir(entries);
    if (path[0] == '\0')
        fail_msg("LSN %" PRIu64 " of %s is not archived", lsn, label);
    return path;
}

/* Runs `check` with what lies at `path` out of the way. */
static void without(const char *path, void (*check)(void))
{
    char from[8 * CLUSTER_PATH];

    (void)snprintf(from, sizeof from, "%s", path);
    assert_int_equal(rename(from, within("aside")), 0);
    check();
    assert_int_equal(rename(within("aside"), from), 0);
}

#define MIDDLE (POINTS / 2)

static char later[96], earlier[96];

static void check_gap(void)
{
    refused(later, EX_USAGE, "of participant-b the archive has a gap behind LSN ");
    assert_non_null(strstr(backup_err, "the newest one that can: --until-cut "));
    must_restore(within("all"), earlier);
    remove_all(within("all"));
    /* The newest that works is restored, with the reason why there is none later. */
    must_restore(within("all"), "");
    assert_non_null(strstr(backup_out, "no later one: of participant-b the archive has a gap"));
    check_logs(within("all"));
    remove_all(within("all"));
    assert_int_equal(run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                                 "txrecover", "archive", "list", within("archive"), NULL),
                     0);
    assert_non_null(strstr(backup_out, "GAP: LSN "));
}

static void check_absent(void)
{
    refused(later, EX_USAGE, "the archive holds nothing of participant-b of generation 0");
    refused("", EX_USAGE, "without --archive the backup itself is restored");
}

static void check_behind(void)
{
    refused(later, EX_USAGE, "the archive of participant-b ends at LSN ");
    must_restore(within("all"), "");
    check_logs(within("all"));
    remove_all(within("all"));
}

/* Moves all segments behind the middle away, one after the other. */
static void without_the_end(const char *label, uint64_t from, uint64_t to, void (*check)(void))
{
    char name[64], path[8 * CLUSTER_PATH];
    const char *away = within("away");
    struct tx_lsn first, last;

    if (from > to) {
        check();
        return;
    }
    (void)snprintf(path, sizeof path, "%s", segment_of(label, to));
    (void)snprintf(name, sizeof name, "%s", strrchr(path, '/') + 1);
    assert_true(archive_segment_parse(name, &first, &last));
    char aside[4 * CLUSTER_PATH];
    (void)snprintf(aside, sizeof aside, "%s-%s", away, name);
    assert_int_equal(rename(path, aside), 0);
    without_the_end(label, from, first.n - 1, check);
    assert_int_equal(rename(aside, path), 0);
}

static uint64_t last_archived(const char *label)
{
    DIR *entries = opendir(part(label));
    const struct dirent *entry;
    struct tx_lsn first, last;
    uint64_t highest = 0;

    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL)
        if (archive_segment_parse(entry->d_name, &first, &last) && last.n > highest)
            highest = last.n;
    (void)closedir(entries);
    return highest;
}

static void test_an_archive_with_holes(void **state)
{
    (void)state;
    (void)snprintf(later, sizeof later, "--until-cut %" PRIu64, points[POINTS - 1].number);
    (void)snprintf(earlier, sizeof earlier, "--until-cut %" PRIu64, points[MIDDLE - 2].number);
    without(segment_of("participant-b", points[MIDDLE].lsns[2]), check_gap);
    without(part("participant-b"), check_absent);
    without_the_end("participant-b", points[MIDDLE].lsns[2], last_archived("participant-b"),
                    check_behind);
    must_restore(within("all"), later); /* all is as it was */
    remove_all(within("all"));
}

static void flip(const char *path)
{
    long at = file_size(path) / 2;
    FILE *file = fopen(path, "r+b");
    int byte;

    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 0x10, file), byte ^ 0x10);
    assert_int_equal(fclose(file), 0);
}

static int archive(const char *action, const char *option_of_it)
{
    return run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txrecover",
                       "archive", action, within("archive"), option_of_it, NULL);
}

static void test_a_damaged_segment(void **state)
{
    char damaged[8 * CLUSTER_PATH];

    (void)state;
    assert_int_equal(archive("verify", NULL), 0);
    assert_non_null(strstr(backup_out, "participant-a: sound"));
    (void)snprintf(damaged, sizeof damaged, "%s",
                   segment_of("participant-a", points[MIDDLE].lsns[1]));
    flip(damaged);
    refused(later, EX_DATAERR, damaged);
    must_restore(within("all"), earlier);
    remove_all(within("all"));
    assert_int_equal(archive("verify", NULL), EX_DATAERR);
    assert_non_null(strstr(backup_out, damaged));
    assert_non_null(strstr(backup_out, "participant-a: DAMAGED"));
    assert_non_null(strstr(backup_out, "participant-b: sound"));
    assert_int_equal(archive("verify", "--json"), EX_DATAERR);
    json_t *all = result();
    assert_true(json_is_false(json_object_get(all, "complete")));
    json_decref(all);
    flip(damaged);
    assert_int_equal(archive("verify", "--progress"), 0);
}

/* ---- an archive of another history ---- */

struct forging {
    struct archive_segment_writer *writer;
    uint64_t lsn;
};

/* The record `lsn` gets another time: the node has lived through it in another way. */
static enum tx_error forge(void *arg, struct tx_lsn lsn, struct tx_bytes stored, struct tx_why *why)
{
    struct forging *forging = arg;
    struct tx_arena arena = {0};
    struct tx_buf changed = {0};
    struct txlog_record record;

    if (lsn.n != forging->lsn)
        return archive_segment_add(forging->writer, lsn, stored, why);
    assert_int_equal(txlog_record_decode(stored, &arena, &record, why), TX_OK);
    record.time_ms++;
    assert_int_equal(txlog_record_encode(&record, &changed), TX_OK);
    enum tx_error error = archive_segment_add(forging->writer, lsn, tx_buf_view(&changed), why);
    tx_buf_deinit(&changed);
    tx_arena_deinit(&arena);
    return error;
}

/* The segment of b with the last record of the backup is of another history; its chain with those
 * behind it is not what gives it away. */
static void test_another_history(void **state)
{
    struct archive_segment old, made = {0};
    struct forging forging = {.writer = NULL};
    struct tx_why why = {""};
    char path[8 * CLUSTER_PATH];

    (void)state;
    must_restore(within("all"), "--json latest --node b --until-end");
    json_t *all = result(), *one = json_array_get(json_object_get(all, "nodes"), 0);
    forging.lsn = member(one, "lsn") - member(one, "archived"); /* where the backup ends */
    assert_int_equal(member(one, "lsn"), last_archived("participant-b"));
    assert_int_equal(member(one, "given_up_records"), 0);
    json_decref(all);
    remove_all(within("all"));
    (void)snprintf(path, sizeof path, "%s", segment_of("participant-b", forging.lsn));
    assert_int_equal(archive_segment_open(path, &old, &why), TX_OK);
    assert_int_equal(archive_segment_begin(&old, &forging.writer, &why), TX_OK);
    assert_int_equal(archive_segment_each(path, &old, forge, &forging, &why), TX_OK);
    assert_int_equal(rename(path, within("aside")), 0);
    assert_int_equal(archive_segment_end(&forging.writer, part("participant-b"), 1, &made, &why),
                     TX_OK);
    refused(later, EX_DATAERR, "does not go on from backup");
    assert_int_equal(rename(within("aside"), path), 0);
    archive_segment_deinit(&old);
    archive_segment_deinit(&made);
}

/* ---- an archive that ends in the middle of a snapshot ---- */

/* A record that states again a cut older than the newest one, and the segment that holds it. */
static struct {
    struct archive_segment_writer *writer;
    uint64_t newest, lsn;
    char name[64];
} restated;

static enum tx_error look_for_restated(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                                       struct tx_why *why)
{
    struct tx_arena arena = {0};
    struct txlog_record record;

    (void)arg;
    assert_int_equal(txlog_record_decode(stored, &arena, &record, why), TX_OK);
    if (record.type == TXLOG_CUT && record.cut.lsn.n == lsn.n)
        restated.newest = record.cut.number;
    else if (record.type == TXLOG_CUT && record.cut.number < restated.newest && restated.lsn == 0)
        restated.lsn = lsn.n;
    tx_arena_deinit(&arena);
    return TX_OK;
}

static enum tx_error copy_up_to_it(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                                   struct tx_why *why)
{
    (void)arg;
    return lsn.n > restated.lsn ? TX_OK : archive_segment_add(restated.writer, lsn, stored, why);
}

/* The segment at `path`, up to that record, goes into the directory "short". */
static void shorten(const char *path)
{
    struct archive_segment whole, made = {0};
    struct tx_why why = {""};

    assert_int_equal(mkdir(within("short"), 0700), 0);
    assert_int_equal(archive_segment_open(path, &whole, &why), TX_OK);
    assert_int_equal(archive_segment_begin(&whole, &restated.writer, &why), TX_OK);
    assert_int_equal(archive_segment_each(path, &whole, copy_up_to_it, NULL, &why), TX_OK);
    if (archive_segment_end(&restated.writer, within("short"), 1, &made, &why) != TX_OK)
        fail_msg("%s", why.text);
    (void)snprintf(restated.name, sizeof restated.name, "%020" PRIu64 "-%020" PRIu64 ".seg",
                   made.first.n, made.last.n);
    archive_segment_deinit(&whole);
    archive_segment_deinit(&made);
}

/* What it was before is out of the way, and all behind it. */
static void ends_within_a_snapshot(void)
{
    char from[8 * CLUSTER_PATH], to[8 * CLUSTER_PATH];

    (void)snprintf(from, sizeof from, "%s/%s", within("short"), restated.name);
    (void)snprintf(to, sizeof to, "%s/%s", part("participant-b"), restated.name);
    assert_int_equal(rename(from, to), 0);
    int status = restore(within("all"), "--json latest --node b --until-end");
    assert_int_equal(unlink(to), 0);
    if (status != 0)
        fail_msg("%s", backup_err);
    json_t *all = result();
    assert_int_equal(member(json_array_get(json_object_get(all, "nodes"), 0), "lsn"), restated.lsn);
    json_decref(all);
    remove_all(within("all"));
}

static void test_an_end_within_a_snapshot(void **state)
{
    struct archive_segment segment;
    struct tx_why why = {""};
    char path[8 * CLUSTER_PATH];

    (void)state;
    for (uint64_t next = points[0].lsns[2]; restated.lsn == 0;) {
        (void)snprintf(path, sizeof path, "%s", segment_of("participant-b", next));
        assert_int_equal(archive_segment_open(path, &segment, &why), TX_OK);
        assert_int_equal(archive_segment_each(path, &segment, look_for_restated, NULL, &why),
                         TX_OK);
        next = segment.last.n + 1;
        archive_segment_deinit(&segment);
    }
    shorten(path);
    without_the_end("participant-b", restated.lsn, last_archived("participant-b"),
                    ends_within_a_snapshot);
}

/* ---- one by one, and on from there ---- */

/* The first one names what the others need, so that all come to one point. */
static void test_nodes_one_by_one(void **state)
{
    char options[256], others[160] = "";

    (void)state;
    must_restore(within("a"), "--node a");
    assert_int_equal(sscanf(strstr(backup_out, "the other nodes of the same restore: "),
                            "the other nodes of the same restore: %150[^\n]", others),
                     1);
    backup_move_in(node(1), cluster.directory, "a");
    (void)snprintf(options, sizeof options, "--node b %s", others);
    must_restore(within("b"), options);
    backup_move_in(node(2), cluster.directory, "b");
    (void)snprintf(options, sizeof options, "--node coordinator-1 %s", others);
    must_restore(within("c"), options);
    backup_move_in(node(0), cluster.directory, "c");
    cluster_start(&cluster);
    check_money(points[POINTS - 1].before, transfers.attempted);
}

/* The restored cluster archives below its own generation, and is restored from there in its turn;
 * what the daemons had not archived when they were killed is added from what is left of them. */
static void test_a_restored_cluster_goes_on(void **state)
{
    struct point point;
    long sum;
    unsigned long seq;

    (void)state;
    client = work_client(&cluster.coordinator);
    backup_read(&cluster.coordinator, &sum, &seq);
    backup_take(NULL, NULL);
    transfers_begin(&transfers, seq);
    let_move(5);
    take_cut(&point);
    transfers_end(&transfers);
    txclient_close(&client);
    backup_kill_all();
    if (run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err, "txrecover",
                    "archive", "add", within("archive"), node(0)->data, node(1)->data,
                    node(2)->data, NULL) != 0)
        fail_msg("%s%s", backup_out, backup_err);
    assert_int_equal(archive("list", "--json"), 0);
    json_t *all = result();
    assert_true(json_array_size(json_object_get(all, "nodes")) >= 2 * (size_t)NODES);
    json_decref(all);
    must_restore(within("all"), "");
    backup_move_all_in(within("all"));
    check_money(point.before, transfers.attempted);
    /* What is older than the archive is not taken for its end. */
    backup_kill_all();
    must_restore(within("all"), "latest");
    assert_int_equal(run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                                 "txrecover", "archive", "add", within("archive"),
                                 within("all/participant-a"), NULL),
                     EX_USAGE);
    assert_non_null(strstr(backup_err, "has not joined yet"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_point),
        cmocka_unit_test(test_the_newest_point),
        cmocka_unit_test(test_points_that_are_none),
        cmocka_unit_test(test_an_archive_with_holes),
        cmocka_unit_test(test_a_damaged_segment),
        cmocka_unit_test(test_another_history),
        cmocka_unit_test(test_an_end_within_a_snapshot),
        cmocka_unit_test(test_nodes_one_by_one),
        cmocka_unit_test(test_a_restored_cluster_goes_on),
    };

    return cmocka_run_group_tests(tests, setup, work_teardown);
}
