/* The redo of the key-value store. */
#include "txlog/redo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *space, *key, *value; /* value NULL: a delete */
} writes[] = {{"accounts", "alice", "100"}, {"a", "", ""}, {"accounts", "bob", NULL}};
enum { WRITES = sizeof(writes) / sizeof(writes[0]) };

static void build(struct tx_buf *out)
{
    redo_begin(out, WRITES);
    for (int i = 0; i < WRITES; i++) {
        struct redo_write w = {.space = tx_bytes_str(writes[i].space),
                               .key = tx_bytes_str(writes[i].key),
                               .deleted = writes[i].value == NULL};
        if (!w.deleted)
            w.value = tx_bytes_str(writes[i].value);
        redo_add(out, &w);
    }
    assert_false(out->failed);
}

struct seen {
    int n, stop_at;
};

static enum tx_error check_write(void *arg, const struct redo_write *w)
{
    struct seen *seen = arg;
    if (seen->n == seen->stop_at)
        return TX_ELIMIT;
    int i = seen->n++;
    assert_true(i < WRITES);
    assert_true(tx_bytes_equal(w->space, tx_bytes_str(writes[i].space)));
    assert_true(tx_bytes_equal(w->key, tx_bytes_str(writes[i].key)));
    assert_int_equal(w->deleted, writes[i].value == NULL);
    if (w->deleted)
        assert_int_equal(w->value.len, 0);
    else
        assert_true(tx_bytes_equal(w->value, tx_bytes_str(writes[i].value)));
    return TX_OK;
}

static void round_trip(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    build(&buf);
    struct seen seen = {.stop_at = -1};
    assert_int_equal(redo_each(tx_buf_view(&buf), check_write, &seen), TX_OK);
    assert_int_equal(seen.n, WRITES);
    seen = (struct seen){.stop_at = 1};
    assert_int_equal(redo_each(tx_buf_view(&buf), check_write, &seen), TX_ELIMIT);
    assert_int_equal(seen.n, 1);
    seen = (struct seen){.stop_at = -1};
    assert_int_equal(redo_each(tx_bytes(NULL, 0), check_write, &seen), TX_OK);
    assert_int_equal(seen.n, 0);
    tx_buf_deinit(&buf);
}

static enum tx_error visit_nothing(void *arg, const struct redo_write *w)
{
    (void)arg;
    (void)w;
    fail_msg("a damaged redo was applied in part");
    return TX_OK;
}

static void damage_is_found_before_the_first_visit(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    build(&buf);
    for (size_t len = 1; len < buf.len; len++) {
        uint8_t *copy = malloc(len);
        assert_non_null(copy);
        memcpy(copy, buf.data, len);
        assert_int_equal(redo_each(tx_bytes(copy, len), visit_nothing, NULL), TX_ECORRUPT);
        free(copy);
    }
    buf.data[4] = 3; /* a kind that does not exist */
    assert_int_equal(redo_each(tx_buf_view(&buf), visit_nothing, NULL), TX_ECORRUPT);
    buf.data[4] = 1;
    tx_buf_u8(&buf, 0);
    assert_int_equal(redo_each(tx_buf_view(&buf), visit_nothing, NULL), TX_ECORRUPT);
    tx_buf_deinit(&buf);
}

static void data_keys(void **state)
{
    (void)state;
    struct tx_buf buf = {0};
    struct tx_bytes space, key;
    redo_data_key(tx_bytes_str("accounts"), tx_bytes_str("alice"), &buf);
    assert_int_equal(buf.len, 14);
    assert_memory_equal(buf.data,
                        "\x08"
                        "accountsalice",
                        14);
    assert_int_equal(redo_data_key_parse(tx_buf_view(&buf), &space, &key), TX_OK);
    assert_true(tx_bytes_equal(space, tx_bytes_str("accounts")));
    assert_true(tx_bytes_equal(key, tx_bytes_str("alice")));
    assert_int_equal(redo_data_key_parse(tx_bytes(buf.data, 8), &space, &key), TX_ECORRUPT);
    assert_int_equal(redo_data_key_parse(tx_bytes("\0abc", 4), &space, &key), TX_ECORRUPT);
    assert_int_equal(redo_data_key_parse(tx_bytes("", 0), &space, &key), TX_ECORRUPT);
    tx_buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(damage_is_found_before_the_first_visit),
        cmocka_unit_test(data_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
