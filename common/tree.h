/* Ordered trees inside the things they order: treaps, whose nodes can know something about the
 * subtree below them.
 *
 * R. Seidel, C. Aragon, "Randomized search trees", 1996. The priorities are hashes of names, hence
 * the same in every run. Everything costs the logarithm of the size, as expected over the hashes.
 */
#ifndef ASSENT_COMMON_TREE_H
#define ASSENT_COMMON_TREE_H

#include <stdbool.h>
#include <stdint.h>

struct tx_tree_node {
    struct tx_tree_node *left, *right; /* all before, all after */
};

/* What the nodes of one tree are. */
struct tx_tree_kind {
    /* A strict total order. */
    bool (*before)(const struct tx_tree_node *a, const struct tx_tree_node *b);
    uint64_t (*priority)(const struct tx_tree_node *node);
    /* Brings up to date what a node knows of its subtree, from itself and what its children know;
     * returns whether that has changed, for otherwise nothing above it needs a look. NULL when it
     * knows nothing. */
    bool (*update)(struct tx_tree_node *node);
};

/* What one looks for: negative when it is before the node, 0 when it is at it, positive behind. */
typedef int tx_tree_probe(const void *sought, const struct tx_tree_node *node);

/* The node at the sought place; NULL when there is none. */
struct tx_tree_node *tx_tree_find(struct tx_tree_node *root, tx_tree_probe *probe,
                                  const void *sought);
/* The first node at or behind the sought place, the last one before it; NULL when there is none. */
struct tx_tree_node *tx_tree_at_or_after(struct tx_tree_node *root, tx_tree_probe *probe,
                                         const void *sought);
struct tx_tree_node *tx_tree_before(struct tx_tree_node *root, tx_tree_probe *probe,
                                    const void *sought);

void tx_tree_insert(const struct tx_tree_kind *kind, struct tx_tree_node **root,
                    struct tx_tree_node *node);
/* The node must be in the tree. */
void tx_tree_remove(const struct tx_tree_kind *kind, struct tx_tree_node **root,
                    struct tx_tree_node *node);
/* After a node in the tree has changed in what its ancestors know of it. */
void tx_tree_refresh(const struct tx_tree_kind *kind, struct tx_tree_node *root,
                     struct tx_tree_node *node);

#endif
