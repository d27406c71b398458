#include "common/lineage.h"

#include "tests/common/test.h"

/* Starts 3, 5 and 6 of a node: the fourth one never became durable. */
static const struct tx_position starts[] = {{3, 33, {10}}, {5, 55, {20}}, {6, 66, {30}}};

static struct tx_lineage lineage(void)
{
    struct tx_lineage made = {.n = 0};
    assert_true(tx_lineage_set(&made, starts, 3));
    return made;
}

static void test_what_it_denies(void **unused)
{
    static const struct {
        struct tx_position known;
        bool denied;
        const char *why;
    } cases[] = {
        {{0, 0, {0}}, false, "nothing is known"},
        {{3, 33, {10}}, false, "its START record"},
        {{3, 33, {19}}, false, "the last place before the next start"},
        {{3, 33, {20}}, true, "the next start stands there"},
        {{3, 34, {10}}, true, "another life"},
        {{4, 44, {15}}, true, "a start that it never had"},
        {{5, 55, {29}}, false, "the last place before the newest"},
        {{5, 55, {30}}, true, "the newest start stands there"},
        {{6, 66, {30}}, false, "the newest start itself"},
        {{6, 66, {1000}}, false, "how far the newest has come is not judged here"},
        {{6, 65, {30}}, true, "a twin of the newest start"},
        {{7, 77, {5}}, true, "a later start than its newest"},
        {{2, 22, {9}}, false, "older than it remembers"},
        {{2, 22, {10}}, true, "older, but further than its oldest start"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tx_lineage of = lineage();
        if (tx_lineage_denies(&of, cases[i].known) != cases[i].denied) {
            fail_msg("%s", cases[i].why);
        }
    }
}

static void test_what_it_lacks(void **unused)
{
    struct tx_lineage of = lineage();

    (void)unused;
    assert_false(tx_lineage_lacks(&of, 1)); /* older than it remembers */
    assert_false(tx_lineage_lacks(&of, 3));
    assert_true(tx_lineage_lacks(&of, 4));
    assert_false(tx_lineage_lacks(&of, 6));
    assert_true(tx_lineage_lacks(&of, 7));
}

/* Two lives give the same number only when 30 bits of them are the same. */
static void test_epochs_leave_gaps(void **unused)
{
    (void)unused;
    assert_int_equal(tx_start_after(0, 0x123456789abcdef0), 1);
    assert_int_equal(tx_start_after(1, 0), 2);
    assert_int_equal(tx_start_after(1, UINT64_MAX), UINT64_C(1) + (UINT64_C(1) << 30));
    assert_int_equal(tx_start_after(7, 5), 13);
    assert_int_not_equal(tx_start_after(7, 5), tx_start_after(7, 6));
    assert_int_not_equal(tx_start_after(7, 5), tx_start_after(7, 5 | UINT64_C(1) << 29));
}

static void test_only_the_last_starts_are_kept(void **unused)
{
    struct tx_lineage of = {.n = 0};

    (void)unused;
    for (uint64_t i = 1; i <= TX_LINEAGE_MAX + 3; i++) {
        assert_true(tx_lineage_add(&of, (struct tx_position){i, 100 + i, {10 * i}}));
    }
    assert_int_equal(of.n, TX_LINEAGE_MAX);
    assert_int_equal(of.starts[0].start, 4);
    assert_int_equal(of.starts[TX_LINEAGE_MAX - 1].life, 100 + TX_LINEAGE_MAX + 3);
    assert_false(tx_lineage_denies(&of, (struct tx_position){3, 7, {39}})); /* forgotten */
    assert_true(tx_lineage_denies(&of, (struct tx_position){4, 7, {40}}));
}

static void test_starts_ascend(void **unused)
{
    struct tx_lineage of = lineage();
    const struct tx_position same[] = {{1, 1, {1}}, {1, 2, {2}}};
    const struct tx_position back[] = {{1, 1, {2}}, {2, 2, {2}}};
    const struct tx_position none[] = {{0, 1, {1}}};
    struct tx_position many[TX_LINEAGE_MAX + 1];

    (void)unused;
    for (uint64_t i = 0; i <= TX_LINEAGE_MAX; i++) {
        many[i] = (struct tx_position){i + 1, 0, {i + 1}};
    }
    assert_false(tx_lineage_add(&of, (struct tx_position){6, 67, {31}}));
    assert_false(tx_lineage_add(&of, (struct tx_position){7, 77, {30}}));
    assert_false(tx_lineage_set(&of, same, 2));
    assert_false(tx_lineage_set(&of, back, 2));
    assert_false(tx_lineage_set(&of, none, 1));
    assert_false(tx_lineage_set(&of, starts, 0));
    assert_false(tx_lineage_set(&of, many, TX_LINEAGE_MAX + 1));
    assert_int_equal(of.n, 3); /* as it was */
    assert_int_equal(of.starts[2].life, 66);
    assert_true(tx_lineage_set(&of, many, TX_LINEAGE_MAX));
}

/* Of the same log, behind the position, in a start that is over. */
static void test_what_a_loss_explains(void **unused)
{
    const struct tx_position restored[] = {{3, 33, {10}}, {4, 44, {20}}, {120, 55, {32}}};
    const struct tx_loss loss = {.lsn = {30}, .start = 100};
    const struct tx_loss none = {.start = 0};
    struct tx_lineage of;

    (void)unused;
    assert_true(tx_lineage_set(&of, restored, 3));
    assert_true(tx_loss_explains(&loss, &of, (struct tx_position){4, 44, {31}}));
    assert_true(tx_loss_explains(&loss, &of, (struct tx_position){77, 1, {1000}}));
    assert_false(tx_loss_explains(&loss, &of, (struct tx_position){4, 45, {31}})); /* a twin's */
    assert_false(tx_loss_explains(&loss, &of, (struct tx_position){3, 33, {31}})); /* of no log */
    assert_false(tx_loss_explains(&loss, &of, (struct tx_position){4, 44, {30}})); /* it is there */
    assert_false(tx_loss_explains(&loss, &of, (struct tx_position){101, 1, {1000}}));
    assert_false(tx_loss_explains(&loss, &of, (struct tx_position){0, 0, {1000}}));
    assert_false(tx_loss_explains(&none, &of, (struct tx_position){4, 44, {31}}));
    assert_true(tx_loss_holds(&loss, 100) && tx_loss_holds(&loss, 0));
    assert_false(tx_loss_holds(&loss, 101) || tx_loss_holds(&none, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_denies),
        cmocka_unit_test(test_what_it_lacks),
        cmocka_unit_test(test_epochs_leave_gaps),
        cmocka_unit_test(test_only_the_last_starts_are_kept),
        cmocka_unit_test(test_starts_ascend),
        cmocka_unit_test(test_what_a_loss_explains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
