/* Virtual time: what is going to happen, earliest first; of two at the same time, the one that was
 * planned first. */
#ifndef ASSENT_TESTS_SIM_TIMELINE_H
#define ASSENT_TESTS_SIM_TIMELINE_H

#include "common/bytes.h"

enum sim_event_type {
    SIM_EVENT_FRAME,   /* `frame` arrives at `node` from `from` */
    SIM_EVENT_WRITE,   /* the log of `node` has waited long enough for company */
    SIM_EVENT_SYNCED,  /* the log of `node` is on disk up to `number` */
    SIM_EVENT_TICK,    /* the timer of `node` */
    SIM_EVENT_RESTART, /* `node` starts again */
    SIM_EVENT_FAULT,   /* time for a new fault */
    SIM_EVENT_MEND,    /* the fault with this `number` ends; at `node` if it is one of a node */
    SIM_EVENT_LOOK,    /* has everything come to rest? */
    SIM_EVENT_CUT,     /* the client `node` asks for a new cut */
    SIM_EVENT_STORE,   /* the store of `node` has done the call with this `number` */
};

struct sim_event {
    uint64_t at;
    uint64_t order; /* set by sim_timeline_add() */
    uint64_t run;   /* of a node: of which start; of another one it means nothing */
    uint64_t number;
    struct sim_frame *frame; /* owned */
    uint8_t type;            /* enum sim_event_type */
    uint8_t node, from;
    uint8_t fault; /* MEND: enum sim_fault */
};

/* The bytes of a frame that travels. */
struct sim_frame {
    struct sim_frame *next; /* of those that are free */
    size_t len, capacity;
    uint8_t bytes[];
};

/* A binary heap; all zero is an empty one. Frames that have arrived are used again. */
struct sim_timeline {
    struct sim_event *heap;
    size_t n, capacity;
    uint64_t added;
    struct sim_frame *free;
};

void sim_timeline_add(struct sim_timeline *timeline, struct sim_event event);
/* False when nothing is planned. The frame of the event is the caller's from then on. */
bool sim_timeline_take(struct sim_timeline *timeline, struct sim_event *event);
void sim_timeline_deinit(struct sim_timeline *timeline);

/* A copy of the bytes. */
struct sim_frame *sim_frame_new(struct sim_timeline *timeline, struct tx_bytes bytes);
/* Gives it back; nothing for NULL. */
void sim_frame_done(struct sim_timeline *timeline, struct sim_frame *frame);

#endif
