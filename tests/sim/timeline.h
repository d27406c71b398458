/* Virtual time: what is going to happen, earliest first; of two at the same time, the one that was
 * planned first. */
#ifndef ASSENT_TESTS_SIM_TIMELINE_H
#define ASSENT_TESTS_SIM_TIMELINE_H

#include "common/bytes.h"

enum sim_event_type {
    SIM_EVENT_FRAME,   /* `frame` arrives at `node` from `from` */
    SIM_EVENT_SYNCED,  /* the log of `node` is on disk up to `number` */
    SIM_EVENT_TICK,    /* the timer of `node` */
    SIM_EVENT_RESTART, /* `node` starts again */
    SIM_EVENT_FAULT,   /* time to think of a new fault */
    SIM_EVENT_MEND,    /* the partition with this `number` ends */
};

struct sim_event {
    uint64_t at;
    uint64_t order; /* set by sim_timeline_add() */
    enum sim_event_type type;
    size_t node, from;
    uint64_t run; /* SYNCED, TICK: of which start of the node; of another one it means nothing */
    uint64_t number;
    uint8_t *frame; /* owned */
    size_t frame_len;
};

/* A binary heap; all zero is an empty one. */
struct sim_timeline {
    struct sim_event *heap;
    size_t n, capacity;
    uint64_t added;
};

void sim_timeline_add(struct sim_timeline *timeline, struct sim_event event);
/* False when nothing is planned. The frame of the event is the caller's from then on. */
bool sim_timeline_take(struct sim_timeline *timeline, struct sim_event *event);
void sim_timeline_deinit(struct sim_timeline *timeline);

#endif
