/* The deadlines of the waiting requests: a binary heap. */
#include "lockmgr/lock_deadlines.h"

#include "common/assert.h"
#include "lockmgr/lock_internal.h"

#include <stdlib.h>

void lock_deadlines_deinit(struct lock_deadlines *heap)
{
    TX_ASSERT(heap->n == 0);
    free(heap->owners);
    *heap = (struct lock_deadlines){0};
}

bool lock_deadlines_before(const struct lock_owner *a, const struct lock_owner *b)
{
    if (a->request.deadline_us != b->request.deadline_us) {
        return a->request.deadline_us < b->request.deadline_us;
    }
    return lock_owner_older(a, b);
}

static void place(struct lock_deadlines *heap, size_t at, struct lock_owner *owner)
{
    heap->owners[at] = owner;
    owner->request.deadline_at = at;
}

static void sift_up(struct lock_deadlines *heap, size_t at, struct lock_owner *owner)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!lock_deadlines_before(owner, heap->owners[parent])) {
            break;
        }
        place(heap, at, heap->owners[parent]);
        at = parent;
    }
    place(heap, at, owner);
}

static void sift_down(struct lock_deadlines *heap, size_t at, struct lock_owner *owner)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->n) {
            break;
        }
        if (child + 1 < heap->n &&
            lock_deadlines_before(heap->owners[child + 1], heap->owners[child])) {
            child++;
        }
        if (!lock_deadlines_before(heap->owners[child], owner)) {
            break;
        }
        place(heap, at, heap->owners[child]);
        at = child;
    }
    place(heap, at, owner);
}

void lock_deadlines_add(struct lock_deadlines *heap, struct lock_owner *owner)
{
    if (heap->n == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? 16 : 2 * heap->capacity;
        heap->owners = tx_xrealloc(heap->owners, heap->capacity * sizeof(struct lock_owner *));
    }
    heap->n++;
    sift_up(heap, heap->n - 1, owner);
}

void lock_deadlines_remove(struct lock_deadlines *heap, struct lock_owner *owner)
{
    size_t at = owner->request.deadline_at;
    TX_ASSERT(at < heap->n && heap->owners[at] == owner);
    heap->n--;
    struct lock_owner *moved = heap->owners[heap->n];
    if (moved == owner) {
        return;
    }
    if (at > 0 && lock_deadlines_before(moved, heap->owners[(at - 1) / 2])) {
        sift_up(heap, at, moved);
    } else {
        sift_down(heap, at, moved);
    }
}

struct lock_owner *lock_deadlines_first(const struct lock_deadlines *heap)
{
    return heap->n == 0 ? NULL : heap->owners[0];
}
