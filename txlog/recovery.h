/* Recovery: feeds a daemon's core with what its log holds, from the last complete snapshot on. */
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

/* The number of the start that is about to begin, one more than any record's. TX_ECORRUPT when
 * there is no higher one. */
enum tx_error recovery_next_start(struct txlog *log, uint64_t *start,
                                  struct tx_why *why) TX_MUST_CHECK;

#endif
