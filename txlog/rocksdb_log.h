/* The log on RocksDB: column families "log" (8-byte big-endian LSN -> stored record), "meta"
 * (format version, identity) and "data" (the key-value store), and beside them the file HEAD, which
 * holds the highest LSN known to be on disk, so that a missing newest file is found out. See
 * txlog/README.md for the settings and why. */
#ifndef ASSENT_TXLOG_ROCKSDB_LOG_H
#define ASSENT_TXLOG_ROCKSDB_LOG_H

#include "txlog/log_meta.h"
#include "txlog/log_scan.h"
#include "txlog/txlog.h"

enum rocksdb_log_mode {
    ROCKSDB_LOG_OPEN,      /* read and write; creates what is missing; one process at a time */
    ROCKSDB_LOG_READ_ONLY, /* changes nothing in the directory; refused while a daemon has
                            * it open */
};

struct rocksdb_log_options {
    const char *directory;
    enum rocksdb_log_mode mode;
    struct txlog_identity
        identity;       /* checked; with READ_ONLY and an empty cluster: accepted whoever it is */
    size_t cache_bytes; /* block cache; 0: 64 MiB */
    bool accepts_restored; /* OPEN: also one that was restored and has not joined yet. For tools */
    struct tx_lsn begins_after; /* a new log only: as if everything up to here had been compacted
                                   away. For txrecover */
};

/* Opens, and checks the whole retained log: the identity, the format version, that LSNs are dense,
 * every checksum, and that the end is not before HEAD. Errors, each with a text that names the
 * directory, the position and the remedy: TX_EBUSY, TX_EACCESS, TX_ENOTFOUND (READ_ONLY),
 * TX_ECLUSTER, TX_ENODE, TX_EVERSION, TX_EGAP, TX_ECORRUPT, TX_ELOST, TX_EFULL, TX_EIO. */
enum tx_error rocksdb_log_open(const struct rocksdb_log_options *options, struct txlog **log,
                               struct tx_why *why) TX_MUST_CHECK;

/* The same in three steps, for who replays the log along with the walk that checks it. After an
 * error only txlog_close() is left; so it is for appending before the last step, and for everything
 * but rocksdb_log_said() before the second.
 *
 * First: the directory, the identity, the format. `*log` is NULL after an error. */
enum tx_error rocksdb_log_begin(const struct rocksdb_log_options *options, struct txlog **log,
                                struct tx_why *why) TX_MUST_CHECK;

/* What a log that has been begun says of itself, for a replay to begin with. It may be wrong, all
 * but `first`. */
struct rocksdb_log_said {
    struct tx_lsn first;    /* if there is any record, this is the first one */
    struct tx_lsn last;     /* 0: none */
    uint64_t last_start;    /* as txlog_last_start() */
    struct tx_lsn snapshot; /* where the newest complete one begins; 0: nobody knows */
};
struct rocksdb_log_said rocksdb_log_said(const struct txlog *log);

/* Second: all other checks; each record that has passed its own is shown to `watcher`. Then the log
 * can be read. */
enum tx_error rocksdb_log_check(struct txlog *log, struct log_watcher watcher,
                                struct tx_why *why) TX_MUST_CHECK;

/* Third: open for writing, unless it is READ_ONLY. Nothing in the directory has changed before. */
enum tx_error rocksdb_log_finish(struct txlog *log, struct tx_why *why) TX_MUST_CHECK;

/* Reads as much as can be read of a damaged directory: opens READ_ONLY without the checks of the
 * retained log, which `on_damage` is then told, one call for each damaged or missing LSN range. For
 * txrecover. */
enum tx_error
rocksdb_log_open_damaged(const struct rocksdb_log_options *options, struct txlog **log,
                         void (*on_damage)(void *arg, struct tx_lsn lsn, const char *text),
                         void *arg, struct tx_why *why) TX_MUST_CHECK;

/* About how many bytes the records take, in memory and in tables. From any thread. */
uint64_t rocksdb_log_bytes(const struct txlog *log);
/* Which restore of a backup the cluster goes back to; 0: to none. */
uint64_t rocksdb_log_generation(const struct txlog *log);
/* Where it comes from, when it was restored and has not joined yet; else NULL. */
const struct log_restored *rocksdb_log_restored(const struct txlog *log);
/* Marks it as restored: no daemon opens it any more. For txrecover. */
enum tx_error rocksdb_log_set_restored(struct txlog *log, const struct log_restored *restored,
                                       struct tx_why *why) TX_MUST_CHECK;
/* Takes the mark away: from here on it is of the generation that the mark has. */
enum tx_error rocksdb_log_join(struct txlog *log, struct tx_why *why) TX_MUST_CHECK;
/* The same, but it stays of the generation that it was of: a cluster that has gone on. */
enum tx_error rocksdb_log_join_alone(struct txlog *log, struct tx_why *why) TX_MUST_CHECK;

/* Whose log it is. */
struct txlog_identity rocksdb_log_identity(const struct txlog *log);

#endif
