/* The check of a whole retained log. */
#include "txlog/log_scan.h"

#include "common/assert.h"
#include "txlog/lsn_key.h"
#include "txlog/record.h"

#include <inttypes.h>
#include <stdio.h>

#define LOOK_FURTHER "; `txrecover verify` shows what can still be read; restore a checkpoint"

struct strict {
    struct rdb *rdb;
    const char *directory;
    struct log_watcher watcher;
    struct log_scan *scan;
    struct tx_why *why;
};

static void note(struct log_scan *scan, const struct txlog_front *front)
{
    if (scan->first.n == 0)
        scan->first = front->lsn;
    scan->last = front->lsn;
    if (front->start > scan->last_start)
        scan->last_start = front->start;
}

/* Is this stored record what it should be at `lsn`? */
static enum tx_error check_record(struct tx_lsn lsn, struct tx_bytes stored,
                                  struct txlog_front *front, struct tx_why *why)
{
    enum tx_error error = txlog_record_front(stored, front, why);
    if (error == TX_OK && front->lsn.n != lsn.n)
        return tx_why(why, TX_ECORRUPT, "the record says that it is LSN %" PRIu64, front->lsn.n);
    return error;
}

enum tx_error log_scan_missing(struct rdb *rdb, const char *directory, struct tx_lsn from,
                               struct tx_lsn to, struct tx_why *why)
{
    struct lsn_key key = lsn_key(from.n);
    struct tx_buf stored = {0};
    struct tx_why what;
    enum tx_error error = rdb_get(rdb, RDB_LOG, lsn_key_view(&key), &stored, &what);
    tx_buf_deinit(&stored);
    if (error == TX_ENOTFOUND)
        return tx_why(why, TX_EGAP,
                      "%s: the log has a gap: LSN %" PRIu64 " to %" PRIu64
                      " are missing" LOOK_FURTHER,
                      directory, from.n, to.n);
    if (error == TX_OK)
        return tx_why(why, TX_EIO,
                      "%s: LSN %" PRIu64 " to %" PRIu64 " could not be read at first, and can be "
                      "now; look into the kernel's log for errors of the disk, then start again",
                      directory, from.n, to.n);
    return tx_why(why, error, "%s", what.text);
}

static enum tx_error strict_visit(void *arg, struct tx_bytes key, struct tx_bytes stored)
{
    struct strict *s = arg;
    uint64_t expected = s->scan->last.n + 1;
    struct tx_lsn lsn;
    if (!lsn_key_parse(key, &lsn))
        return tx_why(s->why, TX_ECORRUPT,
                      "%s: after LSN %" PRIu64
                      " stands a key of %zu bytes that is no LSN" LOOK_FURTHER,
                      s->directory, s->scan->last.n, key.len);
    if (lsn.n != expected)
        return log_scan_missing(s->rdb, s->directory, (struct tx_lsn){expected},
                                (struct tx_lsn){lsn.n - 1}, s->why);
    struct txlog_front front;
    struct tx_why what;
    enum tx_error error = check_record(lsn, stored, &front, &what);
    if (error != TX_OK)
        return tx_why(s->why, error, "%s: LSN %" PRIu64 ": %s%s", s->directory, lsn.n, what.text,
                      error == TX_ECORRUPT ? LOOK_FURTHER
                                           : "; use the program that wrote it, or a newer one");
    note(s->scan, &front);
    if (s->watcher.see != NULL)
        s->watcher.see(s->watcher.arg, &front, stored);
    return TX_OK;
}

/* An iterator that has lost its way looks like one at the end; a single read does not. What was
 * lost would come back later, among the records written in its place. */
static enum tx_error check_end(struct rdb *rdb, const char *directory, struct tx_lsn last,
                               struct tx_why *why)
{
    struct lsn_key key = lsn_key(last.n + 1);
    struct tx_buf stored = {0};
    enum tx_error error = rdb_get(rdb, RDB_LOG, lsn_key_view(&key), &stored, why);
    tx_buf_deinit(&stored);
    if (error == TX_ENOTFOUND)
        return TX_OK;
    if (error != TX_OK)
        return error;
    return tx_why(why, TX_EIO,
                  "%s: LSN %" PRIu64 " and what follows it could not be read at first, and can be "
                  "now; look into the kernel's log for errors of the disk, then start again",
                  directory, last.n + 1);
}

enum tx_error log_scan(struct rdb *rdb, const char *directory, struct tx_lsn compacted,
                       struct log_watcher watcher, struct log_scan *scan, struct tx_why *why)
{
    *scan = (struct log_scan){.last = compacted};
    struct strict strict = {
        .rdb = rdb, .directory = directory, .watcher = watcher, .scan = scan, .why = why};
    struct lsn_key from = lsn_key(compacted.n + 1);
    enum tx_error error =
        rdb_each(rdb, RDB_LOG, lsn_key_view(&from), tx_bytes(NULL, 0), strict_visit, &strict, why);
    return error == TX_OK ? check_end(rdb, directory, scan->last, why) : error;
}

/* A run of neighbouring LSNs with the same trouble. */
struct damage {
    void (*on_damage)(void *arg, struct tx_lsn lsn, const char *text);
    void *arg;
    uint64_t from, to; /* from 0: none is open */
    struct tx_why what;
};

static void damage_flush(struct damage *d)
{
    if (d->from == 0)
        return;
    struct tx_why text;
    if (d->from == d->to)
        (void)tx_why(&text, TX_ECORRUPT, "LSN %" PRIu64 ": %.400s", d->from, d->what.text);
    else
        (void)tx_why(&text, TX_ECORRUPT, "LSN %" PRIu64 " to %" PRIu64 ": %.400s", d->from, d->to,
                     d->what.text);
    d->on_damage(d->arg, (struct tx_lsn){d->from}, text.text);
    d->from = 0;
}

static void damage_add(struct damage *d, uint64_t lsn, const struct tx_why *what)
{
    bool same = d->from != 0 && d->to + 1 == lsn &&
                tx_bytes_equal(tx_bytes_str(d->what.text), tx_bytes_str(what->text));
    if (!same) {
        damage_flush(d);
        d->from = lsn;
        d->what = *what;
    }
    d->to = lsn;
}

/* How far to look: an unreadable end is not known to RocksDB, but HEAD knows it. */
static uint64_t end_of_damaged(struct rdb *rdb, struct tx_lsn head)
{
    struct tx_buf key = {0};
    struct tx_lsn last = {0};
    if (rdb_last_key(rdb, RDB_LOG, &key, NULL) != TX_OK || !lsn_key_parse(tx_buf_view(&key), &last))
        last.n = 0;
    tx_buf_deinit(&key);
    return last.n > head.n ? last.n : head.n;
}

enum tx_error log_scan_damaged(struct rdb *rdb, struct tx_lsn compacted, struct tx_lsn head,
                               void (*on_damage)(void *arg, struct tx_lsn lsn, const char *text),
                               void *arg, struct log_scan *scan, struct tx_why *why)
{
    *scan = (struct log_scan){.last = compacted};
    struct damage damage = {.on_damage = on_damage, .arg = arg};
    struct tx_buf stored = {0};
    uint64_t end = end_of_damaged(rdb, head);
    for (uint64_t n = compacted.n + 1; n <= end; n++) {
        struct lsn_key key = lsn_key(n);
        struct txlog_front front;
        struct tx_why what;
        enum tx_error error = rdb_get(rdb, RDB_LOG, lsn_key_view(&key), &stored, &what);
        if (error == TX_ENOMEM) {
            tx_buf_deinit(&stored);
            return tx_why(why, error, "%s", what.text);
        }
        if (error == TX_ENOTFOUND)
            (void)tx_why(&what, error, "missing");
        if (error == TX_OK)
            error = check_record((struct tx_lsn){n}, tx_buf_view(&stored), &front, &what);
        if (error == TX_OK)
            note(scan, &front);
        else
            damage_add(&damage, n, &what);
    }
    damage_flush(&damage);
    tx_buf_deinit(&stored);
    return TX_OK;
}
