/* RESOLVE: an operator's decision on a transaction in doubt, and what becomes of it when the real
 * decision comes. */
#include "participant/part_internal.h"

#include <inttypes.h>

static void answer(struct part_core *core, uint64_t client, uint64_t req, enum tx_error error,
                   struct tx_bytes text)
{
    part_reply_error(core, client, req, error, TX_REASON_NONE, text);
}

static const char *outcome_text(bool commit)
{
    return commit ? "committed" : "aborted";
}

static void decide(struct part_core *core, struct part_tx *tx, const struct part_event *event)
{
    const struct tx_msg_resolve *resolve = &event->msg->resolve;
    TX_ASSERT(tx->state == PART_PREPARED);
    part_doubt_end(core, tx);
    tx->heuristic = (struct part_heuristic){.commit = resolve->commit,
                                            .operator_name = resolve->operator_name,
                                            .wall_ms = event->wall_ms};
    struct part_action *action = part_append(core, TXLOG_HEURISTIC, tx->id, true);
    action->record.heuristic = (struct txlog_heuristic){.id = tx->id,
                                                        .commit = resolve->commit,
                                                        .operator_name = resolve->operator_name,
                                                        .time_ms = event->wall_ms};
    if (resolve->commit && tx->rm_open) {
        part_with_writes(core, action);
        core->heuristic = core->last;
    }
    if (!resolve->commit && tx->rm_open)
        part_act(core, PART_ACTION_ROLLBACK, tx->id);
    tx->rm_open = false;
    tx->lsn = core->last;
    part_tx_move(core, tx, PART_HEURISTIC, PART_WAIT_NOBODY);
    part_locks_release(core, tx);
    part_note(core, tx->id,
              part_text(core, "%s by operator %s, without its coordinator",
                        outcome_text(resolve->commit), resolve->operator_name.s));
}

static void hold_answer(struct part_core *core, const struct part_tx *tx,
                        const struct part_event *event)
{
    struct part_held held = {.lsn = core->last,
                             .type = PART_HELD_RESOLVED,
                             .tx = tx->id,
                             .client = event->client,
                             .req = event->msg->resolve.req};
    /* A decision that is durable already has its answer now. */
    if (tx->lsn.n <= core->durable.n)
        part_resolved_durable(core, &held);
    else
        part_hold(core, &held);
}

void part_resolved_durable(struct part_core *core, const struct part_held *held)
{
    char id[TX_ID_TEXT];
    answer(core, held->client, held->req, TX_OK,
           part_text(core,
                     "transaction %s is decided here; its coordinator's decision will show "
                     "whether that was right",
                     tx_id_print(held->tx, id)));
}

void part_on_resolve(struct part_core *core, const struct part_event *event)
{
    const struct tx_msg_resolve *resolve = &event->msg->resolve;
    char id[TX_ID_TEXT];
    struct part_tx *tx = part_tx_find(core, resolve->id);
    if (tx != NULL && tx->state == PART_PREPARED) {
        decide(core, tx, event);
        hold_answer(core, tx, event);
    } else if (tx != NULL && tx->state == PART_HEURISTIC &&
               tx->heuristic.commit == resolve->commit) {
        hold_answer(core, tx, event);
    } else {
        const char *state = part_core_state_name(core, resolve->id);
        answer(core, event->client, resolve->req, tx == NULL ? TX_EUNKNOWN : TX_ESTATE,
               part_text(core, "transaction %s is %s here; only one in doubt can be resolved",
                         tx_id_print(resolve->id, id), state));
    }
}

/* ---- what an operator has seen to ---- */

/* Why it cannot be put aside now; empty when it can. */
static struct tx_bytes not_aside(struct part_core *core, const struct part_tx *tx,
                                 const struct tx_msg_put_aside *aside)
{
    char id[TX_ID_TEXT];
    tx_id_print(aside->id, id);
    if (tx == NULL || tx->state != PART_HEURISTIC)
        return part_text(core,
                         "transaction %s is %s here; only what an operator has decided can be "
                         "put aside",
                         id, part_core_state_name(core, aside->id));
    if (tx->heuristic.end == TX_HEURISTIC_NONE && !aside->force)
        return part_text(
            core,
            "the real decision of transaction %s has not come yet, and only that shows "
            "whether %s was right: put it aside afterwards, or force it",
            id, outcome_text(tx->heuristic.commit));
    return tx_bytes(NULL, 0);
}

/* It stays for as long as others may ask for it: nothing that is said of it changes. */
void part_on_put_aside(struct part_core *core, const struct part_event *event)
{
    const struct tx_msg_put_aside *aside = &event->msg->put_aside;
    struct part_tx *tx = part_tx_find(core, aside->id);
    struct tx_bytes refusal = not_aside(core, tx, aside);
    if (refusal.len > 0) {
        answer(core, event->client, aside->req, tx == NULL ? TX_EUNKNOWN : TX_ESTATE, refusal);
        return;
    }
    if (!tx->heuristic.put_aside) {
        part_append(core, TXLOG_PUT_ASIDE, tx->id, true)->record.put_aside =
            (struct txlog_put_aside){
                .id = tx->id, .operator_name = aside->operator_name, .time_ms = event->wall_ms};
        tx->heuristic.put_aside = true;
        tx->heuristic.aside = core->last;
        tx->heuristic.aside_by = aside->operator_name;
        tx->heuristic.aside_ms = event->wall_ms;
        part_note(core, tx->id,
                  part_text(core, "put aside by operator %s", aside->operator_name.s));
    }
    struct part_held held = {.lsn = core->last,
                             .type = PART_HELD_PUT_ASIDE,
                             .tx = tx->id,
                             .client = event->client,
                             .req = aside->req};
    if (tx->heuristic.aside.n <= core->durable.n)
        part_put_aside_durable(core, &held);
    else
        part_hold(core, &held);
}

void part_put_aside_durable(struct part_core *core, const struct part_held *held)
{
    char id[TX_ID_TEXT];
    struct part_tx *tx = part_tx_find(core, held->tx);
    answer(core, held->client, held->req, TX_OK,
           part_text(core, "transaction %s is put aside", tx_id_print(held->tx, id)));
    if (tx != NULL && tx->state == PART_HEURISTIC)
        (void)part_forget_ended(core, tx);
}

/* ---- the real decision ---- */

static void send_ack(struct part_core *core, const struct part_tx *tx)
{
    struct tx_msg msg = {
        .type = TX_MSG_ACK,
        .ack = {.id = tx->id,
                .incarnation = core->options.incarnation,
                .lsn = core->durable,
                .heuristic = tx->heuristic.end,
                .members_decide = tx->members_decide},
    };
    part_send(core, &tx->coordinator->address, &msg);
}

static void end(struct part_core *core, struct part_tx *tx, bool commit)
{
    bool damage = tx->heuristic.commit != commit;
    char id[TX_ID_TEXT];
    /* The alarm comes first: once the end is durable nobody would raise it again. */
    if (damage)
        part_alarm(core, tx->id,
                   part_text(core,
                             "transaction %s was %s here by operator %s, but its decision is: "
                             "%s. Its writes here and elsewhere disagree; mend the data",
                             tx_id_print(tx->id, id), outcome_text(tx->heuristic.commit),
                             tx->heuristic.operator_name.s, outcome_text(commit)));
    else
        part_note(core, tx->id,
                  part_text(core, "the decision is: %s, as operator %s had decided",
                            outcome_text(commit), tx->heuristic.operator_name.s));
    part_append(core, TXLOG_HEURISTIC_END, tx->id, true)->record.heuristic_end =
        (struct txlog_heuristic_end){.id = tx->id, .damage = damage};
    tx->heuristic.end = damage ? TX_HEURISTIC_DAMAGE : TX_HEURISTIC_OK;
    tx->heuristic.lsn = core->last;
    part_timer_clear(core, tx);
    part_hold(core, &(struct part_held){.lsn = core->last, .type = PART_HELD_END, .tx = tx->id});
}

void part_heuristic_decided(struct part_core *core, struct part_tx *tx, bool commit)
{
    TX_ASSERT(tx->state == PART_HEURISTIC);
    char id[TX_ID_TEXT];
    if (tx->heuristic.end == TX_HEURISTIC_NONE) {
        end(core, tx, commit);
        return;
    }
    bool decided = (tx->heuristic.end == TX_HEURISTIC_OK) == tx->heuristic.commit;
    if (decided != commit)
        part_alarm(core, tx->id,
                   part_text(core, "transaction %s was first said to be %s, then to be %s",
                             tx_id_print(tx->id, id), outcome_text(decided), outcome_text(commit)));
    else if (tx->heuristic.lsn.n <= core->durable.n)
        send_ack(core, tx);
    else
        core->stale++; /* the ACK leaves when the record is durable */
}

/* Nobody is left who could tell, once all have been asked a few times. */
#define UNKNOWN_AFTER 4u

void part_heuristic_unknown(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->state == PART_HEURISTIC && part_in_loss(core, tx));
    if (tx->heuristic.end != TX_HEURISTIC_NONE || tx->inquiries < UNKNOWN_AFTER) {
        core->stale++;
        return;
    }
    part_note(core, tx->id,
              part_text(core,
                        "nobody knows its decision any more: it stays %s, as operator %s decided",
                        outcome_text(tx->heuristic.commit), tx->heuristic.operator_name.s));
    end(core, tx, tx->heuristic.commit);
}

void part_heuristic_end_durable(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->state == PART_HEURISTIC && tx->heuristic.end != TX_HEURISTIC_NONE);
    part_unsettled_update(core, tx);
    if (!tx->found_out) /* or else nobody waits for it, until COMMIT comes */
        send_ack(core, tx);
    (void)part_forget_ended(core, tx);
}
