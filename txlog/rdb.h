/* RocksDB as the log uses it: fixed column families, fixed settings, errors as enum tx_error. The
 * only file that includes rocksdb/c.h is rdb.c; the settings stand there, each with its reason.
 *
 * Reading is allowed from several threads; the one pending batch belongs to the thread
 * that writes. */
#ifndef ASSENT_TXLOG_RDB_H
#define ASSENT_TXLOG_RDB_H

#include "common/bytes.h"

/* RDB_DEFAULT has to exist for RocksDB and stays empty. The order is that of their creation, and in
 * it RocksDB notes in the manifest what a recovery has flushed. The log is the last, so that a
 * manifest that has lost its end lacks records, which their numbers show; were the data behind it,
 * they would go back in time below a log that is whole, and nothing would show it. */
enum rdb_family { RDB_DEFAULT, RDB_META, RDB_DATA, RDB_LOG, RDB_FAMILIES_N };

enum rdb_mode {
    RDB_CREATE,    /* a new database */
    RDB_OPEN,      /* an existing one, to read and write */
    RDB_CHECK,     /* to read the log and the marks only; the caller owns the directory and will
                    * write to it. The data cannot be read */
    RDB_READ_ONLY, /* changes nothing in the directory */
    RDB_SALVAGE,   /* RDB_READ_ONLY that passes over damaged parts of the write-ahead files */
};

struct rdb;

/* The error is classified from RocksDB's text (TX_ECORRUPT, TX_EFULL, TX_EACCESS, TX_EBUSY,
 * TX_ENOTFOUND, TX_EINVAL, TX_EIO); `why` names the directory, quotes RocksDB and gives
 * the remedy. */
enum tx_error rdb_open(const char *directory, enum rdb_mode mode, size_t cache_bytes,
                       struct rdb **rdb, struct tx_why *why) TX_MUST_CHECK;
void rdb_close(struct rdb **rdb);
/* Removes the files of a database that was never completed. */
enum tx_error rdb_destroy_files(const char *directory, struct tx_why *why) TX_MUST_CHECK;

/* The value replaces the content of `out`. TX_ENOTFOUND when there is none. */
enum tx_error rdb_get(struct rdb *rdb, enum rdb_family family, struct tx_bytes key,
                      struct tx_buf *out, struct tx_why *why) TX_MUST_CHECK;

/* Visits keys from `from` (empty: the first) up to but not including `to` (empty: the end), in
 * order; stops at the visitor's first error and returns it, with the visitor's own words. */
enum tx_error
rdb_each(struct rdb *rdb, enum rdb_family family, struct tx_bytes from, struct tx_bytes to,
         enum tx_error (*visit)(void *arg, struct tx_bytes key, struct tx_bytes value), void *arg,
         struct tx_why *why) TX_MUST_CHECK;

/* Visits the keys from `from` (empty: the first) up to but not including `to` (empty: the end),
 * from the last to the first when `reverse`, until the visitor returns false: for short ranges that
 * are read again and again, unlike rdb_each(). */
enum tx_error rdb_scan(struct rdb *rdb, enum rdb_family family, struct tx_bytes from,
                       struct tx_bytes to, bool reverse,
                       bool (*visit)(void *arg, struct tx_bytes key, struct tx_bytes value),
                       void *arg, struct tx_why *why) TX_MUST_CHECK;

/* The greatest key of a family. TX_ENOTFOUND when it is empty. */
enum tx_error rdb_last_key(struct rdb *rdb, enum rdb_family family, struct tx_buf *out,
                           struct tx_why *why) TX_MUST_CHECK;

/* Add to the pending batch. */
void rdb_put(struct rdb *rdb, enum rdb_family family, struct tx_bytes key, struct tx_bytes value);
void rdb_delete(struct rdb *rdb, enum rdb_family family, struct tx_bytes key);
/* `to` is not included. */
void rdb_delete_range(struct rdb *rdb, enum rdb_family family, struct tx_bytes from,
                      struct tx_bytes to);
/* Writes the pending batch as one atomic change and empties it, whatever happens. */
enum tx_error rdb_commit(struct rdb *rdb, bool sync, struct tx_why *why) TX_MUST_CHECK;

/* Frees the files that hold nothing but keys of [from, to], without any compaction. */
enum tx_error rdb_drop_files(struct rdb *rdb, enum rdb_family family, struct tx_bytes from,
                             struct tx_bytes to, struct tx_why *why) TX_MUST_CHECK;

/* A consistent copy in a directory that must not exist yet. */
enum tx_error rdb_checkpoint(struct rdb *rdb, const char *directory,
                             struct tx_why *why) TX_MUST_CHECK;

/* About how many bytes the family takes, in memory and in tables. From any thread. */
uint64_t rdb_bytes(const struct rdb *rdb, enum rdb_family family);

#endif
