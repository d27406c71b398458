/* The graph's memory, and its components. */
#include "append_graph.h"

#include "id_table.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

struct graph_visit {
    uint32_t index; /* in the order of visits, from 1; 0: not visited */
    uint32_t low;
    uint32_t edge; /* the next edge to follow */
    bool stacked;
};

void graph_init(struct graph *graph, uint32_t txs_n)
{
    *graph = (struct graph){.txs_n = txs_n, .nodes_n = txs_n};
}

void graph_deinit(struct graph *graph)
{
    free(graph->edges);
    free(graph->first);
    free(graph->visits);
    *graph = (struct graph){0};
}

uint32_t graph_helper(struct graph *graph)
{
    TX_ASSERT(graph->first == NULL && graph->nodes_n < UINT32_MAX - 1);
    return graph->nodes_n++;
}

void graph_add(struct graph *graph, struct graph_edge edge)
{
    TX_ASSERT(graph->first == NULL && edge.from < graph->nodes_n && edge.to < graph->nodes_n);
    TX_ASSERT((edge.kind == GRAPH_ON) == (edge.from >= graph->txs_n));
    if (edge.from == edge.to)
        return;
    if (graph->edges_n == graph->edges_capacity) {
        graph->edges_capacity = graph->edges_capacity == 0 ? 1024 : graph->edges_capacity * 2;
        graph->edges = tx_xrealloc(graph->edges, graph->edges_capacity * sizeof(struct graph_edge));
    }
    graph->edges[graph->edges_n++] = edge;
}

/* A counting sort, which keeps the order among the edges of one node. */
void graph_finish(struct graph *graph)
{
    struct graph_edge *sorted = tx_xmalloc(((size_t)graph->edges_n + 1) * sizeof *sorted);
    uint32_t *at;

    graph->first = tx_xcalloc((size_t)graph->nodes_n + 2, sizeof *graph->first);
    at = graph->first + 1; /* each count moves to where the next node begins */
    for (uint32_t i = 0; i < graph->edges_n; i++)
        at[graph->edges[i].from + 1]++;
    for (uint32_t node = 0; node < graph->nodes_n; node++)
        at[node + 1] += at[node];
    for (uint32_t i = 0; i < graph->edges_n; i++)
        sorted[at[graph->edges[i].from]++] = graph->edges[i];
    free(graph->edges);
    graph->edges = sorted;
    graph->visits = tx_xcalloc((size_t)graph->nodes_n + 1, sizeof *graph->visits);
    TX_ASSERT(graph->first[graph->nodes_n] == graph->edges_n);
}

/* ---- components ---- */

struct tarjan {
    struct graph *graph;
    struct tx_arena *arena;
    const uint32_t *zone;
    unsigned mask;
    uint32_t *stack, *path; /* of nodes: not yet in a component; being visited */
    uint32_t stack_n, path_n, visited;
    struct graph_components found;
};

static void keep(struct tarjan *tarjan, const uint32_t *nodes, uint32_t n)
{
    struct graph_components *found = &tarjan->found;
    struct graph_component *component;

    if (found->n == found->capacity) {
        struct graph_component *items;

        found->capacity = found->capacity * 2 + 4;
        items = check_alloc(tarjan->arena, found->capacity, sizeof *items);
        if (found->n > 0)
            memcpy(items, found->items, found->n * sizeof *items);
        found->items = items;
    }
    component = &found->items[found->n++];
    component->nodes = check_alloc(tarjan->arena, n, sizeof *component->nodes);
    component->n = n;
    memcpy(component->nodes, nodes, n * sizeof *nodes);
}

static void enter(struct tarjan *tarjan, uint32_t node)
{
    struct graph_visit *visit = &tarjan->graph->visits[node];

    visit->index = visit->low = ++tarjan->visited;
    visit->edge = tarjan->graph->first[node];
    visit->stacked = true;
    tarjan->stack[tarjan->stack_n++] = node;
    tarjan->path[tarjan->path_n++] = node;
}

static void leave(struct tarjan *tarjan, uint32_t node)
{
    const struct graph_visit *visit = &tarjan->graph->visits[node];
    uint32_t end = tarjan->stack_n;

    tarjan->path_n--;
    if (tarjan->path_n > 0) {
        struct graph_visit *parent = &tarjan->graph->visits[tarjan->path[tarjan->path_n - 1]];

        parent->low = visit->low < parent->low ? visit->low : parent->low;
    }
    if (visit->low != visit->index)
        return;
    do {
        tarjan->graph->visits[tarjan->stack[--tarjan->stack_n]].stacked = false;
    } while (tarjan->stack[tarjan->stack_n] != node);
    if (end - tarjan->stack_n > 1)
        keep(tarjan, tarjan->stack + tarjan->stack_n, end - tarjan->stack_n);
}

/* Follows edges from a node that is being visited until one leads to a new node, or none is left.
 */
static void advance(struct tarjan *tarjan, uint32_t node)
{
    const struct graph *graph = tarjan->graph;
    struct graph_visit *visit = &tarjan->graph->visits[node];

    while (visit->edge < graph->first[node + 1]) {
        const struct graph_edge *edge = &graph->edges[visit->edge++];
        const struct graph_visit *to = &tarjan->graph->visits[edge->to];

        if ((tarjan->mask & 1u << edge->kind) == 0 ||
            (tarjan->zone != NULL && tarjan->zone[edge->to] != tarjan->zone[node]))
            continue;
        if (to->index == 0) {
            enter(tarjan, edge->to);
            return;
        }
        if (to->stacked && to->index < visit->low)
            visit->low = to->index;
    }
    leave(tarjan, node);
}

struct graph_components graph_components(struct graph *graph, struct tx_arena *arena,
                                         const struct graph_component *nodes, const uint32_t *zone,
                                         unsigned mask)
{
    struct tarjan tarjan = {.graph = graph, .arena = arena, .zone = zone, .mask = mask};
    uint32_t n = nodes == NULL ? graph->nodes_n : nodes->n;

    tarjan.stack = check_alloc(arena, n, sizeof *tarjan.stack);
    tarjan.path = check_alloc(arena, n, sizeof *tarjan.path);
    for (uint32_t i = 0; i < n; i++)
        graph->visits[nodes == NULL ? i : nodes->nodes[i]].index = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t node = nodes == NULL ? i : nodes->nodes[i];

        if (graph->visits[node].index == 0)
            enter(&tarjan, node);
        while (tarjan.path_n > 0)
            advance(&tarjan, tarjan.path[tarjan.path_n - 1]);
    }
    return tarjan.found;
}
