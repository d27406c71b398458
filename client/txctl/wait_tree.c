#include "client/txctl/wait_tree.h"

#include "client/txctl/lock_text.h"
#include "common/array.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_SHOWN  24u /* deeper ones stand no further to the right */
#define OTHERS_SHOWN 3u

struct wait {
    const char *participant;
    const txclient_lock_row *row;
    size_t node;  /* of the waiter */
    size_t below; /* the node that it is drawn below */
};

/* A transaction. */
struct node {
    const char *tx;
    const char *state;
    uint64_t age_ms;
    size_t waits_n;  /* of its own */
    size_t longest;  /* ms that somebody has waited for it */
    size_t begin, n; /* the waits below it */
    bool drawn;
};

struct wait_tree {
    struct wait *waits;
    size_t n, capacity;
    struct node *nodes; /* by id, as text */
    size_t nodes_n;
    size_t *order; /* of nodes that nothing is above: the longest wait first */
};

struct wait_tree *wait_tree_new(void)
{
    return calloc(1, sizeof(struct wait_tree));
}

void wait_tree_destroy(struct wait_tree **tree)
{
    if (*tree != NULL) {
        free((*tree)->waits);
        free((*tree)->nodes);
        free((*tree)->order);
        free(*tree);
        *tree = NULL;
    }
}

bool wait_tree_add(struct wait_tree *tree, const char *participant, const txclient_lock_row *row)
{
    if (!row->waiting || row->blockers_n == 0) {
        return true;
    }
    struct wait *waits = tx_array_room(tree->waits, tree->n, &tree->capacity, sizeof *waits, 64);
    if (waits == NULL) {
        return false;
    }
    tree->waits = waits;
    tree->waits[tree->n++] = (struct wait){.participant = participant, .row = row};
    return true;
}

/* ---- the graph ---- */

static int by_tx(const void *a, const void *b)
{
    const struct node *left = a;
    const struct node *right = b;
    return strcmp(left->tx, right->tx);
}

static struct node *node_of(const struct wait_tree *tree, const char *tx)
{
    const struct node sought = {.tx = tx};
    return bsearch(&sought, tree->nodes, tree->nodes_n, sizeof *tree->nodes, by_tx);
}

/* Of what two participants say of a transaction: the older news. */
static bool tells_more(const struct node *node, const struct node *than)
{
    return node->age_ms != than->age_ms ? node->age_ms > than->age_ms
                                        : strcmp(node->state, than->state) > 0;
}

/* Every transaction that is spoken of, once. */
static bool collect_nodes(struct wait_tree *tree)
{
    size_t n = 0;
    for (size_t i = 0; i < tree->n; i++) {
        n += 1 + tree->waits[i].row->blockers_n;
    }
    free(tree->nodes);
    free(tree->order);
    tree->nodes = calloc(n + 1, sizeof *tree->nodes);
    tree->order = calloc(n + 1, sizeof *tree->order);
    if (tree->nodes == NULL || tree->order == NULL) {
        return false;
    }
    n = 0;
    for (size_t i = 0; i < tree->n; i++) {
        const txclient_lock_row *row = tree->waits[i].row;
        tree->nodes[n++] = (struct node){.tx = row->tx, .state = row->state, .age_ms = row->age_ms};
        for (size_t j = 0; j < row->blockers_n; j++) {
            const txclient_lock_blocker *by = &row->blockers[j];
            tree->nodes[n++] =
                (struct node){.tx = by->tx, .state = by->state, .age_ms = by->age_ms};
        }
    }
    qsort(tree->nodes, n, sizeof *tree->nodes, by_tx);
    tree->nodes_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct node *last = tree->nodes_n > 0 ? &tree->nodes[tree->nodes_n - 1] : NULL;
        if (last == NULL || strcmp(last->tx, tree->nodes[i].tx) != 0) {
            tree->nodes[tree->nodes_n++] = tree->nodes[i];
        } else if (tells_more(&tree->nodes[i], last)) {
            last->state = tree->nodes[i].state;
            last->age_ms = tree->nodes[i].age_ms;
        }
    }
    return true;
}

/* By the node above, then the longest wait first; the rest keeps the order total. */
static int by_place(const void *a, const void *b)
{
    const struct wait *left = a;
    const struct wait *right = b;
    if (left->below != right->below) {
        return left->below < right->below ? -1 : 1;
    }
    if (left->row->waited_ms != right->row->waited_ms) {
        return left->row->waited_ms > right->row->waited_ms ? -1 : 1;
    }
    int order = strcmp(left->row->tx, right->row->tx);
    return order != 0 ? order : strcmp(left->participant, right->participant);
}

static void link_waits(struct wait_tree *tree)
{
    for (size_t i = 0; i < tree->n; i++) {
        struct wait *wait = &tree->waits[i];
        wait->node = (size_t)(node_of(tree, wait->row->tx) - tree->nodes);
        wait->below = (size_t)(node_of(tree, wait->row->blockers[0].tx) - tree->nodes);
        tree->nodes[wait->node].waits_n++;
    }
    if (tree->n > 0) {
        qsort(tree->waits, tree->n, sizeof *tree->waits, by_place);
    }
    for (size_t i = 0; i < tree->n; i++) {
        struct node *above = &tree->nodes[tree->waits[i].below];
        if (above->n == 0) {
            above->begin = i;
            above->longest = tree->waits[i].row->waited_ms;
        }
        above->n++;
    }
}

struct rank {
    size_t node, longest;
};

static int by_longest(const void *a, const void *b)
{
    const struct rank *left = a;
    const struct rank *right = b;
    if (left->longest != right->longest) {
        return left->longest > right->longest ? -1 : 1;
    }
    return left->node < right->node ? -1 : 1;
}

static bool sort_nodes(struct wait_tree *tree)
{
    struct rank *ranks = calloc(tree->nodes_n + 1, sizeof *ranks);
    if (ranks == NULL) {
        return false;
    }
    for (size_t i = 0; i < tree->nodes_n; i++) {
        ranks[i] = (struct rank){i, tree->nodes[i].longest};
    }
    if (tree->nodes_n > 0) {
        qsort(ranks, tree->nodes_n, sizeof *ranks, by_longest);
    }
    for (size_t i = 0; i < tree->nodes_n; i++) {
        tree->order[i] = ranks[i].node;
    }
    free(ranks);
    return true;
}

static bool build(struct wait_tree *tree)
{
    if (!collect_nodes(tree)) {
        return false;
    }
    link_waits(tree);
    return sort_nodes(tree);
}

/* ---- drawing ---- */

/* A node on the way from the root down, and how many of its waits are drawn. */
struct level {
    size_t node;
    size_t drawn_n;
};

static void draw_root(const struct node *node, bool circle, FILE *out)
{
    char open[LOCK_MS_TEXT];
    (void)fprintf(out, "%s  %s for %s", node->tx, node->state, lock_ms_text(node->age_ms, open));
    (void)fputs(
        circle ? "; in a circle, which the participants have not shown at one time\n" : "\n", out);
}

static void draw_indent(const struct wait_tree *tree, const struct level *levels, size_t depth,
                        FILE *out)
{
    for (size_t i = 0; i < depth && i < DEPTH_SHOWN; i++) {
        const bool last = levels[i].drawn_n == tree->nodes[levels[i].node].n;
        const bool own = i + 1 == depth || i + 1 == DEPTH_SHOWN;
        (void)fputs(own ? (last ? "`- " : "|- ") : (last ? "   " : "|  "), out);
    }
    if (depth > DEPTH_SHOWN) {
        (void)fprintf(out, "(%zu deep) ", depth);
    }
}

static void draw_blockers(const txclient_lock_row *row, FILE *out)
{
    const txclient_lock_blocker *first = &row->blockers[0];
    (void)fprintf(out, first->waits ? " (behind %s%s)" : " (it holds %s%s)",
                  lock_mode_text(first->mode), first->range ? " on a range" : "");
    for (size_t i = 1; i < row->blockers_n && i <= OTHERS_SHOWN; i++) {
        (void)fprintf(out, "%s%s", i == 1 ? ", also for " : ", ", row->blockers[i].tx);
    }
    if (row->blockers_n > OTHERS_SHOWN + 1 || row->blockers_more) {
        (void)fputs(row->blockers_n > 1 ? " and more" : ", and for others", out);
    }
}

static void draw_wait(const struct wait *wait, bool again, FILE *out)
{
    const txclient_lock_row *row = wait->row;
    char place[LOCK_PLACE_TEXT];
    char waited[LOCK_MS_TEXT];
    (void)fprintf(out, "%s  waits %s at %s for %s on %s", row->tx,
                  lock_ms_text(row->waited_ms, waited), wait->participant,
                  lock_mode_text(row->mode), lock_place_text(row, place));
    draw_blockers(row, out);
    (void)fputs(again ? " ... (its waiters stand elsewhere)\n" : "\n", out);
}

/* All below a node. A node is entered once, so `levels` needs no more than there are nodes. */
static void draw_below(struct wait_tree *tree, size_t root, struct level *levels, FILE *out)
{
    size_t depth = 1;
    levels[0] = (struct level){root, 0};
    tree->nodes[root].drawn = true;
    while (depth > 0) {
        struct level *level = &levels[depth - 1];
        const struct node *node = &tree->nodes[level->node];
        if (level->drawn_n == node->n) {
            depth--;
            continue;
        }
        const struct wait *wait = &tree->waits[node->begin + level->drawn_n++];
        struct node *waiter = &tree->nodes[wait->node];
        draw_indent(tree, levels, depth, out);
        draw_wait(wait, waiter->drawn && waiter->n > 0, out);
        if (!waiter->drawn) {
            waiter->drawn = true;
            levels[depth++] = (struct level){wait->node, 0};
        }
    }
}

bool wait_tree_draw(struct wait_tree *tree, FILE *out)
{
    if (!build(tree)) {
        return false;
    }
    struct level *levels = calloc(tree->nodes_n + 1, sizeof *levels);
    if (levels == NULL) {
        return false;
    }
    /* First the roots; whoever has waiters and is not drawn then has a circle above it. */
    for (int circles = 0; circles < 2; circles++) {
        for (size_t i = 0; i < tree->nodes_n; i++) {
            const struct node *node = &tree->nodes[tree->order[i]];
            if (!node->drawn && node->n > 0 && (circles == 1 || node->waits_n == 0)) {
                draw_root(node, circles == 1, out);
                draw_below(tree, tree->order[i], levels, out);
            }
        }
    }
    free(levels);
    return true;
}

bool wait_tree_each_root(struct wait_tree *tree, void (*visit)(void *arg, const char *tx),
                         void *arg)
{
    if (!build(tree)) {
        return false;
    }
    for (size_t i = 0; i < tree->nodes_n; i++) {
        const struct node *node = &tree->nodes[tree->order[i]];
        if (node->waits_n == 0) {
            visit(arg, node->tx);
        }
    }
    return true;
}
