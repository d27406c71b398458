/* Operations used against the rules of the protocol, by a client with a bare socket: every request
 * gets the answer that docs/protocol.md has for it, and nothing else changes. */
#include "tests/integration/raw_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The participant cannot know; the coordinator, which hears of it, ends it. */
static void test_operate_of_a_transaction_that_nobody_began(void **state)
{
    struct tx tx = begin();
    long before;

    (void)state;
    expect_outcome(finish(TX_MSG_ABORT_REQUEST, &tx, 0), TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    before = counter();
    tx.id.seq += 100000;
    memset(&tx.token, 7, sizeof tx.token);
    expect_operated(add_one(a, &tx, 1), 1, number(before + 1));
    expect_untouched(before);
    expect_undone(add_one(a, &tx, 2), TX_REASON_PRESUMED, "");
    expect_error(finish(TX_MSG_COMMIT_REQUEST, &tx, 1), TX_EUNKNOWN, TX_REASON_NONE,
                 "coordinator 1 has not begun a transaction 1-");
    expect_untouched(before);
}

static void test_operate_with_another_token(void **state)
{
    long before = counter();
    struct tx tx = begin(), thief = tx;

    (void)state;
    thief.token.bytes[15] ^= 1;
    expect_operated(add_one(a, &tx, 1), 1, number(before + 1));
    expect_error(add_one(a, &thief, 2), TX_ETOKEN, TX_REASON_NONE,
                 "the token is not that of transaction 1-");
    expect_error(add_one(a, &thief, 1), TX_ETOKEN, TX_REASON_NONE,
                 "the token is not that of transaction 1-");
    expect_operated(add_one(a, &tx, 2), 2, number(before + 2));
    expect_outcome(finish(TX_MSG_COMMIT_REQUEST, &tx, 1), TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    expect_untouched(before + 2);
}

static void test_operate_after_the_end(void **state)
{
    long before = counter();
    struct tx committed = begin(), aborted = begin();

    (void)state;
    expect_operated(add_one(a, &committed, 1), 1, number(before + 1));
    assert_int_equal(add_one(b, &committed, 1)->type, TX_MSG_OPERATED);
    expect_outcome(finish(TX_MSG_COMMIT_REQUEST, &committed, 2), TX_OUTCOME_COMMITTED,
                   TX_REASON_NONE);
    /* Prepared, committed or forgotten, as far as it has come. */
    expect_error(add_one(a, &committed, 2), TX_ESTATE, TX_REASON_NONE,
                 "here: it takes no more operations");
    expect_untouched(before + 1);
    expect_operated(add_one(a, &aborted, 1), 1, number(before + 2));
    expect_outcome(finish(TX_MSG_ABORT_REQUEST, &aborted, 1), TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    expect_untouched(before + 1);
    {
        const struct tx_msg *answer = add_one(a, &aborted, 2);

        /* Forgotten by now, or still remembered as undone. */
        if (answer->type == TX_MSG_ERROR)
            expect_error(answer, TX_ESTATE, TX_REASON_NONE, "finished here");
        else
            expect_undone(answer, TX_REASON_CLIENT, "");
    }
    expect_outcome(finish(TX_MSG_COMMIT_REQUEST, &aborted, 1), TX_OUTCOME_ABORTED,
                   TX_REASON_CLIENT);
    expect_untouched(before + 1);
}

static void test_steps_with_a_gap(void **state)
{
    long before = counter();
    struct tx tx = begin(), late = begin(), zero = begin();

    (void)state;
    expect_operated(add_one(a, &tx, 1), 1, number(before + 1));
    expect_undone(add_one(a, &tx, 3), TX_REASON_REFUSED,
                  "step 3 came after step 1: steps have no gaps");
    expect_outcome(finish(TX_MSG_COMMIT_REQUEST, &tx, 1), TX_OUTCOME_ABORTED, TX_REASON_REFUSED);
    expect_undone(add_one(a, &late, 2), TX_REASON_RESTARTED,
                  "participant a has restarted since the last step, or never saw it");
    expect_outcome(finish(TX_MSG_COMMIT_REQUEST, &late, 1), TX_OUTCOME_ABORTED,
                   TX_REASON_RESTARTED);
    expect_error(add_one(a, &zero, 0), TX_EINVAL, TX_REASON_NONE,
                 "OPERATE needs an id, an age and a step from 1");
    expect_outcome(finish(TX_MSG_ABORT_REQUEST, &zero, 0), TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    expect_untouched(before);
}

static void test_steps_repeated(void **state)
{
    long before = counter();
    struct tx tx = begin();
    struct raw_peer *second = raw_open(cluster.participants[0].address, NULL);

    (void)state;
    expect_operated(add_one(a, &tx, 1), 1, number(before + 1));
    expect_operated(add_one(a, &tx, 1), 1, number(before + 1));
    expect_operated(add_one(second, &tx, 1), 1, number(before + 1)); /* from elsewhere */
    expect_operated(add_one(a, &tx, 2), 2, number(before + 2));
    raw_expect_silence(a); /* not answered twice */
    expect_outcome(finish(TX_MSG_COMMIT_REQUEST, &tx, 1), TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    raw_close(&second);
    expect_untouched(before + 2);
}

/* A step that the client has left behind gets no answer: what it gave is gone. */
static void test_a_step_of_the_past(void **state)
{
    long before = counter();
    struct tx tx = begin();
    struct tx_op op = operation(TX_OP_ADD, "n", "1");
    struct tx_msg msg;

    (void)state;
    expect_operated(add_one(a, &tx, 1), 1, number(before + 1));
    expect_operated(add_one(a, &tx, 2), 2, number(before + 2));
    msg = operate_msg(&tx, 1, &op);
    raw_send(a, &msg);
    raw_expect_silence(a);
    expect_outcome(finish(TX_MSG_COMMIT_REQUEST, &tx, 1), TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    expect_untouched(before + 2);
}

/* Two clients that share a transaction: whose step comes first is executed, the other one hears
 * what it gave. */
static void test_two_clients_with_one_transaction(void **state)
{
    long before = counter();
    struct tx tx = begin();
    struct tx_op other = operation(TX_OP_PUT, "other", "x");
    struct raw_peer *second = raw_open(cluster.participants[0].address, NULL);
    struct raw_peer *elsewhere = raw_open(cluster.coordinator.address, NULL);
    struct tx_msg msg;

    (void)state;
    expect_operated(add_one(a, &tx, 1), 1, number(before + 1));
    expect_operated(add_one(second, &tx, 2), 2, number(before + 2));
    msg = operate_msg(&tx, 2, &other);
    expect_operated(raw_ask(a, &msg), 2, number(before + 2));
    expect_outcome(finish(TX_MSG_COMMIT_REQUEST, &tx, 1), TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    msg = (struct tx_msg){.type = TX_MSG_COMMIT_REQUEST,
                          .finish = {.req = ++req, .id = tx.id, .token = tx.token}};
    expect_outcome(raw_ask(elsewhere, &msg), TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    msg.type = TX_MSG_ABORT_REQUEST;
    msg.finish.req = ++req;
    expect_outcome(raw_ask(elsewhere, &msg), TX_OUTCOME_COMMITTED, TX_REASON_NONE);
    raw_close(&second);
    raw_close(&elsewhere);
    expect_untouched(before + 2);
}

static void test_operate_of_strange_coordinators(void **state)
{
    long before = counter();
    struct tx tx = begin(), strange = tx;

    (void)state;
    strange.id = (struct tx_id){9, 1, 1};
    expect_error(add_one(a, &strange, 1), TX_EUNREACHABLE, TX_REASON_UNREACHABLE,
                 "coordinator 9 has not introduced itself (epoch 1) to participant a yet; try");
    strange.id = (struct tx_id){1, tx.id.epoch + 1, 1};
    expect_error(add_one(a, &strange, 1), TX_EUNREACHABLE, TX_REASON_UNREACHABLE,
                 "coordinator 1 has not introduced itself (epoch ");
    strange.id = (struct tx_id){1, tx.id.epoch - 1, 1000};
    expect_undone(add_one(a, &strange, 1), TX_REASON_RESTARTED, "coordinator 1 has restarted");
    expect_outcome(finish(TX_MSG_ABORT_REQUEST, &tx, 0), TX_OUTCOME_ABORTED, TX_REASON_CLIENT);
    expect_untouched(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operate_of_a_transaction_that_nobody_began),
        cmocka_unit_test(test_operate_with_another_token),
        cmocka_unit_test(test_operate_after_the_end),
        cmocka_unit_test(test_steps_with_a_gap),
        cmocka_unit_test(test_steps_repeated),
        cmocka_unit_test(test_a_step_of_the_past),
        cmocka_unit_test(test_two_clients_with_one_transaction),
        cmocka_unit_test(test_operate_of_strange_coordinators),
    };

    return cmocka_run_group_tests(tests, raw_client_start, raw_client_stop);
}
