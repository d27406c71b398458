/* Treaps. */
#include "common/tree.h"

#include "common/assert.h"

#include <stddef.h>

static void update(const struct tx_tree_kind *kind, struct tx_tree_node *node)
{
    if (kind->update != NULL) {
        kind->update(node);
    }
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
        update(kind, root);
    } else {
        split(kind, root->left, pivot, before, &root->left);
        *after = root;
        update(kind, root);
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
        update(kind, before);
        return before;
    }
    after->left = merge(kind, before, after->left);
    update(kind, after);
    return after;
}

static struct tx_tree_node **side(const struct tx_tree_kind *kind, struct tx_tree_node *root,
                                  const struct tx_tree_node *node)
{
    return kind->before(node, root) ? &root->left : &root->right;
}

void tx_tree_insert(const struct tx_tree_kind *kind, struct tx_tree_node **root,
                    struct tx_tree_node *node)
{
    TX_ASSERT(*root != node);
    if (*root == NULL || kind->priority(node) > kind->priority(*root)) {
        split(kind, *root, node, &node->left, &node->right);
        *root = node;
    } else {
        tx_tree_insert(kind, side(kind, *root, node), node);
    }
    update(kind, *root);
}

void tx_tree_remove(const struct tx_tree_kind *kind, struct tx_tree_node **root,
                    struct tx_tree_node *node)
{
    TX_ASSERT(*root != NULL);
    if (*root == node) {
        *root = merge(kind, node->left, node->right);
        node->left = NULL;
        node->right = NULL;
        return;
    }
    tx_tree_remove(kind, side(kind, *root, node), node);
    update(kind, *root);
}

void tx_tree_refresh(const struct tx_tree_kind *kind, struct tx_tree_node *root,
                     struct tx_tree_node *node)
{
    TX_ASSERT(root != NULL);
    if (root != node) {
        tx_tree_refresh(kind, *side(kind, root, node), node);
    }
    update(kind, root);
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
