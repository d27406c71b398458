/* Scans and isolation levels on real daemons: results larger than a message, own writes, both
 * directions, txctl; and who waits for whom at which level. */
#include "client/txclient.h"
#include "tests/integration/answered.h"
#include "tests/integration/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BIG_ROWS  70u
#define BIG_BYTES 20000u /* together more than one message */

static struct cluster cluster;
static txclient *client;
static txclient *other;

static int start(void **state)
{
    (void)state;
    cluster_init(&cluster, 3, false);
    /* A participant that is held up is no reason to abort. */
    daemon_set(&cluster, &cluster.coordinator, "timers", "peer_down = 1h");
    cluster_start(&cluster);
    return txclient_open_file(cluster.client_config, &client, NULL) == TXCLIENT_OK &&
                   txclient_open_file(cluster.client_config, &other, NULL) == TXCLIENT_OK
               ? 0
               : -1;
}

static int stop(void **state)
{
    (void)state;
    txclient_close(&client);
    txclient_close(&other);
    daemon_stop(&cluster.coordinator);
    for (size_t i = 0; i < cluster.participants_n; i++)
        daemon_stop(&cluster.participants[i]);
    cluster_deinit(&cluster);
    return 0;
}

#define expect(status, wanted)       expect_of(client, status, wanted, #status, __LINE__)
#define expect_other(status, wanted) expect_of(other, status, wanted, #status, __LINE__)

static void expect_of(const txclient *with, txclient_status status, txclient_status wanted,
                      const char *what, int line)
{
    if (status != wanted)
        fail_msg("line %d: %s gave '%s', not '%s': %s", line, what, txclient_status_text(status),
                 txclient_status_text(wanted), txclient_detail(with)->text);
}

static txclient_tx *begin(txclient *with, txclient_isolation isolation, uint32_t lock_timeout_ms)
{
    txclient_begin_options options = {
        .size = sizeof options, .lock_timeout_ms = lock_timeout_ms, .isolation = isolation};
    txclient_tx *tx = NULL;

    expect_of(with, txclient_begin(with, &options, &tx), TXCLIENT_OK, "begin", __LINE__);
    return tx;
}

static void put(const char *participant, const char *space, const char *key, txclient_bytes value)
{
    txclient_batch *batch = txclient_batch_new();

    txclient_batch_put(batch, txclient_at(participant, space, key), value);
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    txclient_batch_free(&batch);
}

/* ---- rows ---- */

static char key_text[16];

static const char *key_of(unsigned number)
{
    snprintf(key_text, sizeof key_text, "k%04u", number);
    return key_text;
}

/* The rows of a cursor, which is closed: their numbers begin at `from` and go on by `step`. */
static void rows_are(txclient_cursor *cursor, unsigned from, int step, unsigned n, size_t len)
{
    txclient_row row;
    bool found = true;

    for (unsigned i = 0; i < n; i++, from += (unsigned)step) {
        expect(txclient_scan_next(cursor, &row, &found), TXCLIENT_OK);
        assert_true(found);
        assert_int_equal(row.key.len, 5);
        assert_memory_equal(row.key.data, key_of(from), 5);
        assert_int_equal(row.value.len, len);
    }
    expect(txclient_scan_next(cursor, &row, &found), TXCLIENT_OK);
    assert_false(found);
    txclient_scan_close(&cursor);
}

static txclient_cursor *scan(txclient_tx *tx, txclient_range range, uint32_t page_rows,
                             bool reverse)
{
    txclient_scan_options options = {
        .size = sizeof options, .page_rows = page_rows, .reverse = reverse};
    txclient_cursor *cursor = NULL;

    expect(txclient_scan(tx, &range, &options, &cursor), TXCLIENT_OK);
    return cursor;
}

static void test_more_than_a_message(void **state)
{
    static char value[BIG_BYTES];
    txclient_range all = txclient_prefix("a", "big", "k");

    (void)state;
    for (unsigned i = 0; i < BIG_ROWS; i++)
        put("a", "big", key_of(i), txclient_data(value, sizeof value));
    for (txclient_isolation level = 0; level <= TXCLIENT_READ_UNCOMMITTED; level++) {
        txclient_tx *tx = begin(client, level, 0);

        rows_are(scan(tx, all, 0, false), 0, 1, BIG_ROWS, BIG_BYTES);
        rows_are(scan(tx, all, 0, true), BIG_ROWS - 1, -1, BIG_ROWS, BIG_BYTES);
        expect(txclient_commit(tx), TXCLIENT_OK);
        txclient_tx_close(&tx);
    }
}

/* A one-shot stops, and says so; what is left is what has not come. */
static void test_a_one_shot_is_continued(void **state)
{
    txclient_range range = txclient_prefix("a", "big", "k");
    txclient_batch *batch = txclient_batch_new();
    unsigned n = 0, submits = 0;
    bool more = true;

    (void)state;
    while (more) {
        txclient_value value;
        txclient_row row;

        txclient_batch_clear(batch);
        expect(txclient_batch_scan(batch, &range, 1000, false), TXCLIENT_OK);
        expect(txclient_submit(client, batch, NULL, &value), TXCLIENT_OK);
        assert_true(value.len <= TXCLIENT_SCAN_BYTES_MAX);
        for (txclient_rows rows = txclient_rows_of(&value); txclient_rows_next(&rows, &row); n++)
            assert_memory_equal(row.key.data, key_of(n), 5);
        more = txclient_rows_more(&value, &range, false, &range);
        submits++;
    }
    assert_int_equal(n, BIG_ROWS);
    assert_true(submits > 4);
    txclient_batch_free(&batch);
}

/* Scans at several participants, each of which fits into a vote, and not together into an answer.
 */
static void fill_more_than_an_answer(txclient_batch *batch, txclient_range ranges[6])
{
    static char value[BIG_BYTES];
    static const char *const names[] = {"a", "b", "c"};

    for (unsigned i = 0; i < 26; i++) {
        put("b", "big", key_of(i), txclient_data(value, sizeof value));
        put("c", "big", key_of(i), txclient_data(value, sizeof value));
    }
    for (unsigned i = 0; i < 6; i++) {
        ranges[i] = txclient_prefix(names[i % 3], "big", "k");
        ranges[i].from = txclient_str(i < 3 ? "" : "k0013");
        txclient_batch_scan(batch, &ranges[i], i < 3 ? 13 : 1000, false);
    }
}

/* A coordinator that decides sees that from the votes, and refuses with advice. */
static void test_more_than_an_answer(void **state)
{
    const txclient_submit_options options = {.size = sizeof options,
                                             .commit_mode = TXCLIENT_COMMIT_COORDINATOR};
    txclient_batch *batch = txclient_batch_new();
    txclient_range ranges[6];
    txclient_value values[6];

    (void)state;
    fill_more_than_an_answer(batch, ranges);
    expect(txclient_submit(client, batch, &options, values), TXCLIENT_ABORTED);
    assert_int_equal(txclient_detail(client)->reason, TXCLIENT_REASON_LIMIT);
    assert_non_null(strstr(txclient_detail(client)->text, "does not fit into one answer"));
    txclient_batch_free(&batch);
}

/* Where the members decide, each keeps to its share: the scans stop there, and say that there is
 * more. */
static void test_more_than_an_answer_is_shared(void **state)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_range ranges[6];
    txclient_value values[6];
    size_t bytes = 0;

    (void)state;
    fill_more_than_an_answer(batch, ranges);
    expect(submit_answered(client, batch, NULL, values), TXCLIENT_OK);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(values[i].found && values[i].len > 0);
        bytes += values[i].len;
        if (i >= 3)
            assert_true(txclient_rows_more(&values[i], &ranges[i], false, &ranges[i]));
    }
    assert_true(bytes > (size_t)3 * 13 * BIG_BYTES);
    txclient_batch_free(&batch);
}

/* Who only writes leaves the answer to those who read. */
static void test_the_longest_value_beside_a_write(void **state)
{
    static char longest[TXCLIENT_VALUE_MAX];
    txclient_batch *batch = txclient_batch_new();
    txclient_value values[2];

    (void)state;
    put("a", "long", "v", txclient_data(longest, sizeof longest));
    txclient_batch_get(batch, txclient_at("a", "long", "v"));
    txclient_batch_put(batch, txclient_at("b", "long", "seen"), txclient_str("1"));
    expect(submit_answered(client, batch, NULL, values), TXCLIENT_OK);
    assert_true(values[0].found);
    assert_int_equal(values[0].len, sizeof longest);
    txclient_batch_free(&batch);
}

static void test_own_writes_in_order(void **state)
{
    static const char *const there[] = {"b", "d", "f"};
    txclient_range all = txclient_between("b", "own", "", "");
    txclient_cursor *cursor = NULL;
    txclient_row row;
    bool found = true;
    char seen[64] = "";

    (void)state;
    for (size_t i = 0; i < 3; i++)
        put("b", "own", there[i], txclient_str("1"));
    txclient_tx *tx = begin(client, TXCLIENT_SERIALIZABLE, 0);
    expect(txclient_put(tx, txclient_at("b", "own", "a"), txclient_str("2")), TXCLIENT_OK);
    expect(txclient_put(tx, txclient_at("b", "own", "d"), txclient_str("2")), TXCLIENT_OK);
    expect(txclient_delete(tx, txclient_at("b", "own", "f"), NULL), TXCLIENT_OK);
    expect(txclient_insert(tx, txclient_at("b", "own", "g"), txclient_str("2")), TXCLIENT_OK);
    for (unsigned page = 1; page < 4; page++) {
        cursor = scan(tx, all, page, page == 2);
        seen[0] = '\0';
        for (found = true; found;) {
            expect(txclient_scan_next(cursor, &row, &found), TXCLIENT_OK);
            snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%.*s%.*s ", (int)row.key.len,
                     (const char *)row.key.data, (int)row.value.len, (const char *)row.value.data);
        }
        txclient_scan_close(&cursor);
        assert_string_equal(seen, page == 2 ? "g2 d2 b1 a2  " : "a2 b1 d2 g2  ");
    }
    expect(txclient_abort(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

/* ---- txctl ---- */

static void txctl(int wanted, const char *said, const char *level, const char *operations,
                  bool json)
{
    char out[8192], err[1024];
    int status = run_program(out, sizeof out, err, sizeof err, "txctl", "exec", "--config",
                             cluster.client_config, "--isolation", level,
                             json ? "--json" : operations, json ? operations : NULL, NULL);

    if (status != wanted || strstr(out, said) == NULL)
        fail_msg("%s: exit %d, wanted %d and '%s': %s%s", operations, status, wanted, said, out,
                 err);
}

static void test_txctl(void **state)
{
    (void)state;
    txctl(0, "committed", "serializable",
          "put c/t/apple 1; put c/t/apricot 2; put c/t/banana 3; put 'c/t/two words' \\x00\\xff",
          false);
    txctl(0,
          "scan c/t/apple = 1\nscan c/t/apricot = 2\nscan c/t/banana = 3\n"
          "scan c/t/two words = \\x00\\xff\nscan c/t: 4 rows\n",
          "serializable", "scan c/t", false);
    txctl(0, "scan c/t/apricot = 2\nscan c/t/apple = 1\nscan c/t: 2 rows\n", "read-committed",
          "scan c/t --prefix ap --reverse", false);
    txctl(0, "scan c/t: 1 row; there may be more: scan c/t \"apple\\x00\" --limit 1\n",
          "repeatable-read", "scan c/t --limit 1", false);
    txctl(0, "scan c/t/apricot = 2\nscan c/t: 1 row; there", "repeatable-read",
          "scan c/t \"apple\\x00\" --limit 1", false);
    txctl(0, "scan c/t: 0 rows\n", "read-uncommitted", "scan c/t x", false);
    txctl(0,
          "\"op\":\"scan\",\"address\":\"c/t\",\"rows\":[{\"key\":\"apple\",\"value\":\"1\"}],"
          "\"more\":true,\"continue\":\"scan c/t \\\"apple\\\\x00\\\" --limit 1\"}",
          "serializable", "scan c/t --limit 1", true);
    txctl(0, "\"rows\":[],\"more\":false}", "serializable", "scan c/t x", true);
}

/* ---- levels ---- */

/* What happens at each level while another transaction is open. */
static const struct {
    bool get_waits;   /* for a writer of the key */
    bool key_stays;   /* what was read cannot be written */
    bool range_stays; /* where was scanned cannot be inserted */
} levels[] = {
    [TXCLIENT_SERIALIZABLE] = {true, true, true},
    [TXCLIENT_REPEATABLE_READ] = {true, true, false},
    [TXCLIENT_READ_COMMITTED] = {true, false, false},
    [TXCLIENT_READ_UNCOMMITTED] = {false, false, false},
};

static void test_readers_wait_for_writers(void **state)
{
    (void)state;
    put("a", "w", "k", txclient_str("old"));
    for (txclient_isolation level = 0; level <= TXCLIENT_READ_UNCOMMITTED; level++) {
        txclient_tx *writer = begin(client, level, 0);
        expect(txclient_put(writer, txclient_at("a", "w", "k"), txclient_str("new")), TXCLIENT_OK);
        for (int with_scan = 0; with_scan < 2; with_scan++) {
            txclient_tx *reader = begin(other, level, 100); /* younger: it waits */
            txclient_range range = txclient_between("a", "w", "", "");
            txclient_batch *batch = txclient_batch_new();
            txclient_value value;
            txclient_status wanted = levels[level].get_waits ? TXCLIENT_ABORTED : TXCLIENT_OK;

            if (with_scan)
                txclient_batch_scan(batch, &range, 10, false);
            else
                txclient_batch_get(batch, txclient_at("a", "w", "k"));
            expect_other(txclient_execute(reader, batch, &value), wanted);
            if (wanted == TXCLIENT_OK)
                assert_memory_equal((const char *)value.data + value.len - 3, "old", 3);
            else
                assert_int_equal(txclient_detail(other)->reason, TXCLIENT_REASON_LOCK_TIMEOUT);
            txclient_batch_free(&batch);
            txclient_tx_close(&reader);
        }
        expect(txclient_abort(writer), TXCLIENT_OK);
        txclient_tx_close(&writer);
    }
}

/* The text names the limit: it is the one of the command line, not the participant's. */
static void test_txctl_waits_no_longer_than_asked(void **state)
{
    txclient_tx *writer = begin(client, TXCLIENT_SERIALIZABLE, 0);
    char out[8192], err[1024];

    (void)state;
    expect(txclient_put(writer, txclient_at("a", "w", "limit"), txclient_str("x")), TXCLIENT_OK);
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txctl", "exec", "--config",
                                 cluster.client_config, "--lock-timeout", "0.15", "get a/w/limit",
                                 NULL),
                     1);
    assert_non_null(strstr(err, "no s lock on w/limit within 150 ms"));
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txctl", "get", "--config",
                                 cluster.client_config, "-l", "0.16", "a/w/limit", NULL),
                     1);
    assert_non_null(strstr(err, "no s lock on w/limit within 160 ms"));
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txctl", "exec", "--config",
                                 cluster.client_config, "--lock-timeout", "soon", "get a/w/limit",
                                 NULL),
                     64);
    assert_non_null(strstr(err, "\"soon\" is no number of seconds"));
    expect(txclient_abort(writer), TXCLIENT_OK);
    txclient_tx_close(&writer);
}

static void test_writers_wait_for_readers(void **state)
{
    (void)state;
    for (txclient_isolation level = 0; level <= TXCLIENT_READ_UNCOMMITTED; level++) {
        put("a", "r", "k", txclient_str("1"));
        txclient_tx *reader = begin(client, level, 0);
        txclient_value value;
        txclient_row row;
        bool found;
        txclient_cursor *cursor = NULL;
        char inserted[2] = {(char)('p' + (int)level), '\0'};

        expect(txclient_get(reader, txclient_at("a", "r", "k"), &value), TXCLIENT_OK);
        cursor = scan(reader, txclient_between("a", "r", "m", "z"), 0, false);
        do
            expect(txclient_scan_next(cursor, &row, &found), TXCLIENT_OK);
        while (found);
        txclient_scan_close(&cursor);
        for (int insert = 0; insert < 2; insert++) {
            txclient_tx *writer = begin(other, TXCLIENT_READ_COMMITTED, 100);
            bool stays = insert ? levels[level].range_stays : levels[level].key_stays;
            txclient_address at = txclient_at("a", "r", insert ? inserted : "k");

            expect_other(txclient_put(writer, at, txclient_str("2")),
                         stays ? TXCLIENT_ABORTED : TXCLIENT_OK);
            if (!stays)
                expect_other(txclient_commit(writer), TXCLIENT_OK);
            txclient_tx_close(&writer);
        }
        /* Outside the range nobody is held up. */
        txclient_tx *outside = begin(other, TXCLIENT_SERIALIZABLE, 100);
        expect_other(txclient_put(outside, txclient_at("a", "r", "lz"), txclient_str("2")),
                     TXCLIENT_OK);
        expect_other(txclient_commit(outside), TXCLIENT_OK);
        txclient_tx_close(&outside);
        expect(txclient_get(reader, txclient_at("a", "r", "k"), &value), TXCLIENT_OK);
        assert_memory_equal(value.data, levels[level].key_stays ? "1" : "2", 1);
        expect(txclient_commit(reader), TXCLIENT_OK);
        txclient_tx_close(&reader);
    }
}

/* A transaction changes a key at each of two participants, after the reader has seen one of them.
 */
static void test_read_skew_over_two_participants(void **state)
{
    (void)state;
    for (txclient_isolation level = 0; level <= TXCLIENT_READ_UNCOMMITTED; level++) {
        txclient_value first, second;
        txclient_tx *reader, *writer;

        put("a", "skew", "k", txclient_str("1"));
        put("b", "skew", "k", txclient_str("1"));
        reader = begin(client, level, 0);
        expect(txclient_get(reader, txclient_at("a", "skew", "k"), &first), TXCLIENT_OK);
        writer = begin(other, level, 100);
        expect_other(txclient_put(writer, txclient_at("b", "skew", "k"), txclient_str("2")),
                     TXCLIENT_OK);
        expect_other(txclient_put(writer, txclient_at("a", "skew", "k"), txclient_str("2")),
                     levels[level].key_stays ? TXCLIENT_ABORTED : TXCLIENT_OK);
        if (!levels[level].key_stays)
            expect_other(txclient_commit(writer), TXCLIENT_OK);
        txclient_tx_close(&writer);
        expect(txclient_get(reader, txclient_at("b", "skew", "k"), &second), TXCLIENT_OK);
        assert_memory_equal(first.data, "1", 1);
        if (level == TXCLIENT_READ_UNCOMMITTED) /* it may not wait for b to hear of the commit */
            assert_true(second.len == 1 && strchr("12", *(const char *)second.data) != NULL);
        else
            assert_memory_equal(second.data, levels[level].key_stays ? "1" : "2", 1);
        expect(txclient_commit(reader), TXCLIENT_OK);
        txclient_tx_close(&reader);
    }
}

/* One-shots have levels, too. */
static void test_a_one_shot_at_read_uncommitted(void **state)
{
    txclient_submit_options options = {
        .size = sizeof options, .lock_timeout_ms = 100, .isolation = TXCLIENT_READ_UNCOMMITTED};
    txclient_batch *batch = txclient_batch_new();
    txclient_range range = txclient_between("b", "o", "", "");
    txclient_value values[2];

    (void)state;
    put("b", "o", "k", txclient_str("old"));
    txclient_tx *writer = begin(client, TXCLIENT_SERIALIZABLE, 0);
    expect(txclient_put(writer, txclient_at("b", "o", "k"), txclient_str("new")), TXCLIENT_OK);
    txclient_batch_get(batch, txclient_at("b", "o", "k"));
    txclient_batch_scan(batch, &range, 10, true);
    expect_other(submit_answered(other, batch, &options, values), TXCLIENT_OK);
    assert_memory_equal(values[0].data, "old", 3);
    assert_memory_equal((const char *)values[1].data + values[1].len - 3, "old", 3);
    options.isolation = TXCLIENT_READ_COMMITTED;
    expect_other(txclient_submit(other, batch, &options, values), TXCLIENT_ABORTED);
    assert_int_equal(txclient_detail(other)->reason, TXCLIENT_REASON_LOCK_TIMEOUT);
    txclient_batch_free(&batch);
    txclient_tx_close(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_than_a_message),
        cmocka_unit_test(test_a_one_shot_is_continued),
        cmocka_unit_test(test_more_than_an_answer),
        cmocka_unit_test(test_more_than_an_answer_is_shared),
        cmocka_unit_test(test_the_longest_value_beside_a_write),
        cmocka_unit_test(test_own_writes_in_order),
        cmocka_unit_test(test_txctl),
        cmocka_unit_test(test_readers_wait_for_writers),
        cmocka_unit_test(test_txctl_waits_no_longer_than_asked),
        cmocka_unit_test(test_writers_wait_for_readers),
        cmocka_unit_test(test_read_skew_over_two_participants),
        cmocka_unit_test(test_a_one_shot_at_read_uncommitted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
