#include "common/page.h"

#include "common/limits.h"

#include "tests/common/test.h"

static void a_page_has_the_rows_asked_for_and_no_more_than_fit_a_list(void **state)
{
    (void)state;
    assert_int_equal(tx_page_begin(7, 0).n_max, 7);
    assert_int_equal(tx_page_begin(0, 0).n_max, TX_STATUS_ROWS_MAX);
    assert_int_equal(tx_page_begin(TX_STATUS_ROWS_MAX, 0).n_max, TX_STATUS_ROWS_MAX);
    assert_int_equal(tx_page_begin(UINT32_MAX, 0).n_max, TX_STATUS_ROWS_MAX);
    struct tx_page page = tx_page_begin(2, 0);
    assert_false(tx_page_full(&page));
    assert_true(tx_page_add(&page, 1));
    assert_true(tx_page_add(&page, 1));
    assert_true(tx_page_full(&page));
    assert_false(tx_page_add(&page, 1));
    assert_int_equal(page.n, 2);
}

static void a_page_fits_a_frame_but_for_one_row(void **state)
{
    (void)state;
    struct tx_page page = tx_page_begin(0, 0);
    assert_true(tx_page_add(&page, TX_LOCKS_BYTES_MAX - 10));
    assert_false(tx_page_add(&page, 11));
    assert_int_equal(page.n, 1);
    assert_true(tx_page_add(&page, 10));
    assert_false(tx_page_add(&page, 1));
    assert_int_equal(page.bytes, TX_LOCKS_BYTES_MAX);

    struct tx_page large = tx_page_begin(0, 0);
    assert_true(tx_page_add(&large, 10 * TX_LOCKS_BYTES_MAX));
    assert_false(tx_page_add(&large, 0));
    assert_int_equal(large.n, 1);
}

static void looks_run_out_and_never_below_nothing(void **state)
{
    (void)state;
    struct tx_page page = tx_page_begin(0, 10);
    assert_true(tx_page_look(&page, 1));
    assert_int_equal(page.looks, 9);
    assert_true(tx_page_look(&page, 100));
    assert_int_equal(page.looks, 0);
    assert_false(tx_page_look(&page, 1));
    assert_int_equal(page.looks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_has_the_rows_asked_for_and_no_more_than_fit_a_list),
        cmocka_unit_test(a_page_fits_a_frame_but_for_one_row),
        cmocka_unit_test(looks_run_out_and_never_below_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
