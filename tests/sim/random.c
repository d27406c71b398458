#include "random.h"

#include "common/assert.h"

/* SplitMix64 (Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, 2014). */
uint64_t sim_random_next(struct sim_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t sim_random_between(struct sim_random *random, uint64_t from, uint64_t to)
{
    TX_ASSERT(from <= to && to - from < UINT64_MAX);
    return from + sim_random_next(random) % (to - from + 1);
}

bool sim_random_percent(struct sim_random *random, unsigned percent)
{
    return sim_random_next(random) % 100 < percent;
}
