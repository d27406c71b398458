/* The records of one transaction over several nodes, in the order in which they must have come
 * about. Clocks differ, so cause goes first: the order within each log, PREPARED before the
 * decision that rests on it, the decision before those who carry it out, these before END. Only
 * what no cause orders goes by the times that the records bear. Pure. */
#ifndef ASSENT_TXLOG_RECOVER_ORDER_H
#define ASSENT_TXLOG_RECOVER_ORDER_H

#include "txlog/record.h"

struct recover_event {
    size_t node; /* which */
    enum txlog_type type;
    struct tx_lsn lsn;
    uint64_t time_ms;
    bool one_phase;      /* COMMITTED */
    bool members_decide; /* the transaction: then COMMIT is no cause of COMMITTED */
    char *text, *json;   /* the caller's */
};

/* A clock that is behind: `behind` bears a time `ms` before that of `ahead`, which is its cause. */
struct recover_skew {
    uint64_t ms; /* 0: none has been seen */
    struct recover_event ahead, behind;
};

void recover_order(struct recover_event *events, size_t n, struct recover_skew *skew);

#endif
