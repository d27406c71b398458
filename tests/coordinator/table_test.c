/* Every row of the coordinator's table in docs/protocol.md, one test for each; the name says the
 * cell. */
#include "coord_driver.h"

#include <string.h>

static struct driver d;

static int setup(void **unused)
{
    (void)unused;
    driver_up(&d);
    driver_quiet(&d);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    driver_deinit(&d);
    return 0;
}

static void none_begin__active_begun(void **unused)
{
    (void)unused;
    struct tx_msg msg = {.type = TX_MSG_BEGIN, .begin = {.req = 9}};
    driver_client(&d, CLIENT, &msg);
    const struct tx_msg_begun *begun = &driver_replied(&d, CLIENT, TX_MSG_BEGUN)->begun;
    struct tx_id id = {1, 1, 1};
    struct tx_token token = token_of(id);
    assert_true(tx_id_equal(begun->id, id));
    assert_int_equal(begun->req, 9);
    assert_memory_equal(&begun->token, &token, sizeof token);
    assert_int_equal(begun->age.counter, 1);
    assert_int_equal(begun->age.coordinator, 1);
    assert_int_equal(begun->nodes_n, NODES_N);
    assert_string_equal(begun->nodes[1].name.s, "b");
    assert_int_equal(begun->nodes[1].incarnation, 5);
    assert_state(&d, id, "active");
    driver_quiet(&d);
}

static void none_submit__collecting(void **unused)
{
    (void)unused;
    struct tx_op ops[] = {op_put("b", "x", "1"), op_get("a", "y"), op_put("b", "z", "2")};
    struct tx_id id = next_id(&d);
    submit_ops(&d, CLIENT, ops, 3, "");
    assert_state(&d, id, "collecting");
    const struct tx_msg_prepare *prepare = &driver_sent(&d, 'b', TX_MSG_PREPARE)->prepare;
    assert_true(prepare->one_shot);
    assert_false(prepare->one_phase);
    assert_int_equal(prepare->members_n, 2);
    assert_string_equal(prepare->members[0].name.s, "b"); /* first mentioned first */
    assert_string_equal(prepare->members[1].name.s, "a");
    assert_int_equal(prepare->members[0].incarnation, 5);
    assert_false(prepare->members[1].read_only); /* several members: readers stay */
    assert_int_equal(prepare->ops_n, 2);
    assert_memory_equal(prepare->ops[1].key.data, "z", 1);
    assert_int_equal(prepare->lock_timeout_ms, 1234);
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare.ops_n, 1);
    driver_quiet(&d);
}

static void none_submit_of_a_known_key__attached_or_its_outcome_again(void **unused)
{
    (void)unused;
    struct tx_id id = submit(&d, "ab", "once");
    driver_ignore(&d);
    submit(&d, "ab", "once"); /* undecided: this request is answered too */
    driver_quiet(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 1);
    vote(&d, 'b', id, TX_VOTE_YES, 1);
    driver_durable(&d);
    assert_int_equal(assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE)->req, 1);
    assert_int_equal(assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE)->req, 2);
    driver_ignore(&d);
    submit(&d, "ab", "once"); /* decided: the stored outcome, with its results */
    const struct tx_msg_outcome *again =
        assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    assert_int_equal(again->results_n, 2);
    assert_int_equal(driver_stats(&d).begun, 1);
    driver_quiet(&d);
}

static void active_join__remembered(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    join(&d, 'c', id);
    join(&d, 'c', id);
    driver_quiet(&d);
    finish(&d, TX_MSG_ABORT_REQUEST, id, "");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    (void)driver_sent(&d, 'c', TX_MSG_ABORT);
    driver_quiet(&d);
}

static void active_commit_request__collecting(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    commit_request(&d, id, "aB");
    assert_state(&d, id, "collecting");
    const struct tx_msg_prepare *prepare = &driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare;
    struct tx_token token = token_of(id);
    assert_memory_equal(&prepare->token, &token, sizeof token);
    assert_false(prepare->one_shot);
    assert_int_equal(prepare->ops_n, 0);
    assert_true(prepare->members[1].read_only);
    assert_string_equal(prepare->members[1].address.s, "ipc://node-b");
    (void)driver_sent(&d, 'b', TX_MSG_PREPARE);
    driver_quiet(&d);
}

/* What a vote or an acknowledgement has told is evidence for those who will be in doubt. */
static void active_commit_request__collecting_with_what_is_known_of_each(void **unused)
{
    (void)unused;
    (void)tx_finished_committed(&d); /* a and b have told more since they were welcomed */
    driver_ignore(&d);
    struct tx_id id = begin(&d);
    commit_request(&d, id, "abc");
    const struct tx_msg_prepare *prepare = &driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(prepare->known[i].start, 5);
        assert_int_equal(prepare->known[i].life, d.life[i]);
        assert_int_equal(prepare->known[i].lsn.n, d.lsn[i]);
    }
    assert_true(d.lsn[0] > 100);
    assert_int_equal(prepare->known[2].lsn.n, 100);
    driver_ignore(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    driver_pass(&d, 10 * SECOND_US); /* sent again, and more is known */
    prepare = &driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare;
    assert_int_equal(prepare->known[1].lsn.n, d.lsn[1]);
    driver_ignore(&d);
}

static void active_commit_request_with_a_joined_one_unnamed__aborted(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    join(&d, 'a', id);
    join(&d, 'c', id);
    commit_request(&d, id, "ab");
    const struct tx_msg_outcome *outcome =
        assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    assert_non_null(memmem(outcome->text.data, outcome->text.len, "participant c", 13));
    (void)driver_sent(&d, 'a', TX_MSG_ABORT);
    (void)driver_sent(&d, 'b', TX_MSG_ABORT);
    (void)driver_sent(&d, 'c', TX_MSG_ABORT);
    driver_quiet(&d);
}

static void active_no__finished_aborted(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    join(&d, 'a', id);
    join(&d, 'b', id);
    vote_no(&d, 'a', id, TX_REASON_WOUNDED);
    assert_state(&d, id, "finished-aborted");
    (void)driver_sent(&d, 'b', TX_MSG_ABORT);
    driver_quiet(&d); /* a has undone it already */
    commit_request(&d, id, "ab");
    const struct tx_msg_outcome *outcome =
        assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_WOUNDED);
    assert_string_equal(outcome->who.s, "a");
    assert_memory_equal(outcome->text.data, "so it is", 8);
}

static void active_no_without_a_reason__refused(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    join(&d, 'a', id);
    vote_no(&d, 'a', id, TX_REASON_NONE);
    commit_request(&d, id, "a");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_REFUSED);
}

static void active_abort_request__finished_aborted(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    join(&d, 'a', id);
    finish(&d, TX_MSG_ABORT_REQUEST, id, "ab");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_ABORT)->abort.reason, TX_REASON_CLIENT);
    (void)driver_sent(&d, 'b', TX_MSG_ABORT);
    driver_quiet(&d);
}

static void active_idle_limit__finished_aborted(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    driver_pass(&d, 30 * SECOND_US);
    join(&d, 'a', id); /* a word: the limit counts from here */
    driver_pass(&d, 60 * SECOND_US - 1);
    assert_state(&d, id, "active");
    driver_pass(&d, 1);
    assert_state(&d, id, "finished-aborted");
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_ABORT)->abort.reason, TX_REASON_IDLE);
    driver_quiet(&d);
}

static void collecting_member_not_introduced__no_prepare_then_unreachable(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome(&d, 'a');
    d.alive[1] = false;
    struct tx_id id = submit(&d, "ab", "");
    driver_pass(&d, 4 * SECOND_US);
    assert_state(&d, id, "collecting");
    driver_quiet(&d);
    driver_pass(&d, SECOND_US);
    const struct tx_msg_outcome *outcome =
        assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_UNREACHABLE);
    assert_string_equal(outcome->who.s, "b");
    driver_quiet(&d);
}

static void collecting_last_member_introduced__prepare_to_all(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome(&d, 'a');
    (void)submit(&d, "ab", "");
    driver_quiet(&d);
    driver_welcome(&d, 'b');
    (void)driver_sent(&d, 'a', TX_MSG_PREPARE);
    (void)driver_sent(&d, 'b', TX_MSG_PREPARE);
    driver_quiet(&d);
}

static void collecting_timer__prepare_again_to_those_that_have_not_voted(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    for (int tries = 1; tries < 3; tries++) {
        driver_pass(&d, 10 * SECOND_US);
        (void)driver_sent(&d, 'b', TX_MSG_PREPARE);
        driver_quiet(&d);
    }
}

static void collecting_prepare_timeout__aborted(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    driver_pass(&d, 30 * SECOND_US - 1);
    assert_state(&d, id, "collecting");
    driver_ignore(&d);
    driver_pass(&d, 1);
    assert_string_equal(assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_TIMEOUT)->who.s, "b");
    (void)driver_sent(&d, 'a', TX_MSG_ABORT);
    (void)driver_sent(&d, 'b', TX_MSG_ABORT);
    driver_quiet(&d);
}

static void collecting_all_yes__force_commit_deciding(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    commit_request(&d, id, "aBc");
    driver_ignore(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_READ_ONLY, 0);
    vote(&d, 'c', id, TX_VOTE_YES, 0);
    assert_state(&d, id, "deciding");
    const struct txlog_record *record = driver_record(&d, TXLOG_COMMIT);
    assert_non_null(record);
    assert_true(d.actions.items[d.actions.n - 1].force);
    assert_int_equal(record->commit.members_n, 2); /* those that voted YES */
    assert_string_equal(record->commit.members[1].name.s, "c");
    driver_quiet(&d); /* nobody hears of it before it is durable */
}

static void collecting_all_read_only__finished_committed(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    commit_request(&d, id, "AB");
    driver_ignore(&d);
    size_t records = d.log_n;
    vote(&d, 'a', id, TX_VOTE_READ_ONLY, 0);
    vote(&d, 'b', id, TX_VOTE_READ_ONLY, 0);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    assert_state(&d, id, "finished-committed");
    assert_int_equal(d.log_n, records);
    driver_quiet(&d);
}

static void collecting_no__finished_aborted(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    commit_request(&d, id, "aBcd");
    driver_ignore(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_READ_ONLY, 0);
    vote_no(&d, 'c', id, TX_REASON_CHECK);
    assert_string_equal(assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CHECK)->who.s, "c");
    (void)driver_sent(&d, 'a', TX_MSG_ABORT);
    (void)driver_sent(&d, 'd', TX_MSG_ABORT); /* its YES may be on the way */
    driver_quiet(&d);                         /* none to b and c */
}

static void collecting_one_phase_committed__lazy_outcome_and_the_client_hears(void **unused)
{
    (void)unused;
    struct tx_id id = submit(&d, "a", "");
    assert_true(driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare.one_phase);
    vote(&d, 'a', id, TX_VOTE_COMMITTED, 1);
    assert_int_equal(assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE)->results_n, 1);
    assert_state(&d, id, "finished-committed");
    const struct txlog_record *record = driver_record(&d, TXLOG_OUTCOME);
    assert_non_null(record);
    assert_string_equal(record->outcome.peer.name.s, "a");
    assert_int_equal(record->outcome.peer.known.lsn.n, 101);
    driver_quiet(&d);
}

static void collecting_one_phase_timeout__inquire_until_committed(void **unused)
{
    (void)unused;
    struct tx_id id = submit(&d, "a", "");
    driver_pass(&d, 30 * SECOND_US - 1);
    assert_int_equal(driver_count(&d, TX_MSG_INQUIRE), 0);
    driver_ignore(&d);
    driver_pass(&d, 1);
    assert_false(driver_sent(&d, 'a', TX_MSG_INQUIRE)->inquire.in_doubt);
    driver_quiet(&d);
    driver_pass(&d, 10 * SECOND_US);
    assert_in_range(driver_count(&d, TX_MSG_INQUIRE), 3, 6); /* growing intervals */
    driver_ignore(&d);
    state(&d, 'a', id, TX_STATE_COMMITTED);
    assert_true(assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE)->results_lost);
    assert_non_null(driver_record(&d, TXLOG_OUTCOME));
    driver_quiet(&d);
}

static void collecting_one_phase_timeout__inquire_no_is_final(void **unused)
{
    (void)unused;
    struct tx_id id = submit(&d, "a", "");
    driver_pass(&d, 30 * SECOND_US);
    driver_ignore(&d);
    state(&d, 'a', id, TX_STATE_PREPARED); /* can never be */
    state(&d, 'a', id, TX_STATE_FORGOTTEN);
    assert_int_equal(driver_stats(&d).violations, 2);
    state(&d, 'a', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_TIMEOUT);
    driver_quiet(&d);
}

static void deciding_commit_durable__committed_and_told(void **unused)
{
    (void)unused;
    struct tx_id id = tx_deciding(&d);
    driver_durable_to(&d, d.log_n - 1);
    assert_state(&d, id, "deciding");
    driver_quiet(&d);
    driver_durable(&d);
    assert_state(&d, id, "committed");
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
    driver_quiet(&d);
}

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

static void active_collecting_deciding_inquire__wait(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    inquire(&d, 'a', id);
    assert_true(tx_id_equal(driver_sent(&d, 'a', TX_MSG_WAIT)->id.id, id));
    id = tx_collecting(&d);
    inquire(&d, 'a', id);
    (void)driver_sent(&d, 'a', TX_MSG_WAIT);
    id = tx_deciding(&d);
    inquire(&d, 'a', id);
    (void)driver_sent(&d, 'a', TX_MSG_WAIT);
    driver_quiet(&d);
}

static void inquire_wanted(char who, struct tx_id id)
{
    struct tx_msg msg = {.type = TX_MSG_INQUIRE,
                         .inquire = {.id = id, .in_doubt = true, .wanted = true}};
    driver_participant(&d, who, &msg);
}

/* Only a one-shot can be prepared at one member and wait for a lock at another. */
static void collecting_inquire_for_an_older_one__one_shot_aborted_else_wait(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    inquire_wanted('a', id);
    (void)driver_sent(&d, 'a', TX_MSG_WAIT);
    id = submit(&d, "ab", "");
    (void)driver_sent(&d, 'a', TX_MSG_PREPARE);
    (void)driver_sent(&d, 'b', TX_MSG_PREPARE);
    vote(&d, 'a', id, TX_VOTE_YES, 1);
    inquire_wanted('c', id); /* no member */
    (void)driver_sent(&d, 'c', TX_MSG_WAIT);
    inquire_wanted('a', id);
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_ABORT)->abort.reason, TX_REASON_WOUNDED);
    (void)driver_sent(&d, 'b', TX_MSG_ABORT);
    assert_int_equal(driver_replied(&d, CLIENT, TX_MSG_OUTCOME)->outcome.outcome,
                     TX_OUTCOME_ABORTED);
    id = tx_deciding(&d); /* too late for anybody */
    inquire_wanted('a', id);
    (void)driver_sent(&d, 'a', TX_MSG_WAIT);
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

#define CELL(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CELL(none_begin__active_begun),
        CELL(none_submit__collecting),
        CELL(none_submit_of_a_known_key__attached_or_its_outcome_again),
        CELL(active_join__remembered),
        CELL(active_commit_request__collecting),
        CELL(active_commit_request__collecting_with_what_is_known_of_each),
        CELL(active_commit_request_with_a_joined_one_unnamed__aborted),
        CELL(active_no__finished_aborted),
        CELL(active_no_without_a_reason__refused),
        CELL(active_abort_request__finished_aborted),
        CELL(active_idle_limit__finished_aborted),
        CELL(collecting_member_not_introduced__no_prepare_then_unreachable),
        CELL(collecting_last_member_introduced__prepare_to_all),
        CELL(collecting_timer__prepare_again_to_those_that_have_not_voted),
        CELL(collecting_prepare_timeout__aborted),
        CELL(collecting_all_yes__force_commit_deciding),
        CELL(collecting_all_read_only__finished_committed),
        CELL(collecting_no__finished_aborted),
        CELL(collecting_one_phase_committed__lazy_outcome_and_the_client_hears),
        CELL(collecting_one_phase_timeout__inquire_until_committed),
        CELL(collecting_one_phase_timeout__inquire_no_is_final),
        CELL(deciding_commit_durable__committed_and_told),
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
        CELL(active_collecting_deciding_inquire__wait),
        CELL(collecting_inquire_for_an_older_one__one_shot_aborted_else_wait),
        CELL(later_states_join__abort_to_strangers_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
