/* An open transaction as an operator sees it: the rows of TXS. */
#ifndef ASSENT_COMMON_OPEN_TX_H
#define ASSENT_COMMON_OPEN_TX_H

#include "common/ids.h"

/* What a heuristic decision turned out to be. */
enum tx_heuristic {
    TX_HEURISTIC_NONE,
    TX_HEURISTIC_OK,
    TX_HEURISTIC_DAMAGE,
    TX_HEURISTIC_LOST, /* nobody decided: its writes are in a declared loss */
    TX_HEURISTICS_N
};
const char *tx_heuristic_name(enum tx_heuristic heuristic);

/* How it commits; the texts are what tools show. */
#define TX_OPEN_MODES(X)                                                                           \
    X(TX_OPEN_UNDECIDED, "open")          /* not fixed yet: no PREPARE has been sent, or come */   \
    X(TX_OPEN_ONE_PHASE, "one-phase")     /* its only member commits at once */                    \
    X(TX_OPEN_COORDINATOR, "coordinator") /* mode A */                                             \
    X(TX_OPEN_MEMBERS, "members")         /* mode D */
enum tx_open_mode {
#define X(name, text) name,
    TX_OPEN_MODES(X)
#undef X
        TX_OPEN_MODES_N
};
const char *tx_open_mode_name(enum tx_open_mode mode);

/* What it waits for before it can go on. */
#define TX_WAITS(X)                                                                                \
    X(TX_WAITS_NOTHING, "nothing")                                                                 \
    X(TX_WAITS_CLIENT, "client") /* its next step, or the end */                                   \
    X(TX_WAITS_LOCK, "lock")                                                                       \
    X(TX_WAITS_STORE, "store")               /* a call of the resource manager is under way */     \
    X(TX_WAITS_LOG, "log")                   /* a record is being made durable */                  \
    X(TX_WAITS_INTRODUCTION, "introduction") /* of members that have not welcomed this epoch */    \
    X(TX_WAITS_VOTES, "votes")                                                                     \
    X(TX_WAITS_OUTCOME, "outcome") /* one-phase: the vote was lost, and its member is asked */     \
    X(TX_WAITS_REFUSAL, "refusal") /* its members decide, and are asked to refuse it */            \
    X(TX_WAITS_ACKNOWLEDGEMENTS, "acknowledgements") /* of its commit */                           \
    X(TX_WAITS_DECISION, "decision")                 /* in doubt: that of its coordinator */       \
    X(TX_WAITS_MEMBERS, "members")   /* in doubt: what the others say, or its coordinator */       \
    X(TX_WAITS_OPERATOR, "operator") /* DAMAGE: somebody mends it, and puts it aside */
enum tx_waits {
#define X(name, text) name,
    TX_WAITS(X)
#undef X
        TX_WAITS_N
};
const char *tx_waits_name(enum tx_waits waits);

/* What a member has said of it, as far as the sender of the row knows. */
#define TX_SAIDS(X)                                                                                \
    X(TX_SAID_NOTHING, "nothing")                                                                  \
    X(TX_SAID_JOINED, "joined")                                                                    \
    X(TX_SAID_YES, "yes")                                                                          \
    X(TX_SAID_NO, "no")                                                                            \
    X(TX_SAID_READ_ONLY, "read-only")                                                              \
    X(TX_SAID_COMMITTED, "committed")                                                              \
    X(TX_SAID_ACKNOWLEDGED, "acknowledged")
enum tx_said {
#define X(name, text) name,
    TX_SAIDS(X)
#undef X
        TX_SAIDS_N
};
const char *tx_said_name(enum tx_said said);

struct tx_open_member {
    struct tx_name name;
    struct tx_address address;
    bool read_only;
    enum tx_said said;
    bool waited_for; /* the sender of the row waits for its word */
    struct tx_bytes
        state;          /* "up", "down", ... as the sender sees it; empty when it does not watch */
    uint64_t silent_ms; /* since its last word to the sender; 0 when it does not watch */
};

/* An operator's decision. */
struct tx_open_heuristic {
    bool decided; /* or else the rest says nothing */
    bool commit;
    struct tx_name operator_name;
    uint64_t time_ms; /* wall clock, Unix milliseconds */
    enum tx_heuristic end;
    bool put_aside;
};

struct tx_open_row {
    struct tx_id id;
    struct tx_bytes state;
    bool in_doubt;     /* a member may be in doubt about it; an operator's decision counts, too */
    uint64_t age_ms;   /* since its begin here; found in the log: since the start of this daemon */
    uint64_t state_ms; /* in this state */
    bool recovered;    /* found in the log: it is older than it seems */
    enum tx_open_mode mode;
    enum tx_waits waits;
    struct tx_bytes detail; /* what it waits for, in words; may be empty */
    bool tries;             /* the daemon asks or sends again by itself */
    uint64_t next_ms;       /* the next time: from now */
    uint64_t tried;         /* how often so far */
    struct tx_lsn lsn;      /* of the record here that its state rests on; 0: none */
    uint64_t log_bytes;     /* written to the log here since that record */
    uint64_t locks;         /* held here */
    uint64_t waiters;       /* that wait here for one of them, at least */
    struct tx_bytes key;    /* idempotency key; empty for none */
    struct tx_open_heuristic heuristic;
    const struct tx_open_member *members; /* at most TX_MEMBERS_MAX */
    size_t members_n;
};

/* Where a listing goes on. Whoever asks repeats it as it came; all zero is the beginning. */
struct tx_txs_place {
    uint64_t start; /* incarnation or epoch that has answered */
    uint64_t epoch,
        seq; /* a coordinator: of the id; a participant: 0, and the order of the begin */
};

#endif
