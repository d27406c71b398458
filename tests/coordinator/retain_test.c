/* What is kept after the end: retention, the outcome of unknown ids, the mark. */
#include "coord_driver.h"

#include <string.h>

static struct driver d;

static void ask(struct tx_id id, const char *members)
{
    finish(&d, TX_MSG_OUTCOME_REQUEST, id, members);
}

static void unknown_id_of_another_or_not_begun__error(void **unused)
{
    (void)unused;
    ask((struct tx_id){2, 1, 1}, "a");
    assert_error(&d, TX_EUNKNOWN, TX_REASON_NONE, "coordinator 2");
    ask((struct tx_id){1, 1, 1}, "a");
    assert_error(&d, TX_EUNKNOWN, TX_REASON_NONE, "not begun");
    ask((struct tx_id){1, 2, 1}, "a"); /* another copy may have been there */
    (void)assert_outcome(&d, (struct tx_id){1, 2, 1}, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    ask((struct tx_id){1, 0, 0}, "a");
    assert_error(&d, TX_EUNKNOWN, TX_REASON_NONE, "no transaction id");
    driver_quiet(&d);
}

static void unknown_id_with_one_member__its_answer(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    const struct {
        enum tx_state state;
        enum tx_outcome outcome;
        enum tx_reason reason;
    } cases[] = {
        {TX_STATE_COMMITTED, TX_OUTCOME_COMMITTED, TX_REASON_NONE},
        {TX_STATE_NO, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED},
        {TX_STATE_FORGOTTEN, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED},
    };
    for (size_t i = 0; i < 3; i++) {
        struct tx_id id = {1, 1, 50 + i};
        ask(id, "a");
        (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
        assert_state(&d, id, "none");
        ask(id, "a"); /* a second one waits along */
        state(&d, 'a', id, TX_STATE_PREPARED);
        driver_quiet(&d);
        inquire(&d, 'a', id);
        (void)driver_sent(&d, 'a', TX_MSG_ABORT);
        vote(&d, 'a', id, TX_VOTE_YES, 0);
        ack(&d, 'a', id);
        join(&d, 'a', id);
        outcome_ack(&d, id);
        driver_quiet(&d);
        state(&d, 'a', id, cases[i].state);
        (void)assert_outcome(&d, id, cases[i].outcome, cases[i].reason);
        (void)assert_outcome(&d, id, cases[i].outcome, cases[i].reason);
        driver_quiet(&d);
    }
}

/* Once the older epochs were called finished, a one-phase commit whose outcome was never recorded
 * here may be forgotten there as well. */
static void unknown_id_that_is_forgotten__aborted_only_while_that_proves_it(void **unused)
{
    (void)unused;
    struct tx_id id = {1, 1, 50};
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_pass(&d, d.options.retention_us);
    const struct txlog_record *record = driver_record(&d, TXLOG_FORGET);
    assert_non_null(record);
    assert_int_equal(record->forget.epoch, 1);
    assert_false(driver_was_sent(&d, 'a', TX_MSG_FORGET)); /* the record is not durable yet */
    driver_durable(&d);
    driver_pass(&d, SECOND_US);
    assert_true(driver_was_sent(&d, 'a', TX_MSG_FORGET));
    for (int restarted = 0; restarted < 3; restarted++) {
        driver_ignore(&d);
        ask(id, "a");
        state(&d, 'a', id, TX_STATE_FORGOTTEN);
        (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
        d.options.snapshot_records = 1; /* the last restart reads it from a snapshot */
        d.options.retain_records = 0;
        driver_restart_all(&d);
        driver_welcome_all(&d);
        (void)tx_finished_committed(&d);
        driver_durable(&d);
    }
    assert_true(d.compacted > 0);
    ask((struct tx_id){1, d.options.epoch, 50}, "a"); /* of this epoch: never begun */
    assert_error(&d, TX_EUNKNOWN, TX_REASON_NONE, "not begun");
}

static void unknown_id_with_one_silent_member__unknown(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    struct tx_id id = {1, 1, 50};
    ask(id, "a");
    driver_quiet(&d); /* not introduced yet */
    driver_welcome_all(&d);
    driver_pass(&d, SECOND_US);
    assert_true(driver_was_sent(&d, 'a', TX_MSG_INQUIRE));
    driver_pass(&d, 29 * SECOND_US);
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    assert_true(coord_core_idle(d.core));
}

static void unknown_id_with_several_members__presumed_when_all_have_welcomed(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    struct tx_id id = {1, 1, 50};
    driver_welcome(&d, 'a');
    ask(id, "ab");
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    driver_welcome(&d, 'b');
    ask(id, "ab");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
    commit_request(&d, id, "ab"); /* the same for the commit of a transaction that a restart lost */
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
    ask(id, "");
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    driver_quiet(&d);
    d.options.snapshot_records = 5; /* the START of epoch 1 goes, and no commit was forgotten */
    d.options.retain_records = 0;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    fill_log(&d, 20);
    assert_true(d.compacted > 1);
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    ask(id, "ab");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
}

static void unknown_id_of_an_epoch_that_the_log_has_lost__unknown(void **unused)
{
    (void)unused;
    d.options.retained_max = 3;
    d.options.snapshot_records = 5; /* the START of epoch 2 and a snapshot behind it */
    d.options.retain_records = 0;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    fill_log(&d, 40);
    assert_true(d.compacted > 1);
    d.options.retained_max = 1000; /* the replay itself forgets nothing */
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    for (uint64_t epoch = 1; epoch <= 2; epoch++) {
        struct tx_id id = {1, epoch, 50};
        ask(id, "ab");
        (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    }
}

/* More than are kept: the rest asks again. */
static void unknown_inquire_of_very_many__all_wait_and_many_are_answered(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome(&d, 'a');
    for (uint64_t seq = 1; seq <= 1100; seq++) {
        inquire(&d, 'a', (struct tx_id){1, 1, seq});
    }
    assert_int_equal(driver_count(&d, TX_MSG_WAIT), 1100);
    driver_ignore(&d);
    for (char who = 'b'; who <= 'd'; who++) {
        driver_welcome(&d, who);
    }
    assert_int_equal(driver_count(&d, TX_MSG_ABORT), 1024);
    inquire(&d, 'a', (struct tx_id){1, 1, 1100});
    assert_int_equal(driver_count(&d, TX_MSG_ABORT), 1025);
}

static void evicted_id__never_presumed(void **unused)
{
    (void)unused;
    struct tx_id committed = tx_finished_committed(&d);
    driver_restart_all(&d);
    driver_welcome_all(&d);
    struct tx_id aborted = tx_finished_aborted(&d);
    driver_pass(&d, 301 * SECOND_US);
    assert_state(&d, committed, "none");
    assert_state(&d, aborted, "none");
    driver_ignore(&d);
    ask(committed, "ab");
    (void)assert_outcome(&d, committed, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    ask(aborted, "ab");
    (void)assert_outcome(&d, aborted, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    ask(aborted, "a"); /* one member: it knows */
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
}

/* Presumed abort was told to one that is committed: it says so, and here it is known whether such a
 * commit may have been forgotten. */
static void ack_of_an_unknown_id__alarm_unless_commits_of_its_epoch_are_forgotten(void **unused)
{
    (void)unused;
    struct tx_id id = tx_finished_committed(&d);
    struct tx_id never = {1, id.epoch, id.seq + 1};
    driver_ignore(&d);
    ack(&d, 'a', never);
    ack(&d, 'a', never);
    assert_int_equal(d.alarms, 1);
    assert_true(driver_noted(&d, "knows nothing"));
    driver_pass(&d, 400 * SECOND_US); /* the retention is over */
    assert_state(&d, id, "none");
    inquire(&d, 'a', id);
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_ABORT)->abort.reason, TX_REASON_PRESUMED);
    ack(&d, 'a', id);
    assert_int_equal(d.alarms, 1);
}

static void resolving_is_bounded_and_not_asked_in_quarantine(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    for (uint64_t i = 0; i < 1000; i++) {
        ask((struct tx_id){1, 1, 50 + i}, "a");
    }
    driver_ignore(&d);
    struct tx_id id = {1, 1, 9999};
    ask(id, "a");
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    (void)tx_committed(&d);
    d.lsn[0] = 1;
    driver_welcome(&d, 'a');
    ask(id, "a");
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
}

static void retained_max__acknowledged_ones_go_first(void **unused)
{
    (void)unused;
    d.options.retained_max = 2;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    struct tx_id first = tx_finished_committed(&d);
    struct tx_id second = tx_finished_committed(&d);
    outcome_ack(&d, second);
    struct tx_id third = tx_finished_committed(&d);
    assert_state(&d, first, "finished-committed");
    assert_state(&d, second, "none");
    (void)tx_finished_committed(&d);
    assert_state(&d, first, "none");
    assert_state(&d, third, "finished-committed");
    assert_int_equal(driver_stats(&d).retained, 2);
}

/* ---- the mark ---- */

static const struct tx_msg_forget *forget(char who)
{
    return &driver_sent(&d, who, TX_MSG_FORGET)->forget;
}

static void mark__moves_with_what_is_finished_and_lists_what_is_not(void **unused)
{
    (void)unused;
    driver_pass(&d, SECOND_US);
    assert_int_equal(driver_count(&d, TX_MSG_FORGET), 0); /* nothing has happened */
    driver_ignore(&d);
    struct tx_id stuck = tx_committed(&d);
    (void)tx_finished_aborted(&d);
    struct tx_id one = tx_one_phase(&d);
    driver_pass(&d, SECOND_US / 2);
    const struct tx_msg_forget *mark = forget('a');
    assert_int_equal(mark->epoch, 1);
    assert_int_equal(mark->below, 4);
    assert_int_equal(mark->open_n, 2);
    assert_int_equal(mark->open[0], stuck.seq);
    assert_int_equal(mark->open[1], one.seq);
    (void)forget('d');
    driver_ignore(&d);
    driver_pass(&d, 2 * SECOND_US);
    assert_int_equal(driver_count(&d, TX_MSG_FORGET), 0); /* did not move */

    driver_durable(&d);
    driver_pass(&d, SECOND_US);
    assert_int_equal(driver_count(&d, TX_MSG_FORGET), 0); /* its client has not heard yet */
    outcome_ack(&d, one);
    driver_ignore(&d);
    driver_pass(&d, SECOND_US);
    mark = forget('a');
    assert_int_equal(mark->open_n, 1);
    ack(&d, 'a', stuck);
    ack(&d, 'b', stuck);
    driver_ignore(&d);
    driver_pass(&d, SECOND_US);
    assert_int_equal(driver_count(&d, TX_MSG_FORGET), 0); /* END is not durable */
    driver_durable(&d);
    driver_pass(&d, SECOND_US);
    assert_int_equal(forget('a')->open_n, 0);
    driver_ignore(&d);
    driver_restart_node(&d, 'a'); /* what was sent may be lost */
    driver_pass(&d, SECOND_US);
    assert_int_equal(forget('a')->below, 4);
    assert_int_equal(driver_count(&d, TX_MSG_FORGET), 0);
}

/* A mark has no acknowledgement: one that was lost would pin what it names until the next moves. */
static void mark__is_sent_again_now_and_then(void **unused)
{
    (void)unused;
    driver_pass(&d, 60 * SECOND_US);
    assert_int_equal(driver_count(&d, TX_MSG_FORGET), 0); /* there is none yet */
    (void)tx_finished_aborted(&d);
    driver_pass(&d, SECOND_US / 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(forget('a')->below, 2);
        driver_ignore(&d);
        driver_pass(&d, 9 * SECOND_US);
        assert_int_equal(driver_count(&d, TX_MSG_FORGET), 0);
        driver_pass(&d, SECOND_US);
    }
}

static void mark__one_phase_acknowledged_before_its_outcome_is_durable(void **unused)
{
    (void)unused;
    struct tx_id one = tx_one_phase(&d);
    outcome_ack(&d, one);
    driver_pass(&d, SECOND_US);
    assert_int_equal(driver_count(&d, TX_MSG_FORGET), 0);
    driver_durable(&d);
    driver_pass(&d, SECOND_US);
    assert_int_equal(forget('a')->open_n, 0);
}

static void mark__one_phase_unacknowledged_until_the_retention_has_passed(void **unused)
{
    (void)unused;
    struct tx_id one = tx_one_phase(&d);
    driver_durable(&d);
    driver_pass(&d, 299 * SECOND_US);
    assert_int_equal(driver_count(&d, TX_MSG_FORGET), 0);
    assert_state(&d, one, "finished-committed");
    driver_ignore(&d);
    driver_pass(&d, 2 * SECOND_US);
    assert_int_equal(forget('a')->below, 2);
}

static void mark__goes_no_further_than_a_forget_can_list(void **unused)
{
    (void)unused;
    driver_deinit(&d);
    driver_init(&d);
    d.options.txs_max = 10000;
    driver_start(&d);
    driver_welcome_all(&d);
    for (unsigned i = 0; i < TX_OPEN_IDS_MAX + 2; i++) {
        struct tx_msg msg = {.type = TX_MSG_BEGIN, .begin = {.req = ++d.req}};
        struct tx_envelope envelope = {.role = TX_ROLE_CLIENT};
        struct coord_event event = {
            .type = COORD_EVENT_MESSAGE, .envelope = &envelope, .msg = &msg};
        coord_core_step(d.core, &event, d.now, &d.actions);
    }
    driver_ignore(&d);
    (void)tx_finished_aborted(&d);
    driver_pass(&d, SECOND_US / 2);
    const struct tx_msg_forget *mark = forget('a');
    assert_int_equal(mark->open_n, TX_OPEN_IDS_MAX);
    assert_int_equal(mark->below, TX_OPEN_IDS_MAX + 1);
}

static void mark__older_epochs_after_the_retention_and_the_oldest_open_one_alone(void **unused)
{
    (void)unused;
    struct tx_id first = tx_committed(&d); /* stuck in epoch 1 */
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    struct tx_id second = tx_committed(&d); /* and one in epoch 2 */
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_pass(&d, 299 * SECOND_US);
    assert_int_equal(driver_count(&d, TX_MSG_FORGET), 0);
    driver_ignore(&d);
    driver_pass(&d, SECOND_US); /* the record that it says so */
    driver_durable(&d);
    driver_pass(&d, SECOND_US);
    const struct tx_msg_forget *mark = forget('a');
    assert_int_equal(mark->epoch, 1);
    assert_true(mark->below == UINT64_MAX);
    assert_int_equal(mark->open_n, 1);
    assert_int_equal(mark->open[0], first.seq);
    assert_false(driver_was_sent(&d, 'a', TX_MSG_FORGET));
    ack(&d, 'a', first);
    ack(&d, 'b', first);
    driver_durable(&d);
    driver_ignore(&d);
    driver_pass(&d, SECOND_US);
    mark = forget('a');
    assert_int_equal(mark->epoch, 2);
    assert_int_equal(mark->open[0], second.seq);
    ack(&d, 'a', second);
    ack(&d, 'b', second);
    driver_durable(&d);
    driver_ignore(&d);
    driver_pass(&d, SECOND_US);
    mark = forget('a');
    assert_int_equal(mark->epoch, 2); /* all before this start */
    assert_int_equal(mark->open_n, 0);
}

/* However often that of this epoch moves meanwhile. */
static void mark__of_older_epochs_is_sent_again_beside_the_other(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_pass(&d, d.options.retention_us);
    driver_durable(&d); /* the record that it says so */
    driver_ignore(&d);
    driver_pass(&d, SECOND_US);
    assert_int_equal(forget('a')->epoch, 1);
    unsigned again = 0;
    for (int i = 0; i < 15; i++) {
        (void)tx_finished_aborted(&d);
        driver_ignore(&d);
        driver_pass(&d, SECOND_US);
        assert_int_equal(forget('a')->epoch, 2);
        again += driver_was_sent(&d, 'a', TX_MSG_FORGET);
    }
    assert_int_equal(again, 1);
}

#define TEST(name) cmocka_unit_test_prestate_setup_teardown(name, driver_setup, driver_teardown, &d)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_id_of_another_or_not_begun__error),
        TEST(unknown_id_with_one_member__its_answer),
        TEST(unknown_id_that_is_forgotten__aborted_only_while_that_proves_it),
        TEST(unknown_id_with_one_silent_member__unknown),
        TEST(unknown_id_with_several_members__presumed_when_all_have_welcomed),
        TEST(unknown_id_of_an_epoch_that_the_log_has_lost__unknown),
        TEST(unknown_inquire_of_very_many__all_wait_and_many_are_answered),
        TEST(evicted_id__never_presumed),
        TEST(ack_of_an_unknown_id__alarm_unless_commits_of_its_epoch_are_forgotten),
        TEST(resolving_is_bounded_and_not_asked_in_quarantine),
        TEST(retained_max__acknowledged_ones_go_first),
        TEST(mark__moves_with_what_is_finished_and_lists_what_is_not),
        TEST(mark__is_sent_again_now_and_then),
        TEST(mark__one_phase_acknowledged_before_its_outcome_is_durable),
        TEST(mark__one_phase_unacknowledged_until_the_retention_has_passed),
        TEST(mark__goes_no_further_than_a_forget_can_list),
        TEST(mark__older_epochs_after_the_retention_and_the_oldest_open_one_alone),
        TEST(mark__of_older_epochs_is_sent_again_beside_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
