/* INQUIRE to members whose votes have not come, and what the members decide (mode D): nothing is
 * aborted here alone once PREPARE is out, for it may be committed already. Each member that has not
 * voted is made to say which it is: prepared, or refused for good. */
#include "coordinator/coord_internal.h"

void coord_inquire_members(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->state == COORD_COLLECTING);
    TX_ASSERT(tx->inquiring);
    tx->tried++;
    struct tx_msg msg = {.type = TX_MSG_INQUIRE, .inquire = {.id = tx->id, .in_doubt = false}};
    for (size_t i = 0; i < tx->members_n; i++) {
        if (!tx->members[i].voted) {
            msg.inquire.incarnation = tx->members[i].incarnation;
            coord_send(core, tx->members[i].peer, &msg);
        }
    }
    coord_timer_arm(&core->timers, &tx->timer, core->now + tx->interval_us);
    uint64_t doubled = tx->interval_us * 2;
    uint64_t most = core->options.resend_max_us;
    tx->interval_us = doubled < most ? doubled : most;
}

static void prevent(struct coord_core *core, struct coord_tx *tx, enum tx_reason reason,
                    const struct coord_peer *who, struct tx_bytes text)
{
    TX_ASSERT(tx->members_decide);
    if (tx->inquiring) {
        return; /* for the reason that came first, until they have answered */
    }
    tx->inquiring = true;
    core->preventing_n++;
    core->stats.prevented++;
    coord_abort_reason(tx, reason, who, text);
    tx->interval_us = core->options.resend_us;
    coord_inquire_members(core, tx);
}

void coord_give_up(struct coord_core *core, struct coord_tx *tx, enum tx_reason reason,
                   const struct coord_peer *who, struct tx_bytes text)
{
    if (tx->members_decide) {
        prevent(core, tx, reason, who, text);
    } else {
        coord_abort(core, tx, reason, who, text);
    }
}

void coord_results_lose(struct coord_core *core, struct coord_tx *tx)
{
    if (tx->one_shot) {
        coord_results_drop(core, tx);
        tx->results_bytes = 0;
        tx->results_lost = true;
    }
}

void coord_member_prepared(struct coord_core *core, struct coord_tx *tx,
                           struct coord_member *member)
{
    TX_ASSERT(tx->members_decide);
    if (member->voted) {
        core->stats.stale++;
        return;
    }
    coord_results_lose(core, tx);
    member->voted = true;
    member->vote = TX_VOTE_YES;
    if (coord_all_voted(tx)) {
        coord_decide(core, tx);
    }
}

/* Whether it has prepared is in its declared loss: nobody may abort this any more, nor commit it
 * but a member that has heard so. It stays as it is; who waits hears that it is not known. */
static void cannot_say(struct coord_core *core, struct coord_tx *tx, const struct coord_peer *peer)
{
    coord_alarm_tx(core, tx,
                   coord_print(core,
                               "whether participant %s has prepared this transaction is in its "
                               "declared loss: where it is in doubt, an operator decides, unless a "
                               "member has heard",
                               peer->name.s));
    for (size_t i = 0; i < tx->waiters_n; i++) {
        coord_answer_unknown(
            core, tx->waiters[i], tx->id,
            coord_print(core, "what participant %s knew of it is lost; ask again", peer->name.s));
    }
    tx->waiters_n = 0;
}

static void members_state(struct coord_core *core, struct coord_tx *tx, struct coord_member *member,
                          const struct tx_msg_state *state)
{
    if (state->state == TX_STATE_LOST ||
        (state->state == TX_STATE_NO && coord_member_lost(member))) {
        cannot_say(core, tx, member->peer);
        return;
    }
    switch (state->state) {
    case TX_STATE_PREPARED:
    case TX_STATE_COMMITTED:
        coord_member_prepared(core, tx, member);
        break;
    case TX_STATE_LOST:
        TX_ASSERT(state->state != TX_STATE_LOST);
        break;
    case TX_STATE_NO:
        /* The start that PREPARE names, or one that has lost its work: the earlier ones are not
         * heard (coord_peer_heard). Of one that had voted YES it is the end that it has heard. */
        TX_ASSERT(state->incarnation >= member->incarnation);
        member->voted = true;
        member->vote = TX_VOTE_NO;
        coord_abort(core, tx, TX_REASON_REFUSED, member->peer,
                    coord_print(core, "participant %s has not prepared it and never will",
                                member->peer->name.s));
        break;
    case TX_STATE_FORGOTTEN:
        core->stats.violations++; /* the mark has not passed it */
        break;
    case TX_STATES_N:
        TX_ASSERT(state->state < TX_STATES_N);
    }
}

void coord_on_state(struct coord_core *core, struct coord_peer *peer,
                    const struct tx_msg_state *state)
{
    struct coord_tx *tx = coord_tx_find(core, state->id);
    struct coord_member *member = tx != NULL ? coord_tx_member(tx, peer) : NULL;
    if (member == NULL) {
        core->stats.stale++;
    } else if (tx->state == COORD_RESOLVING) {
        coord_resolve_state(core, tx, member, state);
    } else if (tx->state == COORD_COLLECTING && tx->members_decide) {
        members_state(core, tx, member, state);
    } else if (tx->state == COORD_COLLECTING && tx->inquiring) {
        coord_one_phase_state(core, tx, state);
    } else {
        core->stats.stale++;
    }
}
