/* A participant for the fuzzer: the real core and the real key-value store on a log in memory, and
 * the checks of what it does. Its target, participant.c, says what happens to it. */
#ifndef ASSENT_TESTS_FUZZ_PART_FUZZ_H
#define ASSENT_TESTS_FUZZ_PART_FUZZ_H

#include "fuzz_log.h"
#include "participant/part_core.h"
#include "participant/rm.h"

/* A call of the store that is under way; the operation's bytes are in its arena. */
struct part_fuzz_call {
    struct tx_id tx;
    bool prepare;
    struct tx_op op;
    struct tx_arena arena;
};

struct part_fuzz {
    struct part_options options;
    struct part_core *core;
    struct part_actions actions;
    struct rm *rm;
    struct fuzz_log log;
    uint64_t now_us;
    uint64_t stamped; /* the cut that its frames carry */
    bool rm_slow;     /* the store answers in a step of its own */
    struct part_fuzz_call *calls;
    size_t calls_n, calls_capacity;
    struct tx_id *readers; /* voted READ_ONLY in this life */
    size_t readers_n, readers_capacity;
    size_t actions_left;         /* before the process dies; SIZE_MAX: it lives */
    uint64_t starts, started_at; /* how many, and the LSN of the last START */
};

/* The first start. The name and the incarnation are filled in. */
void part_fuzz_init(struct part_fuzz *f, const struct part_options *options);
void part_fuzz_deinit(struct part_fuzz *f);
/* An event, all that follows from it, and the checks. */
void part_fuzz_step(struct part_fuzz *f, const struct part_event *event);
void part_fuzz_durable(struct part_fuzz *f, uint64_t lsn);
/* Time passes, and a tick is due or not. */
void part_fuzz_pass(struct part_fuzz *f, uint64_t us);
/* The call answers: truly, or as `status` says when that is not PART_RM_OK. */
void part_fuzz_answer(struct part_fuzz *f, size_t call, enum part_rm_status status);
/* The process dies and starts again; of what was not durable, `choice` decides how much is left. */
void part_fuzz_restart(struct part_fuzz *f, uint8_t choice);
/* All calls answer and everything becomes durable; then the store holds what the core holds. */
void part_fuzz_settle(struct part_fuzz *f);

/* part_check_sent.c: stops the process when a message that leaves rests on nothing durable, or
 * contradicts the log. */
void part_fuzz_check_sent(struct part_fuzz *f, const struct part_action *action);

#endif
