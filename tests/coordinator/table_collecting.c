/* While votes are collected, and the decision is made durable. */
#include "table.h"

#include <string.h>

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

/* Its WELCOME is under way, or lost: the client has spoken to it before the coordinator did. */
static void
collecting_member_restarted_before_its_work__hello_and_no_prepare_before_its_welcome(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    driver_pass(&d, SECOND_US / 2);
    d.alive[1] = false;
    d.incarnation[1]++;
    d.life[1]++;
    d.lsn[1]++;
    driver_ignore(&d);
    commit_request(&d, id, "ab");
    assert_int_equal(driver_count(&d, TX_MSG_HELLO), 1); /* to b, and not at the next interval */
    driver_quiet(&d);
    assert_state(&d, id, "collecting");
    driver_welcome(&d, 'a'); /* another one speaks: b has not yet */
    driver_quiet(&d);
    driver_welcome(&d, 'b');
    const struct tx_msg_prepare *prepare = &driver_sent(&d, 'b', TX_MSG_PREPARE)->prepare;
    assert_int_equal(prepare->members[1].incarnation, 6);
    assert_int_equal(prepare->known[1].start, 6);
    (void)driver_sent(&d, 'a', TX_MSG_PREPARE);
    driver_quiet(&d);
}

/* That start is gone; and an old copy that has served the client would take a PREPARE of its own.
 */
static void collecting_member_named_before_its_own_word__aborted_and_no_prepare(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    d.incarnation[1]--; /* as the client says */
    commit_request(&d, id, "ab");
    d.incarnation[1]++;
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_RESTARTED);
    assert_false(driver_was_sent(&d, 'a', TX_MSG_PREPARE));
    assert_false(driver_was_sent(&d, 'b', TX_MSG_PREPARE));
    driver_ignore(&d);
}

/* Those in doubt would take no honest NO of it, for ever. */
static void collecting_member_named_beyond_its_own_word__aborted(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    d.incarnation[1] += 3; /* as the client says */
    commit_request(&d, id, "ab");
    d.incarnation[1] -= 3;
    driver_pass(&d, d.options.peer_down_us - 1);
    assert_state(&d, id, "collecting");
    assert_false(driver_was_sent(&d, 'a', TX_MSG_PREPARE));
    assert_false(driver_was_sent(&d, 'b', TX_MSG_PREPARE));
    driver_pass(&d, 1);
    const struct tx_msg_outcome *outcome =
        assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_RESTARTED);
    assert_string_equal(outcome->who.s, "b");
    (void)driver_sent(&d, 'a', TX_MSG_ABORT);
    (void)driver_sent(&d, 'b', TX_MSG_ABORT);
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

static void vote_with_result(struct tx_id id, char who, enum tx_vote kind, struct tx_bytes value)
{
    struct tx_result result = {.found = true, .value = value};
    bool read_only = kind == TX_VOTE_READ_ONLY;
    struct tx_msg msg = {.type = TX_MSG_VOTE,
                         .vote = {.id = id,
                                  .vote = kind,
                                  .incarnation = 5,
                                  .lsn = {read_only ? 0 : ++d.lsn[who - 'a']},
                                  .results = &result,
                                  .results_n = 1}};
    driver_participant(&d, who, &msg);
}

/* Each vote fits into a frame; the client's answer with both would not. */
static void collecting_results_beyond_an_answer__aborted_while_it_can_be(void **unused)
{
    (void)unused;
    static const char bytes[600];
    driver_deinit(&d);
    driver_init(&d);
    d.options.results_max = 1000;
    driver_start(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    struct tx_id id = submit(&d, "ab", "");
    driver_ignore(&d);
    vote_with_result(id, 'a', TX_VOTE_YES, tx_bytes(bytes, 600));
    driver_quiet(&d);
    vote_with_result(id, 'b', TX_VOTE_YES, tx_bytes(bytes, 387)); /* with its head one too many */
    const struct tx_msg_outcome *outcome =
        assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_LIMIT);
    assert_non_null(memmem(outcome->text.data, outcome->text.len, "read less at once", 17));
    driver_ignore(&d);
    id = submit(&d, "ab", "");
    driver_ignore(&d);
    vote_with_result(id, 'a', TX_VOTE_YES, tx_bytes(bytes, 600));
    vote_with_result(id, 'b', TX_VOTE_YES, tx_bytes(bytes, 386));
    driver_durable(&d);
    assert_int_equal(assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE)->results_n, 2);
    driver_ignore(&d);
    id = submit(&d, "a", ""); /* one phase: it is committed already */
    driver_ignore(&d);
    static const char more[1001];
    vote_with_result(id, 'a', TX_VOTE_COMMITTED, tx_bytes(more, sizeof more));
    outcome = assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    assert_true(outcome->results_lost);
    assert_int_equal(outcome->results_n, 0);
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

int table_collecting(void)
{
    const struct CMUnitTest tests[] = {
        CELL(collecting_member_not_introduced__no_prepare_then_unreachable),
        CELL(collecting_last_member_introduced__prepare_to_all),
        CELL(collecting_member_restarted_before_its_work__hello_and_no_prepare_before_its_welcome),
        CELL(collecting_member_named_beyond_its_own_word__aborted),
        CELL(collecting_member_named_before_its_own_word__aborted_and_no_prepare),
        CELL(collecting_timer__prepare_again_to_those_that_have_not_voted),
        CELL(collecting_prepare_timeout__aborted),
        CELL(collecting_all_yes__force_commit_deciding),
        CELL(collecting_results_beyond_an_answer__aborted_while_it_can_be),
        CELL(collecting_all_read_only__finished_committed),
        CELL(collecting_no__finished_aborted),
        CELL(collecting_one_phase_committed__lazy_outcome_and_the_client_hears),
        CELL(collecting_one_phase_timeout__inquire_until_committed),
        CELL(collecting_one_phase_timeout__inquire_no_is_final),
        CELL(deciding_commit_durable__committed_and_told),
        CELL(active_collecting_deciding_inquire__wait),
        CELL(collecting_inquire_for_an_older_one__one_shot_aborted_else_wait),
    };
    return cmocka_run_group_tests_name("collecting", tests, NULL, NULL);
}
