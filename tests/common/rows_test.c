/* The rows of a scan: there and back, and bytes that are no rows. */
#include "common/rows.h"

#include "tests/common/test.h"

static const uint8_t zeroes[TX_VALUE_MAX + 1];

static struct tx_row row(const char *key, const char *value)
{
    return (struct tx_row){tx_bytes_str(key), tx_bytes_str(value)};
}

static void rows_come_back_in_order(void **state)
{
    (void)state;
    const struct tx_row rows[] = {row("a", "1"), row("b", ""), row("a longer key", "and value")};
    struct tx_buf packed = {0};
    size_t bytes = 0;
    for (size_t i = 0; i < 3; i++) {
        tx_rows_add(&packed, rows[i]);
        bytes += tx_row_size(rows[i]);
    }
    assert_int_equal(packed.len, bytes);
    size_t n;
    assert_int_equal(tx_rows_count(tx_buf_view(&packed), &n), TX_OK);
    assert_int_equal(n, 3);
    struct tx_reader reader = tx_reader(tx_buf_view(&packed));
    struct tx_row back;
    for (size_t i = 0; i < 3; i++) {
        assert_true(tx_rows_next(&reader, &back));
        assert_true(tx_bytes_equal(back.key, rows[i].key));
        assert_true(tx_bytes_equal(back.value, rows[i].value));
    }
    assert_false(tx_rows_next(&reader, &back));
    assert_true(tx_reader_done(&reader));
    tx_buf_deinit(&packed);
}

static void no_rows_are_rows(void **state)
{
    (void)state;
    size_t n = 7;
    assert_int_equal(tx_rows_count(tx_bytes(NULL, 0), &n), TX_OK);
    assert_int_equal(n, 0);
}

static void the_longest_row_fits(void **state)
{
    (void)state;
    struct tx_row longest = {tx_bytes(zeroes, TX_KEY_MAX), tx_bytes(zeroes, TX_VALUE_MAX)};
    struct tx_buf packed = {0};
    tx_rows_add(&packed, longest);
    assert_true(packed.len <= TX_ROWS_BYTES_MAX);
    size_t n;
    assert_int_equal(tx_rows_count(tx_buf_view(&packed), &n), TX_OK);
    assert_int_equal(n, 1);
    tx_buf_deinit(&packed);
}

static void other_bytes_are_no_rows(void **state)
{
    (void)state;
    struct tx_buf packed = {0};
    size_t n;
    tx_rows_add(&packed, row("key", "value"));
    tx_rows_add(&packed, row("more", "of it"));
    size_t first = tx_row_size(row("key", "value"));
    for (size_t len = 1; len < packed.len; len++) {
        enum tx_error expected = len == first ? TX_OK : TX_EFORMAT;
        assert_int_equal(tx_rows_count(tx_bytes(packed.data, len), &n), expected);
    }
    const struct tx_row bad[] = {
        {tx_bytes(NULL, 0), tx_bytes_str("a value without a key")},
        {tx_bytes(zeroes, TX_KEY_MAX + 1), tx_bytes_str("v")},
        {tx_bytes_str("k"), tx_bytes(zeroes, TX_VALUE_MAX + 1)},
    };
    for (size_t i = 0; i < 3; i++) {
        tx_buf_clear(&packed);
        tx_rows_add(&packed, bad[i]);
        assert_int_equal(tx_rows_count(tx_buf_view(&packed), &n), TX_EFORMAT);
    }
    tx_buf_deinit(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_in_order),
        cmocka_unit_test(no_rows_are_rows),
        cmocka_unit_test(the_longest_row_fits),
        cmocka_unit_test(other_bytes_are_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
