#include "old_copy.h"

#include "sim_coordinator.h"
#include "sim_participant.h"

#include <inttypes.h>

#define NOTICED_US     UINT64_C(20000000)
#define OVERTAKES_TEXT "said by a copy that ran alone"

static void take(struct sim *sim)
{
    struct sim_random own = {sim->seed ^ UINT64_C(0x636f7079)}; /* the run itself stays as it is */
    uint64_t daemons = sim->options.coordinators + sim->options.participants;
    struct sim_node *node;

    node = &sim->nodes[sim_random_between(&own, 0, daemons - 1)];
    sim->old_copy_taken = true;
    node->copy = sim_disk_copy(node->disk);
    SIM_TRACE(sim, "%s: its disk is copied", node->name.s);
}

void sim_old_copy_take(struct sim *sim)
{
    if (sim->options.copy_txs > 0 && !sim->old_copy_taken &&
        sim->totals.transactions >= sim->options.copy_txs)
        take(sim);
}

static bool noticed(const struct sim *sim, const struct sim_node *old)
{
    for (size_t i = 0; i < sim->nodes_n; i++) {
        const struct sim_node *node = &sim->nodes[i];
        struct coord_stats stats;

        if (node->role != SIM_COORDINATOR || (old->role == SIM_COORDINATOR && node != old))
            continue;
        coord_core_stats(sim_coordinator_core(node), &stats);
        if (old->role == SIM_COORDINATOR ? !stats.fenced : stats.peers_quarantined == 0)
            return false;
    }
    return true;
}

static void append(struct sim_disk *disk, struct txlog_record *record)
{
    record->lsn.n = sim_disk_durable(disk).n + 1;
    sim_disk_append(disk, record, NULL, 0);
    sim_disk_synced(disk, record->lsn);
}

/* The copy has run alone for so long that its numbers are beyond those of the original, though not
 * for so many starts that its lineage has forgotten where it left it. */
static void overtake(struct sim *sim, struct sim_disk *copy, struct sim_disk *original)
{
    struct sim_random own = {sim->seed ^ UINT64_C(0x6f76657274616b65)};
    uint64_t last = txlog_last_start(sim_disk_log(original));
    uint64_t start = txlog_last_start(sim_disk_log(copy));

    if (sim_random_percent(&own, 50) || last - start + 2 >= TX_LINEAGE_MAX)
        return;
    SIM_TRACE(sim, "it has run alone, and overtaken start %" PRIu64 " and position %" PRIu64, last,
              sim_disk_durable(original).n);
    while (start++ <= last)
        append(copy, &(struct txlog_record){.type = TXLOG_START,
                                            .start = start,
                                            .started = {.life = sim_random_next(&own)}});
    while (sim_disk_durable(copy).n <= sim_disk_durable(original).n)
        append(copy, &(struct txlog_record){.type = TXLOG_ALARM,
                                            .start = last + 1,
                                            .alarm = {.text = tx_bytes_str(OVERTAKES_TEXT)}});
}

static struct sim_node *copied(struct sim *sim)
{
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (sim->nodes[i].copy != NULL)
            return &sim->nodes[i];
    }
    return NULL;
}

void sim_old_copy_return(struct sim *sim)
{
    struct sim_node *node = copied(sim);
    uint64_t until = sim->now + NOTICED_US;

    /* Nobody can miss what nobody has known; that it has started since, everybody knows. */
    if (node == NULL ||
        txlog_last_start(sim_disk_log(node->copy)) >= txlog_last_start(sim_disk_log(node->disk)))
        return;
    SIM_TRACE(sim, "%s comes back with the copy of its disk", node->name.s);
    sim->old_copy_runs = true;
    sim->totals.faults[SIM_FAULT_OLD_DISK]++;
    sim_stop(sim, (size_t)(node - sim->nodes));
    overtake(sim, node->copy, node->disk);
    sim_disk_destroy(&node->disk);
    node->disk = node->copy;
    node->copy = NULL;
    sim_start(sim, (size_t)(node - sim->nodes));
    while (!noticed(sim, node)) {
        if (sim->now > until || !sim_step(sim)) {
            sim_fail(sim, "%s runs on an old copy of its disk: not noticed", node->name.s);
            return;
        }
    }
}
