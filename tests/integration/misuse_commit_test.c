/* Requests to the coordinator that break the rules of the protocol, from a client with a bare
 * socket: every one gets the answer that docs/protocol.md has for it, and nothing else changes. */
#include "tests/integration/raw_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WAIT_MS 60000

/* A transaction with one add at participant a. */
static struct tx begun_and_added(long before)
{
    struct tx tx = begin();

    expect_operated(add_one(a, &tx, 1), 1, number(before + 1));
    return tx;
}

static void expect_commits(const struct tx *tx, size_t members)
{
    expect_outcome(finish(TX_MSG_COMMIT_REQUEST, tx, members), TX_OUTCOME_COMMITTED,
                   TX_REASON_NONE);
}

/* ---- COMMIT_REQUEST and ABORT_REQUEST ---- */

static void test_wrong_token(void **state)
{
    long before = counter();
    struct tx tx = begun_and_added(before), thief = tx;

    (void)state;
    thief.token.bytes[0] ^= 0x80;
    expect_error(finish(TX_MSG_COMMIT_REQUEST, &thief, 1), TX_ETOKEN, TX_REASON_NONE,
                 "this is not the token of transaction 1-");
    expect_error(finish(TX_MSG_ABORT_REQUEST, &thief, 1), TX_ETOKEN, TX_REASON_NONE,
                 "this is not the token of transaction 1-");
    expect_commits(&tx, 1);
    /* Nor afterwards; but to ask takes no token. */
    expect_error(finish(TX_MSG_ABORT_REQUEST, &thief, 1), TX_ETOKEN, TX_REASON_NONE,
                 "this is not the token of transaction 1-");
    expect_outcome(finish(TX_MSG_OUTCOME_REQUEST, &thief, 0), TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    expect_untouched(before + 1);
}

/* The request is refused, and the transaction as open as before. */
static void test_members_that_cannot_be(void **state)
{
    long before = counter();
    struct tx tx = begun_and_added(before), wrong = tx;

    (void)state;
    strcpy(wrong.members[1].name.s, "zz");
    expect_error(finish(TX_MSG_COMMIT_REQUEST, &wrong, 2), TX_EINVAL, TX_REASON_NONE,
                 "participant 'zz' is not of this cluster; it has a, b");
    wrong = tx;
    wrong.members[0].incarnation = 0;
    expect_error(finish(TX_MSG_COMMIT_REQUEST, &wrong, 1), TX_EINVAL, TX_REASON_NONE,
                 "the incarnation of participant a, which did the work, is missing");
    wrong = tx;
    wrong.members[1] = wrong.members[0];
    expect_error(finish(TX_MSG_COMMIT_REQUEST, &wrong, 2), TX_EINVAL, TX_REASON_NONE,
                 "participant a is named twice");
    expect_operated(add_one(a, &tx, 2), 2, number(before + 2));
    expect_commits(&tx, 1);
    expect_untouched(before + 2);
}

static void test_a_member_of_another_incarnation(void **state)
{
    long before = counter();
    struct tx tx = begun_and_added(before);
    const struct tx_msg *answer;

    (void)state;
    tx.members[0].incarnation++;
    answer = finish(TX_MSG_COMMIT_REQUEST, &tx, 1);
    expect_outcome(answer, TX_OUTCOME_ABORTED, TX_REASON_RESTARTED);
    assert_string_equal(answer->outcome.who.s, "a");
    expect_untouched(before);
}

static void test_a_writer_called_read_only(void **state)
{
    long before = counter();
    struct tx tx = begun_and_added(before);
    const struct tx_msg *answer;

    (void)state;
    assert_int_equal(add_one(b, &tx, 1)->type, TX_MSG_OPERATED);
    tx.members[0].read_only = true;
    answer = finish(TX_MSG_COMMIT_REQUEST, &tx, 2);
    expect_outcome(answer, TX_OUTCOME_ABORTED, TX_REASON_REFUSED);
    expect_text(answer->outcome.text, "calls participant a read-only, but it has writes");
    expect_untouched(before);
}

/* A participant that the commit does not name has no part in it: either the coordinator knows that
 * it took part, and aborts, or it hears too late, and tells it to undo. */
static void test_a_member_left_out(void **state)
{
    long before = counter();
    struct tx tx = begun_and_added(before);
    const struct tx_msg *answer = finish(TX_MSG_COMMIT_REQUEST, &tx, 0);

    (void)state;
    assert_int_equal(answer->type, TX_MSG_OUTCOME);
    if (answer->outcome.outcome == TX_OUTCOME_ABORTED) {
        expect_outcome(answer, TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
        expect_text(answer->outcome.text, "participant a took part and is not named in the commit");
    } else {
        expect_outcome(answer, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    }
    expect_untouched(before);
}

static void test_ids_of_nobody(void **state)
{
    const enum tx_msg_type types[] = {TX_MSG_COMMIT_REQUEST, TX_MSG_ABORT_REQUEST,
                                      TX_MSG_OUTCOME_REQUEST};
    long before = counter();
    struct tx tx = begun_and_added(before), other = tx;
    uint64_t begun = raw_figure(coordinator, "begun_total");

    (void)state;
    for (int i = 0; i < 3; i++) {
        other.id = tx.id;
        other.id.seq += 1000;
        expect_error(finish(types[i], &other, 1), TX_EUNKNOWN, TX_REASON_NONE,
                     "coordinator 1 has not begun a transaction 1-");
        /* Another copy of its directory may have been at these epochs. */
        other.id = (struct tx_id){1, tx.id.epoch + 1, 1};
        expect_outcome(finish(types[i], &other, 1), TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
        other.id = (struct tx_id){1, tx.id.epoch - 1, 1};
        expect_outcome(finish(types[i], &other, 0), TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
        other.id = (struct tx_id){9, 1, 1};
        expect_error(finish(types[i], &other, 1), TX_EUNKNOWN, TX_REASON_NONE,
                     "transaction 9-1-1 is of coordinator 9; ask that one");
    }
    assert_int_equal(raw_figure(coordinator, "begun_total"), begun);
    expect_commits(&tx, 1);
    expect_untouched(before + 1);
}

/* ---- SUBMIT ---- */

static void test_idempotency_key_with_other_work(void **state)
{
    long before = counter();
    struct tx_op add = operation(TX_OP_ADD, "n", "1"), two = operation(TX_OP_ADD, "n", "2");
    const struct tx_msg *answer = submit("order-1", &add, 1);
    struct tx_id id = answer->outcome.id;
    char text[TX_ID_TEXT], expected[256];

    (void)state;
    expect_outcome(answer, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    answer = submit("order-1", &add, 1);
    expect_outcome(answer, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    assert_true(tx_id_equal(answer->outcome.id, id));
    snprintf(expected, sizeof expected,
             "this idempotency key belongs to transaction %s, which has other operations or "
             "another isolation level; use a new key for new work",
             tx_id_print(id, text));
    expect_error(submit("order-1", &two, 1), TX_EINVAL, TX_REASON_NONE, expected);
    expect_untouched(before + 1);
}

static void test_submits_that_cannot_run(void **state)
{
    long before = counter();
    uint64_t begun = raw_figure(coordinator, "begun_total");
    struct tx_op op = operation(TX_OP_ADD, "n", "1");

    (void)state;
    expect_error(submit("", NULL, 0), TX_EINVAL, TX_REASON_NONE,
                 "a transaction without operations; give it one at least");
    strcpy(op.participant.s, "zz");
    expect_error(submit("", &op, 1), TX_EINVAL, TX_REASON_NONE,
                 "operation 1 names participant 'zz', which this cluster does not have; it has a, "
                 "b");
    assert_int_equal(raw_figure(coordinator, "begun_total"), begun);
    expect_untouched(before);
}

/* A frame beyond a limit is none that an honest client makes: dropped, counted, explained. */
static void expect_dropped(const struct tx_bytes key, struct tx_op *ops, size_t n, const char *why)
{
    struct tx_msg msg = {.type = TX_MSG_SUBMIT,
                         .submit = {.req = ++req, .key = key, .ops = ops, .ops_n = n}};
    struct raw_peer *peer = raw_open(cluster.coordinator.address, NULL);
    uint64_t before = raw_figure(peer, "frames_malformed");

    for (size_t i = 0; i < n; i++)
        strcpy(ops[i].participant.s, "a");
    raw_send(peer, &msg);
    assert_int_equal(raw_figure(peer, "frames_malformed"), before + 1);
    raw_close(&peer);
    assert_true(daemon_says(&cluster.coordinator, why, WAIT_MS));
}

static void test_submits_beyond_a_limit(void **state)
{
    static uint8_t bytes[TX_VALUE_MAX + 1];
    static struct tx_op many[TX_OPS_MAX + 1];
    long before = counter();
    struct tx_op add = operation(TX_OP_ADD, "n", "1"), op = operation(TX_OP_PUT, "n", "");

    (void)state;
    for (size_t i = 0; i < TX_OPS_MAX + 1; i++)
        many[i] = add;
    expect_dropped(tx_bytes(NULL, 0), many, TX_OPS_MAX + 1, "SUBMIT ops: 10001, and at most 10000");
    expect_dropped(tx_bytes(bytes, TX_IDEMPOTENCY_KEY_MAX + 1), &add, 1, "SUBMIT key: 65");
    op.value = tx_bytes(bytes, TX_VALUE_MAX + 1);
    expect_dropped(tx_bytes(NULL, 0), &op, 1, "SUBMIT ops[0].value: 524289");
    op = operation(TX_OP_PUT, "n", "");
    op.key = tx_bytes(bytes, TX_BOUND_MAX + 1);
    expect_dropped(tx_bytes(NULL, 0), &op, 1, "SUBMIT ops[0].key: 4098");
    op.key.len = TX_KEY_MAX + 1; /* which the end of a range may have */
    expect_dropped(tx_bytes(NULL, 0), &op, 1, "SUBMIT ops[0]: put: a key has at most 4096 bytes");
    op = (struct tx_op){.type = TX_OP_SCAN, .space = tx_bytes_str("t")};
    expect_dropped(tx_bytes(NULL, 0), &op, 1, "SUBMIT ops[0]: scan: the limit is 0 rows");
    op.limit = TX_SCAN_ROWS_MAX + 1;
    expect_dropped(tx_bytes(NULL, 0), &op, 1, "SUBMIT ops[0]: scan: the limit is at most 10000");
    op = (struct tx_op){.type = TX_OP_SCAN,
                        .space = tx_bytes_str("t"),
                        .key = tx_bytes_str("b"),
                        .to = tx_bytes_str("a"),
                        .limit = 1};
    expect_dropped(tx_bytes(NULL, 0), &op, 1, "SUBMIT ops[0]: scan: the range from");
    op = operation(TX_OP_PUT, "", "1");
    expect_dropped(tx_bytes(NULL, 0), &op, 1, "SUBMIT ops[0]: ");
    expect_untouched(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_token),
        cmocka_unit_test(test_members_that_cannot_be),
        cmocka_unit_test(test_a_member_of_another_incarnation),
        cmocka_unit_test(test_a_writer_called_read_only),
        cmocka_unit_test(test_a_member_left_out),
        cmocka_unit_test(test_ids_of_nobody),
        cmocka_unit_test(test_idempotency_key_with_other_work),
        cmocka_unit_test(test_submits_that_cannot_run),
        cmocka_unit_test(test_submits_beyond_a_limit),
    };

    return cmocka_run_group_tests(tests, raw_client_start, raw_client_stop);
}
