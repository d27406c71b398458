/* Random draws: numbers, and which of n items a transaction takes. Pure: whoever seeds them alike
 * gets the same sequence.
 *
 * Zipfian after Gray, Sundaresan, Englert, Baclawski and Weinberger, "Quickly Generating
 * Billion-Record Synthetic Databases" (SIGMOD 1994), section 3.2: rank k of n (from 0) has a
 * probability close to proportional to 1 / (k + 1)^theta; those of ranks 0 and 1 are exact. */
#ifndef ASSENT_CLIENT_BENCH_DRAW_H
#define ASSENT_CLIENT_BENCH_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_DRAW_MAX   UINT64_C(100000000) /* items */
#define BENCH_THETA_MAX  0.999
#define BENCH_THETA_YCSB 0.99 /* of the Yahoo benchmark */

/* SplitMix64 (Steele, Lea, Flood): the next number of a sequence that `state` stands for. */
uint64_t bench_draw_next(uint64_t *state);
/* A number below n (n >= 1), each as likely as the other but for 2^-64 n. */
uint64_t bench_draw_below(uint64_t *state, uint64_t n);
/* From 0 up to, and without, 1: a multiple of 2^-53. */
double bench_draw_unit(uint64_t *state);

enum bench_shape {
    BENCH_UNIFORM,
    BENCH_ZIPFIAN, /* the popular ones spread over all items */
    BENCH_LATEST   /* the last items are the popular ones */
};

/* False: no shape has this name ("uniform", "zipfian", "latest"). */
bool bench_shape_parse(const char *name, enum bench_shape *shape);

struct bench_draw {
    enum bench_shape shape;
    uint64_t n;
    double theta;
    double zeta_n; /* the sum of 1 / i^theta for i = 1..n */
    double alpha;
    double eta;
};

/* `n`: items, 1 to BENCH_DRAW_MAX; takes time in proportion to it unless uniform. `theta`: 0
 * (uniform) to BENCH_THETA_MAX. */
void bench_draw_init(struct bench_draw *draw, enum bench_shape shape, uint64_t n, double theta);
/* A rank, 0 to n - 1: 0 is the most popular one. Of a uniform draw: any. */
uint64_t bench_draw_rank(const struct bench_draw *draw, uint64_t *state);
/* An item, 0 to n - 1. */
uint64_t bench_draw_item(const struct bench_draw *draw, uint64_t *state);

#endif
