/* The log writer: group commit, lazy records, the descriptor, failures, and its end. */
#include "log_fixture.h"
#include "txlog/log_writer.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* A log in front of the real one, whose appends wait at a gate, may fail, and are counted. */
struct gated {
    struct txlog base;
    struct txlog *real;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool closed;      /* appends wait */
    unsigned waiting; /* how many wait right now */
    unsigned appends; /* that came through */
    bool failing;
    bool quick;   /* a disk that syncs in no time */
    pthread_t by; /* who appended last */
};

static struct gated *gated(struct txlog *log)
{
    return (struct gated *)(void *)log;
}

static enum tx_error gated_append(struct txlog *log, const struct txlog_append *appends, size_t n,
                                  bool sync, struct tx_why *why)
{
    struct gated *g = gated(log);
    (void)pthread_mutex_lock(&g->mutex);
    g->waiting++;
    (void)pthread_cond_broadcast(&g->changed);
    while (g->closed)
        (void)pthread_cond_wait(&g->changed, &g->mutex);
    g->waiting--;
    g->appends++;
    g->by = pthread_self();
    bool failing = g->failing;
    (void)pthread_mutex_unlock(&g->mutex);
    assert_true(sync);
    return failing ? tx_why(why, TX_EFULL, "no space at LSN %lu", (unsigned long)appends[0].lsn.n)
                   : txlog_append(g->real, appends, n, !g->quick, why);
}

static enum tx_error gated_compact(struct txlog *log, struct tx_lsn up_to, struct tx_why *why)
{
    return txlog_compact(gated(log)->real, up_to, why);
}

static struct tx_lsn gated_last(const struct txlog *log)
{
    return txlog_last(((const struct gated *)(const void *)log)->real);
}

static struct tx_lsn gated_first(const struct txlog *log)
{
    return txlog_first(((const struct gated *)(const void *)log)->real);
}

static const struct txlog_vtable gated_vtable = {
    .append = gated_append, .compact = gated_compact, .first = gated_first, .last = gated_last};

static void gated_open(struct gated *g, bool closed)
{
    *g = (struct gated){
        .base = {&gated_vtable}, .real = fixture_open(fixture_dir), .closed = closed};
    assert_int_equal(pthread_mutex_init(&g->mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&g->changed, NULL), 0);
}

static void gated_close(struct gated *g)
{
    txlog_close(&g->real);
    (void)pthread_cond_destroy(&g->changed);
    (void)pthread_mutex_destroy(&g->mutex);
}

static void gate(struct gated *g, bool closed)
{
    (void)pthread_mutex_lock(&g->mutex);
    g->closed = closed;
    (void)pthread_cond_broadcast(&g->changed);
    (void)pthread_mutex_unlock(&g->mutex);
}

static void wait_at_gate(struct gated *g)
{
    (void)pthread_mutex_lock(&g->mutex);
    while (g->waiting == 0)
        (void)pthread_cond_wait(&g->changed, &g->mutex);
    (void)pthread_mutex_unlock(&g->mutex);
}

static struct log_writer *start(struct txlog *log, struct log_writer_options options)
{
    struct log_writer *writer = NULL;
    assert_int_equal(log_writer_new(log, &options, &writer, NULL), TX_OK);
    return writer;
}

static void collect(struct log_writer *writer, uint64_t lsn, bool force)
{
    struct tx_buf record = {0};
    fixture_record(lsn, 100, &record);
    struct txlog_append append = {.lsn = {lsn}, .record = tx_buf_view(&record)};
    assert_int_equal(log_writer_queue(writer, &append, force), TX_OK);
    tx_buf_deinit(&record); /* the writer keeps a copy */
}

static void queue(struct log_writer *writer, uint64_t lsn, bool force)
{
    collect(writer, lsn, force);
    log_writer_hand_over(writer);
}

/* Waits on the descriptor until the log is durable up to `lsn`, or has failed. */
static enum tx_error await(struct log_writer *writer, uint64_t lsn, struct tx_why *why)
{
    struct pollfd ready = {.fd = log_writer_fd(writer), .events = POLLIN};
    struct tx_lsn durable;
    for (;;) {
        if (poll(&ready, 1, 60000) != 1)
            fail_msg("LSN %lu does not become durable", (unsigned long)lsn);
        enum tx_error error = log_writer_poll(writer, &durable, why);
        if (error != TX_OK || durable.n >= lsn)
            return error;
    }
}

static bool readable(const struct log_writer *writer)
{
    struct pollfd ready = {.fd = log_writer_fd(writer), .events = POLLIN};
    return poll(&ready, 1, 0) == 1;
}

static void what_queues_meanwhile_goes_in_one_batch(void **state)
{
    (void)state;
    struct gated g;
    gated_open(&g, true);
    struct log_writer *writer = start(&g.base, (struct log_writer_options){0});
    assert_false(readable(writer));
    queue(writer, 1, true);
    wait_at_gate(&g);
    for (uint64_t lsn = 2; lsn <= 1001; lsn++)
        queue(writer, lsn, true);
    assert_true(log_writer_backlog(writer) > 1001 * 100);
    gate(&g, false);
    assert_int_equal(await(writer, 1001, NULL), TX_OK);
    struct tx_lsn durable;
    assert_int_equal(log_writer_poll(writer, &durable, NULL), TX_OK);
    assert_int_equal(durable.n, 1001);
    assert_false(readable(writer)); /* polling cleared it */
    struct log_writer_stats stats = log_writer_stats(writer);
    assert_int_equal(stats.batches, 2);
    assert_int_equal(stats.records, 1001);
    assert_true(stats.bytes > 1001 * 100 && stats.sync_us_max > 0);
    assert_true(stats.sync_us_total >= stats.sync_us_max);
    assert_int_equal(log_writer_backlog(writer), 0);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    assert_null(writer);
    assert_int_equal(txlog_last(g.real).n, 1001);
    gated_close(&g);
}

static void what_is_handed_over_together_has_one_sync(void **state)
{
    (void)state;
    struct gated g;
    gated_open(&g, false);
    struct log_writer *writer = start(&g.base, (struct log_writer_options){0});
    for (uint64_t lsn = 1; lsn <= 300; lsn++) {
        if (lsn % 100 == 1)
            log_writer_hand_over(writer); /* of nothing, or of a hundred */
        collect(writer, lsn, lsn % 100 == 1);
        assert_true(log_writer_backlog(writer) > 0);
        if (lsn % 100 == 50) /* the thread has time to take too little */
            assert_int_equal(nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL), 0);
        if (lsn % 100 == 0) {
            log_writer_hand_over(writer);
            assert_int_equal(await(writer, lsn, NULL), TX_OK);
            assert_int_equal(log_writer_stats(writer).batches, lsn / 100);
        }
    }
    struct log_writer_stats stats = log_writer_stats(writer);
    assert_int_equal(stats.records, 300);
    assert_int_equal(stats.batch_records_max, 100);
    collect(writer, 301, true);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK); /* hands over, too */
    assert_int_equal(txlog_last(g.real).n, 301);
    gated_close(&g);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* It ends when its time is up, and with a full batch; the end of the writer does not wait for it.
 */
static void a_forced_record_waits_for_company_if_it_may(void **state)
{
    (void)state;
    struct gated g;
    gated_open(&g, false);
    struct log_writer *writer = start(
        &g.base, (struct log_writer_options){.group_wait_us = 100000, .batch_bytes_max = 100000});
    uint64_t last = 0, before, queued_ms;
    do { /* again, when this thread was held up and some have come too late for the others */
        uint64_t begin = now_ms();
        before = log_writer_stats(writer).batches;
        for (uint64_t end = last + 20; last < end;)
            queue(writer, ++last, true);
        queued_ms = now_ms() - begin;
        assert_int_equal(await(writer, last, NULL), TX_OK);
        assert_true(now_ms() - begin >= 99);
    } while (queued_ms >= 99 && last < 1000);
    assert_int_equal(log_writer_stats(writer).batches, before + 1);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    writer = start(
        &g.base, (struct log_writer_options){.group_wait_us = UINT32_MAX, .batch_bytes_max = 1000});
    for (uint64_t lsn = last + 1; lsn <= last + 10; lsn++) /* 7 are a batch */
        queue(writer, lsn, true);
    assert_int_equal(await(writer, last + 7, NULL), TX_OK);
    assert_int_equal(log_writer_stats(writer).batches, 1);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    assert_int_equal(txlog_last(g.real).n, last + 10);
    gated_close(&g);
}

static void a_batch_is_cut_at_its_size(void **state)
{
    (void)state;
    struct gated g;
    gated_open(&g, true);
    struct log_writer *writer =
        start(&g.base, (struct log_writer_options){.batch_bytes_max = 1000});
    queue(writer, 1, true);
    wait_at_gate(&g);
    for (uint64_t lsn = 2; lsn <= 41; lsn++) /* 157 bytes each: 7 in a batch */
        queue(writer, lsn, lsn == 41);
    gate(&g, false);
    assert_int_equal(await(writer, 41, NULL), TX_OK);
    assert_int_equal(log_writer_stats(writer).batches, 1 + 6);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    gated_close(&g);
}

static void a_lazy_record_rides_along(void **state)
{
    (void)state;
    struct gated g;
    gated_open(&g, false);
    struct log_writer *writer = start(&g.base, (struct log_writer_options){.lazy_ms = 1000000});
    queue(writer, 1, false);
    queue(writer, 2, false);
    queue(writer, 3, true);
    queue(writer, 4, false);
    assert_int_equal(await(writer, 3, NULL), TX_OK);
    /* The last one may have come in time, or still waits. */
    assert_true(log_writer_stats(writer).batches <= 2);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK); /* and is written at the end */
    assert_int_equal(txlog_last(g.real).n, 4);
    gated_close(&g);
}

static void a_lonely_lazy_record_waits_its_time_only(void **state)
{
    (void)state;
    struct gated g;
    gated_open(&g, false);
    struct log_writer *writer = start(&g.base, (struct log_writer_options){.lazy_ms = 80});
    uint64_t begin = now_ms();
    queue(writer, 1, false);
    assert_int_equal(await(writer, 1, NULL), TX_OK);
    assert_true(now_ms() - begin >= 79);
    assert_int_equal(log_writer_stats(writer).batches, 1);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    gated_close(&g);
}

static void rest_ms(long ms)
{
    assert_int_equal(nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL), 0);
}

/* The thread, which looks again by itself after a batch, is woken by the forced ones alone. */
static void a_lazy_record_wakes_nobody(void **state)
{
    (void)state;
    enum { ROUNDS = 50 };
    struct gated g;
    gated_open(&g, false);
    struct log_writer *writer = start(&g.base, (struct log_writer_options){.lazy_ms = 1000000});
    for (uint64_t round = 0; round < ROUNDS; round++) {
        queue(writer, 2 * round + 1, true);
        assert_int_equal(await(writer, 2 * round + 1, NULL), TX_OK);
        queue(writer, 2 * round + 2, false);
        rest_ms(2); /* time to wake, if it is woken */
    }
    struct log_writer_stats stats = log_writer_stats(writer);
    assert_int_equal(stats.batches, ROUNDS);
    assert_true(stats.wakes <= ROUNDS + ROUNDS / 5); /* some wake without a reason */
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    assert_int_equal(txlog_last(g.real).n, 2 * ROUNDS);
    gated_close(&g);
}

/* Also when the thread, looking again after the batch, finds it and that it is not due yet. */
static void a_lazy_record_behind_a_batch_waits_its_time_only(void **state)
{
    (void)state;
    struct gated g;
    gated_open(&g, false);
    struct log_writer *writer = start(&g.base, (struct log_writer_options){.lazy_ms = 80});
    for (uint64_t lsn = 1; lsn < 9; lsn += 2) {
        queue(writer, lsn, true);
        assert_int_equal(await(writer, lsn, NULL), TX_OK);
        rest_ms(lsn == 7 ? 120 : 10 * (long)lsn); /* the last finds the thread in a long sleep */
        uint64_t begin = now_ms();
        queue(writer, lsn + 1, false);
        assert_int_equal(await(writer, lsn + 1, NULL), TX_OK);
        assert_true(now_ms() - begin >= 79);
    }
    assert_int_equal(log_writer_stats(writer).batches, 8);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    gated_close(&g);
}

/* Nobody waits for them, and yet they must not gather without end. */
static void lazy_records_that_fill_a_batch_are_written(void **state)
{
    (void)state;
    struct gated g;
    gated_open(&g, false);
    struct log_writer *writer =
        start(&g.base, (struct log_writer_options){.lazy_ms = 1000000, .batch_bytes_max = 1000});
    for (uint64_t lsn = 1; lsn <= 7; lsn++) /* 7 are a batch */
        queue(writer, lsn, false);
    assert_int_equal(await(writer, 7, NULL), TX_OK);
    for (uint64_t lsn = 8; lsn <= 14; lsn++)
        queue(writer, lsn, false);
    assert_int_equal(await(writer, 14, NULL), TX_OK);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    gated_close(&g);
}

static void a_failure_is_final(void **state)
{
    (void)state;
    struct gated g;
    gated_open(&g, true);
    struct log_writer *writer = start(&g.base, (struct log_writer_options){0});
    queue(writer, 1, true);
    wait_at_gate(&g);
    gate(&g, false);
    assert_int_equal(await(writer, 1, NULL), TX_OK);
    gate(&g, true);
    g.failing = true;
    queue(writer, 2, true);
    wait_at_gate(&g);
    queue(writer, 3, true);
    gate(&g, false);
    struct tx_why why;
    struct tx_lsn durable;
    assert_int_equal(await(writer, 3, &why), TX_EFULL);
    (void)pthread_mutex_lock(&g.mutex);
    g.failing = false; /* space again: too late */
    (void)pthread_mutex_unlock(&g.mutex);
    queue(writer, 4, true);
    for (int i = 0; i < 3; i++) {
        (void)memset(&why, 0, sizeof(why));
        assert_int_equal(log_writer_poll(writer, &durable, &why), TX_EFULL);
        assert_string_equal(why.text, "no space at LSN 2");
        assert_int_equal(durable.n, 1);
    }
    assert_int_equal(log_writer_backlog(writer), 0);
    assert_int_equal(log_writer_stop(&writer, &why), TX_EFULL);
    assert_string_equal(why.text, "no space at LSN 2");
    assert_int_equal(g.appends, 2);
    assert_int_equal(txlog_last(g.real).n, 1);
    gated_close(&g);
}

static void await_first(const struct gated *g, uint64_t lsn)
{
    uint64_t give_up = now_ms() + 60000;
    while (txlog_first(g->real).n != lsn && now_ms() < give_up)
        (void)sched_yield();
    assert_int_equal(txlog_first(g->real).n, lsn);
}

/* With fifty durable records. */
static struct log_writer *start_with_fifty(struct gated *g)
{
    gated_open(g, false);
    struct log_writer *writer = start(&g->base, (struct log_writer_options){0});
    for (uint64_t lsn = 1; lsn <= 50; lsn++)
        queue(writer, lsn, lsn == 50);
    assert_int_equal(await(writer, 50, NULL), TX_OK);
    return writer;
}

static void compaction_comes_between_batches(void **state)
{
    (void)state;
    struct gated g;
    gated_open(&g, false);
    struct log_writer *writer = start(&g.base, (struct log_writer_options){0});
    for (uint64_t lsn = 1; lsn <= 50; lsn++)
        queue(writer, lsn, lsn == 50);
    log_writer_compact(writer, (struct tx_lsn){50}); /* waits: the last record always stays */
    assert_int_equal(await(writer, 50, NULL), TX_OK);
    queue(writer, 51, true);
    assert_int_equal(await(writer, 51, NULL), TX_OK);
    log_writer_compact(writer, (struct tx_lsn){20}); /* long done */
    await_first(&g, 51);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    gated_close(&g);
}

/* What somebody reads is kept until he says so; then what was asked for meanwhile goes. */
static void what_is_held_is_not_compacted(void **state)
{
    (void)state;
    struct gated g;
    struct log_writer *writer = start_with_fifty(&g);
    assert_int_equal(log_writer_hold(writer, LOG_HOLD_BACKUP, (struct tx_lsn){21}, 0).n, 21);
    log_writer_compact(writer, (struct tx_lsn){40});
    await_first(&g, 21);
    queue(writer, 51, true);
    assert_int_equal(await(writer, 51, NULL), TX_OK);
    assert_int_equal(txlog_first(g.real).n, 21);
    (void)log_writer_hold(writer, LOG_HOLD_BACKUP, (struct tx_lsn){0}, 0);
    await_first(&g, 41);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    gated_close(&g);
}

/* Of two who hold the log the lowest counts, and neither gives up what the other needs. Whoever
 * comes too late is told where the log begins by now. */
static void each_holder_gives_up_its_own(void **state)
{
    (void)state;
    struct gated g;
    struct log_writer *writer = start_with_fifty(&g);
    assert_int_equal(log_writer_hold(writer, LOG_HOLD_BACKUP, (struct tx_lsn){21}, 0).n, 21);
    assert_int_equal(log_writer_hold(writer, LOG_HOLD_ARCHIVE, (struct tx_lsn){11}, 0).n, 11);
    log_writer_compact(writer, (struct tx_lsn){40});
    await_first(&g, 11);
    assert_int_equal(log_writer_hold(writer, LOG_HOLD_ARCHIVE, (struct tx_lsn){31}, 0).n, 31);
    await_first(&g, 21);
    (void)log_writer_hold(writer, LOG_HOLD_BACKUP, (struct tx_lsn){0}, 0);
    await_first(&g, 31);
    (void)log_writer_hold(writer, LOG_HOLD_ARCHIVE, (struct tx_lsn){0}, 0);
    await_first(&g, 41);
    assert_int_equal(log_writer_hold(writer, LOG_HOLD_ARCHIVE, (struct tx_lsn){31}, 0).n, 41);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    gated_close(&g);
}

/* A hold with a limit keeps the log from growing for ever, whoever has forgotten it. */
static void a_hold_ends_at_its_limit(void **state)
{
    (void)state;
    struct gated g;
    struct log_writer *writer = start_with_fifty(&g);
    uint64_t each = log_writer_stats(writer).record_bytes / 50;
    (void)log_writer_hold(writer, LOG_HOLD_ARCHIVE, (struct tx_lsn){11}, 5 * each);
    log_writer_compact(writer, (struct tx_lsn){40});
    await_first(&g, 11);
    queue(writer, 51, true);
    assert_int_equal(await(writer, 51, NULL), TX_OK);
    assert_int_equal(txlog_first(g.real).n, 11);
    for (uint64_t lsn = 52; lsn <= 60; lsn++)
        queue(writer, lsn, lsn == 60);
    assert_int_equal(await(writer, 60, NULL), TX_OK);
    await_first(&g, 41);
    assert_int_equal(log_writer_hold(writer, LOG_HOLD_ARCHIVE, (struct tx_lsn){11}, 0).n, 41);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    gated_close(&g);
}

/* The loop's thread reads the data while the writer's thread writes them: a value never goes back,
 * and one whose record is durable is there. */
static void data_are_read_while_the_writer_writes(void **state)
{
    (void)state;
    enum { N = 2000 };
    struct txlog *log = fixture_open(fixture_dir);
    struct log_writer *writer = start(log, (struct log_writer_options){0});
    struct tx_buf record = {0}, got = {0};
    struct tx_bytes key = tx_bytes_str("counter");
    uint64_t seen = 0;
    for (uint64_t lsn = 1; lsn <= N; lsn++) {
        fixture_record(lsn, 20, &record);
        struct txlog_put put = {.key = key, .value = tx_bytes(&lsn, sizeof(lsn))};
        struct txlog_append append = {{lsn}, tx_buf_view(&record), &put, 1};
        assert_int_equal(log_writer_queue(writer, &append, lsn % 8 == 0), TX_OK);
        log_writer_hand_over(writer);
        struct tx_lsn durable;
        assert_int_equal(log_writer_poll(writer, &durable, NULL), TX_OK);
        enum tx_error error = txlog_data_get(log, key, &got, NULL);
        uint64_t value = 0;
        if (error == TX_OK)
            memcpy(&value, got.data, sizeof(value));
        else
            assert_int_equal(error, TX_ENOTFOUND);
        assert_true(value >= seen && value >= durable.n && value <= lsn);
        seen = value;
    }
    assert_int_equal(await(writer, N, NULL), TX_OK);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    tx_buf_deinit(&record);
    tx_buf_deinit(&got);
    txlog_close(&log);
}

/* Forced, one after another, on a quick disk: the owner's from the second on. Not while the thread
 * writes, nor many at once, nor of an owner that did not say so. */
static void the_owner_writes_what_comes_alone(void **state)
{
    (void)state;
    struct gated g;
    gated_open(&g, false);
    g.quick = true;
    struct log_writer *writer = start(&g.base, (struct log_writer_options){.owner_writes = true});
    uint64_t lsn = 0, by_owner = 0;
    while (by_owner < 20 && lsn < 2000) { /* a busy machine passes for a slow disk */
        rest_ms(2);
        queue(writer, ++lsn, true);
        log_writer_write(writer);
        if (log_writer_stats(writer).owner_batches > by_owner) {
            by_owner++;
            assert_true(readable(writer) && pthread_equal(g.by, pthread_self()));
        }
        assert_true(lsn > 1 || by_owner == 0); /* nobody knows the disk yet */
        assert_int_equal(await(writer, lsn, NULL), TX_OK);
        log_writer_write(writer); /* of nothing */
    }
    assert_int_equal(by_owner, 20);
    gate(&g, true);
    rest_ms(2);
    for (uint64_t many = lsn + 5; lsn < many;)
        collect(writer, ++lsn, true);
    log_writer_hand_over(writer); /* many */
    log_writer_write(writer);     /* would stand at the gate for ever */
    wait_at_gate(&g);
    rest_ms(2);
    queue(writer, ++lsn, true); /* the thread is busy */
    log_writer_write(writer);
    gate(&g, false);
    assert_int_equal(await(writer, lsn, NULL), TX_OK);
    assert_int_equal(log_writer_stats(writer).owner_batches, by_owner);
    assert_int_equal(log_writer_stop(&writer, NULL), TX_OK);
    assert_int_equal(txlog_last(g.real).n, lsn);
    gated_close(&g);
}

static void what_the_owner_cannot_write_is_final(void **state)
{
    (void)state;
    struct gated g;
    struct tx_why why;
    struct tx_lsn durable;
    gated_open(&g, false);
    g.quick = true;
    struct log_writer *writer = start(&g.base, (struct log_writer_options){.owner_writes = true});
    uint64_t lsn = 0;
    while (log_writer_stats(writer).owner_batches == 0 && lsn < 2000) {
        rest_ms(2);
        queue(writer, ++lsn, true);
        log_writer_write(writer);
        assert_int_equal(await(writer, lsn, NULL), TX_OK);
    }
    rest_ms(2);
    g.failing = true;
    queue(writer, lsn + 1, true);
    log_writer_write(writer);
    assert_int_equal(await(writer, lsn + 1, &why), TX_EFULL);
    assert_int_equal(log_writer_poll(writer, &durable, &why), TX_EFULL);
    assert_int_equal(durable.n, lsn);
    g.failing = false;
    queue(writer, lsn + 2, true);
    log_writer_write(writer);
    assert_int_equal(log_writer_stop(&writer, &why), TX_EFULL);
    assert_int_equal(g.appends, lsn + 1);
    gated_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
        TEST(what_queues_meanwhile_goes_in_one_batch),
        TEST(what_is_handed_over_together_has_one_sync),
        TEST(a_forced_record_waits_for_company_if_it_may),
        TEST(a_batch_is_cut_at_its_size),
        TEST(a_lazy_record_rides_along),
        TEST(a_lonely_lazy_record_waits_its_time_only),
        TEST(a_lazy_record_wakes_nobody),
        TEST(a_lazy_record_behind_a_batch_waits_its_time_only),
        TEST(lazy_records_that_fill_a_batch_are_written),
        TEST(a_failure_is_final),
        TEST(the_owner_writes_what_comes_alone),
        TEST(what_the_owner_cannot_write_is_final),
        TEST(compaction_comes_between_batches),
        TEST(what_is_held_is_not_compacted),
        TEST(each_holder_gives_up_its_own),
        TEST(a_hold_ends_at_its_limit),
        TEST(data_are_read_while_the_writer_writes),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
