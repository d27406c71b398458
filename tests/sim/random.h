/* The one source of chance in a simulation: the same seed gives the same run. */
#ifndef ASSENT_TESTS_SIM_RANDOM_H
#define ASSENT_TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

uint64_t sim_random_next(struct sim_random *random);
/* Evenly from `from` to `to`, both included. */
uint64_t sim_random_between(struct sim_random *random, uint64_t from, uint64_t to);
bool sim_random_percent(struct sim_random *random, unsigned percent);

#endif
