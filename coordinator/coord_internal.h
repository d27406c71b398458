/* The functions between the files of the coordinator's core. */
#ifndef ASSENT_COORDINATOR_COORD_INTERNAL_H
#define ASSENT_COORDINATOR_COORD_INTERNAL_H

#include "common/assert.h"
#include "common/seeded_bug.h"
#include "coordinator/coord_state.h"

/* coord_actions.c: what goes out. Whatever a message points to must live in the arena of the
 * actions. */
void *coord_alloc(struct coord_core *core, size_t count, size_t bytes);
struct tx_bytes coord_copy(struct coord_core *core, struct tx_bytes bytes);
/* Operations with all that they point to, in one piece; all of them (`op_member` is NULL), or those
 * that `op_member` gives to `member`, in their order. */
struct tx_op *coord_ops_copy(struct tx_arena *arena, const struct tx_op *ops, size_t ops_n,
                             const uint8_t *op_member, size_t member);
struct tx_bytes coord_print(struct coord_core *core, const char *format, ...) TX_PRINTF(2, 3);
void coord_send(struct coord_core *core, const struct coord_peer *peer, const struct tx_msg *msg);
void coord_reply(struct coord_core *core, uint64_t client, const struct tx_msg *msg);
void coord_error(struct coord_core *core, struct coord_waiter to, enum tx_error error,
                 enum tx_reason reason, struct tx_bytes text);
/* Numbers the record and hands it to the log. */
/* A copy of the lineage for an action. */
const struct tx_position *coord_starts(struct coord_core *core);
struct tx_lsn coord_append(struct coord_core *core, struct txlog_record *record, bool force);
void coord_compact(struct coord_core *core, struct tx_lsn upto);
void coord_stamp(struct coord_core *core, uint64_t cut);
void coord_note(struct coord_core *core, struct tx_id tx, struct tx_bytes text);
/* An alarm: text for the daemon's log, a record, and a place in the list that snapshots restate. */
void coord_alarm(struct coord_core *core, struct tx_id tx, struct tx_bytes text);
void coord_alarm_tx(struct coord_core *core, struct coord_tx *tx, struct tx_bytes text);
void coord_alarm_keep(struct coord_core *core, struct tx_id tx, struct tx_bytes text,
                      uint64_t raised_ms);

/* coord_timer.c */
void coord_timer_arm(struct coord_timers *timers, struct coord_timer *timer, uint64_t at);
void coord_timer_disarm(struct coord_timers *timers, struct coord_timer *timer);
/* The earliest, or NULL. */
struct coord_timer *coord_timer_first(const struct coord_timers *timers);

/* coord_queue.c */
void coord_queue_push(struct coord_queue *queue, struct coord_resting resting);
/* Takes the first one off when it rests on nothing beyond `durable`. */
bool coord_queue_pop(struct coord_queue *queue, struct tx_lsn durable, struct coord_resting *out);

/* coord_tx.c: the table, and one function that moves a state */
struct coord_tx *coord_tx_new(struct coord_core *core, struct tx_id id, enum coord_state state);
void coord_tx_free(struct coord_core *core, struct coord_tx *tx);
struct coord_tx *coord_tx_find(const struct coord_core *core, struct tx_id id);
struct coord_tx *coord_tx_by_key(const struct coord_core *core, struct tx_bytes key);
struct coord_tx *coord_tx_by_request(const struct coord_core *core, struct coord_waiter from);
void coord_tx_set_key(struct coord_core *core, struct coord_tx *tx, struct tx_bytes key);
void coord_tx_drop_key(struct coord_core *core, struct coord_tx *tx);
void coord_tx_set_request(struct coord_core *core, struct coord_tx *tx, struct coord_waiter from);
void coord_tx_move(struct coord_core *core, struct coord_tx *tx, enum coord_state to);
struct coord_member *coord_tx_member(struct coord_tx *tx, const struct coord_peer *peer);
/* Remembers that this participant may hold locks for the transaction. */
void coord_tx_join(struct coord_tx *tx, struct coord_peer *peer);
bool coord_tx_joined(const struct coord_tx *tx, const struct coord_peer *peer);
/* What only an undecided transaction needs. */
void coord_tx_drop_work(struct coord_core *core, struct coord_tx *tx);
/* Zeroed memory for so many members. */
void coord_tx_make_members(struct coord_tx *tx, size_t n);
/* Another client waits; there are fewer than COORD_WAITERS_MAX. */
void coord_tx_add_waiter(struct coord_tx *tx, struct coord_waiter from);
/* An arena that is empty, with memory of an earlier use if there is any; and its way back. */
void coord_arena_take(struct coord_core *core, struct tx_arena *arena);
void coord_arena_give(struct coord_core *core, struct tx_arena *arena);
/* The member and its acknowledgement, for a record. */
struct txlog_peer coord_member_ack(const struct coord_member *member);
/* A member that must commit. */
bool coord_member_commits(const struct coord_member *member);
bool coord_all_voted(const struct coord_tx *tx);
/* Has the client an answer to hear, or already heard one? */
bool coord_tx_decided(const struct coord_tx *tx);
const char *coord_state_text(enum coord_state state);

/* coord_figures.c */
/* The phase of this transaction has ended now, and the next begins. */
void coord_phase_end(struct coord_core *core, struct coord_tx *tx, enum coord_phase phase);
/* It is committed, or aborted, from now on. */
void coord_count_committed(struct coord_core *core, const struct coord_tx *tx);
void coord_count_aborted(struct coord_core *core, const struct coord_tx *tx);

/* coord_retain.c: finished outcomes and results */
void coord_open_add(struct coord_core *core, struct coord_tx *tx);
/* Finished for the mark. */
void coord_open_remove(struct coord_core *core, struct coord_tx *tx);
/* From now on the outcome may be forgotten when its time is over. */
void coord_retain(struct coord_core *core, struct coord_tx *tx);
void coord_retain_unlink(struct coord_core *core, struct coord_tx *tx);
/* Forgets what has been retained long enough, and waits for the next. */
void coord_retention_timer(struct coord_core *core);
void coord_retain_bound(struct coord_core *core);
void coord_results_keep(struct coord_core *core, struct coord_tx *tx);
void coord_results_drop(struct coord_core *core, struct coord_tx *tx);
void coord_on_outcome_ack(struct coord_core *core, const struct tx_msg_id *msg);

/* coord_begin.c */
void coord_on_begin(struct coord_core *core, struct coord_waiter from,
                    const struct coord_event *event);
void coord_on_join(struct coord_core *core, struct coord_peer *peer, const struct tx_msg_id *msg);
void coord_active_timer(struct coord_core *core, struct coord_tx *tx);
/* A participant that has joined has restarted: what the transaction did there is lost. */
void coord_active_restarted(struct coord_core *core, struct coord_tx *tx,
                            const struct coord_peer *peer);
/* False, and the client has its answer, when nothing new may start now. */
bool coord_may_begin(struct coord_core *core, struct coord_waiter from);
bool coord_age_take(struct coord_core *core, struct coord_waiter from, struct tx_age given,
                    struct tx_age *age);
void coord_age_learn(struct coord_core *core, uint64_t counter);
struct tx_id coord_next_id(struct coord_core *core);

/* coord_submit.c */
void coord_on_submit(struct coord_core *core, struct coord_waiter from,
                     const struct tx_msg_submit *submit);

/* coord_collect.c */
void coord_on_commit_request(struct coord_core *core, struct coord_tx *tx, struct coord_waiter from,
                             const struct tx_msg_finish *finish);
/* The members are set: PREPARE as soon as all of them are introduced. */
void coord_collect_start(struct coord_core *core, struct coord_tx *tx);
void coord_collect_timer(struct coord_core *core, struct coord_tx *tx);
void coord_collect_peer_back(struct coord_core *core, struct coord_tx *tx,
                             const struct coord_peer *peer);
void coord_collect_peer_lost(struct coord_core *core, struct coord_tx *tx,
                             const struct coord_peer *peer);
/* May the coordinator still abort it on its own? */
bool coord_collect_abortable(const struct coord_tx *tx);

/* coord_vote.c */
void coord_on_vote(struct coord_core *core, struct coord_peer *peer,
                   const struct tx_msg_vote *vote);

/* coord_decide.c */
void coord_decide(struct coord_core *core, struct coord_tx *tx);
/* All members have prepared what they decide themselves: it is committed already. */
void coord_found_committed(struct coord_core *core, struct coord_tx *tx);
void coord_commit_durable(struct coord_core *core, struct coord_tx *tx);
/* Is every commit of its epoch known here, so that this one, which is not, never was one? */
bool coord_never_decided(const struct coord_core *core, struct tx_id id);
void coord_end_durable(struct coord_core *core, struct coord_tx *tx);
/* Everybody only read, or nobody took part: committed without a record. */
void coord_finish_readers(struct coord_core *core, struct coord_tx *tx);
void coord_send_commit(struct coord_core *core, const struct coord_tx *tx,
                       const struct coord_peer *peer);
void coord_committed_timer(struct coord_core *core, struct coord_tx *tx);
void coord_committed_peer_back(struct coord_core *core, struct coord_tx *tx,
                               const struct coord_peer *peer);
void coord_on_ack(struct coord_core *core, struct coord_peer *peer, const struct tx_msg_ack *ack);

/* coord_one_phase.c */
void coord_one_phase_committed(struct coord_core *core, struct coord_tx *tx, struct tx_lsn lsn);
void coord_one_phase_durable(struct coord_core *core, struct coord_tx *tx);
/* The member has told what became of a one-phase transaction whose vote was lost. */
void coord_one_phase_state(struct coord_core *core, struct coord_tx *tx,
                           const struct tx_msg_state *state);

/* coord_prevent.c: INQUIRE to members whose votes have not come; what the members decide */
/* To every member that has not voted, and again later. */
void coord_inquire_members(struct coord_core *core, struct coord_tx *tx);
/* Aborts, unless that is the members' to decide: then they are asked, each to refuse for good if it
 * has not prepared. The first reason given is the one that it is aborted with. `who` may be NULL.
 */
void coord_give_up(struct coord_core *core, struct coord_tx *tx, enum tx_reason reason,
                   const struct coord_peer *who, struct tx_bytes text);
/* This member has prepared; what its operations gave will not come. */
void coord_member_prepared(struct coord_core *core, struct coord_tx *tx,
                           struct coord_member *member);
/* Of a one-shot that commits all the same: the client hears that it has no results. */
void coord_results_lose(struct coord_core *core, struct coord_tx *tx);
void coord_on_state(struct coord_core *core, struct coord_peer *peer,
                    const struct tx_msg_state *state);

/* coord_abort.c */
/* Why it will be aborted, or is; the first reason stays. `who` may be NULL. */
void coord_abort_reason(struct coord_tx *tx, enum tx_reason reason, const struct coord_peer *who,
                        struct tx_bytes text);
void coord_abort(struct coord_core *core, struct coord_tx *tx, enum tx_reason reason,
                 const struct coord_peer *who, struct tx_bytes text);
/* `proved`: it never committed; else there is merely no record of it. */
void coord_send_abort(struct coord_core *core, struct tx_id id, enum tx_reason reason, bool proved,
                      const struct coord_peer *peer);

/* coord_outcome.c */
void coord_on_finish(struct coord_core *core, struct coord_waiter from, enum tx_msg_type type,
                     const struct tx_msg_finish *finish);
/* Answers now when it is decided, else when it will be. */
void coord_attach(struct coord_core *core, struct coord_tx *tx, struct coord_waiter from);
void coord_answer_all(struct coord_core *core, struct coord_tx *tx);
void coord_answer_unknown(struct coord_core *core, struct coord_waiter to, struct tx_id id,
                          struct tx_bytes text);

/* coord_resolve.c: ids that are not known here */
void coord_resolve(struct coord_core *core, struct coord_waiter from,
                   const struct tx_msg_finish *finish);
/* Somebody else asks for an id that is being asked for already. */
void coord_resolve_again(struct coord_core *core, struct coord_tx *tx, struct coord_waiter from,
                         const struct tx_msg_finish *finish);
void coord_resolve_timer(struct coord_core *core, struct coord_tx *tx);
void coord_resolve_state(struct coord_core *core, struct coord_tx *tx, struct coord_member *member,
                         const struct tx_msg_state *state);

/* coord_inquire.c */
void coord_on_inquire(struct coord_core *core, struct coord_peer *peer,
                      const struct tx_msg_inquire *inquire);
/* A participant has welcomed this start, or is down. */
void coord_presume_waiting(struct coord_core *core);

/* coord_peers.c */
struct coord_peer *coord_peer_find(const struct coord_core *core, const struct tx_name *name);
struct coord_peer *coord_peer_configured(const struct coord_core *core, const struct tx_name *name);
struct coord_peer *coord_peer_add(struct coord_core *core, const struct tx_name *name,
                                  const struct tx_address *address, bool configured);
/* Its log has been seen durable up to there. */
void coord_peer_known(struct coord_peer *peer, struct tx_position position);
/* The names of the configured ones, for a text. */
struct tx_bytes coord_peer_names(struct coord_core *core);
struct tx_member *coord_peer_members(struct coord_core *core, size_t *n);
void coord_peers_start(struct coord_core *core);
/* Another peer_down is in force: its timer would only notice when the former time is over. */
void coord_peers_watch(struct coord_core *core);
void coord_peer_hello(struct coord_core *core, struct coord_peer *peer);
/* A start of it that has not introduced itself: unless the last HELLO is young. */
void coord_peer_hello_soon(struct coord_core *core, struct coord_peer *peer);
void coord_peer_silent(struct coord_core *core, struct coord_peer *peer);
void coord_on_welcome(struct coord_core *core, struct coord_peer *peer,
                      const struct tx_envelope *from, const struct tx_msg_welcome *welcome);
/* The incarnation check: false when the message is not of the start that welcomed this epoch. */
bool coord_peer_heard(struct coord_core *core, struct coord_peer *peer,
                      const struct tx_envelope *from);
const char *coord_peer_state_text(const struct coord_peer *peer);
/* The participant is let in with what it has now. */
void coord_peer_return(struct coord_core *core, struct coord_peer *peer);

/* coord_readmit.c */
/* May what this member has promised be in a loss that it has declared? Then its NO is no refusal.
 */
bool coord_member_lost(const struct coord_member *member);
/* Quarantined with a loss that explains what is missing: for the alarm and the status. */
struct tx_bytes coord_readmit_hint(struct coord_core *core, const struct coord_peer *peer);
void coord_readmit(struct coord_core *core, const struct tx_name *name);
void coord_readmit_recover(struct coord_peer *peer, const struct txlog_readmit *readmit);

/* coord_fence.c */
void coord_on_fenced(struct coord_core *core, const struct tx_msg_fenced *fenced);
/* Somebody has seen this coordinator at `known`, where this log has never been. */
void coord_fence(struct coord_core *core, struct tx_position known, struct tx_bytes text);
/* The log says that an earlier start was fenced: silent from the beginning. */
void coord_fence_recovered(struct coord_core *core);

/* coord_cut.c */
/* The number in a frame of a daemon. False: nothing in that frame may be looked at. */
bool coord_cut_stamped(struct coord_core *core, uint64_t stamp);
void coord_on_cut_request(struct coord_core *core, struct coord_waiter from,
                          const struct tx_msg_cut_request *request);
/* More of the log is durable: answers those who wait for a cut. */
void coord_cut_durable(struct coord_core *core);
void coord_cut_timer(struct coord_core *core);
/* The interval between two cuts begins anew. */
void coord_cut_interval(struct coord_core *core);
/* After recovery: what the log says is stamped from now on. */
void coord_cut_start(struct coord_core *core);
enum tx_error coord_cut_recover(struct coord_core *core, const struct txlog_record *record,
                                struct tx_why *why) TX_MUST_CHECK;
void coord_cut_restate(struct coord_core *core);
/* No further cut, and nobody need wait for one. */
void coord_cut_fenced(struct coord_core *core);

/* coord_forget.c */
struct txlog_record coord_forget_record(const struct coord_core *core);
void coord_forget_timer(struct coord_core *core);

/* coord_recover.c */
void coord_recover_finish(struct coord_core *core);

/* coord_snapshot.c */
void coord_snapshot_maybe(struct coord_core *core);
void coord_snapshot_durable(struct coord_core *core);
/* The COMMIT record of a transaction, in the arena of the actions. */
struct txlog_record coord_commit_record(struct coord_core *core, const struct coord_tx *tx);
struct txlog_record coord_end_record(struct coord_core *core, const struct coord_tx *tx);

/* coord_status.c */
void coord_on_status(struct coord_core *core, struct coord_waiter from);
/* What it waits for, in words; in the arena of the actions. */
struct tx_bytes coord_describe(struct coord_core *core, const struct coord_tx *tx);
/* Is this member one that the transaction waits for in its state? */
bool coord_waits_for(const struct coord_tx *tx, const struct coord_member *member);

/* coord_txs_view.c */
void coord_on_txs(struct coord_core *core, uint64_t client,
                  const struct tx_msg_txs_request *request);
void coord_on_alarms(struct coord_core *core, uint64_t client,
                     const struct tx_msg_alarms_request *request);

#endif
