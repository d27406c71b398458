/* Figures for operators: what is there now, what has been, and how long it took. */
#include "participant/part_internal.h"

static void count_since(struct part_core *core, enum part_phase phase, uint64_t since_us)
{
    tx_times_count(&core->times[phase], core->now_us > since_us ? core->now_us - since_us : 0);
}

void part_phase_end(struct part_core *core, const struct part_tx *tx, enum part_phase phase)
{
    TX_ASSERT(phase != PART_PHASE_LOCK_WAIT && phase != PART_PHASE_IN_DOUBT);
    count_since(core, phase, tx->phase_us);
}

void part_doubt_end(struct part_core *core, const struct part_tx *tx)
{
    TX_ASSERT(tx->state == PART_PREPARED);
    count_since(core, PART_PHASE_IN_DOUBT, tx->since_us);
}

const struct tx_times *part_core_times(const struct part_core *core, enum part_phase phase)
{
    TX_ASSERT(phase < PART_PHASES_N);
    return phase == PART_PHASE_LOCK_WAIT ? lockmgr_times(core->locks) : &core->times[phase];
}

static void find_oldest(const struct part_core *core, uint64_t now_us, struct part_stats *stats)
{
    for (const struct part_link *l = core->live.next; l != &core->live; l = l->next) {
        const struct part_tx *tx = PART_CONTAINER(l, struct part_tx, in_live);
        uint64_t us = now_us > tx->since_us ? now_us - tx->since_us : 0;
        if (tx->state == PART_PREPARED && us > stats->oldest_prepared_us)
            stats->oldest_prepared_us = us;
        bool pins = tx->state == PART_PREPARED || tx->state == PART_HEURISTIC;
        if (pins && (!tx_id_valid(stats->pin) || us > stats->pin_us)) {
            stats->pin = tx->id;
            stats->pin_us = us;
        }
    }
}

static void count_coordinators(const struct part_core *core, struct part_stats *stats)
{
    for (const struct part_coordinator *c = core->coordinators; c != NULL; c = c->hh.next) {
        stats->coordinators++;
        stats->coordinators_introduced += part_introduced(core, c);
    }
}

static void copy_locks(const struct part_core *core, struct part_stats *stats)
{
    const struct lockmgr_stats locks = lockmgr_stats(core->locks);
    stats->locks_held = locks.held;
    stats->locks_waiting = locks.waiting;
    stats->lock_grants = locks.grants;
    stats->lock_waits = locks.waits;
    stats->lock_wounds = locks.wounds;
    stats->lock_timeouts = locks.timeouts;
    stats->lock_conflicts = locks.conflicts;
    stats->lock_refusals = locks.refusals;
    stats->lock_escalations = locks.escalations;
}

void part_core_stats(const struct part_core *core, uint64_t now_us, struct part_stats *stats)
{
    *stats = (struct part_stats){
        .working = core->states[PART_WORKING] + core->states[PART_UNDOING],
        .preparing = core->states[PART_PREPARING],
        .prepared = core->states[PART_PREPARED],
        .committed = core->states[PART_COMMITTED],
        .heuristic = core->states[PART_HEURISTIC],
        .tombstones = HASH_COUNT(core->tombstones),
        .begun = core->begun,
        .committed_total = core->committed_total,
        .found_out = core->found_out_total,
        .aborted_total = core->aborted_total,
        .violations = core->violations,
        .stale = core->stale,
        .alarms = core->alarms_total,
        .inquiries = core->inquiries_total,
        .cut = tx_cuts_last(&core->cuts),
        .cuts = core->cuts_total,
        .draining = core->draining,
        .disk_low = core->disk_low,
        .old_copy = core->old_copy,
        .last = core->last,
        .durable = core->durable,
    };
    for (size_t i = 0; i < TX_REASONS_N; i++)
        stats->aborted_by[i] = core->aborted_by[i];
    copy_locks(core, stats);
    find_oldest(core, now_us, stats);
    count_coordinators(core, stats);
}
