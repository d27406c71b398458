/* Scans of the data beside the log: bounds, directions, where a visitor stops, what is deleted, and
 * damage, which is never taken for the end. */
#include "log_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { KEYS = 2000, VALUE_BYTES = 500, PER_RECORD = 100 };

static void append(struct txlog *log, const struct txlog_put *puts, size_t n)
{
    struct tx_buf record = {0};
    struct tx_lsn lsn = {txlog_last(log).n + 1};
    fixture_record(lsn.n, 10, &record);
    struct txlog_append append = {lsn, tx_buf_view(&record), puts, n};
    assert_int_equal(txlog_append(log, &append, 1, true, NULL), TX_OK);
    tx_buf_deinit(&record);
}

/* "k000000", "k000002", ...: the odd ones are absent, and every 14th is deleted again. */
static char key_texts[KEYS][16];

static bool is_there(size_t i)
{
    return i % 2 == 0 && i % 14 != 0;
}

static struct txlog *make_keys(void)
{
    static const uint8_t value[VALUE_BYTES];
    struct txlog *log = fixture_open(fixture_dir);
    for (size_t i = 0; i < KEYS; i++)
        (void)snprintf(key_texts[i], sizeof key_texts[i], "k%06zu", i);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t first = 0; first < KEYS; first += PER_RECORD) {
            struct txlog_put puts[PER_RECORD];
            size_t n = 0;
            for (size_t i = first; i < first + PER_RECORD; i++) {
                struct tx_bytes key = tx_bytes_str(key_texts[i]);
                if (pass == 0 && i % 2 == 0)
                    puts[n++] = (struct txlog_put){key, tx_bytes(value, sizeof value), false};
                else if (pass == 1 && i % 14 == 0)
                    puts[n++] = (struct txlog_put){key, {0}, true};
            }
            append(log, puts, n);
        }
    }
    return log;
}

struct walk {
    size_t next;   /* the key that must come */
    size_t stop_n; /* that many more; then false */
    size_t n;
    bool reverse;
};

static void pass_absent(struct walk *walk)
{
    while (walk->next < KEYS && !is_there(walk->next))
        walk->next += walk->reverse ? SIZE_MAX : 1; /* below 0 is above KEYS */
}

static bool expect_next(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    struct walk *walk = arg;
    pass_absent(walk);
    assert_true(walk->next < KEYS);
    assert_true(tx_bytes_equal(key, tx_bytes_str(key_texts[walk->next])));
    assert_int_equal(value.len, VALUE_BYTES);
    walk->next += walk->reverse ? SIZE_MAX : 1;
    return ++walk->n < walk->stop_n;
}

/* From the `from`-th key up to the `to`-th; KEYS: no bound at all. Gives how many came. */
static size_t scan(struct txlog *log, size_t from, size_t to, bool reverse, size_t stop_n)
{
    struct txlog_range range = {.reverse = reverse};
    struct walk walk = {.next = reverse ? to - 1 : from, .stop_n = stop_n, .reverse = reverse};
    if (from > 0)
        range.from = tx_bytes_str(key_texts[from]);
    if (to < KEYS)
        range.to = tx_bytes_str(key_texts[to]);
    assert_int_equal(txlog_data_scan(log, &range, expect_next, &walk, NULL), TX_OK);
    return walk.n;
}

static size_t count(size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        n += is_there(i);
    return n;
}

static void check_scans(struct txlog *log)
{
    static const size_t bounds[][2] = {{0, KEYS},  {1, KEYS},    {0, 1},      {0, 15},
                                       {14, 15},   {13, 16},     {500, 1500}, {501, 1501},
                                       {501, 502}, {1400, 1401}, {2, 3},      {KEYS - 1, KEYS},
                                       {10, KEYS}, {0, KEYS - 1}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        size_t from = bounds[i][0], to = bounds[i][1];
        size_t all = count(from, to);
        for (int reverse = 0; reverse <= 1; reverse++) {
            assert_int_equal(scan(log, from, to, reverse, SIZE_MAX), all);
            assert_int_equal(scan(log, from, to, reverse, 1), all > 0);
            assert_int_equal(scan(log, from, to, reverse, 7), all < 7 ? all : 7);
        }
    }
}

static void ranges_in_both_directions(void **state)
{
    (void)state;
    struct txlog *log = make_keys();
    check_scans(log); /* in memory */
    txlog_close(&log);
    log = fixture_open(fixture_dir); /* in table files */
    check_scans(log);
    txlog_close(&log);
}

static bool no_row(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    (void)arg;
    (void)key;
    (void)value;
    fail_msg("there is no row");
    return false;
}

static void an_empty_store_has_no_rows(void **state)
{
    (void)state;
    struct txlog *log = fixture_open(fixture_dir);
    struct txlog_range range = {.to = tx_bytes_str("k")};
    for (int reverse = 0; reverse <= 1; reverse++) {
        range.reverse = reverse;
        assert_int_equal(txlog_data_scan(log, &range, no_row, NULL, NULL), TX_OK);
    }
    txlog_close(&log);
}

struct writing {
    struct txlog *log;
    struct walk walk;
};

/* Puts a key in front and one behind, and deletes the next. */
static bool write_meanwhile(void *arg, struct tx_bytes key, struct tx_bytes value)
{
    struct writing *writing = arg;
    if (writing->walk.n == 0) {
        const struct txlog_put puts[] = {
            {tx_bytes_str("k000003"), tx_bytes_str("front"), false},
            {tx_bytes_str("k9"), tx_bytes_str("behind"), false},
            {tx_bytes_str("k001000"), {0}, true},
        };
        append(writing->log, puts, 3);
    }
    return expect_next(&writing->walk, key, value);
}

/* The writer of the log is another thread, and does not wait for readers. */
static void a_scan_shows_one_moment(void **state)
{
    (void)state;
    struct writing writing = {.log = make_keys(), .walk = {.stop_n = SIZE_MAX}};
    struct txlog_range all = {0};
    assert_int_equal(txlog_data_scan(writing.log, &all, write_meanwhile, &writing, NULL), TX_OK);
    assert_int_equal(writing.walk.n, count(0, KEYS));
    txlog_close(&writing.log);
}

/* What is in front of the damage comes; then an error, not the end. */
static void damage_is_an_error(void **state)
{
    (void)state;
    struct txlog *log = make_keys();
    txlog_close(&log);
    log = fixture_open(fixture_dir);
    txlog_close(&log);
    const char *table = fixture_biggest(fixture_dir, ".sst");
    assert_true(fixture_size(table) > (off_t)count(0, KEYS) * VALUE_BYTES);
    fixture_flip(table, fixture_size(table) / 2);
    log = fixture_open(fixture_dir); /* the data are not read by opening */
    for (int reverse = 0; reverse <= 1; reverse++) {
        struct txlog_range range = {.reverse = reverse};
        struct walk walk = {.next = reverse ? KEYS - 1 : 0, .stop_n = SIZE_MAX, .reverse = reverse};
        struct tx_why why = {{0}};
        assert_int_equal(txlog_data_scan(log, &range, expect_next, &walk, &why), TX_ECORRUPT);
        assert_true(walk.n > 100 && walk.n < count(0, KEYS));
        assert_non_null(strstr(why.text, "txrecover verify"));
        assert_int_equal(scan(log, 0, KEYS, reverse, 100), 100); /* which does not come so far */
    }
    txlog_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
        TEST(ranges_in_both_directions),
        TEST(an_empty_store_has_no_rows),
        TEST(a_scan_shows_one_moment),
        TEST(damage_is_an_error),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
