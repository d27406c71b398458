/* The key-value store on a real log: every operation, what is visible when, and the way back after
 * a restart. */
#include "kv_fixture.h"

#include "txlog/redo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct kv_fixture fixture;

static struct tx_id tx(uint64_t seq)
{
    return kv_fixture_tx(seq);
}

/* An operation on `key` in the keyspace "s". */
static struct tx_op op(enum tx_op_type type, const char *key, const char *value)
{
    return (struct tx_op){
        .type = type,
        .space = tx_bytes_str("s"),
        .key = tx_bytes_str(key),
        .value = tx_bytes_str(value != NULL ? value : ""),
    };
}

static struct rm_answer execute(uint64_t seq, struct tx_op what)
{
    struct rm_answer answer;
    fixture.rm->vtable->execute(fixture.rm, tx(seq), &what, &answer);
    return answer;
}

static void put(uint64_t seq, const char *key, const char *value)
{
    struct rm_answer answer = execute(seq, op(TX_OP_PUT, key, value));
    assert_int_equal(answer.status, RM_OK);
    assert_true(answer.wrote);
    assert_false(answer.result.found);
    assert_int_equal(answer.result.value.len, 0);
}

static bool erase(uint64_t seq, const char *key)
{
    struct rm_answer answer = execute(seq, op(TX_OP_DELETE, key, NULL));
    assert_int_equal(answer.status, RM_OK);
    assert_int_equal(answer.result.value.len, 0);
    return answer.result.found;
}

/* Whether the transaction sees `value`; NULL stands for no value at all. */
static bool sees(uint64_t seq, const char *key, const char *value)
{
    struct rm_answer answer = execute(seq, op(TX_OP_GET, key, NULL));
    assert_int_equal(answer.status, RM_OK);
    struct rm_answer update = execute(seq, op(TX_OP_GET_FOR_UPDATE, key, NULL));
    assert_int_equal(update.result.found, answer.result.found);
    assert_true(tx_bytes_equal(update.result.value, answer.result.value));
    if (value == NULL)
        return !answer.result.found && answer.result.value.len == 0;
    return answer.result.found && tx_bytes_equal(answer.result.value, tx_bytes_str(value));
}

static void expect_refused(struct rm_answer answer, enum tx_reason reason, const char *text)
{
    char got[512];
    assert_int_equal(answer.status, RM_ROLLED_BACK);
    assert_string_equal(tx_reason_name(answer.reason), tx_reason_name(reason));
    (void)snprintf(got, sizeof(got), "%.*s", (int)answer.text.len, (const char *)answer.text.data);
    assert_string_equal(got, text);
    assert_false(answer.result.found);
    assert_int_equal(answer.result.value.len, 0);
}

static enum rm_status rollback(uint64_t seq)
{
    struct rm_answer answer;
    fixture.rm->vtable->rollback(fixture.rm, tx(seq), &answer);
    return answer.status;
}

static struct rm_answer prepare(uint64_t seq)
{
    struct rm_answer answer;
    fixture.rm->vtable->prepare(fixture.rm, tx(seq), &answer);
    return answer;
}

static struct tx_lsn commit(uint64_t seq)
{
    return kv_fixture_commit(&fixture, tx(seq));
}

static void tell_durable(struct tx_lsn lsn)
{
    fixture.rm->vtable->durable(fixture.rm, lsn);
}

static void sync_and_tell(void)
{
    kv_fixture_sync(&fixture);
    tell_durable(fixture.last);
}

/* Whether RocksDB itself holds a value for the key. */
static bool stored(const char *key)
{
    struct tx_buf data_key = {0};
    struct tx_buf value = {0};
    redo_data_key(tx_bytes_str("s"), tx_bytes_str(key), &data_key);
    enum tx_error error = txlog_data_get(fixture.log, tx_buf_view(&data_key), &value, NULL);
    assert_true(error == TX_OK || error == TX_ENOTFOUND);
    tx_buf_deinit(&data_key);
    tx_buf_deinit(&value);
    return error == TX_OK;
}

static int setup(void **state)
{
    (void)state;
    kv_fixture_start(&fixture, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_fixture_end(&fixture);
    return 0;
}

/* ---- operations ---- */

static void a_transaction_reads_its_own_writes(void **state)
{
    (void)state;
    assert_true(sees(1, "k", NULL));
    put(1, "k", "one");
    assert_true(sees(1, "k", "one"));
    put(1, "k", "");
    assert_true(sees(1, "k", ""));
    assert_true(sees(2, "k", NULL));
    assert_true(erase(1, "k"));
    assert_true(sees(1, "k", NULL));
    assert_false(erase(1, "k"));
    put(1, "k", "two");
    assert_true(sees(1, "k", "two"));
    assert_int_equal(rollback(1), RM_OK);
    assert_true(sees(1, "k", NULL));
}

static void insert_wants_an_absent_key(void **state)
{
    (void)state;
    assert_int_equal(execute(1, op(TX_OP_INSERT, "k", "v")).status, RM_OK);
    assert_true(sees(1, "k", "v"));
    expect_refused(execute(1, op(TX_OP_INSERT, "k", "w")), TX_REASON_EXISTS,
                   "insert s/k: the key exists already");
    assert_true(sees(1, "k", NULL)); /* the refusal has ended it, and its first insert */
    assert_int_equal(execute(1, op(TX_OP_INSERT, "k", "v")).status, RM_OK);
    assert_true(erase(1, "k"));
    assert_int_equal(execute(1, op(TX_OP_INSERT, "k", "x")).status, RM_OK);
    (void)commit(1);
    expect_refused(execute(2, op(TX_OP_INSERT, "k", "y")), TX_REASON_EXISTS,
                   "insert s/k: the key exists already");
    sync_and_tell();
    expect_refused(execute(2, op(TX_OP_INSERT, "k", "y")), TX_REASON_EXISTS,
                   "insert s/k: the key exists already");
}

static void texts_are_printable_and_cut(void **state)
{
    (void)state;
    char key[201];
    memset(key, 'a', 200);
    key[0] = '\n';
    key[200] = '\0';
    put(1, key, "v");
    struct rm_answer answer = execute(1, op(TX_OP_INSERT, key, "w"));
    assert_int_equal(answer.reason, TX_REASON_EXISTS);
    assert_true(answer.text.len < 120);
    assert_memory_equal(answer.text.data, "insert s/\\x0aaaa", 16);
    assert_non_null(strstr((const char *)answer.text.data, "aaa...: the key"));
}

static void delete_tells_whether_it_was_there(void **state)
{
    (void)state;
    assert_false(erase(1, "k"));
    assert_int_equal(prepare(1).status, RM_READ_ONLY); /* nothing there, nothing to write */
    put(2, "k", "v");
    (void)commit(2);
    assert_true(erase(3, "k"));
    (void)commit(3);
    assert_false(erase(4, "k"));
    sync_and_tell();
    assert_false(stored("k"));
    assert_false(erase(4, "k"));
}

static struct tx_op add_op(const char *key, int64_t delta)
{
    struct tx_op what = op(TX_OP_ADD, key, NULL);
    what.delta = delta;
    return what;
}

static bool adds(uint64_t seq, const char *key, int64_t delta, const char *sum)
{
    struct rm_answer answer = execute(seq, add_op(key, delta));
    return answer.status == RM_OK && answer.wrote && answer.result.found &&
           tx_bytes_equal(answer.result.value, tx_bytes_str(sum));
}

static void add_counts_from_what_is_there(void **state)
{
    (void)state;
    assert_true(adds(1, "n", 5, "5"));
    assert_true(adds(1, "n", -7, "-2"));
    assert_true(sees(1, "n", "-2"));
    (void)commit(1);
    assert_true(adds(2, "n", 1, "-1"));
    (void)commit(2);
    sync_and_tell();
    assert_true(adds(3, "n", 1, "0"));
    assert_true(erase(3, "n"));
    assert_true(adds(3, "n", 9, "9"));
}

static void add_refuses_what_it_cannot_do(void **state)
{
    (void)state;
    struct tx_op bounded = add_op("n", -3);
    bounded.has_min = true;
    expect_refused(execute(1, bounded), TX_REASON_FLOOR,
                   "add s/n: 0 with -3 added would be below the floor of 0");
    assert_true(sees(1, "n", NULL));
    bounded = add_op("n", 3);
    bounded.has_max = true;
    bounded.max = 2;
    expect_refused(execute(1, bounded), TX_REASON_CEILING,
                   "add s/n: 0 with 3 added would be above the ceiling of 2");
    assert_true(adds(1, "n", INT64_MAX, "9223372036854775807"));
    expect_refused(execute(1, add_op("n", 1)), TX_REASON_CEILING,
                   "add s/n: 9223372036854775807 with 1 added would be more than a 64-bit number "
                   "can be");
    assert_true(sees(1, "n", NULL));
    put(1, "n", "ten");
    expect_refused(execute(1, add_op("n", 1)), TX_REASON_NOT_COUNTER,
                   "add s/n: the value \"ten\" is not the decimal text of a 64-bit number");
    put(1, "n", "");
    assert_int_equal(execute(1, add_op("n", 1)).reason, TX_REASON_NOT_COUNTER);
}

static void check_compares(void **state)
{
    (void)state;
    struct tx_op absent = op(TX_OP_CHECK, "k", NULL);
    absent.absent = true;
    assert_int_equal(execute(1, absent).status, RM_OK);
    expect_refused(execute(1, op(TX_OP_CHECK, "k", "v")), TX_REASON_CHECK,
                   "check s/k: found no value where \"v\" was expected");
    expect_refused(execute(1, op(TX_OP_CHECK, "k", "")), TX_REASON_CHECK,
                   "check s/k: found no value where \"\" was expected");
    put(1, "k", "v");
    assert_int_equal(execute(1, op(TX_OP_CHECK, "k", "v")).status, RM_OK);
    expect_refused(execute(1, op(TX_OP_CHECK, "k", "w")), TX_REASON_CHECK,
                   "check s/k: found \"v\" where \"w\" was expected");
    put(1, "k", "v");
    expect_refused(execute(1, absent), TX_REASON_CHECK,
                   "check s/k: found \"v\" where no value was expected");
    put(1, "k", "");
    assert_int_equal(execute(1, op(TX_OP_CHECK, "k", "")).status, RM_OK);
    assert_int_equal(execute(1, absent).reason, TX_REASON_CHECK);
}

static void a_lock_only_begins_the_transaction(void **state)
{
    (void)state;
    struct tx_op store = {.type = TX_OP_LOCK, .mode = TX_LOCK_S};
    struct rm_answer answer = execute(1, store);
    assert_int_equal(answer.status, RM_OK);
    assert_false(answer.wrote);
    assert_int_equal(prepare(1).status, RM_READ_ONLY);
    assert_int_equal(rollback(1), RM_NOT_FOUND);
}

static void an_impossible_operation_is_refused(void **state)
{
    (void)state;
    static uint8_t big[TX_VALUE_MAX + 1];
    struct tx_op what = op(TX_OP_PUT, "k", NULL);
    what.value = tx_bytes(big, sizeof(big));
    assert_int_equal(execute(1, what).reason, TX_REASON_LIMIT);
    what = op(TX_OP_PUT, "", "v");
    assert_int_equal(execute(1, what).reason, TX_REASON_REFUSED);
}

/* Whoever is told RM_ROLLED_BACK does not call again: what was kept then would be kept for ever. */
static void a_refusal_ends_the_transaction(void **state)
{
    (void)state;
    struct tx_op absent = op(TX_OP_CHECK, "k", NULL);
    absent.absent = true;
    put(1, "k", "v");
    assert_int_equal(execute(1, absent).status, RM_ROLLED_BACK);
    assert_int_equal(prepare(1).status, RM_NOT_FOUND);
    assert_int_equal(rollback(1), RM_NOT_FOUND);
    assert_true(sees(2, "k", NULL));
}

static void the_write_set_is_bounded(void **state)
{
    (void)state;
    static uint8_t big[TX_VALUE_MAX];
    char key[16];
    struct rm_answer answer = {.status = RM_OK};
    size_t n = 0;
    while (answer.status == RM_OK && n < 100) {
        (void)snprintf(key, sizeof(key), "k%zu", n++);
        struct tx_op what = op(TX_OP_PUT, key, NULL);
        what.value = tx_bytes(big, sizeof(big));
        answer = execute(1, what);
    }
    assert_int_equal(n, KV_REDO_MAX / TX_VALUE_MAX);
    assert_int_equal(answer.status, RM_ROLLED_BACK);
    assert_int_equal(answer.reason, TX_REASON_LIMIT);
    assert_true(answer.wrote);
    assert_true(sees(1, key, NULL));
    assert_int_equal(rollback(1), RM_OK);
}

/* ---- visibility ---- */

static void a_commit_is_visible_before_it_is_durable(void **state)
{
    (void)state;
    put(1, "k", "v");
    assert_true(sees(2, "k", NULL));
    struct tx_lsn lsn = commit(1);
    assert_int_equal(log_writer_backlog(fixture.writer) > 0, true);
    assert_false(stored("k"));
    assert_true(sees(2, "k", "v"));
    kv_fixture_sync(&fixture);
    assert_true(stored("k"));
    assert_true(sees(2, "k", "v"));
    tell_durable((struct tx_lsn){lsn.n - 1});
    assert_true(sees(2, "k", "v"));
    tell_durable(lsn);
    assert_true(sees(2, "k", "v"));
}

/* The value that a read gave is good until the next call on that transaction, whatever happens
 * else. */
static void a_result_outlives_the_overlay(void **state)
{
    (void)state;
    put(1, "k", "some value");
    (void)commit(1);
    struct rm_answer answer = execute(2, op(TX_OP_GET, "k", NULL));
    put(3, "k", "another one");
    (void)commit(3);
    sync_and_tell();
    assert_true(tx_bytes_equal(answer.result.value, tx_bytes_str("some value")));
    assert_true(sees(2, "k", "another one"));
}

static void overwrites_become_durable_in_steps(void **state)
{
    (void)state;
    struct tx_lsn lsn[5];
    static const char *const values[] = {"v0", "v1", NULL, "v3", "v4"};
    for (uint64_t i = 0; i < 5; i++) {
        if (values[i] != NULL)
            put(i + 1, "k", values[i]);
        else
            assert_true(erase(i + 1, "k"));
        put(i + 1, "other", "x");
        lsn[i] = commit(i + 1);
        assert_true(sees(99, "k", values[i]));
    }
    kv_fixture_sync(&fixture);
    for (size_t i = 0; i < 5; i++) {
        tell_durable(lsn[i]);
        assert_true(sees(99, "k", "v4"));
        assert_true(sees(99, "other", "x"));
    }
    put(50, "k", "v5");
    (void)commit(50);
    assert_true(sees(99, "k", "v5"));
    sync_and_tell();
    assert_true(sees(99, "k", "v5"));
}

static void a_committed_delete_hides_what_is_stored(void **state)
{
    (void)state;
    put(1, "k", "v");
    (void)commit(1);
    sync_and_tell();
    assert_true(erase(2, "k"));
    assert_true(sees(3, "k", "v"));
    (void)commit(2);
    assert_true(stored("k"));
    assert_true(sees(3, "k", NULL));
    sync_and_tell();
    assert_false(stored("k"));
    assert_true(sees(3, "k", NULL));
}

/* ---- ends and beginnings ---- */

static void a_reader_votes_read_only_and_is_gone(void **state)
{
    (void)state;
    assert_true(sees(1, "k", NULL));
    struct rm_answer answer = prepare(1);
    assert_int_equal(answer.status, RM_READ_ONLY);
    assert_int_equal(answer.redo.len, 0);
    assert_int_equal(prepare(1).status, RM_NOT_FOUND);
    assert_int_equal(rollback(1), RM_NOT_FOUND);
    struct rm_batch batch;
    fixture.rm->vtable->commit(fixture.rm, tx(1), (struct tx_lsn){1}, &batch, &answer);
    assert_int_equal(answer.status, RM_NOT_FOUND);
    assert_int_equal(batch.puts_n, 0);
}

static void one_phase_commit_of_a_reader_is_empty(void **state)
{
    (void)state;
    assert_true(sees(1, "k", NULL));
    (void)commit(1);
    assert_int_equal(rollback(1), RM_NOT_FOUND);
}

static void a_batch_lists_the_writes_in_order(void **state)
{
    (void)state;
    struct rm_answer answer;
    struct rm_batch batch;
    put(1, "b", "1");
    put(1, "a", "2");
    assert_true(erase(1, "b"));
    assert_int_equal(prepare(1).status, RM_OK);
    fixture.rm->vtable->commit(fixture.rm, tx(1), (struct tx_lsn){1}, &batch, &answer);
    assert_int_equal(answer.status, RM_OK);
    assert_int_equal(batch.puts_n, 2);
    assert_true(tx_bytes_equal(batch.puts[1].key, tx_bytes_str("\001sb")));
    assert_true(batch.puts[1].deleted);
    assert_true(tx_bytes_equal(batch.puts[0].key, tx_bytes_str("\001sa")));
    assert_true(tx_bytes_equal(batch.puts[0].value, tx_bytes_str("2")));
    /* The batch holds although another transaction overwrites what it names. */
    put(2, "a", "3");
    fixture.rm->vtable->commit(fixture.rm, tx(2), (struct tx_lsn){2}, &(struct rm_batch){0},
                               &answer);
    assert_true(tx_bytes_equal(batch.puts[0].value, tx_bytes_str("2")));
    fixture.rm->vtable->committed(fixture.rm, tx(1));
    fixture.rm->vtable->committed(fixture.rm, tx(2));
}

static void a_prepared_transaction_comes_back(void **state)
{
    (void)state;
    struct tx_buf redo = {0};
    struct rm_answer answer;
    put(1, "stays", "1");
    put(1, "goes", "1");
    (void)commit(1);
    put(2, "new", "22");
    put(2, "stays", "2");
    assert_true(erase(2, "goes"));
    answer = prepare(2);
    assert_int_equal(answer.status, RM_OK);
    tx_buf_append(&redo, answer.redo);
    struct tx_bytes again = fixture.rm->vtable->redo(fixture.rm, tx(2));
    assert_true(tx_bytes_equal(again, tx_buf_view(&redo)));

    kv_fixture_reopen(&fixture);
    assert_true(sees(3, "stays", "1"));
    assert_int_equal(fixture.rm->vtable->redo(fixture.rm, tx(2)).len, 0);
    fixture.rm->vtable->recover(fixture.rm, tx(2), tx_buf_view(&redo), &answer);
    assert_int_equal(answer.status, RM_OK);
    assert_true(answer.wrote);
    again = fixture.rm->vtable->redo(fixture.rm, tx(2));
    assert_true(tx_bytes_equal(again, tx_buf_view(&redo)));
    assert_true(sees(3, "stays", "1") && sees(3, "goes", "1") && sees(3, "new", NULL));
    (void)commit(2);
    assert_true(sees(3, "stays", "2") && sees(3, "goes", NULL) && sees(3, "new", "22"));
    kv_fixture_reopen(&fixture);
    assert_true(sees(3, "stays", "2") && sees(3, "goes", NULL) && sees(3, "new", "22"));
    tx_buf_deinit(&redo);
}

static void a_recovered_transaction_can_be_undone(void **state)
{
    (void)state;
    struct tx_buf redo = {0};
    struct rm_answer answer;
    put(1, "k", "v");
    tx_buf_append(&redo, prepare(1).redo);
    assert_int_equal(rollback(1), RM_OK);
    assert_int_equal(fixture.rm->vtable->redo(fixture.rm, tx(1)).len, 0);
    fixture.rm->vtable->recover(fixture.rm, tx(1), tx_buf_view(&redo), &answer);
    assert_int_equal(rollback(1), RM_OK);
    assert_true(sees(2, "k", NULL));
    tx_buf_deinit(&redo);
}

static void a_damaged_redo_stops_the_store(void **state)
{
    (void)state;
    struct rm_answer answer;
    struct tx_bytes garbage = tx_bytes_str("this is no redo");
    fixture.rm->vtable->recover(fixture.rm, tx(1), garbage, &answer);
    assert_int_equal(answer.status, RM_FAILED);
    assert_true(answer.text.len > 0);
    assert_int_equal(rollback(1), RM_NOT_FOUND);
}

static enum tx_error unreadable(struct txlog *log, struct tx_bytes key, struct tx_buf *out,
                                struct tx_why *why)
{
    (void)log;
    (void)key;
    (void)out;
    return tx_why(why, TX_EIO, "the disk is gone");
}

/* Disks that fail on demand are rare: a log backend that does stands in for one. */
static void an_unreadable_store_fails(void **state)
{
    (void)state;
    const struct txlog_vtable vtable = {.data_get = unreadable};
    struct txlog log = {.vtable = &vtable};
    struct rm *rm = NULL;
    struct rm_answer answer;
    assert_int_equal(kv_open(&log, 0, &rm, NULL), TX_OK);
    static const enum tx_op_type readers[] = {
        TX_OP_GET, TX_OP_GET_FOR_UPDATE, TX_OP_INSERT, TX_OP_DELETE, TX_OP_ADD, TX_OP_CHECK};
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        struct tx_op what = op(readers[i], "k", NULL);
        rm->vtable->execute(rm, tx(1), &what, &answer);
        assert_int_equal(answer.status, RM_FAILED);
        assert_true(tx_bytes_equal(answer.text, tx_bytes_str("the disk is gone")));
        assert_false(answer.wrote);
    }
    rm->vtable->close(&rm);
}

static void the_store_answers_at_once(void **state)
{
    (void)state;
    struct rm_answer answer;
    struct tx_id id;
    assert_int_equal(fixture.rm->vtable->version, RM_VERSION);
    assert_string_equal(fixture.rm->vtable->kind, "kv");
    assert_int_equal(fixture.rm->vtable->fd(fixture.rm), -1);
    assert_false(fixture.rm->vtable->process(fixture.rm, &id, &answer));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_transaction_reads_its_own_writes),
        TEST(insert_wants_an_absent_key),
        TEST(texts_are_printable_and_cut),
        TEST(delete_tells_whether_it_was_there),
        TEST(add_counts_from_what_is_there),
        TEST(add_refuses_what_it_cannot_do),
        TEST(check_compares),
        TEST(a_lock_only_begins_the_transaction),
        TEST(an_impossible_operation_is_refused),
        TEST(a_refusal_ends_the_transaction),
        TEST(the_write_set_is_bounded),
        TEST(a_commit_is_visible_before_it_is_durable),
        TEST(a_result_outlives_the_overlay),
        TEST(overwrites_become_durable_in_steps),
        TEST(a_committed_delete_hides_what_is_stored),
        TEST(a_reader_votes_read_only_and_is_gone),
        TEST(one_phase_commit_of_a_reader_is_empty),
        TEST(a_batch_lists_the_writes_in_order),
        TEST(a_prepared_transaction_comes_back),
        TEST(a_recovered_transaction_can_be_undone),
        TEST(a_damaged_redo_stops_the_store),
        TEST(an_unreadable_store_fails),
        TEST(the_store_answers_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
