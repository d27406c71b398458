/* Interactive transactions against played daemons: what is sent, sent again, given up, and called
 * what. */
#include "tests/client/api_fixture.h"
#include "tests/common/pace.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

/* Waits for what only a peer's thread can tell. */
static void await(bool (*condition)(void))
{
    for (int i = 0; i < FAKE_PATIENCE_MS; i++) {
        fake_lock(&fake);
        bool holds = condition();
        fake_unlock(&fake);
        if (holds) {
            return;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    fail_msg("it did not come in time");
}

/* ---- interactive ---- */

static void test_commit_names_its_members(void **state)
{
    (void)state;
    txclient_value value;
    int64_t counter = 0;
    txclient_tx *tx = begin();
    expect(txclient_get(tx, at_a(), &value), TXCLIENT_OK);
    assert_true(value.found);
    assert_memory_equal(value.data, "42", 2);
    expect(txclient_add(tx, at_b(), 2, NULL, NULL, &counter), TXCLIENT_OK);
    assert_int_equal(counter, 42);
    expect(txclient_put(tx, at_b(), txclient_str("x")), TXCLIENT_OK);
    assert_string_equal(txclient_tx_reference(tx), "1-7-1@a,b");
    expect(txclient_commit(tx), TXCLIENT_OK);
    assert_string_equal(detail()->reference, "1-7-1@a,b");
    fake_lock(&fake);
    assert_int_equal(fake.finish.members_n, 2);
    assert_string_equal(fake.members[0].name.s, "a");
    assert_true(fake.members[0].read_only);
    assert_false(fake.members[1].read_only);
    assert_int_equal(fake.members[1].incarnation, 5);
    assert_int_equal(fake.operates, 3);
    assert_int_equal(fake.steps[0], 1);
    assert_int_equal(fake.steps[2], 2);
    fake_unlock(&fake);
    /* Values live until the transaction is closed. */
    assert_memory_equal(value.data, "42", 2);
    expect(txclient_put(tx, at_a(), txclient_str("x")), TXCLIENT_ESTATE);
    expect(txclient_commit(tx), TXCLIENT_ESTATE);
    expect(txclient_abort(tx), TXCLIENT_ESTATE);
    txclient_tx_close(&tx);
    assert_null(tx);
    txclient_tx_close(&tx);
}

static bool one_ack(void)
{
    return fake.acks == 1;
}

static void test_an_outcome_is_acknowledged_with_the_next_frame(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    expect(txclient_commit(tx), TXCLIENT_OK);
    unsigned frames = peer_frames(fake.coordinator);
    txclient_tx *next = begin();
    assert_int_equal(peer_frames(fake.coordinator), frames + 1);
    await(one_ack); /* BEGUN may leave before the rest of its frame is read */
    fake_lock(&fake);
    uint64_t acked = fake.acked[0].seq;
    fake_unlock(&fake);
    assert_int_equal(acked, 1);
    txclient_tx_close(&next);
    txclient_tx_close(&tx);
}

static bool two_acks(void)
{
    return fake.acks == 2;
}

static void test_close_acknowledges_what_is_left(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    tx = begin();
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    txclient_close(&fake.client);
    await(two_acks);
}

static void test_a_lost_operate_is_sent_again_with_its_step(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    fake_lock(&fake);
    fake.ignore[TX_MSG_OPERATE] = 2;
    fake_unlock(&fake);
    expect(txclient_put(tx, at_a(), txclient_str("x")), TXCLIENT_OK);
    fake_lock(&fake);
    assert_true(fake.operates >= 3);
    for (unsigned i = 0; i < fake.operates; i++) {
        assert_int_equal(fake.steps[i], 1);
    }
    fake_unlock(&fake);
    txclient_tx_close(&tx);
}

static void test_an_operate_without_an_answer_aborts(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    expect(txclient_put(tx, at_b(), txclient_str("x")), TXCLIENT_OK);
    fake_lock(&fake);
    fake.ignore[TX_MSG_OPERATE] = 1000;
    fake_unlock(&fake);
    expect(txclient_put(tx, at_a(), txclient_str("x")), TXCLIENT_ABORTED);
    assert_int_equal(detail()->reason, TXCLIENT_REASON_TIMEOUT);
    assert_string_equal(detail()->participant, "a");
    assert_true(peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST) >= 1);
    fake_lock(&fake);
    /* The one that did not answer may hold locks all the same. */
    assert_int_equal(fake.finish.members_n, 2);
    fake_unlock(&fake);
    expect(txclient_put(tx, at_b(), txclient_str("x")), TXCLIENT_ABORTED);
    assert_int_equal(detail()->reason, TXCLIENT_REASON_TIMEOUT);
    expect(txclient_commit(tx), TXCLIENT_ABORTED);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_COMMIT_REQUEST), 0);
    txclient_tx_close(&tx);
}

static void test_a_restarted_participant_aborts(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    expect(txclient_put(tx, at_a(), txclient_str("x")), TXCLIENT_OK);
    fake_lock(&fake);
    fake.incarnation = 6;
    fake_unlock(&fake);
    expect(txclient_get(tx, at_a(), NULL), TXCLIENT_ABORTED);
    assert_int_equal(detail()->reason, TXCLIENT_REASON_RESTARTED);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST), 1);
    expect(txclient_commit(tx), TXCLIENT_ABORTED);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_COMMIT_REQUEST), 0);
    txclient_tx_close(&tx);
}

static void test_undone_at_the_participant(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    fake_lock(&fake);
    fake.abort_operates = 1;
    fake.abort_reason = TX_REASON_FLOOR;
    fake_unlock(&fake);
    expect(txclient_add(tx, at_a(), -5, &(int64_t){0}, NULL, NULL), TXCLIENT_ABORTED);
    assert_int_equal(detail()->reason, TXCLIENT_REASON_FLOOR);
    assert_non_null(strstr(detail()->text, "the test undid it"));
    expect(txclient_abort(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

/* What has restarted may not have been heard by the coordinator, and others may hold locks. */
static void test_undone_by_a_restart_is_told(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    expect(txclient_put(tx, at_b(), txclient_str("x")), TXCLIENT_OK);
    fake_lock(&fake);
    fake.abort_operates = 1;
    fake.abort_reason = TX_REASON_RESTARTED;
    fake_unlock(&fake);
    expect(txclient_put(tx, at_a(), txclient_str("x")), TXCLIENT_ABORTED);
    assert_int_equal(detail()->reason, TXCLIENT_REASON_RESTARTED);
    assert_non_null(strstr(detail()->text, "the test undid it"));
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST), 1);
    expect(txclient_commit(tx), TXCLIENT_ABORTED);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST), 1);
    txclient_tx_close(&tx);
}

static void test_a_refused_operation_aborts(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    fake_lock(&fake);
    fake.refuse[TX_MSG_OPERATE] = 1;
    fake.refusal = TX_EUNKNOWN;
    fake.refusal_reason = TX_REASON_NONE;
    fake_unlock(&fake);
    expect(txclient_put(tx, at_a(), txclient_str("x")), TXCLIENT_ABORTED);
    assert_int_equal(detail()->reason, TXCLIENT_REASON_RESTARTED);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST), 1);
    txclient_tx_close(&tx);
}

static void test_wrong_answers_abort(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    fake_lock(&fake);
    fake.wrong_results = true;
    fake_unlock(&fake);
    expect(txclient_put(tx, at_a(), txclient_str("x")), TXCLIENT_ABORTED);
    txclient_tx_close(&tx);
}

static void test_arguments_that_cannot_work_change_nothing(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    txclient_batch *batch = txclient_batch_new();
    expect(txclient_put(tx, txclient_at("c", "s", "k"), txclient_str("x")), TXCLIENT_EINVAL);
    assert_non_null(strstr(detail()->text, "\"c\""));
    expect(txclient_put(tx, txclient_at("a", "", "k"), txclient_str("x")), TXCLIENT_EINVAL);
    expect(txclient_put(tx, txclient_at("a/b", "s", "k"), txclient_str("x")), TXCLIENT_EINVAL);
    expect(txclient_put(tx, at_a(), txclient_data(NULL, 3)), TXCLIENT_EINVAL);
    expect(txclient_lock(tx, at_a(), TXCLIENT_LOCK_IS), TXCLIENT_EINVAL);
    expect(txclient_lock(tx, at_a(), (txclient_lock_mode)77), TXCLIENT_EINVAL);
    expect(txclient_execute(tx, batch, NULL), TXCLIENT_EINVAL);
    (void)txclient_batch_get(batch, at_a());
    (void)txclient_batch_get(batch, at_b());
    expect(txclient_execute(tx, batch, NULL), TXCLIENT_EINVAL);
    assert_non_null(strstr(detail()->text, "two participants, a and b"));
    assert_int_equal(peer_seen(fake.a, TX_MSG_OPERATE), 0);
    expect(txclient_lock(tx, at_a(), TXCLIENT_LOCK_X), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_batch_free(&batch);
    txclient_tx_close(&tx);
}

static void test_what_is_too_large_for_a_frame_changes_nothing(void **state)
{
    (void)state;
    static char value[TXCLIENT_VALUE_MAX];
    txclient_tx *tx = begin();
    txclient_batch *batch = txclient_batch_new();
    for (int i = 0; i < 3; i++) {
        (void)txclient_batch_put(batch, at_a(), txclient_data(value, sizeof value));
    }
    expect(txclient_execute(tx, batch, NULL), TXCLIENT_ELIMIT);
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_ELIMIT);
    expect(txclient_put(tx, at_a(), txclient_str("x")), TXCLIENT_OK);
    fake_lock(&fake);
    assert_int_equal(fake.steps[0], 1);
    fake_unlock(&fake);
    txclient_batch_free(&batch);
    txclient_tx_close(&tx);
}

static void test_several_operations_in_one_step(void **state)
{
    (void)state;
    txclient_value values[3];
    txclient_tx *tx = begin();
    txclient_batch *batch = txclient_batch_new();
    (void)txclient_batch_get(batch, at_a());
    (void)txclient_batch_check_absent(batch, at_a());
    (void)txclient_batch_delete(batch, at_a());
    expect(txclient_execute(tx, batch, values), TXCLIENT_OK);
    assert_int_equal(values[2].len, 2);
    assert_int_equal(peer_seen(fake.a, TX_MSG_OPERATE), 1);
    txclient_batch_free(&batch);
    txclient_tx_close(&tx);
}

/* ---- the end of a transaction ---- */

static void test_a_lost_commit_is_sent_again_as_it_was(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    fake_lock(&fake);
    fake.ignore[TX_MSG_COMMIT_REQUEST] = 2;
    fake_unlock(&fake);
    expect(txclient_commit(tx), TXCLIENT_OK);
    assert_true(peer_seen(fake.coordinator, TX_MSG_COMMIT_REQUEST) >= 3);
    fake_lock(&fake);
    assert_false(fake.commit_req_moved);
    fake_unlock(&fake);
    txclient_tx_close(&tx);
}

static void test_an_unanswered_commit_is_asked_for(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    fake_lock(&fake);
    fake.ignore[TX_MSG_COMMIT_REQUEST] = 1000;
    fake.asked_outcome = TX_OUTCOME_COMMITTED;
    fake_unlock(&fake);
    expect(txclient_commit(tx), TXCLIENT_OK);
    assert_true(peer_seen(fake.coordinator, TX_MSG_OUTCOME_REQUEST) >= 1);
    txclient_tx_close(&tx);
}

static void test_unknown_stays_unknown_until_found_out(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    expect(txclient_put(tx, at_a(), txclient_str("x")), TXCLIENT_OK);
    fake_lock(&fake);
    fake.ignore[TX_MSG_COMMIT_REQUEST] = 1000;
    fake.ignore[TX_MSG_OUTCOME_REQUEST] = 1000;
    fake_unlock(&fake);
    expect(txclient_commit(tx), TXCLIENT_UNKNOWN);
    assert_string_equal(detail()->reference, "1-7-1@a");
    expect(txclient_commit(tx), TXCLIENT_ESTATE);
    expect(txclient_abort(tx), TXCLIENT_ESTATE);
    fake_lock(&fake);
    fake.ignore[TX_MSG_OUTCOME_REQUEST] = 0;
    fake_unlock(&fake);
    expect(txclient_outcome(client, txclient_tx_reference(tx), 0), TXCLIENT_UNKNOWN);
    fake_lock(&fake);
    fake.asked_outcome = TX_OUTCOME_ABORTED;
    fake.abort_reason = TX_REASON_PRESUMED;
    fake_unlock(&fake);
    expect(txclient_outcome(client, txclient_tx_reference(tx), 0), TXCLIENT_ABORTED);
    assert_int_equal(detail()->reason, TXCLIENT_REASON_PRESUMED);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST), 0);
    txclient_tx_close(&tx);
}

static void test_an_outcome_that_nobody_can_tell_is_unknown(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    fake_lock(&fake);
    fake.commit_outcome = TX_OUTCOME_UNKNOWN;
    fake_unlock(&fake);
    expect(txclient_commit(tx), TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
}

static void test_an_aborted_commit_has_its_reason(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    fake_lock(&fake);
    fake.commit_outcome = TX_OUTCOME_ABORTED;
    fake_unlock(&fake);
    expect(txclient_commit(tx), TXCLIENT_ABORTED);
    assert_int_equal(detail()->reason, TXCLIENT_REASON_WOUNDED);
    assert_true(txclient_reason_transient(detail()->reason));
    txclient_tx_close(&tx);
}

static void test_a_refused_commit_is_settled_by_an_abort(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    fake_lock(&fake);
    fake.refuse[TX_MSG_COMMIT_REQUEST] = 1;
    fake.refusal_reason = TX_REASON_DRAINING;
    fake_unlock(&fake);
    expect(txclient_commit(tx), TXCLIENT_ABORTED);
    assert_int_equal(detail()->reason, TXCLIENT_REASON_DRAINING);
    txclient_tx_close(&tx);
    /* The answer to the abort is the truth, whatever was refused before. */
    tx = begin();
    fake_lock(&fake);
    fake.refuse[TX_MSG_COMMIT_REQUEST] = 1;
    fake.abort_outcome = TX_OUTCOME_COMMITTED;
    fake_unlock(&fake);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    tx = begin();
    fake_lock(&fake);
    fake.refuse[TX_MSG_COMMIT_REQUEST] = 1;
    fake.ignore[TX_MSG_ABORT_REQUEST] = 1000;
    fake_unlock(&fake);
    expect(txclient_commit(tx), TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
}

static void test_an_abort_is_certain_without_an_answer(void **state)
{
    (void)state;
    txclient_tx *tx = begin();
    fake_lock(&fake);
    fake.ignore[TX_MSG_ABORT_REQUEST] = 1000;
    fake_unlock(&fake);
    expect(txclient_abort(tx), TXCLIENT_OK);
    expect(txclient_abort(tx), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_ESTATE);
    expect(txclient_get(tx, at_a(), NULL), TXCLIENT_ESTATE);
    txclient_tx_close(&tx);
}

static bool two_aborts(void)
{
    return peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST) == 2;
}

static void test_closing_aborts_what_is_open(void **state)
{
    (void)state;
    txclient_tx *closed = begin();
    txclient_tx *left = begin();
    txclient_tx_close(&closed);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST), 1);
    txclient_close(&fake.client);
    await(two_aborts); /* a farewell waits for a second at most */
    assert_int_equal(txclient_get(left, at_a(), NULL), TXCLIENT_ESTATE);
    assert_int_equal(txclient_commit(left), TXCLIENT_ESTATE);
    assert_int_equal(txclient_abort(left), TXCLIENT_ESTATE);
    assert_string_equal(txclient_tx_reference(left), "1-7-2");
    txclient_tx_close(&left);
}

static void test_outcome_asks_again_until_it_is_definite(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.ignore[TX_MSG_OUTCOME_REQUEST] = 12; /* more than one request's copies */
    fake.asked_outcome = TX_OUTCOME_COMMITTED;
    fake_unlock(&fake);
    expect(txclient_outcome(client, "1-7-1@a,b", pace_ms(10000)), TXCLIENT_OK);
    fake_lock(&fake);
    assert_int_equal(fake.finish.members_n, 2);
    assert_string_equal(fake.members[1].name.s, "b");
    fake_unlock(&fake);
    expect(txclient_outcome(client, "what", 0), TXCLIENT_EINVAL);
    /* The detail's own text may be the question. */
    expect(txclient_outcome(client, "1-7-1@a,b", 0), TXCLIENT_OK);
    expect(txclient_outcome(client, detail()->reference, 0), TXCLIENT_OK);
    assert_string_equal(detail()->reference, "1-7-1@a,b");
}

static void test_an_outcome_without_an_answer_is_unknown(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.ignore[TX_MSG_OUTCOME_REQUEST] = 1000;
    fake_unlock(&fake);
    expect(txclient_outcome(client, "1-7-1", 0), TXCLIENT_UNKNOWN);
    assert_int_equal(detail()->status, TXCLIENT_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_commit_names_its_members),
        TEST(test_an_outcome_is_acknowledged_with_the_next_frame),
        TEST(test_close_acknowledges_what_is_left),
        TEST_LOSSY(test_a_lost_operate_is_sent_again_with_its_step),
        TEST_LOSSY(test_an_operate_without_an_answer_aborts),
        TEST(test_a_restarted_participant_aborts),
        TEST(test_undone_at_the_participant),
        TEST(test_undone_by_a_restart_is_told),
        TEST(test_a_refused_operation_aborts),
        TEST(test_wrong_answers_abort),
        TEST(test_arguments_that_cannot_work_change_nothing),
        TEST(test_what_is_too_large_for_a_frame_changes_nothing),
        TEST(test_several_operations_in_one_step),
        TEST_LOSSY(test_a_lost_commit_is_sent_again_as_it_was),
        TEST_LOSSY(test_an_unanswered_commit_is_asked_for),
        TEST_LOSSY(test_unknown_stays_unknown_until_found_out),
        TEST(test_an_outcome_that_nobody_can_tell_is_unknown),
        TEST(test_an_aborted_commit_has_its_reason),
        TEST_LOSSY(test_a_refused_commit_is_settled_by_an_abort),
        TEST_LOSSY(test_an_abort_is_certain_without_an_answer),
        TEST(test_closing_aborts_what_is_open),
        TEST_LOSSY(test_outcome_asks_again_until_it_is_definite),
        TEST_LOSSY(test_an_outcome_without_an_answer_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
