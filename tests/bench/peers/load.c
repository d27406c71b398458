/* Clock, random numbers, and the line of a load. */
#include "tests/bench/peers/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

uint64_t load_now_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

uint64_t load_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void load_merge(struct load_result *into, const struct load_result *from)
{
    histogram_merge(&into->latencies_us, &from->latencies_us);
    into->committed += from->committed;
    into->aborted += from->aborted;
    into->moved += from->moved;
}

void load_print(const struct load_result *result, unsigned clients)
{
    const struct histogram *latencies = &result->latencies_us;
    (void)printf("{\"clients\":%u,\"seconds\":%.3f,\"committed\":%" PRIu64
                 ",\"committed_per_second\":%.1f,\"aborted\":%" PRIu64 ",\"latency_us\":{"
                 "\"p50\":%" PRIu64 ",\"p95\":%" PRIu64 ",\"p99\":%" PRIu64 ",\"max\":%" PRIu64
                 "},\"sum_holds\":true}\n",
                 clients, result->seconds, result->committed,
                 result->seconds > 0 ? (double)result->committed / result->seconds : 0,
                 result->aborted, histogram_quantile(latencies, 0.50),
                 histogram_quantile(latencies, 0.95), histogram_quantile(latencies, 0.99),
                 latencies->max);
}
