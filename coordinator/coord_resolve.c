/* The outcome of an id that is not known here: what the lack of a record proves, or what the only
 * member says, or UNKNOWN; never a guess. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

static void answer(struct coord_core *core, struct coord_waiter to, struct tx_id id,
                   enum tx_outcome outcome, struct tx_bytes text)
{
    if (outcome == TX_OUTCOME_UNKNOWN) {
        coord_answer_unknown(core, to, id, text);
        return;
    }
    struct tx_msg msg = {
        .type = TX_MSG_OUTCOME,
        .outcome = {.req = to.req, .id = id, .outcome = outcome, .text = text},
    };
    if (outcome == TX_OUTCOME_ABORTED) {
        msg.outcome.reason = TX_REASON_PRESUMED;
    } else {
        msg.outcome.results_lost = true;
    }
    coord_reply(core, to.client, &msg);
}

static void finish_all(struct coord_core *core, struct coord_tx *tx, enum tx_outcome outcome,
                       struct tx_bytes text)
{
    TX_ASSERT(tx->state == COORD_RESOLVING);
    for (size_t i = 0; i < tx->waiters_n; i++) {
        answer(core, tx->waiters[i], tx->id, outcome, text);
    }
    tx->waiters_n = 0;
    coord_tx_free(core, tx);
}

static void ask(struct coord_core *core, struct coord_tx *tx)
{
    const struct coord_peer *peer = tx->members[0].peer;
    if (peer->state == COORD_PEER_UP) {
        struct tx_msg msg = {.type = TX_MSG_INQUIRE, .inquire = {.id = tx->id, .in_doubt = false}};
        coord_send(core, peer, &msg);
    }
    uint64_t next = core->now + tx->interval_us;
    coord_timer_arm(&core->timers, &tx->timer, next < tx->deadline_us ? next : tx->deadline_us);
}

void coord_resolve_timer(struct coord_core *core, struct coord_tx *tx)
{
    if (core->now >= tx->deadline_us) {
        finish_all(core, tx, TX_OUTCOME_UNKNOWN,
                   coord_print(core, "participant %s has not said yet what became of it; ask again",
                               tx->members[0].peer->name.s));
    } else {
        ask(core, tx);
    }
}

/* A participant may forget a transaction of an older epoch once that epoch's own mark has passed
 * it: it has aborted, or its outcome is durable here, where it would have been found. */
static bool forgotten_means_aborted(const struct coord_core *core, struct tx_id id)
{
    return id.epoch < core->options.epoch && id.epoch >= core->presume_from &&
           id.epoch > core->forgotten_epoch && !tx_lineage_lacks(&core->lineage, id.epoch);
}

void coord_resolve_state(struct coord_core *core, struct coord_tx *tx,
                         const struct tx_msg_state *state)
{
    const char *name = tx->members[0].peer->name.s;
    switch (state->state) {
    case TX_STATE_COMMITTED:
        finish_all(core, tx, TX_OUTCOME_COMMITTED,
                   coord_print(core, "participant %s has committed it", name));
        break;
    case TX_STATE_NO:
        finish_all(core, tx, TX_OUTCOME_ABORTED,
                   coord_print(core, "participant %s has not committed it and never will", name));
        break;
    case TX_STATE_FORGOTTEN:
        if (forgotten_means_aborted(core, tx->id)) {
            finish_all(core, tx, TX_OUTCOME_ABORTED,
                       coord_print(core, "it is finished, and no commit of it was ever recorded"));
            break;
        }
        finish_all(core, tx, TX_OUTCOME_UNKNOWN,
                   coord_print(core,
                               "it is finished, and so long ago that its outcome is "
                               "forgotten here and at participant %s",
                               name));
        break;
    case TX_STATE_PREPARED:
        /* In doubt there, so it will ask here and hear of no commit: its next answer is NO. */
        break;
    case TX_STATES_N:
        TX_ASSERT(state->state < TX_STATES_N);
    }
}

static void ask_member(struct coord_core *core, struct coord_waiter from, struct tx_id id,
                       struct coord_peer *peer)
{
    struct coord_tx *tx = coord_tx_new(core, id, COORD_RESOLVING);
    tx->members = tx_xcalloc(1, sizeof *tx->members);
    tx->members_n = 1;
    tx->members[0].peer = peer;
    tx->interval_us = core->options.resend_us;
    tx->deadline_us = core->now + core->options.prepare_timeout_us;
    coord_attach(core, tx, from);
    ask(core, tx);
}

/* Did every one of them welcome this epoch? Then none of them can prepare an older one's
 * any more. */
static bool all_introduced(const struct coord_core *core, const struct tx_msg_finish *finish)
{
    for (size_t i = 0; i < finish->members_n; i++) {
        const struct coord_peer *peer = coord_peer_find(core, &finish->members[i].name);
        if (peer == NULL || peer->incarnation == 0 || peer->state == COORD_PEER_QUARANTINED) {
            return false;
        }
    }
    return true;
}

static void presume(struct coord_core *core, struct coord_waiter from,
                    const struct tx_msg_finish *finish)
{
    bool several = finish->members_n >= 2 || TX_SEEDED_BUG(INQUIRY_FROM_LOST_MEMORY);
    bool proven = finish->id.epoch < core->options.epoch &&
                  finish->id.epoch >= core->presume_from && all_introduced(core, finish);
    if (several && (proven || TX_SEEDED_BUG(ABORTED_FOR_UNKNOWN))) {
        answer(core, from, finish->id, TX_OUTCOME_ABORTED,
               coord_print(core, "the log of coordinator %" PRIu32 " holds no decision to commit",
                           core->options.id));
    } else {
        answer(
            core, from, finish->id, TX_OUTCOME_UNKNOWN,
            coord_print(core, "nothing here proves what became of it; compare the participants"));
    }
}

/* Never given here, and perhaps by another copy of this directory. */
static void of_another_copy(struct coord_core *core, struct coord_waiter from, struct tx_id id)
{
    answer(core, from, id, TX_OUTCOME_UNKNOWN,
           coord_print(core,
                       "coordinator %" PRIu32 " has never been at epoch %" PRIu64
                       ": another copy of its data directory was, or the id is mistyped; compare "
                       "the participants",
                       core->options.id, id.epoch));
}

void coord_resolve(struct coord_core *core, struct coord_waiter from,
                   const struct tx_msg_finish *finish)
{
    struct coord_peer *only =
        finish->members_n == 1 ? coord_peer_find(core, &finish->members[0].name) : NULL;
    if (finish->id.epoch > core->options.epoch) {
        of_another_copy(core, from, finish->id);
    } else if (only != NULL && !TX_SEEDED_BUG(INQUIRY_FROM_LOST_MEMORY) &&
               only->state != COORD_PEER_QUARANTINED &&
               core->counts[COORD_RESOLVING] < COORD_RESOLVING_MAX) {
        ask_member(core, from, finish->id, only);
    } else if (tx_lineage_lacks(&core->lineage, finish->id.epoch)) {
        of_another_copy(core, from, finish->id);
    } else {
        presume(core, from, finish);
    }
}
