/* A daemon's log from its opening to its end: open, check and replay into the core in one walk,
 * make the new start durable, then append through the log writer. Both daemons go through the same
 * steps in the same order. */
#ifndef ASSENT_TXLOG_NODE_LOG_H
#define ASSENT_TXLOG_NODE_LOG_H

#include "txlog/log_writer.h"
#include "txlog/record.h"
#include "txlog/recovery.h"

struct node_log {
    struct txlog *log;
    struct log_writer *writer;
    uint64_t start;                   /* of this run: epoch or incarnation */
    uint64_t life;                    /* of this run, random */
    struct tx_lsn first;              /* the first record that was there at the start; 0: none */
    uint64_t generation;              /* of the cluster: log_meta.h */
    struct tx_lsn last;               /* queued */
    struct recovery_summary recovery; /* of the replay, before this start's own record */
    struct tx_buf scratch;
    const char *directory; /* borrowed from the options */
    uint32_t lazy_ms, group_wait_us;
    bool owner_writes;
    void (*reading)(void *arg, struct tx_lsn at, struct tx_lsn first, struct tx_lsn last);
    void *arg;
};

struct node_log_options {
    const char *directory; /* must outlive the log */
    struct txlog_identity identity;
    uint32_t lazy_ms, group_wait_us; /* of the log writer */
    bool owner_writes;               /* of the log writer: the owner calls log_writer_write() */
    /* Told once a second while the log is read: `at` of `first` to `last`. NULL: nobody is. */
    void (*reading)(void *arg, struct tx_lsn at, struct tx_lsn first, struct tx_lsn last);
    void *arg;
};

/* Opens the log, and checks whose it is; `node->life` is then drawn. */
enum tx_error node_log_open(struct node_log *node, const struct node_log_options *options,
                            struct tx_why *why) TX_MUST_CHECK;

/* Checks the log and replays it into `visitor`, opens it for writing, forces the START record of
 * this start to disk, starts the writer. A log that is refused is as it was before.
 *
 * When the visitor's begin() is called, `node->start` is known: the number after the highest start
 * in the log that this life gives (see common/lineage.h). With another call it may be another.
 * After an error only node_log_close() is left. */
enum tx_error node_log_start(struct node_log *node, uint64_t time_ms,
                             const struct recovery_visitor *visitor,
                             struct tx_why *why) TX_MUST_CHECK;

/* What of the log is kept. */
struct node_log_extent {
    struct tx_lsn first;
    uint64_t bytes; /* that the store says it takes, about */
};
struct node_log_extent node_log_extent(const struct node_log *node);

/* Queues a record, whose LSN must be the next one, and the data that are atomic with it.
 * `record->start` is filled in. TX_ENOMEM. */
enum tx_error node_log_append(struct node_log *node, struct txlog_record *record,
                              const struct txlog_put *puts, size_t puts_n,
                              bool force) TX_MUST_CHECK;

/* Writes what is queued unless a write has failed, and closes. The error of the last write, if
 * there was one. */
enum tx_error node_log_close(struct node_log *node, struct tx_why *why) TX_MUST_CHECK;

#endif
