/* When work runs again. */
#include "client/client_retry.h"

#include "tests/common/test.h"

static struct client_retry make(void)
{
    return (struct client_retry){
        .attempts_max = 5, .deadline_us = 1000000, .backoff_us = 100, .backoff_max_us = 350};
}

static void test_back_off_doubles_up_to_its_bound(void **state)
{
    (void)state;
    struct client_retry retry = make();
    const uint64_t expected[] = {100, 200, 350, 350};
    for (unsigned i = 0; i < 4; i++) {
        uint64_t wait_us = 0;
        assert_true(client_retry_again(&retry, 0, 0, &wait_us));
        assert_int_equal(wait_us, expected[i]);
    }
}

static void test_jitter_takes_up_to_a_half(void **state)
{
    (void)state;
    uint64_t lowest = UINT64_MAX;
    uint64_t highest = 0;
    for (uint64_t random = 0; random < 1000; random++) {
        struct client_retry retry = make();
        uint64_t wait_us = 0;
        assert_true(client_retry_again(&retry, 0, random, &wait_us));
        lowest = wait_us < lowest ? wait_us : lowest;
        highest = wait_us > highest ? wait_us : highest;
    }
    assert_int_equal(lowest, 50);
    assert_int_equal(highest, 100);
}

static void test_attempts_are_bounded(void **state)
{
    (void)state;
    struct client_retry retry = make();
    uint64_t wait_us;
    for (unsigned i = 1; i < 5; i++) {
        assert_true(client_retry_again(&retry, 0, 0, &wait_us));
    }
    assert_false(client_retry_again(&retry, 0, 0, &wait_us));
    assert_int_equal(retry.attempts, 5);
}

static void test_time_is_bounded(void **state)
{
    (void)state;
    struct client_retry retry = make();
    uint64_t wait_us;
    assert_false(client_retry_again(&retry, 1000000, 0, &wait_us));
    retry = make();
    assert_false(client_retry_again(&retry, 1000001, 0, &wait_us));
    retry = make();
    assert_false(client_retry_again(&retry, 1000000 - 100, 0, &wait_us));
    retry = make();
    assert_true(client_retry_again(&retry, 1000000 - 101, 0, &wait_us));
}

static void test_a_back_off_of_nothing_is_no_wait(void **state)
{
    (void)state;
    struct client_retry retry = make();
    uint64_t wait_us = 1;
    retry.backoff_us = 0;
    assert_true(client_retry_again(&retry, 0, 12345, &wait_us));
    assert_int_equal(wait_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_back_off_doubles_up_to_its_bound),
        cmocka_unit_test(test_jitter_takes_up_to_a_half),
        cmocka_unit_test(test_attempts_are_bounded),
        cmocka_unit_test(test_time_is_bounded),
        cmocka_unit_test(test_a_back_off_of_nothing_is_no_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
