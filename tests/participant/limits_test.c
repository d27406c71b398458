/* Limits and refusals, the bound on tombstones and alarms, idleness, and STATUS. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

static void one_shot(struct driver *d, uint64_t seq, const char *key)
{
    struct tx_op op = driver_op(TX_OP_PUT, key, "1");
    driver_prepare(d, driver_id(d, seq), DRIVER_ONE_SHOT, &op, 1);
}

static void test_transactions_max(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.txs_max = 2;
    struct driver *d = driver_new(&options);
    driver_make_working(d, 1);
    driver_make_prepared(d, 2);
    driver_do(d, 3, 1, TX_OP_PUT, "x", "1");
    expect_error(d, TX_ELIMIT, TX_REASON_BUSY);
    one_shot(d, 4, "y");
    expect_no(d, driver_id(d, 4), TX_REASON_BUSY);
    driver_commit(d, driver_id(d, 2)); /* those that have decided do not count */
    driver_do(d, 3, 1, TX_OP_PUT, "x", "1");
    expect_operated(d, TX_REASON_NONE);
    driver_free(d);
}

static void test_disk_low(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_working(d, 1);
    driver_step(d, &(struct part_event){.type = PART_EVENT_DISK, .on = true});
    driver_do(d, 2, 1, TX_OP_PUT, "x", "1");
    expect_error(d, TX_EFULL, TX_REASON_DISK_FULL);
    one_shot(d, 3, "y");
    expect_no(d, driver_id(d, 3), TX_REASON_DISK_FULL);
    driver_hello(d, 1, 7);
    assert_true(driver_last(d, TX_MSG_WELCOME)->welcome.refusing);
    driver_do(d, 1, 2, TX_OP_PUT, "x", "1"); /* the open ones are finished */
    driver_prepare(d, driver_id(d, 1), 0, NULL, 0);
    driver_sync(d);
    expect_vote(d, driver_id(d, 1), TX_VOTE_YES);
    driver_step(d, &(struct part_event){.type = PART_EVENT_DISK, .on = false});
    driver_do(d, 4, 1, TX_OP_PUT, "z", "1");
    expect_operated(d, TX_REASON_NONE);
    driver_free(d);
}

static void test_drain(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    assert_false(part_core_idle(d->core));
    driver_step(d, &(struct part_event){.type = PART_EVENT_DRAIN, .on = true});
    driver_do(d, 2, 1, TX_OP_PUT, "x", "1");
    expect_error(d, TX_ESTATE, TX_REASON_DRAINING);
    one_shot(d, 3, "y");
    expect_no(d, driver_id(d, 3), TX_REASON_DRAINING);
    driver_commit(d, id);
    assert_false(part_core_idle(d->core)); /* its record is not durable */
    driver_sync(d);
    assert_true(part_core_idle(d->core));
    driver_step(d, &(struct part_event){.type = PART_EVENT_DRAIN, .on = false});
    driver_do(d, 4, 1, TX_OP_PUT, "x", "1"); /* taken again */
    expect_operated(d, TX_REASON_NONE);
    driver_free(d);
}

static void test_operations_max(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op *ops = calloc(TX_OPS_MAX + 1, sizeof *ops);
    assert_non_null(ops);
    for (size_t i = 0; i <= TX_OPS_MAX; i++)
        ops[i] = driver_op(TX_OP_GET, "x", "");
    d->check = false;
    driver_operate(d, driver_id(d, 1), 1, ops, TX_OPS_MAX);
    expect_operated(d, TX_REASON_NONE);
    driver_operate(d, driver_id(d, 1), 2, ops, 1); /* over all steps */
    expect_operated(d, TX_REASON_LIMIT);
    expect_no(d, driver_id(d, 1), TX_REASON_LIMIT);
    driver_prepare(d, driver_id(d, 2), DRIVER_ONE_SHOT, ops, TX_OPS_MAX + 1);
    expect_no(d, driver_id(d, 2), TX_REASON_LIMIT);
    part_core_check(d->core);
    free(ops);
    driver_free(d);
}

static void test_locks_max(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.locks_max = 4;
    struct driver *d = driver_new(&options);
    driver_do(d, 1, 1, TX_OP_PUT, "x", "1"); /* the key, and two intentions */
    driver_do(d, 1, 2, TX_OP_PUT, "y", "1");
    expect_operated(d, TX_REASON_NONE);
    driver_do(d, 1, 3, TX_OP_PUT, "z", "1");
    expect_operated(d, TX_REASON_LIMIT);
    expect_no(d, driver_id(d, 1), TX_REASON_LIMIT);
    assert_int_equal(driver_stats(d).locks_held, 0);
    driver_free(d);
}

/* A tombstone that had to go still refuses, and so does everything older that is not known. */
static void test_tombstones_max(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.tombstones_max = 3;
    struct driver *d = driver_new(&options);
    driver_make_working(d, 2);
    for (uint64_t seq = 3; seq <= 8; seq++)
        driver_make_tombstone(d, seq);
    assert_int_equal(driver_stats(d).tombstones, 3);
    expect_state(d, driver_id(d, 3), "none");
    one_shot(d, 3, "x"); /* a late duplicate does not run again */
    expect_no(d, driver_id(d, 3), TX_REASON_BUSY);
    driver_do(d, 4, 1, TX_OP_PUT, "x", "1");
    expect_operated(d, TX_REASON_BUSY);
    driver_inquire_peer(d, "b", driver_id(d, 5), true);
    expect_answer(d, driver_id(d, 5), TX_STATE_NO);
    driver_do(d, 2, 2, TX_OP_PUT, "x", "1"); /* what is open below the floor goes on */
    expect_operated(d, TX_REASON_NONE);
    one_shot(d, 9, "y");
    expect_state(d, driver_id(d, 9), "preparing");
    driver_hello(d, 2, 8); /* a new epoch begins without a floor */
    driver_sync(d);
    one_shot(d, 1, "z");
    expect_state(d, driver_id(d, 1), "preparing");
    driver_free(d);
}

static void test_tombstones_of_older_epochs_raise_no_floor(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.tombstones_max = 2;
    struct driver *d = driver_new(&options);
    driver_make_tombstone(d, 50);
    driver_hello(d, 2, 8);
    driver_sync(d);
    for (uint64_t seq = 1; seq <= 2; seq++)
        driver_make_tombstone(d, seq);
    one_shot(d, 3, "x");
    expect_state(d, driver_id(d, 3), "preparing");
    driver_free(d);
}

static void test_alarms_are_bounded(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    d->check = false;
    for (uint64_t seq = 1; seq <= 1005; seq++)
        driver_commit(d, driver_id(d, seq));
    expect_alarms(d, 1005);
    driver_commit(d, driver_id(d, 1005)); /* still remembered */
    assert_int_equal(driver_records(d, TXLOG_ALARM), 1005);
    driver_commit(d, driver_id(d, 1)); /* no more: kept again */
    assert_int_equal(driver_records(d, TXLOG_ALARM), 1006);
    driver_sync(d);
    driver_restart(d, d->log_n);
    expect_alarms(d, 1006);
    driver_free(d);
}

/* A log that is always a little behind: everything is answered once, in its order. */
static void test_long_queue(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.txs_max = 1000;
    options.locks_max = 100000;
    struct driver *d = driver_new(&options);
    for (uint64_t seq = 1; seq <= 500; seq++) {
        char key[16];
        (void)snprintf(key, sizeof key, "q%u", (unsigned)seq);
        one_shot(d, seq, key);
        if (seq > 40)
            driver_sync_to(d, d->log_n - 40);
    }
    driver_sync(d);
    assert_int_equal(driver_count(d, TX_MSG_VOTE), 500);
    for (size_t i = 0; i < d->sent_n; i++)
        assert_int_equal(d->sent[i].msg.vote.id.seq, i + 1);
    driver_sync_to(d, 3); /* old news */
    assert_int_equal(driver_stats(d).prepared, 500);
    driver_free(d);
}

/* ---- STATUS ---- */

static const struct tx_msg_status *status(struct driver *d)
{
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST, .status_request = {.req = 4}};
    driver_from_client(d, 5, &msg);
    assert_int_equal(driver_last_to(d, TX_MSG_STATUS)->client, 5);
    assert_int_equal(driver_last(d, TX_MSG_STATUS)->status.req, 4);
    return &driver_last(d, TX_MSG_STATUS)->status;
}

static bool is(struct tx_bytes text, const char *expected)
{
    return tx_bytes_equal(text, tx_bytes_str(expected));
}

static bool has(struct tx_bytes text, const char *part)
{
    return text.len > 0 && memmem(text.data, text.len, part, strlen(part)) != NULL;
}

static bool has_field(const struct tx_msg_status *s, const char *name, const char *text)
{
    for (size_t i = 0; i < s->fields_n; i++) {
        if (is(s->fields[i].name, name) && has(s->fields[i].text, text))
            return true;
    }
    return false;
}

static void test_status(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_commit(d, driver_id(d, 90));
    driver_make_heuristic(d, 1, true);
    driver_commit(d, driver_make_heuristic(d, 2, true));
    driver_abort(d, driver_make_heuristic(d, 3, true));
    driver_make_prepared(d, 4);
    driver_make_preparing(d, 5);
    driver_make_working(d, 6);
    driver_do(d, 7, 1, TX_OP_PUT, "k4", "1");
    driver_make_tombstone(d, 8);
    d->rm_slow = true;
    driver_do(d, 9, 1, TX_OP_PUT, "k9", "1");
    driver_advance(d, 100000);
    const struct tx_msg_status *s = status(d);
    assert_true(has_field(s, "role", "participant"));
    assert_true(has_field(s, "name", "a"));
    assert_true(has_field(s, "prepared", "1"));
    assert_true(has_field(s, "heuristic", "3"));
    assert_true(has_field(s, "aborted_client", "1"));
    assert_true(has_field(s, "alarms", "2"));
    assert_true(has_field(s, "alarm_1", "COMMIT of transaction 1-1-90"));
    assert_true(has_field(s, "refusing", "no"));
    const char *const details[] = {
        "committed by operator olga; the decision is not known",
        "the decision agrees",
        "DAMAGE",
        "waits for the decision of coordinator 1",
        "waits for the log",
        "waits for its client",
        "waits 100 ms for the x lock on s/k4, held by 1-1-4 (1 in all)",
        "waits for the store",
    };
    assert_int_equal(s->txs_n, 8);
    for (size_t i = 0; i < s->txs_n; i++)
        assert_true(has(s->txs[i].detail, details[i]));
    assert_int_equal(s->txs[0].id.seq, 1);
    assert_true(is(s->txs[0].state, "heuristic"));
    assert_int_equal(s->txs[5].age_ms, 100);
    assert_int_equal(s->peers_n, 1);
    assert_int_equal(s->peers[0].start, 1);
    driver_free(d);
}

/* Other options while it runs: fewer transactions than are open are no fault, only new ones wait.
 */
static void test_other_options(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    struct driver *d = driver_new(&options);
    driver_make_working(d, 1);
    driver_make_working(d, 2);
    options.txs_max = 1;
    driver_step(d, &(struct part_event){.type = PART_EVENT_OPTIONS, .options = &options});
    part_core_check(d->core);
    driver_do(d, 3, 1, TX_OP_PUT, "x", "1");
    expect_error(d, TX_ELIMIT, TX_REASON_BUSY);
    options.txs_max = 3;
    driver_step(d, &(struct part_event){.type = PART_EVENT_OPTIONS, .options = &options});
    driver_do(d, 4, 1, TX_OP_PUT, "x", "1");
    expect_operated(d, TX_REASON_NONE);
    part_core_check(d->core);
    driver_free(d);
}

static void test_status_of_many(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    options.txs_max = 2000;
    struct driver *d = driver_new(&options);
    d->check = false;
    for (uint64_t seq = 1; seq <= 1100; seq++)
        driver_make_working(d, seq);
    driver_step(d, &(struct part_event){.type = PART_EVENT_DISK, .on = true});
    const struct tx_msg_status *s = status(d);
    assert_int_equal(s->txs_n, 1000);
    assert_int_equal(s->txs[999].id.seq, 1000);
    assert_true(has_field(s, "refusing", "disk-full"));
    driver_step(d, &(struct part_event){.type = PART_EVENT_DRAIN, .on = true});
    assert_true(has_field(status(d), "refusing", "draining"));
    part_core_check(d->core);
    driver_free(d);
}

/* Locks on the store and on a keyspace, as an operator reads them; keys that are not text. */
static void test_places(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op store = {.type = TX_OP_LOCK, .mode = TX_LOCK_X};
    struct tx_op space = {.type = TX_OP_LOCK, .mode = TX_LOCK_S, .space = tx_bytes_str("s")};
    driver_operate(d, driver_id(d, 1), 1, &store, 1);
    driver_operate(d, driver_id(d, 2), 1, &store, 1);
    driver_operate(d, driver_id(d, 3), 1, &space, 1);
    const struct tx_msg_status *s = status(d);
    assert_true(has(s->txs[1].detail, "x lock on the store"));
    driver_advance(d, 5000000);
    expect_state(d, driver_id(d, 2), "tombstone");
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transactions_max),
        cmocka_unit_test(test_disk_low),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_other_options),
        cmocka_unit_test(test_operations_max),
        cmocka_unit_test(test_locks_max),
        cmocka_unit_test(test_tombstones_max),
        cmocka_unit_test(test_tombstones_of_older_epochs_raise_no_floor),
        cmocka_unit_test(test_alarms_are_bounded),
        cmocka_unit_test(test_long_queue),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_status_of_many),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
