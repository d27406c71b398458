/* Treaps. */
#include "common/tree.h"

#include "common/assert.h"

#include <stddef.h>

static bool update(const struct tx_tree_kind *kind, struct tx_tree_node *node)
{
    return kind->update != NULL && kind->update(node);
}

/* Parts a tree into those before the pivot and those after. */
static void split(const struct tx_tree_kind *kind, struct tx_tree_node *root,
                  const struct tx_tree_node *pivot, struct tx_tree_node **before,
                  struct tx_tree_node **after)
{
    if (root == NULL) {
        *before = NULL;
        *after = NULL;
    } else if (kind->before(root, pivot)) {
        split(kind, root->right, pivot, &root->right, after);
        *before = root;
        (void)update(kind, root);
    } else {
        split(kind, root->left, pivot, before, &root->left);
        *after = root;
        (void)update(kind, root);
    }
}

static struct tx_tree_node *merge(const struct tx_tree_kind *kind, struct tx_tree_node *before,
                                  struct tx_tree_node *after)
{
    if (before == NULL || after == NULL) {
        return before != NULL ? before : after;
    }
    if (kind->priority(before) > kind->priority(after)) {
        before->right = merge(kind, before->right, after);
        (void)update(kind, before);
        return before;
    }
    after->left = merge(kind, before, after->left);
    (void)update(kind, after);
    return after;
}

static struct tx_tree_node **side(const struct tx_tree_kind *kind, struct tx_tree_node *root,
                                  const struct tx_tree_node *node)
{
    return kind->before(node, root) ? &root->left : &root->right;
}

/* These three return whether what the root knows of its subtree may have changed: from there on up
 * nothing else does. */

static bool insert(const struct tx_tree_kind *kind, struct tx_tree_node **root,
                   struct tx_tree_node *node)
{
    TX_ASSERT(*root != node);
    if (*root == NULL || kind->priority(node) > kind->priority(*root)) {
        split(kind, *root, node, &node->left, &node->right);
        *root = node;
        (void)update(kind, node);
        return true;
    }
    return insert(kind, side(kind, *root, node), node) && update(kind, *root);
}

static bool take_out(const struct tx_tree_kind *kind, struct tx_tree_node **root,
                     struct tx_tree_node *node)
{
    TX_ASSERT(*root != NULL);
    if (*root == node) {
        *root = merge(kind, node->left, node->right);
        node->left = NULL;
        node->right = NULL;
        return true;
    }
    return take_out(kind, side(kind, *root, node), node) && update(kind, *root);
}

static bool refresh(const struct tx_tree_kind *kind, struct tx_tree_node *root,
                    struct tx_tree_node *node)
{
    TX_ASSERT(root != NULL);
    return (root == node || refresh(kind, *side(kind, root, node), node)) && update(kind, root);
}

void tx_tree_insert(const struct tx_tree_kind *kind, struct tx_tree_node **root,
                    struct tx_tree_node *node)
{
    (void)insert(kind, root, node);
}

void tx_tree_remove(const struct tx_tree_kind *kind, struct tx_tree_node **root,
                    struct tx_tree_node *node)
{
    (void)take_out(kind, root, node);
}

void tx_tree_refresh(const struct tx_tree_kind *kind, struct tx_tree_node *root,
                     struct tx_tree_node *node)
{
    (void)refresh(kind, root, node);
}

struct tx_tree_node *tx_tree_find(struct tx_tree_node *root, tx_tree_probe *probe,
                                  const void *sought)
{
    while (root != NULL) {
        int order = probe(sought, root);
        if (order == 0) {
            return root;
        }
        root = order < 0 ? root->left : root->right;
    }
    return NULL;
}

struct tx_tree_node *tx_tree_at_or_after(struct tx_tree_node *root, tx_tree_probe *probe,
                                         const void *sought)
{
    struct tx_tree_node *found = NULL;
    while (root != NULL) {
        if (probe(sought, root) <= 0) {
            found = root;
            root = root->left;
        } else {
            root = root->right;
        }
    }
    return found;
}

struct tx_tree_node *tx_tree_before(struct tx_tree_node *root, tx_tree_probe *probe,
                                    const void *sought)
{
    struct tx_tree_node *found = NULL;
    while (root != NULL) {
        if (probe(sought, root) > 0) {
            found = root;
            root = root->right;
        } else {
            root = root->left;
        }
    }
    return found;
}
