/* Cuts at a participant (docs/protocol.md, "The consistent cut"): before and after, restarts,
 * snapshots, and who asks. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

static void ask(struct driver *d, bool begin, uint64_t number)
{
    struct tx_msg msg = {.type = TX_MSG_CUT_REQUEST,
                         .cut_request = {.req = 7, .begin = begin, .number = number}};
    driver_from_client(d, 1, &msg);
}

static const struct tx_msg_cut *told(const struct driver *d)
{
    return &driver_last(d, TX_MSG_CUT)->cut;
}

/* The type of a record, and the number when it is a CUT. */
static enum txlog_type record_at(const struct driver *d, uint64_t lsn, struct tx_cut *cut)
{
    struct tx_arena arena = {0};
    struct txlog_record record;
    driver_decode(d, lsn, &arena, &record);
    tx_arena_deinit(&arena);
    if (record.type == TXLOG_CUT)
        *cut = record.cut;
    return record.type;
}

static void test_it_is_taken_before_the_message(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    uint64_t before = d->log_n;
    struct tx_cut cut = {0};
    d->cut = 5;
    driver_prepare(d, id, 0, NULL, 0);
    assert_int_equal(record_at(d, before + 1, &cut), TXLOG_CUT);
    assert_int_equal(cut.number, 5);
    assert_int_equal(cut.lsn.n, before + 1);
    assert_int_equal(cut.time_ms, 1700000000000);
    assert_int_equal(record_at(d, before + 2, &cut), TXLOG_PREPARED);
    assert_int_equal(d->stamped, 5);
    assert_int_equal(driver_stats(d).cut, 5);
    assert_int_equal(driver_stats(d).cuts, 1);
    d->cut = 4; /* late */
    driver_sync(d);
    driver_commit(d, id);
    assert_int_equal(driver_stats(d).cuts, 1);
    driver_free(d);
}

/* A red word of another member, too: it commits behind the cut. */
static void test_it_is_taken_from_other_participants(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    d->members_decide = true;
    struct tx_id id = driver_make_prepared(d, 1);
    struct tx_cut cut = {0};
    driver_state(d, "b", id, TX_STATE_PREPARED);
    uint64_t before = d->log_n;
    d->cut = 2;
    driver_state(d, "c", id, TX_STATE_PREPARED);
    expect_state(d, id, "committed");
    assert_int_equal(record_at(d, before + 1, &cut), TXLOG_CUT);
    assert_int_equal(record_at(d, before + 2, &cut), TXLOG_COMMITTED);
    driver_free(d);
}

static void test_a_number_that_nobody_can_have(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    uint64_t before = driver_stats(d).violations;
    d->cut = UINT64_MAX;
    driver_abort(d, id);
    d->cut = TX_CUT_AHEAD_MAX + 1;
    driver_abort(d, id);
    assert_int_equal(driver_stats(d).violations, before + 2);
    assert_int_equal(driver_stats(d).cut, 0);
    expect_state(d, id, "prepared");
    d->cut = TX_CUT_AHEAD_MAX;
    driver_abort(d, id);
    assert_int_equal(driver_stats(d).cut, TX_CUT_AHEAD_MAX);
    expect_state(d, id, "tombstone");
    driver_free(d);
}

static void test_a_position_is_told_once_it_is_durable(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    ask(d, false, 0);
    assert_int_equal(told(d)->taken, 0); /* none yet */
    driver_clear(d);
    ask(d, false, 3);
    assert_int_equal(driver_count(d, TX_MSG_CUT), 0);
    d->cut = 4; /* it has missed 3 */
    driver_hello(d, d->epoch, d->life);
    assert_int_equal(driver_count(d, TX_MSG_CUT), 0);
    driver_sync(d);
    assert_int_equal(told(d)->req, 7);
    assert_int_equal(told(d)->number, 3);
    assert_int_equal(told(d)->taken, 4);
    assert_int_equal(told(d)->lsn.n, d->log_n);
    ask(d, true, 0);
    expect_error(d, TX_EINVAL, TX_REASON_NONE);
    ask(d, false, UINT64_MAX);
    expect_error(d, TX_EINVAL, TX_REASON_NONE);
    driver_clear(d);
    for (unsigned i = 0; i <= TX_CUT_ASKERS_MAX; i++)
        ask(d, false, 9);
    expect_error(d, TX_EBUSY, TX_REASON_BUSY);
    assert_int_equal(driver_count(d, TX_MSG_ERROR), 1);
    driver_free(d);
}

static void test_a_restart_stamps_what_is_durable(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    d->cut = 1;
    driver_hello(d, d->epoch, d->life);
    driver_sync(d);
    d->cut = 2;
    driver_hello(d, d->epoch, d->life);
    assert_int_equal(d->stamped, 2);
    d->stamped = 0;
    driver_restart(d, d->log_n - 1); /* the second one was not durable */
    assert_int_equal(d->stamped, 1);
    driver_hello(d, d->epoch, d->life); /* which brings it again */
    assert_int_equal(d->stamped, 2);
    assert_int_equal(driver_stats(d).cut, 2);
    driver_free(d);
}

static void test_snapshots_restate_the_newest(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    struct driver *d;
    uint64_t lsns[20 + 1];
    options.snapshot_records = 60;
    options.retain_records = 0;
    d = driver_new(&options);
    for (unsigned i = 1; i <= 20; i++) {
        d->cut = i;
        driver_hello(d, d->epoch, d->life);
        lsns[i] = d->log_n;
    }
    for (uint64_t seq = 1; d->compacted <= lsns[20]; seq++) {
        (void)driver_make_committed(d, seq);
        driver_make_forgotten(d, seq + 1);
        driver_sync(d);
        assert_true(seq < 200);
    }
    driver_restart(d, d->log_n);
    assert_int_equal(d->stamped, 20);
    for (unsigned i = 5; i <= 20; i++) {
        ask(d, false, i);
        assert_int_equal(told(d)->lsn.n, lsns[i]);
        assert_int_equal(told(d)->taken, i);
    }
    ask(d, false, 4);
    expect_error(d, TX_ENOTFOUND, TX_REASON_NONE);
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_taken_before_the_message),
        cmocka_unit_test(test_it_is_taken_from_other_participants),
        cmocka_unit_test(test_a_number_that_nobody_can_have),
        cmocka_unit_test(test_a_position_is_told_once_it_is_durable),
        cmocka_unit_test(test_a_restart_stamps_what_is_durable),
        cmocka_unit_test(test_snapshots_restate_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
