/* Every allocation of the library fails once, in turn: a clean status comes back, nothing crashes,
 * and the sanitizer finds nothing left behind. The allocations of ZeroMQ, which stops the
 * process when it has no memory, are its own business. */
#include "client/txclient_admin.h"
#include "tests/client/fake_cluster.h"
#include "tests/common/test.h"
#include "tests/failing_memory.h"

/* ---- what is done under it; each stops at the first failure and leaves nothing ---- */

static struct fake fake;

static txclient_status do_open(void)
{
    txclient *client = NULL;
    txclient_status status =
        txclient_open(PEER_CLUSTER, peer_endpoint(fake.coordinator), NULL, &client, NULL);
    txclient_close(&client);
    return status;
}

static txclient_status do_interactive(void)
{
    txclient_tx *tx = NULL;
    txclient_value value;
    txclient_status status = txclient_begin(fake.client, NULL, &tx);
    if (status == TXCLIENT_OK) {
        status = txclient_get(tx, txclient_at("a", "s", "k"), &value);
    }
    if (status == TXCLIENT_OK) {
        status = txclient_put(tx, txclient_at("b", "s", "k"), txclient_str("x"));
    }
    if (status == TXCLIENT_OK) {
        status = txclient_tx_reference(tx) != NULL ? TXCLIENT_OK : TXCLIENT_ENOMEM;
    }
    if (status == TXCLIENT_OK) {
        status = txclient_commit(tx);
    }
    txclient_tx_close(&tx);
    return status;
}

static txclient_status do_submit(void)
{
    txclient_value values[3];
    txclient_batch *batch = txclient_batch_new();
    if (batch == NULL) {
        return TXCLIENT_ENOMEM;
    }
    (void)txclient_batch_get(batch, txclient_at("a", "s", "k"));
    (void)txclient_batch_put(batch, txclient_at("b", "s", "k"), txclient_str("x"));
    (void)txclient_batch_delete(batch, txclient_at("b", "s", "l"));
    txclient_status status = txclient_submit(fake.client, batch, NULL, values);
    if (status == TXCLIENT_OK && txclient_detail(fake.client)->results_lost) {
        status = TXCLIENT_ENOMEM; /* committed, but there was no memory for the values */
    }
    txclient_batch_free(&batch);
    return status;
}

static txclient_status do_scan(void)
{
    txclient_tx *tx = NULL;
    txclient_cursor *cursor = NULL;
    txclient_row row;
    txclient_range range = txclient_prefix("a", "s", "k");
    txclient_scan_options options = {.size = sizeof options, .page_rows = 2};
    bool found = true;
    txclient_status status = txclient_begin(fake.client, NULL, &tx);
    if (status == TXCLIENT_OK) {
        status = txclient_scan(tx, &range, &options, &cursor);
    }
    while (status == TXCLIENT_OK && found) {
        status = txclient_scan_next(cursor, &row, &found);
    }
    txclient_scan_close(&cursor);
    txclient_tx_close(&tx);
    return status;
}

static txclient_status told[5];

static void tell(void *arg, const txclient_result *result)
{
    txclient_status *status = arg;
    *status = result->detail->results_lost ? TXCLIENT_ENOMEM : result->status;
}

static void keep(void *arg, const txclient_result *result)
{
    tell(&told[0], result);
    *(txclient_tx **)arg = result->tx;
}

/* The first failure of those that were accepted, else what was not. */
static txclient_status do_async(void)
{
    txclient_tx *tx = NULL;
    txclient_batch *batch = txclient_batch_new();
    if (batch == NULL) {
        return TXCLIENT_ENOMEM;
    }
    for (size_t i = 0; i < 5; i++) {
        told[i] = TXCLIENT_OK;
    }
    (void)txclient_batch_get(batch, txclient_at("a", "s", "k"));
    txclient_status status = txclient_submit_async(fake.client, batch, NULL, tell, &told[1]);
    if (status == TXCLIENT_OK) {
        status = txclient_begin_async(fake.client, NULL, keep, (void *)&tx);
    }
    while (txclient_in_flight(fake.client) > 0) {
        (void)txclient_process(fake.client, -1);
    }
    if (status == TXCLIENT_OK && tx != NULL) {
        status = txclient_execute_async(tx, batch, tell, &told[2]);
        if (status == TXCLIENT_OK) {
            status = txclient_execute_async(tx, batch, tell, &told[3]);
        }
        if (status == TXCLIENT_OK) {
            status = txclient_commit_async(tx, tell, &told[4]);
        }
    }
    while (txclient_in_flight(fake.client) > 0) {
        (void)txclient_process(fake.client, -1);
    }
    for (size_t i = 0; i < 5 && status == TXCLIENT_OK; i++) {
        status = told[i];
    }
    txclient_tx_close(&tx);
    txclient_batch_free(&batch);
    return status;
}

static txclient_status do_outcome(void)
{
    return txclient_outcome(fake.client, "1-7-1@a,b", 0);
}

static txclient_status do_inspect(void)
{
    txclient_node *node = NULL;
    txclient_status status = txclient_inspect(fake.client, NULL, &node);
    txclient_node_free(&node);
    return status;
}

static txclient_status do_locks(void)
{
    txclient_locks *locks = NULL;
    txclient_status status = txclient_locks_ask(fake.client, peer_endpoint(fake.a), NULL, &locks);
    if (status == TXCLIENT_OK && txclient_locks_at(locks, 4) == NULL) {
        status = TXCLIENT_EPROTOCOL; /* a list that is not whole is none */
    }
    txclient_locks_free(&locks);
    return status;
}

static txclient_status do_txs(void)
{
    txclient_txs *txs = NULL;
    txclient_status status = txclient_txs_ask(fake.client, peer_endpoint(fake.a), NULL, &txs);
    if (status == TXCLIENT_OK && txclient_txs_at(txs, 4) == NULL) {
        status = TXCLIENT_EPROTOCOL; /* a list that is not whole is none */
    }
    txclient_txs_free(&txs);
    return status;
}

static txclient_status do_alarms(void)
{
    txclient_alarms *alarms = NULL;
    txclient_status status = txclient_alarms_ask(fake.client, peer_endpoint(fake.a), 0, &alarms);
    if (status == TXCLIENT_OK && txclient_alarms_at(alarms, 4) == NULL) {
        status = TXCLIENT_EPROTOCOL;
    }
    txclient_alarms_free(&alarms);
    return status;
}

/* What may be said when there is no memory: that; or, when an answer could not be taken and none
 * came again in time, what is said of an answer that did not come. */
static bool honest(txclient_status status)
{
    return status == TXCLIENT_ENOMEM || status == TXCLIENT_ABORTED || status == TXCLIENT_UNKNOWN ||
           status == TXCLIENT_EPROTOCOL || status == TXCLIENT_ETIMEOUT;
}

static void exhaust(txclient_status (*work)(void))
{
    unsigned slow = 0;
    for (unsigned long n = 1;; n++) {
        failing_memory_arm(n, FAILING_ALONE);
        txclient_status status = work();
        (void)failing_memory_set(false);
        if (failing_memory_failures() == 0 && (status == TXCLIENT_OK || ++slow == 10)) {
            assert_int_equal(status, TXCLIENT_OK);
            assert_true(n > 1);
            return;
        }
        if (failing_memory_failures() == 0) {
            n--; /* the answers were not there in time, on a busy machine: the same again */
            continue;
        }
        if (status != TXCLIENT_OK && !honest(status)) {
            fail_msg("allocation %lu: %s", n, txclient_status_text(status));
        }
        assert_true(n < 1000);
    }
}

static void test_open(void **state)
{
    (void)state;
    exhaust(do_open);
}

static void test_interactive(void **state)
{
    (void)state;
    exhaust(do_interactive);
}

static void test_submit(void **state)
{
    (void)state;
    exhaust(do_submit);
}

static void test_scan(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.rows_n = 5;
    fake_unlock(&fake);
    exhaust(do_scan);
}

static void test_async(void **state)
{
    (void)state;
    exhaust(do_async);
}

static void test_outcome(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.asked_outcome = TX_OUTCOME_COMMITTED;
    fake_unlock(&fake);
    exhaust(do_outcome);
}

static void test_inspect(void **state)
{
    (void)state;
    exhaust(do_inspect);
}

static void test_locks(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.locks_n = 5;
    fake_unlock(&fake);
    exhaust(do_locks);
}

static void test_txs_and_alarms(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.txs_n = fake.alarms_n = 5;
    fake_unlock(&fake);
    exhaust(do_txs);
    exhaust(do_alarms);
}

/* A new handle for each test, so that none finds the memory of another. */
static int start(void **state)
{
    (void)state;
    fake_start(&fake);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open),    TEST(test_interactive), TEST(test_submit),  TEST(test_scan),
        TEST(test_outcome), TEST(test_async),       TEST(test_inspect), TEST(test_locks),
        TEST(test_outcome), TEST(test_async),       TEST(test_inspect), TEST(test_txs_and_alarms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
