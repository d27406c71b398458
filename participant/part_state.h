/* What the participant's core keeps; nothing here is for anybody outside of it. The structures and
 * their invariants are explained in participant/README.md. */
#ifndef ASSENT_PARTICIPANT_PART_STATE_H
#define ASSENT_PARTICIPANT_PART_STATE_H

#include "common/spare.h"
#include "lockmgr/lockmgr.h"
#include "participant/part_core.h"
#include "participant/part_map.h"

#define PART_ALARMS_MAX        1000u /* alarms kept in memory, the newest */
#define PART_STATUS_TXS_MAX    1000u /* transactions shown in a STATUS */
#define PART_STATUS_ALARMS_MAX 5u    /* alarms shown in a STATUS */
#define PART_MARKS_MAX         256u  /* epochs of one coordinator with a mark of their own */
#define PART_DEFERRED_MAX                                                                          \
    (TX_MEMBERS_MAX + 2u)        /* every member may inquire, the coordinator decide */
#define PART_RESULT_BYTES  8u    /* of a result in a message, beside its value; at most */
#define PART_MESSAGE_REST  4096u /* of the frame around them: envelope, fields, text; at most */
#define PART_TIMER_QUEUED  SIZE_MAX
#define PART_SPARES_MAX    1024u /* blocks of transactions that are kept for the next ones */
#define PART_ENDED_MAX     8192u /* transactions and tombstones: a FORGET ends many at once */
#define PART_PLACES_MAX    4096u /* participants with addresses beside those of PREPARED, at most */
#define PART_PLACES_OF_ONE 4u    /* addresses at which one member is asked */
#define PART_ASKED_ALONE   1u    /* unanswered inquiries before the other members are asked too */

/* ---- lists: circular, with a head that is no element ---- */

struct part_link {
    struct part_link *prev, *next;
};

#define PART_CONTAINER(link, type, field) ((type *)(void *)((char *)(link)-offsetof(type, field)))

static inline void part_list_init(struct part_link *head)
{
    head->prev = head->next = head;
}
static inline void part_list_append(struct part_link *head, struct part_link *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}
/* Harmless on a link that is in no list. */
static inline void part_list_remove(struct part_link *link)
{
    if (link->next == NULL)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = NULL;
}

/* ---- transactions ---- */

enum part_state {
    PART_WORKING,
    PART_UNDOING, /* refused already; only the resource manager's answer to an open call
                   * is missing */
    PART_PREPARING,
    PART_PREPARED,
    PART_COMMITTED,
    PART_HEURISTIC,
    PART_STATES_N
};

/* Whom a transaction waits for before it can go on by itself. */
enum part_wait {
    PART_WAIT_NOBODY, /* prepared and later: a message will come, or an inquiry brings it */
    PART_WAIT_CLIENT, /* working: the next step, or PREPARE */
    PART_WAIT_LOCK,   /* working */
    PART_WAIT_RM,     /* working, undoing, preparing: a call is under way */
    PART_WAIT_LOG, /* a record is being made durable: preparing, its own; working, one whose writes
                    * it has read */
};

/* Results in one block of memory of their own, kept for a repeated answer. */
struct part_results {
    size_t n;
    struct tx_result items[];
};

/* A message that came while the transaction was preparing. */
struct part_deferred {
    enum tx_msg_type type; /* COMMIT, ABORT, INQUIRE */
    enum tx_reason reason; /* ABORT */
    bool in_doubt;         /* INQUIRE */
    uint64_t incarnation;  /* INQUIRE, COMMIT */
    enum tx_role role;
    struct tx_address from;
};

/* An operator's decision. */
struct part_heuristic {
    bool commit;
    struct tx_name operator_name;
    uint64_t wall_ms;
    enum tx_heuristic end; /* NONE until the real decision has come */
    struct tx_lsn lsn;     /* of the HEURISTIC_END */
    bool put_aside;        /* the operator has seen to it: it goes as if it had ended OK */
    struct tx_lsn aside;   /* of the PUT_ASIDE */
    struct tx_name aside_by;
    uint64_t aside_ms;
};

/* How far a scan has got, see part_scan.c. */
enum part_scan_phase {
    PART_SCAN_FREE,  /* nothing is locked: the first read */
    PART_SCAN_GUESS, /* what the first read went through is locked, or waited for */
    PART_SCAN_WHOLE, /* all that the operation names is */
};

struct part_scan {
    enum part_scan_phase phase;
    struct lock_name range; /* GUESS, WHOLE: what is locked, or waited for */
    bool range_before;      /* by an earlier scan already: what was read of it stands */
    struct lock_name guess; /* WHOLE: that of the phase before */
    uint64_t commits;       /* the core's count when the read under way was asked for */
};

struct part_tx {
    UT_hash_handle hh;
    struct part_key key;
    struct tx_id id;
    struct tx_age age;
    struct part_coordinator *coordinator;
    struct part_link in_coordinator;
    struct part_link in_live; /* all but committed */
    uint64_t serial;          /* ascending along that list */
    enum part_state state;
    enum part_wait wait;
    struct lock_owner *owner; /* while it has locks: working to prepared */
    uint64_t since_us;        /* of its begin; from prepared on: of that */
    uint64_t phase_us;        /* when its present step, or preparing, began */
    uint64_t begun_us;        /* here, or found at the restart */
    uint64_t moved_us;        /* into its state */
    bool recovered;           /* found in the log */
    uint64_t log_at;    /* prepared and later: bytes of the log in front of its record, or less */
    uint64_t inquiries; /* sent since it is in doubt here */
    uint64_t behind;    /* while a page of TXS is made: those who wait for it */

    size_t timer_at; /* place in the heap + 1, or PART_TIMER_QUEUED; 0: no timer */
    uint64_t timer_us;
    struct part_link in_timers; /* the queue */

    struct tx_token token;
    enum tx_isolation isolation;
    bool one_shot; /* its operations came with PREPARE */
    bool wanted;   /* an older transaction waits for its locks, and it cannot be wounded any more */
    bool one_phase;
    bool members_decide; /* mode D: committed when every member is prepared */
    bool found_out;      /* committed by what the members have said: no COMMIT has come yet */
    bool unsettled;      /* counted as such at its coordinator */
    bool wrote;
    bool rm_open; /* the resource manager holds something of it that must be ended */

    /* The present step (interactive), or the only one (one-shot). */
    uint32_t step;
    bool client_waits;
    bool op_locked;      /* the next operation has its lock, or needs none */
    bool op_held_before; /* it has had it before; read committed */
    bool wounded;        /* a LOCK_EVENT_WOUNDED is on its way */
    bool noted;          /* in doubt, and an operator has read so */
    bool alarmed;        /* a member has answered with an earlier start: said once */
    unsigned asked;      /* inquiries since the last word of the coordinator */
    uint64_t client, req;
    uint64_t lock_timeout_us;
    size_t ops_total; /* of all steps */
    const struct tx_op *ops;
    size_t ops_n, ops_done;
    struct tx_result *results;
    size_t results_bytes;   /* what they take in a message, at most */
    size_t results_max;     /* one-shot: what PREPARE gives them; 0: no bound of its own */
    struct part_scan scan;  /* of the next operation */
    struct tx_lsn rests_on; /* nobody may hear of the results before this record is durable */
    struct tx_arena work;   /* ops and results of the step; members; recovery: locks */

    const struct txlog_lock *locks; /* recovery: to be taken again */
    size_t locks_n;

    struct tx_arena kept; /* deferred, text; recovery: members */
    const struct tx_member *members;
    size_t members_n;
    const struct tx_position *known; /* of each member, as PREPARE told */
    size_t self;                     /* the receiver's place among them */
    struct part_deferred *deferred;
    size_t deferred_n;
    enum tx_reason reason; /* undoing */
    struct tx_bytes text;  /* undoing; and of the wound that is on its way */

    struct tx_lsn lsn; /* of the record that its state rests on: PREPARED, COMMITTED or HEURISTIC */
    uint64_t inquiry_us;    /* the present interval */
    uint64_t said_prepared; /* a bit for each member that is in doubt as well */
    uint64_t said_lost;     /* the same of those that cannot say */
    uint64_t note_us;       /* an operator reads then that it is (still) in doubt */
    struct part_heuristic heuristic;
    struct part_results *answer; /* one-phase: the results of a one-shot, once committed */
};

/* ---- tombstones ---- */

enum part_tombstone_kind { PART_TOMB_NO, PART_TOMB_READ_ONLY, PART_TOMB_READ_ONLY_ONE_PHASE };

struct part_tombstone {
    UT_hash_handle hh;
    struct part_key key;
    struct tx_id id;
    struct part_coordinator *coordinator;
    struct part_link in_coordinator;
    struct part_link in_age; /* oldest first */
    enum part_tombstone_kind kind;
    enum tx_reason reason;
    struct part_results *results; /* read-only one-shot */
    size_t text_len;
    char text[];
};

/* ---- coordinators ---- */

struct part_mark {
    uint64_t epoch;
    uint64_t below;
    uint64_t *open; /* ascending, all below `below` */
    size_t open_n;
};

/* How many transactions of an epoch are unsettled, see part_unsettled.c. */
struct part_unsettled {
    uint64_t epoch;
    size_t n; /* > 0 */
};

struct part_coordinator {
    UT_hash_handle hh;
    uint32_t id;
    uint64_t epoch;          /* the highest seen */
    uint64_t life;           /* of that epoch */
    struct tx_lsn known_lsn; /* how far its log is known to be durable */
    struct tx_lsn epoch_lsn; /* of its EPOCH record */
    struct tx_address address;
    uint64_t heard_us;
    uint64_t hello_number;       /* of the last HELLO, for the WELCOME */
    struct part_link txs;        /* in order of their begin */
    struct part_link tombstones; /* oldest first */
    uint64_t floor;              /* ids of `epoch` at or below it that are not known are refused */
    uint64_t finished_epoch;     /* this one and all before are finished */
    struct part_mark *marks;     /* of later epochs, ascending */
    size_t marks_n;
    struct part_unsettled *unsettled; /* by epoch, ascending */
    size_t unsettled_n, unsettled_capacity;
};

/* ---- where others are, see part_places.c ---- */

struct part_place {
    UT_hash_handle hh;
    struct tx_name name;
    struct part_link in_age;   /* the oldest word first */
    struct tx_address told[2]; /* by coordinators: the newest, and the last other one */
    struct tx_address own;     /* as it has said itself, in doubt like this one; may be empty */
    uint64_t own_start;        /* by that start, the latest */
};

/* ---- what waits for the log ---- */

enum part_held_type {
    PART_HELD_EPOCH,     /* WELCOME */
    PART_HELD_READ,      /* the answer to a step, or the vote, that carries what was read */
    PART_HELD_PREPARED,  /* the vote YES */
    PART_HELD_COMMITTED, /* ACK; one-phase: the vote COMMITTED */
    PART_HELD_RESOLVED,  /* the operator's answer */
    PART_HELD_PUT_ASIDE, /* the same */
    PART_HELD_END,       /* ACK of a heuristic end */
    PART_HELD_SNAPSHOT,  /* COMPACT */
    PART_HELD_CUT,       /* the answers to those who wait for it */
    PART_HELD_LOST,      /* ACK of what is lost here */
};

struct part_held {
    struct tx_lsn lsn;
    enum part_held_type type;
    struct tx_id tx;
    uint32_t coordinator; /* EPOCH */
    uint64_t epoch;       /* EPOCH: nothing is due when another one has come */
    uint64_t client, req; /* RESOLVED, PUT_ASIDE */
    struct tx_lsn begin;  /* SNAPSHOT */
};

struct part_alarm {
    struct tx_id tx;
    struct tx_bytes text;
    uint64_t raised_ms; /* wall clock */
    uint8_t *memory;    /* that it lives in */
};

struct part_core {
    struct part_options options;
    struct tx_lineage lineage;
    struct tx_loss loss; /* declared of this log; all zero: none */
    struct lockmgr *locks;
    struct lock_events events;         /* the worklist of this step */
    struct part_tx *txs;               /* map */
    struct part_link live;             /* all but committed, in order of their begin */
    uint64_t serial;                   /* of the newest one */
    struct part_tombstone *tombstones; /* map */
    struct part_link tombstones_by_age;
    struct part_coordinator *coordinators; /* map */
    struct part_place *places;             /* map */
    struct part_link places_by_age;
    struct part_link timers; /* a queue, in the same order as the heap */
    struct part_tx **heap;   /* by timer_us, then id */
    size_t heap_n, heap_capacity;
    size_t states[PART_STATES_N];

    struct tx_cuts cuts;
    struct tx_cut_askers cut_askers;
    uint64_t cuts_total;

    struct tx_lsn last; /* appended */
    struct tx_lsn durable;
    uint64_t log_bytes; /* of the log, up to `durable`, since the first record that was replayed */
    uint64_t log_bytes_from; /* of them, before this start */
    uint64_t commits;        /* records that change the store's data; nothing else does */
    /* The newest commits that are seen in the store and decided by their own record only. */
    struct tx_lsn one_phase; /* seen without a lock */
    struct tx_lsn heuristic; /* seen with one, too */
    struct part_held *held;  /* a queue: [held_from, held_to) */
    size_t held_from, held_to, held_capacity;

    struct tx_lsn snapshot_end; /* of the last snapshot that was begun */
    struct tx_lsn compacted;
    uint64_t snapshot_live; /* records that it took */
    bool snapshotting;

    struct part_alarm alarms[PART_ALARMS_MAX]; /* a ring: number i is at i % PART_ALARMS_MAX */
    uint64_t alarms_kept;                      /* ever put there */
    uint64_t age_counter;
    bool disk_low, draining;
    size_t txs_max_was; /* the largest that options.txs_max has been */
    bool old_copy;      /* another participant has proved it of this directory: no answer to any */
    uint64_t begun, committed_total, aborted_total, aborted_by[TX_REASONS_N];
    uint64_t found_out_total;
    uint64_t violations, stale, alarms_total, inquiries_total;
    struct tx_times times[PART_PHASES_N]; /* the lock manager keeps those of waits itself */

    struct tx_spare spare_txs, spare_tombstones; /* of those, the ones without a text */
    struct tx_arena arenas[PART_SPARES_MAX];     /* empty ones with a block each */
    size_t arenas_n;

    uint64_t started_us; /* the end of recovery */
    bool recovering;     /* no step yet */
    bool restating;      /* recovery: between SNAPSHOT_BEGIN and its END */

    /* Of the present step. */
    uint64_t now_us;
    uint64_t wall_ms; /* of MESSAGE */
    struct part_actions *out;
};

#endif
