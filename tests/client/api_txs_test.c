/* txclient_txs_ask(), txclient_alarms_ask(): pages put together, cut, begun anew; decisions, and
 * what is never asked. */
#include "client/txclient_admin.h"
#include "tests/client/fake_cluster.h"

#include "tests/common/test.h"

#include <stdio.h>
#include <string.h>

static struct fake fake;

static int start(void **state)
{
    (void)state;
    fake_start(&fake);
    fake_be_patient(&fake);
    fake_lock(&fake);
    fake.txs_n = fake.alarms_n = 5;
    fake_unlock(&fake);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    return 0;
}

static void test_pages(void **state)
{
    (void)state;
    const txclient_txs_query query = {.size = sizeof query, .rows_max = 3};
    txclient_txs *txs = NULL;
    assert_int_equal(txclient_txs_ask(fake.client, peer_endpoint(fake.a), NULL, &txs), TXCLIENT_OK);
    for (size_t i = 0; i < 5; i++) {
        char id[32];
        const txclient_tx_row *row = txclient_txs_at(txs, i);
        (void)snprintf(id, sizeof id, "1-7-%zu", i + 1);
        assert_non_null(row);
        assert_string_equal(row->tx, id);
        assert_string_equal(row->mode, "members");
        assert_string_equal(row->waits, "members");
        assert_int_equal(row->members_n, 1);
        assert_string_equal(row->members[0].said, "yes");
    }
    assert_true(txclient_txs_at(txs, 5) == NULL && !txclient_txs_more(txs));
    txclient_txs_free(&txs);
    assert_int_equal(txclient_txs_ask(fake.client, peer_endpoint(fake.a), &query, &txs),
                     TXCLIENT_OK);
    assert_true(txclient_txs_at(txs, 3) == NULL && txclient_txs_more(txs));
    txclient_txs_free(&txs);
}

static void test_alarms(void **state)
{
    (void)state;
    txclient_alarms *alarms = NULL;
    assert_int_equal(txclient_alarms_ask(fake.client, peer_endpoint(fake.a), 0, &alarms),
                     TXCLIENT_OK);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(txclient_alarms_at(alarms, i)->number, 5 - i);
        assert_int_equal(txclient_alarms_at(alarms, i)->time_ms, 1005 - i);
        assert_string_equal(txclient_alarms_at(alarms, i)->tx, "");
    }
    assert_null(txclient_alarms_at(alarms, 5));
    txclient_alarms_free(&alarms);
    assert_int_equal(txclient_alarms_ask(fake.client, peer_endpoint(fake.a), 3, &alarms),
                     TXCLIENT_OK);
    assert_null(txclient_alarms_at(alarms, 3));
    txclient_alarms_free(&alarms);
}

static void answer_with(enum tx_error error)
{
    fake_lock(&fake);
    fake.refuse[TX_MSG_RESOLVE] = fake.refuse[TX_MSG_PUT_ASIDE] = 1;
    fake.refusal = error;
    fake.refusal_reason = TX_REASON_NONE;
    fake_unlock(&fake);
}

static void test_decisions(void **state)
{
    (void)state;
    const char *a = peer_endpoint(fake.a);
    answer_with(TX_OK);
    assert_int_equal(txclient_resolve(fake.client, a, "1-7-42", true, "alice"), TXCLIENT_OK);
    assert_int_equal(txclient_put_aside(fake.client, a, "1-7-42", false, "alice"), TXCLIENT_OK);
    assert_string_equal(txclient_detail(fake.client)->text, "");
    fake_lock(&fake);
    assert_true(tx_id_equal(fake.decided, (struct tx_id){1, 7, 42}));
    fake_unlock(&fake);
    answer_with(TX_ESTATE);
    assert_int_equal(txclient_resolve(fake.client, a, "1-7-42", true, "alice"), TXCLIENT_EREFUSED);
    assert_non_null(strstr(txclient_detail(fake.client)->text, "the test wants it so"));
    assert_int_equal(txclient_resolve(fake.client, a, "42", true, "alice"), TXCLIENT_EINVAL);
    assert_int_equal(txclient_resolve(fake.client, a, "1-7-42", true, "a b"), TXCLIENT_EINVAL);
    assert_int_equal(txclient_put_aside(fake.client, a, "1-7-42", true, ""), TXCLIENT_EINVAL);
}

static void test_what_is_never_asked(void **state)
{
    (void)state;
    txclient_txs *txs = NULL;
    txclient_txs_query query = {.size = sizeof query, .tx = "1-7"};
    assert_int_equal(txclient_txs_ask(fake.client, NULL, &query, &txs), TXCLIENT_EINVAL);
    query = (txclient_txs_query){.size = 1};
    assert_int_equal(txclient_txs_ask(fake.client, NULL, &query, &txs), TXCLIENT_EINVAL);
    query = (txclient_txs_query){.size = sizeof query, .rows_max = TXCLIENT_TX_ROWS_MAX + 1};
    assert_int_equal(txclient_txs_ask(fake.client, NULL, &query, &txs), TXCLIENT_EINVAL);
    assert_null(txs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages, start, stop),
        cmocka_unit_test_setup_teardown(test_alarms, start, stop),
        cmocka_unit_test_setup_teardown(test_decisions, start, stop),
        cmocka_unit_test_setup_teardown(test_what_is_never_asked, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
