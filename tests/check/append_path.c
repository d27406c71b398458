/* Breadth-first search from each transaction of a component. An edge costs one step, and GRAPH_ON
 * none, since it only continues the edge that led to its helper. With one_rw every node is there
 * twice: reached without an edge GRAPH_RW, and with one. */
#include "append_path.h"

#include "id_table.h"

#include "common/assert.h"

#define NONE      UINT32_MAX
#define EDGES_MAX 8000000u /* looked at for one component */

/* A node in one of its two forms; states are numbered node * 2 + form. */
struct state {
    uint32_t run; /* the search that reached it */
    uint32_t distance;
    uint32_t parent; /* state */
    uint32_t edge;   /* from there */
};

struct queue {
    uint32_t *items;
    uint32_t n;
};

struct path_search {
    const struct graph *graph;
    struct tx_arena *arena;
    const bool *likely;
    struct state *states;
    struct queue now, next; /* states at this distance, and at the next one */
    uint32_t run;
    uint32_t edges_seen;
    /* what is looked for */
    const uint32_t *zone;
    unsigned mask;
    bool one_rw;
    uint32_t start;
};

struct path_search *path_search_new(const struct graph *graph, struct tx_arena *arena,
                                    const bool *likely)
{
    struct path_search *search = check_alloc(arena, 1, sizeof *search);
    size_t states = (size_t)graph->nodes_n * 2;

    search->graph = graph;
    search->arena = arena;
    search->likely = likely;
    search->states = check_alloc(arena, states, sizeof *search->states);
    /* A state is queued at one distance, and once more when a helper gives a shorter way to it. */
    search->now.items = check_alloc(arena, states * 2, sizeof *search->now.items);
    search->next.items = check_alloc(arena, states * 2, sizeof *search->next.items);
    return search;
}

/* Notes that the edge leads to a state at this distance, when no shorter way is known. */
static void reach(struct path_search *search, uint32_t state, uint32_t distance, uint32_t parent,
                  uint32_t edge, struct queue *queue)
{
    struct state *reached = &search->states[state];

    if (reached->run == search->run && reached->distance <= distance)
        return;
    *reached =
        (struct state){.run = search->run, .distance = distance, .parent = parent, .edge = edge};
    queue->items[queue->n++] = state;
}

/* Follows the edges of a state. Returns the edge that closes a cycle, or NONE. */
static uint32_t expand(struct path_search *search, uint32_t state, uint32_t distance)
{
    const struct graph *graph = search->graph;
    uint32_t node = state / 2;

    for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++) {
        const struct graph_edge *edge = &graph->edges[i];
        uint32_t form = state & 1;
        bool on = edge->kind == GRAPH_ON;

        search->edges_seen++;
        if ((search->mask & 1u << edge->kind) == 0 || search->zone[edge->to] != search->zone[node])
            continue;
        if (search->one_rw && edge->kind == GRAPH_RW) {
            if (form == 1)
                continue;
            form = 1;
        }
        if (edge->to == search->start && (!search->one_rw || form == 1))
            return i;
        if (edge->to != search->start)
            reach(search, edge->to * 2 + form, distance + (on ? 0 : 1), state, i,
                  on ? &search->now : &search->next);
    }
    return NONE;
}

static struct graph_cycle cycle_of(const struct path_search *search, uint32_t state, uint32_t edge)
{
    const struct graph *graph = search->graph;
    struct graph_cycle cycle = {.n = 1};
    uint32_t at = state;

    while (at / 2 != search->start) {
        at = search->states[at].parent;
        cycle.n++;
    }
    cycle.edges = check_alloc(search->arena, cycle.n, sizeof(const struct graph_edge *));
    cycle.edges[cycle.n - 1] = &graph->edges[edge];
    for (uint32_t i = cycle.n - 1; i-- > 0;) {
        cycle.edges[i] = &graph->edges[search->states[state].edge];
        state = search->states[state].parent;
    }
    for (uint32_t i = 0; i < cycle.n; i++)
        cycle.txs_n += cycle.edges[i]->kind != GRAPH_ON;
    return cycle;
}

/* The states at one distance. An edge from a helper closes a cycle that is shorter by one than an
 * edge from a transaction at the same distance does. */
static struct graph_cycle close_at(struct path_search *search, uint32_t distance, uint32_t limit)
{
    uint32_t last_edge = NONE, last_state = NONE;

    for (uint32_t i = 0; i < search->now.n; i++) {
        uint32_t state = search->now.items[i];
        uint32_t edge;

        if (search->states[state].distance != distance)
            continue; /* a shorter way was found later, and it was followed from there */
        edge = expand(search, state, distance);
        if (edge == NONE)
            continue;
        if (search->graph->edges[edge].kind == GRAPH_ON)
            return cycle_of(search, state, edge);
        last_edge = edge;
        last_state = state;
    }
    if (last_edge != NONE && distance + 1 < limit)
        return cycle_of(search, last_state, last_edge);
    return (struct graph_cycle){0};
}

/* The shortest cycle through `search->start` of fewer than `limit` transactions. */
static struct graph_cycle cycle_through(struct path_search *search, uint32_t limit)
{
    struct graph_cycle cycle = {0};

    search->run++;
    search->now.n = search->next.n = 0;
    reach(search, search->start * 2, 0, NONE, NONE, &search->now);
    for (uint32_t distance = 0; search->now.n > 0 && distance < limit; distance++) {
        struct queue done;

        cycle = close_at(search, distance, limit);
        if (cycle.n > 0)
            break;
        done = search->now;
        search->now = search->next;
        search->next = (struct queue){.items = done.items};
    }
    return cycle;
}

/* Tries the starts that are `likely`, or the others. */
static void try_starts(struct path_search *search, const struct graph_component *nodes, bool likely,
                       struct graph_cycle *best)
{
    for (uint32_t i = 0; i < nodes->n && search->edges_seen < EDGES_MAX; i++) {
        struct graph_cycle cycle;

        search->start = nodes->nodes[i];
        if (search->start >= search->graph->txs_n || search->likely[search->start] != likely)
            continue;
        cycle = cycle_through(search, best->n == 0 ? UINT32_MAX : best->txs_n);
        if (cycle.n > 0)
            *best = cycle;
        if (best->n > 0 && best->txs_n == 2)
            return; /* none is shorter */
    }
}

struct graph_cycle path_shortest_cycle(struct path_search *search,
                                       const struct graph_component *nodes, const uint32_t *zone,
                                       unsigned mask, bool one_rw)
{
    struct graph_cycle best = {0};

    search->zone = zone;
    search->mask = mask;
    search->one_rw = one_rw;
    search->edges_seen = 0;
    try_starts(search, nodes, true, &best);
    if (best.n == 0 || best.txs_n > 2)
        try_starts(search, nodes, false, &best);
    return best;
}
