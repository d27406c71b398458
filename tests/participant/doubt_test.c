/* In doubt: inquiries, the answers of coordinator and members, and an operator's decision. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

static void test_intervals_grow(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_prepared(d, 1);
    const uint64_t waits[] = {1000000, 1000000, 2000000, 4000000, 8000000, 8000000};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        driver_advance(d, waits[i] - 1);
        assert_int_equal(driver_asked(d, "coordinator-1"), i);
        driver_advance(d, 1);
        assert_int_equal(driver_asked(d, "coordinator-1"), i + 1);
    }
    assert_true(driver_noted(d, PART_ACTION_NOTE, "in doubt for 1000 ms"));
    assert_true(driver_noted(d, PART_ACTION_NOTE, "in doubt for 4000 ms"));
    assert_int_equal(driver_stats(d).oldest_prepared_us, 24000000);
    driver_free(d);
}

/* A running timer ends as it was set; what follows keeps to the new longest interval. */
static void test_a_lower_longest_interval_is_kept_to(void **unused)
{
    (void)unused;
    struct part_options options = driver_options();
    struct driver *d = driver_new(&options);
    driver_make_prepared(d, 1);
    driver_advance(d, 1000000 + 1000000 + 2000000);
    assert_int_equal(driver_asked(d, "coordinator-1"), 3);
    options.inquiry_max_us = 1000000;
    driver_step(d, &(struct part_event){.type = PART_EVENT_OPTIONS, .options = &options});
    driver_advance(d, 4000000);
    assert_int_equal(driver_asked(d, "coordinator-1"), 4);
    for (size_t i = 1; i <= 5; i++) { /* 8 s were to come next, before */
        driver_advance(d, 1000000);
        assert_int_equal(driver_asked(d, "coordinator-1"), 4 + i);
    }
    driver_free(d);
}

/* Transaction 2, prepared with a lock that the older transaction 1 waits for. */
static struct tx_id wanted_by_an_older_one(struct driver *d)
{
    driver_make_prepared(d, 2);
    driver_do(d, 1, 1, TX_OP_PUT, "k2", "older");
    assert_int_equal(driver_stats(d).locks_waiting, 1);
    return driver_id(d, 2);
}

/* The prepared one may be waiting elsewhere for the older one: its coordinator is told soon. */
static void test_an_older_one_that_waits_is_told_of(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = wanted_by_an_older_one(d);
    driver_advance(d, PART_WANTED_US - 1);
    assert_int_equal(driver_asked(d, "coordinator-1"), 0);
    driver_advance(d, 1);
    assert_int_equal(driver_asked(d, "coordinator-1"), 1);
    assert_true(driver_last(d, TX_MSG_INQUIRE)->inquire.wanted);
    assert_true(tx_id_equal(driver_last(d, TX_MSG_INQUIRE)->inquire.id, id));
    driver_advance(d, 1000000); /* lost: with every later inquiry again */
    assert_int_equal(driver_asked(d, "coordinator-1"), 2);
    assert_true(driver_last(d, TX_MSG_INQUIRE)->inquire.wanted);
    driver_abort(d, id);
    assert_int_equal(driver_stats(d).locks_waiting, 0);
    driver_free(d);
}

static void test_a_younger_one_that_waits_is_not(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_prepared(d, 1);
    driver_do(d, 2, 1, TX_OP_PUT, "k1", "younger");
    driver_advance(d, 999999);
    assert_int_equal(driver_asked(d, "coordinator-1"), 0);
    driver_advance(d, 1);
    assert_false(driver_last(d, TX_MSG_INQUIRE)->inquire.wanted);
    driver_free(d);
}

/* Wanted between its protection and its record. */
static void test_an_older_one_waits_while_it_prepares(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_preparing(d, 2);
    driver_do(d, 1, 1, TX_OP_PUT, "k2", "older");
    driver_advance(d, 2 * PART_WANTED_US);
    assert_int_equal(driver_asked(d, "coordinator-1"), 0); /* it has not voted */
    driver_sync(d);
    driver_advance(d, PART_WANTED_US);
    assert_true(driver_last(d, TX_MSG_INQUIRE)->inquire.wanted);
    driver_free(d);
}

/* A coordinator that comes back settles at once what its earlier starts left in doubt. */
static void test_a_new_epoch_is_asked_at_once(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_prepared(d, 1);
    driver_make_prepared(d, 2);
    driver_hello(d, 2, 22);
    assert_int_equal(driver_asked(d, "coordinator-1"), 0); /* not before it is welcome */
    driver_sync(d);
    assert_int_equal(driver_count(d, TX_MSG_WELCOME), 1);
    assert_int_equal(driver_asked(d, "coordinator-1"), 2);
    driver_hello(d, 2, 22); /* the same once more */
    assert_int_equal(driver_asked(d, "coordinator-1"), 2);
    driver_free(d);
}

static void test_members_are_asked_as_well_from_the_second_time_on(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_prepared(d, 1);
    driver_advance(d, 1000000);
    assert_int_equal(driver_asked(d, "coordinator-1"), 1);
    assert_int_equal(driver_asked(d, "participant-b"), 0);
    driver_advance(d, 1000000);
    assert_int_equal(driver_asked(d, "coordinator-1"), 2);
    assert_int_equal(driver_asked(d, "participant-b"), 1);
    assert_int_equal(driver_asked(d, "participant-c"), 1);
    assert_int_equal(driver_asked(d, "participant-a"), 0);
    driver_free(d);
}

static const struct tx_position *known_to(const struct driver *d, const char *address)
{
    for (size_t i = d->sent_n; i-- > 0;) {
        const struct driver_sent *sent = &d->sent[i];
        if (sent->msg.type == TX_MSG_INQUIRE && strcmp(sent->to.address.s, address) == 0)
            return &sent->msg.inquire.known;
    }
    fail_msg("%s was not asked", address);
    return NULL;
}

static void same_position(const struct tx_position *a, const struct tx_position *b)
{
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->life, b->life);
    assert_int_equal(a->lsn.n, b->lsn.n);
}

/* Each member hears how far it is known; also from a start after the one that prepared, and when
 * its PREPARED record has been restated. */
static void test_members_are_told_how_far_they_are_known(void **unused)
{
    (void)unused;
    const struct tx_position nothing = {0};
    struct part_options options = driver_options();
    options.snapshot_records = 5;
    struct driver *d = driver_new(&options);
    driver_make_prepared(d, 1);
    for (int life = 0; life < 3; life++) {
        driver_advance(d, 8000000);
        same_position(known_to(d, "coordinator-1"), &nothing);
        same_position(known_to(d, "participant-b"), &driver_known_b);
        same_position(known_to(d, "participant-c"), &driver_known_c);
        if (life == 1) { /* the next one begins at a snapshot */
            for (uint64_t seq = 2; d->compacted == 0 || seq < 20; seq++)
                driver_make_committed(d, seq);
        }
        driver_restart(d, d->log_n);
        driver_clear(d);
    }
    driver_free(d);
}

static void test_read_only_members_are_never_asked(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_prepare(d, id, DRIVER_B_READ_ONLY, NULL, 0);
    driver_sync(d);
    driver_advance(d, 30000000);
    assert_int_equal(driver_asked(d, "participant-b"), 0);
    assert_true(driver_asked(d, "participant-c") > 0);
    driver_state(d, "b", id, TX_STATE_NO); /* nobody asked */
    expect_state(d, id, "prepared");
    assert_int_equal(driver_stats(d).violations, 1);
    driver_free(d);
}

static void test_wait(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    for (unsigned i = 0; i < 10; i++) {
        driver_advance(d, 8000000);
        driver_wait(d, id); /* the coordinator lives: nobody else is asked */
    }
    assert_true(driver_asked(d, "coordinator-1") >= 10);
    assert_int_equal(driver_asked(d, "participant-b"), 3); /* in the first eight seconds */
    driver_wait(d, driver_id(d, 2));
    assert_int_equal(driver_stats(d).stale, 1);
    driver_free(d);
}

static void test_member_knows_the_commit(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_advance(d, 8000000);
    driver_state(d, "b", id, TX_STATE_COMMITTED);
    expect_state(d, id, "committed");
    assert_string_equal(driver_value(d, "k1"), "v1");
    assert_true(driver_noted(d, PART_ACTION_NOTE, "settled: committed by b after 8000 ms"));
    driver_free(d);
}

static void test_member_says_no(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_state(d, "c", id, TX_STATE_NO);
    expect_state(d, id, "tombstone");
    assert_int_equal(driver_records(d, TXLOG_ABORTED), 1);
    driver_state(d, "c", id, TX_STATE_NO); /* late */
    assert_int_equal(driver_stats(d).stale, 1);
    driver_free(d);
}

/* Whoever says NO as a start before the one that took part has an old copy of its directory. */
static void test_member_says_no_as_an_earlier_start(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    struct tx_id heuristic = driver_make_heuristic(d, 2, true);
    for (unsigned i = 0; i < 3; i++)
        driver_state_of(d, "c", id, TX_STATE_NO, DRIVER_PEERS_INCARNATION - 1);
    driver_state_of(d, "c", heuristic, TX_STATE_NO, DRIVER_PEERS_INCARNATION - 1);
    assert_int_equal(driver_stats(d).violations, 4);
    expect_alarms(d, 2); /* one for each transaction */
    assert_true(driver_noted(d, PART_ACTION_ALARM,
                             "participant c answers NO with incarnation 1, and took part with 2"));
    expect_state(d, id, "prepared");
    expect_state(d, heuristic, "heuristic");
    driver_state_of(d, "c", id, TX_STATE_NO, DRIVER_PEERS_INCARNATION + 1);
    expect_state(d, id, "tombstone");
    driver_free(d);
}

static void test_all_prepared(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_advance(d, 8000000);
    driver_state(d, "b", id, TX_STATE_PREPARED);
    driver_advance(d, 8000000);
    assert_false(driver_noted(d, PART_ACTION_NOTE, "every other member"));
    driver_state(d, "c", id, TX_STATE_PREPARED);
    driver_advance(d, 40000000);
    assert_true(driver_noted(d, PART_ACTION_NOTE, "every other member is in doubt as well"));
    expect_state(d, id, "prepared");
    driver_free(d);
}

static void test_states_nobody_may_say(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_state(d, "b", id, TX_STATE_FORGOTTEN);
    driver_state(d, "stranger", id, TX_STATE_COMMITTED);
    driver_state(d, "a", id, TX_STATE_COMMITTED); /* itself */
    assert_int_equal(driver_stats(d).violations, 3);
    driver_state(d, "b", driver_id(d, 9), TX_STATE_NO);
    assert_int_equal(driver_stats(d).stale, 1);
    expect_state(d, id, "prepared");
    driver_free(d);
}

/* A transaction with one member has nobody else to ask. */
static void test_alone(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_prepare(d, id, DRIVER_ALONE, NULL, 0);
    driver_sync(d);
    driver_advance(d, 60000000);
    assert_int_equal(driver_count(d, TX_MSG_INQUIRE), driver_asked(d, "coordinator-1"));
    assert_false(driver_noted(d, PART_ACTION_NOTE, "every other member"));
    driver_free(d);
}

/* ---- an operator ---- */

static void test_resolve_is_answered_when_durable(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_prepared(d, 1);
    driver_resolve(d, id, true);
    driver_resolve(d, id, true); /* impatient */
    expect_silence(d);
    assert_int_equal(driver_stats(d).locks_held, 0);
    assert_string_equal(driver_value(d, "k1"), "v1");
    driver_sync(d);
    expect_error(d, TX_OK, TX_REASON_NONE);
    assert_int_equal(driver_count(d, TX_MSG_ERROR), 2);
    assert_int_equal(driver_last(d, TX_MSG_ERROR)->error.req, 9);
    assert_true(driver_noted(d, PART_ACTION_NOTE, "committed by operator olga"));
    driver_clear(d);
    driver_resolve(d, id, true);
    expect_error(d, TX_OK, TX_REASON_NONE);
    driver_resolve(d, id, false); /* no second opinion */
    expect_error(d, TX_ESTATE, TX_REASON_NONE);
    assert_int_equal(driver_records(d, TXLOG_HEURISTIC), 1);
    driver_free(d);
}

static void test_resolve_refused(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_resolve(d, driver_id(d, 1), true);
    expect_error(d, TX_EUNKNOWN, TX_REASON_NONE);
    driver_resolve(d, driver_make_working(d, 2), true);
    expect_error(d, TX_ESTATE, TX_REASON_NONE);
    driver_resolve(d, driver_make_committed(d, 3), false);
    expect_error(d, TX_ESTATE, TX_REASON_NONE);
    driver_free(d);
}

/* It goes on asking: only the real decision shows whether the operator was right. */
static void test_heuristic_inquires(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_heuristic(d, 1, false);
    driver_advance(d, 8000000);
    assert_int_equal(driver_asked(d, "coordinator-1"), 4);
    assert_int_equal(driver_asked(d, "participant-b"), 3);
    driver_wait(d, id);
    driver_state(d, "c", id, TX_STATE_COMMITTED);
    driver_sync(d);
    expect_ack(d, id, TX_HEURISTIC_DAMAGE);
    assert_true(driver_noted(d, PART_ACTION_ALARM, "aborted here by operator olga"));
    driver_clear(d);
    driver_advance(d, 60000000);
    expect_silence(d);
    driver_free(d);
}

static void test_heuristic_agrees(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_heuristic(d, 1, false);
    driver_state(d, "c", id, TX_STATE_NO);
    driver_sync(d);
    expect_ack(d, id, TX_HEURISTIC_OK);
    assert_true(driver_noted(d, PART_ACTION_NOTE, "as operator olga had decided"));
    assert_int_equal(d->rollbacks, 1);
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intervals_grow),
        cmocka_unit_test(test_a_lower_longest_interval_is_kept_to),
        cmocka_unit_test(test_an_older_one_that_waits_is_told_of),
        cmocka_unit_test(test_a_younger_one_that_waits_is_not),
        cmocka_unit_test(test_an_older_one_waits_while_it_prepares),
        cmocka_unit_test(test_a_new_epoch_is_asked_at_once),
        cmocka_unit_test(test_members_are_asked_as_well_from_the_second_time_on),
        cmocka_unit_test(test_members_are_told_how_far_they_are_known),
        cmocka_unit_test(test_read_only_members_are_never_asked),
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_member_knows_the_commit),
        cmocka_unit_test(test_member_says_no),
        cmocka_unit_test(test_member_says_no_as_an_earlier_start),
        cmocka_unit_test(test_all_prepared),
        cmocka_unit_test(test_states_nobody_may_say),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_resolve_is_answered_when_durable),
        cmocka_unit_test(test_resolve_refused),
        cmocka_unit_test(test_heuristic_inquires),
        cmocka_unit_test(test_heuristic_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
