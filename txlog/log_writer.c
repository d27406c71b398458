/* The log writer: one thread, one batch at a time, one sync for each. */
#include "txlog/log_writer.h"

#include "common/assert.h"
#include "common/crash_point.h"
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

/* One queued append in one allocation: this, its puts, then the bytes that all of them point to. */
struct queued {
    struct queued *next;
    struct txlog_append append;
    size_t bytes;
    uint64_t due_us; /* when it is written at the latest */
    bool force;
};

/* What the thread takes out of the queue at once. Only the thread touches it. */
struct batch {
    struct queued *head;
    struct txlog_append *appends;
    size_t n, capacity;
    size_t bytes;
};

struct log_writer {
    struct txlog *log;
    uint64_t lazy_us;
    size_t batch_bytes_max;
    int fd;
    pthread_t thread;
    struct batch batch;

    pthread_mutex_t mutex; /* guards all that follows */
    pthread_cond_t work;
    struct queued *head, **tail;
    size_t backlog;
    size_t forced;             /* how many of the queued are forced */
    struct tx_lsn queued_last; /* highest LSN ever queued */
    struct tx_lsn durable;
    struct tx_lsn compact_wanted, compact_done;
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

static uint8_t *copy_into(uint8_t *at, struct tx_bytes *view, struct tx_bytes from)
{
    if (from.len > 0)
        memcpy(at, from.data, from.len);
    *view = tx_bytes(at, from.len);
    return at + from.len;
}

static struct queued *queued_new(const struct txlog_append *append)
{
    size_t bytes = append->record.len;
    for (size_t i = 0; i < append->puts_n; i++)
        bytes += append->puts[i].key.len + append->puts[i].value.len;
    size_t front = sizeof(struct queued) + append->puts_n * sizeof(struct txlog_put);
    struct queued *q = malloc(front + bytes);
    if (q == NULL)
        return NULL;
    struct txlog_put *puts = (struct txlog_put *)(void *)(q + 1);
    uint8_t *at = (uint8_t *)q + front;
    *q = (struct queued){.append = {.lsn = append->lsn, .puts_n = append->puts_n}, .bytes = bytes};
    q->append.puts = append->puts_n > 0 ? puts : NULL;
    at = copy_into(at, &q->append.record, append->record);
    for (size_t i = 0; i < append->puts_n; i++) {
        puts[i].deleted = append->puts[i].deleted;
        at = copy_into(at, &puts[i].key, append->puts[i].key);
        at = copy_into(at, &puts[i].value, append->puts[i].value);
    }
    return q;
}

static void free_list(struct queued *q)
{
    while (q != NULL) {
        struct queued *next = q->next;
        free(q);
        q = next;
    }
}

/* A compaction waits until the log has passed it: the last record always stays. */
static bool can_compact(const struct log_writer *w)
{
    return w->compact_wanted.n > w->compact_done.n && w->compact_wanted.n < w->durable.n;
}

/* Is there a reason to write now? Otherwise *until_us says when there will be one. */
static bool must_write(const struct log_writer *w, uint64_t *until_us)
{
    *until_us = UINT64_MAX;
    if (w->head == NULL)
        return false;
    *until_us = w->head->due_us;
    return w->forced > 0 || w->stopping || now_us() >= w->head->due_us;
}

/* Sleeps until there is something to do. Locked. */
static void wait_for_work(struct log_writer *w)
{
    uint64_t until_us;
    while (!must_write(w, &until_us) && !can_compact(w) && !w->stopping) {
        int result;
        if (until_us == UINT64_MAX) {
            result = pthread_cond_wait(&w->work, &w->mutex);
        } else {
            struct timespec until = {.tv_sec = (time_t)(until_us / 1000000u),
                                     .tv_nsec = (long)(until_us % 1000000u) * 1000};
            result = pthread_cond_timedwait(&w->work, &w->mutex, &until);
        }
        TX_ASSERT(result == 0 || result == ETIMEDOUT);
    }
}

/* Moves the beginning of the queue into the batch, up to the append that fills it. Locked. */
static void take(struct log_writer *w)
{
    struct batch *b = &w->batch;
    struct queued **end = &w->head;
    b->n = 0;
    b->bytes = 0;
    while (*end != NULL && b->bytes < w->batch_bytes_max) {
        b->bytes += (*end)->bytes;
        b->n++;
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
    if (b->n > b->capacity) {
        struct txlog_append *bigger = realloc(b->appends, b->n * 2 * sizeof(*bigger));
        if (bigger == NULL)
            return tx_why(why, TX_ENOMEM, "no memory for a batch of %zu log records", b->n);
        b->appends = bigger;
        b->capacity = b->n * 2;
    }
    size_t i = 0;
    for (const struct queued *q = b->head; q != NULL; q = q->next)
        b->appends[i++] = q->append;
    TX_ASSERT(i == b->n);
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
    free_list(w->head);
    w->head = NULL;
    w->tail = &w->head;
    w->forced = 0;
    w->backlog = 0;
    tell_owner(w);
}

/* Locked when called and when it returns. */
static void do_batch(struct log_writer *w)
{
    struct tx_why why = {{0}};
    uint64_t took_us = 0;
    take(w);
    if (w->batch.n == 0)
        return;
    unlock(w);
    enum tx_error error = write_batch(w, &took_us, &why);
    free_list(w->batch.head);
    w->batch.head = NULL;
    lock(w);
    if (error != TX_OK) {
        note_failure(w, error, &why);
        return;
    }
    w->durable = w->batch.appends[w->batch.n - 1].lsn;
    w->backlog -= w->batch.bytes;
    w->stats.batches++;
    w->stats.records += w->batch.n;
    w->stats.bytes += w->batch.bytes;
    w->stats.sync_us_total += took_us;
    if (took_us > w->stats.sync_us_max)
        w->stats.sync_us_max = took_us;
    tell_owner(w);
}

/* Locked when called and when it returns. */
static void do_compact(struct log_writer *w)
{
    struct tx_why why = {{0}};
    struct tx_lsn up_to = w->compact_wanted;
    unlock(w);
    enum tx_error error = txlog_compact(w->log, up_to, &why);
    lock(w);
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

/* Signals are the loop's; the writer's thread takes none. */
static int start_thread(struct log_writer *w)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&w->thread, NULL, run, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static void init_sync(struct log_writer *w)
{
    pthread_condattr_t attr;
    int result = pthread_mutex_init(&w->mutex, NULL);
    TX_ASSERT(result == 0);
    result = pthread_condattr_init(&attr);
    TX_ASSERT(result == 0);
    result = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    TX_ASSERT(result == 0);
    result = pthread_cond_init(&w->work, &attr);
    TX_ASSERT(result == 0);
    (void)pthread_condattr_destroy(&attr);
}

static void destroy(struct log_writer *w)
{
    free_list(w->head);
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
    w->batch_bytes_max =
        options->batch_bytes_max > 0 ? options->batch_bytes_max : BATCH_BYTES_DEFAULT;
    w->tail = &w->head;
    w->queued_last = w->durable = txlog_last(log);
    init_sync(w);
    w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int result = w->fd < 0 ? errno : start_thread(w);
    if (result != 0) {
        destroy(w);
        return tx_why(why, TX_ENOMEM, "cannot start the log writer: %s", strerror(result));
    }
    *out = w;
    return TX_OK;
}

enum tx_error log_writer_queue(struct log_writer *w, const struct txlog_append *append, bool force)
{
    struct queued *q = queued_new(append);
    if (q == NULL)
        return TX_ENOMEM;
    q->force = force;
    q->due_us = now_us() + w->lazy_us;
    lock(w);
    TX_ASSERT(!w->stopping && append->lsn.n == w->queued_last.n + 1);
    w->queued_last = append->lsn;
    if (w->error != TX_OK) { /* nothing is written any more; log_writer_poll() says why */
        free(q);
        q = NULL;
    } else {
        bool was_empty = w->head == NULL;
        *w->tail = q;
        w->tail = &q->next;
        w->backlog += q->bytes;
        w->forced += force ? 1 : 0;
        if (force || was_empty)
            (void)pthread_cond_signal(&w->work);
    }
    unlock(w);
    return TX_OK;
}

void log_writer_compact(struct log_writer *w, struct tx_lsn up_to)
{
    lock(w);
    if (up_to.n > w->compact_wanted.n)
        w->compact_wanted = up_to;
    (void)pthread_cond_signal(&w->work);
    unlock(w);
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
    return backlog;
}

struct log_writer_stats log_writer_stats(struct log_writer *w)
{
    lock(w);
    struct log_writer_stats stats = w->stats;
    unlock(w);
    return stats;
}

enum tx_error log_writer_stop(struct log_writer **writer, struct tx_why *why)
{
    struct log_writer *w = *writer;
    if (w == NULL)
        return TX_OK;
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
