/* The directory that txrecover reads: opened so that nothing in it changes, and as far as it can be
 * read when it is damaged. Every damage is reported once, with its position. */
#ifndef ASSENT_TXLOG_RECOVER_SOURCE_H
#define ASSENT_TXLOG_RECOVER_SOURCE_H

#include "txlog/record.h"
#include "txlog/recover/recover_story.h"
#include "txlog/txlog.h"

#include <stdio.h>

struct recover_source {
    const char *directory; /* borrowed */
    struct txlog *log;
    struct txlog_identity identity;
    char name[TX_NAME_MAX + 16]; /* "a", "coordinator 1" */
    FILE *reports;               /* where damage is reported */
    uint64_t damages;            /* reported so far */
    struct tx_lsn damaged_at;    /* the lowest position of a damage; 0: none has a position */
};

/* The exit status of txrecover for an error; 0 for TX_OK. */
int recover_exit_status(enum tx_error error);
/* Prints "txrecover: text" to stderr and returns `status`. */
int recover_complain(int status, const char *format, ...) TX_PRINTF(2, 3);

/* Opens and checks. 0, or the exit status after a complaint. A damaged log is 0: its damages have
 * been reported and counted. */
int recover_source_open(struct recover_source *source, const char *directory,
                        FILE *reports) TX_MUST_CHECK;
void recover_source_close(struct recover_source *source);
/* Reports one damage more. `lsn` may be 0: nowhere in particular. */
void recover_source_report(struct recover_source *source, struct tx_lsn lsn, const char *text);
/* 65 when there was a damage, else 0. */
int recover_source_status(const struct recover_source *source);

/* The story that fits this log, without any record yet. TX_EIO etc. with a text. */
enum tx_error recover_source_story(struct recover_source *source, struct story **story,
                                   struct tx_why *why) TX_MUST_CHECK;

/* Visits the records from `first` to `last` (0: the end), decoded; the record and its stored form
 * are borrowed for the call. One that cannot be decoded is reported and passed over. */
enum tx_error recover_source_each(
    struct recover_source *source, struct tx_lsn first, struct tx_lsn last,
    enum tx_error (*visit)(void *arg, const struct txlog_record *record, struct tx_bytes stored),
    void *arg, struct tx_why *why) TX_MUST_CHECK;

/* Reads one record; views borrow from `stored`, arrays from `arena`. */
enum tx_error recover_source_get(struct recover_source *source, struct tx_lsn lsn,
                                 struct tx_buf *stored, struct tx_arena *arena,
                                 struct txlog_record *record, struct tx_why *why) TX_MUST_CHECK;

#endif
