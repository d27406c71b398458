/* Snapshots: the live state restated in the log, so that what lies before can be compacted away.
 *
 * All of a snapshot is appended in one step. A crash may cut it: recovery begins at a complete one
 * only. */
#include "participant/part_internal.h"

static void restate_coordinator(struct part_core *core, const struct part_coordinator *coordinator)
{
    TX_ASSERT(coordinator->epoch >= 1);
    struct part_action *action = part_append(core, TXLOG_EPOCH, (struct tx_id){0}, false);
    action->record.epoch = (struct txlog_epoch){.coordinator = coordinator->id,
                                                .known = part_coordinator_known(coordinator),
                                                .address = coordinator->address};
    if (coordinator->finished_epoch > 0)
        part_append_mark(core, coordinator, coordinator->finished_epoch);
    for (size_t i = 0; i < coordinator->marks_n; i++)
        part_append_mark(core, coordinator, coordinator->marks[i].epoch);
}

static void restate_alarms(struct part_core *core)
{
    const struct part_alarm *alarm;
    for (size_t i = 0; (alarm = part_alarm_at(core, i)) != NULL; i++) {
        struct tx_bytes text = part_copy(&core->out->arena, alarm->text);
        struct txlog_record *record = &part_append(core, TXLOG_ALARM, alarm->tx, false)->record;
        record->alarm = (struct txlog_alarm){.id = alarm->tx, .text = text};
        record->time_ms = alarm->raised_ms;
    }
}

static void restate_heuristic(struct part_core *core, const struct part_tx *tx)
{
    const struct part_heuristic *heuristic = &tx->heuristic;
    part_append(core, TXLOG_HEURISTIC, tx->id, false)->record.heuristic =
        (struct txlog_heuristic){.id = tx->id,
                                 .commit = heuristic->commit,
                                 .operator_name = heuristic->operator_name,
                                 .time_ms = heuristic->wall_ms};
    if (heuristic->end != TX_HEURISTIC_NONE)
        part_append(core, TXLOG_HEURISTIC_END, tx->id, false)->record.heuristic_end =
            (struct txlog_heuristic_end){.id = tx->id,
                                         .damage = heuristic->end == TX_HEURISTIC_DAMAGE};
    if (heuristic->put_aside)
        part_append(core, TXLOG_PUT_ASIDE, tx->id, false)->record.put_aside =
            (struct txlog_put_aside){
                .id = tx->id, .operator_name = heuristic->aside_by, .time_ms = heuristic->aside_ms};
}

static void restate_committed(struct part_core *core, const struct part_tx *tx)
{
    part_append(core, TXLOG_COMMITTED, tx->id, false)->record.committed =
        (struct txlog_committed){.id = tx->id, .members_decide = tx->members_decide};
}

static void restate_tx(struct part_core *core, const struct part_tx *tx)
{
    switch (tx->state) {
    case PART_WORKING:
    case PART_UNDOING:
        return; /* nothing of it is in the log */
    case PART_PREPARING:
        /* Its record may be on the way, before the snapshot: then it is restated. Otherwise it
         * comes after. */
        if (tx->wait != PART_WAIT_LOG)
            return;
        if (tx->one_phase)
            restate_committed(core, tx);
        else
            part_append_prepared(core, tx, tx_bytes(NULL, 0), true);
        return;
    case PART_PREPARED:
        part_append_prepared(core, tx, tx_bytes(NULL, 0), true);
        return;
    case PART_HEURISTIC:
        part_append_prepared(core, tx, tx_bytes(NULL, 0), true);
        restate_heuristic(core, tx);
        return;
    case PART_COMMITTED:
        restate_committed(core, tx);
        return;
    case PART_STATES_N:
        return;
    }
}

void part_snapshot(struct part_core *core)
{
    part_append(core, TXLOG_SNAPSHOT_BEGIN, (struct tx_id){0}, false)->record.snapshot_begin =
        (struct txlog_snapshot_begin){.starts = part_starts(core), .starts_n = core->lineage.n};
    struct tx_lsn begin = core->last;
    for (struct part_coordinator *c = core->coordinators; c != NULL; c = c->hh.next)
        restate_coordinator(core, c);
    part_cut_restate(core);
    part_loss_restate(core);
    restate_alarms(core);
    for (const struct part_tx *tx = core->txs; tx != NULL; tx = tx->hh.next)
        restate_tx(core, tx);
    part_append(core, TXLOG_SNAPSHOT_END, (struct tx_id){0}, false)->record.snapshot_end =
        (struct txlog_snapshot_end){.begin = begin};
    core->snapshotting = true;
    core->snapshot_end = core->last;
    core->snapshot_live = core->last.n - begin.n;
    part_hold(core,
              &(struct part_held){.lsn = core->last, .type = PART_HELD_SNAPSHOT, .begin = begin});
}

void part_snapshot_durable(struct part_core *core, const struct part_held *held)
{
    TX_ASSERT(core->snapshotting && held->begin.n < held->lsn.n);
    core->snapshotting = false;
    uint64_t upto = held->begin.n - 1;
    uint64_t retain = core->options.retain_records;
    uint64_t old = core->last.n > retain ? core->last.n - retain : 0;
    if (old < upto)
        upto = old;
    if (upto <= core->compacted.n)
        return;
    core->compacted.n = upto;
    part_act(core, PART_ACTION_COMPACT, (struct tx_id){0})->lsn = core->compacted;
}
