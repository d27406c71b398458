/* Numbers, uniform and zipfian. */
#include "client/txbench/bench_draw.h"

#include "common/assert.h"

#include <math.h>
#include <string.h>

/* A prime beyond BENCH_DRAW_MAX: multiplied by it, ranks modulo n are a permutation of the items.
 */
#define SPREAD UINT64_C(2654435761)

uint64_t bench_draw_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t bench_draw_below(uint64_t *state, uint64_t n)
{
    TX_ASSERT(n >= 1);
    return bench_draw_next(state) % n;
}

double bench_draw_unit(uint64_t *state)
{
    return (double)(bench_draw_next(state) >> 11) * 0x1p-53;
}

bool bench_shape_parse(const char *name, enum bench_shape *shape)
{
    static const char *const names[] = {
        [BENCH_UNIFORM] = "uniform", [BENCH_ZIPFIAN] = "zipfian", [BENCH_LATEST] = "latest"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *shape = (enum bench_shape)i;
            return true;
        }
    }
    return false;
}

void bench_draw_init(struct bench_draw *draw, enum bench_shape shape, uint64_t n, double theta)
{
    TX_ASSERT(n >= 1 && n <= BENCH_DRAW_MAX);
    TX_ASSERT(theta >= 0 && theta <= BENCH_THETA_MAX);
    *draw = (struct bench_draw){.shape = shape, .n = n, .theta = theta};
    if (shape == BENCH_UNIFORM) {
        return;
    }
    for (uint64_t i = n; i >= 1; i--) { /* the small ones first, for the sake of the sum */
        draw->zeta_n += pow((double)i, -theta);
    }
    draw->alpha = 1 / (1 - theta);
    if (n > 2) { /* up to 2 the ranks 0 and 1 are all */
        double zeta_2 = 1 + pow(2, -theta);
        draw->eta = (1 - pow(2 / (double)n, 1 - theta)) / (1 - zeta_2 / draw->zeta_n);
    }
}

uint64_t bench_draw_rank(const struct bench_draw *draw, uint64_t *state)
{
    if (draw->shape == BENCH_UNIFORM) {
        return bench_draw_below(state, draw->n);
    }
    double u = bench_draw_unit(state);
    double mass = u * draw->zeta_n;
    if (mass < 1 || draw->n == 1) {
        return 0;
    }
    if (mass < 1 + pow(2, -draw->theta) || draw->n == 2) {
        return 1;
    }
    double rank = (double)draw->n * pow(draw->eta * u - draw->eta + 1, draw->alpha);
    uint64_t last = draw->n - 1;
    return rank < (double)last ? (uint64_t)rank : last;
}

uint64_t bench_draw_item(const struct bench_draw *draw, uint64_t *state)
{
    uint64_t rank = bench_draw_rank(draw, state);
    switch (draw->shape) {
    case BENCH_UNIFORM:
        return rank;
    case BENCH_ZIPFIAN:
        return rank * SPREAD % draw->n;
    case BENCH_LATEST:
        return draw->n - 1 - rank;
    }
    return rank;
}
