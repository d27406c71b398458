/* The log writer: one batch at a time, one sync for each; by its thread, or by the owner. */
#include "txlog/log_writer.h"

#include "common/assert.h"
#include "common/crash_point.h"
#include "txlog/log_parcel.h"
#include "txlog/log_thread.h"
#include "txlog/record.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define LAZY_MS_DEFAULT     10u
#define BATCH_BYTES_DEFAULT ((size_t)4 << 20)
#define SPARE_MAX           8u
#define SPARE_BYTES_MAX     ((size_t)256 << 10)

/* When the owner writes itself (see is_quiet()). A rest of less says that other transactions are
 * under way; a slower disk would keep the owner from everything else for too long. */
#define OWNER_REST_US     100u
#define OWNER_SYNC_US     1000u
#define OWNER_BYTES_MAX   ((size_t)64 << 10)
#define OWNER_RECORDS_MAX 2u

/* What is taken out of the queue at once. Whoever writes touches it: see `busy`. */
struct batch {
    struct log_parcel *head;
    struct txlog_append *appends;
    size_t n, capacity;
    size_t bytes;
};

/* What one holder keeps. */
struct held {
    struct tx_lsn from;   /* 0: nothing */
    uint64_t until_bytes; /* of record_bytes */
};

struct log_writer {
    struct txlog *log;
    uint64_t lazy_us;
    uint64_t group_wait_us;
    size_t batch_bytes_max;
    bool owner_writes;
    int fd;
    pthread_t thread;
    struct batch batch;

    /* The owner's own, until it is handed over. */
    struct log_parcel *filling; /* NULL: nothing */
    struct tx_lsn queued_last;  /* highest LSN ever queued */

    pthread_mutex_t mutex; /* guards all that follows */
    pthread_cond_t work;
    struct log_parcel *head, **tail;
    struct log_parcel *spare; /* emptied ones */
    size_t spare_n;
    size_t backlog;
    size_t forced; /* how many parcels of the queue are forced */
    struct tx_lsn durable;
    struct tx_lsn compact_wanted, compact_begun, compact_done;
    struct held held[LOG_HOLDERS_N];
    bool busy;           /* the log is being written or compacted, by the thread or by the owner */
    bool left;           /* the queue is the owner's to write, at log_writer_write() */
    uint64_t wakes_us;   /* until when the thread sleeps, unless it is woken; 0: it is awake */
    uint64_t written_us; /* when the last batch was written */
    uint64_t sync_us;    /* what one takes lately; 0: nobody knows */
    bool stopping;
    enum tx_error error;
    struct tx_why why;
    struct log_writer_stats stats;
};

static uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static void lock(struct log_writer *w)
{
    int result = pthread_mutex_lock(&w->mutex);
    TX_ASSERT(result == 0);
}

static void unlock(struct log_writer *w)
{
    int result = pthread_mutex_unlock(&w->mutex);
    TX_ASSERT(result == 0);
}

/* Adding 1 to an eventfd fails only when 2^64-2 wake-ups are unread. */
static void tell_owner(const struct log_writer *w)
{
    uint64_t one = 1;
    ssize_t n;
    do {
        n = write(w->fd, &one, sizeof(one));
    } while (n < 0 && errno == EINTR);
    TX_ASSERT(n == (ssize_t)sizeof(one));
}

/* Keeps some emptied parcels for the owner, unless they are large. Locked. */
static void give_back(struct log_writer *w, struct log_parcel *parcel)
{
    while (parcel != NULL) {
        struct log_parcel *next = parcel->next;
        if (w->spare_n == SPARE_MAX || parcel->bytes.capacity > SPARE_BYTES_MAX) {
            parcel->next = NULL;
            log_parcel_free(parcel);
        } else {
            log_parcel_clear(parcel);
            parcel->next = w->spare;
            w->spare = parcel;
            w->spare_n++;
        }
        parcel = next;
    }
}

/* Up to where the log may be compacted by now. Locked. */
static struct tx_lsn compactable(const struct log_writer *w)
{
    struct tx_lsn up_to = w->compact_wanted;
    for (size_t i = 0; i < LOG_HOLDERS_N; i++) {
        const struct held *held = &w->held[i];
        if (held->from.n > 0 && up_to.n >= held->from.n &&
            w->stats.record_bytes < held->until_bytes)
            up_to.n = held->from.n - 1;
    }
    return up_to;
}

/* A compaction waits until the log has passed it: the last record always stays. */
static bool can_compact(const struct log_writer *w)
{
    struct tx_lsn up_to = compactable(w);
    return up_to.n > w->compact_done.n && up_to.n < w->durable.n;
}

/* When the queue is written at the latest: a lazy parcel when its time is up, a forced one when it
 * has waited for company. Locked. */
static uint64_t due_us(const struct log_writer *w)
{
    uint64_t due = UINT64_MAX;
    for (const struct log_parcel *p = w->head; p != NULL && due > 0; p = p->next)
        due = p->due_us < due ? p->due_us : due;
    return due;
}

/* Is there a reason to write now? Otherwise *until_us says when there will be one. */
static bool must_write(const struct log_writer *w, uint64_t *until_us)
{
    *until_us = UINT64_MAX;
    if (w->head == NULL || (w->left && !w->stopping))
        return false;
    if (w->stopping || (w->forced > 0 && w->group_wait_us == 0) || w->backlog >= w->batch_bytes_max)
        return true;
    *until_us = due_us(w);
    return now_us() >= *until_us;
}

/* Until when the thread sleeps with nothing queued. After a batch lazy parcels are likely to
 * follow, and none of them is due sooner than `lazy_us` from then: so it looks again by itself at
 * that time and need not be woken for each of them, most of which a forced one takes along. Locked.
 */
static uint64_t looks_again_us(const struct log_writer *w)
{
    uint64_t at_us = w->written_us + w->lazy_us;
    return w->written_us > 0 && now_us() < at_us ? at_us : UINT64_MAX;
}

/* Sleeps until there is something to do, and nobody else at it. Locked. */
static void wait_for_work(struct log_writer *w)
{
    uint64_t until_us;
    while (w->busy || (!must_write(w, &until_us) && !can_compact(w) && !w->stopping)) {
        if (w->busy)
            until_us = UINT64_MAX; /* the owner wakes the thread when anything is left to do */
        else if (w->head == NULL)
            until_us = looks_again_us(w);
        w->wakes_us = until_us;
        if (until_us == UINT64_MAX) {
            int result = pthread_cond_wait(&w->work, &w->mutex);
            TX_ASSERT(result == 0);
        } else {
            log_thread_wait(&w->work, &w->mutex, until_us);
        }
        w->stats.wakes++;
    }
    w->wakes_us = 0;
}

/* Moves the beginning of the queue into the batch, up to the parcel that fills it. Locked. */
static void take(struct log_writer *w)
{
    struct batch *b = &w->batch;
    struct log_parcel **end = &w->head;
    b->n = 0;
    b->bytes = 0;
    while (*end != NULL && b->bytes < w->batch_bytes_max) {
        b->bytes += (*end)->bytes.len;
        b->n += (*end)->n;
        w->forced -= (*end)->force ? 1 : 0;
        end = &(*end)->next;
    }
    b->head = b->n > 0 ? w->head : NULL;
    if (b->n > 0) {
        w->head = *end;
        *end = NULL;
    }
    if (w->head == NULL)
        w->tail = &w->head;
}

static enum tx_error list_appends(struct batch *b, struct tx_why *why)
{
    void *appends = b->appends;
    bool room = log_parcel_reserve(&appends, &b->capacity, 0, b->n, sizeof(*b->appends));
    b->appends = appends;
    if (!room)
        return tx_why(why, TX_ENOMEM, "no memory for a batch of %zu log records", b->n);
    size_t n = 0;
    for (struct log_parcel *parcel = b->head; parcel != NULL; parcel = parcel->next) {
        log_parcel_point(parcel);
        memcpy(b->appends + n, parcel->appends, parcel->n * sizeof(*b->appends));
        n += parcel->n;
    }
    TX_ASSERT(n == b->n);
    return TX_OK;
}

static void pass_crash_points(const struct batch *b, const char *when)
{
    if (!crash_point_armed())
        return;
    for (size_t i = 0; i < b->n; i++) {
        struct txlog_front front;
        if (txlog_record_front(b->appends[i].record, &front, NULL) == TX_OK)
            crash_point("log", txlog_type_name(front.type), when);
    }
}

/* Unlocked: this is where the time goes. */
static enum tx_error write_batch(struct log_writer *w, uint64_t *took_us, struct tx_why *why)
{
    enum tx_error error = list_appends(&w->batch, why);
    if (error != TX_OK)
        return error;
    pass_crash_points(&w->batch, "before");
    uint64_t begin_us = now_us();
    error = txlog_append(w->log, w->batch.appends, w->batch.n, true, why);
    *took_us = now_us() - begin_us;
    if (error == TX_OK)
        pass_crash_points(&w->batch, "after");
    return error;
}

/* Locked. */
static void note_failure(struct log_writer *w, enum tx_error error, const struct tx_why *why)
{
    w->error = error;
    w->why = *why;
    log_parcel_free(w->head);
    w->head = NULL;
    w->tail = &w->head;
    w->forced = 0;
    w->backlog = 0;
    tell_owner(w);
}

/* The last few count: one slow sync keeps the owner from writing for a while, not for ever. */
static void note_time(struct log_writer *w, uint64_t took_us)
{
    w->written_us = now_us();
    w->sync_us = w->sync_us == 0 ? took_us + 1 : (7 * w->sync_us + took_us) / 8 + 1;
}

static void note_batch(struct log_writer *w, uint64_t took_us)
{
    w->durable = w->batch.appends[w->batch.n - 1].lsn;
    w->backlog -= w->batch.bytes;
    note_time(w, took_us);
    w->stats.batches++;
    w->stats.records += w->batch.n;
    w->stats.bytes += w->batch.bytes;
    for (size_t i = 0; i < w->batch.n; i++)
        w->stats.record_bytes += w->batch.appends[i].record.len;
    if (w->batch.n > w->stats.batch_records_max)
        w->stats.batch_records_max = w->batch.n;
    tx_times_count(&w->stats.batch_sizes, w->batch.n);
    tx_times_count(&w->stats.sync_times, took_us);
    w->stats.sync_us_total += took_us;
    if (took_us > w->stats.sync_us_max)
        w->stats.sync_us_max = took_us;
    tell_owner(w);
}

/* Locked when called and when it returns. */
static void do_batch(struct log_writer *w)
{
    struct tx_why why = {{0}};
    uint64_t took_us = 0;
    TX_ASSERT(!w->busy && w->error == TX_OK);
    take(w);
    if (w->batch.n == 0)
        return;
    w->busy = true;
    unlock(w);
    enum tx_error error = write_batch(w, &took_us, &why);
    lock(w);
    w->busy = false;
    give_back(w, w->batch.head);
    w->batch.head = NULL;
    if (error == TX_OK)
        note_batch(w, took_us);
    else
        note_failure(w, error, &why);
}

/* Locked when called and when it returns. */
static void do_compact(struct log_writer *w)
{
    struct tx_why why = {{0}};
    struct tx_lsn up_to = compactable(w);
    TX_ASSERT(!w->busy);
    w->busy = true;
    w->compact_begun = up_to;
    unlock(w);
    enum tx_error error = txlog_compact(w->log, up_to, &why);
    lock(w);
    w->busy = false;
    w->compact_done = up_to;
    if (error != TX_OK)
        note_failure(w, error, &why);
}

static void *run(void *arg)
{
    struct log_writer *w = arg;
    lock(w);
    while (w->error == TX_OK && !(w->stopping && w->head == NULL)) {
        uint64_t until_us;
        wait_for_work(w);
        if (must_write(w, &until_us))
            do_batch(w);
        if (w->error == TX_OK && can_compact(w))
            do_compact(w);
    }
    unlock(w);
    return NULL;
}

static void destroy(struct log_writer *w)
{
    log_parcel_free(w->filling);
    log_parcel_free(w->head);
    log_parcel_free(w->spare);
    free(w->batch.appends);
    (void)pthread_cond_destroy(&w->work);
    (void)pthread_mutex_destroy(&w->mutex);
    if (w->fd >= 0)
        (void)close(w->fd);
    free(w);
}

enum tx_error log_writer_new(struct txlog *log, const struct log_writer_options *options,
                             struct log_writer **out, struct tx_why *why)
{
    struct log_writer *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return tx_why(why, TX_ENOMEM, "no memory for the log writer");
    w->log = log;
    w->lazy_us = (uint64_t)(options->lazy_ms > 0 ? options->lazy_ms : LAZY_MS_DEFAULT) * 1000u;
    w->group_wait_us = options->group_wait_us;
    w->batch_bytes_max =
        options->batch_bytes_max > 0 ? options->batch_bytes_max : BATCH_BYTES_DEFAULT;
    w->owner_writes = options->owner_writes;
    w->tail = &w->head;
    w->queued_last = w->durable = txlog_last(log);
    const uint64_t first = txlog_first(log).n;
    w->compact_begun.n = first > 0 ? first - 1 : 0;
    log_thread_sync(&w->mutex, &w->work);
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int result = w->fd < 0 ? errno : log_thread_start(&w->thread, run, w);
    if (result != 0) {
        destroy(w);
        return tx_why(why, TX_ENOMEM, "cannot start the log writer: %s", strerror(result));
    }
    *out = w;
    return TX_OK;
}

static struct log_parcel *parcel_begin(struct log_writer *w)
{
    lock(w);
    struct log_parcel *parcel = w->spare;
    if (parcel != NULL) {
        w->spare = parcel->next;
        w->spare_n--;
    }
    unlock(w);
    if (parcel == NULL)
        return calloc(1, sizeof(*parcel));
    parcel->next = NULL;
    return parcel;
}

enum tx_error log_writer_queue(struct log_writer *w, const struct txlog_append *append, bool force)
{
    TX_ASSERT(append->lsn.n == w->queued_last.n + 1);
    if (w->filling != NULL && w->filling->bytes.len >= w->batch_bytes_max)
        log_writer_hand_over(w);
    if (w->filling == NULL)
        w->filling = parcel_begin(w);
    if (w->filling == NULL || log_parcel_add(w->filling, append) != TX_OK)
        return TX_ENOMEM;
    w->queued_last = append->lsn;
    w->filling->force = w->filling->force || force;
    return TX_OK;
}

/* May the owner write what it hands over? It saves two changes of threads, which one transaction
 * alone waits for. With more under way it would lose: what arrives during the sync is looked at
 * after it. So only a few records go this way, after a time in which nothing was written, onto a
 * disk that has been quick. Locked. */
static bool is_quiet(const struct log_writer *w, const struct log_parcel *parcel)
{
    return w->owner_writes && w->group_wait_us == 0 && !w->busy && w->forced == 0 &&
           parcel->n <= OWNER_RECORDS_MAX && w->backlog + parcel->bytes.len <= OWNER_BYTES_MAX &&
           w->sync_us > 0 && w->sync_us <= OWNER_SYNC_US && compactable(w).n <= w->compact_done.n &&
           now_us() >= w->written_us + OWNER_REST_US;
}

/* A lazy parcel is no reason to wake the thread when it looks in time by itself. Locked. */
static void wake_for(struct log_writer *w, const struct log_parcel *parcel)
{
    bool full = w->backlog >= w->batch_bytes_max;
    if (!w->left && (parcel->force || parcel->due_us < w->wakes_us || full))
        (void)pthread_cond_signal(&w->work);
}

void log_writer_hand_over(struct log_writer *w)
{
    struct log_parcel *parcel = w->filling;
    if (parcel == NULL || parcel->n == 0)
        return;
    w->filling = NULL;
    parcel->due_us = now_us() + (parcel->force ? w->group_wait_us : w->lazy_us);
    lock(w);
    TX_ASSERT(!w->stopping);
    if (w->error != TX_OK) { /* nothing is written any more; log_writer_poll() says why */
        give_back(w, parcel);
    } else {
        if (parcel->force)
            w->left = is_quiet(w, parcel);
        *w->tail = parcel;
        w->tail = &parcel->next;
        w->backlog += parcel->bytes.len;
        w->forced += parcel->force ? 1 : 0;
        wake_for(w, parcel);
    }
    unlock(w);
}

void log_writer_write(struct log_writer *w)
{
    lock(w);
    if (w->left) {
        w->left = false;
        if (w->error == TX_OK && !w->busy) {
            w->stats.owner_batches++;
            do_batch(w);
        }
        if (w->head != NULL || can_compact(w) || w->error != TX_OK)
            (void)pthread_cond_signal(&w->work);
    }
    unlock(w);
}

void log_writer_compact(struct log_writer *w, struct tx_lsn up_to)
{
    lock(w);
    if (up_to.n > w->compact_wanted.n)
        w->compact_wanted = up_to;
    (void)pthread_cond_signal(&w->work);
    unlock(w);
}

struct tx_lsn log_writer_hold(struct log_writer *w, enum log_holder holder, struct tx_lsn from,
                              uint64_t bytes_max)
{
    TX_ASSERT(holder < LOG_HOLDERS_N);
    lock(w);
    w->held[holder] =
        (struct held){from, bytes_max > 0 ? w->stats.record_bytes + bytes_max : UINT64_MAX};
    struct tx_lsn kept = {w->compact_begun.n + 1};
    (void)pthread_cond_signal(&w->work);
    unlock(w);
    return from.n > kept.n ? from : kept;
}

int log_writer_fd(const struct log_writer *w)
{
    return w->fd;
}

/* The descriptor is cleared first: what becomes durable in between makes it readable again. */
enum tx_error log_writer_poll(struct log_writer *w, struct tx_lsn *durable, struct tx_why *why)
{
    uint64_t count;
    while (read(w->fd, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
    lock(w);
    *durable = w->durable;
    enum tx_error error = w->error;
    if (error != TX_OK)
        (void)tx_why(why, error, "%s", w->why.text);
    unlock(w);
    return error;
}

size_t log_writer_backlog(struct log_writer *w)
{
    lock(w);
    size_t backlog = w->backlog;
    unlock(w);
    return backlog + (w->filling != NULL ? w->filling->bytes.len : 0);
}

struct log_writer_stats log_writer_stats(struct log_writer *w)
{
    lock(w);
    struct log_writer_stats stats = w->stats;
    stats.compacted = w->compact_done;
    stats.durable = w->durable;
    unlock(w);
    return stats;
}

enum tx_error log_writer_stop(struct log_writer **writer, struct tx_why *why)
{
    struct log_writer *w = *writer;
    if (w == NULL)
        return TX_OK;
    log_writer_hand_over(w);
    lock(w);
    w->stopping = true;
    (void)pthread_cond_signal(&w->work);
    unlock(w);
    int result = pthread_join(w->thread, NULL);
    TX_ASSERT(result == 0);
    enum tx_error error = w->error;
    if (error != TX_OK)
        (void)tx_why(why, error, "%s", w->why.text);
    destroy(w);
    *writer = NULL;
    return error;
}
