/* A log-linear histogram of durations, after the idea of HdrHistogram (Tene): each power of two is
 * cut into 128 equal steps, so that a value read back is never below the recorded one and at most
 * 1/128 (0.8 %) above it; values below 128 are exact. The maximum is kept exactly. Values beyond
 * 2^40 - 1 count as that. */
#ifndef ASSENT_CLIENT_HISTOGRAM_H
#define ASSENT_CLIENT_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_STEP_BITS  7
#define HISTOGRAM_VALUE_BITS 40
#define HISTOGRAM_STEPS                                                                            \
    ((size_t)(HISTOGRAM_VALUE_BITS - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS)

struct histogram {
    uint64_t counts[HISTOGRAM_STEPS];
    uint64_t total;
    uint64_t max;
};

/* All zero is a valid empty histogram. */
void histogram_record(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The smallest value that at least `fraction` (0..1) of all values do not exceed, within the error
 * above; 0 for an empty histogram. */
uint64_t histogram_quantile(const struct histogram *histogram, double fraction);

#endif
