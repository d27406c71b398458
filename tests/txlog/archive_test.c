/* An archive of logs without a daemon: it holds what the log held, every changed or cut byte is
 * noticed, a kill in the middle of writing leaves it whole, and a log that took another way does
 * not get mixed with what it was before. */
#include "tests/txlog/log_fixture.h"
#include "txlog/backup/archive.h"
#include "txlog/backup/backup_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define CUT_EVERY 10 /* each tenth record is a CUT */

static char dir[512];  /* of the archive */
static char own[1024]; /* of the node's segments */

static int setup(void **state)
{
    int result = fixture_setup(state);

    (void)snprintf(dir, sizeof dir, "%s/archive", fixture_place);
    (void)snprintf(own, sizeof own, "%s/generation-7/participant-a", dir);
    return result;
}

/* ---- logs ---- */

/* `way` tells two logs apart that have the same numbers. */
static void make_record(uint64_t lsn, uint8_t way, struct tx_buf *out)
{
    uint8_t redo[24];
    struct txlog_record record = {
        .type = TXLOG_COMMITTED, .lsn = {lsn}, .start = way, .time_ms = 1000 + lsn};

    memset(redo, (int)('a' + lsn % 7), sizeof redo);
    if (lsn % CUT_EVERY == 0) {
        record.type = TXLOG_CUT;
        record.cut =
            (struct tx_cut){.number = lsn / CUT_EVERY, .lsn = {lsn}, .time_ms = 1000 + lsn};
    } else {
        record.committed = (struct txlog_committed){
            .id = {1, 1, lsn}, .one_phase = true, .redo = tx_bytes(redo, sizeof redo)};
    }
    tx_buf_clear(out);
    assert_int_equal(txlog_record_encode(&record, out), TX_OK);
}

static void append(struct txlog *log, uint64_t to, uint8_t way)
{
    struct tx_buf stored = {0};
    struct tx_why why;

    for (uint64_t lsn = txlog_last(log).n + 1; lsn <= to; lsn++) {
        struct txlog_append one = {.lsn = {lsn}};

        make_record(lsn, way, &stored);
        one.record = tx_buf_view(&stored);
        if (txlog_append(log, &one, 1, lsn == to, &why) != TX_OK)
            fail_msg("%s", why.text);
    }
    tx_buf_deinit(&stored);
}

/* ---- archives ---- */

static struct archive *open_as(bool write)
{
    struct txlog_identity identity = fixture_identity();
    struct archive *archive;
    struct tx_why why;

    if (archive_open(dir, &identity, 7, write, &archive, &why) != TX_OK)
        fail_msg("%s", why.text);
    return archive;
}

static void put(struct archive *archive, struct txlog *log, uint64_t first, uint64_t last)
{
    struct tx_why why;

    if (archive_put(archive, log, (struct tx_lsn){first}, (struct tx_lsn){last}, UINT64_MAX,
                    &why) != TX_OK)
        fail_msg("%s", why.text);
    assert_int_equal(archive_last(archive).n, last);
}

struct expected {
    uint64_t next;
    uint64_t parts; /* from this record on it is the other way; 0: never */
};

static enum tx_error check_record(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                                  struct tx_why *why)
{
    struct expected *expected = arg;
    struct tx_buf record = {0};

    (void)why;
    assert_int_equal(lsn.n, expected->next++);
    make_record(lsn.n, expected->parts != 0 && lsn.n >= expected->parts ? 2 : 1, &record);
    assert_true(tx_bytes_equal(stored, tx_buf_view(&record)));
    tx_buf_deinit(&record);
    return TX_OK;
}

static void holds(uint64_t first, uint64_t last, uint64_t parts)
{
    struct archive *archive = open_as(false);
    struct expected expected = {.next = first, .parts = parts};
    struct tx_why why = {""};

    if (archive_each(archive, (struct tx_lsn){first}, (struct tx_lsn){last}, check_record,
                     &expected, &why) != TX_OK)
        fail_msg("%s", why.text);
    assert_int_equal(expected.next, last + 1);
    archive_close(&archive);
}

static enum tx_error ignore(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                            struct tx_why *why)
{
    (void)arg;
    (void)lsn;
    (void)stored;
    (void)why;
    return TX_OK;
}

/* Opens and reads all from the first record to the last; the first error. */
static enum tx_error read_all(struct tx_why *why)
{
    struct txlog_identity identity = fixture_identity();
    struct archive *archive;
    enum tx_error error = archive_open(dir, &identity, 7, false, &archive, why);

    if (error == TX_OK)
        error =
            archive_each(archive, archive_first(archive), archive_last(archive), ignore, NULL, why);
    archive_close(&archive);
    return error;
}

static const char *segment(uint64_t first, uint64_t last)
{
    static char path[1200];
    char name[ARCHIVE_SEGMENT_NAME];

    (void)snprintf(path, sizeof path, "%s/%s", own,
                   archive_segment_name((struct tx_lsn){first}, (struct tx_lsn){last}, name));
    return path;
}

/* ---- tests ---- */

static enum tx_error count_cuts(void *arg, const struct archive_segment *head, struct tx_why *why)
{
    uint64_t *next = arg;

    (void)why;
    for (size_t i = 0; i < head->cuts_n; i++, ++*next) {
        assert_int_equal(head->cuts[i].number, *next);
        assert_int_equal(head->cuts[i].lsn.n, *next * CUT_EVERY);
        assert_int_equal(head->cuts[i].time_ms, 1000 + *next * CUT_EVERY);
    }
    assert_int_equal(head->first_ms, 1000 + head->first.n);
    assert_int_equal(head->last_ms, 1000 + head->last.n);
    return TX_OK;
}

static void what_was_put_is_there(void **state)
{
    struct txlog *log = fixture_open(fixture_dir);
    struct archive *archive = open_as(true);
    struct tx_why why;
    uint64_t cut = 1;

    (void)state;
    append(log, 5000, 1);
    assert_int_equal(archive_last(archive).n, 0);
    put(archive, log, 1, 1);
    put(archive, log, 2, 999);
    archive_close(&archive);
    archive = open_as(true);
    assert_int_equal(archive_last(archive).n, 999);
    /* A limit ends a segment early; never before its first record. */
    for (uint64_t last = 999; last < 5000; last = archive_last(archive).n) {
        assert_int_equal(archive_put(archive, log, (struct tx_lsn){last + 1}, (struct tx_lsn){5000},
                                     last < 1001 ? 1 : 40000, &why),
                         TX_OK);
        assert_true(archive_last(archive).n > last);
        assert_true(archive_last(archive).n < 5000 || last > 4000);
    }
    assert_int_equal(archive_gaps(archive), 0);
    assert_int_equal(archive_gap(archive).first.n, 0);
    assert_int_equal(archive_reach(archive, (struct tx_lsn){1}).n, 5000);
    assert_true(archive_segments(archive) > 6);
    assert_int_equal(
        archive_heads(archive, (struct tx_lsn){1}, (struct tx_lsn){5000}, count_cuts, &cut, &why),
        TX_OK);
    assert_int_equal(cut, 5000 / CUT_EVERY + 1);
    archive_close(&archive);
    txlog_close(&log);
    holds(1, 5000, 0);
    holds(998, 1003, 0);
    holds(4321, 4321, 0);
}

static void a_gap_is_named(void **state)
{
    struct txlog *log = fixture_open(fixture_dir);
    struct archive *archive = open_as(true);
    struct expected expected = {.next = 5};
    struct tx_why why;

    (void)state;
    append(log, 100, 1);
    put(archive, log, 1, 20);
    put(archive, log, 31, 50);
    put(archive, log, 51, 60);
    assert_int_equal(archive_gaps(archive), 1);
    assert_int_equal(archive_gap(archive).first.n, 21);
    assert_int_equal(archive_gap(archive).last.n, 30);
    assert_int_equal(archive_reach(archive, (struct tx_lsn){1}).n, 20);
    assert_int_equal(archive_reach(archive, (struct tx_lsn){25}).n, 0);
    assert_int_equal(archive_reach(archive, (struct tx_lsn){31}).n, 60);
    assert_int_equal(archive_each(archive, (struct tx_lsn){5}, (struct tx_lsn){40}, check_record,
                                  &expected, &why),
                     TX_EGAP);
    assert_non_null(strstr(why.text, "LSN 21 to 30 are missing"));
    assert_int_equal(
        archive_each(archive, (struct tx_lsn){55}, (struct tx_lsn){70}, ignore, NULL, &why),
        TX_EGAP);
    assert_non_null(strstr(why.text, "LSN 61 to 70 are missing"));
    /* What cannot be put: what is there already, and what the log does not hold. */
    assert_int_equal(
        archive_put(archive, log, (struct tx_lsn){60}, (struct tx_lsn){70}, UINT64_MAX, &why),
        TX_EINVAL);
    assert_int_equal(
        archive_put(archive, log, (struct tx_lsn){61}, (struct tx_lsn){101}, UINT64_MAX, &why),
        TX_EINVAL);
    assert_int_equal(txlog_compact(log, (struct tx_lsn){80}, &why), TX_OK);
    assert_int_equal(
        archive_put(archive, log, (struct tx_lsn){61}, (struct tx_lsn){100}, UINT64_MAX, &why),
        TX_EGAP);
    assert_int_equal(archive_last(archive).n, 60);
    put(archive, log, 81, 100);
    assert_int_equal(archive_gaps(archive), 2);
    assert_int_equal(archive_gap(archive).first.n, 61);
    archive_close(&archive);
    txlog_close(&log);
}

/* The newest one, as an older one, and what a writer says of it. */
static void every_changed_or_cut_byte_is_noticed(void **state)
{
    struct txlog *log = fixture_open(fixture_dir);
    struct archive *archive = open_as(true);
    struct txlog_identity identity = fixture_identity();
    struct tx_why why;

    (void)state;
    append(log, 60, 1);
    put(archive, log, 1, 22);
    put(archive, log, 23, 45);
    archive_close(&archive);
    txlog_close(&log);
    assert_int_equal(read_all(&why), TX_OK);
    for (unsigned which = 0; which < 2; which++) {
        const char *path = which == 0 ? segment(1, 22) : segment(23, 45);
        off_t size = fixture_size(path);
        struct tx_buf whole = {0};

        assert_int_equal(backup_file_read(path, &whole, &why), TX_OK);
        for (off_t at = 0; at < size; at++) {
            fixture_flip(path, at);
            if (read_all(&why) != TX_ECORRUPT || strstr(why.text, "seg: is ") == NULL)
                fail_msg("byte %ld of segment %u: %s", (long)at, which, why.text);
            if (which == 1 && at % 16 == 0)
                assert_int_equal(archive_open(dir, &identity, 7, true, &archive, &why),
                                 TX_ECORRUPT);
            fixture_flip(path, at);
        }
        for (off_t at = 0; at < size; at += at < size - 80 ? 5 : 1) {
            fixture_cut(path, at);
            assert_int_equal(read_all(&why), TX_ECORRUPT);
            int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
            assert_true(backup_write_all(fd, tx_buf_view(&whole)));
            assert_int_equal(close(fd), 0);
        }
        assert_int_equal(read_all(&why), TX_OK);
        tx_buf_deinit(&whole);
    }
}

/* Segments whose numbers fit, of two histories. */
static void a_segment_of_another_history_is_noticed(void **state)
{
    struct txlog *log = fixture_open(fixture_dir);
    struct archive *archive = open_as(true);
    char aside[1300];
    struct tx_why why;

    (void)state;
    append(log, 40, 1);
    put(archive, log, 1, 20);
    archive_close(&archive);
    (void)snprintf(aside, sizeof aside, "%s", segment(1, 20));
    assert_int_equal(rename(aside, fixture_path(fixture_place, "kept")), 0);
    archive = open_as(true);
    put(archive, log, 1, 10);
    put(archive, log, 11, 20);
    put(archive, log, 21, 40);
    archive_close(&archive);
    txlog_close(&log);
    assert_int_equal(unlink(segment(1, 10)), 0);
    assert_int_equal(unlink(segment(11, 20)), 0);
    assert_int_equal(rename(fixture_path(fixture_place, "kept"), aside), 0);
    assert_int_equal(read_all(&why), TX_ECORRUPT);
    assert_non_null(strstr(why.text, "was not written behind"));
}

static void who_else_wants_it_is_refused(void **state)
{
    struct txlog_identity identity = fixture_identity(), other = identity;
    struct txlog *log = fixture_open(fixture_dir);
    struct archive *archive = open_as(true), *second;
    struct archive_node *nodes;
    size_t n;
    struct tx_why why;

    (void)state;
    append(log, 20, 1);
    put(archive, log, 1, 20);
    assert_int_equal(archive_open(dir, &identity, 7, true, &second, &why), TX_EBUSY);
    assert_null(second);
    holds(1, 20, 0); /* readers may */
    memcpy(other.name.s, "b", 2);
    assert_int_equal(archive_open(dir, &other, 7, true, &second, &why), TX_OK); /* a share */
    archive_close(&second);
    assert_int_equal(archive_open(dir, &identity, 8, true, &second, &why), TX_OK);
    archive_close(&second);
    assert_int_equal(archive_nodes(dir, &nodes, &n, &why), TX_OK);
    assert_int_equal(n, 3);
    assert_string_equal(nodes[0].label, "participant-a");
    assert_string_equal(nodes[1].label, "participant-b");
    assert_int_equal(nodes[2].generation, 8);
    free(nodes);
    archive_close(&archive);
    memcpy(other.cluster, "else", 5);
    other.name = identity.name;
    assert_int_equal(archive_open(dir, &other, 7, true, &second, &why), TX_ECLUSTER);
    assert_non_null(strstr(why.text, "an archive directory of its own"));
    /* A directory that is something else, and one that is not there. */
    assert_int_equal(archive_open(fixture_dir, &identity, 7, true, &second, &why), TX_EINVAL);
    assert_int_equal(archive_open(fixture_dir, &identity, 7, false, &second, &why), TX_ENOTFOUND);
    assert_int_equal(
        archive_open(fixture_path(fixture_place, "no/where"), &identity, 7, true, &second, &why),
        TX_ENOTFOUND);
    txlog_close(&log);
}

/* The oldest go, the newest stays, whatever it takes. */
static void trimming_keeps_the_newest(void **state)
{
    struct txlog *log = fixture_open(fixture_dir);
    struct archive *archive = open_as(true);
    uint64_t removed;
    struct tx_why why;

    (void)state;
    append(log, 100, 1);
    for (uint64_t first = 1; first < 100; first += 10)
        if (first != 31)
            put(archive, log, first, first + 9);
    assert_int_equal(archive_gaps(archive), 1);
    uint64_t bytes = archive_bytes(archive);
    assert_int_equal(archive_trim(archive, bytes, &removed, &why), TX_OK);
    assert_int_equal(removed, 0);
    assert_int_equal(archive_trim(archive, bytes - 1, &removed, &why), TX_OK);
    assert_int_equal(archive_first(archive).n, 11);
    assert_int_equal(archive_bytes(archive), bytes - removed);
    assert_int_equal(archive_trim(archive, bytes / 2, &removed, &why), TX_OK);
    assert_true(archive_bytes(archive) <= bytes / 2 && archive_segments(archive) >= 3);
    assert_int_equal(archive_gaps(archive), 0); /* what lay before it is gone */
    assert_int_equal(archive_trim(archive, 0, &removed, &why), TX_OK);
    assert_int_equal(archive_first(archive).n, 91);
    archive_close(&archive);
    assert_int_equal(fixture_files(own, ".seg"), 1);
    archive = open_as(true);
    append(log, 120, 1);
    put(archive, log, 101, 120);
    archive_close(&archive);
    txlog_close(&log);
    holds(91, 120, 0);
}

static struct archive_place agree(struct archive *archive, struct txlog *log)
{
    struct archive_place moved;
    struct tx_why why;

    if (archive_agree(archive, log, &moved, &why) != TX_OK)
        fail_msg("%s", why.text);
    return moved;
}

/* A log that shares its first `common` records with what is archived and then has its own up to
 * `last`, of which the first `compacted` are gone. */
static struct txlog *other_log(const char *name, uint64_t common, uint64_t last, uint64_t compacted)
{
    struct txlog *log = fixture_open(fixture_path(fixture_place, name));
    struct tx_why why;

    append(log, common, 1);
    append(log, last, 2);
    if (compacted > 0)
        assert_int_equal(txlog_compact(log, (struct tx_lsn){compacted}, &why), TX_OK);
    return log;
}

/* Archived are 1-20, 21-40, 41-60 of the first way. */
static void check_other_way(uint64_t common, uint64_t last, uint64_t compacted, uint64_t stays)
{
    char name[64];
    struct archive_place moved;
    struct txlog *log = fixture_open(fixture_dir), *other;
    struct archive *archive = open_as(true);

    append(log, 60, 1);
    for (uint64_t first = 1; first < 60; first += 20)
        put(archive, log, first, first + 19);
    txlog_close(&log);
    (void)snprintf(name, sizeof name, "other-%" PRIu64 "-%" PRIu64 "-%" PRIu64, common, last,
                   compacted);
    other = other_log(name, common, last, compacted);
    moved = agree(archive, other);
    assert_int_equal(archive_last(archive).n, stays);
    assert_int_equal(moved.first.n, stays == 60 ? 0 : stays + 1);
    assert_int_equal(moved.last.n, stays == 60 ? 0 : 60);
    assert_int_equal(agree(archive, other).first.n, 0); /* now they do */
    if (last > stays && compacted <= stays)
        put(archive, other, stays + 1, last);
    archive_close(&archive);
    txlog_close(&other);
    if (last > stays && compacted <= stays)
        holds(1, last, common + 1);
    assert_int_equal(backup_directory_remove(dir, NULL), TX_OK);
}

static void another_way_is_kept_apart(void **state)
{
    (void)state;
    check_other_way(60, 60, 0, 60);  /* the same */
    check_other_way(60, 90, 0, 60);  /* it has gone on */
    check_other_way(60, 90, 30, 60); /* and was compacted */
    check_other_way(60, 90, 70, 60); /* beyond what is archived: there will be a gap */
    check_other_way(30, 30, 0, 30);  /* an older state */
    check_other_way(40, 40, 0, 40);
    check_other_way(30, 90, 0, 30); /* which took another way, within a segment */
    check_other_way(40, 90, 0, 40); /* at its beginning */
    check_other_way(41, 50, 0, 41);
    check_other_way(30, 90, 25, 30);
    check_other_way(30, 90, 35, 20); /* where they parted is gone: that segment goes */
    check_other_way(0, 5, 0, 0);     /* a node that began anew */
}

/* What was moved aside is whole. */
static void nothing_is_deleted(void **state)
{
    struct txlog *log = fixture_open(fixture_dir), *other = other_log("other", 30, 50, 0);
    struct archive *archive = open_as(true);
    char path[1200];

    (void)state;
    append(log, 60, 1);
    put(archive, log, 1, 40);
    put(archive, log, 41, 60);
    assert_int_equal(agree(archive, other).first.n, 31);
    archive_close(&archive);
    txlog_close(&log);
    txlog_close(&other);
    (void)snprintf(path, sizeof path, "%s/generation-7", dir);
    const char *aside = fixture_file(path, "", true);
    assert_non_null(strstr(aside, "participant-a.before-"));
    assert_int_equal(fixture_files(aside, ".seg"), 2);
    assert_int_equal(backup_directory_remove(own, NULL), TX_OK);
    assert_int_equal(rename(aside, own), 0);
    holds(1, 60, 0);
}

static void what_cannot_be_written_leaves_it_as_it_was(void **state)
{
    struct txlog *log = fixture_open(fixture_dir);
    struct archive *archive = open_as(true);
    char away[1100];
    struct tx_why why;

    (void)state;
    append(log, 60, 1);
    put(archive, log, 1, 20);
    uint64_t bytes = archive_bytes(archive);
    (void)snprintf(away, sizeof away, "%s.away", own);
    assert_int_equal(rename(own, away), 0); /* as if it were unmounted */
    assert_int_equal(
        archive_put(archive, log, (struct tx_lsn){21}, (struct tx_lsn){60}, UINT64_MAX, &why),
        TX_ENOTFOUND);
    assert_non_null(strstr(why.text, own));
    assert_int_equal(archive_last(archive).n, 20);
    assert_int_equal(archive_bytes(archive), bytes);
    assert_int_equal(rename(away, own), 0);
    put(archive, log, 21, 60);
    archive_close(&archive);
    txlog_close(&log);
    holds(1, 60, 0);
}

/* Child: archives one record after the other, until it is killed. */
static int put_until_killed(const char *place)
{
    struct txlog_identity identity = fixture_identity();
    char log_dir[600];
    struct archive *archive;
    struct txlog *log;
    struct tx_why why;

    (void)snprintf(dir, sizeof dir, "%s/archive", place);
    (void)snprintf(log_dir, sizeof log_dir, "%s/log", place);
    if (fixture_try(log_dir, ROCKSDB_LOG_READ_ONLY, &log, &why) != TX_OK ||
        archive_open(dir, &identity, 7, true, &archive, &why) != TX_OK)
        return 2;
    for (uint64_t lsn = archive_last(archive).n + 1; lsn < txlog_last(log).n; lsn += 1 + lsn % 5) {
        struct tx_lsn first = {lsn}, last = {lsn + lsn % 5};

        if (archive_put(archive, log, first, last, UINT64_MAX, &why) != TX_OK ||
            write(STDOUT_FILENO, &last.n, sizeof last.n) != (ssize_t)sizeof last.n)
            return 3;
    }
    for (;;) /* whoever is to kill it is late */
        (void)pause();
}

static void a_kill_leaves_it_whole(void **state)
{
    struct txlog *log = fixture_open(fixture_dir);
    const char *const arguments[] = {"put", fixture_place, NULL};
    uint64_t known = 0;

    (void)state;
    append(log, 40000, 1);
    txlog_close(&log);
    srandom(7);
    for (unsigned round = 0; round < 12 && known < 39990; round++) {
        int out, status;
        uint64_t lsn, highest = 0;
        pid_t pid = fixture_child(arguments, &out);
        struct timespec pause = {.tv_nsec = random() % 20000000};

        assert_int_equal(read(out, &highest, sizeof highest), (ssize_t)sizeof highest);
        assert_int_equal(nanosleep(&pause, NULL), 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        while (read(out, &lsn, sizeof lsn) == (ssize_t)sizeof lsn)
            highest = lsn;
        (void)close(out);
        status = fixture_wait(pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        struct archive *archive = open_as(true);
        assert_true(archive_last(archive).n >= highest && highest > known);
        known = archive_last(archive).n;
        archive_close(&archive);
        assert_int_equal(fixture_files(own, ".tmp"), 0);
        holds(1, known, 0);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "put") == 0)
        return put_until_killed(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_is_there, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_gap_is_named, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(every_changed_or_cut_byte_is_noticed, setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_segment_of_another_history_is_noticed, setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(who_else_wants_it_is_refused, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(trimming_keeps_the_newest, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(another_way_is_kept_apart, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_deleted, setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_leaves_it_as_it_was, setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_kill_leaves_it_whole, setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
