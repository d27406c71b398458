#include "lost.h"

#include "inside.h"
#include "liar.h"
#include "sim_participant.h"

#include <inttypes.h>

/* A member asks its coordinator first, and all others when no answer has come by the next inquiry,
 * one every two seconds at the latest; nothing is lost any more, and nobody stands still. */
#define SETTLED_US UINT64_C(5000000)
#define FAULTS     4u /* that come in any case, though perhaps nobody begins anything any more */

/* ---- losing it ---- */

static void plan_faults(struct sim *sim)
{
    for (unsigned i = 0; i < FAULTS && sim->options.fault_txs > 0; i++)
        sim_timeline_add(
            &sim->timeline,
            (struct sim_event){.type = SIM_EVENT_FAULT,
                               .at = sim->now +
                                     sim_random_between(&sim->modes, 0, sim->options.lost_us)});
}

void sim_lost_take(struct sim *sim)
{
    struct sim_node *node;

    if (sim->options.lost_txs == 0 || sim->lost_at > 0 || sim->healed ||
        sim->totals.transactions < sim->options.lost_txs)
        return;
    sim->lost = (size_t)sim_random_between(&sim->modes, 0, sim->options.coordinators - 1);
    sim->lost_at = sim->now;
    node = &sim->nodes[sim->lost];
    SIM_TRACE(sim, "%s is going to be lost", node->name.s);
    if (node->up)
        node->actions_left = sim_random_between(&sim->modes, 0, 12);
    plan_faults(sim);
}

bool sim_lost_is(const struct sim *sim, size_t node)
{
    return sim->lost_at > 0 && sim->lost == node;
}

bool sim_lost_long(const struct sim *sim)
{
    return sim->lost_at > 0 && sim->now >= sim->lost_at + sim->options.lost_us;
}

/* ---- what the members make of it ---- */

static struct inside_doubt in_doubt(const struct sim *sim)
{
    struct inside_doubt all = {0};

    for (unsigned i = 0; i < sim->options.participants; i++) {
        const struct sim_node *node = &sim->nodes[sim_participant_node(sim, i)];

        if (node->participant != NULL)
            inside_part_in_doubt(sim_participant_core(node), (uint32_t)sim->lost + 1, &all);
        else
            all.members_decide++; /* is not back yet, and nobody knows what it has */
    }
    return all;
}

/* Since all of them can work on it. */
static uint64_t waited_us(const struct sim *sim)
{
    uint64_t calm = sim->healed_at;

    for (unsigned i = 0; i < sim->options.participants; i++) {
        const struct sim_node *node = &sim->nodes[sim_participant_node(sim, i)];

        if (node->paused_until > calm)
            calm = node->paused_until;
    }
    return sim->now > calm ? sim->now - calm : 0;
}

static void come_back(struct sim *sim)
{
    size_t node = sim->lost;

    sim->lost = SIM_NOBODY;
    sim->healed_at = sim->now;
    SIM_TRACE(sim, "%s comes back", sim->nodes[node].name.s);
    sim_start(sim, node);
}

void sim_lost_look(struct sim *sim)
{
    struct inside_doubt doubt;
    uint64_t waited;
    char id[TX_ID_TEXT];

    if (sim->lost_at == 0 || sim->lost == SIM_NOBODY)
        return;
    doubt = in_doubt(sim);
    waited = waited_us(sim);
    if (doubt.members_decide > 0 && waited < SETTLED_US)
        return;
    if (doubt.members_decide > 0 && !sim_lies_within(sim))
        sim_fail(sim, "in-doubt: %s is lost, and its members do not decide %s",
                 sim->nodes[sim->lost].name.s, tx_id_print(doubt.id, id));
    if (waited > sim->totals.settled_us)
        sim->totals.settled_us = waited;
    sim->totals.coordinators_lost++;
    sim->totals.lost_waiting += doubt.coordinator_decides;
    come_back(sim);
}
