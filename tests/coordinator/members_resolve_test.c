/* What the members decide (mode D), as later starts of the coordinator see it: docs/protocol.md,
 * "When the members decide": ids that are not known, the marks of older epochs, the lazy record. */
#include "members.h"

#include <string.h>

/* Committed by a and b, and lost here in a restart with everybody back. */
static struct tx_id lost(void)
{
    struct tx_id id = tx_collecting(&d);
    size_t before = d.log_n;
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    assert_state(&d, id, "committed");
    driver_restart(&d, before);
    driver_welcome_all(&d);
    assert_state(&d, id, "none");
    driver_ignore(&d);
    return id;
}

static void ask(struct tx_id id, const char *members)
{
    finish(&d, TX_MSG_OUTCOME_REQUEST, id, members);
}

/* ---- the record ---- */

static void restart_with_the_record__committed_and_told_again(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    driver_restart_all(&d);
    assert_state(&d, id, "committed");
    driver_ignore(&d);
    driver_welcome(&d, 'a');
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    driver_welcome(&d, 'b');
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
    ack(&d, 'a', id);
    ack(&d, 'b', id);
    driver_durable(&d);
    assert_state(&d, id, "finished-committed");
}

static void snapshot__restates_what_is_committed_and_not_durable(void **unused)
{
    (void)unused;
    driver_deinit(&d);
    driver_init(&d);
    d.options.snapshot_records = 12;
    d.options.retain_records = 0;
    d.options.retained_max = 2;
    d.options.mode = TX_COMMIT_PARTICIPANTS;
    d.mode = TX_COMMIT_DEFAULT;
    driver_start(&d);
    driver_welcome_all(&d);
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    while (d.compacted == 0) {
        struct tx_id other = tx_collecting(&d);
        vote(&d, 'a', other, TX_VOTE_YES, 0);
        vote(&d, 'b', other, TX_VOTE_YES, 0);
        ack(&d, 'a', other);
        ack(&d, 'b', other);
        if (d.log_n > 30) { /* the snapshot is among them */
            driver_durable(&d);
        }
        driver_ignore(&d);
        assert_true(d.log_n < 100);
    }
    driver_restart_all(&d);
    assert_state(&d, id, "committed");
}

/* ---- a member in doubt, and one that is not ---- */

static void inquire_of_an_older_epoch__no_answer(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    inquire(&d, 'a', id);
    driver_quiet(&d);
    driver_pass(&d, 20 * SECOND_US);
    assert_int_equal(driver_count(&d, TX_MSG_ABORT), 0);
    assert_int_equal(driver_count(&d, TX_MSG_WAIT), 0);
    ask(id, "ab"); /* nor while a client asks */
    driver_ignore(&d);
    inquire(&d, 'a', id);
    driver_quiet(&d);
    d.members_decide = false; /* what the coordinator decides is presumed, as ever */
    inquire(&d, 'a', (struct tx_id){1, 1, 77});
    (void)driver_sent(&d, 'a', TX_MSG_ABORT);
    assert_int_equal(d.alarms, 0);
}

static void inquire_of_an_older_epoch_before_all_have_welcomed__no_answer(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome(&d, 'a');
    inquire(&d, 'a', (struct tx_id){1, 1, 9});
    driver_quiet(&d); /* nothing to wait for */
    driver_welcome_all(&d);
    driver_quiet(&d);
}

static void inquire_of_this_epoch__abort(void **unused)
{
    (void)unused;
    driver_deinit(&d);
    driver_init(&d);
    d.options.retained_max = 0;
    driver_start(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    d.mode = TX_COMMIT_PARTICIPANTS;
    d.members_decide = true;
    struct tx_id id = tx_finished_aborted(&d);
    assert_state(&d, id, "none");
    inquire(&d, 'b', id);
    assert_int_equal(driver_sent(&d, 'b', TX_MSG_ABORT)->abort.reason, TX_REASON_PRESUMED);
    inquire(&d, 'b', (struct tx_id){1, 1, 99}); /* never begun */
    driver_quiet(&d);
    assert_int_equal(driver_stats(&d).violations, 1);
}

static void inquire_of_another_copy_or_a_later_epoch__as_ever(void **unused)
{
    (void)unused;
    d.options.epoch = 7;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    inquire(&d, 'a', (struct tx_id){1, 5, 9});
    assert_int_equal(d.alarms, 1);
    assert_int_equal(driver_count(&d, TX_MSG_ABORT), 0);
    inquire(&d, 'a', (struct tx_id){1, 9, 1});
    assert_true(driver_stats(&d).fenced);
}

static void ack__ignored(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    ack(&d, 'a', id);
    assert_int_equal(d.alarms, 0);
    ask(id, "ab");
    ack(&d, 'b', id);
    assert_int_equal(d.alarms, 0);
    assert_int_equal(driver_stats(&d).violations, 0);
    d.members_decide = false; /* but of the coordinator's own, a record must be there */
    ack(&d, 'a', id);
    assert_int_equal(d.alarms, 1);
}

/* ---- the mark ---- */

static void assert_old_marks(bool sent)
{
    driver_ignore(&d);
    driver_pass(&d, 2 * SECOND_US);
    driver_durable(&d); /* the record that comes before them */
    driver_pass(&d, SECOND_US);
    assert_int_equal(driver_was_sent(&d, 'a', TX_MSG_FORGET), sent);
}

static void old_marks__when_every_participant_has_nothing_unsettled(void **unused)
{
    (void)unused;
    d.unsettled[1] = 1;
    (void)lost();
    driver_pass(&d, 400 * SECOND_US);
    assert_old_marks(false);
    assert_null(driver_record(&d, TXLOG_FORGET));
    d.unsettled[1] = 0;
    d.unsettled[2] = 2; /* of this epoch */
    assert_old_marks(true);
}

static void old_marks__when_every_participant_is_up(void **unused)
{
    (void)unused;
    (void)lost();
    d.alive[3] = false; /* and may have something that it does not say */
    driver_pass(&d, 400 * SECOND_US);
    assert_old_marks(false);
    driver_welcome(&d, 'd');
    d.unsettled[3] = 1;
    d.alive[3] = true;
    assert_old_marks(false);
    d.unsettled[3] = 0;
    d.lsn[2] = 1;
    d.incarnation[2]++; /* an old copy of c */
    driver_pass(&d, 2 * SECOND_US);
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
    assert_old_marks(false);
    d.lsn[2] = 1000;
    d.incarnation[2]++;
    assert_old_marks(true);
}

static void old_marks__the_last_word_counts(void **unused)
{
    (void)unused;
    (void)lost();
    driver_pass(&d, 298 * SECOND_US); /* the retention is not over */
    d.unsettled[0] = 1;               /* a restart has brought it back */
    driver_restart_node(&d, 'a');
    driver_pass(&d, 10 * SECOND_US);
    assert_old_marks(false);
    d.unsettled[0] = 0;
    assert_old_marks(true);
}

/* ---- a client asks ---- */

static void resolve_one_committed__committed(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    ask(id, "ab");
    assert_false(driver_sent(&d, 'a', TX_MSG_INQUIRE)->inquire.in_doubt);
    (void)driver_sent(&d, 'b', TX_MSG_INQUIRE);
    driver_quiet(&d);
    state(&d, 'c', id, TX_STATE_COMMITTED); /* was not asked */
    driver_quiet(&d);
    state(&d, 'b', id, TX_STATE_COMMITTED);
    assert_true(assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE)->results_lost);
    assert_state(&d, id, "none");
    state(&d, 'a', id, TX_STATE_COMMITTED);
    driver_quiet(&d);
}

static void resolve_one_no__aborted(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    ask(id, "ab");
    driver_ignore(&d);
    state(&d, 'a', id, TX_STATE_PREPARED);
    driver_quiet(&d);
    state(&d, 'b', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
    driver_quiet(&d);
}

/* An old copy of b, of which this start knows nothing better. */
static void resolve_no_of_an_earlier_start__not_believed(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    d.incarnation[1]++;
    ask(id, "ab");
    d.incarnation[1]--;
    driver_ignore(&d);
    state(&d, 'b', id, TX_STATE_NO);
    driver_quiet(&d);
    driver_pass(&d, 30 * SECOND_US);
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
}

/* They know who the members are; the client may have left one out. */
static void resolve_all_prepared__asked_until_they_have_found_out(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    ask(id, "ab");
    driver_ignore(&d);
    state(&d, 'a', id, TX_STATE_PREPARED);
    state(&d, 'b', id, TX_STATE_PREPARED);
    driver_quiet(&d);
    driver_pass(&d, SECOND_US / 4);
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    (void)driver_sent(&d, 'b', TX_MSG_INQUIRE);
    state(&d, 'a', id, TX_STATE_COMMITTED);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
}

static void resolve_prepared_by_the_coordinators_decision__presumed(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    d.members_decide = false;
    ask(id, "ab");
    state(&d, 'a', id, TX_STATE_PREPARED);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
    driver_restart_all(&d); /* c has not welcomed this start: it may prepare it still */
    driver_welcome(&d, 'a');
    driver_welcome(&d, 'b');
    driver_ignore(&d);
    d.alive[2] = false;
    ask(id, "abc");
    driver_ignore(&d);
    state(&d, 'a', id, TX_STATE_PREPARED);
    driver_quiet(&d);
}

static void resolve_forgotten__aborted_only_while_that_proves_it(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    ask(id, "ab");
    state(&d, 'b', id, TX_STATE_FORGOTTEN);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
    driver_pass(&d, 301 * SECOND_US);
    assert_old_marks(true); /* from here on it may be this start that called it finished */
    ask(id, "ab");
    driver_ignore(&d);
    state(&d, 'b', id, TX_STATE_FORGOTTEN);
    driver_quiet(&d);
    driver_pass(&d, SECOND_US / 4);
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    driver_quiet(&d); /* b has said all that it knows */
    state(&d, 'a', id, TX_STATE_COMMITTED);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    ask(id, "ab");
    state(&d, 'a', id, TX_STATE_FORGOTTEN);
    state(&d, 'a', id, TX_STATE_FORGOTTEN);
    state(&d, 'b', id, TX_STATE_FORGOTTEN);
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
}

/* A reader that has restarted says NO as well, and whoever asks by a reference does not mark it. Of
 * an epoch of which this log has forgotten commits that proves nothing. */
static void resolve_no_where_commits_were_forgotten__not_final(void **unused)
{
    (void)unused;
    d.mode = TX_COMMIT_COORDINATOR;
    d.members_decide = false;
    struct tx_id id = tx_finished_committed(&d);
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_pass(&d, 301 * SECOND_US);
    assert_state(&d, id, "none");
    driver_ignore(&d);
    d.mode = TX_COMMIT_DEFAULT;
    ask(id, "ab");
    state(&d, 'a', id, TX_STATE_NO);
    assert_int_equal(driver_count(&d, TX_MSG_OUTCOME), 0);
    state(&d, 'b', id, TX_STATE_COMMITTED);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    ask(id, "ab");
    state(&d, 'a', id, TX_STATE_NO);
    state(&d, 'b', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    ask(id, "ab");
    state(&d, 'a', id, TX_STATE_FORGOTTEN);
    state(&d, 'b', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
}

static void resolve_no_answer__unknown(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    ask(id, "ab");
    driver_pass(&d, 30 * SECOND_US - 1);
    assert_int_equal(driver_count(&d, TX_MSG_OUTCOME), 0);
    driver_pass(&d, 1);
    const struct tx_msg_outcome *outcome =
        assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    assert_non_null(memmem(outcome->text.data, outcome->text.len, "has not said yet", 16));
    assert_state(&d, id, "none");
}

static void resolve_readers__not_asked(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    ask(id, "aBc");
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    (void)driver_sent(&d, 'c', TX_MSG_INQUIRE);
    driver_quiet(&d);
    state(&d, 'b', id, TX_STATE_NO); /* nor heard */
    driver_quiet(&d);
    state(&d, 'a', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
    ask(id, "AB"); /* readers alone: the coordinator would have decided, and it had no effect */
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
    driver_quiet(&d);
}

static void resolve_mode_of_the_request__the_log_proves_it_only_for_the_coordinator(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    d.mode = TX_COMMIT_COORDINATOR;
    ask(id, "ab");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
    driver_quiet(&d);
    d.mode = TX_COMMIT_DEFAULT;
    ask(id, "ab");
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    (void)driver_sent(&d, 'b', TX_MSG_INQUIRE);
    driver_quiet(&d);
}

static void resolve_nobody_to_ask__unknown(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    ask(id, "");
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    for (size_t i = 0; i < 2; i++) {
        d.lsn[i] = 1;
        d.incarnation[i]++;
    }
    driver_pass(&d, 2 * SECOND_US);
    assert_int_equal(driver_stats(&d).peers_quarantined, 2);
    driver_ignore(&d);
    ask(id, "ab");
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    ask(id, "abc"); /* one is left */
    (void)driver_sent(&d, 'c', TX_MSG_INQUIRE);
    driver_quiet(&d);
    d.members_decide = false; /* the others may be in doubt with a commit that was lost here */
    state(&d, 'c', id, TX_STATE_PREPARED);
    driver_quiet(&d);
    d.incarnation[2]++; /* of which the client speaks */
    ask((struct tx_id){1, 1, 99}, "abc");
    d.incarnation[2]--;
    state(&d, 'c', (struct tx_id){1, 1, 99}, TX_STATE_NO);
    assert_int_equal(driver_count(&d, TX_MSG_OUTCOME), 0);
    state(&d, 'c', id, TX_STATE_COMMITTED);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
}

/* A client that is wrong about the members, or lies, is told what these say. Others are not. */
static void resolve_while_others_are_asked__unknown_and_not_their_answer(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    static const char *const wrong[] = {"c", "abc", "a", "aB"};
    for (size_t i = 0; i < 4; i++) {
        ask(id, wrong[i]);
        driver_ignore(&d);
        ask(id, "ab");
        (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
        d.mode = TX_COMMIT_COORDINATOR; /* the log is the answer */
        ask(id, "ab");
        (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
        d.mode = TX_COMMIT_PARTICIPANTS;
        driver_quiet(&d);
        state(&d, wrong[i][strlen(wrong[i]) > 2 ? 2 : 0], id, TX_STATE_NO);
        (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
        driver_quiet(&d);
    }
    ask(id, "ab");
    driver_ignore(&d);
    d.incarnation[1]++; /* or about the start that worked */
    ask(id, "ab");
    d.incarnation[1]--;
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    ask(id, "ba");
    driver_quiet(&d);
    state(&d, 'a', id, TX_STATE_COMMITTED);
    assert_int_equal(driver_count(&d, TX_MSG_OUTCOME), 2);
}

static void resolve_named_twice_or_unknown_here__asked_once_and_nothing_presumed(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    struct tx_member named[3] = {d.nodes[0], d.nodes[0], {.name = {"x"}}};
    struct tx_msg msg = {.type = TX_MSG_OUTCOME_REQUEST,
                         .finish = {.req = ++d.req, .id = id, .members = named, .members_n = 3}};
    driver_client(&d, CLIENT, &msg);
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    driver_quiet(&d);
    d.members_decide = false;
    state(&d, 'a', id, TX_STATE_PREPARED);
    driver_quiet(&d);
    state(&d, 'a', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
}

static void resolve__is_bounded_and_shared(void **unused)
{
    (void)unused;
    struct tx_id id = lost();
    for (uint64_t i = 0; i < 1000; i++) { /* COORD_RESOLVING_MAX */
        ask((struct tx_id){1, 1, 100 + i}, "ab");
    }
    assert_int_equal(driver_count(&d, TX_MSG_INQUIRE), 2000);
    driver_ignore(&d);
    ask(id, "ab");
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    driver_quiet(&d);
    ask((struct tx_id){1, 1, 100}, "ab");
    driver_quiet(&d);
    state(&d, 'a', (struct tx_id){1, 1, 100}, TX_STATE_NO);
    assert_int_equal(driver_count(&d, TX_MSG_OUTCOME), 2);
}

static void resolve_of_another_copy__what_the_members_say_and_else_unknown(void **unused)
{
    (void)unused;
    d.options.epoch = 7;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    struct tx_id id = {1, 5, 3};
    ask(id, "ab");
    state(&d, 'a', id, TX_STATE_FORGOTTEN); /* proves nothing of that copy */
    assert_int_equal(driver_count(&d, TX_MSG_OUTCOME), 0);
    state(&d, 'b', id, TX_STATE_FORGOTTEN);
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    ask(id, "ab");
    state(&d, 'a', id, TX_STATE_COMMITTED);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_prestate_setup_teardown(name, members_setup, driver_teardown, &d)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(restart_with_the_record__committed_and_told_again),
        TEST(snapshot__restates_what_is_committed_and_not_durable),
        TEST(inquire_of_an_older_epoch__no_answer),
        TEST(inquire_of_an_older_epoch_before_all_have_welcomed__no_answer),
        TEST(inquire_of_this_epoch__abort),
        TEST(inquire_of_another_copy_or_a_later_epoch__as_ever),
        TEST(ack__ignored),
        TEST(old_marks__when_every_participant_has_nothing_unsettled),
        TEST(old_marks__when_every_participant_is_up),
        TEST(old_marks__the_last_word_counts),
        TEST(resolve_one_committed__committed),
        TEST(resolve_one_no__aborted),
        TEST(resolve_no_of_an_earlier_start__not_believed),
        TEST(resolve_all_prepared__asked_until_they_have_found_out),
        TEST(resolve_prepared_by_the_coordinators_decision__presumed),
        TEST(resolve_forgotten__aborted_only_while_that_proves_it),
        TEST(resolve_no_where_commits_were_forgotten__not_final),
        TEST(resolve_no_answer__unknown),
        TEST(resolve_readers__not_asked),
        TEST(resolve_mode_of_the_request__the_log_proves_it_only_for_the_coordinator),
        TEST(resolve_nobody_to_ask__unknown),
        TEST(resolve_while_others_are_asked__unknown_and_not_their_answer),
        TEST(resolve_named_twice_or_unknown_here__asked_once_and_nothing_presumed),
        TEST(resolve__is_bounded_and_shared),
        TEST(resolve_of_another_copy__what_the_members_say_and_else_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
