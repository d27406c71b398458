/* How long waits for locks have lasted: a log-linear histogram. Each power of two of microseconds
 * is cut into 8 equal steps, so that a value read back is never below the recorded one and at most
 * 1/8 above it; values below 8 are exact, and so is the maximum. Values beyond 2^40 - 1 (12 days)
 * count as that. */
#ifndef ASSENT_LOCKMGR_LOCK_TIMES_H
#define ASSENT_LOCKMGR_LOCK_TIMES_H

#include <stddef.h>
#include <stdint.h>

#define LOCK_TIMES_STEP_BITS 3u
#define LOCK_TIMES_BITS      40u /* powers of two */
#define LOCK_TIMES_STEPS     ((LOCK_TIMES_BITS - LOCK_TIMES_STEP_BITS + 1u) << LOCK_TIMES_STEP_BITS)

/* All zero is a valid empty one. */
struct lock_times {
    uint64_t counts[LOCK_TIMES_STEPS];
    uint64_t total;
    uint64_t max_us;
};

void lock_times_count(struct lock_times *times, uint64_t us);
/* The smallest time that at least `percent` (1..100) of all waits have not exceeded, within the
 * error above, in microseconds; 0 when there was none. */
uint64_t lock_times_percentile(const struct lock_times *times, unsigned percent);
/* The waits from 2^bit microseconds up to 2^(bit + 1), which is excluded; those of 0 count with bit
 * 0. `bit` is below LOCK_TIMES_BITS. */
uint64_t lock_times_of_power(const struct lock_times *times, unsigned bit);

#endif
