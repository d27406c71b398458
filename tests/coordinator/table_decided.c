/* Decided: committed and finished. */
#include "table.h"

static void committed_timer__commit_again_with_growing_intervals(void **unused)
{
    (void)unused;
    struct tx_id id = tx_committed(&d);
    ack(&d, 'a', id);
    driver_quiet(&d);
    uint64_t interval = SECOND_US / 4;
    for (int i = 0; i < 8; i++) {
        driver_pass(&d, interval - 1);
        driver_quiet(&d);
        driver_pass(&d, 1);
        (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
        driver_quiet(&d);
        interval = interval * 2 < 8 * SECOND_US ? interval * 2 : 8 * SECOND_US;
    }
    driver_pass(&d, 3600 * SECOND_US); /* for ever */
    assert_true(driver_count(&d, TX_MSG_COMMIT) >= 449);
    driver_ignore(&d);
}

static void committed_welcome_of_a_restarted_member__commit_again(void **unused)
{
    (void)unused;
    struct tx_id id = tx_committed(&d);
    ack(&d, 'a', id);
    driver_quiet(&d);
    driver_restart_node(&d, 'b');
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
    driver_restart_node(&d, 'a'); /* has acknowledged */
    driver_quiet(&d);
}

static void committed_yes_again__commit(void **unused)
{
    (void)unused;
    struct tx_id id = tx_committed(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
    driver_quiet(&d);
}

static void committed_inquire__commit(void **unused)
{
    (void)unused;
    struct tx_id id = tx_committed(&d);
    inquire(&d, 'a', id);
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    inquire(&d, 'c', id); /* no member */
    assert_int_equal(driver_stats(&d).violations, 1);
    driver_quiet(&d);
    assert_int_equal(d.alarms, 0);
}

static void committed_ack_of_every_member__lazy_end_finished_when_durable(void **unused)
{
    (void)unused;
    struct tx_id id = tx_committed(&d);
    ack(&d, 'a', id);
    ack(&d, 'a', id);
    assert_null(driver_record(&d, TXLOG_END));
    ack(&d, 'b', id);
    const struct txlog_record *record = driver_record(&d, TXLOG_END);
    assert_non_null(record);
    assert_false(d.actions.items[d.actions.n - 1].force);
    assert_int_equal(record->end.peers_n, 2);
    assert_string_equal(record->end.peers[1].name.s, "b");
    assert_int_equal(record->end.peers[1].known.start, 5);
    assert_int_equal(record->end.peers[1].known.lsn.n, 102);
    assert_state(&d, id, "committed");
    driver_durable(&d);
    assert_state(&d, id, "finished-committed");
    driver_quiet(&d);
}

static void finished_aborted_yes_inquire_join__abort(void **unused)
{
    (void)unused;
    struct tx_id id = tx_finished_aborted(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    assert_int_equal(driver_sent(&d, 'b', TX_MSG_ABORT)->abort.reason, TX_REASON_WOUNDED);
    inquire(&d, 'b', id);
    (void)driver_sent(&d, 'b', TX_MSG_ABORT);
    join(&d, 'd', id);
    (void)driver_sent(&d, 'd', TX_MSG_ABORT);
    vote_no(&d, 'b', id, TX_REASON_WOUNDED);
    driver_quiet(&d);
}

static void finished_committed_inquire_that_the_ack_has_overtaken__commit(void **unused)
{
    (void)unused;
    struct tx_id id = tx_finished_committed(&d);
    inquire(&d, 'a', id);
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    driver_restart_all(&d); /* the log says who has acknowledged */
    driver_welcome(&d, 'a');
    driver_ignore(&d);
    inquire(&d, 'a', id);
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    assert_int_equal(d.alarms, 0);
    driver_quiet(&d);
}

static void finished_committed_inquire_of_one_that_acknowledged__alarm_commit(void **unused)
{
    (void)unused;
    struct tx_id id = tx_finished_committed(&d);
    driver_restart_node(&d, 'a');
    inquire(&d, 'a', id);
    assert_int_equal(d.alarms, 1);
    const struct txlog_record *record = driver_record(&d, TXLOG_ALARM);
    assert_non_null(record);
    assert_true(tx_id_equal(record->alarm.id, id));
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    inquire(&d, 'a', id);
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    assert_int_equal(d.alarms, 1);
    driver_quiet(&d);
}

static void committed_no_of_one_that_must_commit__alarm(void **unused)
{
    (void)unused;
    struct tx_id id = tx_committed(&d);
    vote_no(&d, 'a', id, TX_REASON_RESTARTED);
    assert_int_equal(d.alarms, 1);
    assert_state(&d, id, "committed");
    driver_quiet(&d);
}

static void finished_committed_no_of_one_that_must_commit__alarm(void **unused)
{
    (void)unused;
    struct tx_id id = tx_finished_committed(&d);
    vote_no(&d, 'a', id, TX_REASON_RESTARTED);
    assert_int_equal(d.alarms, 1);
    driver_quiet(&d);
}

static void later_states_join__abort_to_strangers_only(void **unused)
{
    (void)unused;
    struct tx_id ids[] = {tx_collecting(&d), tx_committed(&d), tx_finished_committed(&d),
                          tx_deciding(&d)};
    for (size_t i = 0; i < 4; i++) {
        join(&d, 'a', ids[i]);
        join(&d, 'c', ids[i]);
        (void)driver_sent(&d, 'c', TX_MSG_ABORT);
        driver_quiet(&d);
    }
}

int table_decided(void)
{
    const struct CMUnitTest tests[] = {
        CELL(committed_timer__commit_again_with_growing_intervals),
        CELL(committed_welcome_of_a_restarted_member__commit_again),
        CELL(committed_yes_again__commit),
        CELL(committed_inquire__commit),
        CELL(committed_ack_of_every_member__lazy_end_finished_when_durable),
        CELL(finished_aborted_yes_inquire_join__abort),
        CELL(finished_committed_inquire_that_the_ack_has_overtaken__commit),
        CELL(finished_committed_inquire_of_one_that_acknowledged__alarm_commit),
        CELL(committed_no_of_one_that_must_commit__alarm),
        CELL(finished_committed_no_of_one_that_must_commit__alarm),
        CELL(later_states_join__abort_to_strangers_only),
    };
    return cmocka_run_group_tests_name("decided", tests, NULL, NULL);
}
