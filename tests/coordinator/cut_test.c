/* Cuts at the coordinator (docs/protocol.md, "The consistent cut"): before and after, numbers,
 * restarts, snapshots, and who asks. */
#include "tests/coordinator/coord_driver.h"

#include <string.h>

static struct driver d;

static void ask(bool begin, uint64_t number)
{
    struct tx_msg msg = {.type = TX_MSG_CUT_REQUEST,
                         .cut_request = {.req = ++d.req, .begin = begin, .number = number}};
    driver_client(&d, CLIENT, &msg);
}

static const struct tx_msg_cut *told(void)
{
    return &driver_replied(&d, CLIENT, TX_MSG_CUT)->cut;
}

/* The place of the first action of this type; fails the test when there is none. */
static size_t place_of(enum coord_action_type type, enum tx_msg_type msg)
{
    for (size_t i = 0; i < d.actions.n; i++) {
        const struct coord_action *action = &d.actions.items[i];
        if (action->type == type && (type != COORD_ACTION_SEND || action->msg.type == msg)) {
            return i;
        }
    }
    fail_msg("no such action");
    return 0;
}

static void a_new_cut_is_told_once_it_is_durable_and_to_everybody_at_once(void **unused)
{
    (void)unused;
    ask(true, 0);
    const struct txlog_record *record = driver_record(&d, TXLOG_CUT);
    assert_int_equal(record->cut.number, 1);
    assert_int_equal(record->cut.lsn.n, record->lsn.n);
    uint64_t lsn = record->lsn.n;
    size_t append = place_of(COORD_ACTION_APPEND, 0);
    assert_true(d.actions.items[append].force);
    assert_true(append < place_of(COORD_ACTION_STAMP, 0));
    assert_true(place_of(COORD_ACTION_STAMP, 0) < place_of(COORD_ACTION_SEND, TX_MSG_HELLO));
    for (char who = 'a'; who < 'a' + NODES_N; who++) {
        (void)driver_sent(&d, who, TX_MSG_HELLO);
    }
    assert_int_equal(d.stamped, 1);
    driver_quiet(&d); /* nobody has been told */
    driver_durable_to(&d, lsn - 1);
    driver_quiet(&d);
    driver_durable_to(&d, lsn);
    const struct tx_msg_cut *cut = told();
    assert_int_equal(cut->number, 1);
    assert_int_equal(cut->taken, 1);
    assert_int_equal(cut->lsn.n, lsn);
    assert_int_equal(driver_stats(&d).cuts_begun, 1);
}

/* The vote is behind the cut, and so is the decision that rests on it. */
static void a_higher_number_is_taken_before_the_message(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    d.cut = 5;
    driver_ignore(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    size_t cut = place_of(COORD_ACTION_APPEND, 0);
    assert_int_equal(d.actions.items[cut].record.type, TXLOG_CUT);
    assert_int_equal(d.actions.items[cut].record.cut.number, 5);
    assert_int_equal(d.actions.items[cut].record.cut.time_ms, d.now / 1000);
    assert_int_equal(driver_record(&d, TXLOG_COMMIT)->lsn.n, d.actions.items[cut].record.lsn.n + 1);
    assert_int_equal(d.stamped, 5);
    assert_int_equal(driver_stats(&d).cuts, 1);
    assert_int_equal(driver_stats(&d).cuts_begun, 0);
    d.cut = 4; /* late, or of who has not heard */
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    assert_int_equal(driver_stats(&d).cuts, 1);
    ask(true, 0);
    assert_int_equal(driver_stats(&d).cut, 6);
}

static void a_number_that_nobody_can_have_is_a_violation_and_nothing_is_done(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    uint64_t before = driver_stats(&d).violations;
    d.cut = UINT64_MAX;
    vote(&d, 'a', id, TX_VOTE_NO, 0);
    d.cut = TX_CUT_AHEAD_MAX + 1;
    vote(&d, 'a', id, TX_VOTE_NO, 0);
    assert_int_equal(driver_stats(&d).violations, before + 2);
    assert_int_equal(driver_stats(&d).cut, 0);
    assert_state(&d, id, "collecting");
}

static void what_a_client_stamps_is_nobodys(void **unused)
{
    (void)unused;
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST, .status_request = {.req = 1}};
    struct tx_envelope envelope = {.role = TX_ROLE_CLIENT, .cut = 9};
    driver_step(
        &d, &(struct coord_event){
                .type = COORD_EVENT_MESSAGE, .client = CLIENT, .envelope = &envelope, .msg = &msg});
    assert_int_equal(driver_stats(&d).cut, 0);
}

static void a_restart_stamps_what_is_durable_and_takes_what_was_lost_again(void **unused)
{
    (void)unused;
    ask(true, 0);
    driver_durable(&d);
    ask(true, 0);
    size_t durable = driver_record(&d, TXLOG_CUT)->lsn.n - 1;
    driver_restart(&d, durable);
    assert_int_equal(d.stamped, 1);
    assert_true(place_of(COORD_ACTION_STAMP, 0) < place_of(COORD_ACTION_SEND, TX_MSG_HELLO));
    driver_welcome_all(&d);
    driver_ignore(&d);
    d.cut = 2; /* somebody had heard of it */
    driver_welcome(&d, 'a');
    assert_int_equal(driver_record(&d, TXLOG_CUT)->cut.number, 2);
    assert_true(driver_record(&d, TXLOG_CUT)->lsn.n > durable);
}

static void snapshots_restate_the_newest_with_their_positions(void **unused)
{
    uint64_t lsns[20 + 1] = {0};

    (void)unused;
    d.options.snapshot_records = 30;
    d.options.retain_records = 0;
    d.options.retained_max = 5;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    for (unsigned i = 1; i <= 20; i++) {
        ask(true, 0);
        driver_durable(&d);
        lsns[i] = told()->lsn.n;
        driver_ignore(&d);
    }
    fill_log(&d, 60);
    driver_durable(&d);
    assert_true(d.compacted > lsns[20]);
    driver_restart_all(&d);
    driver_durable(&d);
    assert_int_equal(d.stamped, 20);
    driver_ignore(&d);
    for (unsigned i = 5; i <= 20; i++) {
        ask(false, i);
        assert_int_equal(told()->lsn.n, lsns[i]);
    }
    ask(false, 4);
    assert_error(&d, TX_ENOTFOUND, TX_REASON_NONE, "forgotten");
}

static void who_asks_for_one_that_has_not_come_waits_for_it(void **unused)
{
    (void)unused;
    ask(false, 0);
    assert_int_equal(told()->taken, 0); /* none yet */
    ask(false, 3);
    driver_quiet(&d);
    d.cut = 4; /* 3 was missed, and 4 is as good */
    driver_welcome(&d, 'a');
    driver_quiet(&d);
    driver_durable(&d);
    const struct tx_msg_cut *cut = told();
    assert_int_equal(cut->number, 3);
    assert_int_equal(cut->taken, 4);
    ask(false, 0);
    assert_int_equal(told()->taken, 4);
    ask(true, 7);
    assert_error(&d, TX_EINVAL, TX_REASON_NONE, "gets its number here");
}

static void too_many_who_wait_push_out_the_first(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i <= TX_CUT_ASKERS_MAX; i++) {
        ask(false, 3);
    }
    assert_error(&d, TX_EBUSY, TX_REASON_BUSY, "has not come");
}

/* Every cut begins the interval anew, also those of others. */
static void an_interval_takes_them_by_itself(void **unused)
{
    (void)unused;
    d.options.cut_every_us = 10 * SECOND_US;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_pass(&d, 9 * SECOND_US);
    assert_int_equal(driver_stats(&d).cut, 0);
    driver_pass(&d, 2 * SECOND_US);
    assert_int_equal(driver_stats(&d).cut, 1);
    driver_pass(&d, 8 * SECOND_US);
    d.cut = 2;
    driver_welcome(&d, 'a');
    driver_pass(&d, 9 * SECOND_US);
    assert_int_equal(driver_stats(&d).cut, 2);
    driver_pass(&d, 2 * SECOND_US);
    assert_int_equal(driver_stats(&d).cut, 3);
}

static void give_interval(uint64_t us)
{
    struct coord_options options = d.options;
    options.cut_every_us = us;
    driver_step(&d, &(struct coord_event){.type = COORD_EVENT_OPTIONS, .options = &options});
}

static void another_interval_begins_when_it_is_given(void **unused)
{
    (void)unused;
    give_interval(4 * SECOND_US);
    driver_pass(&d, 3 * SECOND_US);
    assert_int_equal(driver_stats(&d).cut, 0);
    driver_pass(&d, 2 * SECOND_US);
    assert_int_equal(driver_stats(&d).cut, 1);
    give_interval(0);
    driver_pass(&d, 60 * SECOND_US);
    assert_int_equal(driver_stats(&d).cut, 1);
}

static void a_fenced_one_takes_no_more(void **unused)
{
    (void)unused;
    ask(false, 3);
    struct tx_msg msg = {.type = TX_MSG_FENCED, .fenced = {.known = {99, 1, {1}}}};
    driver_participant(&d, 'a', &msg);
    assert_true(driver_stats(&d).fenced);
    assert_error(&d, TX_ESTATE, TX_REASON_NONE, "fenced before cut 3");
    d.cut = 5;
    driver_participant(&d, 'b', &msg);
    assert_int_equal(driver_stats(&d).cut, 0);
    ask(true, 0);
    assert_error(&d, TX_ESTATE, TX_REASON_NONE, "fenced");
}

static void a_log_that_goes_back_is_refused(void **unused)
{
    (void)unused;
    struct coord_core *core = coord_core_new(&d.options);
    struct txlog_record start = {.type = TXLOG_START, .lsn = {1}, .started = {.life = 1}};
    struct txlog_record cut = {.type = TXLOG_CUT, .lsn = {2}, .cut = {5, {2}, 0}};
    struct tx_why why = {""};
    start.start = cut.start = d.options.epoch - 1;
    d.options.epoch++;
    coord_core_destroy(&core);
    core = coord_core_new(&d.options);
    start.start = cut.start = d.options.epoch - 1;
    assert_int_equal(coord_core_recover(core, &start, &why), TX_OK);
    assert_int_equal(coord_core_recover(core, &cut, &why), TX_OK);
    cut.lsn.n = cut.cut.lsn.n = 3;
    assert_int_equal(coord_core_recover(core, &cut, &why), TX_ECORRUPT);
    assert_non_null(strstr(why.text, "does not follow cut 5"));
    coord_core_destroy(&core);
}

#define TEST(name) cmocka_unit_test_prestate_setup_teardown(name, driver_setup, driver_teardown, &d)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_cut_is_told_once_it_is_durable_and_to_everybody_at_once),
        TEST(a_higher_number_is_taken_before_the_message),
        TEST(a_number_that_nobody_can_have_is_a_violation_and_nothing_is_done),
        TEST(what_a_client_stamps_is_nobodys),
        TEST(a_restart_stamps_what_is_durable_and_takes_what_was_lost_again),
        TEST(snapshots_restate_the_newest_with_their_positions),
        TEST(who_asks_for_one_that_has_not_come_waits_for_it),
        TEST(too_many_who_wait_push_out_the_first),
        TEST(an_interval_takes_them_by_itself),
        TEST(another_interval_begins_when_it_is_given),
        TEST(a_fenced_one_takes_no_more),
        TEST(a_log_that_goes_back_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
