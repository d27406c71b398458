/* Figures for operators: what is there now, what has been, and how long it took. */
#include "coordinator/coord_internal.h"

void coord_phase_end(struct coord_core *core, struct coord_tx *tx, enum coord_phase phase)
{
    TX_ASSERT(core->now >= tx->phase_us);
    if (!tx->recovered) {
        tx_times_count(&core->times[phase], core->now - tx->phase_us);
    }
    tx->phase_us = core->now;
}

static void count_end(struct coord_core *core, const struct coord_tx *tx, enum coord_phase phase)
{
    if (!tx->recovered) {
        tx_times_count(&core->times[phase], core->now - tx->since_us);
    }
}

void coord_count_committed(struct coord_core *core, const struct coord_tx *tx)
{
    core->stats.committed_total++;
    count_end(core, tx, COORD_PHASE_COMMITTED);
}

void coord_count_aborted(struct coord_core *core, const struct coord_tx *tx)
{
    core->stats.aborted_total++;
    core->stats.aborted_by[tx->reason]++;
    count_end(core, tx, COORD_PHASE_ABORTED);
}

const struct tx_times *coord_core_times(const struct coord_core *core, enum coord_phase phase)
{
    TX_ASSERT(phase < COORD_PHASES_N);
    return &core->times[phase];
}

/* The list is in the order of the ids, in which they began. */
static void find_oldest(const struct coord_core *core, struct coord_stats *stats)
{
    const struct coord_tx *tx;
    TAILQ_FOREACH(tx, &core->open, in_open)
    {
        bool unfinished = tx->state != COORD_FINISHED_COMMITTED;
        uint64_t us = core->now - tx->since_us;
        if (unfinished && us > stats->oldest_us) {
            stats->oldest_us = us;
        }
        if (tx->state == COORD_COMMITTED && !tx_id_valid(stats->pin)) {
            stats->pin = tx->id;
            stats->pin_us = us;
        }
    }
}

void coord_core_stats(const struct coord_core *core, struct coord_stats *stats)
{
    *stats = core->stats;
    stats->active = core->counts[COORD_ACTIVE];
    stats->collecting = core->counts[COORD_COLLECTING];
    stats->deciding = core->counts[COORD_DECIDING];
    stats->committed = core->counts[COORD_COMMITTED];
    stats->retained = core->retained_n;
    stats->preventing = core->preventing_n;
    stats->fenced = core->fenced;
    stats->cut = tx_cuts_last(&core->cuts);
    stats->draining = core->draining;
    stats->disk_low = core->disk_low;
    stats->last = core->last;
    stats->durable = core->durable;
    find_oldest(core, stats);
    for (size_t i = 0; i < core->peers_n; i++) {
        switch (core->peers[i]->state) {
        case COORD_PEER_UP:
            stats->peers_up++;
            break;
        case COORD_PEER_NEW:
        case COORD_PEER_DOWN:
            stats->peers_down++;
            break;
        case COORD_PEER_QUARANTINED:
            stats->peers_quarantined++;
            break;
        }
    }
}
