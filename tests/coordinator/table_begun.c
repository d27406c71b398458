/* Before a transaction is to commit: none and active. */
#include "table.h"

#include <string.h>

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
    assert_int_equal(prepare->isolation, TX_SERIALIZABLE);
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare.ops_n, 1);
    driver_quiet(&d);
}

/* The operations and the level are the coordinator's own copies: PREPARE goes out again. */
static void none_submit_of_a_scan__collecting_at_its_level(void **unused)
{
    (void)unused;
    char from[] = "from", to[] = "to";
    struct tx_op ops[] = {op_scan("a", from, to, 7), op_put("b", "x", "1")};
    ops[0].reverse = true;
    submit_at(&d, TX_READ_COMMITTED, ops, 2, "");
    memset(from, '?', sizeof from - 1);
    memset(to, '?', sizeof to - 1);
    for (int copies = 0; copies < 2; copies++) {
        const struct tx_msg_prepare *prepare = &driver_sent(&d, 'a', TX_MSG_PREPARE)->prepare;
        assert_int_equal(prepare->isolation, TX_READ_COMMITTED);
        assert_int_equal(prepare->ops_n, 1);
        assert_int_equal(prepare->ops[0].type, TX_OP_SCAN);
        assert_true(tx_bytes_equal(prepare->ops[0].key, tx_bytes_str("from")));
        assert_true(tx_bytes_equal(prepare->ops[0].to, tx_bytes_str("to")));
        assert_int_equal(prepare->ops[0].limit, 7);
        assert_true(prepare->ops[0].reverse);
        prepare = &driver_sent(&d, 'b', TX_MSG_PREPARE)->prepare;
        assert_int_equal(prepare->isolation, TX_READ_COMMITTED);
        driver_quiet(&d);
        driver_pass(&d, 10 * SECOND_US);
    }
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

/* Nobody need wait for the idle limit: the new start itself may have nothing to say of it. */
static void active_joined_one_restarts__finished_aborted(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d), other = begin(&d);
    join(&d, 'a', id);
    join(&d, 'b', id);
    join(&d, 'b', other);
    driver_restart_node(&d, 'a');
    driver_welcome(&d, 'a');
    assert_state(&d, id, "finished-aborted");
    (void)driver_sent(&d, 'b', TX_MSG_ABORT);
    assert_state(&d, other, "active"); /* it has done nothing there */
    driver_quiet(&d);
    commit_request(&d, id, "ab");
    (void)assert_outcome(&d, id, TX_OUTCOME_ABORTED, TX_REASON_RESTARTED);
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

int table_begun(void)
{
    const struct CMUnitTest tests[] = {
        CELL(none_begin__active_begun),
        CELL(none_submit__collecting),
        CELL(none_submit_of_a_scan__collecting_at_its_level),
        CELL(none_submit_of_a_known_key__attached_or_its_outcome_again),
        CELL(active_join__remembered),
        CELL(active_joined_one_restarts__finished_aborted),
        CELL(active_commit_request__collecting),
        CELL(active_commit_request__collecting_with_what_is_known_of_each),
        CELL(active_commit_request_with_a_joined_one_unnamed__aborted),
        CELL(active_no__finished_aborted),
        CELL(active_no_without_a_reason__refused),
        CELL(active_abort_request__finished_aborted),
        CELL(active_idle_limit__finished_aborted),
    };
    return cmocka_run_group_tests_name("begun", tests, NULL, NULL);
}
