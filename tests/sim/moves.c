#include "moves.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TOLD_US UINT64_C(4000000) /* until the last coordinator knows */

static void stop(struct sim *sim, size_t at)
{
    if (sim->nodes[at].up)
        sim_crash(sim, at);
}

/* Each coordinator by itself: for a while they are of two minds. But none of them may speak to one
 * participant in the belief that it is another. */
static void tell_later(struct sim *sim, bool at_once)
{
    for (size_t i = 0; i < sim->options.coordinators; i++) {
        if (at_once)
            stop(sim, i);
        sim_timeline_add(
            &sim->timeline,
            (struct sim_event){.type = SIM_EVENT_MEND,
                               .fault = SIM_FAULT_MOVE,
                               .at = sim->now + sim_random_between(&sim->moving, 1, TOLD_US),
                               .node = (uint8_t)i});
    }
}

void sim_move(struct sim *sim, size_t at)
{
    struct sim_node *node = &sim->nodes[at];
    size_t with = sim_participant_node(
        sim, sim_random_between(&sim->moving, 0, sim->options.participants - 1));

    bool places = with != at && sim_random_percent(&sim->moving, 50);

    stop(sim, at);
    sim->moves++;
    if (places) {
        struct tx_address address = node->address;

        stop(sim, with);
        node->address = sim->nodes[with].address;
        sim->nodes[with].address = address;
        SIM_TRACE(sim, "%s and %s change places", node->name.s, sim->nodes[with].name.s);
    } else {
        (void)snprintf(node->address.s, sizeof node->address.s, "sim://p%zu.%" PRIu64,
                       at - (size_t)sim->options.coordinators + 1, sim->moves);
        SIM_TRACE(sim, "%s moves to %s", node->name.s, node->address.s);
    }
    tell_later(sim, places);
}

void sim_moves_tell(struct sim *sim, size_t at)
{
    const struct sim_node *node = &sim->nodes[at];

    if (node->role == SIM_COORDINATOR && node->up && node->moves < sim->moves) {
        SIM_TRACE(sim, "%s is told of other addresses", node->name.s);
        sim_crash(sim, at);
    }
}

size_t sim_moves_find(const struct sim *sim, const struct tx_address *address)
{
    for (size_t i = 0; i < sim->nodes_n; i++) {
        if (strcmp(sim->nodes[i].address.s, address->s) == 0)
            return i;
    }
    return SIM_NOBODY;
}
