/* A coordinator for the fuzzer: the real core on a log in memory, and the checks of what it does.
 * Its target, coordinator.c, says what happens to it. */
#ifndef ASSENT_TESTS_FUZZ_COORD_FUZZ_H
#define ASSENT_TESTS_FUZZ_COORD_FUZZ_H

#include "coordinator/coord_core.h"
#include "fuzz_log.h"
#include "fuzz_msg.h"

#define COORD_FUZZ_SEQS 256u

/* What the clients and participants of this start have heard of one transaction. */
struct coord_fuzz_said {
    bool committed, aborted;
    bool members_decide; /* as its first PREPARE said */
    bool prepare;        /* has left */
};

struct coord_fuzz {
    struct coord_options options;
    struct tx_member nodes[FUZZ_NODES];
    struct coord_core *core;
    struct coord_actions actions;
    struct fuzz_log log;
    uint64_t now_us;
    uint64_t stamped; /* the cut that its frames carry */
    bool fenced;      /* before this step */
    bool forgets; /* retained outcomes may be gone, so that a liar can make it tell another one */
    struct coord_fuzz_said said[COORD_FUZZ_SEQS];
    uint64_t numbers[FUZZ_NODES]; /* of the last HELLO to each */
    size_t actions_left;          /* before the process dies; SIZE_MAX: it lives */
    uint64_t starts;
};

/* The first start, with nobody introduced. Nodes, epoch and life are filled in. */
void coord_fuzz_init(struct coord_fuzz *f, const struct coord_options *options);
void coord_fuzz_deinit(struct coord_fuzz *f);
/* An event, all that follows from it, and the checks. */
void coord_fuzz_step(struct coord_fuzz *f, const struct coord_event *event);
void coord_fuzz_durable(struct coord_fuzz *f, uint64_t lsn);
/* Time passes, and a tick is due or not. */
void coord_fuzz_pass(struct coord_fuzz *f, uint64_t us);
/* The process dies and starts again; of what was not durable, `choice` decides how much is left. */
void coord_fuzz_restart(struct coord_fuzz *f, uint8_t choice);

/* coord_check_sent.c: stops the process when a message that leaves rests on nothing durable, or
 * contradicts what was said before. */
void coord_fuzz_check_sent(struct coord_fuzz *f, const struct coord_action *action);

#endif
