/* Timers: one for each transaction that has any. Being in doubt begins with the same interval for
 * all, so that its timers come in the order in which they are set: they wait in a queue, and nearly
 * all are cleared there. The others, and what would break that order, are in a binary heap. The id
 * breaks ties, so that the order never depends on an address. */
#include "participant/part_internal.h"

#define QUEUE_STEPS_MAX 16u /* from the end to the place of one that comes out of order */

static bool earlier(const struct part_tx *a, const struct part_tx *b)
{
    if (a->timer_us != b->timer_us)
        return a->timer_us < b->timer_us;
    return tx_id_compare(a->id, b->id) < 0;
}

static void place(struct part_core *core, size_t at, struct part_tx *tx)
{
    TX_ASSERT(at < core->heap_n);
    core->heap[at] = tx;
    tx->timer_at = at + 1;
}

static void sift_up(struct part_core *core, size_t at, struct part_tx *tx)
{
    while (at > 0 && earlier(tx, core->heap[(at - 1) / 2])) {
        place(core, at, core->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(core, at, tx);
}

static void sift_down(struct part_core *core, size_t at, struct part_tx *tx)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < core->heap_n && earlier(core->heap[child + 1], core->heap[child]))
            child++;
        if (child >= core->heap_n || earlier(tx, core->heap[child]))
            break;
        place(core, at, core->heap[child]);
        at = child;
    }
    place(core, at, tx);
}

static struct part_tx *queued(const struct part_link *link)
{
    return PART_CONTAINER(link, struct part_tx, in_timers);
}

void part_timer_queue(struct part_core *core, struct part_tx *tx, uint64_t at_us)
{
    part_timer_clear(core, tx);
    tx->timer_us = at_us;
    struct part_link *behind = &core->timers;
    unsigned steps = 0;
    while (behind->prev != &core->timers && earlier(tx, queued(behind->prev))) {
        if (++steps > QUEUE_STEPS_MAX) {
            part_timer_set(core, tx, at_us);
            return;
        }
        behind = behind->prev;
    }
    tx->timer_at = PART_TIMER_QUEUED;
    part_list_append(behind, &tx->in_timers); /* in front of that one */
}

void part_timer_set(struct part_core *core, struct part_tx *tx, uint64_t at_us)
{
    part_timer_clear(core, tx);
    if (core->heap_n == core->heap_capacity) {
        core->heap_capacity = core->heap_capacity > 0 ? core->heap_capacity * 2 : 8;
        core->heap = tx_xrealloc(core->heap, core->heap_capacity * sizeof(struct part_tx *));
    }
    tx->timer_us = at_us;
    core->heap_n++;
    sift_up(core, core->heap_n - 1, tx);
}

void part_timer_clear(struct part_core *core, struct part_tx *tx)
{
    if (tx->timer_at == 0)
        return;
    if (tx->timer_at == PART_TIMER_QUEUED) {
        part_list_remove(&tx->in_timers);
        tx->timer_at = 0;
        return;
    }
    size_t at = tx->timer_at - 1;
    TX_ASSERT(at < core->heap_n && core->heap[at] == tx);
    tx->timer_at = 0;
    struct part_tx *moved = core->heap[--core->heap_n];
    if (moved == tx)
        return;
    if (at > 0 && earlier(moved, core->heap[(at - 1) / 2]))
        sift_up(core, at, moved);
    else
        sift_down(core, at, moved);
}

struct part_tx *part_timer_first(const struct part_core *core)
{
    struct part_tx *first = core->heap_n > 0 ? core->heap[0] : NULL;
    if (core->timers.next == &core->timers)
        return first;
    struct part_tx *waits = queued(core->timers.next);
    return first == NULL || earlier(waits, first) ? waits : first;
}

uint64_t part_time_after(uint64_t now_us, uint64_t interval_us)
{
    /* The last value means "never" to the callers of part_core_deadline(). */
    return interval_us >= UINT64_MAX - now_us ? UINT64_MAX - 1 : now_us + interval_us;
}
