/* How long waits have lasted: the error of the histogram, and that every end of a wait counts. */
#include "lock_fixture.h"

#include <string.h>

static void an_empty_one(void **state)
{
    (void)state;
    struct tx_times times = {0};
    assert_int_equal(tx_times_percentile(&times, 50), 0);
    assert_int_equal(tx_times_percentile(&times, 100), 0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    struct tx_times times = {0};
    for (uint64_t us = 0; us < 8; us++)
        tx_times_count(&times, us);
    for (unsigned i = 1; i <= 8; i++)
        assert_int_equal(tx_times_percentile(&times, i * 25 / 2), i - 1);
    assert_int_equal(times.max_us, 7);
    assert_int_equal(tx_times_of_power(&times, 0), 2);
    assert_int_equal(tx_times_of_power(&times, 1), 2);
    assert_int_equal(tx_times_of_power(&times, 2), 4);
    assert_int_equal(tx_times_of_power(&times, 3), 0);
}

/* One value and a much larger one: the lower half is read back within an eighth. */
static void the_error_is_an_eighth_at_most(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < TX_TIMES_BITS; bit++) {
        for (uint64_t part = 0; part < 16; part++) {
            uint64_t us = (UINT64_C(1) << bit) + (UINT64_C(1) << bit) / 16 * part;
            struct tx_times times = {0};
            tx_times_count(&times, us);
            tx_times_count(&times, UINT64_MAX);
            uint64_t read = tx_times_percentile(&times, 50);
            assert_true(read >= us && read - us <= us / 8);
            assert_int_equal(tx_times_of_power(&times, bit), bit + 1 == TX_TIMES_BITS ? 2 : 1);
            assert_true(times.max_us == (UINT64_C(1) << TX_TIMES_BITS) - 1);
            assert_true(tx_times_percentile(&times, 100) == times.max_us);
        }
    }
}

static void percentiles_and_powers_agree_with_the_counts(void **state)
{
    (void)state;
    struct tx_times times = {0};
    uint64_t n = 0;
    for (uint64_t us = 0; us < 100000; us += 7)
        tx_times_count(&times, us);
    for (unsigned bit = 0; bit < TX_TIMES_BITS; bit++)
        n += tx_times_of_power(&times, bit);
    assert_int_equal(n, times.total);
    for (unsigned percent = 1; percent <= 100; percent++) {
        uint64_t exact = 1000 * (uint64_t)percent;
        uint64_t read = tx_times_percentile(&times, percent);
        assert_true(read + 14 >= exact && read <= exact + exact / 8 + 14);
    }
}

static uint64_t ended(const struct fixture *f, uint64_t max_us)
{
    const struct tx_times *times = lockmgr_times(f->mgr);
    assert_int_equal(times->max_us, max_us);
    return times->total;
}

static void every_end_of_a_wait_counts(void **state)
{
    struct fixture *f = *state;
    f->now_us = 1000;
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(ended(f, 0), 0);
    lockmgr_clock(f->mgr, 1003);
    cancel(f, 3);
    assert_int_equal(ended(f, 3), 1); /* cancelled */
    f->now_us = 2000;
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_X), LOCK_WAITING);
    lockmgr_clock(f->mgr, 2005);
    release_all(f, 2);
    expect_events(f, "G3");
    assert_int_equal(ended(f, 5), 2); /* granted */
    f->now_us = 3000;
    assert_int_equal(acquire(f, 4, "s/k", TX_LOCK_X), LOCK_WAITING);
    expire(f, 3000 + FIXTURE_TIMEOUT_US);
    expect_events(f, "T4");
    assert_int_equal(ended(f, FIXTURE_TIMEOUT_US), 3); /* timed out */
    f->now_us = 5000;
    assert_int_equal(acquire(f, 4, "t/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 4, "s/k", TX_LOCK_X), LOCK_WAITING);
    f->now_us = 7000;
    assert_int_equal(acquire(f, 1, "t/k", TX_LOCK_X), LOCK_WAITING); /* wounds it */
    expect_events(f, "W4");
    assert_int_equal(ended(f, 2000), 4); /* wounded */
    lockmgr_clock(f->mgr, 7100);
    release_all(f, 1);
    assert_int_equal(ended(f, 2000), 5); /* ended by its user */
    assert_int_equal(tx_times_percentile(lockmgr_times(f->mgr), 20), 3);
    assert_int_equal(lockmgr_stats(f->mgr).waits, 5);
}

static void a_clock_that_goes_back_counts_as_no_time(void **state)
{
    struct fixture *f = *state;
    f->now_us = 1000;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING);
    lockmgr_clock(f->mgr, 10);
    release_all(f, 1);
    expect_events(f, "G2");
    assert_int_equal(ended(f, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(the_error_is_an_eighth_at_most),
        cmocka_unit_test(percentiles_and_powers_agree_with_the_counts),
        cmocka_unit_test_setup_teardown(every_end_of_a_wait_counts, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_goes_back_counts_as_no_time, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
