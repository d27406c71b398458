/* The retry helper against played daemons: what runs again, and what never does. */
#include "tests/client/fake_cluster.h"
#include "tests/common/pace.h"
#include "tests/common/test.h"

#include <string.h>

static struct fake fake;
static txclient *client;

static txclient_retry_options patient = {.size = sizeof(txclient_retry_options),
                                         .attempts_max = 5,
                                         .time_max_ms = 10000,
                                         .backoff_ms = 1};

static int start(void **state)
{
    (void)state;
    patient.time_max_ms = pace_ms(FAKE_PATIENCE_MS); /* for many questions without an answer */
    fake_start(&fake);
    client = fake.client;
    return 0;
}

static int start_patient(void **state)
{
    (void)start(state);
    fake_be_patient(&fake);
    client = fake.client;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    return 0;
}

static void expect(txclient_status status, txclient_status expected)
{
    if (status != expected) {
        fail_msg("\"%s\" (%s) instead of \"%s\"", txclient_status_text(status),
                 txclient_detail(client)->text, txclient_status_text(expected));
    }
}

static unsigned runs;

static txclient_status put_once(txclient_tx *tx, void *arg)
{
    runs++;
    return txclient_put(tx, txclient_at("a", "s", "k"), txclient_str(arg));
}

static void test_run_keeps_its_age(void **state)
{
    (void)state;
    runs = 0;
    fake_lock(&fake);
    fake.abort_operates = 2;
    fake_unlock(&fake);
    expect(txclient_run(client, &patient, put_once, (void *)"x"), TXCLIENT_OK);
    assert_int_equal(runs, 3);
    fake_lock(&fake);
    assert_int_equal(fake.begins, 3);
    assert_int_equal(fake.ages[0].counter, 0);
    assert_int_equal(fake.ages[1].counter, 101);
    assert_int_equal(fake.ages[2].counter, 101);
    fake_unlock(&fake);
}

static void test_run_gives_up(void **state)
{
    (void)state;
    runs = 0;
    fake_lock(&fake);
    fake.commit_outcome = TX_OUTCOME_ABORTED;
    fake_unlock(&fake);
    expect(txclient_run(client, &patient, put_once, (void *)"x"), TXCLIENT_ABORTED);
    assert_int_equal(runs, 5);
    assert_int_equal(txclient_detail(client)->reason, TXCLIENT_REASON_WOUNDED);
}

static void test_run_stops_at_what_will_not_pass(void **state)
{
    (void)state;
    runs = 0;
    fake_lock(&fake);
    fake.abort_operates = 1;
    fake.abort_reason = TX_REASON_FLOOR;
    fake_unlock(&fake);
    expect(txclient_run(client, &patient, put_once, (void *)"x"), TXCLIENT_ABORTED);
    assert_int_equal(runs, 1);
    assert_int_equal(txclient_detail(client)->reason, TXCLIENT_REASON_FLOOR);
}

static void test_run_waits_out_a_busy_coordinator(void **state)
{
    (void)state;
    runs = 0;
    fake_lock(&fake);
    fake.refuse[TX_MSG_BEGIN] = 2;
    fake_unlock(&fake);
    expect(txclient_run(client, &patient, put_once, (void *)"x"), TXCLIENT_OK);
    assert_int_equal(runs, 1);
}

/* The rule that matters most: what may have committed is not done again. */
static void test_run_never_runs_again_while_unknown(void **state)
{
    (void)state;
    runs = 0;
    fake_lock(&fake);
    fake.ignore[TX_MSG_COMMIT_REQUEST] = 1000;
    fake.ignore[TX_MSG_OUTCOME_REQUEST] = 20; /* through several questions */
    fake.asked_outcome = TX_OUTCOME_COMMITTED;
    fake_unlock(&fake);
    expect(txclient_run(client, &patient, put_once, (void *)"x"), TXCLIENT_OK);
    assert_int_equal(runs, 1);
    fake_lock(&fake);
    assert_int_equal(fake.begins, 1);
    fake_unlock(&fake);
}

static void test_run_may_run_again_once_it_is_known_to_have_aborted(void **state)
{
    (void)state;
    runs = 0;
    fake_lock(&fake);
    fake.commit_outcome = TX_OUTCOME_UNKNOWN;
    fake.asked_outcome = TX_OUTCOME_ABORTED;
    fake.abort_reason = TX_REASON_PRESUMED;
    fake_unlock(&fake);
    txclient_retry_options twice = patient;
    twice.attempts_max = 2;
    expect(txclient_run(client, &twice, put_once, (void *)"x"), TXCLIENT_ABORTED);
    assert_int_equal(runs, 2);
}

static void test_run_ends_unknown_when_its_time_is_over(void **state)
{
    (void)state;
    runs = 0;
    fake_lock(&fake);
    fake.commit_outcome = TX_OUTCOME_UNKNOWN;
    fake_unlock(&fake);
    txclient_retry_options hasty = patient;
    hasty.time_max_ms = pace_ms(300);
    expect(txclient_run(client, &hasty, put_once, (void *)"x"), TXCLIENT_UNKNOWN);
    assert_int_equal(runs, 1);
    assert_string_equal(txclient_detail(client)->reference, "1-7-1@a");
}

static txclient_status give_up(txclient_tx *tx, void *arg)
{
    (void)arg;
    runs++;
    return txclient_put(tx, txclient_at("nobody", "s", "k"), txclient_str("x"));
}

static void test_run_aborts_when_the_work_gives_up(void **state)
{
    (void)state;
    runs = 0;
    expect(txclient_run(client, &patient, give_up, NULL), TXCLIENT_EINVAL);
    assert_int_equal(runs, 1);
    assert_non_null(strstr(txclient_detail(client)->text, "nobody"));
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_ABORT_REQUEST), 1);
    assert_int_equal(peer_seen(fake.coordinator, TX_MSG_COMMIT_REQUEST), 0);
}

#define TEST(name)       cmocka_unit_test_setup_teardown(name, start_patient, stop)
#define TEST_LOSSY(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_run_keeps_its_age),
        TEST(test_run_gives_up),
        TEST(test_run_stops_at_what_will_not_pass),
        TEST(test_run_waits_out_a_busy_coordinator),
        TEST_LOSSY(test_run_never_runs_again_while_unknown),
        TEST(test_run_may_run_again_once_it_is_known_to_have_aborted),
        TEST_LOSSY(test_run_ends_unknown_when_its_time_is_over),
        TEST(test_run_aborts_when_the_work_gives_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
