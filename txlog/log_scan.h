/* The check of a whole retained log: every key, header, checksum, and that nothing is missing. */
#ifndef ASSENT_TXLOG_LOG_SCAN_H
#define ASSENT_TXLOG_LOG_SCAN_H

#include "txlog/rdb.h"
#include "txlog/record.h"
#include "txlog/txlog.h"

struct log_scan {
    struct tx_lsn first; /* 0: no record is retained */
    struct tx_lsn last;  /* the compaction point when no record is retained */
    uint64_t last_start;
};

/* Is shown each record that has passed, in order; `stored` is borrowed for the call. */
struct log_watcher {
    void (*see)(void *arg, const struct txlog_front *front, struct tx_bytes stored); /* or NULL */
    void *arg;
};

/* The log that begins after `compacted`. TX_EGAP, TX_ECORRUPT, TX_EVERSION, TX_EIO; the text names
 * the position. */
enum tx_error log_scan(struct rdb *rdb, const char *directory, struct tx_lsn compacted,
                       struct log_watcher watcher, struct log_scan *scan,
                       struct tx_why *why) TX_MUST_CHECK;

/* What to say, and to return, when an iterator went past `from` to `to` without a word. RocksDB 7.8
 * can end there where it could not read the disk, and tell no error (see rdb.c); one of the missing
 * records, read by itself, tells that from a gap. TX_EGAP, TX_EIO. */
enum tx_error log_scan_missing(struct rdb *rdb, const char *directory, struct tx_lsn from,
                               struct tx_lsn to, struct tx_why *why) TX_MUST_CHECK;

/* log_scan() for a damaged log: goes on after every kind of damage and reports each range of LSNs
 * that is missing or unreadable once, up to `head` at least. `scan` then spans what is readable. */
enum tx_error log_scan_damaged(struct rdb *rdb, struct tx_lsn compacted, struct tx_lsn head,
                               void (*on_damage)(void *arg, struct tx_lsn lsn, const char *text),
                               void *arg, struct log_scan *scan, struct tx_why *why) TX_MUST_CHECK;

#endif
