/* Scans and isolation levels against played daemons: pages, their ends, what is not believed, and
 * which level travels. */
#include "tests/client/api_fixture.h"

#include <stdio.h>
#include <string.h>

static void rows_there(unsigned n, unsigned max_at_once)
{
    fake_lock(&fake);
    fake.rows_n = n;
    fake.rows_max = max_at_once;
    fake_unlock(&fake);
}

static txclient_cursor *scan(txclient_tx *tx, txclient_range range, txclient_scan_options options)
{
    txclient_cursor *cursor = NULL;
    options.size = sizeof options;
    expect(txclient_scan(tx, &range, &options, &cursor), TXCLIENT_OK);
    assert_non_null(cursor);
    return cursor;
}

/* The next row is that of this number. */
static txclient_row next_is(txclient_cursor *cursor, unsigned number)
{
    char key[16], value[16];
    txclient_row row;
    bool found = false;
    expect(txclient_scan_next(cursor, &row, &found), TXCLIENT_OK);
    assert_true(found);
    int key_len = snprintf(key, sizeof key, "k%03u", number);
    int value_len = snprintf(value, sizeof value, "%u", number);
    assert_int_equal(row.key.len, key_len);
    assert_memory_equal(row.key.data, key, row.key.len);
    assert_int_equal(row.value.len, value_len);
    assert_memory_equal(row.value.data, value, row.value.len);
    return row;
}

static void next_is_none(txclient_cursor *cursor)
{
    txclient_row row;
    bool found = true;
    for (int again = 0; again < 2; again++) {
        expect(txclient_scan_next(cursor, &row, &found), TXCLIENT_OK);
        assert_false(found);
        assert_int_equal(row.key.len, 0);
        assert_non_null(row.value.data);
    }
}

static void limits_were(size_t n, const uint32_t *limits)
{
    fake_lock(&fake);
    assert_int_equal(fake.scans, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(fake.limits[i], limits[i]);
    }
    fake_unlock(&fake);
}

/* ---- cursors ---- */

static void test_pages_follow_each_other(void **state)
{
    (void)state;
    rows_there(10, 0);
    txclient_tx *tx = begin();
    txclient_cursor *cursor =
        scan(tx, txclient_between("a", "s", "", ""), (txclient_scan_options){.page_rows = 4});
    assert_int_equal(peer_seen(fake.a, TX_MSG_OPERATE), 0); /* nothing before the first row */
    txclient_row first = next_is(cursor, 0);
    for (unsigned i = 1; i < 10; i++) {
        (void)next_is(cursor, i);
    }
    next_is_none(cursor);
    limits_were(3, (uint32_t[]){4, 4, 4});
    txclient_scan_close(&cursor);
    assert_null(cursor);
    txclient_scan_close(&cursor);
    assert_memory_equal(first.key.data, "k000", 4); /* until the transaction is closed */
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

static void test_backwards(void **state)
{
    (void)state;
    rows_there(10, 0);
    txclient_tx *tx = begin();
    txclient_cursor *cursor = scan(tx, txclient_between("a", "s", "k002", "k007"),
                                   (txclient_scan_options){.page_rows = 2, .reverse = true});
    for (unsigned i = 6; i >= 2; i--) {
        (void)next_is(cursor, i);
    }
    next_is_none(cursor);
    txclient_scan_close(&cursor);
    txclient_tx_close(&tx);
}

/* Nothing is asked for where nothing can be. */
static void test_a_page_that_ends_at_the_end_of_the_range(void **state)
{
    (void)state;
    rows_there(10, 0);
    txclient_tx *tx = begin();
    txclient_cursor *cursor = scan(tx, txclient_between("a", "s", "k003", ""),
                                   (txclient_scan_options){.page_rows = 7, .reverse = true});
    for (unsigned i = 9; i >= 3; i--) {
        (void)next_is(cursor, i);
    }
    next_is_none(cursor);
    limits_were(1, (uint32_t[]){7});
    txclient_scan_close(&cursor);
    txclient_tx_close(&tx);
}

static void test_a_limit_reads_no_further(void **state)
{
    (void)state;
    rows_there(10, 0);
    txclient_tx *tx = begin();
    txclient_cursor *cursor = scan(tx, txclient_prefix("a", "s", "k00"),
                                   (txclient_scan_options){.limit = 6, .page_rows = 4});
    for (unsigned i = 0; i < 6; i++) {
        (void)next_is(cursor, i);
    }
    next_is_none(cursor);
    limits_were(2, (uint32_t[]){4, 2});
    txclient_scan_close(&cursor);
    txclient_tx_close(&tx);
}

/* As when the rows are larger than a message: the limit is not reached, and there is more. */
static void test_pages_cut_short_go_on(void **state)
{
    (void)state;
    rows_there(7, 2);
    txclient_tx *tx = begin();
    txclient_cursor *cursor =
        scan(tx, txclient_between("a", "s", "", ""), (txclient_scan_options){.limit = 6});
    for (unsigned i = 0; i < 6; i++) {
        (void)next_is(cursor, i);
    }
    next_is_none(cursor);
    limits_were(3, (uint32_t[]){6, 4, 2});
    txclient_scan_close(&cursor);
    txclient_tx_close(&tx);
}

static void test_nothing_there(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    txclient_cursor *cursor =
        scan(tx, txclient_between("b", "s", "", ""), (txclient_scan_options){0});
    next_is_none(cursor);
    limits_were(1, (uint32_t[]){1000});
    txclient_scan_close(&cursor);
    txclient_tx_close(&tx);
}

static void test_two_cursors_and_operations_between(void **state)
{
    (void)state;
    rows_there(6, 0);
    txclient_tx *tx = begin();
    txclient_scan_options pages = {.page_rows = 2};
    txclient_cursor *up = scan(tx, txclient_between("a", "s", "", ""), pages);
    pages.reverse = true;
    txclient_cursor *down = scan(tx, txclient_between("b", "s", "", ""), pages);
    for (unsigned i = 0; i < 6; i++) {
        (void)next_is(up, i);
        (void)next_is(down, 5 - i);
        expect(txclient_put(tx, at_a(), txclient_str("x")), TXCLIENT_OK);
    }
    txclient_scan_close(&up);
    next_is_none(down);
    txclient_scan_close(&down);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

static void test_an_aborted_transaction_ends_its_cursors(void **state)
{
    (void)state;
    txclient_row row;
    bool found = true;
    rows_there(6, 0);
    txclient_tx *tx = begin();
    txclient_cursor *cursor =
        scan(tx, txclient_between("a", "s", "", ""), (txclient_scan_options){.page_rows = 2});
    (void)next_is(cursor, 0);
    fake_lock(&fake);
    fake.abort_operates = 1;
    fake_unlock(&fake);
    (void)next_is(cursor, 1);
    expect(txclient_scan_next(cursor, &row, &found), TXCLIENT_ABORTED);
    assert_false(found);
    assert_int_equal(detail()->reason, TXCLIENT_REASON_WOUNDED);
    expect(txclient_scan_next(cursor, &row, &found), TXCLIENT_ABORTED);
    txclient_cursor *late = cursor;
    txclient_range range = txclient_between("a", "s", "", "");
    expect(txclient_scan(tx, &range, NULL, &late), TXCLIENT_ABORTED);
    assert_null(late);
    txclient_scan_close(&cursor);
    txclient_tx_close(&tx);
}

static void test_a_closed_transaction_leaves_its_cursors(void **state)
{
    (void)state;
    txclient_row row;
    bool found = true;
    rows_there(6, 0);
    txclient_tx *tx = begin();
    txclient_cursor *first =
        scan(tx, txclient_between("a", "s", "", ""), (txclient_scan_options){0});
    txclient_cursor *second =
        scan(tx, txclient_between("a", "s", "", ""), (txclient_scan_options){0});
    (void)next_is(first, 0);
    expect(txclient_commit(tx), TXCLIENT_OK);
    expect(txclient_scan_next(first, &row, &found), TXCLIENT_ESTATE);
    txclient_tx_close(&tx);
    assert_int_equal(txclient_scan_next(first, &row, &found), TXCLIENT_ESTATE);
    assert_false(found);
    txclient_scan_close(&first);
    assert_int_equal(txclient_scan_next(second, &row, &found), TXCLIENT_ESTATE);
    txclient_scan_close(&second);
}

static void test_ranges_that_cannot_work_send_nothing(void **state)
{
    (void)state;
    static char big[TXCLIENT_KEY_MAX + 2];
    txclient_cursor *cursor = NULL;
    txclient_scan_options options = {.size = sizeof options};
    txclient_tx *tx = begin();
    txclient_range range = txclient_between("a", "s", "b", "a");
    expect(txclient_scan(tx, &range, NULL, &cursor), TXCLIENT_EINVAL);
    assert_non_null(strstr(detail()->text, "from \"b\" up to \"a\" is empty"));
    range = txclient_between("a", "s", "b", "b");
    expect(txclient_scan(tx, &range, NULL, &cursor), TXCLIENT_EINVAL);
    range = txclient_between("c", "s", "", "");
    expect(txclient_scan(tx, &range, NULL, &cursor), TXCLIENT_EINVAL);
    assert_non_null(strstr(detail()->text, "no participant \"c\""));
    range = txclient_between("a", "", "", "");
    expect(txclient_scan(tx, &range, NULL, &cursor), TXCLIENT_EINVAL);
    range = txclient_between("a", "s", "", "");
    range.from = txclient_data(big, sizeof big);
    expect(txclient_scan(tx, &range, NULL, &cursor), TXCLIENT_ELIMIT);
    range = txclient_between("a", "s", "", "");
    options.page_rows = TXCLIENT_SCAN_ROWS_MAX + 1;
    expect(txclient_scan(tx, &range, &options, &cursor), TXCLIENT_ELIMIT);
    assert_null(cursor);
    /* An older program has not given the rest. */
    options.size = offsetof(txclient_scan_options, page_rows);
    expect(txclient_scan(tx, &range, &options, &cursor), TXCLIENT_OK);
    txclient_scan_close(&cursor);
    assert_int_equal(peer_seen(fake.a, TX_MSG_OPERATE), 0);
    txclient_tx_close(&tx);
}

static void test_rows_that_are_wrong_abort(void **state)
{
    (void)state;
    rows_there(6, 0);
    for (enum fake_rows rows = FAKE_ROWS_NONSENSE; rows <= FAKE_ROWS_NONE_OF_MORE; rows++) {
        txclient_row row;
        bool found = true;
        fake_lock(&fake);
        fake.rows = rows;
        fake_unlock(&fake);
        txclient_tx *tx = begin();
        txclient_cursor *cursor = scan(tx, txclient_between("a", "s", "", "k005"),
                                       (txclient_scan_options){.page_rows = 2});
        expect(txclient_scan_next(cursor, &row, &found), TXCLIENT_ABORTED);
        assert_false(found);
        expect(txclient_commit(tx), TXCLIENT_ABORTED);
        txclient_scan_close(&cursor);
        txclient_tx_close(&tx);
    }
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_COMMIT_REQUEST), 0);
}

/* ---- batches ---- */

static void test_a_scan_in_a_batch(void **state)
{
    (void)state;
    rows_there(6, 0);
    txclient_value values[3];
    txclient_row row;
    txclient_batch *batch = txclient_batch_new();
    txclient_range all = txclient_between("a", "s", "", "");
    txclient_range some = txclient_between("b", "s", "k001", "k005");
    txclient_batch_scan(batch, &all, 4, false);
    txclient_batch_get(batch, at_a());
    expect(txclient_batch_scan(batch, &some, 10, true), TXCLIENT_OK);
    expect(txclient_submit(client, batch, NULL, values), TXCLIENT_OK);
    txclient_rows rows = txclient_rows_of(&values[0]);
    unsigned n = 0;
    while (txclient_rows_next(&rows, &row)) {
        assert_int_equal(((const char *)row.key.data)[3], '0' + (int)n);
        n++;
    }
    assert_int_equal(n, 4);
    assert_false(txclient_rows_next(&rows, &row));
    assert_int_equal(row.key.len, 0);
    txclient_range rest;
    assert_true(values[0].found);
    assert_true(txclient_rows_more(&values[0], &all, false, &rest));
    assert_true(txclient_rows_more(&values[0], &all, false, NULL));
    assert_memory_equal(values[1].data, "42", 2);
    assert_false(txclient_rows_more(&values[2], &some, true, &rest));
    /* The rest, in an interactive transaction. */
    txclient_batch *next = txclient_batch_new();
    expect(txclient_batch_scan(next, &rest, 4, false), TXCLIENT_OK);
    txclient_tx *tx = begin();
    expect(txclient_execute(tx, next, values), TXCLIENT_OK);
    rows = txclient_rows_of(&values[0]);
    assert_true(txclient_rows_next(&rows, &row));
    assert_memory_equal(row.key.data, "k004", 4);
    assert_true(txclient_rows_next(&rows, &row));
    assert_false(txclient_rows_next(&rows, &row));
    assert_false(txclient_rows_more(&values[0], &rest, false, &rest));
    txclient_tx_close(&tx);
    txclient_batch_free(&next);
    txclient_batch_free(&batch);
}

/* It stopped at its limit, and no key is left between there and its end. */
static void test_nothing_is_left_of_a_range_that_was_read_to_its_end(void **state)
{
    (void)state;
    rows_there(6, 0);
    txclient_value value;
    txclient_range rest;
    txclient_batch *batch = txclient_batch_new();
    txclient_range range = txclient_between("a", "s", "k002", "");
    txclient_batch_scan(batch, &range, 4, true);
    expect(txclient_submit(client, batch, NULL, &value), TXCLIENT_OK);
    assert_true(value.found);
    assert_false(txclient_rows_more(&value, &range, true, &rest));
    txclient_batch_free(&batch);
}

static void test_scans_that_a_batch_refuses(void **state)
{
    (void)state;
    txclient_batch *batch = txclient_batch_new();
    txclient_range range = txclient_between("a", "s", "", "");
    assert_int_equal(txclient_batch_scan(batch, &range, 0, false), TXCLIENT_EINVAL);
    assert_non_null(strstr(txclient_batch_error(batch), "limit is 0"));
    assert_int_equal(txclient_batch_get(batch, at_a()), TXCLIENT_EINVAL); /* it sticks */
    txclient_batch_clear(batch);
    assert_int_equal(txclient_batch_scan(batch, &range, TXCLIENT_SCAN_ROWS_MAX + 1, false),
                     TXCLIENT_ELIMIT);
    txclient_batch_clear(batch);
    range = txclient_between("a", "s", "b", "a");
    assert_int_equal(txclient_batch_scan(batch, &range, 1, false), TXCLIENT_EINVAL);
    assert_int_equal(txclient_batch_count(batch), 0);
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_EINVAL);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_SUBMIT), 0);
    txclient_batch_free(&batch);
}

/* What has committed has committed; only the rows are not to be had. */
static void test_wrong_rows_of_a_submit_are_lost_results(void **state)
{
    (void)state;
    txclient_value value;
    txclient_row row;
    txclient_batch *batch = txclient_batch_new();
    txclient_range range = txclient_between("a", "s", "", "");
    rows_there(6, 0);
    txclient_batch_scan(batch, &range, 3, false);
    for (enum fake_rows rows = FAKE_ROWS_NONSENSE; rows <= FAKE_ROWS_NONE_OF_MORE; rows++) {
        fake_lock(&fake);
        fake.rows = rows;
        fake_unlock(&fake);
        expect(txclient_submit(client, batch, NULL, &value), TXCLIENT_OK);
        assert_true(detail()->results_lost);
        txclient_rows none = txclient_rows_of(&value);
        assert_false(txclient_rows_next(&none, &row));
    }
    txclient_batch_free(&batch);
}

static void test_a_value_that_is_no_rows_has_none(void **state)
{
    (void)state;
    txclient_row row;
    txclient_range range = txclient_between("a", "s", "", "");
    txclient_value value = {.found = true, .data = "42", .len = 2};
    txclient_rows rows = txclient_rows_of(&value);
    assert_false(txclient_rows_next(&rows, &row));
    assert_false(txclient_rows_next(&rows, &row));
    assert_false(txclient_rows_more(&value, &range, false, NULL));
}

/* ---- levels ---- */

static txclient_status work(txclient_tx *tx, void *arg)
{
    (void)arg;
    return txclient_get(tx, at_a(), NULL);
}

static void level_was(txclient_isolation level)
{
    fake_lock(&fake);
    assert_int_equal(fake.isolation, level);
    fake_unlock(&fake);
}

static void test_the_level_travels(void **state)
{
    (void)state;
    for (txclient_isolation level = TXCLIENT_SERIALIZABLE; level <= TXCLIENT_READ_UNCOMMITTED;
         level++) {
        txclient_begin_options at_begin = {.size = sizeof at_begin, .isolation = level};
        txclient_submit_options at_submit = {.size = sizeof at_submit, .isolation = level};
        txclient_retry_options at_run = {.size = sizeof at_run, .isolation = level};
        txclient_batch *batch = txclient_batch_new();
        txclient_tx *tx = NULL;
        expect(txclient_begin(client, &at_begin, &tx), TXCLIENT_OK);
        expect(txclient_get(tx, at_a(), NULL), TXCLIENT_OK);
        level_was(level);
        txclient_tx_close(&tx);
        (void)txclient_batch_get(batch, at_a());
        expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
        level_was(TXCLIENT_SERIALIZABLE);
        expect(txclient_submit(client, batch, &at_submit, NULL), TXCLIENT_OK);
        level_was(level);
        txclient_batch_free(&batch);
        expect(txclient_run(client, NULL, work, NULL), TXCLIENT_OK);
        level_was(TXCLIENT_SERIALIZABLE);
        expect(txclient_run(client, &at_run, work, NULL), TXCLIENT_OK);
        level_was(level);
    }
}

static void test_no_such_level(void **state)
{
    (void)state;
    txclient_isolation none = (txclient_isolation)4;
    txclient_begin_options at_begin = {.size = sizeof at_begin, .isolation = none};
    txclient_submit_options at_submit = {.size = sizeof at_submit, .isolation = none};
    txclient_retry_options at_run = {.size = sizeof at_run, .isolation = none};
    txclient_batch *batch = txclient_batch_new();
    txclient_tx *tx = NULL;
    expect(txclient_begin(client, &at_begin, &tx), TXCLIENT_EINVAL);
    assert_null(tx);
    assert_non_null(strstr(detail()->text, "read-uncommitted"));
    (void)txclient_batch_get(batch, at_a());
    expect(txclient_submit(client, batch, &at_submit, NULL), TXCLIENT_EINVAL);
    expect(txclient_run(client, &at_run, work, NULL), TXCLIENT_EINVAL);
    assert_int_equal(peer_frames(fake.coordinator), 0);
    txclient_batch_free(&batch);
}

/* A program that was built before there were levels: what stands behind its struct is not read. */
static void test_options_without_a_level(void **state)
{
    (void)state;
    txclient_isolation none = (txclient_isolation)77;
    txclient_begin_options at_begin = {
        .size = offsetof(txclient_begin_options, reserved), .reserved = 77, .isolation = none};
    txclient_submit_options at_submit = {.size = offsetof(txclient_submit_options, isolation),
                                         .isolation = none};
    txclient_retry_options at_run = {
        .size = offsetof(txclient_retry_options, isolation), .reserved = 77, .isolation = none};
    txclient_batch *batch = txclient_batch_new();
    txclient_tx *tx = NULL;
    expect(txclient_begin(client, &at_begin, &tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    (void)txclient_batch_get(batch, at_a());
    expect(txclient_submit(client, batch, &at_submit, NULL), TXCLIENT_OK);
    expect(txclient_run(client, &at_run, work, NULL), TXCLIENT_OK);
    level_was(TXCLIENT_SERIALIZABLE);
    txclient_batch_free(&batch);
}

static void test_names_of_levels(void **state)
{
    (void)state;
    txclient_isolation level = TXCLIENT_SERIALIZABLE;
    assert_string_equal(txclient_isolation_name(TXCLIENT_READ_COMMITTED), "read-committed");
    assert_string_equal(txclient_isolation_name((txclient_isolation)4), "?");
    assert_int_equal(txclient_isolation_parse("repeatable-read", &level), TXCLIENT_OK);
    assert_int_equal(level, TXCLIENT_REPEATABLE_READ);
    assert_int_equal(txclient_isolation_parse("snapshot", &level), TXCLIENT_EINVAL);
    assert_int_equal(txclient_isolation_parse("", &level), TXCLIENT_EINVAL);
    assert_int_equal(level, TXCLIENT_REPEATABLE_READ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pages_follow_each_other),
        TEST(test_backwards),
        TEST(test_a_page_that_ends_at_the_end_of_the_range),
        TEST(test_a_limit_reads_no_further),
        TEST(test_pages_cut_short_go_on),
        TEST(test_nothing_there),
        TEST(test_two_cursors_and_operations_between),
        TEST(test_an_aborted_transaction_ends_its_cursors),
        TEST(test_a_closed_transaction_leaves_its_cursors),
        TEST(test_ranges_that_cannot_work_send_nothing),
        TEST(test_rows_that_are_wrong_abort),
        TEST(test_a_scan_in_a_batch),
        TEST(test_nothing_is_left_of_a_range_that_was_read_to_its_end),
        TEST(test_scans_that_a_batch_refuses),
        TEST(test_wrong_rows_of_a_submit_are_lost_results),
        TEST(test_a_value_that_is_no_rows_has_none),
        TEST(test_the_level_travels),
        TEST(test_no_such_level),
        TEST(test_options_without_a_level),
        TEST(test_names_of_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
