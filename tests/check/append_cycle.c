/* Cycles, by the kinds of their edges: the gravest that a component holds is reported, with the
 * shortest witness. */
#include "append.h"

#include "append_path.h"
#include "id_table.h"
#include "witness.h"

#define BIT(kind) (1u << (kind))
#define WRITES    (BIT(GRAPH_WW) | BIT(GRAPH_ON))
#define READS     (WRITES | BIT(GRAPH_WR))
#define ALL       (READS | BIT(GRAPH_RW))
#define TIME      BIT(GRAPH_RT)

/* The gravest first: each has no cycle of those before it. */
static const struct level {
    const char *name, *head; /* of the witness */
    unsigned mask;
    bool one_rw;
} levels[] = {
    {"G0", "", WRITES, false},
    {"G1c", "", READS, false},
    {"G-single", "", ALL, true},
    {"G2-item", "", ALL, false},
    {"real-time", "real-time (G0), ", WRITES | TIME, false},
    {"real-time", "real-time (G1c), ", READS | TIME, false},
    {"real-time", "real-time (G-single), ", ALL | TIME, true},
    {"real-time", "real-time (G2-item), ", ALL | TIME, false},
};

struct knots {
    struct append_books *books;
    struct path_search *search;
    uint32_t *zone; /* by node: which component is looked at */
    uint32_t zones;
};

/* ---- the witness ---- */

static const struct append *append_of(const struct append_books *books, uint32_t number)
{
    TX_ASSERT(number < books->appends_n);
    return &books->appends[number];
}

/* One step: an edge, with the edges from helpers that continue it. */
static void add_step(struct witness *witness, const struct append_books *books,
                     const struct graph_edge *first, const struct graph_edge *last)
{
    const struct history *history = books->history;
    const struct history_tx *from = &history->txs[first->from], *to = &history->txs[last->to];
    char one[WITNESS_NAME], two[WITNESS_NAME];
    const struct append *before, *after;

    (void)witness_name(from, one);
    (void)witness_name(to, two);
    switch (first->kind) {
    case GRAPH_WW:
        before = append_of(books, first->before);
        after = append_of(books, last->after);
        witness_add(witness,
                    "\n  %s -ww-> %s: %s appended %lld, and %s appended %lld behind it, to %s", one,
                    two, one, (long long)before->element, two, (long long)after->element,
                    history_text(history, before->key));
        return;
    case GRAPH_WR:
        before = append_of(books, first->before);
        witness_add(witness, "\n  %s -wr-> %s: %s appended %lld to %s, and %s read it", one, two,
                    one, (long long)before->element, history_text(history, before->key), two);
        return;
    case GRAPH_RW:
        after = append_of(books, last->after);
        witness_add(witness, "\n  %s -rw-> %s: %s read %s without %lld, which %s appended", one,
                    two, one, history_text(history, after->key), (long long)after->element, two);
        return;
    case GRAPH_RT:
        witness_add(witness, "\n  %s -rt-> %s: %s completed at %llu, and %s was invoked at %llu",
                    one, two, one, (unsigned long long)from->completed_ns, two,
                    (unsigned long long)to->invoked_ns);
        return;
    case GRAPH_ON:
    case GRAPH_KINDS_N:
        break;
    }
    TX_ASSERT(first->kind < GRAPH_ON); /* a step begins at a transaction */
}

static void add_cycle(struct witness *witness, const struct append_books *books,
                      const struct graph_cycle *cycle)
{
    witness_add(witness, "a cycle of %u transactions:", cycle->txs_n);
    for (uint32_t i = 0; i < cycle->n;) {
        uint32_t last = i;

        while (last + 1 < cycle->n && cycle->edges[last + 1]->kind == GRAPH_ON)
            last++;
        add_step(witness, books, cycle->edges[i], cycle->edges[last]);
        i = last + 1;
    }
}

/* A long cycle is hard to read; where real time makes a shorter one, that is shown as well. */
static void report_cycle(struct knots *knots, const struct level *level,
                         const struct graph_component *component, const struct graph_cycle *cycle)
{
    struct append_books *books = knots->books;
    struct witness witness = {0};

    witness_add(&witness, "%s", level->head);
    add_cycle(&witness, books, cycle);
    if (cycle->txs_n > 2 && (level->mask & TIME) == 0) {
        struct graph_cycle shorter =
            path_shortest_cycle(knots->search, component, knots->zone, ALL | TIME, false);

        if (shorter.n > 0 && shorter.txs_n < cycle->txs_n) {
            witness_add(&witness, "\n  in real time, ");
            add_cycle(&witness, books, &shorter);
        }
    }
    check_found(books->report, level->name, "%s", witness.text);
}

/* ---- the search ---- */

static void mark(struct knots *knots, const struct graph_component *component, uint32_t zone)
{
    for (uint32_t i = 0; i < component->n; i++)
        knots->zone[component->nodes[i]] = zone;
}

/* A lost update is a cycle of two reads that missed something, and reported already. */
static bool known(const struct knots *knots, const struct level *level,
                  const struct graph_component *component)
{
    if ((level->mask & BIT(GRAPH_RW)) == 0)
        return false;
    for (uint32_t i = 0; i < component->n; i++)
        if (component->nodes[i] < knots->books->graph.txs_n &&
            knots->books->lost_update[component->nodes[i]])
            return true;
    return false;
}

/* Looks for cycles of this level in a component; false when there is none. */
static bool check_level(struct knots *knots, const struct graph_component *component,
                        const struct level *level)
{
    struct append_books *books = knots->books;
    uint32_t zone = knots->zone[component->nodes[0]];
    struct graph_components inner =
        graph_components(&books->graph, &books->arena, component, knots->zone, level->mask);
    bool found = false;

    for (uint32_t i = 0; i < inner.n; i++) {
        struct graph_cycle cycle;

        if (known(knots, level, &inner.items[i])) {
            found = true;
            continue;
        }
        mark(knots, &inner.items[i], ++knots->zones);
        cycle = path_shortest_cycle(knots->search, &inner.items[i], knots->zone, level->mask,
                                    level->one_rw);
        mark(knots, &inner.items[i], zone);
        if (cycle.n > 0)
            report_cycle(knots, level, component, &cycle);
        found |= cycle.n > 0;
    }
    return found;
}

/* A transaction that depends on being in front of one which completed before it was invoked: real
 * time closes a cycle of these two. */
static const bool *find_likely(struct append_books *books)
{
    const struct graph *graph = &books->graph;
    const struct history_tx *txs = books->history->txs;
    bool *likely = check_alloc(&books->arena, graph->nodes_n, sizeof *likely);

    for (uint32_t i = 0; i < graph->edges_n; i++) {
        const struct graph_edge *edge = &graph->edges[i];

        if (edge->from < graph->txs_n && edge->to < graph->txs_n &&
            append_precedes(&txs[edge->to], &txs[edge->from]))
            likely[edge->from] = true;
    }
    return likely;
}

void append_cycles(struct append_books *books)
{
    struct knots knots = {.books = books};
    struct graph_components components =
        graph_components(&books->graph, &books->arena, NULL, NULL, ALL | TIME);

    if (components.n == 0)
        return;
    knots.search = path_search_new(&books->graph, &books->arena, find_likely(books));
    knots.zone = check_alloc(&books->arena, books->graph.nodes_n, sizeof *knots.zone);
    for (uint32_t i = 0; i < components.n; i++) {
        size_t level = 0;

        mark(&knots, &components.items[i], ++knots.zones);
        while (level < sizeof levels / sizeof levels[0] &&
               !check_level(&knots, &components.items[i], &levels[level]))
            level++;
        TX_ASSERT(level < sizeof levels / sizeof levels[0]);
    }
}
