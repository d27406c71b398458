/* A day in the life of a log, for the fault tests: records whose content follows from their LSN,
 * snapshots and compactions. The program txlog_life lives it, the test checks what is left. */
#ifndef ASSENT_TESTS_FAULTS_TXLOG_LIFE_H
#define ASSENT_TESTS_FAULTS_TXLOG_LIFE_H

#include "txlog/node_log.h"

enum {
    LIFE_RECORDS = 12,  /* of each day, before its snapshot */
    LIFE_REDO = 3000,   /* bytes; the redo of record n is all ('a' + n % 26) */
    LIFE_FAILED = 3,    /* exit status: the log said why */
    LIFE_SURPRISED = 4, /* exit status: the test's own doing failed */
};

struct txlog_identity life_identity(void);

/* Opens the log, replays it, appends, compacts and closes. `durable` hears of each LSN that the log
 * reports as durable. */
enum tx_error life_day(const char *directory, void (*durable)(struct tx_lsn), struct tx_why *why);

/* Checks a record and, in `log`, the data that belong to it. */
enum tx_error life_check(struct txlog *log, const struct txlog_record *record, struct tx_why *why);

#endif
