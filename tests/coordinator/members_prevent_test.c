/* What the members decide (mode D), once the coordinator would rather abort: it prevents, which is
 * to ask those who have not voted, and hears facts otherwise than by votes. docs/protocol.md, "When
 * the members decide". */
#include "members.h"

/* ---- preventing ---- */

static void timeout__inquire_those_that_have_not_voted_for_ever(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    commit_request(&d, id, "abc");
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    driver_pass(&d, 30 * SECOND_US - 1);
    assert_int_equal(driver_count(&d, TX_MSG_INQUIRE), 0);
    driver_ignore(&d);
    uint64_t interval = SECOND_US / 4;
    driver_pass(&d, 1);
    for (int i = 0; i < 8; i++) {
        assert_false(driver_sent(&d, 'a', TX_MSG_INQUIRE)->inquire.in_doubt);
        (void)driver_sent(&d, 'c', TX_MSG_INQUIRE);
        driver_quiet(&d); /* no PREPARE, no ABORT, nothing to b and the client */
        driver_pass(&d, interval - 1);
        driver_quiet(&d);
        driver_pass(&d, 1);
        interval = interval * 2 < 8 * SECOND_US ? interval * 2 : 8 * SECOND_US;
    }
    driver_pass(&d, 3600 * SECOND_US);
    assert_in_range(driver_count(&d, TX_MSG_INQUIRE), 880, 920);
    assert_state(&d, id, "collecting");
    assert_int_equal(driver_stats(&d).preventing, 1);
    assert_int_equal(driver_stats(&d).prevented, 1);
    assert_false(coord_core_idle(d.core));
}

static void preventing_yes__committed(void **unused)
{
    (void)unused;
    struct tx_id id = preventing();
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    (void)assert_committed(id);
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
    driver_quiet(&d);
    assert_int_equal(driver_stats(&d).preventing, 0);
    driver_pass(&d, SECOND_US / 4);
    assert_int_equal(driver_count(&d, TX_MSG_INQUIRE), 0);
}

static void preventing_no__aborted_with_the_reason_of_the_event(void **unused)
{
    (void)unused;
    struct tx_id id = preventing();
    state(&d, 'a', id, TX_STATE_NO);
    const struct tx_msg_outcome *outcome =
        assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_TIMEOUT);
    assert_string_equal(outcome->who.s, "a");
    assert_non_null(memmem(outcome->text.data, outcome->text.len, "did not come within 30000", 25));
    (void)driver_sent(&d, 'b', TX_MSG_ABORT);
    driver_quiet(&d);
    assert_int_equal(driver_stats(&d).preventing, 0);
    assert_int_equal(driver_stats(&d).aborted_by[TX_REASON_TIMEOUT], 1);
    id = preventing();
    vote_no(&d, 'a', id, TX_REASON_CHECK);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_TIMEOUT);
}

static void preventing_for_another_reason_too__the_first_stays(void **unused)
{
    (void)unused;
    struct tx_id id = preventing();
    finish(&d, TX_MSG_ABORT_REQUEST, id, "ab");
    driver_quiet(&d);
    state(&d, 'a', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_TIMEOUT); /* of COMMIT_REQUEST */
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_TIMEOUT); /* of ABORT_REQUEST */
    assert_int_equal(driver_stats(&d).prevented, 1);
}

static void preventing_member_comes_back__asked_at_once(void **unused)
{
    (void)unused;
    struct tx_id id = preventing();
    driver_restart_node(&d, 'b'); /* has voted */
    driver_quiet(&d);
    driver_restart_node(&d, 'a');
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    driver_quiet(&d);
    assert_state(&d, id, "collecting");
}

static void abort_request__the_client_hears_what_became_of_it(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    finish(&d, TX_MSG_ABORT_REQUEST, id, "ab");
    (void)driver_sent(&d, 'b', TX_MSG_INQUIRE);
    driver_quiet(&d); /* no answer yet, and nothing to a */
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    driver_ignore(&d);
    id = tx_collecting(&d);
    finish(&d, TX_MSG_ABORT_REQUEST, id, "ab");
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    (void)driver_sent(&d, 'b', TX_MSG_INQUIRE);
    driver_quiet(&d);
    state(&d, 'b', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
}

static void inquire_wanted__wait_and_the_others_are_asked(void **unused)
{
    (void)unused;
    struct tx_id id = one_shot();
    vote(&d, 'a', id, TX_VOTE_YES, 1);
    struct tx_msg msg = {
        .type = TX_MSG_INQUIRE,
        .inquire = {.id = id, .in_doubt = true, .wanted = true, .members_decide = true}};
    driver_participant(&d, 'a', &msg);
    (void)driver_sent(&d, 'a', TX_MSG_WAIT);
    (void)driver_sent(&d, 'b', TX_MSG_INQUIRE);
    driver_quiet(&d);
    driver_participant(&d, 'a', &msg);
    (void)driver_sent(&d, 'a', TX_MSG_WAIT);
    driver_quiet(&d);
    state(&d, 'b', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_WOUNDED);
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_ABORT)->abort.reason, TX_REASON_WOUNDED);
    id = tx_collecting(&d); /* interactive: nobody waits for another there */
    msg.inquire.id = id;
    driver_participant(&d, 'a', &msg);
    (void)driver_sent(&d, 'a', TX_MSG_WAIT);
    driver_quiet(&d);
}

static void inquire__wait(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    inquire(&d, 'a', id);
    (void)driver_sent(&d, 'a', TX_MSG_WAIT);
    driver_quiet(&d);
}

static void member_down__preventing_unless_it_has_voted(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    d.alive[1] = false;
    driver_pass(&d, 7 * SECOND_US);
    assert_int_equal(driver_stats(&d).peers_down, 1);
    assert_int_equal(driver_stats(&d).preventing, 0);
    driver_ignore(&d);
    d.alive[0] = false;
    driver_pass(&d, 7 * SECOND_US);
    assert_int_equal(driver_stats(&d).preventing, 1);
    assert_int_equal(driver_count(&d, TX_MSG_ABORT), 0);
    driver_ignore(&d);
    driver_welcome(&d, 'a');
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    state(&d, 'a', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_UNREACHABLE);
}

static void member_in_quarantine__preventing_and_its_vote_stands(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    uint64_t lsn = d.lsn[1];
    d.lsn[1] = 1;
    d.incarnation[1]++;
    driver_welcome(&d, 'b');
    assert_int_equal(driver_stats(&d).peers_quarantined, 1);
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    driver_quiet(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    (void)assert_committed(id);
    driver_ignore(&d);

    d.lsn[1] = lsn; /* restored */
    d.incarnation[1]--;
    driver_pass(&d, 2 * SECOND_US);
    assert_int_equal(driver_stats(&d).peers_quarantined, 0);
    ack(&d, 'a', id);
    ack(&d, 'b', id);
    driver_ignore(&d);
    id = tx_collecting(&d);
    d.lsn[1] = 1;
    d.incarnation[1]++;
    driver_welcome(&d, 'b'); /* has not voted, and is not asked until it is restored */
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    driver_quiet(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    state(&d, 'b', id, TX_STATE_NO);
    assert_state(&d, id, "collecting");
}

static void ack_where_an_operator_had_decided__preventing(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    heuristic_ack('a', id, TX_HEURISTIC_DAMAGE);
    (void)driver_sent(&d, 'b', TX_MSG_INQUIRE);
    driver_quiet(&d);
    heuristic_ack('a', id, TX_HEURISTIC_DAMAGE);
    assert_int_equal(d.alarms, 1);
    state(&d, 'b', id, TX_STATE_NO);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_REFUSED);
    driver_ignore(&d);

    id = tx_collecting(&d); /* it was the commit that the operator's decision met with */
    heuristic_ack('a', id, TX_HEURISTIC_OK);
    driver_ignore(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    state(&d, 'a', id, TX_STATE_COMMITTED);
    (void)assert_committed(id);
    (void)driver_sent(&d, 'a', TX_MSG_COMMIT);
    heuristic_ack('a', id, TX_HEURISTIC_OK);
    ack(&d, 'b', id);
    driver_durable(&d);
    assert_state(&d, id, "finished-committed");
    assert_int_equal(d.alarms, 1);
}

static void fenced_while_preventing__unknown(void **unused)
{
    (void)unused;
    struct tx_id id = preventing();
    struct tx_id told = tx_collecting(&d);
    vote(&d, 'a', told, TX_VOTE_YES, 0);
    vote(&d, 'b', told, TX_VOTE_YES, 0);
    driver_ignore(&d);
    struct tx_msg msg = {.type = TX_MSG_FENCED, .fenced = {.known = {2, 3, {1}}}};
    driver_participant(&d, 'a', &msg);
    (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    assert_int_equal(driver_stats(&d).preventing, 0);
    finish(&d, TX_MSG_OUTCOME_REQUEST, told, "ab");
    (void)assert_outcome(&d, told, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    driver_quiet(&d);
}

/* ---- facts told otherwise ---- */

static void state_prepared_or_committed__yes(void **unused)
{
    (void)unused;
    static const enum tx_state states[] = {TX_STATE_PREPARED, TX_STATE_COMMITTED};
    for (size_t i = 0; i < 2; i++) {
        struct tx_id id = preventing();
        state(&d, 'a', id, states[i]);
        assert_false(assert_committed(id)->results_lost); /* the operations were answered before */
        driver_ignore(&d);
        id = one_shot();
        vote(&d, 'a', id, TX_VOTE_YES, 1);
        driver_pass(&d, 30 * SECOND_US);
        state(&d, 'a', id, states[i]); /* is known */
        assert_state(&d, id, "collecting");
        state(&d, 'b', id, states[i]);
        const struct tx_msg_outcome *outcome = assert_committed(id);
        assert_true(outcome->results_lost);
        assert_int_equal(outcome->results_n, 0);
        driver_ignore(&d);
    }
}

static void vote_committed__yes(void **unused)
{
    (void)unused;
    struct tx_id id = one_shot();
    vote(&d, 'a', id, TX_VOTE_COMMITTED, 1);
    vote(&d, 'b', id, TX_VOTE_YES, 1);
    assert_int_equal(assert_committed(id)->results_n, 2);
    ack(&d, 'a', id);
    ack(&d, 'b', id);
    assert_non_null(driver_record(&d, TXLOG_END));
    id = one_shot();
    driver_restart_node(&d, 'a');
    vote(&d, 'a', id, TX_VOTE_COMMITTED, 0);
    vote(&d, 'b', id, TX_VOTE_COMMITTED, 1);
    assert_true(assert_committed(id)->results_lost);
    assert_int_equal(driver_stats(&d).violations, 0);
    assert_int_equal(d.alarms, 0);
}

static void ack_without_an_operator__yes_and_it_is_to_acknowledge_again(void **unused)
{
    (void)unused;
    struct tx_id id = one_shot();
    vote(&d, 'a', id, TX_VOTE_YES, 1);
    ack(&d, 'a', id); /* is known */
    assert_state(&d, id, "collecting");
    ack(&d, 'b', id);
    assert_true(assert_committed(id)->results_lost);
    (void)driver_sent(&d, 'b', TX_MSG_COMMIT);
    ack(&d, 'b', id);
    assert_state(&d, id, "committed");
    ack(&d, 'a', id);
    driver_durable(&d);
    assert_state(&d, id, "finished-committed");
    assert_int_equal(driver_stats(&d).violations, 0);
}

static void vote_read_only__a_violation(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_READ_ONLY, 0);
    assert_int_equal(driver_stats(&d).violations, 1);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    assert_state(&d, id, "collecting");
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    (void)assert_committed(id);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_prestate_setup_teardown(name, members_setup, driver_teardown, &d)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(timeout__inquire_those_that_have_not_voted_for_ever),
        TEST(preventing_yes__committed),
        TEST(preventing_no__aborted_with_the_reason_of_the_event),
        TEST(preventing_for_another_reason_too__the_first_stays),
        TEST(preventing_member_comes_back__asked_at_once),
        TEST(abort_request__the_client_hears_what_became_of_it),
        TEST(inquire_wanted__wait_and_the_others_are_asked),
        TEST(inquire__wait),
        TEST(member_down__preventing_unless_it_has_voted),
        TEST(member_in_quarantine__preventing_and_its_vote_stands),
        TEST(ack_where_an_operator_had_decided__preventing),
        TEST(fenced_while_preventing__unknown),
        TEST(state_prepared_or_committed__yes),
        TEST(vote_committed__yes),
        TEST(ack_without_an_operator__yes_and_it_is_to_acknowledge_again),
        TEST(vote_read_only__a_violation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
