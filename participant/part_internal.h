/* The functions between the files of the participant's core.
 *
 * During a step the core holds the time and the list of actions, so that the functions need not
 * pass them on. */
#ifndef ASSENT_PARTICIPANT_PART_INTERNAL_H
#define ASSENT_PARTICIPANT_PART_INTERNAL_H

#include "common/assert.h"
#include "common/seeded_bug.h"
#include "participant/part_state.h"

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
