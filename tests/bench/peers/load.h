/* What the programs beside Assent have in common: a clock, random numbers, and the line that each
 * prints of its load. */
#ifndef ASSENT_TESTS_BENCH_LOAD_H
#define ASSENT_TESTS_BENCH_LOAD_H

#include "client/txbench/histogram.h"

#include <stdint.h>

#define LOAD_AMOUNT_MAX 100 /* a transfer moves 1 to so much */

struct load_result {
    struct histogram latencies_us; /* of what committed */
    uint64_t committed;
    uint64_t aborted; /* refused by the stores, not tried again */
    int64_t moved;    /* the sum of the committed amounts */
    double seconds;   /* from the first transfer's begin to the last one's end */
};

/* Nanoseconds of a clock that only goes forward. */
uint64_t load_now_ns(void);
/* The next number of a sequence (splitmix64, Steele et al. 2014); any state will do. */
uint64_t load_random(uint64_t *state);

void load_merge(struct load_result *into, const struct load_result *from);
/* One JSON object on one line of the standard output. */
void load_print(const struct load_result *result, unsigned clients);

#endif
