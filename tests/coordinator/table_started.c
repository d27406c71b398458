/* Fences, restarts, and ids that are unknown afterwards. */
#include "table.h"

static void any_fenced__silent_for_good(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    struct tx_msg msg = {.type = TX_MSG_FENCED, .fenced = {.known = {2, 3, {1}}}};
    driver_participant(&d, 'a', &msg);
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    driver_quiet(&d); /* no ABORT to anybody */
    assert_true(driver_stats(&d).fenced);
    driver_pass(&d, 100 * SECOND_US);
    assert_int_equal(d.actions.n, 0);
}

static void restart__an_epoch_record__fenced(void **unused)
{
    (void)unused;
    struct tx_id committed = tx_committed(&d);
    struct tx_id aborted = tx_finished_aborted(&d);
    struct tx_msg msg = {.type = TX_MSG_FENCED, .fenced = {.known = {2, 3, {1}}}};
    driver_participant(&d, 'a', &msg);
    const struct txlog_record *record = driver_record(&d, TXLOG_EPOCH);
    assert_non_null(record);
    assert_int_equal(record->epoch.coordinator, 1);
    assert_int_equal(record->epoch.known.start, 2);
    assert_int_equal(record->epoch.known.life, 3);
    for (int i = 0; i < 3; i++) { /* the epochs rise above the one that fenced it */
        driver_restart_all(&d);
        assert_true(driver_stats(&d).fenced);
        assert_true(driver_noted(&d, "fenced for good"));
        assert_int_equal(driver_count(&d, TX_MSG_HELLO), 0);
        driver_ignore(&d);
        driver_welcome_all(&d);
        driver_pass(&d, 1000 * SECOND_US);
        driver_quiet(&d);
        finish(&d, TX_MSG_OUTCOME_REQUEST, committed, "ab");
        (void)assert_outcome(&d, committed, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
        finish(&d, TX_MSG_OUTCOME_REQUEST, aborted, "ab");
        (void)assert_outcome(&d, aborted, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    }
}

static void restart__every_commit_without_end_is_committed_and_told_again(void **unused)
{
    (void)unused;
    struct tx_id open = tx_committed(&d);
    struct tx_id done = tx_finished_committed(&d);
    struct tx_id lost = tx_collecting(&d);
    ack(&d, 'a', open);
    driver_restart_all(&d);
    assert_state(&d, open, "committed");
    assert_state(&d, done, "finished-committed");
    assert_state(&d, lost, "none");
    assert_true(driver_noted(&d, "it goes to a, b"));
    driver_welcome(&d, 'a');
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_COMMIT)->commit.id.seq, open.seq);
    driver_welcome(&d, 'b');
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
    driver_quiet(&d);
    ack(&d, 'a', open);
    ack(&d, 'b', open);
    driver_durable(&d);
    assert_state(&d, open, "finished-committed");
    assert_true(driver_noted(&d, "delivered to all members"));
}

static void unknown_inquire__abort(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    inquire(&d, 'a', (struct tx_id){1, 1, 9});
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_ABORT)->abort.reason, TX_REASON_PRESUMED);
    driver_quiet(&d);
}

/* Somebody who has not spoken yet may know that this log is an old copy. */
static void unknown_inquire_before_everybody_has_welcomed__wait_then_abort(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome(&d, 'a');
    for (uint64_t seq = 8; seq <= 9; seq++) {
        inquire(&d, 'a', (struct tx_id){1, 1, seq});
        assert_int_equal(driver_sent(&d, 'a', TX_MSG_WAIT)->id.id.seq, seq);
    }
    driver_welcome(&d, 'b');
    driver_welcome(&d, 'c');
    assert_false(driver_was_sent(&d, 'a', TX_MSG_ABORT));
    driver_ignore(&d);
    driver_welcome(&d, 'd');
    assert_int_equal(driver_count(&d, TX_MSG_ABORT), 2); /* without being asked again */
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_ABORT)->abort.id.seq, 8);
}

static void unknown_inquire_while_somebody_is_down__abort_without_him(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome(&d, 'a');
    driver_welcome(&d, 'b');
    driver_welcome(&d, 'c');
    inquire(&d, 'a', (struct tx_id){1, 1, 9});
    (void)driver_sent(&d, 'a', TX_MSG_WAIT);
    driver_ignore(&d);
    driver_pass(&d, d.options.peer_down_us + SECOND_US);
    assert_true(driver_was_sent(&d, 'a', TX_MSG_ABORT));
}

static void unknown_inquire_then_fenced__nothing_is_presumed(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome(&d, 'a');
    inquire(&d, 'a', (struct tx_id){1, 1, 9});
    (void)driver_sent(&d, 'a', TX_MSG_WAIT);
    struct tx_msg msg = {.type = TX_MSG_FENCED, .fenced = {.known = {1, 3, {1}}}};
    driver_participant(&d, 'b', &msg);
    assert_true(driver_stats(&d).fenced);
    driver_ignore(&d);
    driver_welcome(&d, 'c');
    driver_pass(&d, 10 * SECOND_US);
    driver_quiet(&d);
}

/* It may have committed in one phase, of which nothing is left here. */
static void unknown_join__ignored(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome(&d, 'a');
    join(&d, 'a', (struct tx_id){1, 1, 9});
    driver_quiet(&d);
    assert_int_equal(driver_stats(&d).stale, 1);
}

static void unknown_join_of_an_id_not_begun__abort(void **unused)
{
    (void)unused;
    join(&d, 'a', (struct tx_id){1, 1, 9});
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_ABORT)->abort.reason, TX_REASON_PRESUMED);
    driver_quiet(&d);
}

static void unknown_inquire_of_an_id_not_begun__dropped(void **unused)
{
    (void)unused;
    inquire(&d, 'a', (struct tx_id){1, 1, 9});
    inquire(&d, 'a', (struct tx_id){2, 1, 9});
    assert_int_equal(driver_stats(&d).violations, 2);
    driver_quiet(&d);
}

static void unknown_inquire_of_a_later_epoch__fenced_without_an_answer(void **unused)
{
    (void)unused;
    inquire(&d, 'a', (struct tx_id){1, 2, 1});
    assert_true(driver_stats(&d).fenced);
    driver_quiet(&d);
}

int table_started(void)
{
    const struct CMUnitTest tests[] = {
        CELL(any_fenced__silent_for_good),
        CELL(restart__an_epoch_record__fenced),
        CELL(restart__every_commit_without_end_is_committed_and_told_again),
        CELL(unknown_inquire__abort),
        CELL(unknown_inquire_before_everybody_has_welcomed__wait_then_abort),
        CELL(unknown_inquire_while_somebody_is_down__abort_without_him),
        CELL(unknown_inquire_then_fenced__nothing_is_presumed),
        CELL(unknown_join__ignored),
        CELL(unknown_join_of_an_id_not_begun__abort),
        CELL(unknown_inquire_of_an_id_not_begun__dropped),
        CELL(unknown_inquire_of_a_later_epoch__fenced_without_an_answer),
    };
    return cmocka_run_group_tests_name("started", tests, NULL, NULL);
}
