/* The waiters of one resource, oldest first: a treap inside the owners, which knows for every
 * subtree what is waited for in it.
 *
 * A waiter's class is the pair (mode held there, mode wanted). Whether what others hold stands
 * against a waiter depends on its class alone, and so does what it bars to the younger ones behind
 * it. There are at most 49 classes, so a subtree's classes are the bits of one word, and a waiter
 * that may be granted is found without looking at those that may not: the cost is logarithmic in
 * the length of the queue, times the classes in it. (R. Seidel, C. Aragon, "Randomized search
 * trees", 1996; the priorities are the hashes of the transaction ids, hence the same in
 * every run.) */
#ifndef ASSENT_LOCKMGR_LOCK_QUEUE_H
#define ASSENT_LOCKMGR_LOCK_QUEUE_H

#include "common/op.h"

struct lock_owner;
struct lock_resource;

uint64_t lock_queue_class(enum tx_lock_mode held, enum tx_lock_mode target);
/* The modes wanted by the classes in `class_bits`, as a set of modes. */
unsigned lock_queue_wanted(uint64_t class_bits);

/* The owner's wait.class_bit must be set, and stay until it is removed. */
void lock_queue_insert(struct lock_owner **root, struct lock_owner *owner);
void lock_queue_remove(struct lock_owner **root, struct lock_owner *owner);

/* The classes of the waiters older than `owner`, which need not be in the queue itself. */
uint64_t lock_queue_ahead(const struct lock_owner *root, const struct lock_owner *owner);

/* The oldest waiter of a resource that nothing stands against: no hold of another owner, no waiter
 * ahead. NULL when there is none. */
struct lock_owner *lock_queue_first_free(const struct lock_resource *resource);

#endif
