/* When transactions are due in an open loop: transaction i, from 0 on, i / rate seconds after the
 * start, whatever became of those before it. Latencies count from there, so that a server that
 * stalls is charged with all who would have come meanwhile (no coordinated omission). Pure. */
#ifndef ASSENT_CLIENT_BENCH_PACE_H
#define ASSENT_CLIENT_BENCH_PACE_H

#include <stdint.h>

#define BENCH_RATE_MAX 1000000.0

struct bench_pace {
    uint64_t start_us;
    double rate; /* transactions a second, above 0 */
};

/* When transaction i is due, in us of the clock that `start_us` is of. */
uint64_t bench_pace_due_us(const struct bench_pace *pace, uint64_t i);

#endif
