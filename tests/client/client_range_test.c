/* Ranges: what a prefix, bounds and "behind this key" become; and which rows are those of a scan.
 */
#include "client/client_range.h"

#include "common/rows.h"
#include "tests/common/test.h"

#include <stdlib.h>
#include <string.h>

static struct client_range_room room;
static struct tx_why why;

static txclient_range all_of(void)
{
    return (txclient_range){.participant = "a", .space = "s"};
}

static struct tx_bytes lit(const char *text, size_t len)
{
    return tx_bytes(text, len);
}
#define LIT(text) lit(text, sizeof(text) - 1)

static struct tx_op filled(txclient_range range)
{
    struct tx_op op = {.limit = 10};
    if (client_range_fill(&op, &range, &room, &why) != TX_OK) {
        fail_msg("%s", why.text);
    }
    return op;
}

static void ends(txclient_range range, struct tx_bytes from, struct tx_bytes to)
{
    struct tx_op op = filled(range);
    assert_int_equal(op.type, TX_OP_SCAN);
    assert_true(tx_bytes_equal(op.key, from));
    assert_true(tx_bytes_equal(op.to, to));
}

static txclient_bytes bytes(const char *text, size_t len)
{
    return txclient_data(text, len);
}
#define BYTES(text) bytes(text, sizeof(text) - 1)

static void a_prefix_ends_where_its_successor_begins(void **state)
{
    (void)state;
    txclient_range range = all_of();
    ends(range, LIT(""), LIT(""));
    range.prefix = BYTES("ab");
    ends(range, LIT("ab"), LIT("ac"));
    range.prefix = BYTES("a\xff");
    ends(range, LIT("a\xff"), LIT("b"));
    range.prefix = BYTES("a\xff\xff\xff");
    ends(range, LIT("a\xff\xff\xff"), LIT("b"));
    range.prefix = BYTES("\xfe\xff");
    ends(range, LIT("\xfe\xff"), LIT("\xff"));
    range.prefix = BYTES("\xff");
    ends(range, LIT("\xff"), LIT(""));
    range.prefix = BYTES("\xff\xff\xff");
    ends(range, LIT("\xff\xff\xff"), LIT(""));
    range.prefix = BYTES("a\0");
    ends(range, LIT("a\0"), LIT("a\1"));
}

static void prefix_and_bounds_hold_together(void **state)
{
    (void)state;
    txclient_range range = all_of();
    range.prefix = BYTES("b");
    range.from = BYTES("a");
    range.to = BYTES("d");
    ends(range, LIT("b"), LIT("c"));
    range.from = BYTES("bb");
    range.to = BYTES("bd");
    ends(range, LIT("bb"), LIT("bd"));
    range.from = BYTES("b");
    range.after = true;
    ends(range, LIT("b\0"), LIT("bd"));
    range.prefix = BYTES("\xff");
    range.to = BYTES("\xff\x01");
    ends(range, LIT("\xff"), LIT("\xff\x01"));
    range = all_of();
    range.after = true; /* behind no key at all */
    ends(range, LIT(""), LIT(""));
}

static void refuse(txclient_range range, enum tx_error error, const char *part)
{
    struct tx_op op = {.limit = 10};
    enum tx_error got = client_range_fill(&op, &range, &room, &why);
    if (got == TX_OK) {
        got = tx_op_validate(&op, &why);
    }
    if (got != error || strstr(why.text, part) == NULL) {
        fail_msg("%s: %s", tx_error_name(got), why.text);
    }
}

static void ranges_that_cannot_be(void **state)
{
    static const char big[TX_BOUND_MAX + 1];
    (void)state;
    txclient_range range = all_of();
    range.participant = NULL;
    refuse(range, TX_EINVAL, "NULL");
    range = all_of();
    range.space = NULL;
    refuse(range, TX_EINVAL, "NULL");
    range = all_of();
    range.prefix = bytes(NULL, 1);
    refuse(range, TX_EINVAL, "NULL");
    range = all_of();
    range.participant = "a/b";
    refuse(range, TX_EINVAL, "no participant's name");
    range = all_of();
    range.space = "";
    refuse(range, TX_EINVAL, "keyspace is empty");
    range = all_of();
    range.from = BYTES("b");
    range.to = BYTES("a");
    refuse(range, TX_EINVAL, "is empty");
    range.to = BYTES("b");
    refuse(range, TX_EINVAL, "is empty");
    range.to = BYTES("b\0");
    range.after = true;
    refuse(range, TX_EINVAL, "is empty");
    range = all_of();
    range.prefix = BYTES("b");
    range.to = BYTES("b");
    refuse(range, TX_EINVAL, "is empty");
    range = all_of();
    range.from = bytes(big, TX_BOUND_MAX + 1);
    refuse(range, TX_ELIMIT, "at most 4097");
    range.from = bytes(big, TX_BOUND_MAX);
    range.after = true;
    refuse(range, TX_ELIMIT, "at most 4097");
    range = all_of();
    range.to = bytes(big, TX_BOUND_MAX + 1);
    refuse(range, TX_ELIMIT, "at most 4097");
    range = all_of();
    range.prefix = bytes(big, TX_KEY_MAX + 1);
    refuse(range, TX_ELIMIT, "a prefix has at most 4096");
    range.prefix = bytes(big, TX_KEY_MAX);
    ends(range, tx_bytes(big, TX_KEY_MAX), filled(range).to);
}

static void what_is_left_behind_a_row(void **state)
{
    (void)state;
    txclient_range range = all_of();
    range.from = BYTES("a");
    range.to = BYTES("c");
    struct tx_op op = filled(range);
    assert_true(client_range_advance(&op, LIT("b"), &room));
    assert_true(tx_bytes_equal(op.key, LIT("b\0")));
    assert_true(tx_bytes_equal(op.to, LIT("c")));
    assert_true(client_range_advance(&op, op.key, &room)); /* its own end, in the room */
    assert_true(tx_bytes_equal(op.key, LIT("b\0\0")));
    op = filled(range);
    op.reverse = true;
    assert_true(client_range_advance(&op, LIT("b"), &room));
    assert_true(tx_bytes_equal(op.key, LIT("a")));
    assert_true(tx_bytes_equal(op.to, LIT("b")));
    assert_false(client_range_advance(&op, LIT("a"), &room));
    range.to = BYTES("b\0");
    op = filled(range);
    assert_false(client_range_advance(&op, LIT("b"), &room));
    range.to = BYTES("");
    op = filled(range);
    assert_true(client_range_advance(&op, LIT("\xff\xff"), &room));
    op = filled(all_of());
    static const char longest[TX_KEY_MAX] = {1};
    assert_true(client_range_advance(&op, tx_bytes(longest, TX_KEY_MAX), &room));
    assert_int_equal(op.key.len, TX_BOUND_MAX);
    assert_int_equal(tx_op_validate(&op, &why), TX_OK);
}

static bool fit(const struct tx_op *op, const char *keys, bool found)
{
    struct tx_buf rows = {0};
    for (const char *key = keys; *key != '\0'; key++) {
        tx_rows_add(&rows, (struct tx_row){tx_bytes(key, 1), tx_bytes_str("v")});
    }
    struct tx_result result = {.found = found, .value = tx_buf_view(&rows)};
    struct tx_bytes last;
    bool fits = client_rows_fit(op, &result, &last);
    if (fits && *keys != '\0') {
        assert_true(tx_bytes_equal(last, tx_bytes(keys + strlen(keys) - 1, 1)));
    } else if (fits) {
        assert_int_equal(last.len, 0);
    }
    tx_buf_deinit(&rows);
    return fits;
}

static void rows_that_are_those_of_a_scan(void **state)
{
    (void)state;
    txclient_range range = all_of();
    range.from = BYTES("b");
    range.to = BYTES("f");
    struct tx_op op = filled(range);
    op.limit = 3;
    assert_true(fit(&op, "", false));
    assert_true(fit(&op, "bce", false));
    assert_true(fit(&op, "bce", true));
    assert_true(fit(&op, "b", true)); /* cut by its size */
    assert_false(fit(&op, "", true));
    assert_false(fit(&op, "bcde", true));
    assert_false(fit(&op, "abc", false));
    assert_false(fit(&op, "bf", false));
    assert_false(fit(&op, "bb", false));
    assert_false(fit(&op, "cb", false));
    op.reverse = true;
    assert_true(fit(&op, "ecb", false));
    assert_false(fit(&op, "bce", false));
    assert_false(fit(&op, "cc", false));
    struct tx_result torn = {.value = tx_bytes_str("\1\0\0\0")};
    struct tx_bytes last;
    assert_false(client_rows_fit(&op, &torn, &last));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_ends_where_its_successor_begins),
        cmocka_unit_test(prefix_and_bounds_hold_together),
        cmocka_unit_test(ranges_that_cannot_be),
        cmocka_unit_test(what_is_left_behind_a_row),
        cmocka_unit_test(rows_that_are_those_of_a_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
