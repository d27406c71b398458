/* What is said of an archive with damage behind a backup: where segments are missing, cut off, not
 * as they were written or of another history, the points that they lead to cannot be restored, and
 * those in front of them can. */
#include "tests/integration/pitr_case.h"
#include "txlog/backup/archive.h"
#include "txlog/record.h"

#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

static const char *part(const char *label)
{
    static char path[4 * CLUSTER_PATH];

    assert_true(snprintf(path, sizeof path, "%s/generation-0/%s", pitr_within("archive"), label) <
                (int)sizeof path);
    return path;
}

/* The segment with that record; its path in a static buffer. */
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
    assert_int_equal(rename(from, pitr_within("aside")), 0);
    check();
    assert_int_equal(rename(pitr_within("aside"), from), 0);
}

static char later[96], earlier[96]; /* options: behind what is damaged, and in front of it */

static void check_gap(void)
{
    pitr_refused(later, EX_USAGE, "of participant-b the archive has a gap behind LSN ");
    assert_non_null(strstr(backup_err, "the newest one that can: --until-cut "));
    pitr_must_restore(pitr_within("all"), earlier);
    pitr_remove(pitr_within("all"));
    /* The newest that works is restored, with the reason why there is none later. */
    pitr_must_restore(pitr_within("all"), "");
    assert_non_null(strstr(backup_out, "no later one: of participant-b the archive has a gap"));
    pitr_check_logs(pitr_within("all"));
    pitr_remove(pitr_within("all"));
    assert_int_equal(run_program(backup_out, sizeof backup_out, backup_err, sizeof backup_err,
                                 "txrecover", "archive", "list", pitr_within("archive"), NULL),
                     0);
    assert_non_null(strstr(backup_out, "GAP: LSN "));
}

static void check_absent(void)
{
    pitr_refused(later, EX_USAGE, "the archive holds nothing of participant-b of generation 0");
    pitr_refused("", EX_USAGE, "without --archive the backup itself is restored");
}

static void check_behind(void)
{
    pitr_refused(later, EX_USAGE, "the archive of participant-b ends at LSN ");
    pitr_must_restore(pitr_within("all"), "");
    pitr_check_logs(pitr_within("all"));
    pitr_remove(pitr_within("all"));
}

/* Moves all segments behind the middle away, one after the other. */
static void without_the_end(const char *label, uint64_t from, uint64_t to, void (*check)(void))
{
    char name[64], path[8 * CLUSTER_PATH];
    const char *away = pitr_within("away");
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
    without(segment_of("participant-b", pitr_points[PITR_MIDDLE].lsns[2]), check_gap);
    without(part("participant-b"), check_absent);
    without_the_end("participant-b", pitr_points[PITR_MIDDLE].lsns[2],
                    last_archived("participant-b"), check_behind);
    pitr_must_restore(pitr_within("all"), later); /* all is as it was */
    pitr_remove(pitr_within("all"));
}

static void test_a_damaged_segment(void **state)
{
    char damaged[8 * CLUSTER_PATH];

    (void)state;
    assert_int_equal(pitr_archive("verify", NULL), 0);
    assert_non_null(strstr(backup_out, "participant-a: sound"));
    (void)snprintf(damaged, sizeof damaged, "%s",
                   segment_of("participant-a", pitr_points[PITR_MIDDLE].lsns[1]));
    file_flip(damaged, file_size(damaged) / 2);
    pitr_refused(later, EX_DATAERR, damaged);
    pitr_must_restore(pitr_within("all"), earlier);
    pitr_remove(pitr_within("all"));
    assert_int_equal(pitr_archive("verify", NULL), EX_DATAERR);
    assert_non_null(strstr(backup_out, damaged));
    assert_non_null(strstr(backup_out, "participant-a: DAMAGED"));
    assert_non_null(strstr(backup_out, "participant-b: sound"));
    assert_int_equal(pitr_archive("verify", "--json"), EX_DATAERR);
    json_t *all = pitr_result();
    assert_true(json_is_false(json_object_get(all, "complete")));
    json_decref(all);
    file_flip(damaged, file_size(damaged) / 2);
    assert_int_equal(pitr_archive("verify", "--progress"), 0);
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
    pitr_must_restore(pitr_within("all"), "--json latest --node b --until-end");
    json_t *all = pitr_result(), *one = json_array_get(json_object_get(all, "nodes"), 0);
    forging.lsn =
        pitr_member(one, "lsn") - pitr_member(one, "archived"); /* where the backup ends */
    assert_int_equal(pitr_member(one, "lsn"), last_archived("participant-b"));
    assert_int_equal(pitr_member(one, "given_up_records"), 0);
    json_decref(all);
    pitr_remove(pitr_within("all"));
    (void)snprintf(path, sizeof path, "%s", segment_of("participant-b", forging.lsn));
    assert_int_equal(archive_segment_open(path, &old, &why), TX_OK);
    assert_int_equal(archive_segment_begin(&old, &forging.writer, &why), TX_OK);
    assert_int_equal(archive_segment_each(path, &old, forge, &forging, &why), TX_OK);
    assert_int_equal(rename(path, pitr_within("aside")), 0);
    assert_int_equal(archive_segment_end(&forging.writer, part("participant-b"), 1, &made, &why),
                     TX_OK);
    pitr_refused(later, EX_DATAERR, "does not go on from backup");
    assert_int_equal(rename(pitr_within("aside"), path), 0);
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
    else if (record.type == TXLOG_CUT && record.cut.number < restated.newest && restated.lsn == 0 &&
             lsn.n > pitr_points[0].lsns[2])
        restated.lsn = lsn.n; /* behind the backup, and not in a snapshot that it holds */
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

    assert_int_equal(mkdir(pitr_within("short"), 0700), 0);
    assert_int_equal(archive_segment_open(path, &whole, &why), TX_OK);
    assert_int_equal(archive_segment_begin(&whole, &restated.writer, &why), TX_OK);
    assert_int_equal(archive_segment_each(path, &whole, copy_up_to_it, NULL, &why), TX_OK);
    if (archive_segment_end(&restated.writer, pitr_within("short"), 1, &made, &why) != TX_OK)
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

    (void)snprintf(from, sizeof from, "%s/%s", pitr_within("short"), restated.name);
    (void)snprintf(to, sizeof to, "%s/%s", part("participant-b"), restated.name);
    assert_int_equal(rename(from, to), 0);
    int status = pitr_restore(pitr_within("all"), "--json latest --node b --until-end");
    assert_int_equal(unlink(to), 0);
    if (status != 0)
        fail_msg("%s", backup_err);
    json_t *all = pitr_result();
    assert_int_equal(pitr_member(json_array_get(json_object_get(all, "nodes"), 0), "lsn"),
                     restated.lsn);
    json_decref(all);
    pitr_remove(pitr_within("all"));
}

static void test_an_end_within_a_snapshot(void **state)
{
    struct archive_segment segment;
    struct tx_why why = {""};
    char path[8 * CLUSTER_PATH];

    (void)state;
    for (uint64_t next = pitr_points[0].lsns[2]; restated.lsn == 0;) {
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

static int setup(void **state)
{
    pitr_setup(state);
    (void)snprintf(later, sizeof later, "--until-cut %" PRIu64,
                   pitr_points[PITR_POINTS - 1].number);
    (void)snprintf(earlier, sizeof earlier, "--until-cut %" PRIu64,
                   pitr_points[PITR_MIDDLE - 2].number);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_archive_with_holes),
        cmocka_unit_test(test_a_damaged_segment),
        cmocka_unit_test(test_another_history),
        cmocka_unit_test(test_an_end_within_a_snapshot),
    };

    return cmocka_run_group_tests(tests, setup, work_teardown);
}
