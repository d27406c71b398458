/* A daemon's part in a backup: the thread, and the loop's side of it. */
#include "txlog/backup/backup_worker.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/log.h"
#include "txlog/backup/backup_copy.h"
#include "txlog/backup/backup_files.h"
#include "txlog/backup/backup_repo.h"
#include "txlog/log_thread.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STAGING     "backup.staging"
#define PATIENCE_MS 30000u /* when the request names none */
#define LOOK_US     UINT64_C(100000)

struct backup_worker {
    struct backup_worker_options options;
    char staging[PATH_MAX];
    char label[BACKUP_NODE_MAX];
    pthread_t thread;
    bool started; /* there is a thread to be joined; the loop's own */

    pthread_mutex_t mutex; /* guards all that follows */
    pthread_cond_t changed;
    enum tx_backup_state state;
    char name[BACKUP_NAME_MAX];
    char repository[TX_BACKUP_PATH_MAX + 1];
    bool full;
    uint64_t patience_us, heard_us; /* when somebody asked for the last time */
    uint64_t log_bytes;             /* what the log had had written when the backup began */
    uint64_t rate;
    uint64_t cut;
    struct tx_lsn cut_lsn;
    bool abandoned, stopping, finish;
    uint64_t bytes, done, stored;
    struct tx_lsn checkpoint;
    struct tx_why why; /* FAILED */

    struct tx_why told; /* what the last answer pointed to; the loop's own */
};

static void lock(struct backup_worker *w)
{
    int result = pthread_mutex_lock(&w->mutex);
    TX_ASSERT(result == 0);
}

static void unlock(struct backup_worker *w)
{
    int result = pthread_mutex_unlock(&w->mutex);
    TX_ASSERT(result == 0);
}

static bool is_over(enum tx_backup_state state)
{
    return state == TX_BACKUP_NONE || state == TX_BACKUP_DONE || state == TX_BACKUP_FAILED;
}

/* ---- the thread ---- */

/* Is there a reason to give it up? Locked. */
static enum tx_error check_locked(struct backup_worker *w, struct tx_why *why)
{
    if (w->stopping)
        return tx_why(why, TX_ESTATE, "the daemon is ending");
    if (w->abandoned)
        return tx_why(why, TX_ESTATE, "it was abandoned");
    if (clock_now_us() - w->heard_us > w->patience_us)
        return tx_why(why, TX_ETIMEOUT,
                      "nobody has asked for it for %" PRIu64 " ms: whoever drove it is gone",
                      w->patience_us / 1000);
    uint64_t grown = log_writer_stats(w->options.writer).bytes - w->log_bytes;
    if (grown > BACKUP_HOLD_BYTES_MAX)
        return tx_why(why, TX_ELIMIT,
                      "the log has grown by %" PRIu64
                      " bytes meanwhile, and cannot be kept for longer; make the backup quicker "
                      "([backup] rate, the disk of the repository)",
                      grown);
    return TX_OK;
}

#define PAUSE_US 100000u

/* After each piece: is it to go on, and not too fast? What is left of the time that the piece may
 * take is waited for bit by bit, so that an end, and another rate, are noticed. */
static enum tx_error went_on(void *arg, uint64_t bytes, struct tx_why *why)
{
    struct backup_worker *w = arg;
    uint64_t waited_us = 0;
    lock(w);
    w->done += bytes;
    for (;;) {
        uint64_t due_us = w->rate == 0 ? 0 : bytes * 1000000u / w->rate;
        enum tx_error error = check_locked(w, why);
        unlock(w);
        if (error != TX_OK || waited_us >= due_us)
            return error;
        uint64_t us = due_us - waited_us < PAUSE_US ? due_us - waited_us : PAUSE_US;
        struct timespec pause = {.tv_nsec = (long)us * 1000};
        (void)nanosleep(&pause, NULL);
        waited_us += us;
        lock(w);
    }
}

static void found(void *arg, uint64_t bytes)
{
    struct backup_worker *w = arg;
    lock(w);
    w->bytes += bytes;
    unlock(w);
}

static struct backup_copier copier_of(struct backup_worker *w)
{
    return (struct backup_copier){.repository = w->repository,
                                  .label = w->label,
                                  .full = w->full,
                                  .found = found,
                                  .went_on = went_on,
                                  .arg = w};
}

static enum tx_error make_checkpoint(struct backup_worker *w, char *path, size_t path_size,
                                     struct tx_why *why)
{
    enum tx_error error = backup_directory_remove(w->staging, why);
    if (error == TX_OK)
        error = backup_directory_make(w->staging, why);
    if (error == TX_OK)
        error = backup_path(path, path_size, w->staging, "checkpoint", why);
    return error == TX_OK ? txlog_checkpoint(w->options.log, path, why) : error;
}

static enum tx_error copy(struct backup_worker *w, struct backup_node *node, struct tx_why *why)
{
    char checkpoint[PATH_MAX];
    const struct backup_copier copier = copier_of(w);
    enum tx_error error = make_checkpoint(w, checkpoint, sizeof(checkpoint), why);
    if (error == TX_OK)
        error = backup_copy_files(&copier, checkpoint, node, why);
    /* Its hard links keep tables on the disk that the daemon itself has given up. */
    enum tx_error removed = backup_directory_remove(w->staging, error == TX_OK ? why : NULL);
    return error == TX_OK ? removed : error;
}

/* Until FINISH has come. */
static enum tx_error await_cut(struct backup_worker *w, struct backup_node *node,
                               struct tx_why *why)
{
    lock(w);
    w->state = TX_BACKUP_COPIED;
    w->stored = node->stored;
    enum tx_error error = check_locked(w, why);
    while (error == TX_OK && !w->finish) {
        log_thread_wait(&w->changed, &w->mutex, clock_now_us() + LOOK_US);
        error = check_locked(w, why);
    }
    node->cut = w->cut;
    node->cut_lsn = w->cut_lsn;
    w->state = error == TX_OK ? TX_BACKUP_FINISHING : w->state;
    unlock(w);
    return error;
}

static enum tx_error copy_log(struct backup_worker *w, struct backup_node *node, struct tx_why *why)
{
    const struct backup_copier copier = copier_of(w);
    enum tx_error error = backup_copy_records(&copier, w->options.log, node, why);
    return error == TX_OK ? backup_repo_put_node(w->repository, node, why) : error;
}

static enum tx_error back_up(struct backup_worker *w, struct backup_node *node, struct tx_why *why)
{
    node->identity = w->options.identity;
    node->generation = w->options.generation;
    (void)snprintf(node->node, sizeof(node->node), "%s", w->label);
    (void)snprintf(node->backup, sizeof(node->backup), "%s", w->name);
    node->checkpoint = w->checkpoint;
    enum tx_error error = copy(w, node, why);
    if (error == TX_OK)
        error = await_cut(w, node, why);
    return error == TX_OK ? copy_log(w, node, why) : error;
}

static void *run(void *arg)
{
    struct backup_worker *w = arg;
    struct backup_node node = {0};
    struct tx_why why = {{0}};
    log_thread_step_back();
    enum tx_error error = back_up(w, &node, &why);
    (void)log_writer_hold(w->options.writer, LOG_HOLD_BACKUP, (struct tx_lsn){0}, 0);
    if (error == TX_OK && w->options.backed_up != NULL)
        w->options.backed_up(w->options.arg, w->repository, w->name, node.cut_lsn);
    if (error == TX_OK)
        LOG_INFO("backed up", "backup=%s into=%s bytes=%" PRIu64 " stored=%" PRIu64 " lsn=%" PRIu64,
                 w->name, w->repository, node.bytes, node.stored, node.cut_lsn.n);
    else
        LOG_WARN("the backup was given up", "backup=%s into=%s why=\"%s\"", w->name, w->repository,
                 why.text);
    lock(w);
    w->stored = node.stored;
    if (error != TX_OK)
        (void)tx_why(&w->why, error, "%s: %.440s", w->label, why.text);
    w->state = error == TX_OK ? TX_BACKUP_DONE : TX_BACKUP_FAILED;
    unlock(w);
    backup_node_deinit(&node);
    return NULL;
}

/* ---- the loop's side ---- */

enum tx_error backup_worker_new(const struct backup_worker_options *options,
                                struct backup_worker **worker, struct tx_why *why)
{
    struct backup_worker *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return tx_why(why, TX_ENOMEM, "out of memory");
    w->options = *options;
    w->rate = options->rate;
    (void)backup_node_label(&options->identity, w->label);
    enum tx_error error =
        backup_path(w->staging, sizeof(w->staging), options->directory, STAGING, why);
    if (error == TX_OK)
        error = backup_directory_remove(w->staging, why);
    if (error != TX_OK) {
        free(w);
        return error;
    }
    log_thread_sync(&w->mutex, &w->changed);
    *worker = w;
    return TX_OK;
}

static void join(struct backup_worker *w)
{
    if (w->started)
        (void)pthread_join(w->thread, NULL);
    w->started = false;
}

static bool is_name(struct tx_bytes name, const char *text)
{
    return tx_bytes_equal(name, tx_bytes_str(text));
}

static bool copy_text(struct tx_bytes from, char *to, size_t size)
{
    if (from.len == 0 || from.len >= size || memchr(from.data, '\0', from.len) != NULL)
        return false;
    memcpy(to, from.data, from.len);
    to[from.len] = '\0';
    return true;
}

/* The log is held before the checkpoint is made: nothing goes between the two. */
static enum tx_error begin(struct backup_worker *w, const struct tx_msg_backup_request *request,
                           struct tx_why *why)
{
    char name[BACKUP_NAME_MAX], repository[TX_BACKUP_PATH_MAX + 1];
    if (!copy_text(request->name, name, sizeof(name)) || !backup_file_name_valid(name))
        return tx_why(why, TX_EINVAL, "%s: the name of the backup is none", w->label);
    if (!copy_text(request->directory, repository, sizeof(repository)) || repository[0] != '/')
        return tx_why(why, TX_EINVAL,
                      "%s: the directory of the backup must be named by its absolute path, as "
                      "the machine of this daemon sees it",
                      w->label);
    join(w);
    memcpy(w->name, name, sizeof(name));
    memcpy(w->repository, repository, sizeof(repository));
    w->full = request->full;
    w->patience_us =
        1000u * (uint64_t)(request->patience_ms > 0 ? request->patience_ms : PATIENCE_MS);
    w->heard_us = clock_now_us();
    w->log_bytes = log_writer_stats(w->options.writer).bytes;
    w->abandoned = w->finish = false;
    w->bytes = w->done = w->stored = 0;
    w->checkpoint = txlog_last(w->options.log);
    w->state = TX_BACKUP_COPYING;
    (void)log_writer_hold(w->options.writer, LOG_HOLD_BACKUP, (struct tx_lsn){w->checkpoint.n + 1},
                          0);
    int result = log_thread_start(&w->thread, run, w);
    if (result == 0) {
        w->started = true;
        return TX_OK;
    }
    (void)log_writer_hold(w->options.writer, LOG_HOLD_BACKUP, (struct tx_lsn){0}, 0);
    w->state = TX_BACKUP_NONE;
    return tx_why(why, TX_EIO, "%s: cannot start a thread: %s", w->label, strerrordesc_np(result));
}

static enum tx_error step(struct backup_worker *w, const struct tx_msg_backup_request *request,
                          struct tx_why *why)
{
    bool same = w->state != TX_BACKUP_NONE && is_name(request->name, w->name);
    if (same)
        w->heard_us = clock_now_us();
    switch (request->step) {
    case TX_BACKUP_BEGIN:
        if (same)
            return TX_OK; /* asked again */
        if (!is_over(w->state))
            return tx_why(why, TX_EBUSY, "%s: backup %s is under way; wait until it ends", w->label,
                          w->name);
        return begin(w, request, why);
    case TX_BACKUP_FINISH:
        if (!same || w->state == TX_BACKUP_COPYING)
            return tx_why(why, TX_ESTATE, "%s: there is no backup that could be finished",
                          w->label);
        if (w->state == TX_BACKUP_COPIED && !w->finish) {
            w->cut = request->cut;
            w->cut_lsn = request->lsn;
            w->finish = true;
        }
        break;
    case TX_BACKUP_ABANDON:
        w->abandoned = w->abandoned || same;
        break;
    case TX_BACKUP_LOOK:
    case TX_BACKUP_STEPS_N:
        break;
    }
    (void)pthread_cond_signal(&w->changed);
    return TX_OK;
}

enum tx_error backup_worker_ask(struct backup_worker *w,
                                const struct tx_msg_backup_request *request,
                                struct tx_msg_backup *answer, struct tx_why *why)
{
    lock(w);
    enum tx_error error = step(w, request, why);
    bool same = w->state != TX_BACKUP_NONE && is_name(request->name, w->name);
    *answer = (struct tx_msg_backup){.req = request->req, .node = tx_bytes_str(w->label)};
    if (error == TX_OK && same) {
        answer->state = w->state;
        answer->bytes = w->bytes;
        answer->done = w->done;
        answer->stored = w->stored;
        answer->checkpoint = w->checkpoint;
        if (w->state == TX_BACKUP_FAILED) {
            w->told = w->why;
            answer->text = tx_bytes_str(w->told.text);
        }
    }
    unlock(w);
    return error;
}

void backup_worker_set_rate(struct backup_worker *w, uint64_t rate)
{
    lock(w);
    w->rate = rate;
    unlock(w);
}

bool backup_worker_busy(struct backup_worker *w)
{
    lock(w);
    bool busy = !is_over(w->state);
    unlock(w);
    return busy;
}

void backup_worker_destroy(struct backup_worker **worker)
{
    struct backup_worker *w = *worker;
    if (w == NULL)
        return;
    lock(w);
    w->stopping = true;
    (void)pthread_cond_signal(&w->changed);
    unlock(w);
    join(w);
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->mutex);
    free(w);
    *worker = NULL;
}
