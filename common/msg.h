/* Messages as structs. The wire form is specified in common/wire.h; the meaning in
 * docs/protocol.md.
 *
 * A frame carries an envelope and one or more messages of one sender to one receiver. All views and
 * arrays in a message are borrowed: from the frame and an arena after decoding, from their owner
 * before encoding. A text for people that is longer than TX_TEXT_MAX travels cut. */
#ifndef ASSENT_COMMON_MSG_H
#define ASSENT_COMMON_MSG_H

#include "common/commit_mode.h"
#include "common/cut.h"
#include "common/lineage.h"
#include "common/op.h"
#include "common/open_tx.h"
#include "common/reason.h"

/* name, text form, sender -> receiver (K client, C coordinator, P participant) */
#define TX_MSGS(X)                                                                                 \
    X(TX_MSG_BEGIN, "BEGIN")                     /* K -> C */                                      \
    X(TX_MSG_BEGUN, "BEGUN")                     /* C -> K */                                      \
    X(TX_MSG_SUBMIT, "SUBMIT")                   /* K -> C */                                      \
    X(TX_MSG_COMMIT_REQUEST, "COMMIT_REQUEST")   /* K -> C */                                      \
    X(TX_MSG_ABORT_REQUEST, "ABORT_REQUEST")     /* K -> C */                                      \
    X(TX_MSG_OUTCOME_REQUEST, "OUTCOME_REQUEST") /* K -> C */                                      \
    X(TX_MSG_OUTCOME, "OUTCOME")                 /* C -> K */                                      \
    X(TX_MSG_OUTCOME_ACK, "OUTCOME_ACK")         /* K -> C */                                      \
    X(TX_MSG_OPERATE, "OPERATE")                 /* K -> P */                                      \
    X(TX_MSG_OPERATED, "OPERATED")               /* P -> K */                                      \
    X(TX_MSG_JOIN, "JOIN")                       /* P -> C */                                      \
    X(TX_MSG_PREPARE, "PREPARE")                 /* C -> P */                                      \
    X(TX_MSG_VOTE, "VOTE")                       /* P -> C */                                      \
    X(TX_MSG_COMMIT, "COMMIT")                   /* C -> P */                                      \
    X(TX_MSG_ABORT, "ABORT")                     /* C -> P */                                      \
    X(TX_MSG_ACK, "ACK")                         /* P -> C */                                      \
    X(TX_MSG_INQUIRE, "INQUIRE")                 /* P -> C, P -> P, C -> P */                      \
    X(TX_MSG_WAIT, "WAIT")                       /* C -> P */                                      \
    X(TX_MSG_STATE, "STATE")                     /* P -> P, P -> C */                              \
    X(TX_MSG_FORGET, "FORGET")                   /* C -> P */                                      \
    X(TX_MSG_FENCED, "FENCED")                   /* P -> C */                                      \
    X(TX_MSG_HELLO, "HELLO")                     /* C -> P */                                      \
    X(TX_MSG_WELCOME, "WELCOME")                 /* P -> C */                                      \
    X(TX_MSG_RESOLVE, "RESOLVE")                 /* K -> P */                                      \
    X(TX_MSG_STATUS_REQUEST, "STATUS_REQUEST")   /* K -> C, K -> P */                              \
    X(TX_MSG_STATUS, "STATUS")                   /* C -> K, P -> K */                              \
    X(TX_MSG_ERROR, "ERROR")                     /* C -> K, P -> K */                              \
    X(TX_MSG_LOCKS_REQUEST, "LOCKS_REQUEST")     /* K -> P */                                      \
    X(TX_MSG_LOCKS, "LOCKS")                     /* P -> K */                                      \
    X(TX_MSG_ADMIN_REQUEST, "ADMIN_REQUEST")     /* K -> C, K -> P */                              \
    X(TX_MSG_CUT_REQUEST, "CUT_REQUEST")         /* K -> C, K -> P */                              \
    X(TX_MSG_CUT, "CUT")                         /* C -> K, P -> K */                              \
    X(TX_MSG_TXS_REQUEST, "TXS_REQUEST")         /* K -> C, K -> P */                              \
    X(TX_MSG_TXS, "TXS")                         /* C -> K, P -> K */                              \
    X(TX_MSG_ALARMS_REQUEST, "ALARMS_REQUEST")   /* K -> C, K -> P */                              \
    X(TX_MSG_ALARMS, "ALARMS")                   /* C -> K, P -> K */                              \
    X(TX_MSG_PUT_ASIDE, "PUT_ASIDE")             /* K -> P */                                      \
    X(TX_MSG_BACKUP_REQUEST, "BACKUP_REQUEST")   /* K -> C, K -> P */                              \
    X(TX_MSG_BACKUP, "BACKUP")                   /* C -> K, P -> K */

enum tx_msg_type {
#define X(name, text) name,
    TX_MSGS(X)
#undef X
        TX_MSG_TYPES_N
};

const char *tx_msg_name(enum tx_msg_type type);

/* Who sends, stamped on every frame. */
struct tx_envelope {
    char cluster[TX_CLUSTER_MAX + 1];
    enum tx_role role;
    struct tx_name name;       /* participant: its name; client: a label, maybe empty; else empty */
    uint32_t coordinator;      /* coordinator: its id; else 0 */
    uint64_t start;            /* coordinator: its epoch; participant: its incarnation; client: 0 */
    uint64_t life;             /* of that start (common/lineage.h); client: 0 */
    struct tx_address address; /* where the sender listens; empty for a client */
    /* Daemon: the highest cut that it has taken; 0: none. Client: 0, since no daemon takes a cut
     * because a client says so (docs/protocol.md, "The consistent cut"). */
    uint64_t cut;
    /* Of the cluster: which restore of a backup it goes back to; 0: to none, and of a client. Nodes
     * of different generations do not talk to one another (docs/backup.md). */
    uint64_t generation;
};

/* `req` numbers a client's requests; the answer repeats it. Every duration is in milliseconds, 0 =
 * the daemon's default. */

struct tx_msg_begin {
    uint64_t req;
    struct tx_age age; /* of the first attempt when this is a retry, else counter 0 */
};
struct tx_msg_begun {
    uint64_t req;
    struct tx_id id;
    struct tx_age age;
    struct tx_token token;
    /* every participant of the cluster; incarnation 0 when not known */
    const struct tx_member *nodes;
    size_t nodes_n;
};
struct tx_msg_submit {
    uint64_t req;
    struct tx_bytes key; /* idempotency key; empty for none */
    struct tx_age age;
    uint32_t timeout_ms;      /* for the votes */
    uint32_t lock_timeout_ms; /* for each lock */
    enum tx_isolation isolation;
    const struct tx_op *ops; /* each names its participant */
    size_t ops_n;
    enum tx_commit_mode mode;
};
/* COMMIT_REQUEST, ABORT_REQUEST, OUTCOME_REQUEST. The members are the participants that the client
 * has used. */
struct tx_msg_finish {
    uint64_t req;
    struct tx_id id;
    struct tx_token token;
    const struct tx_member *members;
    size_t members_n;
    enum tx_commit_mode mode; /* as the client asked for it */
};
struct tx_msg_outcome {
    uint64_t req;
    struct tx_id id;
    enum tx_outcome outcome;
    enum tx_reason reason;
    struct tx_name who;   /* the participant that caused an abort; empty when none did */
    struct tx_bytes text; /* a sentence for people; may be empty */
    struct tx_age age;    /* to retry with */
    bool results_lost;    /* committed, but the results of its reads are no longer at hand */
    const struct tx_result *results; /* SUBMIT, committed: one for each operation, in order */
    size_t results_n;
};
/* OUTCOME_ACK, JOIN, WAIT: an id alone. */
struct tx_msg_id {
    struct tx_id id;
};
struct tx_msg_operate {
    uint64_t req;
    struct tx_id id;
    struct tx_token token;
    struct tx_age age;
    /* 1, 2, ...: numbers the OPERATEs of one transaction at one participant, without gaps */
    uint32_t step;
    uint32_t lock_timeout_ms;
    enum tx_isolation isolation; /* the same in every step of a transaction */
    const struct tx_op *ops;
    size_t ops_n;
};
struct tx_msg_operated {
    uint64_t req;
    struct tx_id id;
    uint32_t step;
    uint64_t incarnation;
    bool wrote;            /* this transaction holds writes here by now */
    enum tx_reason reason; /* NONE: done. Else the transaction is undone here and can only abort */
    struct tx_bytes text;
    const struct tx_result *results;
    size_t results_n;
};
struct tx_msg_prepare {
    struct tx_id id;
    struct tx_age age;
    struct tx_token token; /* must be that of the OPERATEs before it */
    bool one_phase;        /* the only member: commit at once */
    bool one_shot;         /* `ops` are to be executed first; else the work came with OPERATE */
    uint32_t lock_timeout_ms;
    enum tx_isolation isolation; /* one-shot */
    /* all of them, the receiver included; never changes for an id */
    const struct tx_member *members;
    size_t members_n;
    /* of each member: how far the sender knows its log; all zero: nothing */
    const struct tx_position *known;
    const struct tx_op *ops;
    size_t ops_n;
    bool members_decide;  /* mode D: committed when the PREPARED of every member is durable */
    uint64_t results_max; /* one-shot: bytes that the results may take in the vote; 0: no bound */
};

/* More than an alarm takes in ALARMS without its text. */
#define TX_ALARM_ROW_BYTES 48u

#define TX_VOTES(X)                                                                                \
    X(TX_VOTE_YES, "YES")             /* PREPARED is durable */                                    \
    X(TX_VOTE_NO, "NO")               /* undone here, definitively */                              \
    X(TX_VOTE_READ_ONLY, "READ_ONLY") /* nothing to commit; has dropped out */                     \
    X(TX_VOTE_COMMITTED, "COMMITTED") /* committed here already */
enum tx_vote {
#define X(name, text) name,
    TX_VOTES(X)
#undef X
        TX_VOTES_N
};
const char *tx_vote_name(enum tx_vote vote);

struct tx_msg_vote {
    struct tx_id id;
    enum tx_vote vote;
    uint64_t incarnation;
    struct tx_lsn lsn;     /* durable at the sender; 0 when the vote rests on nothing durable */
    enum tx_reason reason; /* NO */
    struct tx_bytes text;
    /* one-shot YES and COMMITTED: the receiver's operations in order */
    const struct tx_result *results;
    size_t results_n;
};
struct tx_msg_commit {
    struct tx_id id;
    /* durable at the sender; the COMMIT record is at or below it, unless the members decide */
    struct tx_lsn lsn;
    uint64_t incarnation; /* of the receiver, as PREPARE named it; 0: not known */
};
struct tx_msg_abort {
    struct tx_id id;
    enum tx_reason reason;
    /* It never committed, and the sender knows that; else it has merely no record of a commit,
     * and might have forgotten one that everybody has acknowledged. */
    bool proved;
};

struct tx_msg_ack {
    struct tx_id id;
    uint64_t incarnation;
    struct tx_lsn lsn; /* durable at the sender */
    enum tx_heuristic heuristic;
    bool members_decide; /* as in its PREPARE: no COMMIT record need exist */
};
struct tx_msg_inquire {
    struct tx_id id;
    bool in_doubt; /* the sender is a member of the transaction and has voted YES */
    bool wanted;   /* and an older transaction waits there for one of its locks */
    /* Between participants: how far the receiver's log is known to the sender; else all zero. */
    struct tx_position known;
    bool members_decide; /* in doubt: as in its PREPARE, so that nothing may be presumed of it */
    /* Between participants: who is meant, since another one may be at that address by now. Empty:
     * whoever gets it. */
    struct tx_name to;
    uint64_t incarnation; /* of the receiver, as PREPARE names it; 0: not known */
};

/* A participant's answer to INQUIRE. */
#define TX_STATES(X)                                                                               \
    X(TX_STATE_NO, "NO")               /* definitively not committed here, and never will be */    \
    X(TX_STATE_PREPARED, "PREPARED")   /* in doubt here too */                                     \
    X(TX_STATE_COMMITTED, "COMMITTED") /* the commit decision is known here */                     \
    X(TX_STATE_FORGOTTEN, "FORGOTTEN") /* finished, and nothing is known any more */               \
    X(TX_STATE_LOST, "LOST")           /* it may be in a declared loss: cannot say, ever */
enum tx_state {
#define X(name, text) name,
    TX_STATES(X)
#undef X
        TX_STATES_N
};
const char *tx_state_name(enum tx_state state);

struct tx_msg_state {
    struct tx_id id;
    enum tx_state state;
    uint64_t incarnation;
    bool heuristic;      /* an operator has decided here; never a vote */
    bool members_decide; /* PREPARED, COMMITTED: as in its PREPARE */
    bool below_mark;     /* NO, because it is finished: says nothing to who may have forgotten */
};
/* Every transaction of the epoch below `below` that is not in `open` is finished and may be
 * forgotten. */
struct tx_msg_forget {
    uint64_t epoch;
    uint64_t below;
    const uint64_t *open; /* sequences, ascending, all below `below` */
    size_t open_n;
};
struct tx_msg_fenced {
    /* the transaction that was refused; all zero when the message named none */
    struct tx_id id;
    struct tx_position known; /* how far the receiver was seen before, by its epoch */
};
struct tx_msg_hello {
    struct tx_lsn lsn;    /* durable at the sender */
    uint64_t age_counter; /* highest age counter known */
    uint64_t number;      /* the WELCOME that answers it repeats this */
    /* its lineage, this start last; 1..TX_LINEAGE_MAX */
    const struct tx_position *starts;
    size_t starts_n;
    /* Where participants are, the receiver among them: to a start that has not been told, a part of
     * all at a time (TX_HELLO_NODES_MAX); else none. */
    const struct tx_member *nodes;
    size_t nodes_n;
};
struct tx_msg_welcome {
    uint64_t incarnation;
    struct tx_lsn lsn; /* last durable */
    uint64_t age_counter;
    bool refusing;                    /* takes no new transactions (disk reserve, draining) */
    uint64_t number;                  /* of the HELLO */
    const struct tx_position *starts; /* as in HELLO */
    size_t starts_n;
    /* the oldest epoch of the receiver of which something is in doubt here, or committed and not
     * durably so; 0: of none */
    uint64_t unsettled;
    struct tx_loss loss; /* that was declared of its log; all zero: none */
};
struct tx_msg_resolve {
    uint64_t req;
    struct tx_id id;
    bool commit;
    struct tx_name operator_name;
};
struct tx_msg_status_request {
    uint64_t req;
};
struct tx_status_field {
    struct tx_bytes name;
    struct tx_bytes text;
};
struct tx_status_tx {
    struct tx_id id;
    struct tx_bytes state;
    uint64_t age_ms;
    struct tx_bytes detail; /* what it waits for, in words */
};
struct tx_status_peer {
    struct tx_bytes name; /* "a", or "coordinator 1" */
    struct tx_bytes address;
    struct tx_bytes state; /* "up", "down", "quarantined", ... */
    uint64_t start;        /* incarnation or epoch */
    uint64_t silent_ms;    /* since its last word */
};
struct tx_msg_status {
    uint64_t req;
    const struct tx_status_field *fields; /* "role", "version", counters, ... */
    size_t fields_n;
    const struct tx_status_tx *txs; /* the oldest ones, at most 1,000 */
    size_t txs_n;
    const struct tx_status_peer *peers;
    size_t peers_n;
};
/* A request that could not be served. For BEGIN, SUBMIT, OPERATE and the finish requests: nothing
 * was done. */
struct tx_msg_error {
    uint64_t req;
    enum tx_error error;
    enum tx_reason reason; /* BUSY, DISK_FULL, DRAINING, ... or NONE */
    struct tx_bytes text;
};

/* Where a listing of locks goes on. Transactions come in the order in which they began at the
 * participant, and of each its keys and keyspaces, its ranges, and what it waits for. Whoever asks
 * repeats it as it came; all zero is the beginning. */
struct tx_locks_place {
    uint64_t incarnation;           /* that has answered */
    uint64_t serial;                /* of the transaction, in the order of their begin */
    uint64_t passed;                /* of its locks lie before; 0: none */
    uint64_t skip;                  /* further ones to be passed unseen */
    bool range;                     /* the last one before was a range */
    struct tx_bytes space, key, to; /* and its name */
};
struct tx_msg_locks_request {
    uint64_t req;
    bool waiting;          /* only what is waited for */
    struct tx_bytes space; /* only what lies in this keyspace; empty: everything */
    struct tx_id tx;       /* only of this transaction; all zero: of all */
    uint32_t limit;        /* rows; 0, and more than TX_STATUS_ROWS_MAX: that many */
    struct tx_locks_place from;
};
/* Somebody who is in the way of a waiter. */
struct tx_lock_blocker {
    struct tx_id id;
    struct tx_bytes state; /* "working", "prepared", ... */
    uint64_t age_ms;       /* as in a row */
    enum tx_lock_mode mode;
    bool waits; /* it waits itself, ahead; else it holds that mode */
    bool range; /* with a range over the key */
};
/* One lock that is held or waited for: of the store when both names are empty, of a keyspace when
 * the key is, and it is no range. */
struct tx_lock_row {
    struct tx_id id;
    struct tx_age age;     /* of wound-wait */
    struct tx_bytes state; /* of the transaction */
    uint64_t age_ms;       /* since its begin here; from prepared on: since that */
    struct tx_bytes space, key, to;
    bool range; /* from `key` up to `to`, which is excluded; each may be empty: to the end */
    enum tx_lock_mode mode;
    bool waiting;
    uint64_t waited_ms;
    const struct tx_lock_blocker *blockers; /* of a waiter, those that hold first */
    size_t blockers_n;                      /* at most TX_LOCK_BLOCKERS_MAX */
    bool blockers_more;                     /* there are further ones */
};
struct tx_msg_locks {
    uint64_t req;
    const struct tx_lock_row *rows; /* maybe none, even when there are more to come */
    size_t rows_n;
    bool more;                  /* ask again from `next` */
    struct tx_locks_place next; /* all zero when there are no more */
};

/* Asks for a position of a cut (common/cut.h). */
struct tx_msg_cut_request {
    uint64_t req;
    bool begin;      /* coordinators only: take a new one; `number` is 0 */
    uint64_t number; /* of one that was begun; 0: the newest one here, which may be none */
};
/* The cut is durable at the sender. All zero but `req`: no cut was ever taken there. */
struct tx_msg_cut {
    uint64_t req;
    uint64_t number;   /* that was asked for, or given to the new one */
    uint64_t taken;    /* of the CUT record that stands for it here; at least `number` */
    struct tx_lsn lsn; /* of that record: up to it, the log is within the cut */
    uint64_t time_ms;  /* when it was taken here; for people */
};

#define TX_BACKUP_STEPS(X)                                                                         \
    X(TX_BACKUP_BEGIN, "BEGIN")     /* write a checkpoint into a repository */                     \
    X(TX_BACKUP_LOOK, "LOOK")       /* only say how far it is */                                   \
    X(TX_BACKUP_FINISH, "FINISH")   /* the cut is made: write the log up to it */                  \
    X(TX_BACKUP_ABANDON, "ABANDON") /* give it up */
enum tx_backup_step {
#define X(name, text) name,
    TX_BACKUP_STEPS(X)
#undef X
        TX_BACKUP_STEPS_N
};
/* Drives the backup of one daemon (docs/backup.md). Every step may be repeated. */
struct tx_msg_backup_request {
    uint64_t req;
    enum tx_backup_step step;
    struct tx_bytes name;      /* of the backup, in every step */
    struct tx_bytes directory; /* BEGIN: of the repository, absolute, as the daemon sees it */
    bool full;                 /* BEGIN: take nothing over from an earlier backup */
    uint32_t patience_ms;      /* BEGIN: give it up when nobody asks for so long */
    uint64_t cut;              /* FINISH: the number of the cut */
    struct tx_lsn lsn;         /* FINISH: its position in this daemon's log */
};

#define TX_BACKUP_STATES(X)                                                                        \
    X(TX_BACKUP_NONE, "none")           /* there is no backup of that name here */                 \
    X(TX_BACKUP_COPYING, "copying")     /* the checkpoint is being written */                      \
    X(TX_BACKUP_COPIED, "copied")       /* it is there: FINISH may come */                         \
    X(TX_BACKUP_FINISHING, "finishing") /* the log is being written */                             \
    X(TX_BACKUP_DONE, "done")                                                                      \
    X(TX_BACKUP_FAILED, "failed") /* given up: the text says why */
enum tx_backup_state {
#define X(name, text) name,
    TX_BACKUP_STATES(X)
#undef X
        TX_BACKUP_STATES_N
};
const char *tx_backup_state_name(enum tx_backup_state state);

struct tx_msg_backup {
    uint64_t req;
    enum tx_backup_state state;
    struct tx_bytes node;     /* "participant-a": its part of the backup is called so */
    uint64_t bytes;           /* of the checkpoint, and the log */
    uint64_t done;            /* of these, so far */
    uint64_t stored;          /* bytes that were added to the repository */
    struct tx_lsn checkpoint; /* from behind here on the log is kept */
    struct tx_bytes text;     /* FAILED */
};

/* What an operator asks of a daemon. An ERROR answers it: TX_OK says that it is done, and its text
 * what that was (LOG_LEVEL: the level in force). The daemon's shell takes it, and tells the core of
 * what concerns the core. */
#define TX_ADMIN_VERBS(X)                                                                          \
    X(TX_ADMIN_DRAIN, "drain")         /* refuse new transactions, and go on with the open ones */ \
    X(TX_ADMIN_UNDRAIN, "undrain")     /* take new transactions again */                           \
    X(TX_ADMIN_LOG_LEVEL, "log-level") /* `text`: the level to set; empty: tell which it is */     \
    X(TX_ADMIN_RELOAD, "reload")       /* read the configuration file again, as SIGHUP does */     \
    X(TX_ADMIN_LOSS, "loss")           /* C, `text` names a participant: tell what it has lost */  \
    X(TX_ADMIN_READMIT, "readmit")     /* C, likewise: let it in again with its declared loss */

enum tx_admin_verb {
#define X(name, text) name,
    TX_ADMIN_VERBS(X)
#undef X
        TX_ADMIN_VERBS_N
};
const char *tx_admin_verb_name(enum tx_admin_verb verb);

struct tx_msg_admin_request {
    uint64_t req;
    enum tx_admin_verb verb;
    struct tx_name operator_name; /* who asks, as he says; for the audit log */
    struct tx_bytes text;         /* the verb's argument; may be empty */
};
struct tx_msg_txs_request {
    uint64_t req;
    bool in_doubt;     /* only what its members may be in doubt about, or an operator has decided */
    struct tx_id tx;   /* only this one, also when it is over; all zero: all that are open */
    uint64_t older_ms; /* only what began so long ago, or longer */
    uint32_t limit;    /* rows; 0, and more than TX_STATUS_ROWS_MAX: that many */
    struct tx_txs_place from;
};
struct tx_msg_txs {
    uint64_t req;
    const struct tx_open_row *rows; /* maybe none, even when there are more to come */
    size_t rows_n;
    bool more;                /* ask again from `next` */
    struct tx_txs_place next; /* all zero when there are no more */
};
struct tx_msg_alarms_request {
    uint64_t req;
    uint32_t limit;  /* rows; 0, and more than TX_STATUS_ROWS_MAX: that many */
    uint64_t before; /* only those with a number below this one; 0: from the newest on */
};
/* An alarm that is kept. */
struct tx_alarm_row {
    uint64_t number;  /* ascending with time at this daemon; from 1 */
    struct tx_id id;  /* all zero when it concerns no transaction */
    uint64_t time_ms; /* wall clock of the daemon, Unix milliseconds; 0: not known */
    struct tx_bytes text;
};
struct tx_msg_alarms {
    uint64_t req;
    const struct tx_alarm_row *rows; /* the newest first */
    size_t rows_n;
    bool more; /* ask again with the last row's number as `before` */
};
/* An operator has seen to what a heuristic decision led to: it need not be kept any longer.
 * Answered with an ERROR, whose error is TX_OK when that is durable. */
struct tx_msg_put_aside {
    uint64_t req;
    struct tx_id id;
    bool force; /* also while the real decision is not known */
    struct tx_name operator_name;
};

struct tx_msg {
    enum tx_msg_type type;
    union {
        struct tx_msg_begin begin;
        struct tx_msg_begun begun;
        struct tx_msg_submit submit;
        struct tx_msg_finish finish; /* COMMIT_REQUEST, ABORT_REQUEST, OUTCOME_REQUEST */
        struct tx_msg_outcome outcome;
        struct tx_msg_id id; /* OUTCOME_ACK, JOIN, WAIT */
        struct tx_msg_operate operate;
        struct tx_msg_operated operated;
        struct tx_msg_prepare prepare;
        struct tx_msg_vote vote;
        struct tx_msg_commit commit;
        struct tx_msg_abort abort;
        struct tx_msg_ack ack;
        struct tx_msg_inquire inquire;
        struct tx_msg_state state;
        struct tx_msg_forget forget;
        struct tx_msg_fenced fenced;
        struct tx_msg_hello hello;
        struct tx_msg_welcome welcome;
        struct tx_msg_resolve resolve;
        struct tx_msg_status_request status_request;
        struct tx_msg_status status;
        struct tx_msg_error error;
        struct tx_msg_locks_request locks_request;
        struct tx_msg_locks locks;
        struct tx_msg_cut_request cut_request;
        struct tx_msg_cut cut;
        struct tx_msg_backup_request backup_request;
        struct tx_msg_backup backup;
        struct tx_msg_admin_request admin_request;
        struct tx_msg_txs_request txs_request;
        struct tx_msg_txs txs;
        struct tx_msg_alarms_request alarms_request;
        struct tx_msg_alarms alarms;
        struct tx_msg_put_aside put_aside;
    };
};

/* Which roles may send this message to a receiver of role `to`? False: a violation by the peer,
 * dropped and counted. */
bool tx_msg_allowed(enum tx_msg_type type, enum tx_role from, enum tx_role to);

/* The transaction that a message speaks of; all zero when it speaks of none. */
struct tx_id tx_msg_tx(const struct tx_msg *msg);

#endif
