/* Abort: decided in memory alone. A participant that misses the message asks, and finds
 * no commit. */
#include "coordinator/coord_internal.h"

#include <string.h>

void coord_send_abort(struct coord_core *core, struct tx_id id, enum tx_reason reason, bool proved,
                      const struct coord_peer *peer)
{
    struct tx_msg msg = {.type = TX_MSG_ABORT,
                         .abort = {.id = id, .reason = reason, .proved = proved}};
    coord_send(core, peer, &msg);
}

static bool out_already(const struct coord_member *member)
{
    return member->voted && (member->vote == TX_VOTE_NO || member->vote == TX_VOTE_READ_ONLY);
}

static void send_aborts(struct coord_core *core, struct coord_tx *tx)
{
    bool heard_of_it = !tx->one_shot || tx->sent; /* before PREPARE a SUBMIT is known here alone */
    for (size_t i = 0; heard_of_it && i < tx->members_n; i++) {
        if (!out_already(&tx->members[i])) {
            coord_send_abort(core, tx->id, tx->reason, true, tx->members[i].peer);
        }
    }
    for (size_t i = 0; i < tx->joined_n; i++) {
        if (coord_tx_member(tx, tx->joined[i]) == NULL &&
            strcmp(tx->who.s, tx->joined[i]->name.s) != 0) {
            coord_send_abort(core, tx->id, tx->reason, true, tx->joined[i]);
        }
    }
}

static struct tx_bytes own_text(struct tx_bytes text)
{
    size_t len = text.len < TX_TEXT_MAX ? text.len : TX_TEXT_MAX;
    if (len == 0) {
        return tx_bytes(NULL, 0);
    }
    uint8_t *copy = tx_xmalloc(len);
    memcpy(copy, text.data, len);
    return tx_bytes(copy, len);
}

void coord_abort_reason(struct coord_tx *tx, enum tx_reason reason, const struct coord_peer *who,
                        struct tx_bytes text)
{
    if (tx->reason != TX_REASON_NONE) {
        return;
    }
    tx->reason = reason;
    if (who != NULL) {
        tx->who = who->name;
    }
    tx->text = own_text(text);
}

void coord_abort(struct coord_core *core, struct coord_tx *tx, enum tx_reason reason,
                 const struct coord_peer *who, struct tx_bytes text)
{
    TX_ASSERT(tx->state == COORD_ACTIVE || tx->state == COORD_COLLECTING);
    TX_ASSERT(tx->logged == COORD_LOGGED_NOTHING);
    TX_ASSERT(reason != TX_REASON_NONE && (unsigned)reason < TX_REASONS_N);
    coord_tx_move(core, tx, COORD_FINISHED_ABORTED);
    coord_abort_reason(tx, reason, who, text);
    coord_tx_drop_work(core, tx);
    coord_results_drop(core, tx);
    coord_count_aborted(core, tx);
    coord_answer_all(core, tx);
    send_aborts(core, tx);
    coord_open_remove(core, tx);
    coord_retain(core, tx);
}
