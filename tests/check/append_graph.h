/* A directed graph of transactions. Its first nodes are the transactions of the history; behind
 * them come helpers, which stand for many edges: an edge into a helper goes on to everything that
 * can be reached from there by way of GRAPH_ON. So "each of these before each of those" takes a
 * number of edges that is linear in the number of transactions. */
#ifndef ASSENT_TESTS_CHECK_APPEND_GRAPH_H
#define ASSENT_TESTS_CHECK_APPEND_GRAPH_H

#include "common/bytes.h"

enum graph_kind {
    GRAPH_WW, /* `to` appended behind what `from` had appended */
    GRAPH_WR, /* `to` read what `from` had appended */
    GRAPH_RW, /* `from` read a list in which the append of `to` was not yet */
    GRAPH_RT, /* `from` completed before `to` was invoked */
    GRAPH_ON, /* from a helper: the edge that led there goes on */
    GRAPH_KINDS_N
};

struct graph_edge {
    uint32_t from, to;
    enum graph_kind kind;
    uint32_t before, after; /* the appends that it rests on, by number, for the witness */
};

struct graph_visit;

struct graph {
    uint32_t txs_n, nodes_n;
    struct graph_edge *edges; /* sorted by `from` once it is finished */
    uint32_t edges_n, edges_capacity;
    uint32_t *first;            /* by node: its first edge; one more entry at the end */
    struct graph_visit *visits; /* by node: what the search for components notes */
};

void graph_init(struct graph *graph, uint32_t txs_n);
void graph_deinit(struct graph *graph);
/* A new helper. */
uint32_t graph_helper(struct graph *graph);
/* An edge from a transaction to itself says nothing and is left out. */
void graph_add(struct graph *graph, struct graph_edge edge);
/* Sorts the edges; no more can be added. */
void graph_finish(struct graph *graph);

/* Strongly connected components of more than one node (Tarjan, Depth-first search and linear graph
 * algorithms, 1972). */
struct graph_component {
    uint32_t *nodes;
    uint32_t n;
};

struct graph_components {
    struct graph_component *items;
    uint32_t n, capacity;
};

/* Looks among `nodes` alone, which all have one number in `zone` that no others have (NULL: among
 * all nodes, without zones), along edges of the kinds in `mask` (bits 1 << kind). The memory is the
 * arena's. */
struct graph_components graph_components(struct graph *graph, struct tx_arena *arena,
                                         const struct graph_component *nodes, const uint32_t *zone,
                                         unsigned mask);

#endif
