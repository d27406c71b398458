/* Votes. */
#include "participant/part_internal.h"

static void send_vote(struct part_core *core, const struct part_coordinator *coordinator,
                      const struct tx_msg_vote *vote)
{
    struct tx_msg msg = {.type = TX_MSG_VOTE, .vote = *vote};
    msg.vote.incarnation = core->options.incarnation;
    msg.vote.text = part_copy(&core->out->arena, vote->text);
    msg.vote.results = part_copy_results(&core->out->arena, vote->results, vote->results_n);
    part_send(core, &coordinator->address, &msg);
}

void part_vote_no(struct part_core *core, const struct part_coordinator *coordinator,
                  struct tx_id id, enum tx_reason reason, struct tx_bytes text)
{
    TX_ASSERT(reason != TX_REASON_NONE && coordinator->id == id.coordinator);
    struct tx_msg_vote vote = {.id = id, .vote = TX_VOTE_NO, .reason = reason, .text = text};
    send_vote(core, coordinator, &vote);
}

/* YES or COMMITTED: its record is durable. The results of a one-shot go along. */
void part_vote_tx(struct part_core *core, const struct part_tx *tx, enum tx_vote vote)
{
    TX_ASSERT(vote == TX_VOTE_YES || vote == TX_VOTE_COMMITTED);
    /* An operator's decision is no vote: the YES rests on the PREPARED record, which is durable. */
    TX_ASSERT(tx->state == PART_HEURISTIC || tx->lsn.n <= core->durable.n);
    struct tx_msg_vote out = {.id = tx->id, .vote = vote, .lsn = core->durable};
    if (tx->answer != NULL) {
        out.results = tx->answer->items;
        out.results_n = tx->answer->n;
    } else if (tx->one_shot) {
        out.results = tx->results;
        out.results_n = tx->ops_n;
    }
    send_vote(core, tx->coordinator, &out);
}

void part_vote_tombstone(struct part_core *core, const struct part_tombstone *tombstone)
{
    struct tx_msg_vote vote = {
        .id = tombstone->id,
        .vote = tombstone->kind == PART_TOMB_NO ? TX_VOTE_NO : TX_VOTE_READ_ONLY,
        .reason = tombstone->reason,
        .text = tx_bytes(tombstone->text, tombstone->text_len),
    };
    if (tombstone->results != NULL) {
        vote.results = tombstone->results->items;
        vote.results_n = tombstone->results->n;
    }
    send_vote(core, tombstone->coordinator, &vote);
}
