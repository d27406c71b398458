/* Epochs that this coordinator's log never had: a copy of its directory was there. What that copy
 * decided is not known here, so that nothing is presumed of it; its own epochs are presumed as
 * ever. */
#include "tests/coordinator/coord_driver.h"

#include "common/lineage.h"

#include <string.h>

static struct driver d;

#define GAP 100

/* It was at epoch 1 and is at 1 + GAP. */
static int up(void **unused)
{
    (void)unused;
    driver_up(&d);
    d.options.epoch += GAP - 1;
    driver_restart_all(&d);
    driver_welcome_all(&d);
    driver_ignore(&d);
    return 0;
}

static void inquire_of_a_foreign_epoch__no_answer_and_an_alarm(void **unused)
{
    (void)unused;
    inquire(&d, 'a', (struct tx_id){1, 50, 3});
    assert_true(driver_noted(&d, "which this log never had"));
    inquire(&d, 'a', (struct tx_id){1, 50, 3});
    inquire(&d, 'a', (struct tx_id){1, 51, 4});
    assert_int_equal(driver_stats(&d).alarms, 1); /* said once of each participant */
    inquire(&d, 'b', (struct tx_id){1, 50, 3});
    assert_int_equal(driver_stats(&d).alarms, 2);
    assert_false(driver_was_sent(&d, 'a', TX_MSG_ABORT));
    assert_false(driver_was_sent(&d, 'a', TX_MSG_WAIT));
    assert_false(driver_stats(&d).fenced); /* which of the two is the old one is not said by that */
    inquire(&d, 'a', (struct tx_id){1, 1, 3});
    assert_int_equal(driver_sent(&d, 'a', TX_MSG_ABORT)->abort.reason, TX_REASON_PRESUMED);
}

static void outcome_of_a_foreign_epoch_with_several_members__unknown(void **unused)
{
    static const uint64_t epochs[] = {2, GAP, GAP + 2, UINT64_MAX};

    (void)unused;
    for (size_t i = 0; i < sizeof epochs / sizeof epochs[0]; i++) {
        struct tx_id id = {1, epochs[i], 3};
        finish(&d, TX_MSG_OUTCOME_REQUEST, id, "ab");
        const struct tx_msg_outcome *told =
            assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
        assert_non_null(memmem(told->text.data, told->text.len, "never been at epoch", 19));
        finish(&d, TX_MSG_COMMIT_REQUEST, id, "ab");
        (void)assert_outcome(&d, id, TX_OUTCOME_UNKNOWN, TX_REASON_NONE);
    }
    finish(&d, TX_MSG_OUTCOME_REQUEST, (struct tx_id){1, 1, 3}, "ab");
    (void)assert_outcome(&d, (struct tx_id){1, 1, 3}, TX_OUTCOME_ABORTED, TX_REASON_PRESUMED);
}

/* What it has done is true, whoever was its coordinator; what it has forgotten proves nothing. */
static void outcome_of_a_foreign_epoch_with_one_member__what_that_says(void **unused)
{
    static const struct {
        enum tx_state state;
        enum tx_outcome outcome;
    } cases[] = {
        {TX_STATE_COMMITTED, TX_OUTCOME_COMMITTED},
        {TX_STATE_NO, TX_OUTCOME_ABORTED},
        {TX_STATE_FORGOTTEN, TX_OUTCOME_UNKNOWN},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tx_id id = {1, 50, 3 + i};
        finish(&d, TX_MSG_OUTCOME_REQUEST, id, "a");
        assert_true(driver_was_sent(&d, 'a', TX_MSG_INQUIRE));
        state(&d, 'a', id, cases[i].state);
        enum tx_reason reason =
            cases[i].outcome == TX_OUTCOME_ABORTED ? TX_REASON_PRESUMED : TX_REASON_NONE;
        (void)assert_outcome(&d, id, cases[i].outcome, reason);
    }
}

/* While a client waits for it: the same as for any foreign id. */
static void inquire_while_a_foreign_id_is_resolved__no_answer(void **unused)
{
    struct tx_id id = {1, 50, 3};

    (void)unused;
    finish(&d, TX_MSG_OUTCOME_REQUEST, id, "a");
    inquire(&d, 'b', id);
    assert_false(driver_was_sent(&d, 'b', TX_MSG_ABORT));
    assert_int_equal(driver_stats(&d).alarms, 1);
}

/* Only the last starts are remembered: of older ones its own cannot be told from others. */
static void epochs_before_the_lineage__presumed(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < TX_LINEAGE_MAX; i++) {
        d.options.epoch += GAP - 1;
        driver_restart_all(&d);
    }
    driver_welcome_all(&d);
    driver_ignore(&d);
    inquire(&d, 'a', (struct tx_id){1, 50, 3});
    assert_true(driver_was_sent(&d, 'a', TX_MSG_ABORT));
    inquire(&d, 'a', (struct tx_id){1, 50 + 3 * GAP, 3});
    assert_int_equal(driver_stats(&d).alarms, 1);
}

#define TEST(name) cmocka_unit_test_prestate_setup_teardown(name, up, driver_teardown, &d)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(inquire_of_a_foreign_epoch__no_answer_and_an_alarm),
        TEST(outcome_of_a_foreign_epoch_with_several_members__unknown),
        TEST(outcome_of_a_foreign_epoch_with_one_member__what_that_says),
        TEST(inquire_while_a_foreign_id_is_resolved__no_answer),
        TEST(epochs_before_the_lineage__presumed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
