#include "sim_participant.h"

#include "cuts.h"
#include "inside_locks.h"
#include "network.h"
#include "participant/kv.h"
#include "rule.h"
#include "store.h"
#include "txlog/recovery.h"
#include "writer.h"

#include <inttypes.h>
#include <stdlib.h>

struct sim_participant {
    struct part_core *core;
    struct part_actions actions;
    struct rm *rm;
    struct sim_store *store; /* NULL: `rm` answers at once */
};

static void answered(struct sim *sim, size_t node, struct tx_id tx, enum part_rm_call call,
                     const struct rm_answer *answer)
{
    static const enum part_rm_status statuses[] = {
        [RM_OK] = PART_RM_OK,
        [RM_READ_ONLY] = PART_RM_READ_ONLY,
        [RM_ROLLED_BACK] = PART_RM_ROLLED_BACK,
    };
    struct sim_participant *self = sim->nodes[node].participant;
    struct part_event event = {.type = PART_EVENT_RM,
                               .tx = tx,
                               .call = call,
                               .reason = answer->reason,
                               .text = answer->text,
                               .result = answer->result,
                               .redo = answer->redo,
                               .wrote = answer->wrote};

    TX_ASSERT(answer->status <= RM_ROLLED_BACK);
    event.status = statuses[answer->status];
    part_core_step(self->core, &event, sim_clock(sim, node), &self->actions);
}

static void append(struct sim *sim, size_t node, struct part_action *action)
{
    struct sim_participant *self = sim->nodes[node].participant;
    struct rm_answer answer = {0};
    struct rm_batch batch = {0};

    if (action->record.type == TXLOG_HEURISTIC && sim->decided_at == 0)
        sim->decided_at = sim->now;
    action->record.start = sim->nodes[node].start;
    if (action->redo_wanted)
        action->record.prepared.redo = self->rm->vtable->redo(self->rm, action->tx);
    if (action->commit_writes) {
        self->rm->vtable->commit(self->rm, action->tx, action->record.lsn, &batch, &answer);
        TX_ASSERT(answer.status == RM_OK);
    }
    rule_appended(sim, node, &action->record);
    sim_cuts_taken(sim, &action->record);
    sim_writer_append(sim, node, &action->record, batch.puts, batch.puts_n, action->force);
    if (action->commit_writes)
        self->rm->vtable->committed(self->rm, action->tx);
}

static void deliver(struct sim *sim, size_t node, const struct part_action *action)
{
    size_t to =
        action->to.is_client ? (size_t)action->to.client : sim_find(sim, &action->to.address);

    sim_network_send(sim, node, to, &action->msg);
}

static void perform(struct sim *sim, size_t node, struct part_action *action)
{
    struct sim_participant *self = sim->nodes[node].participant;
    struct rm_answer answer = {0};

    if (self->store != NULL &&
        (action->type == PART_ACTION_EXECUTE || action->type == PART_ACTION_PREPARE)) {
        sim_store_call(self->store, self->rm, action);
        return;
    }
    switch (action->type) {
    case PART_ACTION_SEND:
        deliver(sim, node, action);
        return;
    case PART_ACTION_APPEND:
        append(sim, node, action);
        return;
    case PART_ACTION_EXECUTE:
        self->rm->vtable->execute(self->rm, action->tx, &action->op, &answer);
        answered(sim, node, action->tx, PART_RM_EXECUTE, &answer);
        return;
    case PART_ACTION_PREPARE:
        self->rm->vtable->prepare(self->rm, action->tx, &answer);
        answered(sim, node, action->tx, PART_RM_PREPARE, &answer);
        return;
    case PART_ACTION_ROLLBACK:
        self->rm->vtable->rollback(self->rm, action->tx, &answer);
        TX_ASSERT(answer.status != RM_FAILED);
        return;
    case PART_ACTION_COMPACT:
        sim_compact(&sim->nodes[node], action->lsn);
        return;
    case PART_ACTION_STAMP:
        sim->nodes[node].cut = action->cut;
        return;
    case PART_ACTION_ALARM:
        sim_alarm(sim, node, action->tx, action->text);
        return;
    case PART_ACTION_NOTE:
        SIM_TRACE(sim, "%s notes: %.*s", sim->nodes[node].name.s, (int)action->text.len,
                  (const char *)action->text.data);
        return;
    }
}

static void perform_all(struct sim *sim, size_t node)
{
    struct sim_participant *self = sim->nodes[node].participant;

    for (size_t i = 0; i < self->actions.n && !sim_dies(&sim->nodes[node]); i++) {
        struct part_action action;

        if (self->actions.items[i].type == PART_ACTION_SEND) {
            deliver(sim, node, &self->actions.items[i]);
            continue;
        }
        action = self->actions.items[i]; /* performing may move the array */
        perform(sim, node, &action);
    }
    part_actions_clear(&self->actions);
    if (sim_check_due(sim, node))
        part_core_check(self->core);
    sim_tick_at(sim, node, part_core_deadline(self->core));
}

void sim_participant_step(struct sim *sim, size_t node, const struct part_event *event)
{
    struct sim_participant *self = sim->nodes[node].participant;

    if (sim_covers(sim))
        coverage_part_step(sim->coverage, self->core, event);
    if (event->type == PART_EVENT_DURABLE)
        self->rm->vtable->durable(self->rm, event->lsn);
    part_core_step(self->core, event, sim_clock(sim, node), &self->actions);
    perform_all(sim, node);
}

void sim_participant_stored(struct sim *sim, size_t node, uint64_t number)
{
    struct sim_participant *self = sim->nodes[node].participant;
    struct part_event event = sim_store_answer(self->store, self->rm, number);

    sim_participant_step(sim, node, &event);
}

/* ---- starting ---- */

struct recovering {
    struct sim_participant *self;
    struct txlog *log;
};

static enum tx_error replay(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    return part_core_recover(((struct recovering *)arg)->self->core, record, why);
}

static void recover_prepared(void *arg, struct tx_id tx, struct tx_lsn prepared)
{
    const struct recovering *recovering = arg;
    struct rm *rm = recovering->self->rm;
    struct rm_answer answer = {0};
    struct tx_buf stored = {0};
    struct tx_arena arena = {0};
    struct txlog_record record;
    enum tx_error error;

    error = txlog_get(recovering->log, prepared, &stored, NULL);
    TX_ASSERT(error == TX_OK);
    error = txlog_record_decode(tx_buf_view(&stored), &arena, &record, NULL);
    TX_ASSERT(error == TX_OK);
    rm->vtable->recover(rm, tx, record.prepared.redo, &answer);
    TX_ASSERT(answer.status == RM_OK);
    tx_buf_deinit(&stored);
    tx_arena_deinit(&arena);
}

struct part_options sim_participant_options(const struct sim *sim, size_t node)
{
    return (struct part_options){.name = sim->nodes[node].name,
                                 .incarnation = sim->nodes[node].start,
                                 .life = sim->nodes[node].life,
                                 .idle_us = 2000000,
                                 .lock_timeout_us = 1000000,
                                 .inquiry_us = sim->options.inquiry_us,
                                 .inquiry_max_us = 2000000,
                                 .txs_max = sim->options.txs_max,
                                 .locks_max = sim->options.locks_max,
                                 .results_max = sim->options.results_max,
                                 .lock_policy = (enum tx_lock_policy)sim->options.lock_policy,
                                 .escalate_at = sim->options.escalate_at,
                                 .tombstones_max = sim->options.tombstones_max,
                                 .snapshot_records = sim->options.snapshot_records,
                                 .retain_records = sim->options.retain_records};
}

static enum tx_error open_rest(struct sim *sim, size_t node, struct txlog *log, struct tx_why *why)
{
    struct sim_participant *self = sim->nodes[node].participant;
    struct recovering recovering = {self, log};
    enum tx_error error = kv_open(log, 1024, &self->rm, why);

    if (error != TX_OK)
        return error;
    part_core_each_prepared(self->core, recover_prepared, &recovering);
    return part_core_recovered(self->core, txlog_last(log), sim_clock(sim, node), &self->actions,
                               why);
}

bool sim_participant_start(struct sim *sim, size_t node)
{
    struct sim_participant *self = tx_xcalloc(1, sizeof *self);
    struct txlog *log = sim_disk_log(sim->nodes[node].disk);
    struct recovering recovering = {self, log};
    struct recovery_summary summary;
    struct part_options options;
    struct tx_why why = {""};
    enum tx_error error;

    sim->nodes[node].life = sim_random_next(&sim->random);
    sim->nodes[node].start = tx_start_after(
        txlog_last_start(log), (sim->options.twins & 2u) != 0 ? 0 : sim->nodes[node].life);
    options = sim_participant_options(sim, node);
    self->core = part_core_new(&options);
    self->store = sim_store_new(sim, node);
    sim->nodes[node].participant = self;
    error = recovery_replay(log, replay, &recovering, &summary, &why);
    if (error == TX_OK && !sim_append_start(sim, node))
        return false;
    if (error == TX_OK)
        error = open_rest(sim, node, log, &why);
    if (error != TX_OK) {
        sim_fail(sim, "%s cannot start: %s", sim->nodes[node].name.s, why.text);
        abort();
    }
    inside_locks_compare(sim, node);
    if (sim_covers(sim))
        coverage_part_restart(sim->coverage, self->core);
    perform_all(sim, node);
    return true;
}

void sim_participant_stop(struct sim *sim, size_t node)
{
    struct sim_participant *self = sim->nodes[node].participant;

    inside_locks_keep(sim, node);
    sim_store_destroy(&self->store);
    if (self->rm != NULL)
        self->rm->vtable->close(&self->rm);
    part_actions_deinit(&self->actions);
    part_core_destroy(&self->core);
    free(self);
    sim->nodes[node].participant = NULL;
}

const struct part_core *sim_participant_core(const struct sim_node *node)
{
    return node->participant->core;
}
