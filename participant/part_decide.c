/* COMMIT and ABORT, what follows when their records are durable, and messages that must wait for a
 * PREPARED record. */
#include "participant/part_internal.h"

#include <inttypes.h>

static void send_ack(struct part_core *core, const struct part_coordinator *coordinator,
                     struct tx_id id, bool members_decide)
{
    struct tx_msg msg = {
        .type = TX_MSG_ACK,
        .ack = {.id = id,
                .incarnation = core->options.incarnation,
                .lsn = core->durable,
                .members_decide = members_decide},
    };
    part_send(core, &coordinator->address, &msg);
}

/* An operator who has read that it was in doubt reads how that ended. */
static void note_settled(struct part_core *core, const struct part_tx *tx, const char *outcome,
                         const char *how)
{
    if (tx->noted)
        part_note(core, tx->id,
                  part_text(core, "settled: %s by %s after %" PRIu64 " ms in doubt", outcome, how,
                            (core->now_us - tx->since_us) / 1000));
}

void part_commit(struct part_core *core, struct part_tx *tx, const char *how)
{
    TX_ASSERT(tx->state == PART_PREPARED && tx->lsn.n <= core->durable.n);
    part_doubt_end(core, tx);
    struct part_action *action = part_append(core, TXLOG_COMMITTED, tx->id, false);
    action->record.committed = (struct txlog_committed){
        .id = tx->id, .known = tx->coordinator->known_lsn, .members_decide = tx->members_decide};
    if (tx->rm_open)
        part_with_writes(core, action);
    note_settled(core, tx, "committed", how);
    tx->rm_open = false;
    tx->lsn = core->last;
    part_timer_clear(core, tx);
    part_tx_move(core, tx, PART_COMMITTED, PART_WAIT_NOBODY);
    part_hold(core,
              &(struct part_held){.lsn = core->last, .type = PART_HELD_COMMITTED, .tx = tx->id});
    /* Whoever reads these writes now has its own records behind this one. */
    part_locks_release(core, tx);
    part_tx_shrink(core, tx);
    tx->one_shot = false;
    core->committed_total++;
    core->found_out_total += tx->found_out;
}

void part_abort_prepared(struct part_core *core, struct part_tx *tx, enum tx_reason reason,
                         const char *how)
{
    TX_ASSERT(tx->state == PART_PREPARED && tx->lsn.n <= core->durable.n);
    part_doubt_end(core, tx);
    part_append(core, TXLOG_ABORTED, tx->id, false)->record.id = (struct txlog_id){.id = tx->id};
    if (tx->rm_open)
        part_act(core, PART_ACTION_ROLLBACK, tx->id);
    note_settled(core, tx, "aborted", how);
    part_count_abort(core, reason);
    part_locks_release(core, tx);
    part_tombstone_put(core, tx->coordinator, tx->id, PART_TOMB_NO, reason,
                       tx_bytes_str("aborted after it was prepared"), NULL);
    part_tx_free(core, tx);
}

/* One-phase: the vote has waited for this, and so have the locks. */
static void one_phase_durable(struct part_core *core, struct part_tx *tx)
{
    part_phase_end(core, tx, PART_PHASE_PREPARE);
    part_tx_move(core, tx, PART_COMMITTED, PART_WAIT_NOBODY);
    if (tx->one_shot)
        tx->answer = part_results_new(tx->results, tx->ops_n);
    core->committed_total++;
    part_vote_tx(core, tx, TX_VOTE_COMMITTED);
    part_locks_release(core, tx);
    const struct part_deferred *deferred = tx->deferred;
    size_t deferred_n = tx->deferred_n;
    struct tx_arena kept = tx->kept;
    struct tx_id id = tx->id;
    tx->kept = (struct tx_arena){0};
    part_tx_shrink(core, tx);
    tx->one_shot = false;
    part_deferred_play(core, id, deferred, deferred_n);
    part_arena_give(core, &kept);
}

void part_committed_durable(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->lsn.n <= core->durable.n);
    if (tx->state == PART_PREPARING) {
        one_phase_durable(core, tx);
    } else {
        TX_ASSERT(tx->state == PART_COMMITTED);
        part_unsettled_update(core, tx);
        if (!tx->found_out) /* or else nobody waits for it, until COMMIT comes */
            send_ack(core, tx->coordinator, tx->id, tx->members_decide);
    }
    (void)part_forget_ended(core, tx);
}

static void ack_committed(struct part_core *core, const struct part_tx *tx)
{
    TX_ASSERT(tx->state == PART_COMMITTED);
    if (tx->lsn.n <= core->durable.n)
        send_ack(core, tx->coordinator, tx->id, tx->members_decide);
    else
        core->stale++; /* the ACK leaves when the record is durable */
}

/* ---- COMMIT ---- */

static void alarm_commit(struct part_core *core, struct tx_id id, const char *state)
{
    char text[TX_ID_TEXT];
    part_alarm(core, id,
               part_text(core, "COMMIT of transaction %s, which is %s here: an old disk, or a bug",
                         tx_id_print(id, text), state));
}

static void commit_unknown(struct part_core *core, struct part_coordinator *coordinator,
                           const struct tx_msg_commit *commit)
{
    struct tx_id id = commit->id;
    bool lost = commit->incarnation > 0 && part_may_have_lost(core, commit->incarnation);
    if (part_mark_covers(coordinator, id) || TX_SEEDED_BUG(NOT_FOUND_IS_SUCCESS) ||
        (lost && TX_SEEDED_BUG(LOSS_ACKNOWLEDGED)))
        send_ack(core, coordinator, id, false);
    else if (lost)
        part_commit_lost(core, coordinator, id);
    else
        alarm_commit(core, id, part_core_state_name(core, id));
}

static void defer_decision(struct part_core *core, struct part_tx *tx, enum tx_msg_type type,
                           enum tx_reason reason)
{
    struct part_deferred deferred = {.type = type,
                                     .reason = reason,
                                     .role = TX_ROLE_COORDINATOR,
                                     .from = tx->coordinator->address};
    (void)part_defer(core, tx, &deferred);
}

void part_on_commit(struct part_core *core, struct part_coordinator *coordinator,
                    const struct tx_msg_commit *commit)
{
    struct tx_id id = commit->id;
    part_coordinator_reached(coordinator, commit->lsn);
    struct part_tx *tx = part_tx_find(core, id);
    if (tx == NULL) {
        commit_unknown(core, coordinator, commit);
        return;
    }
    tx->found_out = false;
    switch (tx->state) {
    case PART_WORKING:
    case PART_UNDOING:
        if (commit->incarnation > 0 && part_may_have_lost(core, commit->incarnation))
            core->stale++; /* begun anew by a late copy of its first step: it comes again */
        else
            alarm_commit(core, id, part_state_text(tx->state));
        return;
    case PART_PREPARING:
        defer_decision(core, tx, TX_MSG_COMMIT, TX_REASON_NONE);
        return;
    case PART_PREPARED:
        part_commit(core, tx, "its coordinator");
        if (TX_SEEDED_BUG(ACK_BEFORE_DURABLE))
            send_ack(core, coordinator, id, tx->members_decide);
        return;
    case PART_COMMITTED:
        ack_committed(core, tx);
        return;
    case PART_HEURISTIC:
        part_heuristic_decided(core, tx, true);
        return;
    case PART_STATES_N:
        return;
    }
}

/* ---- ABORT ---- */

static void abort_unknown(struct part_core *core, struct part_coordinator *coordinator,
                          const struct tx_msg_abort *abort, enum tx_reason reason)
{
    /* After a loss, it may have been committed here before everybody forgot it. */
    bool proves = abort->proved || core->loss.start == 0;
    if (part_mark_covers(coordinator, abort->id) || !proves ||
        part_tombstone_find(core, abort->id) != NULL)
        core->stale++;
    else
        part_tombstone_put(core, coordinator, abort->id, PART_TOMB_NO, reason,
                           tx_bytes_str("its coordinator has aborted it"), NULL);
}

/* Presumed: its coordinator finds no commit, in answer to an inquiry from before this one knew the
 * decision. It may have forgotten that rightly, after the acknowledgements of all: it hears once
 * more that this is committed, and knows whether that can be. */
static void abort_committed(struct part_core *core, struct part_tx *tx, enum tx_reason reason)
{
    char text[TX_ID_TEXT];
    if (reason == TX_REASON_PRESUMED)
        ack_committed(core, tx);
    else
        part_alarm(core, tx->id,
                   part_text(core,
                             "ABORT of transaction %s, which is committed here: an old disk "
                             "of its coordinator, or a bug",
                             tx_id_print(tx->id, text)));
}

/* Has everybody but this participant perhaps forgotten that it was committed? */
static bool may_be_forgotten(const struct part_core *core, const struct part_tx *tx,
                             const struct tx_msg_abort *abort)
{
    return !abort->proved && part_in_loss(core, tx) && !TX_SEEDED_BUG(PRESUMED_IN_LOSS);
}

void part_on_abort(struct part_core *core, struct part_coordinator *coordinator,
                   const struct tx_msg_abort *abort)
{
    struct part_tx *tx = part_tx_find(core, abort->id);
    enum tx_reason reason = abort->reason;
    if (reason == TX_REASON_NONE)
        reason = TX_REASON_PRESUMED;
    if (tx == NULL) {
        abort_unknown(core, coordinator, abort, reason);
        return;
    }
    switch (tx->state) {
    case PART_WORKING:
        part_undo(core, tx, reason, tx_bytes_str("its coordinator has aborted it"), false);
        return;
    case PART_UNDOING:
        core->stale++;
        return;
    case PART_PREPARING:
        defer_decision(core, tx, TX_MSG_ABORT, reason);
        return;
    case PART_PREPARED:
        if (may_be_forgotten(core, tx, abort))
            core->stale++;
        else
            part_abort_prepared(core, tx, reason, "its coordinator");
        return;
    case PART_COMMITTED:
        abort_committed(core, tx, reason);
        return;
    case PART_HEURISTIC:
        if (may_be_forgotten(core, tx, abort))
            part_heuristic_unknown(core, tx);
        else
            part_heuristic_decided(core, tx, false);
        return;
    case PART_STATES_N:
        return;
    }
}

/* ---- while a PREPARED record is being written ---- */

static bool same_deferred(const struct part_deferred *a, const struct part_deferred *b)
{
    return a->type == b->type && a->role == b->role &&
           tx_bytes_equal(tx_bytes_str(a->from.s), tx_bytes_str(b->from.s));
}

bool part_defer(struct part_core *core, struct part_tx *tx, const struct part_deferred *deferred)
{
    TX_ASSERT(tx->state == PART_PREPARING && tx->deferred_n <= PART_DEFERRED_MAX);
    for (size_t i = 0; i < tx->deferred_n; i++) {
        if (same_deferred(&tx->deferred[i], deferred)) {
            core->stale++;
            return false;
        }
    }
    if (tx->deferred_n == PART_DEFERRED_MAX) {
        core->stale++; /* its sender repeats it */
        return false;
    }
    if (tx->deferred == NULL)
        tx->deferred = part_alloc(&tx->kept, PART_DEFERRED_MAX, sizeof *tx->deferred);
    tx->deferred[tx->deferred_n++] = *deferred;
    return true;
}

static void play(struct part_core *core, struct tx_id id, const struct part_deferred *deferred)
{
    struct part_coordinator *coordinator = part_coordinator_find(core, id.coordinator);
    TX_ASSERT(coordinator != NULL);
    if (deferred->type == TX_MSG_COMMIT) {
        part_on_commit(core, coordinator,
                       &(struct tx_msg_commit){.id = id, .incarnation = deferred->incarnation});
    } else if (deferred->type == TX_MSG_ABORT) {
        part_on_abort(core, coordinator,
                      &(struct tx_msg_abort){.id = id, .reason = deferred->reason});
    } else {
        struct tx_envelope envelope = {.role = deferred->role, .address = deferred->from};
        struct tx_msg_inquire inquire = {
            .id = id, .in_doubt = deferred->in_doubt, .incarnation = deferred->incarnation};
        TX_ASSERT(deferred->type == TX_MSG_INQUIRE);
        part_on_inquire(core, &envelope, &inquire);
    }
}

void part_deferred_play(struct part_core *core, struct tx_id id,
                        const struct part_deferred *deferred, size_t n)
{
    for (size_t i = 0; i < n; i++)
        play(core, id, &deferred[i]);
}
