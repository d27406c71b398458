#include "faults.h"

#include "lost.h"
#include "moves.h"
#include "network.h"
#include "operator.h"
#include "sim_coordinator.h"
#include "sim_participant.h"

#include <inttypes.h>

#define MINUTE_US UINT64_C(60000000)
#define SLOW_US   UINT64_C(20000)
#define DAY_US    (24 * 60 * MINUTE_US)

const char *sim_fault_name(enum sim_fault fault)
{
    static const char *const names[SIM_FAULTS_N] = {
        [SIM_FAULT_CRASH] = "crash",
        [SIM_FAULT_PARTITION] = "partition",
        [SIM_FAULT_WRITE_ERROR] = "write error",
        [SIM_FAULT_DISK_FULL] = "full disk",
        [SIM_FAULT_CLOCK_JUMP] = "clock jump",
        [SIM_FAULT_PAUSE] = "pause",
        [SIM_FAULT_DRAIN] = "drain",
        [SIM_FAULT_OLD_DISK] = "old disk",
        [SIM_FAULT_RESOLVE] = "operator",
        [SIM_FAULT_MOVE] = "move",
    };

    return names[fault];
}

void sim_faults_next(struct sim *sim)
{
    uint64_t mean = sim->options.fault_txs;

    sim->fault_at = mean == 0
                        ? UINT64_MAX
                        : sim->totals.transactions + sim_random_between(&sim->random, 1, 2 * mean);
}

static void mend_at(struct sim *sim, enum sim_fault fault, size_t node, uint64_t longest)
{
    sim_timeline_add(
        &sim->timeline,
        (struct sim_event){.type = SIM_EVENT_MEND,
                           .fault = (uint8_t)fault,
                           .at = sim->now + sim_random_between(&sim->random, 10000, longest),
                           .node = (uint8_t)node,
                           .run = sim->nodes[node].run});
}

/* ---- those of one node ---- */

static void disk_event(struct sim *sim, size_t node)
{
    bool low = sim->nodes[node].disk_low;

    if (sim->nodes[node].participant != NULL)
        sim_participant_step(sim, node, &(struct part_event){.type = PART_EVENT_DISK, .on = low});
    if (sim->nodes[node].coordinator != NULL)
        sim_coordinator_step(sim, node, &(struct coord_event){.type = COORD_EVENT_DISK, .on = low});
}

static void fill_disk(struct sim *sim, size_t node, bool low)
{
    if (sim->nodes[node].disk_low == low)
        return;
    sim->nodes[node].disk_low = low;
    SIM_TRACE(sim, "%s: its disk is %s", sim->nodes[node].name.s,
              low ? "at its reserve" : "above its reserve again");
    disk_event(sim, node);
    if (low)
        mend_at(sim, SIM_FAULT_DISK_FULL, node, 3000000);
}

static void jump(struct sim *sim, size_t node)
{
    uint64_t by = sim_random_percent(&sim->random, 50)
                      ? sim_random_between(&sim->random, 1, DAY_US)
                      : sim_random_between(&sim->random, 1, MINUTE_US);

    sim->nodes[node].clock_us += by;
    SIM_TRACE(sim, "%s: its clock jumps by %" PRIu64 " us", sim->nodes[node].name.s, by);
    sim_tick_at(sim, node, sim_clock(sim, node));
}

static void pause(struct sim *sim, size_t node)
{
    uint64_t span = sim_random_between(&sim->random, 1000, 4000000);

    sim->nodes[node].paused_until = sim->now + span;
    SIM_TRACE(sim, "%s stands still for %" PRIu64 " us", sim->nodes[node].name.s, span);
}

static void drain(struct sim *sim, size_t node)
{
    SIM_TRACE(sim, "%s is asked to leave", sim->nodes[node].name.s);
    sim->nodes[node].draining = true;
    if (sim->nodes[node].participant != NULL)
        sim_participant_step(sim, node, &(struct part_event){.type = PART_EVENT_DRAIN, .on = true});
    else
        sim_coordinator_step(sim, node,
                             &(struct coord_event){.type = COORD_EVENT_DRAIN, .on = true});
    mend_at(sim, SIM_FAULT_DRAIN, node, 2000000);
}

static void leave(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];

    /* It writes what is queued before it goes. */
    sim_disk_synced(node->disk, sim_disk_queued(node->disk));
    SIM_TRACE(sim, "%s leaves", node->name.s);
    sim_crash(sim, at);
}

void sim_drain_step(struct sim *sim, size_t at)
{
    const struct sim_node *node = &sim->nodes[at];
    bool idle = node->participant != NULL ? part_core_idle(sim_participant_core(node))
                                          : coord_core_idle(sim_coordinator_core(node));

    if (idle)
        leave(sim, at);
}

/* ---- an old disk ---- */

#define MISSED_RECORDS 30u /* that an old image lacks: enough that others have heard of them */

/* The first time an image is taken; the next time the node runs on that for a while, and the true
 * disk is put aside. */
static void run_on_image(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];

    if (node->kept != NULL)
        return;
    if (node->image == NULL) {
        node->image = sim_disk_copy(node->disk);
        return;
    }
    if (sim_disk_durable(node->disk).n < sim_disk_durable(node->image).n + MISSED_RECORDS)
        return;
    sim_crash(sim, at);
    SIM_TRACE(sim, "%s gets an old disk: up to %" PRIu64 " instead of %" PRIu64, node->name.s,
              sim_disk_durable(node->image).n, sim_disk_durable(node->disk).n);
    node->kept = node->disk;
    node->disk = node->image;
    node->image = NULL;
    node->was_old = true;
    sim->totals.old_disks++;
    mend_at(sim, SIM_FAULT_OLD_DISK, at, 6000000);
}

static void put_back(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];

    if (node->kept == NULL)
        return;
    if (node->up)
        sim_crash(sim, at);
    SIM_TRACE(sim, "%s gets its own disk back", node->name.s);
    sim_disk_destroy(&node->disk);
    node->disk = node->kept;
    node->kept = NULL;
}

/* ---- choosing ---- */

static enum sim_fault draw(struct sim *sim)
{
    const struct sim_options *options = &sim->options;
    const uint64_t weights[SIM_FAULTS_N] = {
        [SIM_FAULT_CRASH] = options->crash,
        [SIM_FAULT_PARTITION] = options->partition,
        [SIM_FAULT_WRITE_ERROR] = options->write_error,
        [SIM_FAULT_DISK_FULL] = options->disk_full,
        [SIM_FAULT_CLOCK_JUMP] = options->clock_jump,
        [SIM_FAULT_PAUSE] = options->pause,
        [SIM_FAULT_DRAIN] = options->drain,
        [SIM_FAULT_OLD_DISK] = options->old_disk,
        [SIM_FAULT_RESOLVE] = options->resolve,
        [SIM_FAULT_MOVE] = options->move,
    };
    uint64_t sum = 0, at;
    unsigned fault = 0;

    for (size_t i = 0; i < SIM_FAULTS_N; i++)
        sum += weights[i];
    if (sum == 0)
        return SIM_FAULTS_N;
    for (at = sim_random_between(&sim->random, 1, sum); at > weights[fault]; fault++)
        at -= weights[fault];
    return (enum sim_fault)fault;
}

static void hit(struct sim *sim, enum sim_fault fault, size_t victim)
{
    switch (fault) {
    case SIM_FAULT_CRASH:
        sim->nodes[victim].actions_left = sim_random_between(&sim->random, 0, 12);
        return;
    case SIM_FAULT_WRITE_ERROR:
        sim->nodes[victim].write_fails = true;
        return;
    case SIM_FAULT_DISK_FULL:
        fill_disk(sim, victim, true);
        return;
    case SIM_FAULT_CLOCK_JUMP:
        jump(sim, victim);
        return;
    case SIM_FAULT_PAUSE:
        pause(sim, victim);
        return;
    case SIM_FAULT_DRAIN:
        drain(sim, victim);
        return;
    case SIM_FAULT_RESOLVE:
        sim_operator_resolve(sim, victim);
        return;
    case SIM_FAULT_OLD_DISK:
        if (sim->nodes[victim].role == SIM_COORDINATOR && sim->options.old_coordinators == 0)
            victim = sim->options.coordinators + victim % sim->options.participants;
        run_on_image(sim, victim);
        return;
    case SIM_FAULT_MOVE:
        sim_move(sim, sim->options.coordinators + victim % sim->options.participants);
        return;
    case SIM_FAULT_PARTITION:
    case SIM_FAULTS_N:
        return;
    }
}

void sim_fault(struct sim *sim)
{
    size_t daemons = (size_t)(sim->options.coordinators + sim->options.participants);
    size_t victim = (size_t)sim_random_between(&sim->random, 0, daemons - 1);
    enum sim_fault fault = draw(sim);

    if (sim->healed || fault == SIM_FAULTS_N)
        return;
    sim->totals.faults[fault]++;
    sim_operator_watch(sim);
    if (fault == SIM_FAULT_PARTITION)
        sim_network_part(sim);
    else if (sim->nodes[victim].up && !sim->nodes[victim].draining)
        hit(sim, fault, victim);
    sim_faults_next(sim);
}

void sim_fault_aim(struct sim *sim, size_t node, const struct tx_msg *msg)
{
    bool reader = msg->type == TX_MSG_VOTE && msg->vote.vote == TX_VOTE_READ_ONLY;
    bool only = msg->type == TX_MSG_PREPARE && msg->prepare.one_phase;
    /* A reader's restart counts while others decide, which takes as long as a disk is slow. */
    unsigned times = reader && sim->options.sync_us >= SLOW_US ? 4 : 1;

    if (sim->options.aimed_percent == 0 || sim->healed || (!reader && !only) ||
        !sim_random_percent(&sim->echo_random, (unsigned)sim->options.aimed_percent * times))
        return;
    sim->totals.faults[SIM_FAULT_CRASH]++;
    sim->nodes[node].actions_left = sim_random_between(&sim->echo_random, 0, 3);
}

void sim_fault_mend(struct sim *sim, const struct sim_event *event)
{
    const struct sim_node *node = &sim->nodes[event->node];

    if (event->fault == SIM_FAULT_PARTITION)
        sim_network_mend(sim, event->number);
    else if (event->fault == SIM_FAULT_OLD_DISK)
        put_back(sim, event->node);
    else if (event->fault == SIM_FAULT_DISK_FULL)
        fill_disk(sim, event->node, false);
    else if (event->fault == SIM_FAULT_MOVE)
        sim_moves_tell(sim, event->node);
    else if (event->fault == SIM_FAULT_DRAIN && node->up && node->run == event->run)
        leave(sim, event->node);
}

void sim_faults_heal(struct sim *sim)
{
    sim->fault_at = UINT64_MAX;
    sim_network_heal(sim);
    for (size_t i = 0; i < sim->nodes_n; i++) {
        sim->nodes[i].actions_left = UINT64_MAX;
        sim->nodes[i].write_fails = false;
        fill_disk(sim, i, false);
        put_back(sim, i);
        if (sim_lost_is(sim, i) && sim->nodes[i].up)
            sim_crash(sim, i);
        sim_moves_tell(sim, i);
        sim_start(sim, i);
    }
}
