/* The coordinator's protocol core: a pure state machine.
 *
 * Events and the time go in, actions come out; it makes no system call, reads no clock and draws no
 * random number. The state table is in docs/protocol.md, the structures and invariants in
 * coordinator/README.md.
 *
 * Ownership: events are borrowed for the call. What an action points to lives in the actions' own
 * arena until coord_actions_clear(), whatever steps are made meanwhile. */
#ifndef ASSENT_COORDINATOR_COORD_CORE_H
#define ASSENT_COORDINATOR_COORD_CORE_H

#include "common/msg.h"
#include "common/times.h"
#include "txlog/record.h"

struct coord_core;

/* Who decides, where neither client nor configuration says it; and its name. */
#define COORD_COMMIT_MODE      TX_COMMIT_PARTICIPANTS
#define COORD_COMMIT_MODE_NAME "participants"

struct coord_options {
    uint32_t id;                   /* of this coordinator */
    uint64_t epoch;                /* of this start; its START record is durable already */
    uint64_t life;                 /* random, of this start */
    const struct tx_member *nodes; /* every participant of the cluster (name and address); copied */
    size_t nodes_n;
    uint64_t prepare_timeout_us; /* for the votes; a SUBMIT may give its own */
    uint32_t prepare_tries;      /* PREPARE is sent so often within the timeout */
    uint64_t active_idle_us;     /* an active transaction without a word is aborted after this */
    uint64_t resend_us; /* COMMIT and INQUIRE again after this, growing up to resend_max_us */
    uint64_t resend_max_us;
    uint64_t hello_us;         /* HELLO to every participant so often */
    uint64_t peer_down_us;     /* a participant that has been silent for this long counts as down */
    uint64_t forget_us;        /* FORGET so often, when the mark has moved */
    uint64_t retention_us;     /* outcomes are kept for this long after the end */
    size_t retained_max;       /* and at most so many */
    size_t txs_max;            /* open transactions; beyond it new ones are refused */
    uint32_t lock_timeout_ms;  /* passed on in PREPARE when the client gave none; 0: the
                                  participant's own */
    uint64_t snapshot_records; /* after so many records the live state is restated in the log */
    uint64_t retain_records;   /* history kept behind the last snapshot, for txrecover */
    size_t results_max; /* bytes of the results of one SUBMIT together, as OUTCOME carries them:
                           what exceeds a frame could never be answered; 0: any */
    enum tx_commit_mode mode; /* of transactions that ask for none; default: COORD_COMMIT_MODE */
    uint64_t cut_every_us;    /* a cut after so long without one; 0: only when asked for */
    /* What the wall clock said, Unix milliseconds, when the core's own time was 0: so alarms get a
     * time for people. */
    uint64_t wall_zero_ms;
};

enum coord_event_type {
    COORD_EVENT_MESSAGE, /* a message that passed the checks of its frame */
    COORD_EVENT_DURABLE, /* the log is durable up to `lsn` */
    COORD_EVENT_TICK,    /* coord_core_deadline() has come */
    COORD_EVENT_DISK,  /* `on`: free space is below the reserve: refuse new transactions, finish the
                          open ones */
    COORD_EVENT_DRAIN, /* `on`: refuse new transactions from now on; else take them again */
    COORD_EVENT_OPTIONS, /* `options` are in force from now on, but for those of its identity, nodes
                            and results_max. A timer that runs ends as it was set */
    COORD_EVENT_READMIT, /* an operator lets the participant `name` in again, with the loss that it
                            has declared; nothing unless coord_core_readmission() allows it */
};

struct coord_event {
    enum coord_event_type type;
    /* MESSAGE */
    uint64_t client; /* from a client: the shell's number for it */
    const struct tx_envelope *envelope;
    const struct tx_msg *msg;
    struct tx_token token; /* MESSAGE BEGIN: 16 random bytes for the new transaction */
    uint64_t wall_ms;      /* MESSAGE, TICK: for the record of a cut */
    /* DURABLE */
    struct tx_lsn lsn;
    /* DISK, DRAIN */
    bool on;
    /* OPTIONS */
    const struct coord_options *options;
    /* READMIT */
    struct tx_name name;
};

enum coord_action_type {
    COORD_ACTION_SEND,    /* `msg` to the participant at `address` */
    COORD_ACTION_REPLY,   /* `msg` to `client` */
    COORD_ACTION_APPEND,  /* `record` to the log; `lsn` is set in it and dense; `force`: somebody
                             waits for it */
    COORD_ACTION_COMPACT, /* records up to `lsn` are no longer needed */
    COORD_ACTION_ALARM,   /* `text` for the log of the daemon; the record is an action of its own */
    COORD_ACTION_STAMP,   /* frames that leave from now on carry `cut` */
    COORD_ACTION_NOTE,    /* `text`: something an operator wants to read, at `tx` or at
                           * no transaction */
};

struct coord_action {
    enum coord_action_type type;
    struct tx_id tx;
    uint64_t client;
    bool force;
    struct tx_lsn lsn;
    struct tx_bytes text;
    union {
        uint64_t cut;               /* STAMP */
        struct tx_msg msg;          /* SEND, REPLY */
        struct txlog_record record; /* APPEND; time_ms is the shell's to fill, unless it is set */
    };
    struct tx_address address; /* SEND */
};

struct coord_actions {
    struct coord_action *items;
    size_t n;
    size_t capacity;
    struct tx_arena arena;
};

/* Empties `actions` but keeps the memory; the shell calls it once the actions are performed. */
void coord_actions_clear(struct coord_actions *actions);
void coord_actions_deinit(struct coord_actions *actions);

struct coord_core *coord_core_new(const struct coord_options *options);
void coord_core_destroy(struct coord_core **core);

/* Recovery: every retained record from the last complete snapshot on, in order, before any step.
 * TX_ECORRUPT with a text when the records contradict each other. */
enum tx_error coord_core_recover(struct coord_core *core, const struct txlog_record *record,
                                 struct tx_why *why) TX_MUST_CHECK;
/* After the last record; `last` is the LSN of this start's own START. */
void coord_core_recovered(struct coord_core *core, struct tx_lsn last, uint64_t now_us,
                          struct coord_actions *actions);

/* One event. Appends to `actions`, which may still hold earlier ones. */
void coord_core_step(struct coord_core *core, const struct coord_event *event, uint64_t now_us,
                     struct coord_actions *actions);

/* When the core wants a TICK; UINT64_MAX for never. */
uint64_t coord_core_deadline(const struct coord_core *core);

/* How long transactions have taken, by the time of the events that the core was told. Of those that
 * a restart has found nothing is known. */
enum coord_phase {
    COORD_PHASE_OPERATIONS, /* interactive: BEGUN to COMMIT_REQUEST */
    COORD_PHASE_PREPARE,    /* the first PREPARE to the last vote, or to one phase's COMMITTED */
    COORD_PHASE_DECISION,   /* the last vote to the commit: until its record is durable; at once
                               where the members have decided, whose last vote is the evidence */
    COORD_PHASE_COMMITTED,  /* BEGIN or SUBMIT to the outcome */
    COORD_PHASE_ABORTED,    /* the same of an abort */
    COORD_PHASES_N
};
/* In microseconds; lives as long as the core. */
const struct tx_times *coord_core_times(const struct coord_core *core, enum coord_phase phase);

/* May this participant be let in again with the loss that it has declared? TX_OK, and `text` says
 * what is lost, as far as it is known here; else why not, and what to do: TX_EUNKNOWN (there is no
 * such participant), TX_ESTATE (it is not in quarantine, or what is missing is not in its loss). */
enum tx_error coord_core_readmission(struct coord_core *core, const struct tx_name *name,
                                     struct tx_why *text) TX_MUST_CHECK;

struct coord_stats {
    size_t active, collecting, deciding, committed, retained;
    size_t peers_up, peers_down, peers_quarantined;
    uint64_t begun, committed_total, aborted_total, unknown_total, aborted_by[TX_REASONS_N];
    uint64_t violations, stale, alarms, resends;
    uint64_t members_committed; /* of committed_total: decided by their members */
    uint64_t prevented;         /* undecided ones that were left to their members to refuse */
    size_t preventing;          /* of those, undecided still */
    bool fenced, draining, disk_low;
    uint64_t oldest_us; /* how long the oldest open one has been open; 0: none is */
    /* The oldest that is committed and not acknowledged by all: as long as it is, every snapshot of
     * the log has to restate it. All zero: none. */
    struct tx_id pin;
    uint64_t pin_us;             /* since its BEGIN, or since the restart */
    struct tx_lsn last, durable; /* records of its log */
    uint64_t cut;                /* the highest that was taken; 0: none */
    uint64_t cuts;               /* taken since the start */
    uint64_t cuts_begun;         /* of those: here */
};
void coord_core_stats(const struct coord_core *core, struct coord_stats *stats);
/* No transaction is undecided and nothing waits to become durable: a draining daemon may leave. */
bool coord_core_idle(const struct coord_core *core);
/* "none", "active", "collecting", "deciding", "committed", "finished-committed",
 * "finished-aborted". For tests and tools. */
const char *coord_core_state_name(const struct coord_core *core, struct tx_id tx);
/* Checks every invariant of coordinator/README.md; a broken one stops the process. For tests. */
void coord_core_check(const struct coord_core *core);

#endif
