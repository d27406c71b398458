/* What a log tells of its transactions: fed with the records of one node in order, it knows after
 * each of them in which state every transaction is, whose writes the record brings into the data,
 * and whether the record contradicts what came before. Pure; docs/protocol.md has the states.
 *
 *   participant:  PREPARED --COMMITTED--> committed --FORGET--> forgotten
 *                          --ABORTED----> aborted
 *                          --HEURISTIC--> heuristic --HEURISTIC_END--> heuristic ended
 *   coordinator:  COMMIT --END--> ended          OUTCOME (one phase, at a participant)
 *
 * Records between SNAPSHOT_BEGIN and SNAPSHOT_END restate: they change no data, and a transaction
 * that is first met there began before the log does. Until a log that has lost its beginning (or
 * some part) has reached the end of a snapshot, a transaction that nothing is known of proves
 * nothing. */
#ifndef ASSENT_TXLOG_RECOVER_STORY_H
#define ASSENT_TXLOG_RECOVER_STORY_H

#include "txlog/record.h"
#include "txlog/txlog.h"

/* name, text form */
#define STORY_STATES(X)                                                                            \
    X(STORY_NONE, "nothing")                     /* no record speaks of it */                      \
    X(STORY_PREPARED, "prepared")                /* P: in doubt */                                 \
    X(STORY_COMMITTED, "committed")              /* P */                                           \
    X(STORY_ABORTED, "aborted")                  /* P: after it was prepared */                    \
    X(STORY_HEURISTIC, "heuristic")              /* P: an operator decided, the rest is open */    \
    X(STORY_HEURISTIC_ENDED, "heuristic, ended") /* P: the real decision has come */               \
    X(STORY_DECIDED, "decided to commit")        /* C: COMMIT without END */                       \
    X(STORY_ENDED, "committed and acknowledged") /* C: END */                                      \
    X(STORY_OUTCOME, "committed in one phase")   /* C: OUTCOME */

enum story_state {
#define X(name, text) name,
    STORY_STATES(X)
#undef X
        STORY_STATES_N
};
const char *story_state_name(enum story_state state);

struct story_tx {
    struct tx_id id;
    enum story_state state;
    bool one_phase;
    bool members_decide; /* PREPARED, COMMITTED: committed when that of every member is durable */
    bool earlier;        /* first met in a snapshot: its own first record is not there */
    bool commit;         /* HEURISTIC: what the operator decided */
    bool damage;         /* HEURISTIC_END: that was wrong */
    bool put_aside;      /* PUT_ASIDE: the operator has seen to it */
    struct tx_name operator_name;
    uint64_t since_ms; /* time of its first record here */
    /* Where each step stands; 0 when there is no such record (here). */
    struct tx_lsn prepared;  /* PREPARED */
    struct tx_lsn decided;   /* COMMITTED, ABORTED, HEURISTIC, COMMIT, OUTCOME */
    struct tx_lsn ended;     /* HEURISTIC_END, END */
    struct tx_lsn forgotten; /* the FORGET that covers it */
};

/* The newest EPOCH of a coordinator, in a participant's log. */
struct story_coordinator {
    uint32_t id;
    uint64_t epoch, life;
    struct tx_address address;
};

/* What one record did. */
struct story_step {
    bool restated;
    struct tx_lsn apply; /* the record that holds the redo which this one brings into the data: its
                            own, or that of its PREPARED; 0: none */
    bool apply_lost;     /* it brings a redo into the data that the log does not hold any more */
};

struct story;

/* `inside_snapshot`: the first record belongs to a snapshot whose beginning is not there. */
struct story *story_new(const struct txlog_identity *owner, bool inside_snapshot);
void story_destroy(struct story **story);

/* Takes the next record; copies what it keeps. TX_ECORRUPT, with a text, when the record
 * contradicts what came before or cannot be this node's; it then changes nothing. Records may be
 * missing in between: from there on the story is not whole until a snapshot ends. */
enum tx_error story_add(struct story *story, const struct txlog_record *record,
                        struct story_step *step, struct tx_why *why) TX_MUST_CHECK;

/* NULL: no record speaks of it. */
const struct story_tx *story_find(const struct story *story, struct tx_id id);
/* In order of their first record. */
void story_each(const struct story *story, void (*visit)(void *arg, const struct story_tx *tx),
                void *arg);
/* How many are in a state now. */
size_t story_count(const struct story *story, enum story_state state);
/* Of those committed (or heuristic, and that was right): how many must still be remembered. */
size_t story_unforgotten(const struct story *story);
/* NULL: no EPOCH of it. */
const struct story_coordinator *story_coordinator(const struct story *story, uint32_t id);
/* Does a forgotten mark cover this transaction? */
bool story_marked(const struct story *story, struct tx_id id);
/* Is every transaction known that could still be open? */
bool story_whole(const struct story *story);
const struct txlog_identity *story_owner(const struct story *story);

#endif
