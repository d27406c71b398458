/* The lock table in pieces, for people: what an owner holds, from a place on, and who is in the way
 * of a waiter. Both count what they look at, so that one who answers others meanwhile can stop in
 * time: a `looks` is a number of locks and waiters that may still be looked at, and is counted
 * down, to 0 at most. */
#ifndef ASSENT_LOCKMGR_LOCK_LIST_H
#define ASSENT_LOCKMGR_LOCK_LIST_H

#include "lockmgr/lockmgr.h"

/* A place between two locks of one owner, in the order of lockmgr_each_held(); all zero is the one
 * before the first. */
struct lock_place {
    uint64_t passed;       /* locks that were passed on the way here */
    struct lock_name last; /* the last of them */
    uint64_t skip;         /* locks to be passed unseen */
};

/* Calls `visit` for the locks that the owner holds behind the place, until it returns false (then
 * that lock is not passed) or `looks` is 0. True when the end has been reached. The place moves
 * along; the name in it is then borrowed until the next change of the table.
 *
 * A lock that is held all the time between two calls comes once. When the last lock that was passed
 * has been released meanwhile, the way to the place is counted from the beginning, over what is
 * still held: then a lock may be missed for every other one that was passed and released. Each call
 * with a `looks` above 0 passes a lock, reaches the end, or is stopped by `visit`. */
bool lockmgr_list_held(const struct lockmgr *mgr, const struct lock_owner *owner,
                       struct lock_place *place, size_t *looks,
                       bool (*visit)(void *arg, struct lock_name name, enum tx_lock_mode mode),
                       void *arg) TX_MUST_CHECK;

/* What an owner waits for; the name is borrowed until the next change of the table. */
struct lock_wanted {
    struct lock_name name;
    enum tx_lock_mode mode; /* what it would hold then */
    uint64_t since_us;
};
/* False when it waits for nothing. */
bool lockmgr_list_wanted(const struct lock_owner *owner, struct lock_wanted *wanted);

/* Somebody in the way of a waiter. */
struct lock_in_way {
    struct tx_id tx;
    enum tx_lock_mode mode;
    bool waits; /* it waits for the mode, ahead; else it holds it */
    bool range; /* of keys, one of them the waiter's */
};

/* Fills `out` with whom the owner waits for, each once, those that hold before those that wait, at
 * most `out_max` of them, and gives their number: 0 when it waits for nothing. `more`: there may be
 * others. `looks` may be 0 or too small: the first one is found all the same. */
size_t lockmgr_list_in_way(const struct lock_owner *waiter, struct lock_in_way *out, size_t out_max,
                           bool *more, size_t *looks);

#endif
