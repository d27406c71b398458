#include "tests/common/test.h"

#include "common/clock.h"

#include <string.h>
#include <time.h>

static void test_monotonic_never_goes_back(void **state)
{
    uint64_t last = clock_now_us();

    (void)state;
    for (int i = 0; i < 100000; i++) {
        const uint64_t now = clock_now_us();

        assert_true(now >= last);
        last = now;
    }
}

static void test_monotonic_counts_microseconds(void **state)
{
    const struct timespec pause_time = {.tv_nsec = 20 * 1000 * 1000};
    const uint64_t before = clock_now_us();

    (void)state;
    assert_int_equal(nanosleep(&pause_time, NULL), 0);
    assert_in_range(clock_now_us() - before, 20 * 1000, 10 * 1000 * 1000);
}

static void test_wall_is_unix_time(void **state)
{
    const uint64_t seconds = (uint64_t)time(NULL);
    const uint64_t wall = clock_wall_ms() / 1000;

    (void)state;
    /* time() lags by up to a tick of the kernel. */
    assert_in_range(wall, seconds, (uint64_t)time(NULL) + 1);
}

static void test_random_fills_all(void **state)
{
    uint8_t a[4096] = {0}, b[4096] = {0};
    static const uint8_t zeroes[16];

    (void)state;
    assert_int_equal(clock_random(a, sizeof(a)), TX_OK);
    assert_int_equal(clock_random(b, sizeof(b)), TX_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_memory_not_equal(a + sizeof(a) - sizeof(zeroes), zeroes, sizeof(zeroes));
    assert_int_equal(clock_random(a, 0), TX_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic_never_goes_back),
        cmocka_unit_test(test_monotonic_counts_microseconds),
        cmocka_unit_test(test_wall_is_unix_time),
        cmocka_unit_test(test_random_fills_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
