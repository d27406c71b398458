/* Ordered trees inside the things they order: treaps, whose nodes can know something about the
 * subtree below them.
 *
 * R. Seidel, C. Aragon, "Randomized search trees", 1996. The priorities are hashes of names, hence
 * the same in every run. Everything costs the logarithm of the size, as expected over the hashes. */
#ifndef ASSENT_LOCKMGR_LOCK_TREE_H
#define ASSENT_LOCKMGR_LOCK_TREE_H

#include <stdbool.h>
#include <stdint.h>

struct lock_tree_node {
    struct lock_tree_node *left, *right; /* all before, all after */
};

/* What the nodes of one tree are. */
struct lock_tree_kind {
    /* A strict total order. */
    bool (*before)(const struct lock_tree_node *a, const struct lock_tree_node *b);
    uint64_t (*priority)(const struct lock_tree_node *node);
    /* Brings up to date what a node knows of its subtree, from itself and its children. */
    void (*update)(struct lock_tree_node *node);
};

void lock_tree_insert(const struct lock_tree_kind *kind, struct lock_tree_node **root,
                      struct lock_tree_node *node);
/* The node must be in the tree. */
void lock_tree_remove(const struct lock_tree_kind *kind, struct lock_tree_node **root,
                      struct lock_tree_node *node);
/* After a node in the tree has changed in what its ancestors know of it. */
void lock_tree_refresh(const struct lock_tree_kind *kind, struct lock_tree_node *root,
                       struct lock_tree_node *node);

#endif
