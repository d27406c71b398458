/* TXS and ALARMS: what the coordinator says of open transactions in each state, in pages, and the
 * alarms that it keeps. */
#include "coord_driver.h"

#include "common/bytes.h"

#include <stdio.h>
#include <string.h>

static struct driver d;

static int setup(void **unused)
{
    (void)unused;
    driver_init(&d);
    d.options.wall_zero_ms = 5000000;
    driver_start(&d);
    driver_welcome_all(&d);
    driver_quiet(&d);
    return 0;
}

static const struct tx_msg_txs *ask(const struct tx_msg_txs_request *request)
{
    struct tx_msg msg = {.type = TX_MSG_TXS_REQUEST, .txs_request = *request};
    msg.txs_request.req = 5;
    driver_client(&d, CLIENT, &msg);
    const struct tx_msg_txs *txs = &driver_replied(&d, CLIENT, TX_MSG_TXS)->txs;
    assert_int_equal(txs->req, 5);
    return txs;
}

static struct tx_open_row row_at(struct tx_id id, int line)
{
    const struct tx_msg_txs *txs = ask(&(struct tx_msg_txs_request){.tx = id});
    if (txs->rows_n != 1 || !tx_id_equal(txs->rows[0].id, id)) {
        fail_msg("line %d: %zu rows", line, txs->rows_n);
    }
    return txs->rows[0];
}
#define row_of(id) row_at((id), __LINE__)

static void each_state(void **unused)
{
    (void)unused;
    struct tx_id id = begin(&d);
    join(&d, 'b', id);
    struct tx_open_row row = row_of(id);
    assert_int_equal(row.waits, TX_WAITS_CLIENT);
    assert_int_equal(row.mode, TX_OPEN_UNDECIDED);
    assert_int_equal(row.members_n, 1);
    assert_int_equal(row.members[0].said, TX_SAID_JOINED);
    assert_true(!row.in_doubt && !row.tries);

    commit_request(&d, id, "ab");
    vote(&d, 'a', id, TX_VOTE_YES, 0);
    driver_pass(&d, 10000);
    row = row_of(id);
    assert_int_equal(row.waits, TX_WAITS_VOTES);
    assert_int_equal(row.mode, TX_OPEN_COORDINATOR);
    assert_int_equal(row.age_ms, 10);
    assert_int_equal(row.members_n, 2);
    assert_true(row.members[0].said == TX_SAID_YES && !row.members[0].waited_for);
    assert_true(row.members[1].said == TX_SAID_JOINED && row.members[1].waited_for);
    assert_true(row.in_doubt && row.tries && row.tried == 1 && row.next_ms > 0);

    vote(&d, 'b', id, TX_VOTE_YES, 0);
    assert_int_equal(row_of(id).waits, TX_WAITS_LOG);
    driver_durable(&d);
    ack(&d, 'a', id);
    row = row_of(id);
    assert_int_equal(row.waits, TX_WAITS_ACKNOWLEDGEMENTS);
    assert_true(row.members[0].said == TX_SAID_ACKNOWLEDGED && !row.members[0].waited_for);
    assert_true(row.members[1].said == TX_SAID_YES && row.members[1].waited_for);
    assert_true(row.lsn.n > 0);

    driver_restart_all(&d);
    row = row_of(id);
    assert_true(row.recovered && row.in_doubt);
    assert_int_equal(row.members[1].said, TX_SAID_YES);
    driver_welcome_all(&d);
    ack(&d, 'a', id);
    ack(&d, 'b', id);
    driver_durable(&d);
    assert_int_equal(ask(&(struct tx_msg_txs_request){0})->rows_n, 0);
    assert_true(tx_bytes_equal(row_of(id).state, tx_bytes_str("finished-committed")));
    driver_ignore(&d);
}

static void a_key_is_shown(void **unused)
{
    (void)unused;
    struct tx_id id = submit(&d, "ab", "order-1");
    assert_true(tx_bytes_equal(row_of(id).key, tx_bytes_str("order-1")));
    driver_ignore(&d);
}

static void pages(void **unused)
{
    (void)unused;
    struct tx_id ids[5];
    struct tx_msg_txs_request request = {.limit = 2};
    size_t n = 0;
    for (size_t i = 0; i < 5; i++) {
        ids[i] = begin(&d);
        driver_pass(&d, 20000);
    }
    for (bool more = true; more;) {
        const struct tx_msg_txs *txs = ask(&request);
        assert_true(txs->rows_n <= 2);
        for (size_t i = 0; i < txs->rows_n; i++)
            assert_true(tx_id_equal(txs->rows[i].id, ids[n++]));
        more = txs->more;
        request.from = txs->next;
    }
    assert_int_equal(n, 5);
    commit_request(&d, ids[3], "ab");
    const struct tx_msg_txs *txs = ask(&(struct tx_msg_txs_request){.in_doubt = true});
    assert_int_equal(txs->rows_n, 1);
    assert_true(tx_id_equal(txs->rows[0].id, ids[3]));
    assert_int_equal(ask(&(struct tx_msg_txs_request){.older_ms = 70})->rows_n, 2);
    driver_ignore(&d);
}

static const struct tx_msg_alarms *alarms(uint32_t limit, uint64_t before)
{
    struct tx_msg msg = {.type = TX_MSG_ALARMS_REQUEST,
                         .alarms_request = {.req = 6, .limit = limit, .before = before}};
    driver_client(&d, CLIENT, &msg);
    return &driver_replied(&d, CLIENT, TX_MSG_ALARMS)->alarms;
}

/* An acknowledgement of what was never committed raises one. */
static void alarms_keep_their_time(void **unused)
{
    (void)unused;
    struct tx_id id = next_id(&d);
    uint64_t raised[2];
    for (unsigned i = 0; i < 2; i++) {
        id.seq += 100;
        ack(&d, i == 0 ? 'a' : 'b', id);
        raised[i] = 5000000 + d.now / 1000;
        driver_pass(&d, 3 * SECOND_US);
    }
    for (int round = 0; round < 2; round++) {
        const struct tx_msg_alarms *page = alarms(1, 0);
        assert_true(page->rows_n == 1 && page->more);
        assert_int_equal(page->rows[0].time_ms, raised[1]);
        assert_int_equal(page->rows[0].id.seq, id.seq);
        page = alarms(1, page->rows[0].number);
        assert_true(page->rows_n == 1 && !page->more);
        assert_int_equal(page->rows[0].time_ms, raised[0]);
        driver_restart_all(&d);
    }
    driver_ignore(&d);
}

#define TEST(name) cmocka_unit_test_prestate_setup_teardown(name, setup, driver_teardown, &d)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_state),
        TEST(a_key_is_shown),
        TEST(pages),
        TEST(alarms_keep_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
