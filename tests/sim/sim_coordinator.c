#include "sim_coordinator.h"

#include "cuts.h"
#include "network.h"
#include "rule.h"
#include "txlog/recovery.h"
#include "writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct sim_coordinator {
    struct coord_core *core;
    struct coord_actions actions;
};

static void append(struct sim *sim, size_t node, struct coord_action *action)
{
    action->record.start = sim->nodes[node].start;
    if (action->record.type == TXLOG_COMMIT)
        rule_said(sim, node, action->record.commit.id, true);
    sim_cuts_taken(sim, &action->record);
    sim_writer_append(sim, node, &action->record, NULL, 0, action->force);
}

static void hold_to_rule(struct sim *sim, size_t node, const struct tx_msg_outcome *outcome)
{
    if (outcome->outcome != TX_OUTCOME_UNKNOWN)
        rule_said(sim, node, outcome->id, outcome->outcome == TX_OUTCOME_COMMITTED);
}

static void perform(struct sim *sim, size_t node, struct coord_action *action)
{
    switch (action->type) {
    case COORD_ACTION_SEND:
        sim_network_send(sim, node, sim_find(sim, &action->address), &action->msg);
        return;
    case COORD_ACTION_REPLY:
        /* Who lies may name participants that are none of the members, and hears what these say. */
        if (action->msg.type == TX_MSG_OUTCOME && action->client != SIM_LIAR)
            hold_to_rule(sim, node, &action->msg.outcome);
        sim_network_send(sim, node, (size_t)action->client, &action->msg);
        return;
    case COORD_ACTION_APPEND:
        append(sim, node, action);
        return;
    case COORD_ACTION_COMPACT:
        sim_compact(&sim->nodes[node], action->lsn);
        return;
    case COORD_ACTION_STAMP:
        sim->nodes[node].cut = action->cut;
        return;
    case COORD_ACTION_ALARM:
        sim_alarm(sim, node, action->tx, action->text);
        return;
    case COORD_ACTION_NOTE:
        SIM_TRACE(sim, "%s notes: %.*s", sim->nodes[node].name.s, (int)action->text.len,
                  (const char *)action->text.data);
        return;
    }
}

static void perform_all(struct sim *sim, size_t node)
{
    struct sim_coordinator *self = sim->nodes[node].coordinator;

    for (size_t i = 0; i < self->actions.n && !sim_dies(&sim->nodes[node]); i++)
        perform(sim, node, &self->actions.items[i]);
    coord_actions_clear(&self->actions);
    if (sim_check_due(sim, node))
        coord_core_check(self->core);
    sim_tick_at(sim, node, coord_core_deadline(self->core));
}

void sim_coordinator_step(struct sim *sim, size_t node, struct coord_event *event)
{
    struct sim_coordinator *self = sim->nodes[node].coordinator;

    if (event->type == COORD_EVENT_MESSAGE && event->msg->type == TX_MSG_BEGIN) {
        uint64_t secret[2] = {sim_random_next(&sim->random), sim_random_next(&sim->random)};

        memcpy(event->token.bytes, secret, sizeof event->token.bytes);
    }
    event->wall_ms = sim->now / 1000;
    if (sim_covers(sim))
        coverage_coord_step(sim->coverage, self->core, event, sim_clock(sim, node));
    coord_core_step(self->core, event, sim_clock(sim, node), &self->actions);
    perform_all(sim, node);
}

static enum tx_error replay(void *arg, const struct txlog_record *record, struct tx_why *why)
{
    return coord_core_recover(((struct sim_coordinator *)arg)->core, record, why);
}

struct coord_core *sim_coordinator_core_new(const struct sim *sim, size_t node, uint64_t epoch,
                                            uint64_t life)
{
    struct tx_member members[SIM_PARTICIPANTS_MAX] = {0};
    struct coord_options options = {.id = (uint32_t)node + 1,
                                    .epoch = epoch,
                                    .life = life,
                                    .nodes = members,
                                    .nodes_n = sim->options.participants,
                                    .prepare_timeout_us = sim->options.prepare_timeout_us,
                                    .prepare_tries = 8,
                                    .active_idle_us = 2000000,
                                    .resend_us = 100000,
                                    .resend_max_us = 2000000,
                                    .hello_us = 500000,
                                    .mode = (enum tx_commit_mode)sim->options.mode,
                                    .peer_down_us = 1500000,
                                    .forget_us = 500000,
                                    .retention_us = sim->options.retention_us,
                                    .retained_max = sim->options.retained_max,
                                    .txs_max = sim->options.txs_max,
                                    .snapshot_records = sim->options.snapshot_records,
                                    .retain_records = sim->options.retain_records,
                                    .cut_every_us = sim->options.cut_every_us};

    for (unsigned i = 0; i < sim->options.participants; i++) {
        const struct sim_node *participant = &sim->nodes[sim_participant_node(sim, i)];

        members[i].name = participant->name;
        members[i].address = participant->address;
    }
    return coord_core_new(&options);
}

bool sim_coordinator_start(struct sim *sim, size_t node)
{
    struct sim_coordinator *self = tx_xcalloc(1, sizeof *self);
    struct txlog *log = sim_disk_log(sim->nodes[node].disk);
    struct recovery_summary summary;
    struct tx_why why = {""};
    enum tx_error error;

    sim->nodes[node].life = sim_random_next(&sim->random);
    sim->nodes[node].start = tx_start_after(
        txlog_last_start(log), (sim->options.twins & 1u) != 0 ? 0 : sim->nodes[node].life);
    self->core = sim_coordinator_core_new(sim, node, sim->nodes[node].start, sim->nodes[node].life);
    sim->nodes[node].coordinator = self;
    sim->nodes[node].moves = sim->moves;
    error = recovery_replay(log, replay, self, &summary, &why);
    if (error != TX_OK) {
        sim_fail(sim, "%s cannot start: %s", sim->nodes[node].name.s, why.text);
        abort();
    }
    if (!sim_append_start(sim, node))
        return false;
    coord_core_recovered(self->core, txlog_last(log), sim_clock(sim, node), &self->actions);
    if (sim_covers(sim))
        coverage_coord_restart(sim->coverage, self->core);
    perform_all(sim, node);
    return true;
}

void sim_coordinator_stop(struct sim *sim, size_t node)
{
    struct sim_coordinator *self = sim->nodes[node].coordinator;

    coord_actions_deinit(&self->actions);
    coord_core_destroy(&self->core);
    free(self);
    sim->nodes[node].coordinator = NULL;
}

const struct coord_core *sim_coordinator_core(const struct sim_node *node)
{
    return node->coordinator->core;
}
