/* The log on RocksDB: opening with all its checks, and the functions of the interface. */
#include "txlog/rocksdb_log.h"

#include "common/assert.h"
#include "txlog/log_dir.h"
#include "txlog/log_head.h"
#include "txlog/log_meta.h"
#include "txlog/log_scan.h"
#include "txlog/lsn_key.h"
#include "txlog/rdb.h"
#include "txlog/record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct rocksdb_log {
    struct txlog base;
    struct rdb *rdb;
    struct log_dir dir;
    struct log_head head;
    struct log_meta meta;
    char *directory;
    size_t cache_bytes;
    bool read_only;
    bool damaged; /* opened as far as it can be read */
    /* Written by the appending thread, read by any. */
    atomic_uint_least64_t first, last, last_start;
    /* The first failed write and its text; nothing is written after it. */
    enum tx_error failed;
    struct tx_why failed_why;
};

static struct rocksdb_log *self(struct txlog *log)
{
    return (struct rocksdb_log *)(void *)log;
}

static const struct rocksdb_log *const_self(const struct txlog *log)
{
    return (const struct rocksdb_log *)(const void *)log;
}

/* A failed write may or may not be on disk, so no later one could be told from it: it is final. */
static enum tx_error fail_for_good(struct rocksdb_log *log, enum tx_error error, struct tx_why *why)
{
    TX_ASSERT(error != TX_OK && log->failed == TX_OK);
    log->failed = error;
    return tx_why(why, error, "%s", log->failed_why.text);
}

static enum tx_error refuse_if_closed_for_writing(const struct rocksdb_log *log, struct tx_why *why)
{
    if (log->read_only)
        return tx_why(why, TX_ESTATE, "%s: the log is open for reading only", log->directory);
    if (log->failed != TX_OK)
        return tx_why(why, log->failed, "%s", log->failed_why.text);
    return TX_OK;
}

/* HEAD's functions know the file alone. */
static enum tx_error name_directory(const char *directory, enum tx_error error, struct tx_why *why)
{
    if (why == NULL)
        return error;
    struct tx_why what = *why;
    return tx_why(why, error, "%s: %.400s", directory, what.text);
}

static enum tx_error advance_head(struct rocksdb_log *log, struct tx_lsn lsn)
{
    enum tx_error error = log_head_advance(&log->head, lsn, &log->failed_why);
    return error == TX_OK ? TX_OK : name_directory(log->directory, error, &log->failed_why);
}

static enum tx_error reset_head(struct rocksdb_log *log, struct tx_lsn lsn, struct tx_why *why)
{
    enum tx_error error = log_head_reset(&log->head, lsn, why);
    return error == TX_OK ? TX_OK : name_directory(log->directory, error, why);
}

/* What a SNAPSHOT_END names: its whole payload. */
static struct tx_lsn snapshot_begin(struct tx_bytes stored)
{
    struct tx_reader r =
        tx_reader(tx_bytes(stored.data + TXLOG_FRONT_BYTES, stored.len - TXLOG_FRONT_BYTES));
    return (struct tx_lsn){tx_read_u64(&r)};
}

static void add_to_batch(struct rocksdb_log *log, const struct txlog_append *append)
{
    struct txlog_front front;
    enum tx_error error = txlog_record_front(append->record, &front, NULL);
    TX_ASSERT(error == TX_OK && front.lsn.n == append->lsn.n);
    struct lsn_key key = lsn_key(append->lsn.n);
    rdb_put(log->rdb, RDB_LOG, lsn_key_view(&key), append->record);
    for (size_t i = 0; i < append->puts_n; i++) {
        const struct txlog_put *put = &append->puts[i];
        if (put->deleted)
            rdb_delete(log->rdb, RDB_DATA, put->key);
        else
            rdb_put(log->rdb, RDB_DATA, put->key, put->value);
    }
    if (front.type == TXLOG_SNAPSHOT_END)
        log_meta_put_snapshot(log->rdb, snapshot_begin(append->record));
    if (front.start > atomic_load(&log->last_start))
        atomic_store(&log->last_start, front.start);
}

static enum tx_error log_append(struct txlog *base, const struct txlog_append *appends, size_t n,
                                bool sync, struct tx_why *why)
{
    struct rocksdb_log *log = self(base);
    enum tx_error error = refuse_if_closed_for_writing(log, why);
    if (error != TX_OK)
        return error;
    TX_ASSERT(appends[0].lsn.n == atomic_load(&log->last) + 1);
    for (size_t i = 0; i < n; i++)
        add_to_batch(log, &appends[i]);
    error = rdb_commit(log->rdb, sync, &log->failed_why);
    if (error == TX_OK && sync)
        error = advance_head(log, appends[n - 1].lsn);
    if (error != TX_OK)
        return fail_for_good(log, error, why);
    atomic_store(&log->last, appends[n - 1].lsn.n);
    if (atomic_load(&log->first) == 0)
        atomic_store(&log->first, appends[0].lsn.n);
    return TX_OK;
}

static enum tx_error log_get(struct txlog *base, struct tx_lsn lsn, struct tx_buf *out,
                             struct tx_why *why)
{
    struct rocksdb_log *log = self(base);
    struct lsn_key key = lsn_key(lsn.n);
    enum tx_error error = rdb_get(log->rdb, RDB_LOG, lsn_key_view(&key), out, why);
    if (error == TX_ENOTFOUND)
        return tx_why(why, error, "%s: the log holds no LSN %" PRIu64, log->directory, lsn.n);
    return error;
}

struct each {
    struct rocksdb_log *log;
    enum tx_error (*visit)(void *arg, struct tx_lsn lsn, struct tx_bytes stored);
    void *arg;
    struct tx_why *why;
    uint64_t next; /* the LSN that comes next, for nothing may be left out */
};

static enum tx_error each_missing(const struct each *each, uint64_t to)
{
    return log_scan_missing(each->log->rdb, each->log->directory, (struct tx_lsn){each->next},
                            (struct tx_lsn){to}, each->why);
}

static enum tx_error each_visit(void *arg, struct tx_bytes key, struct tx_bytes stored)
{
    struct each *each = arg;
    struct tx_lsn lsn;
    if (!lsn_key_parse(key, &lsn))
        return tx_why(each->why, TX_ECORRUPT, "%s: a key of %zu bytes in the log is no LSN",
                      each->log->directory, key.len);
    if (lsn.n != each->next)
        return each_missing(each, lsn.n - 1);
    each->next++;
    return each->visit(each->arg, lsn, stored);
}

/* One by one, past what cannot be read: an iterator would stop at the first damaged block. */
static enum tx_error each_readable(struct each *each, uint64_t first, uint64_t last)
{
    struct tx_buf stored = {0};
    enum tx_error error = TX_OK;
    for (uint64_t n = first; n <= last && error == TX_OK; n++) {
        struct lsn_key key = lsn_key(n);
        if (rdb_get(each->log->rdb, RDB_LOG, lsn_key_view(&key), &stored, NULL) == TX_OK)
            error = each->visit(each->arg, (struct tx_lsn){n}, tx_buf_view(&stored));
    }
    tx_buf_deinit(&stored);
    return error;
}

static enum tx_error log_each(struct txlog *base, struct tx_lsn first, struct tx_lsn last,
                              enum tx_error (*visit)(void *, struct tx_lsn, struct tx_bytes),
                              void *arg, struct tx_why *why)
{
    struct rocksdb_log *log = self(base);
    uint64_t end = atomic_load(&log->last);
    uint64_t begin = atomic_load(&log->first);
    if (last.n != 0 && last.n < end)
        end = last.n;
    if (first.n > begin)
        begin = first.n;
    if (begin == 0 || begin > end)
        return TX_OK;
    struct each each = {.log = log, .visit = visit, .arg = arg, .why = why, .next = begin};
    if (log->damaged)
        return each_readable(&each, begin, end);
    struct lsn_key from = lsn_key(begin), to = lsn_key(end + 1);
    enum tx_error error =
        rdb_each(log->rdb, RDB_LOG, lsn_key_view(&from), lsn_key_view(&to), each_visit, &each, why);
    return error == TX_OK && each.next <= end ? each_missing(&each, end) : error;
}

static void adopt(struct rocksdb_log *log, const struct log_scan *scan)
{
    atomic_store(&log->first, scan->first.n);
    atomic_store(&log->last, scan->last.n);
    atomic_store(&log->last_start, scan->last_start);
}

/* HEAD goes back first: a crash in between leaves a log that is longer than HEAD says, which is
 * fine. */
static enum tx_error log_truncate(struct txlog *base, struct tx_lsn from, struct tx_why *why)
{
    struct rocksdb_log *log = self(base);
    enum tx_error error = refuse_if_closed_for_writing(log, why);
    if (error != TX_OK)
        return error;
    if (from.n <= log->meta.compacted.n)
        return tx_why(why, TX_EINVAL,
                      "%s: cannot truncate from LSN %" PRIu64 ": records up to %" PRIu64
                      " are compacted away",
                      log->directory, from.n, log->meta.compacted.n);
    uint64_t last = atomic_load(&log->last);
    if (from.n > last)
        return TX_OK;
    error = reset_head(log, (struct tx_lsn){from.n - 1}, &log->failed_why);
    if (error != TX_OK)
        return fail_for_good(log, error, why);
    struct lsn_key begin = lsn_key(from.n), end = lsn_key(last + 1);
    rdb_delete_range(log->rdb, RDB_LOG, lsn_key_view(&begin), lsn_key_view(&end));
    error = rdb_commit(log->rdb, true, &log->failed_why);
    if (error != TX_OK)
        return fail_for_good(log, error, why);
    struct log_scan scan;
    struct log_watcher nobody = {0};
    error = log_scan(log->rdb, log->directory, log->meta.compacted, nobody, &scan, why);
    if (error == TX_OK)
        adopt(log, &scan);
    return error;
}

/* Gives back the table files that hold compacted records alone, those of earlier compactions too: a
 * file that RocksDB was just rewriting is skipped, and goes the next time. */
static enum tx_error drop_compacted_files(struct rocksdb_log *log, struct tx_why *why)
{
    struct lsn_key first = lsn_key(1), last = lsn_key(log->meta.compacted.n);
    return rdb_drop_files(log->rdb, RDB_LOG, lsn_key_view(&first), lsn_key_view(&last), why);
}

/* The compaction point and the removal are one synced batch, before any file goes: a file that was
 * dropped while the point is not on disk yet would look like a lost beginning. */
static enum tx_error log_compact(struct txlog *base, struct tx_lsn up_to, struct tx_why *why)
{
    struct rocksdb_log *log = self(base);
    enum tx_error error = refuse_if_closed_for_writing(log, why);
    if (error != TX_OK)
        return error;
    uint64_t first = atomic_load(&log->first);
    if (first == 0 || up_to.n < first)
        return TX_OK;
    if (up_to.n >= atomic_load(&log->last))
        return tx_why(why, TX_EINVAL,
                      "%s: cannot compact up to LSN %" PRIu64 ": the last record (%" PRIu64
                      ") has to stay, it carries the highest start",
                      log->directory, up_to.n, (uint64_t)atomic_load(&log->last));
    struct lsn_key begin = lsn_key(first), end = lsn_key(up_to.n + 1);
    log_meta_put_compacted(log->rdb, up_to);
    rdb_delete_range(log->rdb, RDB_LOG, lsn_key_view(&begin), lsn_key_view(&end));
    error = rdb_commit(log->rdb, true, &log->failed_why);
    if (error != TX_OK)
        return fail_for_good(log, error, why);
    log->meta.compacted = up_to;
    atomic_store(&log->first, up_to.n + 1);
    error = drop_compacted_files(log, &log->failed_why);
    return error == TX_OK ? TX_OK : fail_for_good(log, error, why);
}

/* The copy's HEAD is made last: without it the copy is not whole and will not open. */
static enum tx_error log_checkpoint(struct txlog *base, const char *directory, struct tx_why *why)
{
    struct rocksdb_log *log = self(base);
    if (log->read_only)
        return tx_why(why, TX_ESTATE, "%s: the log is open for reading only", log->directory);
    struct tx_lsn last = {atomic_load(&log->last)};
    enum tx_error error = rdb_checkpoint(log->rdb, directory, why);
    if (error != TX_OK)
        return error;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return tx_why(why, TX_EIO, "%s: cannot open the checkpoint just made", directory);
    error = log_head_create(fd, log->head.identity, last, why);
    (void)close(fd);
    return error == TX_OK ? TX_OK : name_directory(directory, error, why);
}

static enum tx_error log_data_get(struct txlog *base, struct tx_bytes key, struct tx_buf *out,
                                  struct tx_why *why)
{
    return rdb_get(self(base)->rdb, RDB_DATA, key, out, why);
}

static enum tx_error log_data_each(struct txlog *base,
                                   enum tx_error (*visit)(void *, struct tx_bytes key,
                                                          struct tx_bytes value),
                                   void *arg, struct tx_why *why)
{
    struct tx_bytes all = {0};
    return rdb_each(self(base)->rdb, RDB_DATA, all, all, visit, arg, why);
}

static enum tx_error log_data_scan(struct txlog *base, const struct txlog_range *range,
                                   bool (*visit)(void *, struct tx_bytes key,
                                                 struct tx_bytes value),
                                   void *arg, struct tx_why *why)
{
    return rdb_scan(self(base)->rdb, RDB_DATA, range->from, range->to, range->reverse, visit, arg,
                    why);
}

static struct tx_lsn log_first(const struct txlog *base)
{
    return (struct tx_lsn){atomic_load(&const_self(base)->first)};
}

static struct tx_lsn log_last(const struct txlog *base)
{
    return (struct tx_lsn){atomic_load(&const_self(base)->last)};
}

static uint64_t log_last_start(const struct txlog *base)
{
    return atomic_load(&const_self(base)->last_start);
}

/* The lock goes last. */
static void log_close(struct txlog **basep)
{
    struct rocksdb_log *log = self(*basep);
    rdb_close(&log->rdb);
    log_head_close(&log->head);
    log_dir_close(&log->dir);
    free(log->directory);
    free(log);
    *basep = NULL;
}

static const struct txlog_vtable vtable = {
    .append = log_append,
    .get = log_get,
    .each = log_each,
    .truncate = log_truncate,
    .compact = log_compact,
    .checkpoint = log_checkpoint,
    .data_get = log_data_get,
    .data_each = log_data_each,
    .data_scan = log_data_scan,
    .first = log_first,
    .last = log_last,
    .last_start = log_last_start,
    .close = log_close,
};

/* Between CREATING's appearance and its end nobody can have appended: a first opening that was cut
 * short is cleared away and begun again. */
static enum tx_error create(struct rocksdb_log *log, const struct rocksdb_log_options *options,
                            struct tx_why *why)
{
    struct rdb *rdb = NULL;
    enum tx_error error = log_dir_create_begin(&log->dir, why);
    if (error == TX_OK && log->dir.content == LOG_DIR_UNFINISHED) {
        (void)unlinkat(log->dir.fd, LOG_HEAD_FILE, 0);
        error = rdb_destroy_files(log->directory, why);
    }
    if (error == TX_OK)
        error = rdb_open(log->directory, RDB_CREATE, options->cache_bytes, &rdb, why);
    if (error == TX_OK)
        error = log_meta_create(rdb, &options->identity, why);
    if (error == TX_OK && options->begins_after.n > 0) {
        log_meta_put_compacted(rdb, options->begins_after);
        error = rdb_commit(rdb, true, why);
    }
    rdb_close(&rdb);
    uint64_t hash;
    if (error != TX_OK)
        return error;
    error = log_meta_identity_hash(&options->identity, &hash);
    if (error != TX_OK)
        return tx_why(why, error, "%s: no memory to create the log", log->directory);
    error = log_head_create(log->dir.fd, hash, options->begins_after, why);
    if (error != TX_OK)
        return name_directory(log->directory, error, why);
    return log_dir_create_end(&log->dir, why);
}

static enum tx_error read_identity(struct rocksdb_log *log,
                                   const struct rocksdb_log_options *options, struct tx_why *why)
{
    enum tx_error error = log_meta_read(log->rdb, log->directory, &log->meta, why);
    bool anyone = log->read_only && options->identity.cluster[0] == '\0';
    if (error == TX_OK && !anyone)
        error = log_meta_check(&log->meta, &options->identity, log->directory, why);
    if (error == TX_OK && log->meta.is_restored && !log->read_only && !options->accepts_restored)
        error = tx_why(why, TX_EINVAL,
                       "%s: was restored from backup %s (cut %" PRIu64
                       "), and no daemon uses it before somebody says so; when every node is in "
                       "its place, it joins by: txrecover rejoin %s",
                       log->directory, log->meta.restored.backup, log->meta.restored.cut,
                       log->directory);
    return error;
}

/* `*usable` is false when no slot of HEAD is. */
static enum tx_error read_head(struct rocksdb_log *log, bool *usable, struct tx_why *why)
{
    uint64_t hash;
    enum tx_error error = log_meta_identity_hash(&log->meta.identity, &hash);
    struct tx_why what = {"no memory"};
    if (error == TX_OK)
        error = log_head_open(log->dir.fd, log->read_only, hash, &log->head, &what);
    *usable = error == TX_OK;
    if (error == TX_OK)
        return TX_OK;
    if (error != TX_ECORRUPT) /* it may be sound, and could not be read this time */
        return tx_why(why, error, "%s: %s", log->directory, what.text);
    return tx_why(why, error,
                  "%s: %s, so nobody can tell whether the end of the log is missing; restore the "
                  "directory from a checkpoint",
                  log->directory, what.text);
}

/* The log must reach what HEAD saw on disk. A log that never held a record has lost none. */
static enum tx_error check_end(struct rocksdb_log *log, const struct log_scan *scan,
                               struct tx_why *why)
{
    bool usable;
    enum tx_error error = read_head(log, &usable, why);
    if (error == TX_ECORRUPT && scan->last.n == 0 && log->head.fd >= 0)
        error = TX_OK;
    if (error != TX_OK || scan->last.n >= log->head.lsn.n)
        return error;
    return tx_why(why, TX_ELOST,
                  "%s: the newest part of the log is missing: it ends at LSN %" PRIu64
                  ", but LSN %" PRIu64 " was on disk; restore the missing files, or the directory "
                  "from a checkpoint",
                  log->directory, scan->last.n, log->head.lsn.n);
}

static enum tx_error begin_open(const struct rocksdb_log_options *options, bool read_only,
                                struct rocksdb_log **out, struct tx_why *why)
{
    struct rocksdb_log *log = calloc(1, sizeof(*log));
    if (log == NULL || (log->directory = strdup(options->directory)) == NULL) {
        free(log);
        return tx_why(why, TX_ENOMEM, "%s: no memory to open the log", options->directory);
    }
    log->base.vtable = &vtable;
    log->read_only = read_only;
    log->cache_bytes = options->cache_bytes;
    log->head.fd = -1;
    *out = log;
    return log_dir_open(log->directory, read_only, &log->dir, why);
}

static enum tx_error finish_open(struct rocksdb_log *log, enum tx_error error, struct txlog **out)
{
    struct txlog *base = log == NULL ? NULL : &log->base;
    if (error != TX_OK)
        txlog_close(&base);
    *out = base;
    return error;
}

/* The checks go through a read-only opening, so that a log that is refused stays as it was found:
 * RocksDB, opened for writing, replays and then deletes its write-ahead files, and a file that an
 * operator puts back afterwards would be ignored. */
enum tx_error rocksdb_log_begin(const struct rocksdb_log_options *options, struct txlog **out,
                                struct tx_why *why)
{
    struct rocksdb_log *log = NULL;
    bool read_only = options->mode == ROCKSDB_LOG_READ_ONLY;
    enum tx_error error = begin_open(options, read_only, &log, why);
    TX_ASSERT(log != NULL || error != TX_OK);
    if (error == TX_OK && log->dir.content != LOG_DIR_LOG)
        error = create(log, options, why);
    if (error == TX_OK)
        error = rdb_open(log->directory, read_only ? RDB_READ_ONLY : RDB_CHECK, log->cache_bytes,
                         &log->rdb, why);
    if (error == TX_OK)
        error = read_identity(log, options, why);
    return finish_open(log, error, out);
}

/* What cannot be read here is left to the check, which reads all of it. */
struct rocksdb_log_said rocksdb_log_said(const struct txlog *base)
{
    TX_ASSERT(base->vtable == &vtable);
    const struct rocksdb_log *log = const_self(base);
    struct rocksdb_log_said said = {.first = {log->meta.compacted.n + 1},
                                    .snapshot = log->meta.snapshot};
    struct tx_buf buf = {0};
    struct txlog_front front = {.type = TXLOG_NONE};
    if (rdb_last_key(log->rdb, RDB_LOG, &buf, NULL) != TX_OK ||
        !lsn_key_parse(tx_buf_view(&buf), &said.last))
        said.last.n = 0;
    struct lsn_key key = lsn_key(said.last.n);
    if (said.last.n > 0 && rdb_get(log->rdb, RDB_LOG, lsn_key_view(&key), &buf, NULL) == TX_OK &&
        txlog_record_front(tx_buf_view(&buf), &front, NULL) == TX_OK)
        said.last_start = front.start;
    tx_buf_deinit(&buf);
    return said;
}

enum tx_error rocksdb_log_check(struct txlog *base, struct log_watcher watcher, struct tx_why *why)
{
    TX_ASSERT(base->vtable == &vtable);
    struct rocksdb_log *log = self(base);
    struct log_scan scan;
    enum tx_error error =
        log_scan(log->rdb, log->directory, log->meta.compacted, watcher, &scan, why);
    if (error == TX_OK)
        error = check_end(log, &scan, why);
    if (error == TX_OK)
        adopt(log, &scan);
    return error;
}

/* Once it is open for writing, everything it gave back is on disk (RocksDB flushes what it replayed
 * before it opens), so HEAD may say so. */
enum tx_error rocksdb_log_finish(struct txlog *base, struct tx_why *why)
{
    TX_ASSERT(base->vtable == &vtable);
    struct rocksdb_log *log = self(base);
    if (log->read_only)
        return TX_OK;
    rdb_close(&log->rdb);
    enum tx_error error = rdb_open(log->directory, RDB_OPEN, log->cache_bytes, &log->rdb, why);
    if (error == TX_OK && log->meta.compacted.n > 0)
        error = drop_compacted_files(log, why);
    struct tx_lsn last = {atomic_load(&log->last)};
    return error == TX_OK ? reset_head(log, last, why) : error;
}

enum tx_error rocksdb_log_open(const struct rocksdb_log_options *options, struct txlog **out,
                               struct tx_why *why)
{
    struct log_watcher nobody = {0};
    enum tx_error error = rocksdb_log_begin(options, out, why);
    if (error == TX_OK)
        error = rocksdb_log_check(*out, nobody, why);
    if (error == TX_OK)
        error = rocksdb_log_finish(*out, why);
    if (error != TX_OK && *out != NULL)
        txlog_close(out);
    return error;
}

static enum tx_error open_damaged(struct rocksdb_log *log,
                                  const struct rocksdb_log_options *options,
                                  void (*on_damage)(void *arg, struct tx_lsn lsn, const char *text),
                                  void *arg, struct tx_why *why)
{
    struct tx_why what;
    enum tx_error error =
        rdb_open(log->directory, RDB_READ_ONLY, options->cache_bytes, &log->rdb, &what);
    if (error != TX_OK) {
        on_damage(arg, (struct tx_lsn){0}, what.text);
        error = rdb_open(log->directory, RDB_SALVAGE, options->cache_bytes, &log->rdb, why);
    }
    if (error == TX_OK)
        error = read_identity(log, options, why);
    bool usable;
    if (error == TX_OK && read_head(log, &usable, &what) != TX_OK)
        on_damage(arg, (struct tx_lsn){0}, what.text);
    struct log_scan scan;
    if (error == TX_OK)
        error = log_scan_damaged(log->rdb, log->meta.compacted, log->head.lsn, on_damage, arg,
                                 &scan, why);
    if (error == TX_OK)
        adopt(log, &scan);
    return error;
}

enum tx_error
rocksdb_log_open_damaged(const struct rocksdb_log_options *options, struct txlog **out,
                         void (*on_damage)(void *arg, struct tx_lsn lsn, const char *text),
                         void *arg, struct tx_why *why)
{
    struct rocksdb_log *log = NULL;
    enum tx_error error = begin_open(options, true, &log, why);
    if (error == TX_OK) {
        TX_ASSERT(log != NULL);
        log->damaged = true;
        error = open_damaged(log, options, on_damage, arg, why);
    }
    return finish_open(log, error, out);
}

struct txlog_identity rocksdb_log_identity(const struct txlog *log)
{
    TX_ASSERT(log->vtable == &vtable);
    return const_self(log)->meta.identity;
}

uint64_t rocksdb_log_bytes(const struct txlog *log)
{
    TX_ASSERT(log->vtable == &vtable);
    return rdb_bytes(const_self(log)->rdb, RDB_LOG);
}

uint64_t rocksdb_log_generation(const struct txlog *log)
{
    TX_ASSERT(log->vtable == &vtable);
    return const_self(log)->meta.generation;
}

const struct log_restored *rocksdb_log_restored(const struct txlog *log)
{
    TX_ASSERT(log->vtable == &vtable);
    const struct log_meta *meta = &const_self(log)->meta;
    return meta->is_restored ? &meta->restored : NULL;
}

enum tx_error rocksdb_log_set_restored(struct txlog *base, const struct log_restored *restored,
                                       struct tx_why *why)
{
    struct rocksdb_log *log = self(base);
    enum tx_error error = refuse_if_closed_for_writing(log, why);
    if (error != TX_OK)
        return error;
    error = log_meta_set_restored(log->rdb, restored, &log->failed_why);
    if (error != TX_OK)
        return fail_for_good(log, error, why);
    log->meta.is_restored = true;
    log->meta.restored = *restored;
    return TX_OK;
}

static enum tx_error join_as(struct txlog *base, uint64_t generation, struct tx_why *why)
{
    struct rocksdb_log *log = self(base);
    enum tx_error error = refuse_if_closed_for_writing(log, why);
    if (error != TX_OK)
        return error;
    TX_ASSERT(log->meta.is_restored);
    error = log_meta_join(log->rdb, generation, &log->failed_why);
    if (error != TX_OK)
        return fail_for_good(log, error, why);
    log->meta.is_restored = false;
    log->meta.generation = generation;
    return TX_OK;
}

enum tx_error rocksdb_log_join(struct txlog *log, struct tx_why *why)
{
    return join_as(log, self(log)->meta.restored.generation, why);
}

enum tx_error rocksdb_log_join_alone(struct txlog *log, struct tx_why *why)
{
    return join_as(log, self(log)->meta.generation, why);
}
