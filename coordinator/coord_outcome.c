/* What a client hears of a transaction, and when: COMMIT_REQUEST, ABORT_REQUEST,
 * OUTCOME_REQUEST. */
#include "coordinator/coord_internal.h"

#include <inttypes.h>

void coord_answer_unknown(struct coord_core *core, struct coord_waiter to, struct tx_id id,
                          struct tx_bytes text)
{
    core->stats.unknown_total++;
    struct tx_msg msg = {
        .type = TX_MSG_OUTCOME,
        .outcome = {.req = to.req, .id = id, .outcome = TX_OUTCOME_UNKNOWN, .text = text},
    };
    coord_reply(core, to.client, &msg);
}

static const struct tx_result *copy_results(struct coord_core *core, const struct coord_tx *tx)
{
    struct tx_result *results = coord_alloc(core, tx->ops_n, sizeof *results);
    for (size_t i = 0; i < tx->ops_n; i++) {
        results[i].found = tx->results[i].found;
        results[i].value = coord_copy(core, tx->results[i].value);
    }
    return results;
}

static void answer(struct coord_core *core, const struct coord_tx *tx, struct coord_waiter to)
{
    TX_ASSERT(coord_tx_decided(tx));
    struct tx_msg msg = {
        .type = TX_MSG_OUTCOME,
        .outcome = {.req = to.req,
                    .id = tx->id,
                    .outcome = TX_OUTCOME_COMMITTED,
                    .age = tx->age,
                    .results_lost = tx->results_lost},
    };
    if (tx->state == COORD_FINISHED_ABORTED) {
        msg.outcome.outcome = TX_OUTCOME_ABORTED;
        msg.outcome.results_lost = false;
        msg.outcome.reason = tx->reason;
        msg.outcome.who = tx->who;
        msg.outcome.text = coord_copy(core, tx->text);
    } else if (tx->results != NULL) {
        msg.outcome.results = copy_results(core, tx);
        msg.outcome.results_n = tx->ops_n;
    }
    coord_reply(core, to.client, &msg);
}

void coord_answer_all(struct coord_core *core, struct coord_tx *tx)
{
    for (size_t i = 0; i < tx->waiters_n; i++) {
        answer(core, tx, tx->waiters[i]);
    }
    tx->waiters_n = 0;
}

void coord_attach(struct coord_core *core, struct coord_tx *tx, struct coord_waiter from)
{
    if (coord_tx_decided(tx)) {
        answer(core, tx, from);
        return;
    }
    for (size_t i = 0; i < tx->waiters_n; i++) {
        if (tx->waiters[i].client == from.client && tx->waiters[i].req == from.req) {
            return;
        }
    }
    if (tx->waiters_n == COORD_WAITERS_MAX) {
        coord_error(core, from, TX_ELIMIT, TX_REASON_BUSY,
                    coord_print(core, "%u clients wait for this outcome already; ask again later",
                                COORD_WAITERS_MAX));
        return;
    }
    coord_tx_add_waiter(tx, from);
}

static bool token_fits(struct coord_core *core, const struct coord_tx *tx, struct coord_waiter from,
                       const struct tx_msg_finish *finish)
{
    /* A SUBMIT has no token: from outside nobody ends it. */
    if (!tx->one_shot && tx_token_equal(&tx->token, &finish->token)) {
        return true;
    }
    char id[TX_ID_TEXT];
    coord_error(
        core, from, TX_ETOKEN, TX_REASON_NONE,
        coord_print(core, "this is not the token of transaction %s", tx_id_print(tx->id, id)));
    return false;
}

/* Those that the client names as used may hold locks for it, whether or not their JOIN
 * has arrived. */
static void join_named(const struct coord_core *core, struct coord_tx *tx,
                       const struct tx_msg_finish *finish)
{
    for (size_t i = 0; i < finish->members_n; i++) {
        struct coord_peer *peer = coord_peer_configured(core, &finish->members[i].name);
        if (peer != NULL) {
            coord_tx_join(tx, peer);
        }
    }
}

static bool undecided_by_members(const struct coord_tx *tx)
{
    return tx->state == COORD_COLLECTING && tx->members_decide;
}

static void known(struct coord_core *core, struct coord_tx *tx, struct coord_waiter from,
                  enum tx_msg_type type, const struct tx_msg_finish *finish)
{
    /* Whoever may ask for the outcome needs no token, and after the decision there is nothing else
     * to ask for; a transaction of an older epoch has left its token behind. */
    bool asks = type == TX_MSG_OUTCOME_REQUEST || tx->recovered;
    if (tx->state == COORD_RESOLVING) {
        coord_resolve_again(core, tx, from, finish);
    } else if (asks) {
        coord_attach(core, tx, from);
    } else if (!token_fits(core, tx, from, finish)) {
        return;
    } else if (type == TX_MSG_COMMIT_REQUEST && tx->state == COORD_ACTIVE) {
        coord_on_commit_request(core, tx, from, finish);
    } else if (type == TX_MSG_ABORT_REQUEST &&
               (coord_collect_abortable(tx) || undecided_by_members(tx))) {
        coord_attach(core, tx, from);
        join_named(core, tx, finish);
        coord_give_up(core, tx, TX_REASON_CLIENT, NULL,
                      coord_print(core, "the client asked for the abort"));
    } else {
        coord_attach(core, tx, from);
    }
}

/* An id that this coordinator has not given out. */
static bool foreign(struct coord_core *core, struct coord_waiter from, struct tx_id id)
{
    char text[TX_ID_TEXT];
    struct tx_bytes why = {0};
    if (!tx_id_valid(id)) {
        why = coord_print(core, "%s is no transaction id", tx_id_print(id, text));
    } else if (id.coordinator != core->options.id) {
        why = coord_print(core, "transaction %s is of coordinator %" PRIu32 "; ask that one",
                          tx_id_print(id, text), id.coordinator);
    } else if (id.epoch == core->options.epoch && id.seq >= core->next_seq) {
        why = coord_print(core, "coordinator %" PRIu32 " has not begun a transaction %s",
                          core->options.id, tx_id_print(id, text));
    }
    if (why.len > 0) {
        coord_error(core, from, TX_EUNKNOWN, TX_REASON_NONE, why);
    }
    return why.len > 0;
}

/* A fenced coordinator repeats what its log proves, and nothing else. */
static void fenced_answer(struct coord_core *core, const struct coord_tx *tx,
                          struct coord_waiter from, struct tx_id id)
{
    if (tx != NULL && (tx->state == COORD_COMMITTED || tx->state == COORD_FINISHED_COMMITTED)) {
        answer(core, tx, from);
    } else {
        coord_answer_unknown(core, from, id,
                             coord_print(core, "this coordinator is fenced: a later start of it "
                                               "exists; ask that one"));
    }
}

void coord_on_finish(struct coord_core *core, struct coord_waiter from, enum tx_msg_type type,
                     const struct tx_msg_finish *finish)
{
    struct coord_tx *tx = coord_tx_find(core, finish->id);
    if (core->fenced && tx_id_valid(finish->id)) {
        fenced_answer(core, tx, from, finish->id);
    } else if (tx != NULL) {
        known(core, tx, from, type, finish);
    } else if (!foreign(core, from, finish->id)) {
        coord_resolve(core, from, finish);
    }
}
