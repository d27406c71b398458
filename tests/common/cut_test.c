#include "common/cut.h"

#include "common/msg.h"

#include "tests/common/test.h"

#include <string.h>

static struct tx_cuts cuts_to(uint64_t n)
{
    struct tx_cuts cuts = {.n = 0};
    for (uint64_t i = 1; i <= n; i++) {
        assert_true(tx_cuts_add(&cuts, (struct tx_cut){2 * i, {100 * i}, 1000 * i}));
    }
    return cuts;
}

static void test_numbers_and_positions_ascend(void **unused)
{
    (void)unused;
    struct tx_cuts cuts = {.n = 0};
    assert_int_equal(tx_cuts_last(&cuts), 0);
    assert_false(tx_cuts_add(&cuts, (struct tx_cut){0, {5}, 0}));
    assert_false(tx_cuts_add(&cuts, (struct tx_cut){1, {0}, 0}));
    assert_true(tx_cuts_add(&cuts, (struct tx_cut){3, {5}, 0}));
    assert_false(tx_cuts_add(&cuts, (struct tx_cut){3, {6}, 0}));
    assert_false(tx_cuts_add(&cuts, (struct tx_cut){2, {6}, 0}));
    assert_false(tx_cuts_add(&cuts, (struct tx_cut){4, {5}, 0}));
    assert_false(tx_cuts_add(&cuts, (struct tx_cut){TX_CUT_LAST + 1, {6}, 0}));
    assert_int_equal(tx_cuts_last(&cuts), 3);
    assert_true(tx_cuts_add(&cuts, (struct tx_cut){TX_CUT_LAST, {6}, 0}));
}

/* 2, 4, 6, ...: who has missed 3 has it with 4. */
static void test_the_first_that_is_not_lower_stands_for_it(void **unused)
{
    (void)unused;
    struct tx_cuts cuts = cuts_to(4);
    assert_int_equal(tx_cuts_find(&cuts, 1)->number, 2);
    assert_int_equal(tx_cuts_find(&cuts, 2)->number, 2);
    assert_int_equal(tx_cuts_find(&cuts, 3)->number, 4);
    assert_int_equal(tx_cuts_find(&cuts, 8)->lsn.n, 400);
    assert_null(tx_cuts_find(&cuts, 9));
}

/* What was dropped may have stood for any lower number: nobody guesses. */
static void test_the_oldest_are_forgotten(void **unused)
{
    (void)unused;
    struct tx_cuts cuts = cuts_to(TX_CUTS_KEPT);
    struct tx_why why = {""};
    assert_int_equal(cuts.n, TX_CUTS_KEPT);
    assert_int_equal(tx_cuts_find(&cuts, 2)->number, 2);
    assert_true(tx_cuts_add(&cuts, (struct tx_cut){100, {9999}, 0}));
    assert_int_equal(cuts.n, TX_CUTS_KEPT);
    assert_true(tx_cuts_forgotten(&cuts, 3));
    assert_null(tx_cuts_find(&cuts, 3));
    assert_int_equal(tx_cut_may_ask(&cuts, 3, &why), TX_ENOTFOUND);
    assert_non_null(strstr(why.text, "forgotten"));
    assert_int_equal(tx_cuts_find(&cuts, 4)->number, 4);
    assert_int_equal(tx_cut_may_ask(&cuts, 4, &why), TX_OK);
    assert_int_equal(tx_cut_may_ask(&cuts, 101, &why), TX_OK); /* it may come */
    assert_int_equal(tx_cut_may_ask(&cuts, UINT64_MAX, &why), TX_EINVAL);
}

static void test_what_a_number_in_a_frame_means(void **unused)
{
    (void)unused;
    assert_int_equal(tx_cut_judge(0, 0), TX_CUT_KNOWN);
    assert_int_equal(tx_cut_judge(7, 0), TX_CUT_KNOWN);
    assert_int_equal(tx_cut_judge(7, 7), TX_CUT_KNOWN);
    assert_int_equal(tx_cut_judge(7, 8), TX_CUT_NEWER);
    assert_int_equal(tx_cut_judge(7, 7 + TX_CUT_AHEAD_MAX), TX_CUT_NEWER);
    assert_int_equal(tx_cut_judge(7, 8 + TX_CUT_AHEAD_MAX), TX_CUT_IMPOSSIBLE);
    assert_int_equal(tx_cut_judge(7, UINT64_MAX), TX_CUT_IMPOSSIBLE);
    assert_int_equal(tx_cut_judge(TX_CUT_LAST - 1, TX_CUT_LAST), TX_CUT_NEWER);
    assert_int_equal(tx_cut_judge(TX_CUT_LAST, TX_CUT_LAST + 1), TX_CUT_IMPOSSIBLE);
}

static void test_askers_are_answered_once_it_is_durable(void **unused)
{
    (void)unused;
    struct tx_cuts cuts = cuts_to(2); /* 2 at 100, 4 at 200 */
    struct tx_cut_askers askers = {.n = 0};
    struct tx_cut_asker asker, none;
    struct tx_cut cut;
    assert_false(tx_cut_askers_add(&askers, (struct tx_cut_asker){1, 11, 4}, &none));
    assert_false(tx_cut_askers_add(&askers, (struct tx_cut_asker){2, 22, 1}, &none));
    assert_false(tx_cut_askers_add(&askers, (struct tx_cut_asker){3, 33, 9}, &none));
    assert_false(tx_cut_askers_take(&askers, &cuts, (struct tx_lsn){99}, &asker, &cut));
    assert_true(tx_cut_askers_take(&askers, &cuts, (struct tx_lsn){199}, &asker, &cut));
    assert_int_equal(asker.req, 22);
    assert_int_equal(cut.number, 2);
    assert_false(tx_cut_askers_take(&askers, &cuts, (struct tx_lsn){199}, &asker, &cut));
    assert_true(tx_cut_askers_take(&askers, &cuts, (struct tx_lsn){200}, &asker, &cut));
    assert_int_equal(asker.req, 11);
    assert_false(tx_cut_askers_take(&askers, &cuts, (struct tx_lsn){999}, &asker, &cut));
    assert_int_equal(askers.n, 1);
}

static void test_the_longest_waiting_makes_room(void **unused)
{
    (void)unused;
    struct tx_cut_askers askers = {.n = 0};
    struct tx_cut_asker given_up;
    for (uint64_t i = 0; i < TX_CUT_ASKERS_MAX; i++) {
        assert_false(tx_cut_askers_add(&askers, (struct tx_cut_asker){i, i, 1}, &given_up));
    }
    assert_true(tx_cut_askers_add(&askers, (struct tx_cut_asker){77, 77, 1}, &given_up));
    assert_int_equal(given_up.client, 0);
    assert_int_equal(askers.n, TX_CUT_ASKERS_MAX);
    assert_int_equal(askers.items[askers.n - 1].client, 77);
}

/* A snapshot of the log repeats the cuts that are known; elsewhere each stands at its own place. */
static void test_records_follow_or_repeat(void **unused)
{
    (void)unused;
    struct tx_cuts cuts = cuts_to(2); /* 2 at 100, 4 at 200 */
    struct tx_why why = {""};
    const struct tx_lsn at = {300};
    assert_int_equal(tx_cuts_recover(&cuts, (struct tx_cut){4, {200}, 0}, at, true, &why), TX_OK);
    assert_int_equal(cuts.n, 2);
    assert_int_equal(tx_cuts_recover(&cuts, (struct tx_cut){5, {250}, 0}, at, true, &why), TX_OK);
    assert_int_equal(tx_cuts_recover(&cuts, (struct tx_cut){6, at, 0}, at, false, &why), TX_OK);
    assert_int_equal(tx_cuts_last(&cuts), 6);
    assert_int_equal(cuts.n, 4);

    const struct tx_cut wrong[] = {{6, {300}, 0}, {7, {350}, 0}, {7, {301}, 0}};
    const bool restating[] = {false, false, true};
    const struct tx_lsn places[] = {{301}, {360}, {301}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tx_cuts_recover(&cuts, wrong[i], places[i], restating[i], &why),
                         TX_ECORRUPT);
        assert_non_null(strstr(why.text, "does not follow cut 6"));
        assert_int_equal(tx_cuts_last(&cuts), 6);
    }
}

static void test_an_answer_names_the_cut_that_stands_for_it(void **unused)
{
    (void)unused;
    struct tx_msg answer;
    tx_cut_answer((struct tx_cut_asker){1, 11, 3}, (struct tx_cut){4, {200}, 2000}, &answer);
    assert_int_equal(answer.type, TX_MSG_CUT);
    assert_int_equal(answer.cut.req, 11);
    assert_int_equal(answer.cut.number, 3);
    assert_int_equal(answer.cut.taken, 4);
    assert_int_equal(answer.cut.lsn.n, 200);
    assert_int_equal(answer.cut.time_ms, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_and_positions_ascend),
        cmocka_unit_test(test_the_first_that_is_not_lower_stands_for_it),
        cmocka_unit_test(test_the_oldest_are_forgotten),
        cmocka_unit_test(test_what_a_number_in_a_frame_means),
        cmocka_unit_test(test_askers_are_answered_once_it_is_durable),
        cmocka_unit_test(test_the_longest_waiting_makes_room),
        cmocka_unit_test(test_records_follow_or_repeat),
        cmocka_unit_test(test_an_answer_names_the_cut_that_stands_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
