/* Outcomes and reasons. */
#include "common/reason.h"

#include "tests/common/test.h"

static void reasons_have_names_and_say_whether_to_retry(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TX_REASONS_N; i++) {
        assert_non_null(tx_reason_name((enum tx_reason)i));
        assert_true(tx_reason_name((enum tx_reason)i)[0] != '\0');
    }
    assert_string_equal(tx_reason_name(TX_REASON_LOCK_TIMEOUT), "lock-timeout");
    assert_string_equal(tx_reason_name(TX_REASONS_N), "?");
    assert_true(tx_reason_transient(TX_REASON_WOUNDED));
    assert_false(tx_reason_transient(TX_REASON_CHECK));
    assert_false(tx_reason_transient(TX_REASON_NONE));
    assert_false(tx_reason_transient(TX_REASONS_N));
}

static void outcomes_have_names(void **state)
{
    (void)state;
    assert_string_equal(tx_outcome_name(TX_OUTCOME_UNKNOWN), "unknown");
    assert_string_equal(tx_outcome_name(TX_OUTCOME_COMMITTED), "committed");
    assert_string_equal(tx_outcome_name(TX_OUTCOME_ABORTED), "aborted");
    assert_string_equal(tx_outcome_name(TX_OUTCOMES_N), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_have_names_and_say_whether_to_retry),
        cmocka_unit_test(outcomes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
