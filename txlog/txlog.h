/* The log interface: a dense sequence of records and, beside it, ordered data, changed in atomic
 * batches.
 *
 * A backend implements struct txlog_vtable. RocksDB is the embedded one (txlog/rocksdb_log.h). LSNs
 * are dense from 1: appends must name exactly the next one. One thread at a time may append;
 * reading is allowed from other threads. A failed append is ambiguous (it may be on disk) and
 * final: the backend refuses everything after it and the daemon must stop and recover at its next
 * start. */
#ifndef ASSENT_TXLOG_TXLOG_H
#define ASSENT_TXLOG_TXLOG_H

#include "common/ids.h"

struct txlog;

/* Who owns a log; stamped into it at its first opening and checked at every later one. */
struct txlog_identity {
    char cluster[TX_CLUSTER_MAX + 1];
    enum tx_role role;
    struct tx_name name;  /* participant */
    uint32_t coordinator; /* coordinator */
};

/* A change of the data beside the log; a delete when `deleted`. */
struct txlog_put {
    struct tx_bytes key;
    struct tx_bytes value;
    bool deleted;
};

/* One stored record (txlog/record.h) and the changes of the data that are atomic with it. */
struct txlog_append {
    struct tx_lsn lsn;
    struct tx_bytes record;
    const struct txlog_put *puts;
    size_t puts_n;
};

/* The keys of the data from `from` (empty: the first) up to `to` (not included; empty: the end),
 * from the last to the first when `reverse`. */
struct txlog_range {
    struct tx_bytes from;
    struct tx_bytes to;
    bool reverse;
};

struct txlog_vtable {
    enum tx_error (*append)(struct txlog *, const struct txlog_append *, size_t n, bool sync,
                            struct tx_why *);
    enum tx_error (*get)(struct txlog *, struct tx_lsn, struct tx_buf *, struct tx_why *);
    enum tx_error (*each)(struct txlog *, struct tx_lsn first, struct tx_lsn last,
                          enum tx_error (*visit)(void *, struct tx_lsn, struct tx_bytes), void *arg,
                          struct tx_why *);
    enum tx_error (*truncate)(struct txlog *, struct tx_lsn from, struct tx_why *);
    enum tx_error (*compact)(struct txlog *, struct tx_lsn up_to, struct tx_why *);
    enum tx_error (*checkpoint)(struct txlog *, const char *directory, struct tx_why *);
    enum tx_error (*data_get)(struct txlog *, struct tx_bytes key, struct tx_buf *out,
                              struct tx_why *);
    enum tx_error (*data_each)(struct txlog *,
                               enum tx_error (*visit)(void *, struct tx_bytes key,
                                                      struct tx_bytes value),
                               void *arg, struct tx_why *);
    enum tx_error (*data_scan)(struct txlog *, const struct txlog_range *,
                               bool (*visit)(void *, struct tx_bytes key, struct tx_bytes value),
                               void *arg, struct tx_why *);
    struct tx_lsn (*first)(const struct txlog *);
    struct tx_lsn (*last)(const struct txlog *);
    uint64_t (*last_start)(const struct txlog *);
    void (*close)(struct txlog **);
};

/* A backend's object begins with this. */
struct txlog {
    const struct txlog_vtable *vtable;
};

/* Appends records (and their data) as one atomic batch; with `sync` they are on disk when this
 * returns. A batch without sync is durable when any later synced batch is. */
enum tx_error txlog_append(struct txlog *log, const struct txlog_append *appends, size_t n,
                           bool sync, struct tx_why *why) TX_MUST_CHECK;
/* TX_ENOTFOUND when the log does not hold that LSN. The stored form replaces the content
 * of `out`. */
enum tx_error txlog_get(struct txlog *log, struct tx_lsn lsn, struct tx_buf *out,
                        struct tx_why *why) TX_MUST_CHECK;
/* Visits the stored records from `first` to `last` (both included; a `last` of 0 means the end) in
 * order; stops at the visitor's first error and returns it. */
enum tx_error txlog_each(struct txlog *log, struct tx_lsn first, struct tx_lsn last,
                         enum tx_error (*visit)(void *arg, struct tx_lsn lsn,
                                                struct tx_bytes stored),
                         void *arg, struct tx_why *why) TX_MUST_CHECK;
/* Removes every record from `from` on (synced). For repair tools; never used on acknowledged
 * records. */
enum tx_error txlog_truncate(struct txlog *log, struct tx_lsn from,
                             struct tx_why *why) TX_MUST_CHECK;
/* Removes every record up to and including `up_to`, and frees their space. TX_EINVAL when that
 * would include the last record, which has to stay: it carries the highest start. */
enum tx_error txlog_compact(struct txlog *log, struct tx_lsn up_to,
                            struct tx_why *why) TX_MUST_CHECK;
/* A consistent copy in a directory that must not exist yet. */
enum tx_error txlog_checkpoint(struct txlog *log, const char *directory,
                               struct tx_why *why) TX_MUST_CHECK;
/* TX_ENOTFOUND when the data hold no such key. */
enum tx_error txlog_data_get(struct txlog *log, struct tx_bytes key, struct tx_buf *out,
                             struct tx_why *why) TX_MUST_CHECK;
enum tx_error txlog_data_each(struct txlog *log,
                              enum tx_error (*visit)(void *arg, struct tx_bytes key,
                                                     struct tx_bytes value),
                              void *arg, struct tx_why *why) TX_MUST_CHECK;
/* Visits a range of the data in its order, as it was at the call, until the visitor returns false;
 * what it is given is borrowed for its call. What cannot be read is an error (TX_EIO, TX_ECORRUPT)
 * with a text, never an end. */
enum tx_error txlog_data_scan(struct txlog *log, const struct txlog_range *range,
                              bool (*visit)(void *arg, struct tx_bytes key, struct tx_bytes value),
                              void *arg, struct tx_why *why) TX_MUST_CHECK;
/* The lowest LSN that is there; 0 when there is no record. */
struct tx_lsn txlog_first(const struct txlog *log);
/* The highest LSN, after which the next append goes; 0 when nothing was ever appended. Only
 * truncating right behind a compaction leaves a log without records whose last LSN is not 0. */
struct tx_lsn txlog_last(const struct txlog *log);
/* The highest `start` (epoch or incarnation) of any record; 0 when there is none. */
uint64_t txlog_last_start(const struct txlog *log);
void txlog_close(struct txlog **log);

#endif
