/* Who waits for whom, over several participants, drawn as trees.
 *
 * A root blocks others and waits for nobody. Below a transaction stand those that wait for it, the
 * longest wait first; one that waits at one participant and blocks at another has its own waiters
 * below it. A wait with several blockers stands once, below the first (one that holds, if any
 * does), and names the others. The participants are asked one after the other, so that a circle can
 * seem to be there which never was at any one time: it is cut, and said to be one. */
#ifndef ASSENT_CLIENT_WAIT_TREE_H
#define ASSENT_CLIENT_WAIT_TREE_H

#include "client/txclient.h"

#include <stdio.h>

struct wait_tree;

/* NULL when there is no memory. */
struct wait_tree *wait_tree_new(void);
void wait_tree_destroy(struct wait_tree **tree);
/* Adds a row that waits; others are left out. The row and the name are borrowed until the tree is
 * destroyed. False when there is no memory. */
bool wait_tree_add(struct wait_tree *tree, const char *participant, const txclient_lock_row *row);

/* Draws all trees; false when there is no memory. */
bool wait_tree_draw(struct wait_tree *tree, FILE *out);
/* Calls `visit` for every transaction that others wait for and that waits for nobody, as far as
 * the rows say; false when there is no memory. */
bool wait_tree_each_root(struct wait_tree *tree, void (*visit)(void *arg, const char *tx),
                         void *arg);

#endif
