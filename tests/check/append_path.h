/* The shortest cycle through a component of the graph. */
#ifndef ASSENT_TESTS_CHECK_APPEND_PATH_H
#define ASSENT_TESTS_CHECK_APPEND_PATH_H

#include "append_graph.h"

/* A cycle: its edges in order. */
struct graph_cycle {
    const struct graph_edge **edges;
    uint32_t n;
    uint32_t txs_n; /* how many transactions; 0: none was found */
};

/* The memory of the search, for one graph; the arena's. `likely` says by node whether a short cycle
 * goes through it: those are tried first, which matters in large components alone. */
struct path_search;
struct path_search *path_search_new(const struct graph *graph, struct tx_arena *arena,
                                    const bool *likely);

/* The shortest cycle within `nodes`, which all have one number in `zone` that no others have, along
 * edges of the kinds in `mask`; with `one_rw` the shortest with exactly one edge GRAPH_RW. In a
 * large component it gives up before it has tried every start, and returns the best so far. */
struct graph_cycle path_shortest_cycle(struct path_search *search,
                                       const struct graph_component *nodes, const uint32_t *zone,
                                       unsigned mask, bool one_rw);

#endif
