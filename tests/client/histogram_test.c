/* The histogram: its error bound, its ends. */
#include "client/txbench/histogram.h"

#include "tests/common/test.h"

#include <stdlib.h>

static struct histogram *histogram;

static int begin(void **state)
{
    (void)state;
    histogram = calloc(1, sizeof *histogram);
    assert_non_null(histogram);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(histogram);
    return 0;
}

static void test_an_empty_one(void **state)
{
    (void)state;
    assert_int_equal(histogram_quantile(histogram, 0.5), 0);
    assert_int_equal(histogram->max, 0);
}

static void test_small_values_are_exact(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 100; value++) {
        histogram_record(histogram, value);
    }
    assert_int_equal(histogram_quantile(histogram, 0.0), 0);
    assert_int_equal(histogram_quantile(histogram, 0.5), 49);
    assert_int_equal(histogram_quantile(histogram, 0.99), 98);
    assert_int_equal(histogram_quantile(histogram, 1.0), 99);
}

/* A value that is read back is not below the recorded one and at most 1/128 above. */
static void test_the_error_bound_over_all_magnitudes(void **state)
{
    (void)state;
    uint64_t top = (UINT64_C(1) << 40) - 1;
    for (uint64_t value = 1; value < top; value += value / 37 + 1) {
        struct histogram *one = calloc(1, sizeof *one);
        assert_non_null(one);
        histogram_record(one, value);
        histogram_record(one, top); /* keeps the exact maximum out of the answer */
        uint64_t read = histogram_quantile(one, 0.5);
        assert_true(read >= value);
        assert_true(read - value <= value / 128);
        free(one);
    }
}

static void test_values_beyond_the_top_count_as_the_top(void **state)
{
    (void)state;
    histogram_record(histogram, UINT64_MAX);
    assert_int_equal(histogram->max, (UINT64_C(1) << 40) - 1);
    assert_int_equal(histogram_quantile(histogram, 0.5), (UINT64_C(1) << 40) - 1);
}

static void test_quantiles_against_a_sorted_list(void **state)
{
    (void)state;
    enum { N = 1000 };
    for (uint64_t i = 1; i <= N; i++) {
        histogram_record(histogram, i * i);
    }
    static const double fractions[] = {0.001, 0.25, 0.5, 0.95, 0.99, 0.999};
    for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; i++) {
        uint64_t rank = (uint64_t)(fractions[i] * N + 0.5);
        uint64_t exact = rank * rank;
        uint64_t read = histogram_quantile(histogram, fractions[i]);
        assert_true(read >= exact && read <= exact + exact / 128);
    }
}

/* One slow one in 10,000 is what p99.99 leaves out, and two are what it shows. */
static void test_the_far_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9999; i++) {
        histogram_record(histogram, 100);
    }
    histogram_record(histogram, 5000000);
    assert_int_equal(histogram_quantile(histogram, 0.9999), 100);
    assert_int_equal(histogram_quantile(histogram, 1.0), 5000000);
    histogram_record(histogram, 5000000);
    uint64_t read = histogram_quantile(histogram, 0.9999);
    assert_true(read >= 5000000 && read <= 5000000 + 5000000 / 128);
    assert_int_equal(histogram_quantile(histogram, 0.999), 100);
}

static void test_merging(void **state)
{
    (void)state;
    struct histogram *other = calloc(1, sizeof *other);
    assert_non_null(other);
    histogram_record(histogram, 1);
    histogram_record(other, 5);
    histogram_record(other, 9);
    histogram_merge(histogram, other);
    assert_int_equal(histogram->total, 3);
    assert_int_equal(histogram->max, 9);
    assert_int_equal(histogram_quantile(histogram, 0.5), 5);
    free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_one),
        TEST(test_small_values_are_exact),
        TEST(test_the_error_bound_over_all_magnitudes),
        TEST(test_values_beyond_the_top_count_as_the_top),
        TEST(test_quantiles_against_a_sorted_list),
        TEST(test_the_far_end),
        TEST(test_merging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
