/* The deadlines of the waiting requests: a binary heap, so that the next one is at hand and any one
 * can be taken out. Equal deadlines go by age. */
#ifndef ASSENT_LOCKMGR_LOCK_DEADLINES_H
#define ASSENT_LOCKMGR_LOCK_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>

struct lock_owner;

struct lock_deadlines {
    struct lock_owner *
        *owners; /* the parent of i is (i - 1) / 2; owner->request.deadline_at is i */
    size_t n;
    size_t capacity;
};

/* Must be empty. */
void lock_deadlines_deinit(struct lock_deadlines *heap);

/* By owner->request.deadline_us, which stays as it is until the owner is removed. */
void lock_deadlines_add(struct lock_deadlines *heap, struct lock_owner *owner);
void lock_deadlines_remove(struct lock_deadlines *heap, struct lock_owner *owner);
/* The owner whose request ends first; NULL when none waits. */
struct lock_owner *lock_deadlines_first(const struct lock_deadlines *heap);
/* Does `a` come before `b`? */
bool lock_deadlines_before(const struct lock_owner *a, const struct lock_owner *b);

#endif
