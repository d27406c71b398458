/* What WELCOME says is unsettled: in doubt, being prepared, or committed and not durably so. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
/* After the others, as it asks for. */
#include <cmocka.h>

/* Transaction `seq`, committed here because b and c are prepared as well; not durably so. */
static struct tx_id make_found_out(struct driver *d, uint64_t seq)
{
    struct tx_id id = driver_make_prepared(d, seq);
    driver_state(d, "b", id, TX_STATE_PREPARED);
    driver_state(d, "c", id, TX_STATE_PREPARED);
    expect_state(d, id, "committed");
    return id;
}

static struct driver *new_driver(void)
{
    struct driver *d = driver_new(NULL);
    d->members_decide = true;
    return d;
}

static uint64_t unsettled(struct driver *d)
{
    driver_hello(d, d->epoch, d->life);
    return driver_last(d, TX_MSG_WELCOME)->welcome.unsettled;
}

static void next_epoch(struct driver *d)
{
    driver_hello(d, d->epoch + 1, 20 + d->epoch);
    driver_sync(d);
}

static void test_from_preparing_to_durably_committed(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = driver_make_working(d, 1);
    assert_int_equal(unsettled(d), 0);
    driver_prepare(d, id, 0, NULL, 0);
    expect_state(d, id, "preparing");
    assert_int_equal(unsettled(d), 1);
    driver_sync(d);
    expect_state(d, id, "prepared");
    assert_int_equal(unsettled(d), 1);
    driver_commit(d, id);
    expect_state(d, id, "committed");
    assert_int_equal(unsettled(d), 1); /* a crash may take it back */
    driver_sync(d);
    assert_int_equal(unsettled(d), 0);
    driver_free(d);
}

static void test_ends_with_an_abort(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = driver_make_prepared(d, 1);
    assert_int_equal(unsettled(d), 1);
    driver_abort(d, id);
    assert_int_equal(unsettled(d), 0);
    driver_free(d);
}

static void test_until_an_operators_decision_has_ended(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = driver_make_heuristic(d, 1, true);
    assert_int_equal(unsettled(d), 1);
    driver_commit(d, id);
    assert_int_equal(unsettled(d), 1);
    driver_sync(d);
    assert_int_equal(unsettled(d), 0);
    driver_free(d);
}

static void test_is_the_oldest_epoch(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id ids[4];
    for (uint64_t i = 0; i < 4; i++) {
        ids[i] = driver_make_prepared(d, 1 + i);
        next_epoch(d);
    }
    assert_int_equal(unsettled(d), 1);
    driver_state(d, "b", ids[1], TX_STATE_NO);
    assert_int_equal(unsettled(d), 1);
    driver_state(d, "b", ids[0], TX_STATE_NO);
    assert_int_equal(unsettled(d), 3);
    driver_restart(d, d->log_n);
    assert_int_equal(unsettled(d), 3);
    driver_state(d, "b", ids[3], TX_STATE_COMMITTED);
    driver_state(d, "b", ids[2], TX_STATE_COMMITTED);
    assert_int_equal(unsettled(d), 3);
    driver_sync(d);
    assert_int_equal(unsettled(d), 0);
    driver_free(d);
}

/* A crash takes back what was not durable, and it is unsettled still. */
static void test_after_a_crash(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    struct tx_id id = make_found_out(d, 1);
    assert_int_equal(unsettled(d), 1);
    driver_restart(d, d->log_n - 1);
    expect_state(d, id, "prepared");
    assert_int_equal(unsettled(d), 1);
    driver_free(d);
}

/* That of the coordinator that is welcomed. */
static void test_of_another_coordinator(void **unused)
{
    (void)unused;
    struct driver *d = new_driver();
    driver_make_prepared(d, 1);
    struct tx_position start = {5, 9, {5000}};
    struct tx_envelope envelope = driver_envelope(d, 2, 5);
    envelope.life = 9;
    struct tx_msg hello = {.type = TX_MSG_HELLO,
                           .hello = {.lsn = {5000}, .number = 1, .starts = &start, .starts_n = 1}};
    driver_from(d, &envelope, &hello);
    driver_sync(d);
    assert_int_equal(driver_last(d, TX_MSG_WELCOME)->welcome.unsettled, 0);
    assert_int_equal(unsettled(d), 1);
    driver_free(d);
}

#define RUN(name) cmocka_unit_test(test_##name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(from_preparing_to_durably_committed),
        RUN(ends_with_an_abort),
        RUN(until_an_operators_decision_has_ended),
        RUN(is_the_oldest_epoch),
        RUN(after_a_crash),
        RUN(of_another_coordinator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
