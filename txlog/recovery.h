/* Recovery: feeds a daemon's core with what its log holds, from the last complete snapshot on.
 *
 * Where that snapshot begins is known for certain only at the end of the log. recovery_replay()
 * walks over the log twice: it looks for the place, then replays. A daemon makes do with the one
 * walk that checks its log, and replays meanwhile from where its log was told that the snapshot is:
 *
 *   recovery_begin()   with that place
 *   recovery_watch()   for every record
 *   recovery_end()     if another place turns out to be the right one: replays anew from there
 */
#ifndef ASSENT_TXLOG_RECOVERY_H
#define ASSENT_TXLOG_RECOVERY_H

#include "txlog/record.h"
#include "txlog/txlog.h"

struct recovery_summary {
    struct tx_lsn first; /* where replay began: 1, or the last complete snapshot, or the first
                            retained record */
    struct tx_lsn last;  /* 0 when the log is empty */
    uint64_t records;    /* replayed */
};

/* Visits the decoded records in order. The record is borrowed for the call. Stops at the first
 * error, the visitor's included. Without a snapshot a log that has lost its beginning to compaction
 * is TX_ECORRUPT. */
enum tx_error recovery_replay(struct txlog *log,
                              enum tx_error (*visit)(void *arg, const struct txlog_record *record,
                                                     struct tx_why *why),
                              void *arg, struct recovery_summary *summary,
                              struct tx_why *why) TX_MUST_CHECK;

/* Into what is replayed. */
struct recovery_visitor {
    void (*begin)(void *arg); /* with nothing in it: before the first record, and again when what
                                 was replayed until then counts for nothing */
    enum tx_error (*record)(void *arg, const struct txlog_record *record, struct tx_why *why);
    void *arg;
};

/* A replay that goes along with somebody's walk over the log. */
struct recovery {
    struct recovery_visitor visitor;
    struct tx_lsn first;    /* of the log */
    struct tx_lsn from;     /* what is watched is replayed from there on; 0: nothing */
    struct tx_lsn begun;    /* the SNAPSHOT_BEGIN that has no end yet; 0: none */
    struct tx_lsn snapshot; /* that of the newest complete snapshot; 0: there is none */
    uint64_t records;       /* replayed */
    struct tx_arena arena;
    /* The first trouble of either kind; nothing more is done after it. */
    enum tx_error unreadable, refused;
    struct tx_why unreadable_why, refused_why;
};

/* For a log whose first retained record is `first`, 0 when there is none, and in which the newest
 * snapshot is said to begin at `snapshot`; 0 when nobody knows. Calls the visitor's begin().
 * recovery_end() or recovery_drop() has to follow. */
void recovery_begin(struct recovery *recovery, const struct recovery_visitor *visitor,
                    struct tx_lsn first, struct tx_lsn snapshot);

/* The next record, from the first one on; `stored` has passed txlog_record_front(), which gave
 * `front`. What is wrong with it comes out at the end. */
void recovery_watch(struct recovery *recovery, const struct txlog_front *front,
                    struct tx_bytes stored);

/* All of `log` has been watched. With `again`, what was replayed so far counts for nothing. Errors
 * as those of recovery_replay(), in the order in which that finds them. Nothing is left to be
 * freed. */
enum tx_error recovery_end(struct recovery *recovery, struct txlog *log, bool again,
                           struct recovery_summary *summary, struct tx_why *why) TX_MUST_CHECK;

/* Instead of the end: the walk has failed. */
void recovery_drop(struct recovery *recovery);

/* The number of the start of this life that is about to begin (tx_start_after() in
 * common/lineage.h), above any record's. TX_ECORRUPT when there is no higher one. */
enum tx_error recovery_next_start(struct txlog *log, uint64_t life, uint64_t *start,
                                  struct tx_why *why) TX_MUST_CHECK;

#endif
