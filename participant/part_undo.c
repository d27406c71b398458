/* Undoing: a working transaction (or one that the resource manager would not prepare) gives up its
 * locks and its held-back writes, and a tombstone stays. */
#include "participant/part_internal.h"

void part_count_abort(struct part_core *core, enum tx_reason reason)
{
    TX_ASSERT((unsigned)reason < TX_REASONS_N);
    core->aborted_total++;
    core->aborted_by[reason]++;
}

void part_undo(struct part_core *core, struct part_tx *tx, enum tx_reason reason,
               struct tx_bytes text, bool tell)
{
    TX_ASSERT(tx->state == PART_WORKING ||
              (tx->state == PART_PREPARING && tx->wait == PART_WAIT_NOBODY));
    TX_ASSERT(reason != TX_REASON_NONE);
    part_count_abort(core, reason);
    part_timer_clear(core, tx);
    tx->reason = reason;
    tx->text = part_copy(&tx->kept, text);
    if (tx->client_waits)
        part_send_operated(core, tx, reason, text);
    tx->client_waits = false;
    if (tell)
        part_vote_no(core, tx->coordinator, tx->id, reason, text);
    /* The store is in the middle of a call for it: its locks must last until the call has ended. */
    if (tx->wait == PART_WAIT_RM)
        part_tx_move(core, tx, PART_UNDOING, PART_WAIT_RM);
    else
        part_undo_finish(core, tx);
}

void part_undo_finish(struct part_core *core, struct part_tx *tx)
{
    TX_ASSERT(tx->reason != TX_REASON_NONE && !tx->client_waits);
    if (tx->rm_open)
        part_act(core, PART_ACTION_ROLLBACK, tx->id);
    part_locks_release(core, tx);
    part_tombstone_put(core, tx->coordinator, tx->id, PART_TOMB_NO, tx->reason, tx->text, NULL);
    struct tx_id id = tx->id;
    struct tx_arena kept = tx->kept;
    const struct part_deferred *deferred = tx->deferred;
    size_t deferred_n = tx->deferred_n;
    tx->kept = (struct tx_arena){0};
    part_tx_free(core, tx);
    part_deferred_play(core, id, deferred, deferred_n);
    part_arena_give(core, &kept);
}
