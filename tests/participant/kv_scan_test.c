/* Scans of the key-value store on a real log: own writes, commits that are not on disk yet, and
 * what is stored, merged in order, in both directions. */
#include "kv_fixture.h"

#include "common/rows.h"
#include "txlog/redo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct kv_fixture fixture;
static uint64_t next_seq; /* of the transactions that commit at once */

static int setup(void **state)
{
    (void)state;
    next_seq = 1000;
    kv_fixture_start(&fixture, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_fixture_end(&fixture);
    return 0;
}

static struct rm_answer execute(uint64_t seq, struct tx_op op)
{
    struct rm_answer answer;
    fixture.rm->vtable->execute(fixture.rm, kv_fixture_tx(seq), &op, &answer);
    return answer;
}

static void write_to(uint64_t seq, const char *space, struct tx_bytes key, struct tx_bytes value)
{
    struct tx_op op = {.type = TX_OP_PUT, .space = tx_bytes_str(space), .key = key, .value = value};
    assert_int_equal(execute(seq, op).status, RM_OK);
}

static void put(uint64_t seq, const char *key, const char *value)
{
    write_to(seq, "s", tx_bytes_str(key), tx_bytes_str(value));
}

static void erase(uint64_t seq, const char *key)
{
    struct tx_op op = {.type = TX_OP_DELETE, .space = tx_bytes_str("s"), .key = tx_bytes_str(key)};
    assert_int_equal(execute(seq, op).status, RM_OK);
}

static void commit(uint64_t seq)
{
    (void)kv_fixture_commit(&fixture, kv_fixture_tx(seq));
}

/* All that is committed goes to disk, and the store hears of it. */
static void store_all(void)
{
    kv_fixture_sync(&fixture);
    fixture.rm->vtable->durable(fixture.rm, fixture.last);
}

static struct tx_op scan_op(const char *from, const char *to, uint32_t limit, bool reverse)
{
    return (struct tx_op){.type = TX_OP_SCAN,
                          .space = tx_bytes_str("s"),
                          .key = tx_bytes_str(from),
                          .to = tx_bytes_str(to),
                          .limit = limit,
                          .reverse = reverse};
}

/* The rows as "a=1 b=2", and "+" behind when there may be more. */
static void expect_scan(uint64_t seq, struct tx_op op, const char *expected)
{
    char text[600] = "";
    size_t used = 0;
    struct rm_answer answer = execute(seq, op);
    assert_int_equal(answer.status, RM_OK);
    struct tx_reader reader = tx_reader(answer.result.value);
    struct tx_row row;
    while (tx_rows_next(&reader, &row))
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s=%.*s",
                                 used > 0 ? " " : "", (int)row.key.len, (const char *)row.key.data,
                                 (int)row.value.len, (const char *)row.value.data);
    assert_true(tx_reader_done(&reader));
    (void)snprintf(text + used, sizeof text - used, "%s", answer.result.found ? "+" : "");
    assert_string_equal(text, expected);
}

static void expect_both(uint64_t seq, const char *from, const char *to, const char *forward,
                        const char *backward)
{
    expect_scan(seq, scan_op(from, to, 100, false), forward);
    expect_scan(seq, scan_op(from, to, 100, true), backward);
}

/* ---- merging ---- */

/* On disk a c e g; in the overlay: b c e; own: c d g. Each layer puts and deletes. */
static void make_layers(uint64_t own)
{
    static const char *const stored[] = {"a", "c", "e", "g"};
    for (size_t i = 0; i < 4; i++)
        put(next_seq, stored[i], "disk");
    commit(next_seq++);
    store_all();
    put(next_seq, "b", "new");
    put(next_seq, "c", "new");
    erase(next_seq, "e");
    commit(next_seq++);
    erase(own, "c");
    put(own, "d", "own");
    put(own, "g", "own");
}

static void three_layers_are_one(void **state)
{
    (void)state;
    make_layers(1);
    expect_both(1, "", "", "a=disk b=new d=own g=own", "g=own d=own b=new a=disk");
    expect_both(2, "", "", "a=disk b=new c=new g=disk", "g=disk c=new b=new a=disk");
    commit(1);
    expect_both(2, "", "", "a=disk b=new d=own g=own", "g=own d=own b=new a=disk");
    store_all();
    expect_both(2, "", "", "a=disk b=new d=own g=own", "g=own d=own b=new a=disk");
    kv_fixture_reopen(&fixture);
    expect_both(2, "", "", "a=disk b=new d=own g=own", "g=own d=own b=new a=disk");
}

static void bounds_are_kept_in_every_layer(void **state)
{
    (void)state;
    make_layers(1);
    expect_both(1, "b", "d", "b=new", "b=new"); /* the end is not included, the beginning is */
    expect_both(1, "c", "g", "d=own", "d=own");
    expect_both(2, "b", "g", "b=new c=new", "c=new b=new");
    expect_both(2, "a", "c", "a=disk b=new", "b=new a=disk");
    expect_both(1, "d", "", "d=own g=own", "g=own d=own");
    expect_both(1, "", "b", "a=disk", "a=disk");
    expect_both(2, "e", "g", "", "");
    expect_both(2, "x", "", "", "");
    expect_both(2, "", "A", "", "");
}

static void a_limit_cuts_in_every_layer(void **state)
{
    (void)state;
    make_layers(1);
    static const char *const forward[] = {"a=disk+", "a=disk b=new+", "a=disk b=new d=own+",
                                          "a=disk b=new d=own g=own+"};
    static const char *const backward[] = {"g=own+", "g=own d=own+", "g=own d=own b=new+",
                                           "g=own d=own b=new a=disk+"};
    for (uint32_t limit = 1; limit <= 4; limit++) {
        expect_scan(1, scan_op("", "", limit, false), forward[limit - 1]);
        expect_scan(1, scan_op("", "", limit, true), backward[limit - 1]);
    }
    expect_scan(1, scan_op("", "", 5, false), "a=disk b=new d=own g=own");
}

static void deleted_rows_do_not_count(void **state)
{
    (void)state;
    char key[8];
    for (int i = 0; i < 40; i++) {
        (void)snprintf(key, sizeof key, "k%02d", i);
        put(next_seq, key, "v");
    }
    commit(next_seq++);
    store_all();
    for (int i = 1; i < 20; i++) { /* on disk */
        (void)snprintf(key, sizeof key, "k%02d", i);
        erase(next_seq, key);
    }
    commit(next_seq++);
    store_all();
    for (int i = 20; i < 30; i++) { /* on the way there */
        (void)snprintf(key, sizeof key, "k%02d", i);
        erase(next_seq, key);
    }
    commit(next_seq++);
    for (int i = 30; i < 38; i++) { /* its own */
        (void)snprintf(key, sizeof key, "k%02d", i);
        erase(1, key);
    }
    expect_scan(1, scan_op("", "", 2, false), "k00=v k38=v+");
    expect_scan(1, scan_op("", "k38", 2, true), "k00=v");
    expect_scan(1, scan_op("", "", 2, true), "k39=v k38=v+");
    expect_scan(1, scan_op("k01", "k38", 2, false), "");
}

static void nothing_to_find(void **state)
{
    (void)state;
    expect_both(1, "", "", "", "");
    erase(1, "a");
    expect_both(1, "", "", "", "");
    put(1, "a", "1");
    erase(1, "a");
    expect_both(1, "", "", "", "");
}

/* ---- keyspaces, and the ends of what is possible ---- */

/* Their keys lie beside each other in the store. */
static void keyspaces_do_not_mix(void **state)
{
    (void)state;
    char longest[TX_SPACE_MAX + 1];
    memset(longest, 0xff, TX_SPACE_MAX);
    longest[TX_SPACE_MAX] = '\0';
    const char *const spaces[] = {"r", "s", "t", "ss", "\xff", "\x01", longest};
    for (int layer = 0; layer < 3; layer++) {
        for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
            char value[4] = {(char)('0' + i), '\0'};
            char key[4] = {(char)('a' + layer), '\0'};
            uint64_t seq = layer == 2 ? 1 : next_seq;
            write_to(seq, spaces[i], tx_bytes_str(key), tx_bytes_str(value));
            key[0] = (char)0xff;
            key[1] = (char)(layer + 1);
            write_to(seq, spaces[i], tx_bytes_str(key), tx_bytes_str(value));
        }
        if (layer < 2)
            commit(next_seq++);
        if (layer == 0)
            store_all();
    }
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        char expected[100];
        struct tx_op op = scan_op("", "", 100, false);
        op.space = tx_bytes_str(spaces[i]);
        (void)snprintf(expected, sizeof expected,
                       "a=%zu b=%zu c=%zu \xff\x01=%zu \xff\x02=%zu \xff\x03=%zu", i, i, i, i, i,
                       i);
        expect_scan(1, op, expected);
        op.reverse = true;
        op.limit = 4;
        (void)snprintf(expected, sizeof expected, "\xff\x03=%zu \xff\x02=%zu \xff\x01=%zu c=%zu+",
                       i, i, i, i);
        expect_scan(1, op, expected);
    }
}

static void the_longest_keys_and_bounds(void **state)
{
    (void)state;
    static uint8_t key[TX_KEY_MAX], bound[TX_BOUND_MAX];
    memset(key, 0xff, sizeof key);
    memset(bound, 0xff, TX_KEY_MAX);
    bound[TX_KEY_MAX] = 0; /* the place right behind it */
    for (int own = 0; own <= 1; own++) {
        write_to(own ? 1 : next_seq, "s", tx_bytes(key, sizeof key), tx_bytes_str("last"));
        write_to(own ? 1 : next_seq, "s", tx_bytes(key, sizeof key - 1), tx_bytes_str("before"));
        if (own)
            continue;
        commit(next_seq++);
        store_all();
    }
    struct tx_op op = scan_op("", "", 100, false);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        size_t n;
        op.key = tx_bytes(key, sizeof key);
        op.to = tx_bytes(bound, sizeof bound);
        assert_int_equal(tx_rows_count(execute(seq, op).result.value, &n), TX_OK);
        assert_int_equal(n, 1);
        op.key = tx_bytes(bound, sizeof bound); /* where a client goes on */
        op.to = tx_bytes(NULL, 0);
        expect_scan(seq, op, "");
        op.key = tx_bytes(NULL, 0);
        op.to = tx_bytes(key, sizeof key);
        op.reverse = true;
        assert_int_equal(tx_rows_count(execute(seq, op).result.value, &n), TX_OK);
        assert_int_equal(n, 1);
        op.reverse = false;
    }
}

/* ---- size ---- */

static size_t count_rows(struct rm_answer answer)
{
    size_t n = 0;
    assert_int_equal(answer.status, RM_OK);
    assert_int_equal(tx_rows_count(answer.result.value, &n), TX_OK);
    return n;
}

static void a_scan_ends_at_its_bytes(void **state)
{
    (void)state;
    static uint8_t value[TX_VALUE_MAX];
    const size_t each = TX_SCAN_BYTES_MAX / 4;
    char key[8];
    for (int i = 0; i < 6; i++) { /* rows of a quarter of the size */
        (void)snprintf(key, sizeof key, "k%d", i);
        write_to(1, "s", tx_bytes_str(key), tx_bytes(value, each - 4 - 2 - 4));
    }
    struct rm_answer answer = execute(1, scan_op("", "", 100, false));
    assert_int_equal(count_rows(answer), 4);
    assert_int_equal(answer.result.value.len, TX_SCAN_BYTES_MAX);
    assert_true(answer.result.found);
    answer = execute(1, scan_op("k4", "", 100, false));
    assert_int_equal(count_rows(answer), 2);
    assert_false(answer.result.found);
    write_to(1, "s", tx_bytes_str("k3"), tx_bytes(value, each - 4 - 2 - 3)); /* a byte too much */
    answer = execute(1, scan_op("", "", 100, false));
    assert_int_equal(count_rows(answer), 3);
    assert_true(answer.result.found);
}

/* Or nobody could read it. */
static void one_row_always_comes(void **state)
{
    (void)state;
    static uint8_t value[TX_VALUE_MAX];
    put(1, "a", "small");
    write_to(1, "s", tx_bytes_str("b"), tx_bytes(value, sizeof value));
    put(1, "c", "small");
    assert_int_equal(count_rows(execute(1, scan_op("", "", 100, false))), 1);
    struct rm_answer answer = execute(1, scan_op("b", "", 100, false));
    assert_int_equal(count_rows(answer), 1);
    assert_true(answer.result.value.len > sizeof value);
    assert_true(answer.result.found);
    assert_int_equal(count_rows(execute(1, scan_op("c", "", 100, false))), 1);
}

/* ---- refusals and failures ---- */

static void an_impossible_scan_is_refused(void **state)
{
    (void)state;
    struct rm_answer answer = execute(1, scan_op("b", "a", 1, false));
    assert_int_equal(answer.status, RM_ROLLED_BACK);
    assert_int_equal(answer.reason, TX_REASON_REFUSED);
    answer = execute(1, scan_op("", "", 0, false));
    assert_int_equal(answer.status, RM_ROLLED_BACK);
    answer = execute(1, scan_op("", "", TX_SCAN_ROWS_MAX + 1, false));
    assert_int_equal(answer.reason, TX_REASON_LIMIT);
}

/* Gives a row and then fails, as a damaged file would. */
static enum tx_error fails_on_the_way(struct txlog *log, const struct txlog_range *range,
                                      bool (*visit)(void *arg, struct tx_bytes key,
                                                    struct tx_bytes value),
                                      void *arg, struct tx_why *why)
{
    struct tx_buf key = {0};
    (void)log;
    (void)range;
    redo_data_key(tx_bytes_str("s"), tx_bytes_str("b"), &key);
    assert_true(visit(arg, tx_buf_view(&key), tx_bytes_str("v")));
    tx_buf_deinit(&key);
    return tx_why(why, TX_ECORRUPT, "a block is damaged");
}

static void damage_is_no_end(void **state)
{
    (void)state;
    const struct txlog_vtable vtable = {.data_scan = fails_on_the_way};
    struct txlog log = {.vtable = &vtable};
    struct rm *rm = NULL;
    struct rm_answer answer;
    assert_int_equal(kv_open(&log, 0, &rm, NULL), TX_OK);
    struct tx_op op = scan_op("", "", 100, false);
    rm->vtable->execute(rm, kv_fixture_tx(1), &op, &answer);
    assert_int_equal(answer.status, RM_FAILED);
    assert_true(tx_bytes_equal(answer.text, tx_bytes_str("a block is damaged")));
    assert_int_equal(answer.result.value.len, 0);
    rm->vtable->close(&rm);
}

/* The overlay may go while a result is still on its way to the client. */
static void a_result_outlives_the_overlay(void **state)
{
    (void)state;
    put(next_seq, "a", "new");
    commit(next_seq++);
    struct rm_answer answer = execute(1, scan_op("", "", 100, false));
    store_all();
    struct tx_reader reader = tx_reader(answer.result.value);
    struct tx_row row;
    assert_true(tx_rows_next(&reader, &row));
    assert_true(tx_bytes_equal(row.value, tx_bytes_str("new")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(three_layers_are_one),
        TEST(bounds_are_kept_in_every_layer),
        TEST(a_limit_cuts_in_every_layer),
        TEST(deleted_rows_do_not_count),
        TEST(nothing_to_find),
        TEST(keyspaces_do_not_mix),
        TEST(the_longest_keys_and_bounds),
        TEST(a_scan_ends_at_its_bytes),
        TEST(one_row_always_comes),
        TEST(an_impossible_scan_is_refused),
        TEST(damage_is_no_end),
        TEST(a_result_outlives_the_overlay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
