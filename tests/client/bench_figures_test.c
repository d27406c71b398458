/* The schedule of an open loop, slots of time, medians, mixes, and the books of a bank. */
#include "client/txbench/bench_mix.h"
#include "client/txbench/bench_money.h"
#include "client/txbench/bench_pace.h"
#include "client/txbench/bench_series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_the_schedule_does_not_drift(void **state)
{
    (void)state;
    const struct bench_pace pace = {.start_us = 5000, .rate = 3};
    assert_int_equal(bench_pace_due_us(&pace, 0), 5000);
    assert_int_equal(bench_pace_due_us(&pace, 1), 5000 + 333333);
    assert_int_equal(bench_pace_due_us(&pace, 2), 5000 + 666666);
    assert_int_equal(bench_pace_due_us(&pace, 3), 5000 + 1000000);
    assert_int_equal(bench_pace_due_us(&pace, 3000000), 5000 + UINT64_C(1000000000000));
}

static void test_slots(void **state)
{
    (void)state;
    struct bench_series series;
    bench_series_init(&series, 250000);
    assert_int_equal(series.width_us, BENCH_SERIES_WIDTH_US);
    assert_int_equal(series.n, 3);
    bench_series_record(&series, 0, 10);
    bench_series_record(&series, 99999, 30);
    bench_series_record(&series, 100000, 20);
    bench_series_record(&series, 300000, 99); /* behind the end */
    assert_int_equal(series.slots[0].committed, 2);
    assert_int_equal(series.slots[0].slowest_us, 30);
    assert_int_equal(series.slots[1].committed, 1);
    assert_int_equal(series.slots[2].committed, 0);
    assert_true(bench_series_rate(&series, 0) == 20);
    struct bench_series other = series;
    other.slots[1].slowest_us = 50;
    bench_series_merge(&series, &other);
    assert_int_equal(series.slots[0].committed, 4);
    assert_int_equal(series.slots[1].slowest_us, 50);
    /* However long, there is a slot for every moment, and not more of them than there is room. */
    static const uint64_t lengths[] = {0, 1, 6000000, 6000001, 86400000000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        bench_series_init(&series, lengths[i]);
        assert_true(series.n >= 1 && series.n <= BENCH_SERIES_SLOTS);
        assert_true(series.n * series.width_us >= lengths[i]);
    }
}

static void test_the_plot(void **state)
{
    (void)state;
    struct bench_series series;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    bench_series_init(&series, 300000);
    for (unsigned i = 0; i < 8; i++) {
        bench_series_record(&series, 0, 1000);
    }
    bench_series_record(&series, 250000, 2000);
    bench_series_print(out, &series);
    assert_int_equal(fclose(out), 0);
    /* The full height, nothing, and what is too little for a row but not nothing. */
    assert_non_null(strstr(text, "      80.0 |#  \n"));
    assert_non_null(strstr(text, "       0.0 |# #\n"));
    assert_non_null(strstr(text, "       2.0 |  #\n"));
    assert_non_null(strstr(text, "+--- 0.3 s\n"));
    free(text);
}

static void test_medians(void **state)
{
    (void)state;
    double odd[] = {9, 1, 5};
    double even[] = {9, 1, 5, 7};
    assert_true(bench_median(odd, 3) == 5);
    assert_true(bench_median(even, 4) == 6);
    assert_true(bench_median(NULL, 0) == 0);
}

static void test_a_mix_is_met(void **state)
{
    (void)state;
    struct bench_mix mix;
    char why[256];
    unsigned counts[BENCH_MIX_OPS] = {0};
    assert_true(bench_mix_parse("read=40,update=30,insert=5,scan=5,rmw=20", &mix, why, sizeof why));
    for (uint64_t i = 0; i < 1000; i++) {
        counts[bench_mix_choose(&mix, i)]++;
    }
    assert_int_equal(counts[BENCH_MIX_READ], 400);
    assert_int_equal(counts[BENCH_MIX_UPDATE], 300);
    assert_int_equal(counts[BENCH_MIX_INSERT], 50);
    assert_int_equal(counts[BENCH_MIX_SCAN], 50);
    assert_int_equal(counts[BENCH_MIX_RMW], 200);
    for (char letter[] = "a"; letter[0] <= 'f'; letter[0]++) {
        unsigned sum = 0;
        assert_true(bench_mix_parse(letter, &mix, why, sizeof why));
        for (size_t op = 0; op < BENCH_MIX_OPS; op++) {
            sum += mix.percent[op];
        }
        assert_int_equal(sum, 100);
    }
}

static void test_mixes_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } bad[] = {
        {"", "\"\" is no operation"},
        {"g", "\"g\" is no operation"},
        {"read", "\"read\" is no operation"},
        {"reads=100", "\"reads=100\" is no operation"},
        {"read=50,=50", "\"=50\" is no operation"},
        {"read=", "\"\" is no percentage"},
        {"read=-1", "\"-1\" is no percentage"},
        {"read=101", "\"101\" is no percentage"},
        {"read=50x,scan=50", "\"50x\" is no percentage"},
        {"read=50", "100, not 50"},
        {"read=60,scan=60", "100, not 120"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bench_mix mix;
        char why[256] = "";
        assert_false(bench_mix_parse(bad[i].text, &mix, why, sizeof why));
        if (strstr(why, bad[i].why) == NULL) {
            fail_msg("%s: %s", bad[i].text, why);
        }
    }
}

static void test_the_books(void **state)
{
    (void)state;
    struct bench_money money = {0};
    bench_money_book(&money, TXCLIENT_OK, false, 100);
    bench_money_book(&money, TXCLIENT_ABORTED, false, 7);
    bench_money_book(&money, TXCLIENT_EREFUSED, false, 9);
    assert_true(bench_money_allows(&money, 100));
    assert_false(bench_money_allows(&money, 99));
    assert_false(bench_money_allows(&money, 107));
    bench_money_book(&money, TXCLIENT_UNKNOWN, true, -30); /* it may have happened */
    assert_true(bench_money_allows(&money, 70));
    assert_true(bench_money_allows(&money, 100));
    assert_false(bench_money_allows(&money, 69));
    assert_false(bench_money_allows(&money, 101));
    assert_int_equal(atomic_load(&money.committed), 1);
    assert_int_equal(atomic_load(&money.lost), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_schedule_does_not_drift),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_the_plot),
        cmocka_unit_test(test_medians),
        cmocka_unit_test(test_a_mix_is_met),
        cmocka_unit_test(test_mixes_that_are_none),
        cmocka_unit_test(test_the_books),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
