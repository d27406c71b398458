/* OPERATE: the steps of interactive transactions, their locks, and why they are undone. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

static const struct tx_msg_operated *operated(const struct driver *d)
{
    return &driver_last(d, TX_MSG_OPERATED)->operated;
}

static bool has_text(struct tx_bytes text, const char *part)
{
    return text.len > 0 && memmem(text.data, text.len, part, strlen(part)) != NULL;
}

static void operate_as(struct driver *d, struct tx_id id, uint64_t client, uint32_t step,
                       uint8_t token, uint32_t lock_timeout_ms, const struct tx_op *op)
{
    struct tx_msg msg = {.type = TX_MSG_OPERATE,
                         .operate = {.req = 50 + client,
                                     .id = id,
                                     .age = {d->age + id.seq, 1},
                                     .step = step,
                                     .lock_timeout_ms = lock_timeout_ms,
                                     .ops = op,
                                     .ops_n = op != NULL}};
    msg.operate.token.bytes[0] = token;
    driver_from_client(d, client, &msg);
}

static void test_first_step_joins(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_do(d, 1, 1, TX_OP_PUT, "x", "1");
    assert_true(tx_id_equal(driver_last(d, TX_MSG_JOIN)->id.id, driver_id(d, 1)));
    expect_operated(d, TX_REASON_NONE);
    assert_true(operated(d)->wrote);
    assert_int_equal(operated(d)->req, 101);
    assert_int_equal(operated(d)->step, 1);
    assert_int_equal(operated(d)->incarnation, 1);
    assert_int_equal(operated(d)->results_n, 1);
    driver_clear(d);
    driver_do(d, 1, 2, TX_OP_PUT, "y", "1");
    assert_int_equal(driver_count(d, TX_MSG_JOIN), 0);
    driver_free(d);
}

static void test_results(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_committed(d, 1);
    struct tx_op ops[3] = {driver_op(TX_OP_GET, "k1", ""), driver_op(TX_OP_LOCK, "l", ""),
                           driver_op(TX_OP_GET, "none", "")};
    driver_operate(d, driver_id(d, 2), 1, ops, 3);
    assert_int_equal(operated(d)->results_n, 3);
    assert_false(operated(d)->wrote);
    assert_true(operated(d)->results[0].found);
    assert_true(tx_bytes_equal(operated(d)->results[0].value, tx_bytes_str("v1")));
    assert_false(operated(d)->results[1].found);
    assert_false(operated(d)->results[2].found);
    driver_operate(d, driver_id(d, 3), 1, NULL, 0); /* an empty step is a step */
    assert_int_equal(operated(d)->results_n, 0);
    driver_free(d);
}

/* Each operation takes the lock that it needs: another transaction's second lock waits, or does
 * not. */
static void check_mode(enum tx_op_type mine, enum tx_op_type other, bool waits)
{
    struct driver *d = driver_new(NULL);
    driver_do(d, 1, 1, mine, "x", "1");
    driver_do(d, 2, 1, other, "x", "1");
    assert_int_equal(driver_stats(d).locks_waiting, waits);
    driver_free(d);
}

static void test_lock_modes(void **unused)
{
    (void)unused;
    check_mode(TX_OP_GET, TX_OP_GET, false);
    check_mode(TX_OP_GET, TX_OP_PUT, true);
    check_mode(TX_OP_GET, TX_OP_GET_FOR_UPDATE, false);
    check_mode(TX_OP_GET_FOR_UPDATE, TX_OP_GET_FOR_UPDATE, true);
    check_mode(TX_OP_PUT, TX_OP_GET, true);
    check_mode(TX_OP_INSERT, TX_OP_GET, true);
    check_mode(TX_OP_DELETE, TX_OP_GET, true);
    check_mode(TX_OP_ADD, TX_OP_CHECK, true);
    check_mode(TX_OP_LOCK, TX_OP_GET, true);
}

static void test_repeated_step(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_committed(d, 1);
    driver_do(d, 2, 1, TX_OP_GET, "k1", "");
    driver_clear(d);
    d->rm_slow = true; /* another execution would show */
    driver_do(d, 2, 1, TX_OP_GET, "k1", "");
    assert_true(tx_bytes_equal(operated(d)->results[0].value, tx_bytes_str("v1")));
    assert_int_equal(d->calls_n, 0);
    driver_do(d, 2, 2, TX_OP_GET, "k1", "");
    driver_clear(d);
    driver_do(d, 2, 2, TX_OP_GET, "k1", ""); /* still running: one answer */
    expect_silence(d);
    driver_rm_answer(d);
    assert_int_equal(driver_count(d, TX_MSG_OPERATED), 1);
    driver_clear(d);
    driver_do(d, 2, 1, TX_OP_GET, "k1", ""); /* older than the last */
    expect_silence(d);
    driver_free(d);
}

static void test_skipped_step(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id id = driver_make_working(d, 1);
    driver_do(d, 1, 3, TX_OP_GET, "x", "");
    expect_operated(d, TX_REASON_REFUSED);
    assert_int_equal(operated(d)->req, 103);
    assert_true(has_text(operated(d)->text, "step 3 came after step 1"));
    expect_no(d, id, TX_REASON_REFUSED);
    expect_state(d, id, "tombstone");
    driver_clear(d);
    driver_do(d, 1, 2, TX_OP_GET, "x", ""); /* the same reason again */
    expect_operated(d, TX_REASON_REFUSED);
    driver_free(d);
}

/* Both who wait hear of it. */
static void test_skipped_step_of_a_running_one(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    d->rm_slow = true;
    driver_do(d, 1, 1, TX_OP_PUT, "x", "1");
    driver_do(d, 1, 3, TX_OP_PUT, "x", "1");
    assert_int_equal(driver_count(d, TX_MSG_OPERATED), 2);
    expect_state(d, driver_id(d, 1), "undoing");
    driver_clear(d);
    driver_do(d, 1, 1, TX_OP_PUT, "x", "1");
    expect_operated(d, TX_REASON_REFUSED);
    assert_int_equal(driver_stats(d).locks_held, 3); /* the store is still at it */
    driver_rm_answer(d);
    assert_int_equal(driver_stats(d).locks_held, 0);
    assert_int_equal(d->rollbacks, 1);
    driver_free(d);
}

static void test_step_without_a_first(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_do(d, 1, 2, TX_OP_GET, "x", "");
    expect_operated(d, TX_REASON_RESTARTED);
    expect_no(d, driver_id(d, 1), TX_REASON_RESTARTED);
    driver_clear(d);
    driver_do(d, 1, 1, TX_OP_GET, "x", "");
    expect_operated(d, TX_REASON_RESTARTED);
    driver_free(d);
}

static void test_overlapping_step(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    d->rm_slow = true;
    driver_do(d, 1, 1, TX_OP_PUT, "x", "1");
    driver_do(d, 1, 2, TX_OP_PUT, "y", "1");
    expect_error(d, TX_ESTATE, TX_REASON_NONE);
    expect_state(d, driver_id(d, 1), "working");
    driver_rm_answer(d);
    expect_operated(d, TX_REASON_NONE);
    driver_free(d);
}

static void test_wrong_token(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "2");
    operate_as(d, driver_id(d, 1), 1, 1, 1, 0, &op);
    operate_as(d, driver_id(d, 1), 2, 2, 9, 0, &op);
    expect_error(d, TX_ETOKEN, TX_REASON_NONE);
    assert_int_equal(driver_stats(d).violations, 1);
    operate_as(d, driver_id(d, 1), 1, 2, 1, 0, &op); /* unharmed */
    expect_operated(d, TX_REASON_NONE);
    driver_free(d);
}

/* Two clients that know the token: whoever asks last for a step is answered. */
static void test_two_clients(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "2");
    d->rm_slow = true;
    operate_as(d, driver_id(d, 1), 1, 1, 1, 0, &op);
    operate_as(d, driver_id(d, 1), 2, 1, 1, 0, &op);
    driver_rm_answer(d);
    assert_int_equal(driver_count(d, TX_MSG_OPERATED), 1);
    assert_int_equal(driver_last_to(d, TX_MSG_OPERATED)->client, 2);
    assert_int_equal(operated(d)->req, 52);
    operate_as(d, driver_id(d, 1), 1, 1, 1, 0, &op);
    assert_int_equal(driver_last_to(d, TX_MSG_OPERATED)->client, 1);
    assert_int_equal(d->calls_n, 0);
    driver_free(d);
}

/* A token cannot be tried out on a one-shot. */
static void test_operate_on_one_shot(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "x", "2");
    d->rm_slow = true;
    driver_prepare(d, driver_id(d, 1), DRIVER_ONE_SHOT, &op, 1);
    driver_do(d, 1, 1, TX_OP_PUT, "x", "1");
    expect_error(d, TX_ETOKEN, TX_REASON_NONE);
    driver_free(d);
}

static void test_operate_after_the_end(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_preparing(d, 1);
    driver_do(d, 1, 2, TX_OP_PUT, "x", "1");
    expect_error(d, TX_ESTATE, TX_REASON_NONE);
    driver_sync(d);
    driver_do(d, 1, 2, TX_OP_PUT, "x", "1");
    assert_true(has_text(driver_last(d, TX_MSG_ERROR)->error.text, "prepared"));
    driver_make_committed(d, 2);
    driver_do(d, 2, 2, TX_OP_PUT, "x", "1");
    assert_true(has_text(driver_last(d, TX_MSG_ERROR)->error.text, "committed"));
    driver_make_heuristic(d, 3, true);
    driver_do(d, 3, 2, TX_OP_PUT, "x", "1");
    assert_true(has_text(driver_last(d, TX_MSG_ERROR)->error.text, "heuristic"));
    driver_forget(d, 1, 3, NULL, 0);
    driver_do(d, 2, 2, TX_OP_PUT, "x", "1");
    assert_true(has_text(driver_last(d, TX_MSG_ERROR)->error.text, "finished"));
    driver_do(d, 4, 1, TX_OP_GET, "x", "1");
    driver_prepare(d, driver_id(d, 4), DRIVER_READ_ONLY, NULL, 0);
    driver_do(d, 4, 2, TX_OP_GET, "x", "1");
    assert_true(has_text(driver_last(d, TX_MSG_ERROR)->error.text, "finished"));
    driver_free(d);
}

static void test_malformed_operate(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_PUT, "", "2");
    operate_as(d, driver_id(d, 1), 1, 1, 1, 0, &op);
    expect_error(d, TX_EINVAL, TX_REASON_NONE);
    op.key = tx_bytes_str("x");
    operate_as(d, driver_id(d, 1), 1, 0, 1, 0, &op);
    expect_error(d, TX_EINVAL, TX_REASON_NONE);
    operate_as(d, (struct tx_id){0}, 1, 1, 1, 0, &op);
    expect_error(d, TX_EINVAL, TX_REASON_NONE);
    assert_int_equal(driver_stats(d).violations, 3);
    assert_int_equal(driver_stats(d).begun, 0);
    driver_free(d);
}

/* ---- undone on its own ---- */

static void test_wounded(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_do(d, 5, 1, TX_OP_PUT, "x", "young");
    driver_clear(d);
    driver_do(d, 2, 1, TX_OP_PUT, "x", "old");
    expect_no(d, driver_id(d, 5), TX_REASON_WOUNDED);
    assert_true(has_text(driver_last(d, TX_MSG_VOTE)->vote.text,
                         "the older transaction 1-1-2 needs the lock on s/x"));
    expect_operated(d, TX_REASON_NONE); /* the older one goes on in the same step */
    assert_int_equal(driver_count(d, TX_MSG_OPERATED), 1);
    expect_state(d, driver_id(d, 5), "tombstone");
    assert_int_equal(driver_stats(d).aborted_by[TX_REASON_WOUNDED], 1);
    driver_clear(d);
    driver_do(d, 5, 2, TX_OP_PUT, "y", ""); /* its client learns when it comes back */
    expect_operated(d, TX_REASON_WOUNDED);
    driver_free(d);
}

/* The wounded one is in the middle of a call: its locks last until the call has ended. */
static void test_wounded_in_a_call(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id young = driver_id(d, 5);
    d->rm_slow = true;
    driver_do(d, 5, 1, TX_OP_PUT, "x", "young");
    driver_do(d, 2, 1, TX_OP_PUT, "x", "old");
    expect_operated(d, TX_REASON_WOUNDED); /* told at once */
    expect_no(d, young, TX_REASON_WOUNDED);
    expect_state(d, young, "undoing");
    assert_int_equal(driver_stats(d).locks_waiting, 1);
    driver_clear(d);
    driver_prepare(d, young, 0, NULL, 0);
    expect_no(d, young, TX_REASON_WOUNDED);
    driver_inquire(d, young);
    expect_answer(d, young, TX_STATE_NO);
    driver_abort(d, young);
    driver_commit(d, young);
    expect_alarms(d, 1);
    driver_forget(d, 1, 1, NULL, 0);
    driver_rm_answer(d);
    expect_state(d, young, "tombstone");
    assert_int_equal(d->rollbacks, 1);
    assert_int_equal(d->calls_n, 1); /* the older one has its lock */
    driver_free(d);
}

static void test_waiting_one_is_wounded(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_do(d, 1, 1, TX_OP_PUT, "x", "1");
    driver_do(d, 5, 1, TX_OP_PUT, "y", "1");
    driver_clear(d);
    driver_do(d, 5, 2, TX_OP_PUT, "x", "1"); /* waits for 1 */
    expect_silence(d);
    driver_do(d, 2, 1, TX_OP_PUT, "y", "1"); /* wounds 5 */
    expect_state(d, driver_id(d, 5), "tombstone");
    expect_state(d, driver_id(d, 2), "working");
    assert_int_equal(driver_count(d, TX_MSG_OPERATED), 2);
    assert_int_equal(driver_stats(d).locks_waiting, 0);
    driver_free(d);
}

static void test_prepared_is_not_wounded(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_id young = driver_make_prepared(d, 5);
    driver_do(d, 2, 1, TX_OP_PUT, "k5", "old");
    expect_state(d, young, "prepared");
    assert_int_equal(driver_stats(d).locks_waiting, 1);
    driver_abort(d, young);
    expect_operated(d, TX_REASON_NONE);
    driver_free(d);
}

static void test_lock_timeout(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    struct tx_op op = driver_op(TX_OP_GET, "x", "");
    driver_do(d, 1, 1, TX_OP_PUT, "x", "1");
    operate_as(d, driver_id(d, 2), 1, 1, 1, 700, &op);
    driver_do(d, 3, 1, TX_OP_GET, "x", ""); /* the default: 5 s */
    driver_clear(d);
    driver_advance(d, 700000);
    expect_operated(d, TX_REASON_LOCK_TIMEOUT);
    assert_true(has_text(operated(d)->text, "no s lock on s/x within 700 ms"));
    expect_no(d, driver_id(d, 2), TX_REASON_LOCK_TIMEOUT);
    expect_state(d, driver_id(d, 3), "working");
    driver_advance(d, 4400000);
    expect_state(d, driver_id(d, 3), "tombstone");
    driver_free(d);
}

static void test_failed_operation(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_do(d, 1, 1, TX_OP_PUT, "x", "1");
    driver_do(d, 1, 2, TX_OP_CHECK, "x", "2");
    expect_operated(d, TX_REASON_CHECK);
    expect_no(d, driver_id(d, 1), TX_REASON_CHECK);
    assert_int_equal(d->rollbacks, 0);         /* the store has undone it itself */
    driver_do(d, 2, 1, TX_OP_PUT, "bad", "1"); /* no reason given */
    expect_operated(d, TX_REASON_REFUSED);
    d->rm_slow = true;
    driver_do(d, 3, 1, TX_OP_PUT, "x", "1");
    driver_rm_answer_with(d, PART_RM_RETRY, TX_REASON_NONE);
    expect_operated(d, TX_REASON_BUSY);
    assert_int_equal(driver_stats(d).locks_held, 0);
    driver_free(d);
}

static void test_failed_while_undoing(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    d->rm_slow = true;
    driver_do(d, 1, 1, TX_OP_PUT, "x", "1");
    driver_abort(d, driver_id(d, 1));
    expect_operated(d, TX_REASON_CLIENT);
    assert_int_equal(driver_count(d, TX_MSG_VOTE), 0);
    driver_rm_answer_with(d, PART_RM_ROLLED_BACK, TX_REASON_FLOOR);
    expect_state(d, driver_id(d, 1), "tombstone");
    assert_int_equal(d->rollbacks, 0);
    driver_free(d);
}

static void test_idle(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    driver_make_working(d, 1);
    driver_advance(d, 9000000);
    driver_do(d, 1, 1, TX_OP_PUT, "k1", "v1"); /* a repeated word is a word */
    driver_advance(d, 9000000);
    expect_state(d, driver_id(d, 1), "working");
    driver_clear(d);
    driver_advance(d, 1000000);
    expect_no(d, driver_id(d, 1), TX_REASON_IDLE);
    assert_int_equal(driver_count(d, TX_MSG_OPERATED), 0);
    assert_int_equal(part_core_deadline(d->core), UINT64_MAX);
    driver_free(d);
}

/* Many timers: each goes off at its time, whatever was removed from between them. */
static void test_many_timers(void **unused)
{
    (void)unused;
    struct driver *d = driver_new(NULL);
    for (uint64_t seq = 1; seq <= 90; seq++) {
        driver_make_working(d, seq);
        driver_advance(d, 1000);
    }
    for (uint64_t seq = 1; seq <= 90; seq += 3)
        driver_abort(d, driver_id(d, seq));
    driver_advance(d, 10000000 - 91000);
    for (uint64_t seq = 1; seq <= 90; seq++) {
        struct part_stats before = driver_stats(d);
        driver_advance(d, 1000);
        bool was_there = seq % 3 != 1;
        assert_int_equal(driver_stats(d).working, before.working - was_there);
        expect_state(d, driver_id(d, seq), "tombstone");
    }
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_step_joins),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_lock_modes),
        cmocka_unit_test(test_repeated_step),
        cmocka_unit_test(test_skipped_step),
        cmocka_unit_test(test_skipped_step_of_a_running_one),
        cmocka_unit_test(test_step_without_a_first),
        cmocka_unit_test(test_overlapping_step),
        cmocka_unit_test(test_wrong_token),
        cmocka_unit_test(test_two_clients),
        cmocka_unit_test(test_operate_on_one_shot),
        cmocka_unit_test(test_operate_after_the_end),
        cmocka_unit_test(test_malformed_operate),
        cmocka_unit_test(test_wounded),
        cmocka_unit_test(test_wounded_in_a_call),
        cmocka_unit_test(test_waiting_one_is_wounded),
        cmocka_unit_test(test_prepared_is_not_wounded),
        cmocka_unit_test(test_lock_timeout),
        cmocka_unit_test(test_failed_operation),
        cmocka_unit_test(test_failed_while_undoing),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_many_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
