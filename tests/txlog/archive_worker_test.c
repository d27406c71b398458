/* The thread that archives, without a daemon: what it holds the log for. */
#include "tests/txlog/log_fixture.h"
#include "txlog/backup/archive_worker.h"
#include "txlog/log_writer.h"

#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#define RECORDS 2000
#define SEGMENT 4096 /* some 50 of them */
#define WAIT_S  60

static struct txlog *node_log;
static struct log_writer *writer;
static struct archive_worker *worker;

static void begin(const char *directory)
{
    const struct log_writer_options own = {.lazy_ms = 1};
    struct tx_why why;

    node_log = fixture_open(fixture_dir);
    assert_int_equal(log_writer_new(node_log, &own, &writer, &why), TX_OK);
    const struct archive_worker_options options = {
        .log = node_log,
        .writer = writer,
        .data = fixture_dir,
        .directory = directory,
        .identity = fixture_identity(),
        .limits = {.segment = SEGMENT, .every_ms = 10, .lag = 2 * SEGMENT}};
    assert_int_equal(archive_worker_new(&options, &worker, &why), TX_OK);
}

static void end(void)
{
    struct tx_why why;

    archive_worker_destroy(&worker);
    assert_int_equal(log_writer_stop(&writer, &why), TX_OK);
    txlog_close(&node_log);
}

static void append(uint64_t from, uint64_t to)
{
    struct tx_buf record = {0};

    for (uint64_t lsn = from; lsn <= to; lsn++) {
        struct txlog_append one = {.lsn = {lsn}};

        fixture_record(lsn, 100, &record);
        one.record = tx_buf_view(&record);
        assert_int_equal(log_writer_queue(writer, &one, lsn == to), TX_OK);
    }
    log_writer_hand_over(writer);
    tx_buf_deinit(&record);
}

static void await(bool (*condition)(const struct archive_worker_stats *stats), const char *what)
{
    const time_t until = time(NULL) + WAIT_S;

    for (;;) {
        const struct archive_worker_stats stats = archive_worker_stats(worker);

        if (condition(&stats))
            return;
        if (time(NULL) > until)
            fail_msg("never came: %s; last=%" PRIu64 " %s", what, stats.last.n, stats.why.text);
        poll(NULL, 0, 1);
    }
}

static bool has_let_go(const struct archive_worker_stats *stats)
{
    return stats->let_go;
}

static bool has_begun(const struct archive_worker_stats *stats)
{
    return stats->written > 0;
}

static bool has_all(const struct archive_worker_stats *stats)
{
    return stats->last.n == RECORDS;
}

/* However far behind it was: as long as one segment after the other is written, the log is there
 * for the next, and a snapshot that is written meanwhile makes no gap. */
static void the_log_is_held_while_it_catches_up(void **state)
{
    const char *const mount = fixture_path(fixture_place, "mount");
    char directory[512];

    (void)state;
    (void)snprintf(directory, sizeof directory, "%s/archive", mount);
    begin(directory);
    append(1, RECORDS);
    await(has_let_go, "the log let go");
    assert_int_equal(mkdir(mount, 0700), 0);
    archive_worker_set(worker, &(struct archive_worker_limits){
                                   .segment = SEGMENT, .every_ms = 10, .lag = 2 * SEGMENT});
    await(has_begun, "a segment");
    log_writer_compact(writer, (struct tx_lsn){RECORDS - 1});
    await(has_all, "all segments");
    const struct archive_worker_stats stats = archive_worker_stats(worker);
    if (stats.gaps > 0)
        fail_msg("%" PRIu64 " gaps, the last from %" PRIu64 " to %" PRIu64, stats.gaps,
                 stats.gap.first.n, stats.gap.last.n);
    assert_true(stats.written > RECORDS * 100 / SEGMENT);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_log_is_held_while_it_catches_up, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
