/* Outcomes to acknowledge. */
#include "client/client_acks.h"

#include "tests/common/test.h"

static void test_they_keep_their_order(void **state)
{
    (void)state;
    struct client_acks acks = {.n = 0};
    for (uint64_t seq = 1; seq <= 3; seq++) {
        client_acks_add(&acks, (struct tx_id){1, 7, seq});
    }
    client_acks_drop(&acks, 2);
    assert_int_equal(acks.n, 1);
    assert_int_equal(acks.ids[0].seq, 3);
    client_acks_drop(&acks, 0);
    client_acks_drop(&acks, 1);
    assert_int_equal(acks.n, 0);
}

static void test_the_oldest_makes_way(void **state)
{
    (void)state;
    struct client_acks acks = {.n = 0};
    for (uint64_t seq = 1; seq <= CLIENT_ACKS_MAX + 2; seq++) {
        client_acks_add(&acks, (struct tx_id){1, 7, seq});
    }
    assert_int_equal(acks.n, CLIENT_ACKS_MAX);
    assert_int_equal(acks.ids[0].seq, 3);
    assert_int_equal(acks.ids[CLIENT_ACKS_MAX - 1].seq, CLIENT_ACKS_MAX + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_keep_their_order),
        cmocka_unit_test(test_the_oldest_makes_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
