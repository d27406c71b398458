#include "waits.h"

#include "inside.h"
#include "sim_participant.h"

#include <inttypes.h>

#define LOOK_US UINT64_C(50000)
#define LAST_US                                                                                    \
    UINT64_C(300000) /* the coordinator hears of it after PART_WANTED_US, and decides              \
                      */

/* Who waits for whom, everywhere, as sets of those that wait. */
struct graph {
    struct tx_id ids[SIM_WAITS_MAX];
    uint64_t reaches[SIM_WAITS_MAX];
    unsigned n;
};

static bool nothing_is_slow(const struct sim_options *options)
{
    return options->fault_txs == 0 && options->loss_percent == 0 && options->late_percent == 0 &&
           options->very_late_percent == 0 && options->slow_link_us == 0 &&
           options->sync_us <= LOOK_US;
}

/* The number of a transaction in the graph; beyond SIM_WAITS_MAX it is not looked at. */
static unsigned number_of(struct graph *graph, struct tx_id id)
{
    for (unsigned i = 0; i < graph->n; i++)
        if (tx_id_equal(graph->ids[i], id))
            return i;
    if (graph->n == SIM_WAITS_MAX)
        return SIM_WAITS_MAX;
    graph->ids[graph->n] = id;
    return graph->n++;
}

static void add_wait(void *arg, struct tx_id waiter, struct tx_id blocker)
{
    struct graph *graph = arg;
    unsigned from = number_of(graph, waiter);
    unsigned to = number_of(graph, blocker);

    if (from < SIM_WAITS_MAX && to < SIM_WAITS_MAX)
        graph->reaches[from] |= UINT64_C(1) << to;
}

/* Warshall's transitive closure: whoever reaches itself is in a circle. */
static void close_paths(struct graph *graph)
{
    for (unsigned via = 0; via < graph->n; via++)
        for (unsigned i = 0; i < graph->n; i++)
            if ((graph->reaches[i] >> via & 1) != 0)
                graph->reaches[i] |= graph->reaches[via];
}

static uint64_t since(const struct sim *sim, struct tx_id id)
{
    for (unsigned i = 0; i < sim->waits_n; i++)
        if (tx_id_equal(sim->waits[i].id, id))
            return sim->waits[i].since;
    return sim->now;
}

static void take_circles(struct sim *sim, const struct graph *graph)
{
    struct sim_wait waits[SIM_WAITS_MAX];
    unsigned n = 0;

    for (unsigned i = 0; i < graph->n; i++)
        if ((graph->reaches[i] >> i & 1) != 0)
            waits[n++] = (struct sim_wait){graph->ids[i], since(sim, graph->ids[i])};
    sim->waits_n = n;
    for (unsigned i = 0; i < n; i++) {
        char id[TX_ID_TEXT];

        sim->waits[i] = waits[i];
        if (sim->now < waits[i].since + LAST_US)
            continue;
        sim->waits[i].since = sim->now; /* told once */
        sim_fail(sim, "%s waits in vain: for %" PRIu64 " ms in a circle across participants",
                 tx_id_print(waits[i].id, id), (sim->now - waits[i].since) / 1000);
    }
}

static void look(struct sim *sim)
{
    struct graph graph = {.n = 0};

    for (unsigned i = 0; i < sim->options.participants; i++) {
        const struct sim_node *node = &sim->nodes[sim_participant_node(sim, i)];

        if (node->participant != NULL)
            inside_waits(sim_participant_core(node), add_wait, &graph);
    }
    close_paths(&graph);
    take_circles(sim, &graph);
}

void sim_waits_look(struct sim *sim)
{
    if (sim->now < sim->waits_at || !nothing_is_slow(&sim->options))
        return;
    if (sim->lost_at > 0) {
        sim->waits_n = 0; /* who asks a lost coordinator goes on waiting until its next inquiry */
        return;
    }
    sim->waits_at = sim->now + LOOK_US;
    look(sim);
}
