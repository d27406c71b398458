/* What clients ask and hear: limits, repetitions, idempotency keys, tokens, results, votes out of
 * place. */
#include "coord_driver.h"

#include <stdio.h>
#include <string.h>

static struct driver d;

static void error_unknown_participant_lists_the_known(void **unused)
{
    (void)unused;
    struct tx_op op = op_put("zz", "k", "v");
    submit_ops(&d, CLIENT, &op, 1, "");
    assert_error(&d, TX_EINVAL, TX_REASON_NONE,
                 "'zz', which this cluster does not have; it has "
                 "a, b, c, d");
    struct tx_id id = begin(&d);
    struct tx_member member = {.name = {"zz"}, .incarnation = 1};
    struct tx_msg msg = {
        .type = TX_MSG_COMMIT_REQUEST,
        .finish = {.id = id, .token = token_of(id), .members = &member, .members_n = 1}};
    driver_client(&d, CLIENT, &msg);
    assert_error(&d, TX_EINVAL, TX_REASON_NONE, "a, b, c, d");
    assert_state(&d, id, "active"); /* nothing was done */
}

static void error_members_that_cannot_be_prepared(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    commit_request(&d, id, "aa");
    assert_error(&d, TX_EINVAL, TX_REASON_NONE, "named twice");
    d.incarnation[0] = 0;
    commit_request(&d, id, "a");
    assert_error(&d, TX_EINVAL, TX_REASON_NONE, "incarnation");
    static struct tx_member many[TX_MEMBERS_MAX + 1];
    struct tx_msg msg = {
        .type = TX_MSG_COMMIT_REQUEST,
        .finish = {
            .id = id, .token = token_of(id), .members = many, .members_n = TX_MEMBERS_MAX + 1}};
    driver_client(&d, CLIENT, &msg);
    assert_error(&d, TX_ELIMIT, TX_REASON_NONE, "65 participants");
    assert_state(&d, id, "active");
}

static void error_no_operations_and_too_many(void **unused)
{
    (void)unused;
    submit_ops(&d, CLIENT, NULL, 0, "");
    assert_error(&d, TX_EINVAL, TX_REASON_NONE, "without operations");
    static struct tx_op ops[TX_OPS_MAX + 1];
    submit_ops(&d, CLIENT, ops, TX_OPS_MAX + 1, "");
    assert_error(&d, TX_ELIMIT, TX_REASON_NONE, "10001 operations");
    struct tx_op op = op_put("a", "k", "v");
    char key[TX_IDEMPOTENCY_KEY_MAX + 2];
    memset(key, 'k', sizeof key);
    key[sizeof key - 1] = '\0';
    submit_ops(&d, CLIENT, &op, 1, key);
    assert_error(&d, TX_ELIMIT, TX_REASON_NONE, "65 bytes");
}

static void error_too_many_participants(void **unused)
{
    (void)unused;
    static struct tx_member nodes[TX_MEMBERS_MAX + 1];
    static struct tx_op ops[TX_MEMBERS_MAX + 1];
    driver_deinit(&d);
    driver_init(&d);
    for (size_t i = 0; i <= TX_MEMBERS_MAX; i++) {
        (void)snprintf(nodes[i].name.s, sizeof nodes[i].name.s, "n%zu", i);
        ops[i] = op_put(nodes[i].name.s, "k", "v");
    }
    d.options.nodes = nodes;
    d.options.nodes_n = TX_MEMBERS_MAX + 1;
    driver_start(&d);
    submit_ops(&d, CLIENT, ops, TX_MEMBERS_MAX + 1, "");
    assert_error(&d, TX_ELIMIT, TX_REASON_NONE, "more than 64 participants");
    struct tx_id id = next_id(&d);
    submit_ops(&d, CLIENT, ops, TX_MEMBERS_MAX, "");
    assert_state(&d, id, "collecting");
}

/* Other options while it runs; its identity is not among them. */
static void other_options__in_force(void **unused)
{
    (void)unused;
    struct coord_options options = d.options;
    struct coord_event event = {.type = COORD_EVENT_OPTIONS, .options = &options};
    struct tx_id id = begin(&d);
    options.txs_max = 1;
    options.id = 9;
    options.epoch = 99;
    driver_step(&d, &event);
    (void)submit(&d, "a", "");
    assert_error(&d, TX_ELIMIT, TX_REASON_BUSY, "coordinator 1 has 1 transactions open");
    options.txs_max = 2;
    driver_step(&d, &event);
    struct tx_id next = begin(&d);
    assert_int_equal(next.coordinator, id.coordinator);
    assert_int_equal(next.epoch, id.epoch);
    coord_core_check(d.core);
}

static void error_open_limit_disk_reserve_and_drain(void **unused)
{
    (void)unused;
    d.options.txs_max = 1;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    struct tx_id id = begin(&d);
    (void)submit(&d, "a", "");
    assert_error(&d, TX_ELIMIT, TX_REASON_BUSY, "1 transactions open");
    finish(&d, TX_MSG_ABORT_REQUEST, id, "");
    driver_ignore(&d);
    struct coord_event event = {.type = COORD_EVENT_DISK, .on = true};
    driver_step(&d, &event);
    (void)submit(&d, "a", "");
    assert_error(&d, TX_EFULL, TX_REASON_DISK_FULL, "disk reserve");
    event.on = false;
    driver_step(&d, &event);
    id = begin(&d);
    event.type = COORD_EVENT_DRAIN;
    event.on = true;
    driver_step(&d, &event);
    struct tx_msg msg = {.type = TX_MSG_BEGIN, .begin = {.req = 99}};
    driver_client(&d, CLIENT, &msg);
    assert_error(&d, TX_ESTATE, TX_REASON_DRAINING, "about to stop");
    event.on = false; /* and takes them again */
    driver_step(&d, &event);
    finish(&d, TX_MSG_ABORT_REQUEST, id, "");
    driver_ignore(&d);
    id = begin(&d);
    event.on = true;
    driver_step(&d, &event);
    assert_false(coord_core_idle(d.core));
    commit_request(&d, id, ""); /* the open ones are finished */
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    assert_true(coord_core_idle(d.core));
}

static void empty_commit__committed_without_a_record(void **unused)
{
    (void)unused;
    size_t records = d.log_n;
    struct tx_id id = begin(&d);
    commit_request(&d, id, "");
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    assert_int_equal(d.log_n, records);
    commit_request(&d, id, ""); /* once more: the same answer */
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
}

static void repeated_requests_do_nothing_twice(void **unused)
{
    (void)unused;
    struct tx_msg msg = {.type = TX_MSG_BEGIN, .begin = {.req = 50}};
    driver_client(&d, CLIENT, &msg);
    driver_client(&d, CLIENT, &msg);
    struct tx_id id = driver_replied(&d, CLIENT, TX_MSG_BEGUN)->begun.id;
    assert_true(tx_id_equal(driver_replied(&d, CLIENT, TX_MSG_BEGUN)->begun.id, id));
    commit_request(&d, id, "ab");
    driver_ignore(&d);
    driver_client(&d, CLIENT, &msg); /* a late copy */
    assert_int_equal(driver_stats(&d).stale, 1);
    d.req--;
    commit_request(&d, id, "ab"); /* the same number: one answer */
    vote_no(&d, 'a', id, TX_REASON_CHECK);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CHECK);
    assert_int_equal(driver_count(&d, TX_MSG_OUTCOME), 0);

    struct tx_id once = submit(&d, "a", "");
    d.req--;
    submit(&d, "a", ""); /* a copy of a SUBMIT without a key is not run twice */
    assert_int_equal(driver_stats(&d).begun, 2);
    d.req--;
    struct tx_id other = submit(&d, "b", ""); /* other work under the same number is new work */
    assert_int_equal(driver_stats(&d).begun, 3);
    assert_int_not_equal(once.seq, other.seq);
}

static void key_with_other_operations__error(void **unused)
{
    (void)unused;
    struct tx_op op = op_put("a", "k", "v");
    submit_ops(&d, CLIENT, &op, 1, "key");
    assert_false(driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare.one_phase);
    const struct tx_op changed[] = {op_put("b", "k", "v"), op_put("a", "K", "v"),
                                    op_put("a", "k", "V"), op_get("a", "k")};
    for (size_t i = 0; i < 4; i++) {
        submit_ops(&d, CLIENT, &changed[i], 1, "key");
        assert_error(&d, TX_EINVAL, TX_REASON_NONE, "1-1-1, which has other operations");
    }
    submit_at(&d, TX_READ_COMMITTED, &op, 1, "key");
    assert_error(&d, TX_EINVAL, TX_REASON_NONE, "or another isolation level");
}

static void key_with_another_scan__error(void **unused)
{
    (void)unused;
    const struct tx_op op = op_scan("a", "k", "m", 5);
    submit_ops(&d, CLIENT, &op, 1, "key");
    struct tx_op changed[] = {op_scan("a", "l", "m", 5), op_scan("a", "k", "n", 5),
                              op_scan("a", "k", "m", 6), op_scan("a", "k", "m", 5)};
    changed[3].reverse = true;
    for (size_t i = 0; i < 4; i++) {
        submit_ops(&d, CLIENT, &changed[i], 1, "key");
        assert_error(&d, TX_EINVAL, TX_REASON_NONE, "1-1-1, which has other operations");
    }
    driver_ignore(&d);
    submit_ops(&d, CLIENT, &op, 1, "key");
    driver_quiet(&d);
}

static void key_of_an_aborted_transaction__replayed_while_retained(void **unused)
{
    (void)unused;
    struct tx_id id = submit(&d, "ab", "key");
    vote_no(&d, 'a', id, TX_REASON_CHECK);
    driver_ignore(&d);
    submit(&d, "ab", "key");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CHECK);
    driver_pass(&d, 300 * SECOND_US);
    driver_ignore(&d);
    struct tx_id next = submit(&d, "ab", "key");
    assert_state(&d, next, "collecting");
}

static void key_after_a_restart__the_outcome_without_results(void **unused)
{
    (void)unused;
    struct tx_id id = submit(&d, "a", "key");
    vote(&d, 'a', id, TX_VOTE_YES, 1);
    struct tx_id open = submit(&d, "a", "other");
    driver_durable(&d);
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    submit(&d, "a", "key");
    assert_true(assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE)->results_lost);
    submit(&d, "a", "other"); /* that attempt has done nothing */
    assert_state(&d, open, "none");
    (void)driver_sent(&d, 'a', TX_MSG_PREPARE);
}

static void waiters_are_bounded(void **unused)
{
    (void)unused;
    struct tx_id id = submit(&d, "ab", "key");
    for (int i = 0; i < 15; i++) {
        submit(&d, "ab", "key");
    }
    submit(&d, "ab", "key");
    assert_error(&d, TX_ELIMIT, TX_REASON_BUSY, "16 clients wait");
    vote_no(&d, 'a', id, TX_REASON_CHECK);
    assert_int_equal(driver_count(&d, TX_MSG_OUTCOME), 16);
}

static void token__checked_for_commit_and_abort_and_not_for_outcome(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    struct tx_msg msg = {.type = TX_MSG_COMMIT_REQUEST, .finish = {.req = 1, .id = id}};
    driver_client(&d, CLIENT, &msg);
    assert_error(&d, TX_ETOKEN, TX_REASON_NONE, "1-1-1");
    msg.type = TX_MSG_ABORT_REQUEST;
    driver_client(&d, CLIENT, &msg);
    assert_error(&d, TX_ETOKEN, TX_REASON_NONE, "1-1-1");
    assert_state(&d, id, "active");
    msg.type = TX_MSG_OUTCOME_REQUEST;
    driver_client(&d, CLIENT + 1, &msg); /* waits for the outcome */
    driver_quiet(&d);
    finish(&d, TX_MSG_ABORT_REQUEST, id, "");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    (void)driver_replied(&d, CLIENT + 1, TX_MSG_OUTCOME);
    id = submit(&d, "ab", "");
    msg.type = TX_MSG_ABORT_REQUEST;
    msg.finish.id = id;
    driver_client(&d, CLIENT, &msg); /* a SUBMIT has no token that zeros could guess */
    assert_error(&d, TX_ETOKEN, TX_REASON_NONE, "");
}

static void abort_request__before_and_after_the_decision(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    finish(&d, TX_MSG_ABORT_REQUEST, id, "ab");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    driver_ignore(&d);
    id = tx_deciding(&d);
    finish(&d, TX_MSG_ABORT_REQUEST, id, "ab"); /* too late: the true outcome */
    driver_quiet(&d);
    driver_durable(&d);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    finish(&d, TX_MSG_ABORT_REQUEST, id, "ab");
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    driver_ignore(&d);
    id = begin(&d);
    commit_request(&d, id, "a"); /* one-phase, PREPARE is out: its member's to say */
    driver_ignore(&d);
    finish(&d, TX_MSG_ABORT_REQUEST, id, "a");
    driver_quiet(&d);
    vote(&d, 'a', id, TX_VOTE_COMMITTED, 0);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
}

static void results_come_back_in_the_order_of_the_submit(void **unused)
{
    (void)unused;
    struct tx_op ops[] = {op_get("b", "1"), op_get("a", "2"), op_put("b", "3", "v")};
    struct tx_id id = next_id(&d);
    submit_ops(&d, CLIENT, ops, 3, "");
    vote(&d, 'a', id, TX_VOTE_YES, 1);
    vote(&d, 'b', id, TX_VOTE_YES, 2);
    driver_durable(&d);
    const struct tx_msg_outcome *outcome =
        assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    assert_int_equal(outcome->results_n, 3);
    assert_memory_equal(outcome->results[0].value.data, "b0", 2);
    assert_memory_equal(outcome->results[1].value.data, "a0", 2);
    assert_memory_equal(outcome->results[2].value.data, "b1", 2);
    driver_ignore(&d);
    outcome_ack(&d, id); /* has them: they go */
    outcome_ack(&d, id);
    assert_int_equal(driver_stats(&d).stale, 1);
    finish(&d, TX_MSG_OUTCOME_REQUEST, id, "ab");
    outcome = assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    assert_true(outcome->results_lost);
    assert_int_equal(outcome->results_n, 0);
}

static void results_are_bounded(void **unused)
{
    (void)unused;
    driver_deinit(&d);
    driver_init(&d);
    d.options.retained_max = 5000;
    driver_start(&d);
    driver_welcome_all(&d);
    struct tx_id first = tx_one_phase(&d);
    for (int i = 0; i < 1000; i++) {
        (void)tx_one_phase(&d);
        driver_ignore(&d);
    }
    finish(&d, TX_MSG_OUTCOME_REQUEST, first, "a");
    assert_true(assert_outcome(&d, first, TX_OUTCOME_COMMITTED, TX_REASON_NONE)->results_lost);
}

static void wrong_count_of_results__refused(void **unused)
{
    (void)unused;
    struct tx_id id = submit(&d, "ab", "");
    vote(&d, 'a', id, TX_VOTE_YES, 2);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_REFUSED);
    assert_true(driver_was_sent(&d, 'a', TX_MSG_ABORT));
    assert_int_equal(driver_stats(&d).violations, 1);
    id = submit(&d, "a", "");
    vote(&d, 'a', id, TX_VOTE_COMMITTED, 0); /* committed all the same */
    assert_true(assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE)->results_lost);
    id = begin(&d);
    commit_request(&d, id, "ab");
    vote(&d, 'a', id, TX_VOTE_YES, 1); /* no operations, no results */
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_REFUSED);
}

/* What the operations gave was in the memory of the participant; its vote still stands. */
static void restarted_before_the_decision__results_are_lost(void **unused)
{
    (void)unused;
    struct tx_id id = submit(&d, "ab", "");
    driver_restart_node(&d, 'a');
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_RESTARTED);
    assert_true(driver_was_sent(&d, 'a', TX_MSG_ABORT));
    id = submit(&d, "a", "");
    driver_restart_node(&d, 'a');
    vote(&d, 'a', id, TX_VOTE_COMMITTED, 0);
    assert_true(assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE)->results_lost);
    assert_int_equal(driver_stats(&d).violations, 0);
}

static void one_phase_endings(void **unused)
{
    (void)unused;
    struct tx_op get = op_get("a", "k");
    struct tx_id id = next_id(&d);
    submit_ops(&d, CLIENT, &get, 1, "");
    assert_true(driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare.members[0].read_only);
    size_t records = d.log_n;
    vote(&d, 'a', id, TX_VOTE_READ_ONLY, 1);
    assert_int_equal(assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE)->results_n, 1);
    assert_int_equal(d.log_n, records);
    vote(&d, 'a', id, TX_VOTE_READ_ONLY, 1);
    driver_quiet(&d);

    id = submit(&d, "a", "");
    assert_false(driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare.members[0].read_only);
    vote(&d, 'a', id, TX_VOTE_YES, 1); /* nobody is to prepare for one phase */
    assert_int_equal(driver_stats(&d).violations, 1);
    assert_state(&d, id, "collecting");
    vote_no(&d, 'a', id, TX_REASON_FLOOR);
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_FLOOR);
    vote(&d, 'a', id, TX_VOTE_COMMITTED, 1);
    assert_int_equal(d.alarms, 1);
    driver_quiet(&d);

    id = submit(&d, "a", "");
    driver_ignore(&d);
    d.alive[0] = false; /* down: not aborted, the outcome lives there */
    driver_pass(&d, 40 * SECOND_US);
    assert_state(&d, id, "collecting");
    assert_true(driver_was_sent(&d, 'a', TX_MSG_INQUIRE));
    driver_ignore(&d);
    driver_restart_node(&d, 'a');
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    state(&d, 'b', id, TX_STATE_COMMITTED); /* not the member's word */
    assert_state(&d, id, "collecting");
    vote(&d, 'a', id, TX_VOTE_COMMITTED, 1); /* the vote itself, late */
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    state(&d, 'a', id, TX_STATE_COMMITTED);
    driver_quiet(&d);
}

static void reader_with_a_key__committed_without_a_record(void **unused)
{
    (void)unused;
    struct tx_op get = op_get("a", "k");
    struct tx_id id = next_id(&d);
    submit_ops(&d, CLIENT, &get, 1, "key");
    const struct tx_msg_prepare *prepare = &driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare;
    assert_false(prepare->one_phase);
    assert_true(prepare->members[0].read_only);
    vote(&d, 'a', id, TX_VOTE_READ_ONLY, 1);
    (void)assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
}

static void read_only_votes_that_cannot_be(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'a', id, TX_VOTE_READ_ONLY, 0); /* is no reader */
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_REFUSED);
    id = begin(&d);
    commit_request(&d, id, "Ab");
    driver_restart_node(&d, 'a');
    vote(&d, 'a', id, TX_VOTE_READ_ONLY, 0); /* another start has lost its locks */
    assert_int_equal(driver_stats(&d).violations, 2);
    assert_state(&d, id, "collecting");
}

static void reader_that_dropped_out_may_say_anything(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    commit_request(&d, id, "Ab");
    vote(&d, 'a', id, TX_VOTE_READ_ONLY, 0);
    vote_no(&d, 'a', id, TX_REASON_RESTARTED); /* a repeated PREPARE found nothing there */
    assert_state(&d, id, "collecting");
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    driver_durable(&d);
    vote_no(&d, 'a', id, TX_REASON_RESTARTED);
    inquire(&d, 'a', id);
    ack(&d, 'a', id); /* has nothing to acknowledge */
    assert_state(&d, id, "committed");
    assert_int_equal(d.alarms, 0);
    assert_int_equal(driver_stats(&d).violations, 2);
}

static void votes_out_of_place(void **unused)
{
    (void)unused;
    vote(&d, 'a', (struct tx_id){1, 1, 9}, TX_VOTE_YES, 0); /* unknown: it will ask */
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'c', id, TX_VOTE_YES, 0); /* no member */
    vote_no(&d, 'c', id, TX_REASON_CHECK);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'a', id, TX_VOTE_YES, 0); /* twice */
    assert_int_equal(driver_stats(&d).stale, 4);
    ack(&d, 'b', id); /* nothing is decided */
    vote(&d, 'b', id, TX_VOTE_COMMITTED, 0);
    assert_int_equal(driver_stats(&d).violations, 2);
    assert_int_equal(d.alarms, 1);
    assert_state(&d, id, "collecting");
    vote_no(&d, 'a', id, TX_REASON_OPERATOR); /* after its YES: abort is still possible */
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_OPERATOR);
    id = tx_finished_committed(&d);
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    ack(&d, 'a', id);
    assert_int_equal(driver_stats(&d).stale, 6);
    driver_restart_all(&d);
    driver_welcome(&d, 'a');
    id = submit(&d, "ab", "");
    vote(&d, 'a', id, TX_VOTE_YES, 1); /* PREPARE is not out yet */
    assert_int_equal(driver_stats(&d).violations, 1);
}

/* The operator's decision has ended there by the NO of another member, which is not heard here yet.
 */
static void damage_while_votes_are_collected_is_an_alarm_and_no_violation(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    struct tx_msg msg = {
        .type = TX_MSG_ACK,
        .ack = {.id = id, .incarnation = 5, .lsn = {200}, .heuristic = TX_HEURISTIC_DAMAGE}};
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    driver_participant(&d, 'a', &msg);
    driver_participant(&d, 'a', &msg);
    assert_int_equal(d.alarms, 1);
    assert_int_equal(driver_stats(&d).violations, 0);
}

/* Were it to commit after that, nobody would wait for the acknowledgement: no END, for ever. */
static void an_end_while_votes_are_collected_aborts_whatever_is_voted_then(void **unused)
{
    (void)unused;
    struct tx_id id = tx_collecting(&d);
    struct tx_msg msg = {
        .type = TX_MSG_ACK,
        .ack = {.id = id, .incarnation = 5, .lsn = {200}, .heuristic = TX_HEURISTIC_OK}};
    driver_participant(&d, 'a', &msg);
    assert_string_equal(coord_core_state_name(d.core, id), "finished-aborted");
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    driver_durable(&d);
    assert_string_equal(coord_core_state_name(d.core, id), "finished-aborted");
}

static void damage_by_an_operator_is_an_alarm(void **unused)
{
    (void)unused;
    struct tx_id id = tx_committed(&d);
    struct tx_msg msg = {
        .type = TX_MSG_ACK,
        .ack = {.id = id, .incarnation = 5, .lsn = {200}, .heuristic = TX_HEURISTIC_DAMAGE}};
    driver_participant(&d, 'a', &msg);
    assert_int_equal(d.alarms, 1);
    assert_true(driver_noted(&d, "damage"));
    msg.ack.id = tx_finished_aborted(&d);
    driver_participant(&d, 'b', &msg);
    driver_participant(&d, 'b', &msg);
    assert_int_equal(d.alarms, 2);
    msg.ack.id = (struct tx_id){1, 1, 99};
    driver_participant(&d, 'b', &msg);
    driver_participant(&d, 'b', &msg);
    assert_int_equal(d.alarms, 3);
}

static bool has(struct tx_bytes text, const char *what)
{
    return memmem(text.data, text.len, what, strlen(what)) != NULL;
}

static void status_says_what_waits_for_what(void **unused)
{
    (void)unused;
    driver_restart_all(&d);
    driver_welcome(&d, 'a');
    (void)submit(&d, "ab", "");
    driver_welcome(&d, 'b');
    driver_welcome(&d, 'c');
    (void)begin(&d);
    struct tx_id committed = tx_committed(&d);
    ack(&d, 'a', committed);
    struct tx_id ending = tx_committed(&d);
    ack(&d, 'a', ending);
    ack(&d, 'b', ending);
    (void)tx_deciding(&d);
    (void)submit(&d, "ad", "");
    struct tx_id aborted = submit(&d, "ab", "");
    vote_no(&d, 'a', aborted, TX_REASON_CHECK);
    (void)tx_one_phase(&d);
    driver_ignore(&d);
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST, .status_request = {.req = 5}};
    driver_client(&d, CLIENT, &msg);
    const struct tx_msg_status *status = &driver_replied(&d, CLIENT, TX_MSG_STATUS)->status;
    assert_int_equal(status->req, 5);
    assert_int_equal(status->txs_n, 6);
    assert_true(has(status->txs[0].detail, "waits for the vote of a, b"));
    assert_true(has(status->txs[1].detail, "waits for its client"));
    assert_true(has(status->txs[2].detail, "waits for the acknowledgement of b"));
    assert_true(has(status->txs[3].detail, "END record"));
    assert_true(has(status->txs[4].detail, "COMMIT record"));
    assert_true(has(status->txs[5].detail, "waits for the introduction of d"));
    assert_true(has(status->peers[0].state, "up"));
    assert_true(has(status->peers[3].state, "not introduced"));
    assert_true(has(status->fields[0].text, "coordinator"));
    assert_true(has(status->fields[status->fields_n - 1].name, "aborted_check"));
}

static void status_of_every_kind(void **unused)
{
    (void)unused;
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST};
    struct tx_msg refusing = {.type = TX_MSG_WELCOME,
                              .welcome = {.incarnation = 5,
                                          .lsn = {100},
                                          .refusing = true,
                                          .number = d.hello_number[0],
                                          .starts = (struct tx_position[]){{5, d.life[0], {100}}},
                                          .starts_n = 1}};
    driver_participant(&d, 'a', &refusing);
    (void)submit(&d, "c", "");
    d.lsn[1] = 99;
    d.alive[3] = false;
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    d.lsn[1] = 1;
    driver_welcome(&d, 'b');
    struct coord_event event = {.type = COORD_EVENT_DISK, .on = true};
    driver_step(&d, &event);
    driver_pass(&d, 31 * SECOND_US);
    refusing.welcome.number = d.hello_number[0];
    driver_participant(&d, 'a', &refusing);
    driver_ignore(&d);
    driver_client(&d, CLIENT, &msg);
    const struct tx_msg_status *status = &driver_replied(&d, CLIENT, TX_MSG_STATUS)->status;
    assert_true(has(status->fields[1].text, "disk reserve reached"));
    assert_true(has(status->txs[0].detail, "asks for the outcome at c"));
    assert_true(has(status->peers[0].state, "refusing"));
    assert_true(has(status->peers[1].state, "quarantined"));
    assert_true(has(status->peers[3].state, "down"));
    event.type = COORD_EVENT_DRAIN;
    event.on = true;
    driver_step(&d, &event);
    driver_client(&d, CLIENT, &msg);
    status = &driver_replied(&d, CLIENT, TX_MSG_STATUS)->status;
    assert_true(has(status->fields[1].text, "draining"));
    inquire(&d, 'a', (struct tx_id){1, 9, 1});
    driver_client(&d, CLIENT, &msg);
    status = &driver_replied(&d, CLIENT, TX_MSG_STATUS)->status;
    assert_true(has(status->fields[1].text, "fenced"));
}

#define TEST(name) cmocka_unit_test_prestate_setup_teardown(name, driver_setup, driver_teardown, &d)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(error_unknown_participant_lists_the_known),
        TEST(error_members_that_cannot_be_prepared),
        TEST(error_no_operations_and_too_many),
        TEST(error_too_many_participants),
        TEST(error_open_limit_disk_reserve_and_drain),
        TEST(other_options__in_force),
        TEST(empty_commit__committed_without_a_record),
        TEST(repeated_requests_do_nothing_twice),
        TEST(key_with_other_operations__error),
        TEST(key_with_another_scan__error),
        TEST(key_of_an_aborted_transaction__replayed_while_retained),
        TEST(key_after_a_restart__the_outcome_without_results),
        TEST(waiters_are_bounded),
        TEST(token__checked_for_commit_and_abort_and_not_for_outcome),
        TEST(abort_request__before_and_after_the_decision),
        TEST(results_come_back_in_the_order_of_the_submit),
        TEST(results_are_bounded),
        TEST(wrong_count_of_results__refused),
        TEST(restarted_before_the_decision__results_are_lost),
        TEST(one_phase_endings),
        TEST(reader_with_a_key__committed_without_a_record),
        TEST(read_only_votes_that_cannot_be),
        TEST(reader_that_dropped_out_may_say_anything),
        TEST(votes_out_of_place),
        TEST(an_end_while_votes_are_collected_aborts_whatever_is_voted_then),
        TEST(damage_by_an_operator_is_an_alarm),
        TEST(damage_while_votes_are_collected_is_an_alarm_and_no_violation),
        TEST(status_says_what_waits_for_what),
        TEST(status_of_every_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
