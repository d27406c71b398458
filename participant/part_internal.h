/* What the files of the participant's core share: its structures, and the functions between its
 * files.
 *
 * The structures and their invariants are explained in participant/README.md. During a step the
 * core holds the time and the list of actions, so that the functions below need not pass
 * them on. */
#ifndef ASSENT_PARTICIPANT_PART_INTERNAL_H
#define ASSENT_PARTICIPANT_PART_INTERNAL_H

#include "common/assert.h"
#include "common/seeded_bug.h"
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

/* part_actions.c: memory of a core never fails. */
/* An empty arena, with a block of an earlier one if there is one. */
struct tx_arena part_arena_take(struct part_core *core);
/* Empties the arena; its block may go to the next taker. */
void part_arena_give(struct part_core *core, struct tx_arena *arena);
void *part_alloc(struct tx_arena *arena, size_t count, size_t bytes);
struct tx_bytes part_copy(struct tx_arena *arena, struct tx_bytes bytes);
/* Formatted, at most TX_TEXT_MAX bytes, in the actions' arena. */
struct tx_bytes part_text(struct part_core *core, const char *format, ...) TX_PRINTF(2, 3);
const struct tx_member *part_copy_members(struct tx_arena *arena, const struct tx_member *members,
                                          size_t n);
const struct tx_position *part_copy_positions(struct tx_arena *arena,
                                              const struct tx_position *positions, size_t n);
const struct tx_op *part_copy_ops(struct tx_arena *arena, const struct tx_op *ops, size_t n);
struct tx_result *part_copy_results(struct tx_arena *arena, const struct tx_result *results,
                                    size_t n);
struct part_results *part_results_new(const struct tx_result *results, size_t n);
/* The new action is borrowed until the next one. */
struct part_action *part_act(struct part_core *core, enum part_action_type type, struct tx_id tx);
/* Numbers the record; the caller fills in the payload. */
struct part_action *part_append(struct part_core *core, enum txlog_type type, struct tx_id tx,
                                bool force);
/* The record's batch carries the resource manager's commit. */
void part_with_writes(struct part_core *core, struct part_action *append);
void part_send(struct part_core *core, const struct tx_address *to, const struct tx_msg *msg);
void part_reply(struct part_core *core, uint64_t client, const struct tx_msg *msg);
void part_reply_error(struct part_core *core, uint64_t client, uint64_t req, enum tx_error error,
                      enum tx_reason reason, struct tx_bytes text);
void part_note(struct part_core *core, struct tx_id tx, struct tx_bytes text);

/* part_alarm.c */
void part_alarm(struct part_core *core, struct tx_id tx, struct tx_bytes text);
/* Keeps it in memory unless the same one is there. */
bool part_alarm_keep(struct part_core *core, struct tx_id tx, struct tx_bytes text,
                     uint64_t raised_ms);
/* The i-th that is kept, oldest first; NULL beyond the last. */
const struct part_alarm *part_alarm_at(const struct part_core *core, size_t i);
void part_alarms_free(struct part_core *core);
/* ALARMS: what is kept, the newest first, in pages. */
void part_on_alarms(struct part_core *core, uint64_t client,
                    const struct tx_msg_alarms_request *request);

/* part_timer.c */
void part_timer_set(struct part_core *core, struct part_tx *tx, uint64_t at_us);
/* The same, quicker, for times that as a rule come in ascending order. */
void part_timer_queue(struct part_core *core, struct part_tx *tx, uint64_t at_us);
void part_timer_clear(struct part_core *core, struct part_tx *tx);
/* The transaction whose timer is the next; NULL when there is none. */
struct part_tx *part_timer_first(const struct part_core *core);
uint64_t part_time_after(uint64_t now_us, uint64_t interval_us);

/* part_held.c */
void part_hold(struct part_core *core, const struct part_held *held);
void part_on_durable(struct part_core *core, struct tx_lsn lsn);

/* part_tx.c */
struct part_tx *part_tx_find(const struct part_core *core, struct tx_id id);
struct part_tx *part_tx_new(struct part_core *core, struct part_coordinator *coordinator,
                            struct tx_id id, struct tx_age age, enum part_state state);
/* The one function that moves a state: checks that the move is allowed. */
void part_tx_move(struct part_core *core, struct part_tx *tx, enum part_state state,
                  enum part_wait wait);
/* Frees what only an undecided transaction needs: operations, members, texts. */
void part_tx_shrink(struct part_core *core, struct part_tx *tx);
void part_tx_free(struct part_core *core, struct part_tx *tx);
size_t part_open_n(const struct part_core *core);
const char *part_state_text(enum part_state state);

/* part_undo.c: undoes a working or preparing transaction, answers a waiting client and, when
 * `tell`, votes NO. */
void part_undo(struct part_core *core, struct part_tx *tx, enum tx_reason reason,
               struct tx_bytes text, bool tell);
/* The missing answer of the resource manager has come. */
void part_undo_finish(struct part_core *core, struct part_tx *tx);
void part_count_abort(struct part_core *core, enum tx_reason reason);

/* part_tombstone.c */
struct part_tombstone *part_tombstone_find(const struct part_core *core, struct tx_id id);
/* Nothing when the id is below the mark; an older one stays as it is. */
void part_tombstone_put(struct part_core *core, struct part_coordinator *coordinator,
                        struct tx_id id, enum part_tombstone_kind kind, enum tx_reason reason,
                        struct tx_bytes text, struct part_results **results);
void part_tombstone_drop(struct part_core *core, struct part_tombstone *tombstone);

/* part_unsettled.c */
/* Counts the transaction among the unsettled ones of its epoch, or not any more, as its state says
 * now: after every change of that, and when a record of it has become durable. */
void part_unsettled_update(struct part_core *core, struct part_tx *tx);
/* It goes. */
void part_unsettled_drop(struct part_tx *tx);
/* The oldest epoch of which something is unsettled here; 0: none. */
uint64_t part_unsettled_oldest(const struct part_coordinator *coordinator);
bool part_is_unsettled(const struct part_core *core, const struct part_tx *tx);

/* part_mark.c */
bool part_mark_covers(const struct part_coordinator *coordinator, struct tx_id id);
/* Merges what a FORGET says; false when it says nothing new. Never takes anything back. */
bool part_mark_merge(struct part_coordinator *coordinator, uint64_t epoch, uint64_t below,
                     const uint64_t *open, size_t open_n);
const struct part_mark *part_mark_find(const struct part_coordinator *coordinator, uint64_t epoch);
void part_marks_free(struct part_coordinator *coordinator);

/* part_coordinators.c */
struct part_coordinator *part_coordinator_find(const struct part_core *core, uint32_t id);
struct part_coordinator *part_coordinator_new(struct part_core *core, uint32_t id);
void part_coordinator_free(struct part_core *core, struct part_coordinator *coordinator);
/* The log of a coordinator has been seen durable up to there. */
void part_coordinator_reached(struct part_coordinator *coordinator, struct tx_lsn lsn);
/* How far a coordinator has been seen. */
struct tx_position part_coordinator_known(const struct part_coordinator *coordinator);
bool part_introduced(const struct part_core *core, const struct part_coordinator *coordinator);
/* Who sends: NULL when the message may not go on (and has been counted and answered). */
struct part_coordinator *part_coordinator_admit(struct part_core *core,
                                                const struct tx_envelope *envelope,
                                                const struct tx_msg *msg);
void part_on_hello(struct part_core *core, const struct tx_envelope *envelope,
                   const struct tx_msg_hello *hello);
void part_send_welcome(struct part_core *core, const struct part_coordinator *coordinator);
bool part_refusing(const struct part_core *core);
/* May a new transaction begin? NONE, or why not, with a text. */
enum tx_reason part_refusal(struct part_core *core, struct tx_bytes *text);
/* A copy of the lineage for an action. */
const struct tx_position *part_starts(struct part_core *core);
void part_learn_age(struct part_core *core, struct tx_age age);

/* part_run.c */
void part_run(struct part_core *core, struct part_tx *tx);
/* Asks for the lock of the next operation. When it is neither held nor waited for, the transaction
 * is gone. */
enum lock_status part_take_lock(struct part_core *core, struct part_tx *tx) TX_MUST_CHECK;
/* There is no room for its lock: undoes it. */
void part_refuse_room(struct part_core *core, struct part_tx *tx);
void part_execute(struct part_core *core, struct part_tx *tx);
/* What it has read is durable, unless it is gone since. */
void part_read_durable(struct part_core *core, struct part_tx *tx);
/* So many bytes its results may take in a message. */
size_t part_results_max(const struct part_core *core, const struct part_tx *tx);
/* So many bytes the value of the next result may have. */
size_t part_results_room(const struct part_core *core, const struct part_tx *tx);
/* It has more: undoes the transaction. */
void part_refuse_results(struct part_core *core, struct part_tx *tx);
void part_op_done(struct part_tx *tx, const struct tx_result *result);
/* Marks whom the last call of the lock manager has wounded, while it is known who needed what
 * (NULL: nobody in particular): a wounded one may not go on before its event is worked off. `from`:
 * where the events of that call begin. */
void part_note_wounds(struct part_core *core, size_t from, const struct part_tx *by);
void part_locks_settle(struct part_core *core);
void part_locks_expire(struct part_core *core);
void part_locks_release(struct part_core *core, struct part_tx *tx);
/* Why the store has undone it. */
enum tx_reason part_rm_reason(const struct part_event *event);
void part_on_rm(struct part_core *core, const struct part_event *event);
const char *part_place_print(struct lock_name name, char *out, size_t out_size);

/* part_scan.c: reads for the next operation, a scan; again when its lock has come. */
void part_scan_read(struct part_core *core, struct part_tx *tx);
void part_scan_answered(struct part_core *core, struct part_tx *tx, const struct tx_result *result);

/* part_operate.c */
void part_on_operate(struct part_core *core, const struct part_event *event);
void part_step_done(struct part_core *core, struct part_tx *tx);
void part_send_operated(struct part_core *core, const struct part_tx *tx, enum tx_reason reason,
                        struct tx_bytes text);
bool part_ops_valid(const struct tx_op *ops, size_t n, struct tx_why *why);

/* part_prepare.c */
void part_on_prepare(struct part_core *core, struct part_coordinator *coordinator,
                     const struct tx_msg_prepare *prepare);
void part_prepare_begin(struct part_core *core, struct part_tx *tx);
void part_prepare_answered(struct part_core *core, struct part_tx *tx,
                           const struct part_event *event);
void part_prepared_durable(struct part_core *core, struct part_tx *tx);
const struct txlog_lock *part_locks_list(struct tx_arena *arena, const struct part_tx *tx,
                                         size_t *n);
void part_append_prepared(struct part_core *core, const struct part_tx *tx, struct tx_bytes redo,
                          bool restate);

/* part_vote.c */
void part_vote_no(struct part_core *core, const struct part_coordinator *coordinator,
                  struct tx_id id, enum tx_reason reason, struct tx_bytes text);
void part_vote_tx(struct part_core *core, const struct part_tx *tx, enum tx_vote vote);
void part_vote_tombstone(struct part_core *core, const struct part_tombstone *tombstone);

/* part_decide.c */
void part_on_commit(struct part_core *core, struct part_coordinator *coordinator,
                    const struct tx_msg_commit *commit);
void part_on_abort(struct part_core *core, struct part_coordinator *coordinator,
                   const struct tx_msg_abort *abort);
void part_commit(struct part_core *core, struct part_tx *tx, const char *how);
void part_abort_prepared(struct part_core *core, struct part_tx *tx, enum tx_reason reason,
                         const char *how);
void part_committed_durable(struct part_core *core, struct part_tx *tx);
bool part_defer(struct part_core *core, struct part_tx *tx, const struct part_deferred *deferred);
void part_deferred_play(struct part_core *core, struct tx_id id,
                        const struct part_deferred *deferred, size_t n);

/* part_resolve.c */
void part_on_resolve(struct part_core *core, const struct part_event *event);
void part_resolved_durable(struct part_core *core, const struct part_held *held);
/* PUT_ASIDE: an operator has seen to it. */
void part_on_put_aside(struct part_core *core, const struct part_event *event);
void part_put_aside_durable(struct part_core *core, const struct part_held *held);
void part_heuristic_decided(struct part_core *core, struct part_tx *tx, bool commit);
/* Somebody knows of no commit of it, and might have forgotten one: of a transaction in a declared
 * loss that is no decision. */
void part_heuristic_unknown(struct part_core *core, struct part_tx *tx);
void part_heuristic_end_durable(struct part_core *core, struct part_tx *tx);

/* part_inquire.c */
void part_in_doubt_begin(struct part_core *core, struct part_tx *tx);
/* Is it decided by its members, of a start of its coordinator that is gone? Nobody is left who
 * could tell more than they. */
bool part_members_alone(const struct part_tx *tx);
/* An older transaction waits for a lock of this one, which is protected. */
void part_wanted(struct part_core *core, struct part_tx *tx);
/* The coordinator has come back and been welcomed: it can settle what its earlier starts left in
 * doubt, so nobody waits for the timer. */
void part_inquire_older_epochs(struct part_core *core, struct part_coordinator *coordinator);
void part_inquire(struct part_core *core, struct part_tx *tx);
void part_on_timer(struct part_core *core, struct part_tx *tx);
/* In doubt: what would settle it, beside its coordinator; "; ..." or empty. */
struct tx_bytes part_doubt_text(struct part_core *core, const struct part_tx *tx);
bool part_is_in_doubt(const struct part_tx *tx);
bool part_said_prepared(const struct part_tx *tx, size_t member);
void part_on_inquire(struct part_core *core, const struct tx_envelope *envelope,
                     const struct tx_msg_inquire *inquire);
void part_on_state(struct part_core *core, const struct tx_envelope *envelope,
                   const struct tx_msg_state *state);
void part_on_wait(struct part_core *core, struct tx_id id);

/* part_places.c */
/* A coordinator says where participants are. */
void part_places_told(struct part_core *core, const struct tx_member *nodes, size_t n);
/* A member of a transaction that is open here speaks. True: from a place where it was not looked
 * for so far, and will be from now on. */
bool part_place_heard(struct part_core *core, const struct tx_member *member,
                      const struct tx_envelope *from);
/* Where to ask it: all different, the newest word of a coordinator first, the address of PREPARED
 * last. At least one; they live until the next word. */
size_t part_places_of(const struct part_core *core, const struct tx_member *member,
                      const struct tx_address *out[PART_PLACES_OF_ONE]);
void part_places_check(const struct part_core *core);
void part_places_free(struct part_core *core);

/* part_loss.c */
/* Did it prepare here in a start whose newest words are lost? Then this participant may have heard
 * the decision, and all others may have forgotten that: that somebody knows of no commit says
 * nothing. */
bool part_in_loss(const struct part_core *core, const struct part_tx *tx);
/* Of one that is not known here: may it have been, in the start that PREPARE named (0: not known)?
 */
bool part_may_have_lost(const struct part_core *core, uint64_t incarnation);
enum tx_error part_loss_recover(struct part_core *core, const struct txlog_record *record,
                                struct tx_why *why) TX_MUST_CHECK;
void part_loss_restate(struct part_core *core);
/* After recovery: an alarm says so. */
void part_loss_start(struct part_core *core);
/* COMMIT of one that is lost here. */
void part_commit_lost(struct part_core *core, struct part_coordinator *coordinator,
                      struct tx_id id);
void part_lost_durable(struct part_core *core, const struct part_held *held);

/* part_forget.c */
void part_on_forget(struct part_core *core, struct part_coordinator *coordinator,
                    const struct tx_msg_forget *forget);
/* Drops a transaction that has ended for good and lies below the mark. */
bool part_forget_ended(struct part_core *core, struct part_tx *tx);
bool part_forget_valid(const struct tx_msg_forget *forget);
void part_append_mark(struct part_core *core, const struct part_coordinator *coordinator,
                      uint64_t epoch);

/* part_cut.c */
/* The number in a frame of a daemon. False: nothing in that frame may be looked at. */
bool part_cut_stamped(struct part_core *core, uint64_t stamp);
void part_on_cut_request(struct part_core *core, uint64_t client,
                         const struct tx_msg_cut_request *request);
/* More of the log is durable: answers those who wait for a cut. */
void part_cut_durable(struct part_core *core);
/* After recovery: what the log says is stamped from now on. */
void part_cut_start(struct part_core *core);
enum tx_error part_cut_recover(struct part_core *core, const struct txlog_record *record,
                               struct tx_why *why) TX_MUST_CHECK;
void part_cut_restate(struct part_core *core);

/* part_snapshot.c */
static inline bool part_snapshot_is_due(const struct part_core *core)
{
    uint64_t every = core->options.snapshot_records;
    /* A large live state is restated no more often than in proportion to its size. */
    if (every != 0 && every < core->snapshot_live)
        every = core->snapshot_live;
    return every != 0 && !core->snapshotting && core->last.n - core->snapshot_end.n >= every;
}
void part_snapshot(struct part_core *core);
void part_snapshot_durable(struct part_core *core, const struct part_held *held);

/* part_figures.c */
/* The phase of this transaction has ended now. */
void part_phase_end(struct part_core *core, const struct part_tx *tx, enum part_phase phase);
/* The same of its time in doubt. */
void part_doubt_end(struct part_core *core, const struct part_tx *tx);

/* part_status.c */
void part_on_status(struct part_core *core, uint64_t client, uint64_t req);
/* What it waits for, in words; in the arena of the actions. */
struct tx_bytes part_describe(struct part_core *core, const struct part_tx *tx);

/* part_txs_view.c */
void part_on_txs(struct part_core *core, uint64_t client, const struct tx_msg_txs_request *request);

/* part_locks_view.c */
void part_on_locks(struct part_core *core, uint64_t client,
                   const struct tx_msg_locks_request *request);

#endif
