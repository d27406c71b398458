/* Asynchronous calls against played daemons: who is called when, how often and with what. */
#include "tests/client/api_fixture.h"
#include "tests/common/test.h"
#include "tests/common/pace.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what came back ---- */

#define CALLS_MAX 64

struct call {
    unsigned times;
    txclient_status status;
    txclient_reason reason;
    txclient_tx *tx;
    size_t values_n;
    char value[16]; /* the first one */
    char reference[64];
    char text[160];
    unsigned order; /* among all */
};

static struct call calls[CALLS_MAX];
static unsigned called;
static bool accepting; /* a call is being accepted: no callback may come now */

static void forget_calls(void)
{
    memset(calls, 0, sizeof calls);
    called = 0;
    accepting = false;
}

static int start(void **state)
{
    forget_calls();
    return api_start(state);
}

static int start_lossy(void **state)
{
    forget_calls();
    return api_start_lossy(state);
}
#undef TEST
#undef TEST_LOSSY
#define TEST(name)       cmocka_unit_test_setup_teardown(name, start, api_stop)
#define TEST_LOSSY(name) cmocka_unit_test_setup_teardown(name, start_lossy, api_stop)

static void note(void *arg, const txclient_result *result)
{
    struct call *call = arg;
    assert_false(accepting);
    call->times++;
    call->order = ++called;
    call->status = result->status;
    call->reason = result->detail->reason;
    call->tx = result->tx;
    call->values_n = result->values_n;
    assert_int_equal(result->status, result->detail->status);
    assert_int_equal(result->values_n > 0, result->values != NULL);
    if (result->values_n > 0) {
        (void)snprintf(call->value, sizeof call->value, "%.*s", (int)result->values[0].len,
                       (const char *)result->values[0].data);
    }
    (void)snprintf(call->reference, sizeof call->reference, "%s", result->detail->reference);
    (void)snprintf(call->text, sizeof call->text, "%.150s", result->detail->text);
}

/* Until nothing is under way. */
static void finish_all(void)
{
    while (txclient_in_flight(client) > 0) {
        (void)txclient_process(client, -1);
    }
}

static void came(const struct call *call, txclient_status status)
{
    assert_int_equal(call->times, 1);
    if (call->status != status) {
        fail_msg("\"%s\" (%s) instead of \"%s\"", txclient_status_text(call->status), call->text,
                 txclient_status_text(status));
    }
}

static txclient_batch *batch_of(txclient_address at)
{
    txclient_batch *batch = txclient_batch_new();
    assert_non_null(batch);
    assert_int_equal(txclient_batch_get(batch, at), TXCLIENT_OK);
    return batch;
}

static txclient_status submit(unsigned i, const char *key)
{
    txclient_batch *batch = batch_of(at_a());
    txclient_submit_options options = {.size = sizeof options,
                                       .idempotency_key = txclient_str(key)};
    accepting = true;
    txclient_status status = txclient_submit_async(client, batch, &options, note, &calls[i]);
    accepting = false;
    txclient_batch_free(&batch);
    return status;
}

static void execute(txclient_tx *tx, txclient_address at, unsigned i)
{
    txclient_batch *batch = batch_of(at);
    accepting = true;
    expect(txclient_execute_async(tx, batch, note, &calls[i]), TXCLIENT_OK);
    accepting = false;
    txclient_batch_free(&batch);
}

static void ignore(enum tx_msg_type type, unsigned n)
{
    fake_lock(&fake);
    fake.ignore[type] = n;
    fake_unlock(&fake);
}

/* A handle of its own, closed by the test. */
static void reopen(uint32_t in_flight_max, uint32_t connect_timeout_ms, const char *coordinator)
{
    txclient_options options = {.size = sizeof options,
                                .connect_timeout_ms = connect_timeout_ms,
                                .request_timeout_ms = FAKE_PATIENCE_MS,
                                .commit_timeout_ms = FAKE_PATIENCE_MS,
                                .resend_ms = FAKE_PATIENCE_MS,
                                .in_flight_max = in_flight_max};
    txclient_close(&fake.client);
    expect(txclient_open(PEER_CLUSTER, coordinator, &options, &fake.client, NULL), TXCLIENT_OK);
    client = fake.client;
}

/* ---- one-shot ---- */

static void test_submits_are_called_back_with_their_values(void **state)
{
    (void)state;
    assert_int_equal(txclient_process(client, -1), 0); /* nothing is under way: no wait */
    expect(submit(0, ""), TXCLIENT_OK);
    expect(submit(1, "key"), TXCLIENT_OK);
    assert_int_equal(txclient_in_flight(client), 2);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_SUBMIT), 0); /* nothing leaves by itself */
    finish_all();
    came(&calls[0], TXCLIENT_OK);
    came(&calls[1], TXCLIENT_OK);
    assert_string_equal(calls[0].value, "42");
    assert_string_equal(calls[0].reference, "1-7-99@a");
    assert_null(calls[0].tx);
    assert_true(calls[0].order < calls[1].order);
    /* The thread's own detail is not that of a callback. */
    assert_string_equal(detail()->reference, "");
}

static void test_what_is_queued_together_leaves_together(void **state)
{
    (void)state;
    expect(submit(0, ""), TXCLIENT_OK);
    finish_all(); /* the connection stands */
    unsigned frames = peer_frames(fake.coordinator);
    for (unsigned i = 1; i <= 20; i++) {
        expect(submit(i, ""), TXCLIENT_OK);
    }
    finish_all();
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_SUBMIT), 21);
    assert_int_equal(peer_frames(fake.coordinator), frames + 1);
    for (unsigned i = 1; i <= 20; i++) {
        came(&calls[i], TXCLIENT_OK);
    }
}

static void test_the_limit_is_told_and_nothing_sent(void **state)
{
    (void)state;
    reopen(3, FAKE_PATIENCE_MS, peer_endpoint(fake.coordinator));
    for (unsigned i = 0; i < 3; i++) {
        expect(submit(i, ""), TXCLIENT_OK);
    }
    expect(submit(3, ""), TXCLIENT_EBUSY);
    assert_int_equal(detail()->status, TXCLIENT_EBUSY);
    assert_non_null(strstr(detail()->text, "in_flight_max"));
    /* A blocking call does not count. */
    txclient_batch *batch = batch_of(at_a());
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    txclient_batch_free(&batch);
    finish_all();
    assert_int_equal(calls[3].times, 0);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_SUBMIT), 4);
    expect(submit(3, ""), TXCLIENT_OK);
    finish_all();
    came(&calls[3], TXCLIENT_OK);
}

/* What cannot be accepted is told at once, and nobody is called. */
static void test_refused_calls_are_not_called_back(void **state)
{
    (void)state;
    static char large[TXCLIENT_VALUE_MAX];
    txclient_batch *batch = txclient_batch_new();
    expect(txclient_submit_async(client, batch, NULL, note, &calls[0]), TXCLIENT_EINVAL);
    for (unsigned i = 0; i < 3; i++) {
        expect(txclient_batch_put(batch, at_a(), txclient_data(large, sizeof large)), TXCLIENT_OK);
    }
    expect(txclient_submit_async(client, batch, NULL, note, &calls[0]), TXCLIENT_ELIMIT);
    assert_non_null(strstr(detail()->text, "larger than a frame"));
    txclient_batch_clear(batch);
    expect(txclient_batch_get(batch, at_a()), TXCLIENT_OK);
    expect(txclient_submit_async(client, batch, NULL, NULL, NULL), TXCLIENT_EINVAL);
    expect(txclient_outcome_async(client, "what", 0, note, &calls[0]), TXCLIENT_EINVAL);
    txclient_begin_options options = {.size = sizeof options, .isolation = (txclient_isolation)17};
    expect(txclient_begin_async(client, &options, note, &calls[0]), TXCLIENT_EINVAL);
    txclient_tx *tx = begin();
    txclient_batch_clear(batch);
    expect(txclient_execute_async(tx, batch, note, &calls[0]), TXCLIENT_EINVAL);
    (void)txclient_batch_get(batch, txclient_at("nobody", "s", "k"));
    expect(txclient_execute_async(tx, batch, note, &calls[0]), TXCLIENT_EINVAL);
    assert_int_equal(txclient_in_flight(client), 0);
    assert_int_equal(txclient_process(client, 0), 0);
    assert_int_equal(calls[0].times, 0);
    txclient_batch_free(&batch);
    txclient_tx_close(&tx);
}

static unsigned chain_left;

static void chain(void *arg, const txclient_result *result)
{
    note(arg, result);
    assert_int_equal(txclient_process(client, -1), 0); /* does nothing in a callback */
    if (--chain_left > 0) {
        txclient_batch *batch = batch_of(at_a());
        unsigned before = called;
        expect(txclient_submit_async(client, batch, NULL, chain, arg), TXCLIENT_OK);
        assert_int_equal(called, before);
        txclient_batch_free(&batch);
    }
}

static void test_a_callback_goes_on(void **state)
{
    (void)state;
    chain_left = 10;
    txclient_batch *batch = batch_of(at_a());
    expect(txclient_submit_async(client, batch, NULL, chain, &calls[0]), TXCLIENT_OK);
    txclient_batch_free(&batch);
    finish_all();
    assert_int_equal(calls[0].times, 10);
    assert_int_equal(calls[0].status, TXCLIENT_OK);
}

static void test_unanswered_and_refused(void **state)
{
    (void)state;
    ignore(TX_MSG_SUBMIT, 1);
    expect(submit(0, ""), TXCLIENT_OK); /* sent once only */
    expect(submit(1, "k"), TXCLIENT_OK);
    finish_all();
    came(&calls[0], TXCLIENT_UNKNOWN);
    came(&calls[1], TXCLIENT_OK);
    fake_lock(&fake);
    fake.refuse[TX_MSG_SUBMIT] = 1;
    fake.commit_outcome = TX_OUTCOME_ABORTED;
    fake_unlock(&fake);
    expect(submit(2, ""), TXCLIENT_OK);
    expect(submit(3, ""), TXCLIENT_OK);
    finish_all();
    came(&calls[2], TXCLIENT_EREFUSED);
    assert_int_equal(calls[2].reason, TXCLIENT_REASON_BUSY);
    came(&calls[3], TXCLIENT_ABORTED);
    assert_int_equal(calls[3].reason, TXCLIENT_REASON_WOUNDED);
    assert_int_equal(calls[3].values_n, 0);
}

static void test_the_outcome_of_others(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.asked_outcome = TX_OUTCOME_COMMITTED;
    fake.ignore[TX_MSG_OUTCOME_REQUEST] = 12; /* more than one request's copies */
    fake_unlock(&fake);
    char reference[] = "1-7-1@a,b";
    expect(txclient_outcome_async(client, reference, pace_ms(10000), note, &calls[0]), TXCLIENT_OK);
    memset(reference, 'x', sizeof reference - 1); /* it was copied */
    finish_all();
    came(&calls[0], TXCLIENT_OK);
    assert_string_equal(calls[0].reference, "1-7-1@a,b");
}

/* ---- interactive ---- */

static txclient_tx *begin_async(unsigned i)
{
    expect(txclient_begin_async(client, NULL, note, &calls[i]), TXCLIENT_OK);
    finish_all();
    came(&calls[i], TXCLIENT_OK);
    assert_non_null(calls[i].tx);
    return calls[i].tx;
}

static void test_a_pipelined_transaction(void **state)
{
    (void)state;
    txclient_tx *tx = begin_async(0);
    for (unsigned i = 1; i <= 5; i++) {
        execute(tx, at_a(), i);
    }
    execute(tx, at_b(), 6);
    /* The commit waits for all of them by itself. */
    expect(txclient_commit_async(tx, note, &calls[7]), TXCLIENT_OK);
    expect(txclient_put(tx, at_a(), txclient_str("x")), TXCLIENT_ESTATE);
    expect(txclient_commit(tx), TXCLIENT_ESTATE);
    expect(txclient_abort(tx), TXCLIENT_ESTATE);
    finish_all();
    for (unsigned i = 1; i <= 7; i++) {
        came(&calls[i], TXCLIENT_OK);
        assert_ptr_equal(calls[i].tx, tx);
        assert_int_equal(calls[7].order >= calls[i].order, true);
    }
    assert_string_equal(calls[5].value, "42");
    fake_lock(&fake);
    assert_int_equal(fake.operates, 6);
    assert_int_equal(fake.finish.members_n, 2);
    fake_unlock(&fake);
    assert_string_equal(calls[7].reference, "1-7-1@a,b");
    /* Two of the five were on their way at a time, and both left together. */
    assert_true(peer_frames(fake.a) < 5);
    txclient_tx_close(&tx);
}

/* A participant that still waits with one step refuses the next one: it is sent again. */
static void test_a_step_that_comes_too_early_is_sent_again(void **state)
{
    (void)state;
    txclient_tx *tx = begin_async(0);
    fake_lock(&fake);
    fake.ignore[TX_MSG_OPERATE] = 1; /* the first waits for a lock */
    fake.refuse[TX_MSG_OPERATE] = 1;
    fake.refusal = TX_ESTATE;
    fake.refusal_reason = TX_REASON_NONE;
    fake_unlock(&fake);
    for (unsigned i = 1; i <= 4; i++) {
        execute(tx, at_a(), i);
    }
    expect(txclient_commit_async(tx, note, &calls[5]), TXCLIENT_OK);
    finish_all();
    for (unsigned i = 1; i <= 5; i++) {
        came(&calls[i], TXCLIENT_OK);
        assert_true(i == 1 || calls[i - 1].order < calls[i].order);
    }
    fake_lock(&fake);
    /* 1, 2, 1, 2, 3, 4, or with further copies: no third one before the second is taken. */
    assert_true(fake.operates >= 6);
    for (unsigned i = 0; i < 4; i++) {
        assert_in_range(fake.steps[i], 1, 2);
    }
    fake_unlock(&fake);
    txclient_tx_close(&tx);
}

static void test_a_failed_step_fails_the_rest(void **state)
{
    (void)state;
    txclient_tx *tx = begin_async(0);
    fake_lock(&fake);
    fake.abort_operates = 1;
    fake_unlock(&fake);
    for (unsigned i = 1; i <= 4; i++) {
        execute(tx, i < 4 ? at_a() : at_b(), i);
    }
    expect(txclient_commit_async(tx, note, &calls[5]), TXCLIENT_OK);
    finish_all();
    unsigned aborted = 0;
    for (unsigned i = 1; i <= 4; i++) {
        assert_int_equal(calls[i].times, 1);
        aborted += calls[i].status == TXCLIENT_ABORTED ? 1 : 0;
        if (calls[i].status == TXCLIENT_ABORTED) {
            assert_int_equal(calls[i].reason, TXCLIENT_REASON_WOUNDED);
        }
    }
    assert_true(aborted >= 1);
    came(&calls[5], TXCLIENT_ABORTED);
    assert_int_equal(calls[5].reason, TXCLIENT_REASON_WOUNDED);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_COMMIT_REQUEST), 0);
    expect(txclient_get(tx, at_a(), NULL), TXCLIENT_ABORTED);
    txclient_tx_close(&tx);
}

static void test_a_lost_step_aborts_and_is_told(void **state)
{
    (void)state;
    txclient_tx *tx = begin_async(0);
    ignore(TX_MSG_OPERATE, 1000);
    execute(tx, at_a(), 1);
    execute(tx, at_b(), 2);
    expect(txclient_commit_async(tx, note, &calls[3]), TXCLIENT_OK);
    finish_all();
    for (unsigned i = 1; i <= 3; i++) {
        came(&calls[i], TXCLIENT_ABORTED);
        assert_int_equal(calls[i].reason, TXCLIENT_REASON_TIMEOUT);
    }
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_COMMIT_REQUEST), 0);
    assert_true(peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST) >= 1);
    txclient_tx_close(&tx);
}

static void test_an_abort_ends_what_is_under_way(void **state)
{
    (void)state;
    txclient_tx *tx = begin_async(0);
    ignore(TX_MSG_OPERATE, 1000);
    execute(tx, at_a(), 1);
    execute(tx, at_a(), 2);
    execute(tx, at_a(), 3);
    expect(txclient_abort_async(tx, note, &calls[4]), TXCLIENT_OK);
    finish_all();
    for (unsigned i = 1; i <= 3; i++) {
        came(&calls[i], TXCLIENT_ABORTED);
        assert_int_equal(calls[i].reason, TXCLIENT_REASON_CLIENT);
    }
    came(&calls[4], TXCLIENT_OK);
    expect(txclient_abort_async(tx, note, &calls[5]), TXCLIENT_OK); /* again */
    finish_all();
    came(&calls[5], TXCLIENT_OK);
    txclient_tx_close(&tx);
}

static void test_a_transaction_closed_while_under_way(void **state)
{
    (void)state;
    txclient_tx *tx = begin_async(0);
    ignore(TX_MSG_OPERATE, 1000);
    execute(tx, at_a(), 1);
    (void)txclient_process(client, 0);
    txclient_tx_close(&tx);
    finish_all();
    came(&calls[1], TXCLIENT_ABORTED);
    assert_null(calls[1].tx);
    ignore(TX_MSG_OPERATE, 0);
    /* A commit that is under way goes on. */
    tx = begin_async(2);
    execute(tx, at_a(), 3);
    expect(txclient_commit_async(tx, note, &calls[4]), TXCLIENT_OK);
    txclient_tx_close(&tx);
    finish_all();
    came(&calls[3], TXCLIENT_OK);
    came(&calls[4], TXCLIENT_OK);
    assert_null(calls[4].tx);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST), 1);
}

static void test_an_unknown_commit_is_asked_for(void **state)
{
    (void)state;
    txclient_tx *tx = begin_async(0);
    execute(tx, at_a(), 1);
    ignore(TX_MSG_COMMIT_REQUEST, 1000);
    expect(txclient_commit_async(tx, note, &calls[2]), TXCLIENT_OK);
    finish_all();
    came(&calls[2], TXCLIENT_UNKNOWN);
    assert_string_equal(calls[2].reference, "1-7-1@a");
    assert_true(peer_seen(fake.coordinator, TX_MSG_OUTCOME_REQUEST) >= 1);
    txclient_tx_close(&tx);
}

/* ---- who decides ---- */

static void was_sent(enum tx_commit_mode mode, bool submit)
{
    fake_lock(&fake);
    assert_int_equal(submit ? fake.commit_mode : fake.finish.mode, mode);
    fake_unlock(&fake);
}

static void test_the_commit_mode_goes_along(void **state)
{
    (void)state;
    txclient_batch *batch = batch_of(at_a());
    txclient_submit_options options = {.size = sizeof options,
                                       .commit_mode = TXCLIENT_COMMIT_PARTICIPANTS};
    expect(txclient_submit_async(client, batch, &options, note, &calls[0]), TXCLIENT_OK);
    finish_all();
    was_sent(TX_COMMIT_PARTICIPANTS, true);
    options.commit_mode = TXCLIENT_COMMIT_COORDINATOR;
    expect(txclient_submit(client, batch, &options, NULL), TXCLIENT_OK);
    was_sent(TX_COMMIT_COORDINATOR, true);
    /* An older program's options end before it. */
    options.size = offsetof(txclient_submit_options, commit_mode);
    expect(txclient_submit(client, batch, &options, NULL), TXCLIENT_OK);
    was_sent(TX_COMMIT_DEFAULT, true);
    options.size = sizeof options;
    options.commit_mode = (txclient_commit_mode)3;
    expect(txclient_submit(client, batch, &options, NULL), TXCLIENT_EINVAL);
    txclient_batch_free(&batch);

    txclient_begin_options terms = {.size = sizeof terms,
                                    .commit_mode = TXCLIENT_COMMIT_PARTICIPANTS};
    txclient_tx *tx = NULL;
    expect(txclient_begin(client, &terms, &tx), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    was_sent(TX_COMMIT_PARTICIPANTS, false);
    txclient_tx_close(&tx);
    expect(txclient_begin(client, NULL, &tx), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    was_sent(TX_COMMIT_DEFAULT, false);
    txclient_tx_close(&tx);
    terms.commit_mode = (txclient_commit_mode)3;
    expect(txclient_begin(client, &terms, &tx), TXCLIENT_EINVAL);
    txclient_commit_mode mode = TXCLIENT_COMMIT_DEFAULT;
    assert_int_equal(txclient_commit_mode_parse("participants", &mode), TXCLIENT_OK);
    assert_int_equal(mode, TXCLIENT_COMMIT_PARTICIPANTS);
    assert_string_equal(txclient_commit_mode_name(mode), "participants");
    assert_int_equal(txclient_commit_mode_parse("d", &mode), TXCLIENT_EINVAL);
}

/* ---- the descriptor ---- */

static void test_the_descriptor_tells_everything(void **state)
{
    (void)state;
    expect(submit(0, ""), TXCLIENT_OK);
    struct pollfd wait = {.fd = txclient_fd(client), .events = POLLIN};
    ignore(TX_MSG_SUBMIT, 3); /* so that copies must be sent, and one is given up */
    for (unsigned i = 1; i <= 5; i++) {
        expect(submit(i, i < 3 ? "key" : ""), TXCLIENT_OK);
        assert_int_equal(poll(&wait, 1, (int)pace_ms(20000)), 1);
        (void)txclient_process(client, 0);
    }
    unsigned turns = 0;
    while (txclient_in_flight(client) > 0) {
        assert_int_equal(poll(&wait, 1, (int)pace_ms(20000)), 1);
        (void)txclient_process(client, 0);
        turns++;
    }
    for (unsigned i = 0; i <= 5; i++) {
        assert_int_equal(calls[i].times, 1);
    }
    assert_true(turns < 1000); /* it is not readable all the time */
    assert_int_equal(poll(&wait, 1, 0), 0);
}

/* A blocking call meanwhile takes answers that are not its own: they are told of, too. */
static void test_the_descriptor_beside_blocking_calls(void **state)
{
    (void)state;
    struct pollfd wait = {.fd = txclient_fd(client), .events = POLLIN};
    (void)txclient_process(client, 0);
    expect(submit(0, ""), TXCLIENT_OK);
    txclient_batch *batch = batch_of(at_a());
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    txclient_batch_free(&batch);
    assert_int_equal(calls[0].times, 0); /* its callback waits for its turn */
    while (txclient_in_flight(client) > 0) {
        assert_int_equal(poll(&wait, 1, (int)pace_ms(20000)), 1);
        (void)txclient_process(client, 0);
    }
    came(&calls[0], TXCLIENT_OK);
}

static void test_process_waits_no_longer_than_told(void **state)
{
    (void)state;
    ignore(TX_MSG_SUBMIT, 1000);
    expect(submit(0, "key"), TXCLIENT_OK);
    assert_int_equal(txclient_process(client, 0), 0);
    assert_int_equal(txclient_process(client, 20), 0);
    assert_int_equal(txclient_in_flight(client), 1);
    finish_all();
    came(&calls[0], TXCLIENT_UNKNOWN);
}

/* ---- closing ---- */

static void test_close_ends_everything_once(void **state)
{
    (void)state;
    txclient_tx *committing = begin_async(0);
    txclient_tx *waiting = begin_async(1);
    txclient_tx *open = begin_async(2);
    const enum tx_msg_type mute[] = {TX_MSG_SUBMIT, TX_MSG_COMMIT_REQUEST, TX_MSG_OPERATE,
                                     TX_MSG_BEGIN, TX_MSG_OUTCOME_REQUEST};
    for (size_t i = 0; i < sizeof mute / sizeof mute[0]; i++) {
        ignore(mute[i], 1000);
    }
    expect(submit(3, ""), TXCLIENT_OK);
    expect(submit(4, "key"), TXCLIENT_OK);
    expect(txclient_commit_async(committing, note, &calls[5]), TXCLIENT_OK);
    execute(waiting, at_a(), 6);
    execute(waiting, at_a(), 7);
    execute(waiting, at_a(), 8); /* never leaves */
    expect(txclient_commit_async(waiting, note, &calls[9]), TXCLIENT_OK);
    expect(txclient_begin_async(client, NULL, note, &calls[10]), TXCLIENT_OK);
    expect(txclient_outcome_async(client, "1-7-1@a", 60000, note, &calls[11]), TXCLIENT_OK);
    while (peer_seen(fake.coordinator, TX_MSG_OUTCOME_REQUEST) == 0) {
        (void)txclient_process(client, 10);
    }
    assert_int_equal(called, 3);
    txclient_close(&fake.client);
    came(&calls[3], TXCLIENT_UNKNOWN);
    came(&calls[4], TXCLIENT_UNKNOWN);
    came(&calls[5], TXCLIENT_UNKNOWN);
    for (unsigned i = 6; i <= 9; i++) {
        came(&calls[i], TXCLIENT_ABORTED);
    }
    came(&calls[10], TXCLIENT_ETIMEOUT);
    came(&calls[11], TXCLIENT_UNKNOWN);
    assert_int_equal(called, 12);
    /* A farewell waits for a second at most. */
    for (int i = 0; i < FAKE_PATIENCE_MS && peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST) < 2;
         i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST), 2);
    assert_int_equal(txclient_commit_async(open, note, &calls[12]), TXCLIENT_ESTATE);
    txclient_tx_close(&committing);
    txclient_tx_close(&waiting);
    txclient_tx_close(&open);
}

static void test_close_of_what_has_never_left(void **state)
{
    (void)state;
    reopen(0, FAKE_PATIENCE_MS, "tcp://127.0.0.1:1");
    expect(submit(0, ""), TXCLIENT_OK);
    expect(submit(1, "key"), TXCLIENT_OK);
    (void)txclient_process(client, 10);
    txclient_close(&fake.client);
    came(&calls[0], TXCLIENT_EUNREACHABLE);
    came(&calls[1], TXCLIENT_EUNREACHABLE);
}

static void test_an_unreachable_coordinator(void **state)
{
    (void)state;
    reopen(0, 60, "tcp://127.0.0.1:1");
    expect(submit(0, "key"), TXCLIENT_OK);
    expect(txclient_begin_async(client, NULL, note, &calls[1]), TXCLIENT_OK);
    finish_all();
    came(&calls[0], TXCLIENT_EUNREACHABLE);
    came(&calls[1], TXCLIENT_EUNREACHABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_submits_are_called_back_with_their_values),
        TEST(test_what_is_queued_together_leaves_together),
        TEST(test_the_limit_is_told_and_nothing_sent),
        TEST(test_refused_calls_are_not_called_back),
        TEST(test_a_callback_goes_on),
        TEST_LOSSY(test_unanswered_and_refused),
        TEST_LOSSY(test_the_outcome_of_others),
        TEST(test_a_pipelined_transaction),
        TEST_LOSSY(test_a_step_that_comes_too_early_is_sent_again),
        TEST(test_a_failed_step_fails_the_rest),
        TEST_LOSSY(test_a_lost_step_aborts_and_is_told),
        TEST(test_an_abort_ends_what_is_under_way),
        TEST(test_a_transaction_closed_while_under_way),
        TEST_LOSSY(test_an_unknown_commit_is_asked_for),
        TEST(test_the_commit_mode_goes_along),
        TEST_LOSSY(test_the_descriptor_tells_everything),
        TEST(test_the_descriptor_beside_blocking_calls),
        TEST_LOSSY(test_process_waits_no_longer_than_told),
        TEST(test_close_ends_everything_once),
        TEST(test_close_of_what_has_never_left),
        TEST(test_an_unreachable_coordinator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
