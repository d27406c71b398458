/* What the members decide (mode D): every row of docs/protocol.md, "When the members decide", for
 * the start that began the transaction. tests/coordinator/members_resolve_test.c has what later
 * ones know of it. */
#include "coord_driver.h"

#include <string.h>

static struct driver d;

static int setup(void **unused)
{
    (void)unused;
    driver_up(&d);
    driver_quiet(&d);
    d.mode = TX_COMMIT_PARTICIPANTS;
    d.members_decide = true;
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    driver_deinit(&d);
    return 0;
}

static const struct tx_msg_prepare *prepare(char who)
{
    return &driver_sent(&d, who, TX_MSG_PREPARE)->prepare;
}

/* A one-shot of a and b, one put at each, PREPARE out. */
static struct tx_id one_shot(void)
{
    struct tx_id id = submit(&d, "ab", "");
    assert_true(prepare('a')->members_decide);
    assert_true(prepare('b')->members_decide);
    return id;
}

/* What a has not voted for, and b has, when the time is over. */
static struct tx_id preventing(void)
{
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    driver_pass(&d, 30 * SECOND_US);
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    driver_ignore(&d);
    return id;
}

static const struct tx_msg_outcome *assert_committed(struct tx_id id)
{
    assert_state(&d, id, "committed");
    return assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
}

static void heuristic_ack(char who, struct tx_id id, enum tx_heuristic heuristic)
{
    struct tx_msg msg = {.type = TX_MSG_ACK,
                         .ack = {.id = id,
                                 .incarnation = 5,
                                 .lsn = {200},
                                 .heuristic = heuristic,
                                 .members_decide = true}};
    driver_participant(&d, who, &msg);
}

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

/* ---- what is seen of it ---- */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
        TEST(state_prepared_or_committed__yes),
        TEST(vote_committed__yes),
        TEST(ack_without_an_operator__yes_and_it_is_to_acknowledge_again),
        TEST(vote_read_only__a_violation),
        TEST(fenced_while_preventing__unknown),
        TEST(status__says_who_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
