/* Outcomes and the reasons of an abort, as a client sees them. */
#ifndef ASSENT_COMMON_REASON_H
#define ASSENT_COMMON_REASON_H

#include <stdbool.h>

enum tx_outcome { TX_OUTCOME_UNKNOWN, TX_OUTCOME_COMMITTED, TX_OUTCOME_ABORTED, TX_OUTCOMES_N };

/* name, text form, transient? (a retry of the same work may well succeed) */
#define TX_REASONS(X)                                                                              \
    X(TX_REASON_NONE, "none", false)                                                               \
    X(TX_REASON_WOUNDED, "wounded", true)            /* an older transaction needed its lock */    \
    X(TX_REASON_LOCK_TIMEOUT, "lock-timeout", true)  /* waited too long for a lock */              \
    X(TX_REASON_CHECK, "check", false)               /* a check found another value */             \
    X(TX_REASON_EXISTS, "exists", false)             /* an insert found the key */                 \
    X(TX_REASON_FLOOR, "floor", false)               /* an add would go below its floor */         \
    X(TX_REASON_CEILING, "ceiling", false)           /* an add would go above its ceiling */       \
    X(TX_REASON_NOT_COUNTER, "not-a-counter", false) /* an add found a value that is no number */  \
    X(TX_REASON_REFUSED, "refused", false)           /* the participant refuses the operation */   \
    X(TX_REASON_CLIENT, "client", false)             /* the client asked for it */                 \
    X(TX_REASON_IDLE, "idle", true)                  /* no word from the client for too long */    \
    X(TX_REASON_LIMIT, "limit", false)               /* a stated limit was reached */              \
    X(TX_REASON_BUSY, "busy", true)                /* too many transactions are open right now */  \
    X(TX_REASON_UNREACHABLE, "unreachable", true)  /* a participant could not be reached */        \
    X(TX_REASON_TIMEOUT, "timeout", true)          /* votes did not come in time */                \
    X(TX_REASON_RESTARTED, "restarted", true)      /* a participant or coordinator restarted */    \
    X(TX_REASON_DISK_FULL, "disk-full", true)      /* a node is at its disk reserve */             \
    X(TX_REASON_DRAINING, "draining", true)        /* a node is drained, or about to stop */       \
    X(TX_REASON_QUARANTINED, "quarantined", false) /* a participant came back with an old disk */  \
    X(TX_REASON_INQUIRED, "inquired", true)        /* another participant asked before it voted */ \
    X(TX_REASON_PRESUMED, "presumed", true)        /* no commit record: aborted by presumption */  \
    X(TX_REASON_OPERATOR, "operator", false)       /* a person decided so */                       \
    X(TX_REASON_LOCK_CONFLICT, "lock-conflict", true) /* a lock was not free; see the policies */

enum tx_reason {
#define X(name, text, transient) name,
    TX_REASONS(X)
#undef X
        TX_REASONS_N
};

const char *tx_outcome_name(enum tx_outcome outcome); /* "unknown", "committed", "aborted" */
const char *tx_reason_name(enum tx_reason reason);
bool tx_reason_transient(enum tx_reason reason);

#endif
