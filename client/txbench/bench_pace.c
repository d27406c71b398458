/* The schedule of an open loop. */
#include "client/txbench/bench_pace.h"

#include "common/assert.h"

uint64_t bench_pace_due_us(const struct bench_pace *pace, uint64_t i)
{
    TX_ASSERT(pace->rate > 0 && pace->rate <= BENCH_RATE_MAX);
    /* From i each time: a sum of intervals would drift. */
    return pace->start_us + (uint64_t)((double)i * 1e6 / pace->rate);
}
