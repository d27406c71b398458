#include "check.h"

#include "inside.h"
#include "liar.h"
#include "rejoin.h"
#include "sim_client.h"
#include "sim_coordinator.h"
#include "sim_history.h"
#include "sim_participant.h"
#include "tests/check/check.h"
#include "tests/check/check_bounds.h"
#include "tests/check/check_locks.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- at rest ---- */

static bool participant_at_rest(const struct sim_node *node)
{
    struct part_stats stats;

    part_core_stats(sim_participant_core(node), 0, &stats);
    return part_core_idle(sim_participant_core(node)) &&
           inside_part_unended(sim_participant_core(node)) == 0 &&
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
        if (part.violations > 0 && !sim->deaf && sim->liar == NULL)
            sim_fail(sim, "%s: %" PRIu64 " violations", node->name.s, part.violations);
        if (!part_core_idle(sim_participant_core(node)))
            sim_fail(sim, "%s is not idle", node->name.s);
        return;
    }
    coord_core_check(sim_coordinator_core(node));
    coord_core_stats(sim_coordinator_core(node), &coord);
    if (coord.violations > 0 && !sim->deaf && sim->liar == NULL)
        sim_fail(sim, "%s: %" PRIu64 " violations", node->name.s, coord.violations);
    if (coord.peers_up != sim->options.participants || coord.fenced)
        sim_fail(sim, "%s: %zu peers up%s", node->name.s, coord.peers_up,
                 coord.fenced ? ", fenced" : "");
}

static void anomaly(void *arg, const char *name, const char *witness)
{
    sim_fail(arg, "%s: %s", name, witness);
}

/* ---- what holds even where a node of the cluster has lied ---- */

struct ended {
    struct sim *sim;
    size_t node;
    struct tx_id *aborted;
    size_t n, capacity;
};

static void note_aborted(void *arg, const struct txlog_record *record)
{
    struct ended *ended = arg;

    if (ended->n == ended->capacity) {
        ended->capacity = ended->capacity * 2 + 64;
        ended->aborted = tx_xrealloc(ended->aborted, ended->capacity * sizeof *ended->aborted);
    }
    ended->aborted[ended->n++] = record->id.id;
}

static void look_at_committed(void *arg, const struct txlog_record *record)
{
    const struct ended *ended = arg;
    char id[TX_ID_TEXT];

    for (size_t i = 0; i < ended->n; i++) {
        if (tx_id_equal(ended->aborted[i], record->committed.id))
            sim_fail(ended->sim, "%s has committed and aborted %s",
                     ended->sim->nodes[ended->node].name.s, tx_id_print(record->committed.id, id));
    }
}

/* Its log says one thing of each transaction, and it can be started from it again. */
static void check_own_log(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];
    struct ended ended = {.sim = sim, .node = at};

    if (node->role == SIM_PARTICIPANT) {
        sim_disk_each(node->disk, 1u << TXLOG_ABORTED, note_aborted, &ended);
        sim_disk_each(node->disk, 1u << TXLOG_COMMITTED, look_at_committed, &ended);
        free(ended.aborted);
    }
    if (node->up)
        sim_stop(sim, at);
    sim_disk_crash(node->disk, &sim->random);
    sim_start(sim, at);
    sim_history_look(sim, at);
    if (node->role == SIM_PARTICIPANT)
        part_core_check(sim_participant_core(node));
    else
        coord_core_check(sim_coordinator_core(node));
}

static void check_enough(struct sim *sim)
{
    if (sim->lost_at == 0 && sim->totals.transactions < sim->options.transactions)
        sim_fail(sim, "too few: %" PRIu64 " transactions begun instead of %" PRIu64,
                 sim->totals.transactions, sim->options.transactions);
}

static void check_after_lies(struct sim *sim, struct check_report *report)
{
    check_enough(sim);
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role == SIM_CLIENT)
            continue;
        if (sim->nodes[i].up)
            sim_history_look(sim, i);
        check_own_log(sim, i);
    }
    check_locks(&sim->history, report);
    check_bounds(&sim->history, report);
}

void sim_check(struct sim *sim)
{
    struct check_report report = {.anomaly = anomaly, .arg = sim};

    if (sim_lies_within(sim)) {
        check_after_lies(sim, &report);
        return;
    }
    if (sim_rejoins(sim)) {
        check_enough(sim);
        sim_rejoin_check(sim);
        return;
    }

    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].role != SIM_CLIENT)
            check_node(sim, &sim->nodes[i]);
    }
    check_enough(sim);
    sim_history_end(sim);
    check_all(&sim->history, &report);
}
