#include "timeline.h"

#include "common/assert.h"

#include <stdlib.h>

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sim_timeline_add(struct sim_timeline *timeline, struct sim_event event)
{
    size_t at = timeline->n++;

    if (timeline->n > timeline->capacity) {
        timeline->capacity = timeline->capacity * 2 + 64;
        timeline->heap = tx_xrealloc(timeline->heap, timeline->capacity * sizeof *timeline->heap);
    }
    event.order = timeline->added++;
    while (at > 0 && before(&event, &timeline->heap[(at - 1) / 2])) {
        timeline->heap[at] = timeline->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    timeline->heap[at] = event;
}

bool sim_timeline_take(struct sim_timeline *timeline, struct sim_event *event)
{
    struct sim_event last;
    size_t at = 0;

    if (timeline->n == 0)
        return false;
    *event = timeline->heap[0];
    last = timeline->heap[--timeline->n];
    for (size_t child = 1; child < timeline->n; child = at * 2 + 1) {
        if (child + 1 < timeline->n && before(&timeline->heap[child + 1], &timeline->heap[child]))
            child++;
        if (!before(&timeline->heap[child], &last))
            break;
        timeline->heap[at] = timeline->heap[child];
        at = child;
    }
    timeline->heap[at] = last;
    return true;
}

void sim_timeline_deinit(struct sim_timeline *timeline)
{
    for (size_t i = 0; i < timeline->n; i++)
        free(timeline->heap[i].frame);
    free(timeline->heap);
    *timeline = (struct sim_timeline){0};
}
