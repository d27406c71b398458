#include "tests/common/test.h"

#include "common/complaints.h"

static void test_once_per_interval(void **state)
{
    struct complaints c = {0};
    uint64_t silent = 99;

    (void)state;
    assert_true(complaints_allow(&c, 7, 1, &silent));
    assert_int_equal(silent, 0);
    assert_false(complaints_allow(&c, 7, 2, &silent));
    assert_false(complaints_allow(&c, 7, COMPLAINTS_INTERVAL_US, &silent));
    assert_true(complaints_allow(&c, 7, 1 + COMPLAINTS_INTERVAL_US, &silent));
    assert_int_equal(silent, 2);
    assert_false(complaints_allow(&c, 7, 2 + COMPLAINTS_INTERVAL_US, &silent));
}

static void test_peers_are_apart(void **state)
{
    struct complaints c = {0};
    uint64_t silent;

    (void)state;
    assert_true(complaints_allow(&c, 0, 5, &silent));
    assert_true(complaints_allow(&c, 1, 5, &silent));
    assert_false(complaints_allow(&c, 0, 6, &silent));
    assert_false(complaints_allow(&c, 1, 6, &silent));
}

static void test_flood_of_new_peers_is_bounded(void **state)
{
    struct complaints c = {0};
    unsigned lines = 0;
    uint64_t silent;

    (void)state;
    for (uint64_t peer = 1; peer <= 10000; peer++) {
        lines += complaints_allow(&c, peer, 1000 + peer, &silent);
    }
    assert_int_equal(lines, COMPLAINTS_PEERS);
    /* The first entries are free again after an interval. */
    assert_true(complaints_allow(&c, 20000, 1001 + COMPLAINTS_INTERVAL_US, &silent));
    assert_int_equal(silent, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once_per_interval),
        cmocka_unit_test(test_peers_are_apart),
        cmocka_unit_test(test_flood_of_new_peers_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
