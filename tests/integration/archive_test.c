/* Archives of real daemons: what is in them is what the logs held, over every kind of end; they
 * keep to their limit; and one that cannot be written harms nobody, and says what it lacks. */
#include "tests/integration/backup_case.h"
#include "tests/integration/http_client.h"
#include "tests/integration/operate.h"
#include "txlog/backup/archive.h"
#include "txlog/rocksdb_log.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#ifdef ASSENT_SANITIZED
#define ROUNDS 2u
#else
#define ROUNDS 4u
#endif

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

/* ---- setup ---- */

/* The archive goes away and comes back with the directory that it is in, in one step each: a daemon
 * that tries meanwhile does not make another. */
static const char *archive_parent(void)
{
    static char path[CLUSTER_PATH + 16];

    assert_true(snprintf(path, sizeof path, "%s/mount", cluster.directory) < (int)sizeof path);
    return path;
}

static const char *archive_directory(void)
{
    static char path[CLUSTER_PATH + 32];

    assert_true(snprintf(path, sizeof path, "%s/archive", archive_parent()) < (int)sizeof path);
    return path;
}

static void archive_at(struct daemon *daemon, const char *lines)
{
    char text[CLUSTER_PATH + 128];

    assert_true(snprintf(text, sizeof text, "directory = %s\n%s", archive_directory(), lines) <
                (int)sizeof text);
    daemon_set(&cluster, daemon, "archive", text);
}

/* One archive for all. */
static int archived_cluster(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    cluster_serve_http(&cluster);
    assert_int_equal(mkdir(archive_parent(), 0700), 0);
    daemon_set(&cluster, coordinator, "storage", "cut_every = 100ms");
    archive_at(coordinator, "every = 100ms");
    archive_at(a, "every = 100ms\nsegment = 4096");
    archive_at(b, "every = 100ms");
    cluster_start(&cluster);
    client = work_client(coordinator);
    return 0;
}

/* The log of a is cut as soon as it may be. */
static int cut_log(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    cluster_serve_http(&cluster);
    assert_int_equal(mkdir(archive_parent(), 0700), 0);
    archive_at(a, "every = 100ms");
    daemon_set(&cluster, a, "storage", "snapshot_records = 100\nretain_records = 0");
    cluster_start(&cluster);
    client = work_client(coordinator);
    return 0;
}

/* ---- what is there ---- */

static void must(enum tx_error error, const struct tx_why *why)
{
    if (error != TX_OK)
        fail_msg("%s: %s", tx_error_name(error), why->text);
}

static uint64_t durable(const struct daemon *daemon)
{
    return work_number(daemon, daemon == coordinator ? "log_durable" : "lsn_durable");
}

static void await_archived(const struct daemon *daemon)
{
    work_await_archived(daemon, durable(daemon));
}

struct comparison {
    struct txlog *log;
    struct tx_buf record;
    uint64_t compared;
};

/* What is archived is what the log has, where it still has it. */
static enum tx_error compare(void *arg, struct tx_lsn lsn, struct tx_bytes stored,
                             struct tx_why *why)
{
    struct comparison *with = arg;
    enum tx_error error;

    if (lsn.n < txlog_first(with->log).n)
        return TX_OK;
    error = txlog_get(with->log, lsn, &with->record, why);
    if (error == TX_OK && !tx_bytes_equal(stored, tx_buf_view(&with->record)))
        fail_msg("record %" PRIu64 " is another one in the archive", lsn.n);
    with->compared++;
    return error;
}

struct extent {
    uint64_t first, last, log_first, log_last;
    size_t gaps;
    struct archive_place gap;
};

/* Reads all that there is of a stopped daemon, which must be sound and the same as its log. */
static struct extent read_archive(const struct daemon *daemon)
{
    struct rocksdb_log_options options = {.directory = daemon->data, .mode = ROCKSDB_LOG_READ_ONLY};
    struct comparison with = {.log = NULL};
    struct txlog_identity identity;
    struct archive *archive = NULL;
    struct tx_why why = {""};
    struct extent extent;

    must(rocksdb_log_open(&options, &with.log, &why), &why);
    identity = rocksdb_log_identity(with.log);
    must(archive_open(archive_directory(), &identity, rocksdb_log_generation(with.log), false,
                      &archive, &why),
         &why);
    extent = (struct extent){.first = archive_first(archive).n,
                             .last = archive_last(archive).n,
                             .log_first = txlog_first(with.log).n,
                             .log_last = txlog_last(with.log).n,
                             .gaps = archive_gaps(archive),
                             .gap = archive_gap(archive)};
    assert_int_not_equal(extent.last, 0);
    assert_true(extent.last <= extent.log_last);
    struct tx_lsn from =
        extent.gaps > 0 ? (struct tx_lsn){extent.gap.last.n + 1} : (struct tx_lsn){extent.first};
    assert_int_equal(archive_reach(archive, from).n, extent.last);
    must(archive_each(archive, from, (struct tx_lsn){extent.last}, compare, &with, &why), &why);
    /* None, where the log begins right behind what is archived: it may be cut up to there. */
    assert_true(extent.log_first <= extent.last + 1);
    const uint64_t both = extent.log_first > from.n ? extent.log_first : from.n;
    assert_int_equal(with.compared, extent.last + 1 - both);
    tx_buf_deinit(&with.record);
    archive_close(&archive);
    txlog_close(&with.log);
    return extent;
}

/* A daemon that leaves waits for its log and its archive, so long at most (archive_worker.c); the
 * next start archives the rest. */
#define LEAVES_IN_MS 2000

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Ends it cleanly, and in time for its archive, which has all of its log then. */
static struct extent stop_archived(struct daemon *daemon)
{
    for (;;) {
        const int64_t from = now_ms();

        daemon_stop(daemon);
        struct extent extent = read_archive(daemon);
        if (extent.last == extent.log_last)
            return extent;
        if (now_ms() - from < LEAVES_IN_MS)
            fail_msg("%s is archived up to %" PRIu64 " only, of %" PRIu64, daemon->name,
                     extent.last, extent.log_last);
        daemon_start(daemon);
    }
}

static void put_many(unsigned n, const char *value)
{
    char key[32];

    for (unsigned i = 0; i < n; i++) {
        snprintf(key, sizeof key, "k%u", i % 16);
        work_put_surely(client, "ab", key, value);
    }
}

/* ---- the tests ---- */

/* Clean ends and kills, in the midst of work: the archive has every record once, and after a clean
 * end all of them. */
static void test_every_record_once(void **state)
{
    struct daemon *const daemons[] = {coordinator, a, b};

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct daemon *daemon = daemons[round % 3];

        put_many(20, "v");
        await_archived(daemon);
        put_many(5, "w");
        if (round % 2 == 0)
            daemon_kill(daemon);
        else
            daemon_stop(daemon);
        (void)read_archive(daemon);
        daemon_start(daemon);
        work_await_all_up(coordinator);
    }
    put_many(20, "x");
    for (size_t i = 0; i < 3; i++) {
        struct extent extent = stop_archived(daemons[i]);
        assert_int_equal(extent.first, 1);
        assert_int_equal(extent.gaps, 0);
    }
}

static void archive_becomes(const char *rest)
{
    char lines[CLUSTER_PATH + 128];

    assert_true(snprintf(lines, sizeof lines, "directory = %s\n%s", archive_directory(), rest) <
                (int)sizeof lines);
    settings_become(a, "archive", lines);
}

/* A segment is closed by its size, by its age, and at the end. */
static void test_when_a_segment_is_closed(void **state)
{
    uint64_t archived;

    (void)state;
    daemon_stop(a);
    archived = read_archive(a).last;
    archive_becomes("every = 1h\nsegment = 32K");
    daemon_start(a);
    work_await_all_up(coordinator);
    work_await_archived(a, archived);
    put_many(5, "v"); /* neither large nor old enough */
    work_await_number(a, "archive_behind_bytes", 100);
    work_await_number(a, "archive_behind_ms", 1200);
    /* Asked first: it may become large enough by the cuts that go on. */
    const bool none = work_number(a, "archive_last") == archived;
    if (work_number(a, "archive_behind_bytes") < 32 * 1024)
        assert_true(none);
    while (work_number(a, "archive_last") == archived)
        put_many(20, "v");
    archive_becomes("every = 100ms\nsegment = 32K");
    daemon_signal(a, SIGHUP);
    for (int i = 0; i < 2; i++) { /* the first may be due to the reload itself */
        put_many(5, "v");
        await_archived(a);
    }
    put_many(5, "v");
    struct extent extent = stop_archived(a);
    assert_int_equal(extent.gaps, 0);
}

static bool is_trimmed(void *arg)
{
    return work_number(a, "archive_bytes") <= *(const uint64_t *)arg;
}

static bool shows_trimmed(void *arg)
{
    const double bytes = http_metric(a, "assent_archive_bytes");

    return bytes > 0 && bytes <= (double)*(const uint64_t *)arg;
}

/* The oldest go, the newest stay; a lower limit is taken at once. */
static void test_limit(void **state)
{
    uint64_t limit = 64 * 1024;

    (void)state;
    while (work_number(a, "archive_bytes") < 3 * limit)
        put_many(20, "a value that takes some bytes");
    await_archived(a);
    archive_becomes("every = 100ms\nsegment = 4096\nlimit = 64K");
    daemon_signal(a, SIGHUP);
    if (!wait_until(is_trimmed, &limit, WORK_MS))
        fail_msg("%" PRIu64 " bytes", work_number(a, "archive_bytes"));
    assert_true(daemon_says(a, "the oldest of the archive is gone", WORK_MS));
    put_many(60, "a value that takes some bytes");
    await_archived(a);
    assert_true(wait_until(shows_trimmed, &limit, WORK_MS));
    struct extent extent = stop_archived(a);
    assert_true(extent.first > 1);
    assert_int_equal(extent.gaps, 0);
}

static void hide_archive(char *aside, size_t size)
{
    snprintf(aside, size, "%s.aside", archive_parent());
    assert_int_equal(rename(archive_parent(), aside), 0);
}

static void show_archive(const char *aside)
{
    assert_int_equal(rename(aside, archive_parent()), 0);
}

static void reload_archive(struct daemon *daemon, const char *lag)
{
    char lines[CLUSTER_PATH + 128];

    snprintf(lines, sizeof lines,
             "snapshot_records = 100\nretain_records = 0\n[archive]\ndirectory = %s\n"
             "every = 100ms\nsegment = 4096\nlag = %s",
             archive_directory(), lag);
    settings_become(daemon, "storage", lines);
    daemon_signal(daemon, SIGHUP);
}

struct cut_until {
    double lsn;
};

/* Puts until the log begins behind the LSN. */
static bool log_is_cut(void *arg)
{
    put_many(20, "v");
    return http_metric(a, "assent_log_first_lsn") > ((struct cut_until *)arg)->lsn;
}

/* An archive that has gone away: the log is kept for it, and nothing is missing when it is back. */
static void test_compaction_waits(void **state)
{
    char aside[CLUSTER_PATH + 32];
    uint64_t last, errors;
    struct cut_until until;

    (void)state;
    put_many(20, "v");
    await_archived(a);
    hide_archive(aside, sizeof aside);
    put_many(20, "v");
    work_await_number(a, "archive_errors", 1); /* what was being written is written */
    last = work_number(a, "archive_last");
    put_many(400, "v"); /* several snapshots */
    assert_true(daemon_says(a, "the log cannot be archived", WORK_MS));
    assert_true(http_metric(a, "assent_log_first_lsn") <= (double)last + 1);
    assert_int_equal(work_number(a, "archive_last"), last);
    assert_int_equal(operate("status", NULL, NULL, NULL, NULL), 1);
    operate_wrote("WARN");
    operate_wrote("cannot archive its log for");
    operate_wrote(archive_directory());
    http_await_ready(a, 200, "\"code\":\"archive\"");
    assert_true(http_metric(a, "assent_archive_behind_bytes") > 0);
    errors = work_number(a, "archive_errors");
    work_await_number(a, "archive_errors", errors + 1); /* tried again */
    show_archive(aside);
    assert_true(daemon_says(a, "the log is archived again", WORK_MS));
    await_archived(a);
    assert_int_equal(work_number(a, "archive_gaps"), 0);
    until.lsn = (double)last + 1;
    assert_true(wait_until(log_is_cut, &until, WORK_MS));
    assert_int_equal(operate("status", NULL, NULL, NULL, NULL), 0);
    struct extent extent = stop_archived(a);
    assert_int_equal(extent.first, 1);
    assert_int_equal(extent.gaps, 0);
}

static bool gap_is_covered(void *arg)
{
    return work_number(a, "archive_gaps") == 0 && work_number(arg, "archive_last") > 0;
}

/* For longer than archive.lag allows: the log goes on, the archive has a gap, which is told until a
 * backup lies behind it. */
static void test_gap(void **state)
{
    char aside[CLUSTER_PATH + 32];
    struct cut_until until;

    (void)state;
    put_many(20, "v");
    await_archived(a);
    reload_archive(a, "16K");
    hide_archive(aside, sizeof aside);
    put_many(20, "v");
    work_await_number(a, "archive_errors", 1); /* what was being written is written */
    until.lsn = (double)work_number(a, "archive_last") + 1;
    assert_true(wait_until(log_is_cut, &until, WORK_MS));
    assert_true(daemon_says(a, "the log is not kept for the archive any more", WORK_MS));
    show_archive(aside);
    reload_archive(a, "1G"); /* tries again at once */
    work_await_number(a, "archive_gaps", 1);
    assert_true(daemon_says(a, "the archive has a gap", WORK_MS));
    put_many(20, "v");
    await_archived(a);
    daemon_kill(a);
    struct extent extent = read_archive(a);
    assert_int_equal(extent.gaps, 1);
    assert_true(extent.gap.first.n == (uint64_t)until.lsn && extent.gap.last.n < extent.last);
    daemon_start(a); /* it is known from the archive */
    work_await_all_up(coordinator);
    work_await_number(a, "archive_gaps", 1);
    assert_int_equal(operate("status", NULL, NULL, NULL, NULL), 2);
    operate_wrote("its archive lacks LSN");
    http_await_ready(a, 200, "\"code\":\"archive-gap\"");
    assert_true(http_metric(a, "assent_archive_gaps") > 0);
    assert_int_equal(work_number(a, "alarms"), 0);
    (void)backup_take(NULL, NULL);
    assert_true(wait_until(gap_is_covered, a, WORK_MS));
    daemon_stop(a);
    daemon_start(a);
    work_await_all_up(coordinator);
    work_await_archived(a, extent.last);
    assert_int_equal(work_number(a, "archive_gaps"), 0);
    assert_int_equal(operate("status", NULL, NULL, NULL, NULL), 0);
}

/* An archive that is not there at the start keeps nobody from starting. */
static void test_unusable_from_the_start(void **state)
{
    char aside[CLUSTER_PATH + 32];

    (void)state;
    await_archived(a);
    daemon_stop(a);
    hide_archive(aside, sizeof aside);
    daemon_start(a);
    work_await_all_up(coordinator);
    put_many(5, "v");
    work_await_number(a, "archive_errors", 1);
    assert_int_equal(operate("status", NULL, NULL, NULL, NULL), 1);
    operate_wrote("cannot archive its log");
    show_archive(aside);
    daemon_signal(a, SIGHUP);
    await_archived(a);
    work_await_field(a, "archive_failing_ms", "0");
    daemon_stop(a);
    assert_int_equal(read_archive(a).gaps, 0);
}

#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(archived_cluster, test_every_record_once),
        WITH(archived_cluster, test_limit),
        WITH(archived_cluster, test_when_a_segment_is_closed),
        WITH(cut_log, test_compaction_waits),
        WITH(cut_log, test_gap),
        WITH(cut_log, test_unusable_from_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
