#include "timeline.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_BYTES 1024u /* of most frames; a longer one gets what it needs */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sim_timeline_add(struct sim_timeline *timeline, struct sim_event event)
{
    size_t at = timeline->n++;

    if (timeline->n > timeline->capacity) {
        timeline->capacity = timeline->capacity * 2 + 256;
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
    struct sim_frame *next;

    for (size_t i = 0; i < timeline->n; i++)
        free(timeline->heap[i].frame);
    for (; timeline->free != NULL; timeline->free = next) {
        next = timeline->free->next;
        free(timeline->free);
    }
    free(timeline->heap);
    *timeline = (struct sim_timeline){0};
}

struct sim_frame *sim_frame_new(struct sim_timeline *timeline, struct tx_bytes bytes)
{
    struct sim_frame *frame = timeline->free;

    if (frame != NULL && bytes.len <= FRAME_BYTES) {
        timeline->free = frame->next;
    } else {
        size_t capacity = bytes.len > FRAME_BYTES ? bytes.len : FRAME_BYTES;

        frame = tx_xmalloc(sizeof *frame + capacity);
        frame->capacity = capacity;
    }
    frame->next = NULL;
    frame->len = bytes.len;
    memcpy(frame->bytes, bytes.data, bytes.len);
    return frame;
}

void sim_frame_done(struct sim_timeline *timeline, struct sim_frame *frame)
{
    if (frame == NULL)
        return;
    if (frame->capacity > FRAME_BYTES) {
        free(frame);
        return;
    }
    frame->next = timeline->free;
    timeline->free = frame;
}
