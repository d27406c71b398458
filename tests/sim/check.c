#include "check.h"

#include "sim_client.h"
#include "sim_coordinator.h"
#include "sim_history.h"
#include "sim_participant.h"
#include "tests/check/check.h"

#include <inttypes.h>

/* ---- at rest ---- */

static bool participant_at_rest(const struct sim_node *node)
{
    struct part_stats stats;

    part_core_stats(sim_participant_core(node), 0, &stats);
    return part_core_idle(sim_participant_core(node)) &&
           stats.locks_held + stats.locks_waiting == 0;
}

static bool coordinator_at_rest(const struct sim *sim, const struct sim_node *node)
{
    struct coord_stats stats;

    coord_core_stats(sim_coordinator_core(node), &stats);
    return coord_core_idle(sim_coordinator_core(node)) && stats.active + stats.committed == 0 &&
           stats.peers_up == sim->options.participants;
}

static bool node_at_rest(const struct sim *sim, const struct sim_node *node)
{
    if (node->role == SIM_CLIENT)
        return sim_client_done(node);
    if (!node->up || node->draining || node->disk_low || node->paused_until > sim->now)
        return false;
    return node->role == SIM_PARTICIPANT ? participant_at_rest(node)
                                         : coordinator_at_rest(sim, node);
}

bool sim_at_rest(const struct sim *sim)
{
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (!node_at_rest(sim, &sim->nodes[i]))
            return false;
    }
    return true;
}

/* ---- the end ---- */

/* What no history shows. */
static void check_node(struct sim *sim, const struct sim_node *node)
{
    struct part_stats part;
    struct coord_stats coord;

    if (!node->up) {
        sim_fail(sim, "%s is down at the end", node->name.s);
        return;
    }
    if (node->role == SIM_PARTICIPANT) {
        part_core_check(sim_participant_core(node));
        part_core_stats(sim_participant_core(node), 0, &part);
        if (part.violations > 0 && !sim->deaf)
            sim_fail(sim, "%s: %" PRIu64 " violations", node->name.s, part.violations);
        if (!part_core_idle(sim_participant_core(node)))
            sim_fail(sim, "%s is not idle", node->name.s);
        return;
    }
    coord_core_check(sim_coordinator_core(node));
    coord_core_stats(sim_coordinator_core(node), &coord);
    if (coord.violations > 0 && !sim->deaf)
        sim_fail(sim, "%s: %" PRIu64 " violations", node->name.s, coord.violations);
    if (coord.peers_up != sim->options.participants || coord.fenced)
        sim_fail(sim, "%s: %zu peers up%s", node->name.s, coord.peers_up,
                 coord.fenced ? ", fenced" : "");
}

static void anomaly(void *arg, const char *name, const char *witness)
{
    sim_fail(arg, "%s: %s", name, witness);
}

void sim_check(struct sim *sim)
{
    struct check_report report = {.anomaly = anomaly, .arg = sim};

    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role != SIM_CLIENT)
            check_node(sim, &sim->nodes[i]);
    }
    if (sim->totals.transactions < sim->options.transactions)
        sim_fail(sim, "too few: %" PRIu64 " transactions begun instead of %" PRIu64,
                 sim->totals.transactions, sim->options.transactions);
    sim_history_end(sim);
    check_all(&sim->history, &report);
}
