/* The write set: order of first writes, overwrites, the redo and its limit. */
#include "participant/kv_writeset.h"

#include "participant/kv.h"
#include "txlog/redo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct kv_spares spares;

/* The key `name` in the keyspace "s", as the data hold it; good until the next call. */
static struct tx_bytes key(const char *name)
{
    static char text[64];
    int len = snprintf(text, sizeof(text), "\001s%s", name);
    return tx_bytes(text, (size_t)len);
}

static enum tx_error put(struct kv_writeset *set, const char *name, const char *value)
{
    struct tx_bytes bytes = tx_bytes_str(value != NULL ? value : "");
    enum tx_error error =
        kv_writeset_write(set, kv_key(key(name)), value != NULL ? &bytes : NULL, NULL);
    kv_writeset_check(set);
    return error;
}

static enum tx_error append_text(void *arg, const struct redo_write *write)
{
    char *text = arg;
    size_t at = strlen(text);
    (void)snprintf(text + at, 256 - at, "%.*s=%.*s%s ", (int)write->key.len,
                   (const char *)write->key.data, (int)write->value.len,
                   write->value.len > 0 ? (const char *)write->value.data : "",
                   write->deleted ? "(deleted)" : "");
    return TX_OK;
}

static void expect_redo(const struct kv_writeset *set, const char *expected)
{
    char text[256] = "";
    struct tx_buf redo = {0};
    kv_writeset_redo(set, &redo);
    assert_int_equal(redo_each(tx_buf_view(&redo), append_text, text), TX_OK);
    assert_string_equal(text, expected);
    tx_buf_deinit(&redo);
}

static void writes_are_in_order_of_their_keys(void **state)
{
    (void)state;
    struct kv_writeset set = {.spares = &spares};
    expect_redo(&set, "");
    assert_int_equal(put(&set, "b", "1"), TX_OK);
    assert_int_equal(put(&set, "a", "2"), TX_OK);
    assert_int_equal(put(&set, "c", NULL), TX_OK);
    assert_int_equal(put(&set, "b", "33"), TX_OK);
    assert_int_equal(put(&set, "a", NULL), TX_OK);
    assert_int_equal(put(&set, "c", ""), TX_OK);
    assert_int_equal(kv_writeset_n(&set), 3);
    expect_redo(&set, "a=(deleted) b=33 c= ");
    assert_null(kv_writeset_find(&set, key("d")));
    assert_true(kv_writeset_find(&set, key("a"))->deleted);
    kv_writeset_deinit(&set);
    assert_int_equal(kv_writeset_n(&set), 0);
}

static void entries_are_taken_in_order(void **state)
{
    (void)state;
    static const char *const names[] = {"q", "p", "r"};
    static const char *const sorted[] = {"p", "q", "r"};
    struct kv_writeset set = {.spares = &spares};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(put(&set, names[i], "x"), TX_OK);
    for (size_t i = 0; i < 3; i++) {
        struct kv_entry *entry = kv_writeset_take(&set);
        assert_true(tx_bytes_equal(kv_entry_key(entry), key(sorted[i])));
        kv_entry_destroy(&spares, &entry);
        kv_writeset_check(&set);
    }
    assert_null(kv_writeset_take(&set));
}

static void a_value_may_come_from_the_set_itself(void **state)
{
    (void)state;
    struct kv_writeset set = {.spares = &spares};
    assert_int_equal(put(&set, "a", "hello world"), TX_OK);
    struct tx_bytes own = kv_entry_value(kv_writeset_find(&set, key("a")));
    struct tx_bytes part = tx_bytes(own.data + 6, 5);
    assert_int_equal(kv_writeset_write(&set, kv_key(key("a")), &part, NULL), TX_OK);
    expect_redo(&set, "a=world ");
    kv_writeset_deinit(&set);
}

/* Fills the set up to exactly the limit, then one byte more. */
static void the_limit_is_exact(void **state)
{
    (void)state;
    static uint8_t big[TX_VALUE_MAX];
    struct kv_writeset set = {.spares = &spares};
    struct tx_why why = {{0}};
    char name[16];
    size_t one = 1 + 3 * sizeof(uint32_t) + 1 + 4; /* kind, lengths, "s", "kNNN" */
    size_t left = KV_REDO_MAX - sizeof(uint32_t);
    for (int i = 0; left > 0; i++) {
        size_t len = left - one < TX_VALUE_MAX ? left - one : TX_VALUE_MAX;
        struct tx_bytes value = tx_bytes(big, len);
        (void)snprintf(name, sizeof(name), "k%03d", i);
        assert_int_equal(kv_writeset_write(&set, kv_key(key(name)), &value, &why), TX_OK);
        left -= len + one;
    }
    size_t n = kv_writeset_n(&set);
    assert_int_equal(kv_writeset_write(&set, kv_key(key("more")), NULL, &why), TX_ELIMIT);
    assert_non_null(strstr(why.text, "16777216 bytes"));
    assert_int_equal(kv_writeset_n(&set), n);
    struct tx_bytes last = kv_entry_value(kv_writeset_find(&set, key(name)));
    struct tx_bytes longer = tx_bytes(big, last.len + 1);
    assert_true(longer.len <= TX_VALUE_MAX);
    assert_int_equal(kv_writeset_write(&set, kv_key(key(name)), &longer, &why), TX_ELIMIT);
    kv_writeset_check(&set);
    /* An overwrite counts only what it adds. */
    struct tx_bytes value = tx_bytes(big, TX_VALUE_MAX);
    assert_int_equal(kv_writeset_write(&set, kv_key(key("k000")), &value, &why), TX_OK);
    assert_int_equal(put(&set, "k000", "short"), TX_OK);
    assert_int_equal(put(&set, "more", NULL), TX_OK);
    kv_writeset_deinit(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_are_in_order_of_their_keys),
        cmocka_unit_test(entries_are_taken_in_order),
        cmocka_unit_test(a_value_may_come_from_the_set_itself),
        cmocka_unit_test(the_limit_is_exact),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    kv_spares_deinit(&spares);
    return failed;
}
