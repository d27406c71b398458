/* What is kept after the end: outcomes for as long as the retention says, results for a short
 * while; and the list of those that the mark may not pass. */
#include "coordinator/coord_internal.h"

void coord_open_add(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(!tx->open);
    tx->open = true;
    /* Ids are given out in ascending order, so this is the end but for what recovery finds. */
    struct coord_tx *after = TAILQ_LAST(&core->open, coord_tx_list);
    while (after != NULL && tx_id_compare(after->id, tx->id) > 0) {
        after = TAILQ_PREV(after, coord_tx_list, in_open);
    }
    if (after == NULL) {
        TAILQ_INSERT_HEAD(&core->open, tx, in_open);
    } else {
        TAILQ_INSERT_AFTER(&core->open, after, tx, in_open);
    }
}

void coord_open_remove(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->open);
    tx->open = false;
    TAILQ_REMOVE(&core->open, tx, in_open);
    if (tx->id.epoch == core->options.epoch) {
        core->mark_version++;
    } else {
        core->old_mark_version++;
    }
}

static struct coord_tx_list *retained_in(struct coord_core *core, const struct coord_tx *tx)
{
    return tx->acked ? &core->acked : &core->unacked;
}

/* For the first one that will be over. A timer that is armed for one that is gone already fires for
 * nothing, once: cheaper than to move it with each that goes. */
static void arm_retention(struct coord_core *core)
{
    const struct coord_tx *first = TAILQ_FIRST(&core->expiring);
    if (first == NULL || core->fenced || !core->running) { /* a replay retains and evicts */
        coord_timer_disarm(&core->timers, &core->retention);
        return;
    }
    uint64_t at = first->retained_us + core->options.retention_us;
    if (core->retention.slot == 0 || at < core->retention.at) {
        coord_timer_arm(&core->timers, &core->retention, at);
    }
}

void coord_retain(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(!tx->retained);
    TX_ASSERT(tx->state == COORD_FINISHED_COMMITTED || tx->state == COORD_FINISHED_ABORTED);
    tx->retained = true;
    tx->retained_us = core->now;
    core->retained_n++;
    TAILQ_INSERT_TAIL(retained_in(core, tx), tx, in_retained);
    TAILQ_INSERT_TAIL(&core->expiring, tx, in_expiring);
    if (TAILQ_FIRST(&core->expiring) == tx) {
        arm_retention(core);
    }
}

void coord_retain_unlink(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(tx->retained);
    tx->retained = false;
    core->retained_n--;
    TAILQ_REMOVE(retained_in(core, tx), tx, in_retained);
    TAILQ_REMOVE(&core->expiring, tx, in_expiring);
    if (TAILQ_EMPTY(&core->expiring)) {
        coord_timer_disarm(&core->timers, &core->retention);
    }
}

/* Forgets an outcome. From now on its epoch proves nothing by the lack of a record. */
static void evict(struct coord_core *core, struct coord_tx *tx)
{
    if (tx->open) {
        coord_open_remove(core, tx);
    }
    if (tx->state == COORD_FINISHED_COMMITTED && core->presume_from <= tx->id.epoch) {
        core->presume_from = tx->id.epoch + 1;
    }
    coord_retain_unlink(core, tx);
    coord_tx_free(core, tx);
}

void coord_retention_timer(struct coord_core *core)
{
    struct coord_tx *first = TAILQ_FIRST(&core->expiring);
    while (first != NULL && first->retained_us + core->options.retention_us <= core->now) {
        evict(core, first);
        first = TAILQ_FIRST(&core->expiring);
    }
    coord_timer_disarm(&core->timers, &core->retention);
    arm_retention(core);
}

void coord_retain_bound(struct coord_core *core)
{
    while (core->retained_n > core->options.retained_max) {
        struct coord_tx *oldest = TAILQ_FIRST(&core->acked);
        evict(core, oldest != NULL ? oldest : TAILQ_FIRST(&core->unacked));
    }
    while (core->results_n > COORD_RESULTS_MAX || core->results_bytes > COORD_RESULTS_BYTES_MAX) {
        coord_results_drop(core, TAILQ_FIRST(&core->results));
    }
}

void coord_results_keep(struct coord_core *core, struct coord_tx *tx)
{
    TX_ASSERT(!tx->holds_results);
    if (tx->results == NULL) {
        return;
    }
    tx->holds_results = true;
    core->results_n++;
    core->results_bytes += tx->results_bytes;
    TAILQ_INSERT_TAIL(&core->results, tx, in_results);
}

void coord_results_drop(struct coord_core *core, struct coord_tx *tx)
{
    if (tx->holds_results) {
        tx->holds_results = false;
        core->results_n--;
        core->results_bytes -= tx->results_bytes;
        TAILQ_REMOVE(&core->results, tx, in_results);
        tx->results_lost = true;
    }
    coord_arena_give(core, &tx->results_arena);
    tx->results = NULL;
}

void coord_on_outcome_ack(struct coord_core *core, const struct tx_msg_id *msg)
{
    struct coord_tx *tx = coord_tx_find(core, msg->id);
    if (tx == NULL || !coord_tx_decided(tx) || tx->acked) {
        core->stats.stale++;
        return;
    }
    coord_results_drop(core, tx);
    if (!tx->retained) {
        tx->acked = true;
        return;
    }
    TAILQ_REMOVE(&core->unacked, tx, in_retained);
    tx->acked = true;
    TAILQ_INSERT_TAIL(&core->acked, tx, in_retained);
    /* A one-phase outcome is durable here once it is retained: its participant may forget
     * it now. */
    if (tx->open) {
        coord_open_remove(core, tx);
    }
}
