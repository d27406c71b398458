/* The participant's protocol core: a pure state machine.
 *
 * Events and the time go in, actions come out; it makes no system call, reads no clock and draws no
 * random number. The state table is in docs/protocol.md, the structures and invariants in
 * participant/README.md. The daemon's shell performs the actions in their order; so can anything
 * else that keeps the same promises, on a virtual clock, network and disk.
 *
 * Ownership: events are borrowed for the call. What an action points to lives in the actions' own
 * arena until part_actions_clear(), whatever steps are made meanwhile; the operation of an EXECUTE
 * lives until the RM event that answers it. */
#ifndef ASSENT_PARTICIPANT_PART_CORE_H
#define ASSENT_PARTICIPANT_PART_CORE_H

#include "common/msg.h"
#include "common/times.h"
#include "txlog/record.h"

/* So long a prepared transaction that an older one waits for is left to its decision, before the
 * coordinator is told of the older one. */
#define PART_WANTED_US 20000u

struct part_core;

struct part_options {
    struct tx_name name;
    uint64_t incarnation;     /* of this start; its START record is durable already */
    uint64_t life;            /* random, of this start */
    uint64_t idle_us;         /* a working one without a word from its client is undone then */
    uint64_t lock_timeout_us; /* backstop of a lock wait */
    uint64_t inquiry_us;      /* in doubt for longer: ask */
    uint64_t inquiry_max_us;  /* the interval grows up to this */
    size_t txs_max;           /* open transactions (working to prepared); new ones are refused */
    size_t locks_max;
    enum tx_lock_policy lock_policy;
    size_t escalate_at;        /* see struct lockmgr_options */
    size_t tombstones_max;     /* the oldest go first; part_tombstone.c says why that is safe */
    uint64_t snapshot_records; /* after so many records the live state is restated; 0: never */
    uint64_t retain_records;   /* history kept behind the last snapshot, for txrecover */
    /* Bytes that the results of one step, or of a one-shot, may take in their message; more is
     * refused. 0: as the default size of a message allows. */
    size_t results_max;
    /* What the wall clock said, Unix milliseconds, when the core's own time was 0: so alarms get a
     * time for people. */
    uint64_t wall_zero_ms;
};
/* What fits into a frame of that many bytes. */
size_t part_core_results_max(size_t message_max);

/* Whoever is to be answered. */
struct part_peer {
    bool is_client;
    uint64_t client;           /* the shell's number of a client */
    struct tx_address address; /* of a daemon */
};

enum part_event_type {
    PART_EVENT_MESSAGE, /* a message that passed the checks of its frame */
    PART_EVENT_DURABLE, /* the log is durable up to `lsn` */
    PART_EVENT_RM,      /* the resource manager has answered an action of this core */
    PART_EVENT_TICK,    /* part_core_deadline() has come */
    PART_EVENT_DISK,    /* `on`: below the reserve: no new transactions, finish the open ones */
    PART_EVENT_DRAIN,   /* `on`: refuse new transactions from now on; else take them again */
    PART_EVENT_OPTIONS, /* of `options`, the times, txs_max, snapshot_records and retain_records are
                           in force from now on. A timer that runs ends as it was set */
};

/* Which call of rm.h the answer belongs to. */
enum part_rm_call { PART_RM_EXECUTE, PART_RM_PREPARE, PART_RM_COMMIT, PART_RM_ROLLBACK };

/* struct rm_answer without its borrowed parts that the core does not need; see participant/rm.h for
 * the meanings. */
enum part_rm_status {
    PART_RM_OK,
    PART_RM_READ_ONLY,
    PART_RM_ROLLED_BACK,
    PART_RM_RETRY,
};

struct part_event {
    enum part_event_type type;
    /* MESSAGE */
    uint64_t client; /* from a client: the shell's number for it */
    const struct tx_envelope *envelope;
    const struct tx_msg *msg;
    uint64_t wall_ms; /* MESSAGE: for the record of RESOLVE, PUT_ASIDE and of a cut */
    /* DURABLE */
    struct tx_lsn lsn;
    uint64_t log_bytes; /* durable since this start */
    /* RM */
    struct tx_id tx;
    enum part_rm_call call;
    enum part_rm_status status;
    enum tx_reason reason;
    struct tx_bytes text;
    struct tx_result result;
    struct tx_bytes redo;
    bool wrote;
    /* DISK, DRAIN */
    bool on;
    /* OPTIONS */
    const struct part_options *options;
};

enum part_action_type {
    PART_ACTION_SEND,     /* `msg` to `to` */
    PART_ACTION_APPEND,   /* `record` to the log; `lsn` is set in it and dense; `force`: somebody
                             waits for it */
    PART_ACTION_EXECUTE,  /* `op` of `tx` at the resource manager; an RM event follows. What it
                             reads is of one moment after this and before that event */
    PART_ACTION_PREPARE,  /* `tx` at the resource manager; an RM event follows */
    PART_ACTION_ROLLBACK, /* `tx` at the resource manager; no event follows */
    PART_ACTION_COMPACT,  /* records up to `lsn` are no longer needed */
    PART_ACTION_STAMP,    /* frames that leave from now on carry `cut` */
    PART_ACTION_ALARM,    /* `text` for the log of the daemon; the record is an action of its own */
    PART_ACTION_NOTE, /* `text`: something an operator wants to read (in doubt, undone, recovered),
                         at `tx` */
};

struct part_action {
    enum part_action_type type;
    bool force;         /* APPEND */
    bool commit_writes; /* APPEND: in one batch with the resource manager's commit of `tx` */
    bool redo_wanted;   /* APPEND of a PREPARED that restates: the shell fills in the redo from the
                           resource manager */
    struct tx_id tx;
    struct tx_lsn lsn;    /* APPEND, COMPACT */
    struct tx_bytes text; /* ALARM, NOTE */
    /* Of the type that it belongs to; nothing in the others. */
    union {
        struct {
            struct part_peer to;
            struct tx_msg msg;
        };                          /* SEND */
        struct txlog_record record; /* APPEND; time_ms is the shell's to fill, unless it is set */
        struct tx_op op;            /* EXECUTE */
        uint64_t cut;               /* STAMP */
    };
};

struct part_actions {
    struct part_action *items;
    size_t n;
    size_t capacity;
    struct tx_arena arena;
};

/* Empties `actions` but keeps the memory; the shell calls it once the actions are performed. */
void part_actions_clear(struct part_actions *actions);
void part_actions_deinit(struct part_actions *actions);

struct part_core *part_core_new(const struct part_options *options);
void part_core_destroy(struct part_core **core);

/* Recovery: every retained record from the last complete snapshot on (txlog/recovery.h finds where
 * that begins), in order, before any step. TX_ECORRUPT with a text when the records contradict each
 * other. A PREPARED that is still open at the end is handed to the resource manager by the shell:
 * see part_core_each_prepared(). */
enum tx_error part_core_recover(struct part_core *core, const struct txlog_record *record,
                                struct tx_why *why) TX_MUST_CHECK;
/* After the last record (`last` is its LSN): takes the locks of every prepared transaction again,
 * and from now on the core appends at last + 1. */
enum tx_error part_core_recovered(struct part_core *core, struct tx_lsn last, uint64_t now_us,
                                  struct part_actions *actions, struct tx_why *why) TX_MUST_CHECK;
/* Visits the prepared transactions that nobody has decided, no operator either, oldest first, with
 * the LSN of the newest PREPARED record. */
void part_core_each_prepared(const struct part_core *core,
                             void (*visit)(void *arg, struct tx_id tx, struct tx_lsn prepared),
                             void *arg);

/* One event. RESOLVE is answered with an ERROR message whose error is TX_OK when the decision is
 * durable. Appends to `actions`, which may still hold earlier ones that the shell is working
 * through (by index: the array may move). */
void part_core_step(struct part_core *core, const struct part_event *event, uint64_t now_us,
                    struct part_actions *actions);

/* When the core wants a TICK; UINT64_MAX for never. */
uint64_t part_core_deadline(const struct part_core *core);

/* How long things have taken, by the time of the events that the core was told. */
enum part_phase {
    PART_PHASE_OPERATION, /* a step of an interactive transaction, or all of a one-shot: from its
                             message until it is executed, waits for locks included */
    PART_PHASE_PREPARE,   /* from then on, or PREPARE, until its record is durable */
    PART_PHASE_IN_DOUBT,  /* from PREPARED until the decision is known, or an operator's */
    PART_PHASE_LOCK_WAIT, /* each wait for a lock, however it ended */
    PART_PHASES_N
};
/* In microseconds; lives as long as the core. */
const struct tx_times *part_core_times(const struct part_core *core, enum part_phase phase);

struct part_stats {
    size_t working, preparing, prepared, committed, heuristic, tombstones;
    size_t locks_held, locks_waiting;
    uint64_t oldest_prepared_us; /* how long the oldest has been in doubt; 0 when none */
    uint64_t begun, committed_total, aborted_total, aborted_by[TX_REASONS_N];
    uint64_t found_out;  /* of those committed: what the members have said was enough, mode D */
    uint64_t violations; /* messages that no correct peer sends; dropped */
    uint64_t stale;      /* late or repeated messages; ignored */
    uint64_t cut;        /* the highest that was taken; 0: none */
    uint64_t cuts;       /* taken since the start */
    uint64_t alarms;
    uint64_t inquiries; /* rounds of asking what became of a transaction in doubt */
    uint64_t lock_grants, lock_waits, lock_wounds, lock_timeouts, lock_conflicts, lock_refusals;
    uint64_t lock_escalations;
    size_t coordinators, coordinators_introduced; /* known; and met by this start */
    bool draining, disk_low;
    bool old_copy; /* another participant has proved that this directory is an old copy */
    /* The oldest in doubt, or decided by an operator without its coordinator: as long as it is,
     * every snapshot of the log has to restate it. All zero: none. */
    struct tx_id pin;
    uint64_t pin_us;             /* since it was prepared, or since the restart */
    struct tx_lsn last, durable; /* records of its log */
};
void part_core_stats(const struct part_core *core, uint64_t now_us, struct part_stats *stats);
/* Calls `visit` for every lock that is held, one transaction after the other. The resource, as
 * people read it, is borrowed. For tests and tools. */
void part_core_each_lock(const struct part_core *core,
                         void (*visit)(void *arg, struct tx_id tx, const char *resource,
                                       enum tx_lock_mode mode),
                         void *arg);
/* No transaction is open, nothing waits to become durable: a draining daemon may leave. */
bool part_core_idle(const struct part_core *core);
/* What this participant says of a transaction, for tests and tools: "none", "working", ...
 * "tombstone", "forgotten". */
const char *part_core_state_name(const struct part_core *core, struct tx_id tx);
/* Checks every invariant of participant/README.md; a broken one stops the process. For tests. */
void part_core_check(const struct part_core *core);

#endif
