/* What happened when: the time of a load in equal slots, with the transactions that committed in
 * each and the slowest of them; the median of repetitions; a plot in text. Pure but for the stream
 * that is printed to. */
#ifndef ASSENT_CLIENT_BENCH_SERIES_H
#define ASSENT_CLIENT_BENCH_SERIES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BENCH_SERIES_SLOTS    60u
#define BENCH_SERIES_WIDTH_US 100000u /* of a slot, at least */

struct bench_series {
    uint64_t width_us;
    size_t n; /* slots in use, at most BENCH_SERIES_SLOTS */
    struct {
        uint64_t committed;
        uint64_t slowest_us;
    } slots[BENCH_SERIES_SLOTS];
};

/* For a load of so many us. */
void bench_series_init(struct bench_series *series, uint64_t length_us);
/* A transaction committed at `at_us` after the beginning. What comes later than the end of the load
 * belongs to no slot, and is left out. */
void bench_series_record(struct bench_series *series, uint64_t at_us, uint64_t latency_us);
/* Both of the same length. */
void bench_series_merge(struct bench_series *into, const struct bench_series *from);
/* Committed a second in slot i. */
double bench_series_rate(const struct bench_series *series, size_t i);
/* Two plots: transactions a second, and the slowest ones. */
void bench_series_print(FILE *out, const struct bench_series *series);

/* The middle one, or the mean of the two in the middle; sorts `values`. 0 for none. */
double bench_median(double *values, size_t n);

#endif
