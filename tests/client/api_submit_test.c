/* One-shots, connections and looking at daemons, against played daemons: what is sent, sent again,
 * given up, and called what. */
#include "tests/client/api_fixture.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* ---- one-shot ---- */

static txclient_batch *transfer(void)
{
    txclient_batch *batch = txclient_batch_new();
    assert_int_equal(txclient_batch_add(batch, at_a(), -5, &(int64_t){0}, NULL), TXCLIENT_OK);
    assert_int_equal(txclient_batch_add(batch, at_b(), 5, NULL, NULL), TXCLIENT_OK);
    return batch;
}

static txclient_submit_options keyed(void)
{
    return (txclient_submit_options){.size = sizeof(txclient_submit_options),
                                     .idempotency_key = txclient_str("order-1")};
}

static void test_submit(void **state)
{
    (void)state;
    txclient_value values[2];
    txclient_batch *batch = transfer();
    expect(txclient_submit(client, batch, NULL, values), TXCLIENT_OK);
    assert_memory_equal(values[1].data, "42", 2);
    assert_string_equal(detail()->reference, "1-7-99@a,b");
    assert_false(detail()->results_lost);
    txclient_batch_free(&batch);
}

static void test_results_that_do_not_fit_are_lost_but_the_outcome_stands(void **state)
{
    (void)state;
    txclient_value values[2];
    txclient_batch *batch = transfer();
    fake_lock(&fake);
    fake.wrong_results = true;
    fake_unlock(&fake);
    expect(txclient_submit(client, batch, NULL, values), TXCLIENT_OK);
    assert_true(detail()->results_lost);
    assert_false(values[0].found);
    txclient_batch_free(&batch);
}

static void test_a_submit_without_a_key_is_sent_once(void **state)
{
    (void)state;
    txclient_batch *batch = transfer();
    fake_lock(&fake);
    fake.ignore[TX_MSG_SUBMIT] = 1;
    fake_unlock(&fake);
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_UNKNOWN);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_SUBMIT), 1);
    assert_string_equal(detail()->reference, "");
    assert_non_null(strstr(detail()->text, "idempotency key"));
    txclient_batch_free(&batch);
}

static void test_a_submit_with_a_key_is_sent_again(void **state)
{
    (void)state;
    txclient_submit_options options = keyed();
    txclient_batch *batch = transfer();
    fake_lock(&fake);
    fake.ignore[TX_MSG_SUBMIT] = 2;
    fake_unlock(&fake);
    expect(txclient_submit(client, batch, &options, NULL), TXCLIENT_OK);
    assert_true(peer_seen(fake.coordinator, TX_MSG_SUBMIT) >= 3);
    fake_lock(&fake);
    assert_false(fake.commit_req_moved);
    assert_int_equal(fake.key_len, 7);
    assert_memory_equal(fake.key, "order-1", 7);
    fake_unlock(&fake);
    txclient_batch_free(&batch);
}

static void test_a_refusal_of_one_copy_proves_nothing_about_another(void **state)
{
    (void)state;
    txclient_submit_options options = keyed();
    txclient_batch *batch = transfer();
    fake_lock(&fake);
    fake.refuse[TX_MSG_SUBMIT] = 1;
    fake_unlock(&fake);
    expect(txclient_submit(client, batch, &options, NULL), TXCLIENT_EREFUSED);
    assert_int_equal(detail()->reason, TXCLIENT_REASON_BUSY);
    assert_non_null(strstr(detail()->text, "the test wants it so"));
    fake_lock(&fake);
    fake.ignore[TX_MSG_SUBMIT] = 1;
    fake.refuse[TX_MSG_SUBMIT] = 1;
    fake_unlock(&fake);
    expect(txclient_submit(client, batch, &options, NULL), TXCLIENT_UNKNOWN);
    txclient_batch_free(&batch);
}

static void test_submit_refuses_what_cannot_work(void **state)
{
    (void)state;
    char key[TXCLIENT_IDEMPOTENCY_KEY_MAX + 1] = {0};
    txclient_submit_options options = keyed();
    txclient_batch *batch = txclient_batch_new();
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_EINVAL);
    (void)txclient_batch_get(batch, at_a());
    options.idempotency_key = txclient_data(key, sizeof key);
    expect(txclient_submit(client, batch, &options, NULL), TXCLIENT_ELIMIT);
    options.idempotency_key = txclient_data(NULL, 3);
    expect(txclient_submit(client, batch, &options, NULL), TXCLIENT_EINVAL);
    (void)txclient_batch_get(batch, txclient_at("a", "s", ""));
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_EINVAL);
    assert_non_null(strstr(detail()->text, "key is empty"));
    txclient_batch_clear(batch);
    for (unsigned i = 0; i <= TXCLIENT_PARTICIPANTS_MAX; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "p%u", i);
        (void)txclient_batch_get(batch, txclient_at(name, "s", "k"));
    }
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_ELIMIT);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_SUBMIT), 0);
    txclient_batch_free(&batch);
}

/* ---- connections ---- */

static void test_without_a_connection_nothing_is_sent(void **state)
{
    (void)state;
    txclient_options options = {.size = sizeof options, .connect_timeout_ms = 100};
    txclient *alone = NULL;
    txclient_tx *tx = NULL;
    txclient_batch *batch = transfer();
    assert_int_equal(txclient_open(PEER_CLUSTER, "tcp://127.0.0.1:1", &options, &alone, NULL),
                     TXCLIENT_OK);
    assert_int_equal(txclient_begin(alone, NULL, &tx), TXCLIENT_EUNREACHABLE);
    assert_null(tx);
    assert_int_equal(txclient_submit(alone, batch, NULL, NULL), TXCLIENT_EUNREACHABLE);
    assert_int_equal(txclient_outcome(alone, "1-7-1", 0), TXCLIENT_EUNREACHABLE);
    assert_non_null(strstr(txclient_detail(alone)->text, "tcp://127.0.0.1:1"));
    txclient_batch_free(&batch);
    txclient_close(&alone);
    txclient_close(&alone);
}

static void test_open_refuses_what_cannot_work(void **state)
{
    (void)state;
    txclient *none = client;
    txclient_why why = {{0}};
    txclient_options options = {.size = sizeof options, .name = "no name"};
    assert_int_equal(txclient_open("", "tcp://127.0.0.1:1", NULL, &none, &why), TXCLIENT_EINVAL);
    assert_null(none);
    assert_int_equal(txclient_open("c", "127.0.0.1:1", NULL, &none, &why), TXCLIENT_EINVAL);
    assert_non_null(strstr(why.text, "127.0.0.1:1"));
    assert_int_equal(txclient_open("c", "tcp://nonsense", NULL, &none, &why), TXCLIENT_EINVAL);
    assert_int_equal(txclient_open("c", "tcp://127.0.0.1:1", &options, &none, NULL),
                     TXCLIENT_EINVAL);
    assert_int_equal(txclient_open_file("/nowhere", &none, &why), TXCLIENT_ECONFIG);
    assert_non_null(strstr(why.text, "/nowhere"));
    /* A program that was built with a shorter struct gives less. */
    options.size = sizeof options.size;
    assert_int_equal(txclient_open("c", "tcp://127.0.0.1:1", &options, &none, NULL), TXCLIENT_OK);
    txclient_close(&none);
}

static void test_another_cluster_is_told(void **state)
{
    (void)state;
    txclient_tx *tx = NULL;
    fake_lock(&fake);
    fake.foreign = true;
    fake_unlock(&fake);
    expect(txclient_begin(client, NULL, &tx), TXCLIENT_EPROTOCOL);
    assert_non_null(strstr(detail()->text, "cluster \"other\""));
}

static void test_bytes_that_are_no_frame_are_passed_over(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.garbage = true;
    fake_unlock(&fake);
    txclient_tx *tx = begin();
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

static void test_a_late_answer_is_nobody_elses(void **state)
{
    (void)state;
    txclient_tx *tx = NULL;
    fake_lock(&fake);
    fake.ignore[TX_MSG_BEGIN] = 1000;
    fake_unlock(&fake);
    expect(txclient_begin(client, NULL, &tx), TXCLIENT_ETIMEOUT);
    fake_lock(&fake);
    fake.ignore[TX_MSG_BEGIN] = 0;
    fake_unlock(&fake);
    tx = begin();
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

static void test_inspect(void **state)
{
    (void)state;
    txclient_node *node = NULL;
    expect(txclient_inspect(client, NULL, &node), TXCLIENT_OK);
    assert_string_equal(txclient_node_get(node, "epoch"), "7");
    assert_null(txclient_node_get(node, "nothing"));
    assert_string_equal(txclient_node_field_at(node, 0)->name, "role");
    assert_null(txclient_node_field_at(node, 2));
    assert_string_equal(txclient_node_tx_at(node, 0)->id, "1-7-5");
    assert_int_equal(txclient_node_tx_at(node, 0)->age_ms, 1234);
    assert_null(txclient_node_tx_at(node, 1));
    assert_string_equal(txclient_node_peer_at(node, 0)->state, "up");
    assert_int_equal(txclient_node_peer_at(node, 0)->start, 3);
    assert_null(txclient_node_peer_at(node, 1));
    txclient_node_free(&node);
    txclient_node_free(&node);
    expect(txclient_inspect(client, peer_endpoint(fake.coordinator), &node), TXCLIENT_OK);
    txclient_node_free(&node);
    expect(txclient_inspect(client, "nowhere", &node), TXCLIENT_EINVAL);
    assert_null(node);
}

/* ---- texts ---- */

static void test_texts(void **state)
{
    (void)state;
    for (int status = TXCLIENT_OK; status <= TXCLIENT_ESYSTEM; status++) {
        assert_string_not_equal(txclient_status_text((txclient_status)status), "unknown status");
    }
    assert_string_equal(txclient_status_text((txclient_status)99), "unknown status");
    assert_string_equal(txclient_reason_name(TXCLIENT_REASON_LOCK_TIMEOUT), "lock-timeout");
    assert_false(txclient_reason_transient(TXCLIENT_REASON_CHECK));
    assert_string_equal(txclient_version(), ASSENT_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_submit),
        TEST(test_results_that_do_not_fit_are_lost_but_the_outcome_stands),
        TEST_LOSSY(test_a_submit_without_a_key_is_sent_once),
        TEST_LOSSY(test_a_submit_with_a_key_is_sent_again),
        TEST_LOSSY(test_a_refusal_of_one_copy_proves_nothing_about_another),
        TEST(test_submit_refuses_what_cannot_work),
        TEST(test_without_a_connection_nothing_is_sent),
        TEST(test_open_refuses_what_cannot_work),
        TEST_LOSSY(test_another_cluster_is_told),
        TEST(test_bytes_that_are_no_frame_are_passed_over),
        TEST_LOSSY(test_a_late_answer_is_nobody_elses),
        TEST(test_inspect),
        TEST(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
