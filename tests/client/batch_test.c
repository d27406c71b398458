/* Batches: what they take, and that the first failure sticks. */
#include "client/client_shell.h"

#include "tests/common/test.h"

#include <string.h>

static txclient_batch *batch;

static int begin(void **state)
{
    (void)state;
    batch = txclient_batch_new();
    return batch != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    txclient_batch_free(&batch);
    assert_null(batch);
    txclient_batch_free(&batch);
    return 0;
}

static void test_bytes_are_copied(void **state)
{
    (void)state;
    char key[] = "key";
    char value[] = "value";
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(txclient_batch_count(batch), i);
        assert_int_equal(txclient_batch_put(batch, txclient_at("a", "s", key), txclient_str(value)),
                         TXCLIENT_OK);
    }
    memset(key, 'x', 3);
    memset(value, 'x', 5);
    for (size_t i = 0; i < 100; i++) {
        assert_true(tx_bytes_equal(batch->ops[i].key, tx_bytes_str("key")));
        assert_true(tx_bytes_equal(batch->ops[i].value, tx_bytes_str("value")));
        assert_string_equal(batch->ops[i].participant.s, "a");
    }
}

static void test_every_operation_becomes_what_it_says(void **state)
{
    (void)state;
    const int64_t min = -1;
    const int64_t max = 9;
    txclient_address at = txclient_at("a", "s", "k");
    txclient_batch_get(batch, at);
    txclient_batch_get_for_update(batch, at);
    txclient_batch_put(batch, at, txclient_str("v"));
    txclient_batch_insert(batch, at, txclient_str(""));
    txclient_batch_delete(batch, at);
    txclient_batch_add(batch, at, -5, &min, &max);
    txclient_batch_add(batch, at, 5, NULL, NULL);
    txclient_batch_check(batch, at, txclient_str("v"));
    txclient_batch_check_absent(batch, at);
    txclient_batch_lock(batch, at, TXCLIENT_LOCK_U);
    static const enum tx_op_type types[] = {
        TX_OP_GET, TX_OP_GET_FOR_UPDATE, TX_OP_PUT,   TX_OP_INSERT, TX_OP_DELETE, TX_OP_ADD,
        TX_OP_ADD, TX_OP_CHECK,          TX_OP_CHECK, TX_OP_LOCK};
    assert_int_equal(txclient_batch_count(batch), 10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(batch->ops[i].type, types[i]);
    }
    assert_int_equal(batch->ops[5].delta, -5);
    assert_true(batch->ops[5].has_min && batch->ops[5].has_max);
    assert_int_equal(batch->ops[5].min, -1);
    assert_int_equal(batch->ops[5].max, 9);
    assert_false(batch->ops[6].has_min || batch->ops[6].has_max);
    assert_false(batch->ops[7].absent);
    assert_true(batch->ops[8].absent);
    assert_int_equal(batch->ops[9].mode, TX_LOCK_U);
}

static void test_a_scan_is_copied(void **state)
{
    (void)state;
    char space[] = "space", from[] = "from", prefix[] = "f";
    txclient_range range = txclient_between("a", space, from, "");
    range.prefix = txclient_str(prefix);
    assert_int_equal(txclient_batch_scan(batch, &range, 7, true), TXCLIENT_OK);
    memset(space, 'x', 5);
    memset(from, 'x', 4);
    memset(prefix, 'x', 1);
    assert_int_equal(batch->ops[0].type, TX_OP_SCAN);
    assert_true(tx_bytes_equal(batch->ops[0].space, tx_bytes_str("space")));
    assert_true(tx_bytes_equal(batch->ops[0].key, tx_bytes_str("from")));
    assert_true(tx_bytes_equal(batch->ops[0].to, tx_bytes_str("g")));
    assert_int_equal(batch->ops[0].limit, 7);
    assert_true(batch->ops[0].reverse);
}

static void test_the_first_failure_sticks(void **state)
{
    (void)state;
    static const char long_key[TXCLIENT_KEY_MAX + 1] = {'x'};
    txclient_address at = txclient_at("a", "s", "k");
    at.key = txclient_data(long_key, sizeof long_key);
    assert_string_equal(txclient_batch_error(batch), "");
    assert_int_equal(txclient_batch_get(batch, at), TXCLIENT_ELIMIT);
    assert_int_equal(txclient_batch_get(batch, txclient_at("a", "s", "k")), TXCLIENT_ELIMIT);
    assert_int_equal(txclient_batch_get(batch, txclient_at("?", "s", "k")), TXCLIENT_ELIMIT);
    assert_non_null(strstr(txclient_batch_error(batch), "4096"));
    assert_int_equal(txclient_batch_count(batch), 0);
    txclient_batch_clear(batch);
    assert_string_equal(txclient_batch_error(batch), "");
    assert_int_equal(txclient_batch_get(batch, txclient_at("a", "s", "k")), TXCLIENT_OK);
}

static void test_null_is_refused(void **state)
{
    (void)state;
    txclient_address at = txclient_at("a", "s", "k");
    at.participant = NULL;
    assert_int_equal(txclient_batch_get(batch, at), TXCLIENT_EINVAL);
    txclient_batch_clear(batch);
    at = txclient_at("a", "s", "k");
    at.space = NULL;
    assert_int_equal(txclient_batch_get(batch, at), TXCLIENT_EINVAL);
    txclient_batch_clear(batch);
    at = txclient_at("a", "s", "k");
    at.key.data = NULL;
    assert_int_equal(txclient_batch_get(batch, at), TXCLIENT_EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_are_copied), TEST(test_every_operation_becomes_what_it_says),
        TEST(test_a_scan_is_copied), TEST(test_the_first_failure_sticks),
        TEST(test_null_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
