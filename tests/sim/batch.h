/* One seed, or many: those run in processes of their own, so that a seed that ends in a broken
 * assertion is reported like any other broken promise and the rest still runs. */
#ifndef ASSENT_TESTS_SIM_BATCH_H
#define ASSENT_TESTS_SIM_BATCH_H

#include "sim.h"

#define BATCH_JOBS_MAX 256u
#define BATCH_SET_MAX  40u

struct batch_options {
    uint64_t first, last; /* seeds */
    unsigned jobs;
    bool one, trace, hash, coverage;
    const char *history;            /* the file to write it to; NULL: none */
    const char *set[BATCH_SET_MAX]; /* "name=number", valid */
    size_t set_n;
};

/* Both return the exit status of the program. */
int batch_one(const struct batch_options *options);
int batch_many(const struct batch_options *options);

#endif
