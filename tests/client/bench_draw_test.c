/* Draws: in bounds, repeatable, and distributed as their header says. */
#include "client/txbench/bench_draw.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DRAWS 200000u

static uint64_t counts[1000];

static void draw_ranks(enum bench_shape shape, uint64_t n, double theta)
{
    struct bench_draw draw;
    uint64_t state = 42;
    bench_draw_init(&draw, shape, n, theta);
    memset(counts, 0, sizeof counts);
    for (unsigned i = 0; i < DRAWS; i++) {
        uint64_t rank = bench_draw_rank(&draw, &state);
        assert_true(rank < n);
        counts[rank]++;
    }
}

static double zeta(uint64_t n, double theta)
{
    double sum = 0;
    for (uint64_t i = 1; i <= n; i++) {
        sum += pow((double)i, -theta);
    }
    return sum;
}

/* Within five standard deviations of a binomial count: of honest draws one in a million fails, and
 * the seed is fixed. */
static void assert_share(uint64_t count, double share)
{
    double expected = share * DRAWS;
    double deviation = sqrt(expected * (1 - share));
    assert_true(fabs((double)count - expected) <= 5 * deviation);
}

static void test_the_same_seed_gives_the_same_sequence(void **state)
{
    (void)state;
    uint64_t a = 7;
    uint64_t b = 7;
    uint64_t c = 8;
    unsigned different = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t number = bench_draw_next(&a);
        assert_true(number == bench_draw_next(&b));
        different += number != bench_draw_next(&c) ? 1 : 0;
    }
    assert_int_equal(different, 1000);
    /* The first outputs of SplitMix64 from 0, as its authors' program prints them. */
    uint64_t zero = 0;
    assert_true(bench_draw_next(&zero) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(bench_draw_next(&zero) == UINT64_C(0x6e789e6aa1b965f4));
}

static void test_units_are_below_one(void **state)
{
    (void)state;
    uint64_t seed = 1;
    double sum = 0;
    for (unsigned i = 0; i < DRAWS; i++) {
        double unit = bench_draw_unit(&seed);
        assert_true(unit >= 0 && unit < 1);
        sum += unit;
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 5 * sqrt(1.0 / 12 / DRAWS));
}

static void test_uniform_ranks_are_alike(void **state)
{
    (void)state;
    draw_ranks(BENCH_UNIFORM, 10, 0.99);
    for (unsigned i = 0; i < 10; i++) {
        assert_share(counts[i], 0.1);
    }
}

static void test_the_first_two_zipfian_ranks_are_exact(void **state)
{
    (void)state;
    static const double thetas[] = {0.2, 0.5, 0.8, 0.99};
    for (size_t i = 0; i < sizeof thetas / sizeof thetas[0]; i++) {
        double all = zeta(1000, thetas[i]);
        draw_ranks(BENCH_ZIPFIAN, 1000, thetas[i]);
        assert_share(counts[0], 1 / all);
        assert_share(counts[1], pow(2, -thetas[i]) / all);
    }
}

/* Behind the first two the method of Gray et al. approximates: the share of the first tenth and of
 * the first half are within 2 % of all draws of the true ones. */
static void test_zipfian_shares_are_close(void **state)
{
    (void)state;
    static const double thetas[] = {0.2, 0.5, 0.8, 0.99};
    for (size_t i = 0; i < sizeof thetas / sizeof thetas[0]; i++) {
        double all = zeta(1000, thetas[i]);
        uint64_t tenth = 0;
        uint64_t half = 0;
        draw_ranks(BENCH_ZIPFIAN, 1000, thetas[i]);
        for (unsigned rank = 0; rank < 500; rank++) {
            half += counts[rank];
            tenth += rank < 100 ? counts[rank] : 0;
        }
        assert_true(fabs((double)tenth / DRAWS - zeta(100, thetas[i]) / all) < 0.02);
        assert_true(fabs((double)half / DRAWS - zeta(500, thetas[i]) / all) < 0.02);
    }
}

static void test_theta_of_zero_is_nearly_uniform(void **state)
{
    (void)state;
    draw_ranks(BENCH_ZIPFIAN, 10, 0);
    for (unsigned i = 0; i < 10; i++) {
        assert_share(counts[i], 0.1);
    }
}

static void test_few_items(void **state)
{
    (void)state;
    draw_ranks(BENCH_ZIPFIAN, 1, 0.99);
    assert_int_equal(counts[0], DRAWS);
    draw_ranks(BENCH_ZIPFIAN, 2, 0.99);
    assert_share(counts[0], 1 / zeta(2, 0.99));
    draw_ranks(BENCH_ZIPFIAN, 3, 0.99);
    assert_true(counts[0] > counts[1] && counts[1] > counts[2] && counts[2] > 0);
}

/* Every item is one rank and no other: the most popular ones are spread, and none is left out. */
static void test_zipfian_items_are_a_permutation_of_ranks(void **state)
{
    (void)state;
    static uint64_t rank_of[1000];
    struct bench_draw draw;
    uint64_t a = 3;
    uint64_t b = 3;
    bench_draw_init(&draw, BENCH_ZIPFIAN, 1000, 0.5);
    memset(rank_of, 0, sizeof rank_of);
    memset(counts, 0, sizeof counts);
    for (unsigned i = 0; i < DRAWS; i++) {
        uint64_t rank = bench_draw_rank(&draw, &a);
        uint64_t item = bench_draw_item(&draw, &b);
        assert_true(item < 1000);
        assert_true(rank_of[item] == 0 || rank_of[item] == rank + 1);
        rank_of[item] = rank + 1;
    }
    for (unsigned item = 0; item < 1000; item++) {
        assert_true(rank_of[item] != 0);
        counts[rank_of[item] - 1]++;
    }
    for (unsigned rank = 0; rank < 1000; rank++) {
        assert_int_equal(counts[rank], 1);
    }
}

static void test_latest_items_are_the_last(void **state)
{
    (void)state;
    struct bench_draw draw;
    uint64_t a = 3;
    uint64_t b = 3;
    bench_draw_init(&draw, BENCH_LATEST, 1000, 0.99);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(bench_draw_item(&draw, &a), 999 - bench_draw_rank(&draw, &b));
    }
}

static void test_names_of_shapes(void **state)
{
    (void)state;
    enum bench_shape shape = BENCH_UNIFORM;
    assert_true(bench_shape_parse("latest", &shape));
    assert_int_equal(shape, BENCH_LATEST);
    assert_true(bench_shape_parse("zipfian", &shape));
    assert_int_equal(shape, BENCH_ZIPFIAN);
    assert_false(bench_shape_parse("zipf", &shape));
    assert_int_equal(shape, BENCH_ZIPFIAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_gives_the_same_sequence),
        cmocka_unit_test(test_units_are_below_one),
        cmocka_unit_test(test_uniform_ranks_are_alike),
        cmocka_unit_test(test_the_first_two_zipfian_ranks_are_exact),
        cmocka_unit_test(test_zipfian_shares_are_close),
        cmocka_unit_test(test_theta_of_zero_is_nearly_uniform),
        cmocka_unit_test(test_few_items),
        cmocka_unit_test(test_zipfian_items_are_a_permutation_of_ranks),
        cmocka_unit_test(test_latest_items_are_the_last),
        cmocka_unit_test(test_names_of_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
