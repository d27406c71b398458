/* One-phase commit: the outcome is made at the only member, and learned from it. */
#include "coordinator/coord_internal.h"

void coord_one_phase_committed(struct coord_core *core, struct coord_tx *tx, struct tx_lsn lsn)
{
    TX_ASSERT(tx->one_phase);
    TX_ASSERT(tx->members_n == 1);
    struct coord_member *member = &tx->members[0];
    member->acked = true;
    member->ack = (struct tx_position){member->peer->incarnation, member->peer->life, lsn};
    coord_tx_drop_work(core, tx);
    coord_tx_move(core, tx, COORD_FINISHED_COMMITTED);
    coord_phase_end(core, tx, COORD_PHASE_PREPARE);
    coord_count_committed(core, tx);
    struct txlog_record record = {
        .type = TXLOG_OUTCOME,
        .outcome = {.id = tx->id,
                    .outcome = TX_OUTCOME_COMMITTED,
                    .peer = coord_member_ack(member)},
    };
    tx->lsn = coord_append(core, &record, false);
    tx->logged = COORD_LOGGED_OUTCOME;
    if (TX_SEEDED_BUG(MARK_BEFORE_OUTCOME)) {
        coord_open_remove(core, tx);
    }
    coord_queue_push(&core->queue, (struct coord_resting){
                                       .lsn = tx->lsn, .what = COORD_REST_OUTCOME, .tx = tx->id});
    coord_results_keep(core, tx);
    coord_answer_all(core, tx);
}

void coord_one_phase_durable(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->state == COORD_FINISHED_COMMITTED);
    TX_ASSERT(tx->logged == COORD_LOGGED_OUTCOME);
    /* Its participant must not forget it before the client has heard it, or has had time
     * enough to. */
    if (tx->acked && !TX_SEEDED_BUG(MARK_BEFORE_OUTCOME)) {
        coord_open_remove(core, tx);
    }
    coord_retain(core, tx);
}

/* It may have been committed there, and others may have read it, before that was lost. Nobody will
 * ever know. */
static void outcome_lost(struct coord_core *core, struct coord_tx *tx)
{
    const char *name = tx->members[0].peer->name.s;
    coord_alarm(core, tx->id,
                coord_print(core,
                            "whether participant %s has committed this transaction is in its "
                            "declared loss: its writes are not there, and nobody knows the outcome",
                            name));
    for (size_t i = 0; i < tx->waiters_n; i++) {
        coord_answer_unknown(core, tx->waiters[i], tx->id,
                             coord_print(core, "what participant %s knew of it is lost", name));
    }
    tx->waiters_n = 0;
    coord_open_remove(core, tx);
    coord_tx_free(core, tx);
}

void coord_one_phase_state(struct coord_core *core, struct coord_tx *tx,
                           const struct tx_msg_state *state)
{
    TX_ASSERT(tx->one_phase && tx->inquiring);
    struct coord_member *member = &tx->members[0];
    if (state->state == TX_STATE_LOST ||
        (state->state == TX_STATE_NO && coord_member_lost(member))) {
        outcome_lost(core, tx);
        return;
    }
    switch (state->state) {
    case TX_STATE_LOST:
        TX_ASSERT(state->state != TX_STATE_LOST);
        break;
    case TX_STATE_COMMITTED:
        member->voted = true;
        member->vote = TX_VOTE_COMMITTED;
        tx->results_lost = tx->one_shot;
        coord_one_phase_committed(core, tx, (struct tx_lsn){0});
        break;
    case TX_STATE_NO:
        member->voted = true;
        member->vote = TX_VOTE_NO;
        coord_abort(core, tx, TX_REASON_TIMEOUT, member->peer,
                    coord_print(core,
                                "the vote of participant %s did not come; asked, it says "
                                "that it has not committed",
                                member->peer->name.s));
        break;
    case TX_STATE_PREPARED:
    case TX_STATE_FORGOTTEN:
        core->stats.violations++; /* never prepared, and the mark has not passed it */
        break;
    case TX_STATES_N:
        TX_ASSERT(state->state < TX_STATES_N);
    }
}
