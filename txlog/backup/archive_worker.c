/* The thread that archives, and the loop's side of it. */
#include "txlog/backup/archive_worker.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/log.h"
#include "txlog/backup/archive_cover.h"
#include "txlog/log_thread.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SECOND_US UINT64_C(1000000)
#define PAUSE_MIN (SECOND_US / 2)     /* after the first failure; doubled by each further one ... */
#define PAUSE_MAX (30 * SECOND_US)    /* ... up to this */
#define STOP_US   (5 * SECOND_US)     /* what the end of a daemon waits for its archive */
#define SETTLE_US (2 * SECOND_US)     /* of that, for what is still queued for the log */
#define LOW_BYTES (UINT64_C(1) << 20) /* how long the log is held with the disk at its reserve */
#define WHOLE_US  (3600 * SECOND_US)  /* a backup that is not whole by then never will be */

/* A backup that this node has done its part of. */
struct finished {
    char repository[PATH_MAX];
    char backup[BACKUP_NAME_MAX];
    struct tx_lsn cut; /* 0: there is none to look for */
    uint64_t since_us;
};

struct archive_worker {
    struct archive_worker_options options;
    pthread_t thread;

    /* The thread's own. */
    struct archive *archive;
    bool measured; /* what the log has had at the start is counted */
    uint64_t pause_us, retry_us;
    struct tx_why logged; /* the failure that the log has a line about */
    struct tx_lsn covered;

    pthread_mutex_t mutex; /* guards all that follows */
    pthread_cond_t changed;
    struct archive_worker_limits limits;
    bool disk_low, at_once, stopping;
    uint64_t stop_us;    /* when it gives up */
    uint64_t seen_bytes; /* of record_bytes, when behind_bytes was counted */
    uint64_t since_us;   /* when the oldest record that is not archived became durable; 0: none */
    uint64_t failing_since_us; /* 0: it does not fail */
    struct finished finished;
    struct archive_worker_stats stats;
};

static void lock(struct archive_worker *w)
{
    int result = pthread_mutex_lock(&w->mutex);
    TX_ASSERT(result == 0);
}

static void unlock(struct archive_worker *w)
{
    int result = pthread_mutex_unlock(&w->mutex);
    TX_ASSERT(result == 0);
}

/* ---- how long the log is held ---- */

/* Too much has come, or there is no room: what cannot be archived is given up. Locked. */
static bool must_let_go(const struct archive_worker *w)
{
    return w->failing_since_us > 0 && (w->disk_low || w->stats.behind_bytes > w->limits.lag);
}

/* Holds the log from behind what is archived, or not at all; `trying`: for an attempt, in any case.
 * The limit is the log writer's to watch: it is kept even while this thread hangs on a file system
 * that does not answer. Gives the first record that is there. Locked. */
static struct tx_lsn hold(struct archive_worker *w, bool trying)
{
    const uint64_t behind = w->stats.behind_bytes, lag = w->limits.lag;
    const bool let_go = must_let_go(w);
    uint64_t bytes = lag > behind ? lag - behind : 1;
    if ((w->disk_low || let_go) && bytes > LOW_BYTES)
        bytes = LOW_BYTES;
    if (let_go && trying)
        bytes = LOW_BYTES;
    if (let_go && !w->stats.let_go)
        LOG_WARN("the log is not kept for the archive any more, which will have a gap",
                 "last=%" PRIu64 " behind_bytes=%" PRIu64 " lag=%" PRIu64 " disk_low=%s",
                 w->stats.last.n, behind, lag, w->disk_low ? "yes" : "no");
    w->stats.let_go = let_go;
    struct tx_lsn from = {let_go && !trying ? 0 : w->stats.last.n + 1};
    return log_writer_hold(w->options.writer, LOG_HOLD_ARCHIVE, from, bytes);
}

static struct tx_lsn hold_for_attempt(struct archive_worker *w)
{
    lock(w);
    struct tx_lsn first = hold(w, true);
    unlock(w);
    return first;
}

/* ---- what is behind ---- */

static enum tx_error add_bytes(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    (void)lsn;
    *(uint64_t *)arg += stored.len;
    return TX_OK;
}

/* What the log has had for longer than this thread has looked. */
static void measure(struct archive_worker *w, struct tx_lsn archived)
{
    struct log_writer_stats writer = log_writer_stats(w->options.writer);
    uint64_t bytes = 0;
    /* What cannot be read here cannot be archived either, and that is where it is told. */
    if (writer.durable.n > archived.n &&
        txlog_each(w->options.log, (struct tx_lsn){archived.n + 1}, writer.durable, add_bytes,
                   &bytes, NULL) != TX_OK)
        LOG_DEBUG("the log behind the archive cannot be measured", "%s", "");
    w->measured = true;
    lock(w);
    w->seen_bytes = writer.record_bytes;
    w->stats.behind_bytes = bytes;
    unlock(w);
}

/* Brings the figures up to what the writer has said. Locked. */
static void count(struct archive_worker *w, const struct log_writer_stats *writer)
{
    uint64_t now_us = clock_now_us();
    if (writer->record_bytes > w->seen_bytes) {
        w->stats.behind_bytes += writer->record_bytes - w->seen_bytes;
        w->seen_bytes = writer->record_bytes;
    }
    if (writer->durable.n <= w->stats.last.n)
        w->since_us = 0;
    else if (w->since_us == 0)
        w->since_us = now_us;
    w->stats.behind_us = w->since_us > 0 ? now_us - w->since_us + 1 : 0;
    w->stats.failing_us = w->failing_since_us > 0 ? now_us - w->failing_since_us + 1 : 0;
}

/* A segment is written: `behind` bytes, if that was all there was at the last look. Locked. */
static void count_archived(struct archive_worker *w, bool all, uint64_t behind)
{
    const uint64_t bytes = all ? behind : w->limits.segment;
    w->stats.behind_bytes -= bytes < w->stats.behind_bytes ? bytes : w->stats.behind_bytes;
    w->since_us = all ? 0 : w->since_us;
    w->stats.written++;
}

/* Locked. */
static void tell_extent(struct archive_worker *w)
{
    struct archive_place gap = archive_gap(w->archive);
    w->stats.last = archive_last(w->archive);
    w->stats.segments = archive_segments(w->archive);
    w->stats.bytes = archive_bytes(w->archive);
    w->stats.gaps = gap.last.n > w->covered.n ? archive_gaps(w->archive) : 0;
    w->stats.gap = w->stats.gaps > 0 ? gap : (struct archive_place){.first = {0}};
}

/* ---- writing ---- */

static enum tx_error open_archive(struct archive_worker *w, struct tx_why *why)
{
    const struct archive_worker_options *options = &w->options;
    struct archive_place moved = {.first = {0}};
    (void)hold_for_attempt(w);
    enum tx_error error = archive_open(options->directory, &options->identity, options->generation,
                                       true, &w->archive, why);
    if (error == TX_OK)
        error = archive_agree(w->archive, options->log, &moved, why);
    if (error != TX_OK) {
        archive_close(&w->archive);
        if (!w->measured)
            measure(w, (struct tx_lsn){0});
        return error;
    }
    if (moved.last.n > 0)
        LOG_WARN("the archive had records that this node's log has not; they were moved aside",
                 "first=%" PRIu64 " last=%" PRIu64 " archive=%s", moved.first.n, moved.last.n,
                 LOG_Q(tx_bytes_str(archive_path(w->archive))));
    LOG_INFO("archiving the log", "archive=%s last=%" PRIu64 " bytes=%" PRIu64,
             LOG_Q(tx_bytes_str(archive_path(w->archive))), archive_last(w->archive).n,
             archive_bytes(w->archive));
    measure(w, archive_last(w->archive));
    lock(w);
    tell_extent(w);
    (void)hold(w, true);
    unlock(w);
    return TX_OK;
}

/* A look at what the loop has said, and at the log. */
struct look {
    struct archive_worker_limits limits;
    bool disk_low, stopping;
    uint64_t stop_us, now_us;
    uint64_t behind_bytes, behind_us;
    struct tx_lsn durable;
};

static struct look look(struct archive_worker *w)
{
    struct log_writer_stats writer = log_writer_stats(w->options.writer);
    lock(w);
    count(w, &writer);
    struct look look = {.limits = w->limits,
                        .disk_low = w->disk_low,
                        .stopping = w->stopping,
                        .stop_us = w->stop_us,
                        .now_us = clock_now_us(),
                        .behind_bytes = w->stats.behind_bytes,
                        .behind_us = w->stats.behind_us,
                        .durable = writer.durable};
    unlock(w);
    return look;
}

/* An archive beside the data must not take the space that the node has reserved. */
static enum tx_error check_room(struct archive_worker *w, bool disk_low, struct tx_why *why)
{
    struct stat data, archive;
    if (!disk_low || stat(w->options.data, &data) != 0 ||
        stat(archive_path(w->archive), &archive) != 0 || data.st_dev != archive.st_dev)
        return TX_OK;
    return tx_why(why, TX_EFULL,
                  "%s is on the file system of the node's data, whose free space is below "
                  "storage.disk_reserve; free space there, or lower archive.limit",
                  w->options.directory);
}

static enum tx_error put_segment(struct archive_worker *w, const struct look *at,
                                 struct tx_why *why)
{
    struct tx_lsn last = archive_last(w->archive), first = hold_for_attempt(w);
    enum tx_error error =
        archive_put(w->archive, w->options.log, first, at->durable, at->limits.segment, why);
    if (error != TX_OK)
        return error;
    if (last.n > 0 && first.n > last.n + 1)
        LOG_WARN("the archive has a gap: make a backup, and see archive.lag",
                 "first=%" PRIu64 " last=%" PRIu64, last.n + 1, first.n - 1);
    lock(w);
    count_archived(w, archive_last(w->archive).n == at->durable.n, at->behind_bytes);
    tell_extent(w);
    (void)hold(w, true); /* until all is there, or it fails again */
    unlock(w);
    return TX_OK;
}

/* Is a segment to be closed? What lies up to `forced` is, whatever its size and age. */
static bool is_due(const struct archive_worker *w, const struct look *at, struct tx_lsn forced)
{
    struct tx_lsn last = archive_last(w->archive);
    if (at->durable.n <= last.n)
        return false;
    return last.n < forced.n || at->behind_bytes >= at->limits.segment ||
           at->behind_bytes >= at->limits.lag / 2 || at->behind_us > 1000 * at->limits.every_ms;
}

static enum tx_error put_what_is_due(struct archive_worker *w, bool at_once, struct tx_why *why)
{
    enum tx_error error = TX_OK;
    struct look at = look(w);
    struct tx_lsn forced = {at_once || at.stopping ? at.durable.n : 0};
    while (error == TX_OK && is_due(w, &at, forced) && !(at.stopping && at.now_us >= at.stop_us)) {
        error = check_room(w, at.disk_low, why);
        if (error == TX_OK)
            error = put_segment(w, &at, why);
        at = look(w);
    }
    return error;
}

static enum tx_error trim(struct archive_worker *w, struct tx_why *why)
{
    uint64_t removed = 0, limit = look(w).limits.limit;
    if (limit == 0 || archive_bytes(w->archive) <= limit)
        return TX_OK;
    enum tx_error error = archive_trim(w->archive, limit, &removed, why);
    if (removed > 0)
        LOG_INFO("the oldest of the archive is gone", "bytes=%" PRIu64 " limit=%" PRIu64, removed,
                 limit);
    lock(w);
    tell_extent(w);
    unlock(w);
    return error;
}

/* ---- failures ---- */

static void note_failure(struct archive_worker *w, const struct tx_why *why)
{
    uint64_t now_us = clock_now_us();
    w->pause_us = w->pause_us == 0 ? PAUSE_MIN : 2 * w->pause_us;
    if (w->pause_us > PAUSE_MAX)
        w->pause_us = PAUSE_MAX;
    w->retry_us = now_us + w->pause_us;
    if (strcmp(w->logged.text, why->text) != 0)
        LOG_WARN("the log cannot be archived; it is tried again", "why=%s",
                 LOG_Q(tx_bytes_str(why->text)));
    w->logged = *why;
    lock(w);
    if (w->failing_since_us == 0)
        w->failing_since_us = now_us;
    w->stats.errors++;
    w->stats.why = *why;
    (void)hold(w, false);
    unlock(w);
}

static void note_success(struct archive_worker *w)
{
    w->pause_us = w->retry_us = 0;
    if (w->logged.text[0] == '\0')
        return;
    LOG_INFO("the log is archived again", "last=%" PRIu64, archive_last(w->archive).n);
    w->logged.text[0] = '\0';
    lock(w);
    w->failing_since_us = 0;
    w->stats.why.text[0] = '\0';
    (void)hold(w, false);
    unlock(w);
}

/* ---- backups ---- */

/* Once the backup is whole, what is missing in the archive before it does no harm. */
static void look_for_backup(struct archive_worker *w)
{
    struct finished finished;
    struct tx_why why = {{0}};
    lock(w);
    finished = w->finished;
    unlock(w);
    if (finished.cut.n == 0)
        return;
    bool whole = archive_cover_is_whole(finished.repository, finished.backup);
    if (!whole && clock_now_us() - finished.since_us < WHOLE_US)
        return;
    if (whole && finished.cut.n > w->covered.n) {
        w->covered = finished.cut;
        if (archive_cover_write(w->options.data, w->options.generation, w->covered, &why) != TX_OK)
            LOG_WARN("that a backup covers the gaps of the archive cannot be kept", "why=%s",
                     LOG_Q(tx_bytes_str(why.text)));
    }
    lock(w);
    if (strcmp(finished.backup, w->finished.backup) == 0)
        w->finished.cut.n = 0;
    if (w->archive != NULL)
        tell_extent(w);
    unlock(w);
}

/* ---- the thread ---- */

/* After a failure, and when the loop asks, whatever there is is archived: only that shows whether
 * it can be. */
static void work(struct archive_worker *w)
{
    struct tx_why why = {{0}};
    lock(w);
    bool at_once = w->at_once || w->stopping;
    w->at_once = false;
    unlock(w);
    if (look(w).now_us < w->retry_us && !at_once) {
        lock(w);
        (void)hold(w, false); /* what it depends on may have changed */
        unlock(w);
        return;
    }
    bool failing = w->logged.text[0] != '\0';
    enum tx_error error = w->archive == NULL ? open_archive(w, &why) : TX_OK;
    if (error == TX_OK)
        error = put_what_is_due(w, at_once || failing, &why);
    if (error == TX_OK)
        error = trim(w, &why);
    if (error != TX_OK)
        note_failure(w, &why);
    else
        note_success(w);
}

/* What is on its way to the log is on disk within its lazy time. */
static void await_log(struct archive_worker *w)
{
    uint64_t until_us = clock_now_us() + SETTLE_US;
    lock(w);
    while (log_writer_backlog(w->options.writer) > 0 && clock_now_us() < until_us)
        log_thread_wait(&w->changed, &w->mutex, clock_now_us() + 2000);
    unlock(w);
}

/* Until the next look. False: the daemon ends. */
static bool rest(struct archive_worker *w)
{
    lock(w);
    uint64_t every_us = 1000 * w->limits.every_ms;
    uint64_t until_us = clock_now_us() + (every_us < SECOND_US ? every_us : SECOND_US);
    if (w->retry_us > 0 && w->retry_us < until_us)
        until_us = w->retry_us;
    while (!w->stopping && !w->at_once && clock_now_us() < until_us)
        log_thread_wait(&w->changed, &w->mutex, until_us);
    bool stopping = w->stopping;
    unlock(w);
    return !stopping;
}

static void *run(void *arg)
{
    struct archive_worker *w = arg;
    log_thread_step_back();
    w->covered = archive_cover_read(w->options.data, w->options.generation);
    do {
        work(w);
        look_for_backup(w);
    } while (rest(w));
    await_log(w);
    work(w);
    look_for_backup(w);
    lock(w);
    if (w->failing_since_us > 0)
        LOG_WARN("leaving with records that are not archived; the next start archives them",
                 "last=%" PRIu64 " bytes=%" PRIu64, w->stats.last.n, w->stats.behind_bytes);
    unlock(w);
    archive_close(&w->archive);
    return NULL;
}

/* ---- the loop's side ---- */

enum tx_error archive_worker_new(const struct archive_worker_options *options,
                                 struct archive_worker **worker, struct tx_why *why)
{
    struct archive_worker *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return tx_why(why, TX_ENOMEM, "out of memory");
    w->options = *options;
    w->limits = options->limits;
    w->stats.on = true;
    log_thread_sync(&w->mutex, &w->changed);
    (void)log_writer_hold(options->writer, LOG_HOLD_ARCHIVE, (struct tx_lsn){1},
                          options->limits.lag);
    int result = log_thread_start(&w->thread, run, w);
    if (result != 0) {
        (void)pthread_cond_destroy(&w->changed);
        (void)pthread_mutex_destroy(&w->mutex);
        free(w);
        return tx_why(why, TX_EIO, "cannot start a thread for the archive: %s",
                      strerrordesc_np(result));
    }
    *worker = w;
    return TX_OK;
}

void archive_worker_set(struct archive_worker *w, const struct archive_worker_limits *limits)
{
    if (w == NULL)
        return;
    lock(w);
    w->limits = *limits;
    w->at_once = true;
    (void)pthread_cond_signal(&w->changed);
    unlock(w);
}

void archive_worker_disk(struct archive_worker *w, bool low)
{
    if (w == NULL)
        return;
    lock(w);
    w->disk_low = low;
    w->at_once = true;
    (void)hold(w, false);
    (void)pthread_cond_signal(&w->changed);
    unlock(w);
}

void archive_worker_backed_up(struct archive_worker *w, const char *repository, const char *backup,
                              struct tx_lsn cut)
{
    if (w == NULL)
        return;
    lock(w);
    w->finished.cut = cut;
    w->finished.since_us = clock_now_us();
    (void)snprintf(w->finished.repository, sizeof(w->finished.repository), "%s", repository);
    (void)snprintf(w->finished.backup, sizeof(w->finished.backup), "%s", backup);
    unlock(w);
}

struct archive_worker_stats archive_worker_stats(struct archive_worker *w)
{
    if (w == NULL)
        return (struct archive_worker_stats){.on = false};
    struct log_writer_stats writer = log_writer_stats(w->options.writer);
    lock(w);
    count(w, &writer); /* the thread may hang */
    struct archive_worker_stats stats = w->stats;
    unlock(w);
    return stats;
}

void archive_worker_destroy(struct archive_worker **worker)
{
    struct archive_worker *w = *worker;
    if (w == NULL)
        return;
    lock(w);
    w->stopping = true;
    w->stop_us = clock_now_us() + STOP_US;
    (void)pthread_cond_signal(&w->changed);
    unlock(w);
    int result = pthread_join(w->thread, NULL);
    TX_ASSERT(result == 0);
    (void)log_writer_hold(w->options.writer, LOG_HOLD_ARCHIVE, (struct tx_lsn){0}, 0);
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->mutex);
    free(w);
    *worker = NULL;
}
