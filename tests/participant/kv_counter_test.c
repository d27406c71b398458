/* Counters: the text form, the bounds, the edges of 64 bits. */
#include "participant/kv_counter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static bool parses(const char *text, int64_t expected)
{
    int64_t value = 77;
    return kv_counter_parse(tx_bytes_str(text), &value) == TX_OK && value == expected;
}

static bool refused(const char *text, size_t len)
{
    int64_t value = 77;
    return kv_counter_parse(tx_bytes(text, len), &value) == TX_EFORMAT && value == 77;
}

static void numbers_are_read(void **state)
{
    (void)state;
    assert_true(parses("0", 0));
    assert_true(parses("-0", 0));
    assert_true(parses("7", 7));
    assert_true(parses("-1", -1));
    assert_true(parses("007", 7));
    assert_true(parses("9223372036854775807", INT64_MAX));
    assert_true(parses("-9223372036854775808", INT64_MIN));
    assert_true(parses("00000000000000000001", 1));
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "--1",
                                      "1-",
                                      "0x10",
                                      "1.0",
                                      "abc",
                                      "1e3",
                                      "9223372036854775808",
                                      "/",
                                      ":",
                                      "12a",
                                      "-9223372036854775809",
                                      "99999999999999999999",
                                      "000000000000000000001"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_true(refused(bad[i], strlen(bad[i])));
    assert_true(refused("1\0", 2));
}

static void printing_and_reading_agree(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, -1, 10, INT64_MAX, INT64_MIN};
    char text[KV_COUNTER_TEXT];
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct tx_bytes printed = kv_counter_print(values[i], text);
        int64_t value = 77;
        assert_int_equal(kv_counter_parse(printed, &value), TX_OK);
        assert_true(value == values[i] && printed.data[printed.len] == '\0');
    }
}

/* The reason of an add, with the sum where there is one. */
static enum tx_reason add(int64_t old, struct tx_op op, int64_t *sum, struct tx_why *why)
{
    op.type = TX_OP_ADD;
    enum tx_reason reason = kv_counter_add(old, &op, sum);
    if (reason != TX_REASON_NONE)
        kv_counter_explain(old, &op, reason, "s/k", why);
    return reason;
}

static void bounds_are_inclusive(void **state)
{
    (void)state;
    int64_t sum = 0;
    struct tx_why why = {{0}};
    struct tx_op op = {.delta = -5, .has_min = true, .min = 0, .has_max = true, .max = 10};
    assert_int_equal(add(5, op, &sum, &why), TX_REASON_NONE);
    assert_int_equal(sum, 0);
    assert_int_equal(add(4, op, &sum, &why), TX_REASON_FLOOR);
    assert_string_equal(why.text, "add s/k: 4 with -5 added would be below the floor of 0");
    op.delta = 6;
    assert_int_equal(add(4, op, &sum, &why), TX_REASON_NONE);
    assert_int_equal(sum, 10);
    assert_int_equal(add(5, op, &sum, &why), TX_REASON_CEILING);
    assert_string_equal(why.text, "add s/k: 5 with 6 added would be above the ceiling of 10");
    /* The sum is what counts, not the direction. */
    assert_int_equal(add(-20, op, &sum, &why), TX_REASON_FLOOR);
}

static void without_bounds_only_the_width_counts(void **state)
{
    (void)state;
    int64_t sum = 0;
    struct tx_why why = {{0}};
    struct tx_op op = {.delta = 1, .min = 100, .max = -100};
    assert_int_equal(add(0, op, &sum, &why), TX_REASON_NONE);
    assert_int_equal(add(INT64_MAX - 1, op, &sum, &why), TX_REASON_NONE);
    assert_int_equal(add(INT64_MAX, op, &sum, &why), TX_REASON_CEILING);
    assert_non_null(strstr(why.text, "more than"));
    op.delta = -1;
    assert_int_equal(add(INT64_MIN + 1, op, &sum, &why), TX_REASON_NONE);
    assert_int_equal(add(INT64_MIN, op, &sum, &why), TX_REASON_FLOOR);
    assert_non_null(strstr(why.text, "less than"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(printing_and_reading_agree),
        cmocka_unit_test(bounds_are_inclusive),
        cmocka_unit_test(without_bounds_only_the_width_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
