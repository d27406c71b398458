/* Timers: a binary heap whose elements know their place, so that any of them can be moved or taken
 * out. */
#include "coordinator/coord_internal.h"

static bool earlier(const struct coord_timer *a, const struct coord_timer *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void place(struct coord_timers *timers, struct coord_timer *timer, size_t slot)
{
    timers->heap[slot] = timer;
    timer->slot = slot;
}

static void sift_up(struct coord_timers *timers, struct coord_timer *timer, size_t slot)
{
    while (slot > 1 && earlier(timer, timers->heap[slot / 2])) {
        place(timers, timers->heap[slot / 2], slot);
        slot /= 2;
    }
    place(timers, timer, slot);
}

static void sift_down(struct coord_timers *timers, struct coord_timer *timer, size_t slot)
{
    for (;;) {
        size_t child = slot * 2;
        if (child > timers->n) {
            break;
        }
        if (child < timers->n && earlier(timers->heap[child + 1], timers->heap[child])) {
            child++;
        }
        if (!earlier(timers->heap[child], timer)) {
            break;
        }
        place(timers, timers->heap[child], slot);
        slot = child;
    }
    place(timers, timer, slot);
}

void coord_timer_disarm(struct coord_timers *timers, struct coord_timer *timer)
{
    size_t slot = timer->slot;
    if (slot == 0) {
        return;
    }
    TX_ASSERT(timers->heap[slot] == timer);
    timer->slot = 0;
    struct coord_timer *moved = timers->heap[timers->n--];
    if (moved != timer) {
        sift_down(timers, moved, slot);
        sift_up(timers, moved, moved->slot);
    }
}

void coord_timer_arm(struct coord_timers *timers, struct coord_timer *timer, uint64_t at)
{
    coord_timer_disarm(timers, timer);
    if (timers->n + 1 >= timers->capacity) {
        timers->capacity = timers->capacity > 0 ? timers->capacity * 2 : 64;
        timers->heap = tx_xrealloc(timers->heap, timers->capacity * sizeof(struct coord_timer *));
    }
    timer->at = at;
    timer->order = ++timers->armed;
    sift_up(timers, timer, ++timers->n);
    TX_ASSERT(timer->slot > 0);
}

struct coord_timer *coord_timer_first(const struct coord_timers *timers)
{
    return timers->n > 0 ? timers->heap[1] : NULL;
}
