/* How long something has taken, or how many there were: a log-linear histogram in fixed memory.
 * Each power of two is cut into 8 equal steps, so that a value read back is never below the
 * recorded one and at most 1/8 above it; values below 8 are exact, and so is the maximum. Values
 * beyond 2^40 - 1 (12 days of microseconds) count as that. */
#ifndef ASSENT_COMMON_TIMES_H
#define ASSENT_COMMON_TIMES_H

#include <stddef.h>
#include <stdint.h>

/* Whole milliseconds from one time in microseconds to another; 0 when that is not the later one. */
static inline uint64_t tx_ms_between(uint64_t from_us, uint64_t to_us)
{
    return to_us > from_us ? (to_us - from_us) / 1000u : 0;
}

#define TX_TIMES_STEP_BITS 3u
#define TX_TIMES_BITS      40u /* powers of two */
#define TX_TIMES_STEPS     ((TX_TIMES_BITS - TX_TIMES_STEP_BITS + 1u) << TX_TIMES_STEP_BITS)

/* All zero is a valid empty one. */
struct tx_times {
    uint64_t counts[TX_TIMES_STEPS];
    uint64_t total;
    uint64_t sum; /* of the values, each at most 2^40 - 1 */
    uint64_t max_us;
};

void tx_times_count(struct tx_times *times, uint64_t us);
/* The smallest value that at least `percent` (1..100) of all have not exceeded, within the error
 * above; 0 when there was none. */
uint64_t tx_times_percentile(const struct tx_times *times, unsigned percent);
/* The largest value of a step, `i` below TX_TIMES_STEPS. */
uint64_t tx_times_step_end(size_t i);
/* How many values lie from 2^bit up to 2^(bit + 1), which is excluded; those of 0 count with bit 0.
 * `bit` is below TX_TIMES_BITS. */
uint64_t tx_times_of_power(const struct tx_times *times, unsigned bit);

#endif
