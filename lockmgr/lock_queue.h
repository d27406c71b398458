/* The waiters of one resource in the order of lock_owner_before(): a tree inside the owners, which
 * knows for every subtree what is waited for in it.
 *
 * A waiter's class is the pair (mode held there, mode wanted). Whether what others hold stands
 * against a waiter depends on its class alone, and so does what it bars to those behind it. There
 * are at most 49 classes, so a subtree's classes are the bits of one word, and a waiter that may be
 * granted is found without looking at those that may not: the cost is logarithmic in the length of
 * the queue, times the classes in it. What ranges bar to a writer does not depend on its class
 * alone, but writers bar one another: behind one that ranges stand against, no other of its class
 * is free. */
#ifndef ASSENT_LOCKMGR_LOCK_QUEUE_H
#define ASSENT_LOCKMGR_LOCK_QUEUE_H

#include "lockmgr/lock_internal.h"

uint64_t lock_queue_class(enum tx_lock_mode held, enum tx_lock_mode target);
/* The modes wanted by the classes in `class_bits`, as a set of modes. */
unsigned lock_queue_wanted(uint64_t class_bits);
/* The modes wanted by all waiters of a queue. */
unsigned lock_queue_wanted_in(const struct tx_tree_node *root);

/* The owner's wait.class_bit must be set, and stay until it is removed. */
void lock_queue_insert(struct tx_tree_node **root, struct lock_owner *owner);
void lock_queue_remove(struct tx_tree_node **root, struct lock_owner *owner);
/* The waiter at a node of the tree; NULL for NULL. */
struct lock_owner *lock_queue_owner(const struct tx_tree_node *node);

/* The classes of the waiters before `owner`, which need not be in the queue itself, and of those
 * after it. */
uint64_t lock_queue_ahead(const struct tx_tree_node *root, const struct lock_owner *owner);
uint64_t lock_queue_behind(const struct tx_tree_node *root, const struct lock_owner *owner);

/* The first waiter of a resource that nothing stands against: no hold of another owner, no range,
 * no waiter ahead. NULL when there is none. */
struct lock_owner *lock_queue_first_free(const struct lock_resource *resource);

#endif
