/* What the members decide (mode D): docs/protocol.md, "When the members decide", for the start that
 * began the transaction: which transactions, what commits and aborts them, what is seen of it.
 * members_prevent_test.c has those that are to be aborted, members_resolve_test.c what later starts
 * know of it. */
#include "members.h"

#include <string.h>

/* ---- which transactions ---- */

static void one_member__one_phase(void **unused)
{
    (void)unused;
    (void)submit(&d, "a", "");
    const struct tx_msg_prepare *sent = prepare('a');
    assert_true(sent->one_phase);
    assert_false(sent->members_decide);
    commit_request(&d, begin(&d), "a");
    assert_false(prepare('a')->members_decide);
}

static void idempotency_key__coordinator(void **unused)
{
    (void)unused;
    struct tx_id id = submit(&d, "ab", "key");
    assert_false(prepare('a')->members_decide);
    assert_false(prepare('b')->members_decide);
    vote(&d, 'a', id, TX_VOTE_YES, 1);
    vote(&d, 'b', id, TX_VOTE_YES, 1);
    assert_state(&d, id, "deciding");
}

static void reader_among_the_members__coordinator(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    commit_request(&d, id, "aBc");
    assert_false(prepare('a')->members_decide);
    assert_false(prepare('b')->members_decide);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_READ_ONLY, 0);
    vote(&d, 'c', id, TX_VOTE_YES, 0);
    assert_state(&d, id, "deciding");
}

static bool members_decide(enum tx_commit_mode asked)
{
    d.mode = asked;
    (void)submit(&d, "ab", "");
    bool of_submit = prepare('a')->members_decide;
    commit_request(&d, begin(&d), "cd");
    bool of_commit = prepare('c')->members_decide;
    assert_int_equal(of_submit, of_commit);
    driver_ignore(&d);
    return of_submit;
}

static void others__as_the_client_asks_else_as_configured(void **unused)
{
    (void)unused;
    static const enum tx_commit_mode configured[] = {TX_COMMIT_COORDINATOR, TX_COMMIT_PARTICIPANTS,
                                                     TX_COMMIT_DEFAULT};
    static const bool by_default[] = {false, true, COORD_COMMIT_MODE == TX_COMMIT_PARTICIPANTS};
    for (size_t i = 0; i < 3; i++) {
        driver_deinit(&d);
        driver_init(&d);
        d.options.mode = configured[i];
        driver_start(&d);
        driver_welcome_all(&d);
        assert_true(members_decide(TX_COMMIT_PARTICIPANTS));
        assert_false(members_decide(TX_COMMIT_COORDINATOR));
        assert_int_equal(members_decide(TX_COMMIT_DEFAULT), by_default[i]);
    }
}

static void prepare_again__the_same_mode(void **unused)
{
    (void)unused;
    (void)one_shot();
    driver_pass(&d, 10 * SECOND_US);
    assert_true(prepare('a')->members_decide);
    driver_restart_node(&d, 'b');
    assert_true(prepare('b')->members_decide);
}

static void answers_hold_1000_bytes(void)
{
    driver_deinit(&d);
    driver_init(&d);
    d.options.results_max = 1000;
    driver_start(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    d.mode = TX_COMMIT_PARTICIPANTS;
}

static void results__each_member_has_an_equal_share_of_an_answer(void **unused)
{
    (void)unused;
    (void)submit(&d, "abc", "");
    assert_int_equal(prepare('a')->results_max, 0); /* no bound */
    answers_hold_1000_bytes();
    (void)submit(&d, "abc", "");
    assert_int_equal(prepare('a')->results_max, 333);
    assert_int_equal(prepare('c')->results_max, 333);
    (void)tx_collecting(&d); /* its results have been answered already */
    (void)submit(&d, "a", "");
    assert_int_equal(prepare('a')->results_max, 0);
    commit_request(&d, begin(&d), "ab");
    assert_int_equal(prepare('a')->results_max, 0);
    d.mode = TX_COMMIT_COORDINATOR;
    driver_ignore(&d);
    (void)submit(&d, "ab", "");
    assert_int_equal(prepare('a')->results_max, 0);
}

static void results__who_reads_has_what_the_others_leave(void **unused)
{
    (void)unused;
    const struct tx_op ops[] = {op_get("a", "k"), op_put("b", "k", "v"), op_put("b", "l", "v"),
                                op_scan("c", "", "", 9)};
    answers_hold_1000_bytes();
    submit_ops(&d, CLIENT, ops, 2, "");
    assert_int_equal(prepare('a')->results_max, 1000 - 28);
    assert_int_equal(prepare('b')->results_max, 28); /* found or not, and a counter at most */
    submit_ops(&d, CLIENT, ops, 4, "");
    assert_int_equal(prepare('a')->results_max, (1000 - 2 * 28) / 2);
    assert_int_equal(prepare('b')->results_max, 2 * 28);
    assert_int_equal(prepare('c')->results_max, (1000 - 2 * 28) / 2);
}

/* ---- committed ---- */

static void all_yes__committed_at_once_with_a_lazy_record(void **unused)
{
    (void)unused;
    struct tx_id id = one_shot();
    vote(&d, 'a', id, TX_VOTE_YES, 1);
    assert_state(&d, id, "collecting");
    vote(&d, 'b', id, TX_VOTE_YES, 1);
    const struct tx_msg_outcome *outcome = assert_committed(id);
    assert_int_equal(outcome->results_n, 2);
    assert_false(outcome->results_lost);
    const struct txlog_record *record = driver_record(&d, TXLOG_COMMIT);
    assert_non_null(record);
    assert_int_equal(record->commit.members_n, 2);
    for (size_t i = 0; i < d.actions.n; i++) {
        assert_true(d.actions.items[i].type != COORD_ACTION_APPEND || !d.actions.items[i].force);
    }
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
    driver_quiet(&d);
    assert_int_equal(driver_stats(&d).members_committed, 1);
    assert_int_equal(driver_stats(&d).committed_total, 1);
}

static void committed__driven_home_and_ended_as_ever(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    (void)assert_committed(id);
    driver_ignore(&d);
    driver_pass(&d, SECOND_US / 4);
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
    ack(&d, 'a', id);
    driver_ignore(&d);
    driver_restart_node(&d, 'b');
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
    inquire(&d, 'b', id);
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
    ack(&d, 'b', id);
    assert_non_null(driver_record(&d, TXLOG_END));
    driver_pass(&d, 10 * SECOND_US);
    assert_int_equal(driver_count(&d, TX_MSG_FORGET), 0); /* END is not durable */
    assert_state(&d, id, "committed");
    driver_durable(&d);
    assert_state(&d, id, "finished-committed");
    driver_pass(&d, SECOND_US);
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_FORGET)->forget.open_n, 0);
    assert_int_equal(d.alarms, 0);
}

/* END stands behind the COMMIT record in the log, whenever that becomes durable. */
static void committed__acknowledged_before_its_record_is_durable(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    size_t commit = d.log_n;
    ack(&d, 'a', id);
    ack(&d, 'b', id);
    driver_durable_to(&d, commit);
    assert_state(&d, id, "committed");
    driver_durable(&d);
    assert_state(&d, id, "finished-committed");
    outcome_ack(&d, id);
    assert_int_equal(driver_stats(&d).retained, 1);
}

static void committed__a_drain_does_not_wait_for_its_record(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    assert_false(coord_core_idle(d.core));
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    assert_true(coord_core_idle(d.core));
}

/* ---- results ---- */

static void yes_without_results_after_a_restart__committed_results_lost(void **unused)
{
    (void)unused;
    struct tx_id id = one_shot();
    vote(&d, 'a', id, TX_VOTE_YES, 1);
    driver_restart_node(&d, 'b');
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    const struct tx_msg_outcome *outcome = assert_committed(id);
    assert_true(outcome->results_lost);
    assert_int_equal(outcome->results_n, 0);
    assert_int_equal(driver_stats(&d).violations, 0);
    id = one_shot(); /* the other way round: what comes later is of no use */
    driver_restart_node(&d, 'a');
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_YES, 1);
    assert_true(assert_committed(id)->results_lost);
}

static void yes_with_too_few_results__committed_results_lost(void **unused)
{
    (void)unused;
    struct tx_id id = one_shot();
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_YES, 1);
    assert_true(assert_committed(id)->results_lost);
    assert_int_equal(driver_stats(&d).violations, 1);
    id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 1); /* and where none are due */
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    assert_false(assert_committed(id)->results_lost);
    assert_int_equal(driver_stats(&d).violations, 2);
}

static void yes_with_more_results_than_an_answer_holds__committed_results_lost(void **unused)
{
    (void)unused;
    driver_deinit(&d);
    driver_init(&d);
    d.options.results_max = 17; /* two results with two bytes each need 18 */
    driver_start(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    d.mode = TX_COMMIT_PARTICIPANTS;
    struct tx_id id = one_shot();
    vote(&d, 'a', id, TX_VOTE_YES, 1);
    vote(&d, 'b', id, TX_VOTE_YES, 1);
    assert_true(assert_committed(id)->results_lost);
}

/* ---- aborted ---- */

static void no_vote__aborted(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    commit_request(&d, id, "abc");
    driver_ignore(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote_no(&d, 'b', id, TX_REASON_CHECK);
    assert_string_equal(assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CHECK)->who.s, "b");
    (void)driver_sent(&d, 'a', TX_MSG_ABORT);
    (void)driver_sent(&d, 'c', TX_MSG_ABORT); /* its YES may be on the way */
    driver_quiet(&d);
}

static void no_vote_of_one_that_had_voted_yes__aborted(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote_no(&d, 'a', id, TX_REASON_REFUSED); /* it has heard the NO of b, and PREPARE once more */
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_REFUSED);
}

static void state_no__aborted(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    state(&d, 'c', id, TX_STATE_NO); /* no member */
    assert_state(&d, id, "collecting");
    state(&d, 'a', id, TX_STATE_NO);
    assert_string_equal(assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_REFUSED)->who.s, "a");
    (void)driver_sent(&d, 'b', TX_MSG_ABORT);
    driver_quiet(&d);
}

static void state_no_of_another_start__aborted_if_later_and_not_heard_if_earlier(void **unused)
{
    (void)unused;
    struct tx_id id = preventing();
    d.incarnation[0] = 4;
    state(&d, 'a', id, TX_STATE_NO);
    assert_state(&d, id, "collecting");
    driver_quiet(&d);
    d.incarnation[0] = 5;
    driver_restart_node(&d, 'a');
    state(&d, 'a', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_TIMEOUT);
}

static void state_forgotten__cannot_be(void **unused)
{
    (void)unused;
    struct tx_id id = preventing();
    state(&d, 'a', id, TX_STATE_FORGOTTEN);
    assert_state(&d, id, "collecting");
    assert_int_equal(driver_stats(&d).violations, 1);
}

/* Before that nobody can have prepared it. */
static void before_prepare__aborted_alone(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome(&d, 'a');
    d.alive[1] = false;
    struct tx_id id = begin(&d);
    commit_request(&d, id, "ab");
    finish(&d, TX_MSG_ABORT_REQUEST, id, "ab");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    id = submit(&d, "ab", "");
    driver_pass(&d, 6 * SECOND_US);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_UNREACHABLE);
    id = submit(&d, "ab", "");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_UNREACHABLE);
    assert_int_equal(driver_stats(&d).prevented, 0);
}

/* ---- what is seen of it ---- */

static bool has(struct tx_bytes text, const char *what)
{
    return memmem(text.data, text.len, what, strlen(what)) != NULL;
}

static void status__says_who_decides(void **unused)
{
    (void)unused;
    (void)preventing();
    (void)tx_collecting(&d);
    d.mode = TX_COMMIT_COORDINATOR;
    (void)tx_collecting(&d);
    driver_ignore(&d);
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST, .status_request = {.req = 5}};
    driver_client(&d, CLIENT, &msg);
    const struct tx_msg_status *status = &driver_replied(&d, CLIENT, TX_MSG_STATUS)->status;
    assert_int_equal(status->txs_n, 3);
    assert_true(has(status->txs[0].detail,
                    "is to be aborted, unless it is prepared at a; its members decide"));
    assert_true(has(status->txs[1].detail, "waits for the vote of a, b; its members decide"));
    assert_false(has(status->txs[2].detail, "members"));
    bool seen = false;
    for (size_t i = 0; i < status->fields_n; i++) {
        if (has(status->fields[i].name, "preventing")) {
            seen = true;
            assert_true(has(status->fields[i].text, "1"));
        }
    }
    assert_true(seen);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_prestate_setup_teardown(name, members_setup, driver_teardown, &d)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_member__one_phase),
        TEST(idempotency_key__coordinator),
        TEST(reader_among_the_members__coordinator),
        TEST(others__as_the_client_asks_else_as_configured),
        TEST(prepare_again__the_same_mode),
        TEST(results__each_member_has_an_equal_share_of_an_answer),
        TEST(results__who_reads_has_what_the_others_leave),
        TEST(all_yes__committed_at_once_with_a_lazy_record),
        TEST(committed__driven_home_and_ended_as_ever),
        TEST(committed__acknowledged_before_its_record_is_durable),
        TEST(committed__a_drain_does_not_wait_for_its_record),
        TEST(yes_without_results_after_a_restart__committed_results_lost),
        TEST(yes_with_too_few_results__committed_results_lost),
        TEST(yes_with_more_results_than_an_answer_holds__committed_results_lost),
        TEST(no_vote__aborted),
        TEST(no_vote_of_one_that_had_voted_yes__aborted),
        TEST(state_no__aborted),
        TEST(state_no_of_another_start__aborted_if_later_and_not_heard_if_earlier),
        TEST(state_forgotten__cannot_be),
        TEST(before_prepare__aborted_alone),
        TEST(status__says_who_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
