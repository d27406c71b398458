/* txclient_locks_ask(): pages put together, cut, begun anew; what it refuses to ask. */
#include "tests/client/fake_cluster.h"

#include "tests/common/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fake fake;

static int start_lossy(void **state)
{
    (void)state;
    fake_start(&fake);
    fake.locks_n = 5;
    return 0;
}

static int start(void **state)
{
    (void)start_lossy(state);
    fake_be_patient(&fake);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    return 0;
}

static txclient_locks *ask(const txclient_locks_query *query, txclient_status wanted)
{
    txclient_locks *locks = NULL;
    txclient_status status = txclient_locks_ask(fake.client, peer_endpoint(fake.a), query, &locks);
    if (status != wanted) {
        fail_msg("%s: %s", txclient_status_text(status), txclient_detail(fake.client)->text);
    }
    assert_true((locks != NULL) == (wanted == TXCLIENT_OK));
    return locks;
}

/* The rows of transactions 1-7-1 to 1-7-n. */
static void expect_rows(txclient_locks *locks, size_t n, bool more, unsigned requests)
{
    for (size_t i = 0; i < n; i++) {
        char id[32];
        const txclient_lock_row *row = txclient_locks_at(locks, i);
        (void)snprintf(id, sizeof id, "1-7-%zu", i + 1);
        assert_non_null(row);
        assert_string_equal(row->tx, id);
        assert_string_equal(row->state, "working");
        assert_int_equal(row->age, i + 1);
        assert_true(row->key.len == 1 && row->to.len == 0 && row->to.data != NULL);
        assert_int_equal(row->waiting, i > 0);
        assert_int_equal(row->blockers_n, i > 0 ? 1 : 0);
        if (i > 0) {
            assert_string_equal(row->blockers[0].tx, "1-7-1");
            assert_string_equal(row->blockers[0].state, "prepared");
        }
    }
    assert_null(txclient_locks_at(locks, n));
    assert_int_equal(txclient_locks_more(locks), more);
    fake_lock(&fake);
    assert_int_equal(fake.locks_requests, requests);
    fake.locks_requests = 0;
    fake_unlock(&fake);
    txclient_locks_free(&locks);
    assert_null(locks);
    txclient_locks_free(&locks);
}

static void test_pages_become_one_list(void **state)
{
    (void)state;
    expect_rows(ask(NULL, TXCLIENT_OK), 5, false, 3);
    const txclient_locks_query four = {.size = sizeof four, .rows_max = 4};
    expect_rows(ask(&four, TXCLIENT_OK), 4, true, 2);
    const txclient_locks_query three = {.size = sizeof three, .rows_max = 3};
    expect_rows(ask(&three, TXCLIENT_OK), 3, true, 2);
    fake_lock(&fake);
    assert_int_equal(fake.locks_request.limit, 1); /* what was missing to three */
    fake.locks_greedy = true;
    fake_unlock(&fake);
    expect_rows(ask(&three, TXCLIENT_OK), 3, true, 1);
    fake_lock(&fake);
    fake.locks_greedy = false;
    fake.locks_empty_page = true;
    fake_unlock(&fake);
    expect_rows(ask(NULL, TXCLIENT_OK), 5, false, 4);
    fake_lock(&fake);
    fake.locks_n = 0;
    fake_unlock(&fake);
    expect_rows(ask(NULL, TXCLIENT_OK), 0, false, 1);
}

static void test_what_is_asked(void **state)
{
    (void)state;
    const txclient_locks_query query = {
        .size = sizeof query, .waiting = true, .space = "accounts", .tx = "3-7-42"};
    txclient_locks *locks = ask(&query, TXCLIENT_OK);
    txclient_locks_free(&locks);
    fake_lock(&fake);
    assert_true(fake.locks_request.waiting);
    assert_int_equal(fake.locks_request.space.len, 8);
    assert_true(tx_id_equal(fake.locks_request.tx, (struct tx_id){3, 7, 42}));
    assert_int_equal(fake.locks_request.limit, 996); /* of the last page: a thousand in all */
    fake_unlock(&fake);
}

static void test_a_restart_between_two_pages(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.locks_restart_at = 3;
    fake.refusal = TX_ESTATE;
    fake.refusal_reason = TX_REASON_RESTARTED;
    fake_unlock(&fake);
    expect_rows(ask(NULL, TXCLIENT_OK), 5, false, 5);
    fake_lock(&fake);
    fake.refuse[TX_MSG_LOCKS_REQUEST] = 2; /* again and again: then it says so */
    fake_unlock(&fake);
    assert_null(ask(NULL, TXCLIENT_EREFUSED));
    assert_int_equal(txclient_detail(fake.client)->reason, TXCLIENT_REASON_RESTARTED);
}

static void test_no_answer(void **state)
{
    (void)state;
    fake_lock(&fake);
    fake.ignore[TX_MSG_LOCKS_REQUEST] = 1;
    fake_unlock(&fake);
    txclient_locks *locks = ask(NULL, TXCLIENT_OK); /* the second copy is answered */
    txclient_locks_free(&locks);
    fake_lock(&fake);
    fake.ignore[TX_MSG_LOCKS_REQUEST] = 1000;
    fake_unlock(&fake);
    assert_null(ask(NULL, TXCLIENT_ETIMEOUT));
}

static void test_what_is_never_asked(void **state)
{
    (void)state;
    char space[TXCLIENT_SPACE_MAX + 2];
    memset(space, 's', sizeof space - 1);
    space[sizeof space - 1] = '\0';
    const txclient_locks_query queries[] = {
        {.size = 1},
        {.size = sizeof queries[0], .tx = "1-7"},
        {.size = sizeof queries[0], .tx = ""},
        {.size = sizeof queries[0], .space = ""},
        {.size = sizeof queries[0], .space = space},
        {.size = sizeof queries[0], .rows_max = TXCLIENT_LOCK_ROWS_MAX + 1},
    };
    txclient_locks *locks = NULL;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_null(ask(&queries[i], TXCLIENT_EINVAL));
    }
    assert_int_equal(txclient_locks_ask(fake.client, "nowhere", NULL, &locks), TXCLIENT_EINVAL);
    assert_int_equal(txclient_locks_ask(fake.client, NULL, NULL, &locks), TXCLIENT_EINVAL);
    assert_non_null(strstr(txclient_detail(fake.client)->text, "no address is given"));
    assert_null(locks);
    fake_lock(&fake);
    assert_int_equal(fake.locks_requests, 0);
    fake_unlock(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)
        TEST(test_pages_become_one_list),
        TEST(test_what_is_asked),
        TEST(test_a_restart_between_two_pages),
        cmocka_unit_test_setup_teardown(test_no_answer, start_lossy, stop),
        TEST(test_what_is_never_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
