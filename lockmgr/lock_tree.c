/* Treaps. */
#include "lockmgr/lock_tree.h"

#include "common/assert.h"

#include <stddef.h>

/* Parts a tree into those before the pivot and those after. */
static void split(const struct lock_tree_kind *kind, struct lock_tree_node *root,
                  const struct lock_tree_node *pivot, struct lock_tree_node **before,
                  struct lock_tree_node **after)
{
    if (root == NULL) {
        *before = NULL;
        *after = NULL;
    } else if (kind->before(root, pivot)) {
        split(kind, root->right, pivot, &root->right, after);
        *before = root;
        kind->update(root);
    } else {
        split(kind, root->left, pivot, before, &root->left);
        *after = root;
        kind->update(root);
    }
}

static struct lock_tree_node *merge(const struct lock_tree_kind *kind,
                                    struct lock_tree_node *before, struct lock_tree_node *after)
{
    if (before == NULL || after == NULL) {
        return before != NULL ? before : after;
    }
    if (kind->priority(before) > kind->priority(after)) {
        before->right = merge(kind, before->right, after);
        kind->update(before);
        return before;
    }
    after->left = merge(kind, before, after->left);
    kind->update(after);
    return after;
}

static struct lock_tree_node **side(const struct lock_tree_kind *kind, struct lock_tree_node *root,
                                    const struct lock_tree_node *node)
{
    return kind->before(node, root) ? &root->left : &root->right;
}

void lock_tree_insert(const struct lock_tree_kind *kind, struct lock_tree_node **root,
                      struct lock_tree_node *node)
{
    TX_ASSERT(*root != node);
    if (*root == NULL || kind->priority(node) > kind->priority(*root)) {
        split(kind, *root, node, &node->left, &node->right);
        *root = node;
    } else {
        lock_tree_insert(kind, side(kind, *root, node), node);
    }
    kind->update(*root);
}

void lock_tree_remove(const struct lock_tree_kind *kind, struct lock_tree_node **root,
                      struct lock_tree_node *node)
{
    TX_ASSERT(*root != NULL);
    if (*root == node) {
        *root = merge(kind, node->left, node->right);
        node->left = NULL;
        node->right = NULL;
        return;
    }
    lock_tree_remove(kind, side(kind, *root, node), node);
    kind->update(*root);
}

void lock_tree_refresh(const struct lock_tree_kind *kind, struct lock_tree_node *root,
                       struct lock_tree_node *node)
{
    TX_ASSERT(root != NULL);
    if (root != node) {
        lock_tree_refresh(kind, *side(kind, root, node), node);
    }
    kind->update(root);
}
