/* Error texts and sentences. */
#include "common/error.h"

#include "tests/common/test.h"

#include <string.h>

static void every_error_has_a_text_and_its_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TX_ERRORS_N; i++) {
        assert_true(strlen(tx_error_text((enum tx_error)i)) > 0);
        assert_memory_equal(tx_error_name((enum tx_error)i), "TX_", 3);
    }
    assert_string_equal(tx_error_text(TX_EIO), "input/output error");
    assert_string_equal(tx_error_name(TX_EIO), "TX_EIO");
}

static void a_number_that_is_no_error_has_a_text_too(void **state)
{
    (void)state;
    assert_string_equal(tx_error_text(TX_ERRORS_N), "unknown error");
    assert_non_null(tx_error_name((enum tx_error)4000));
}

static void why_writes_the_sentence_and_passes_the_error_on(void **state)
{
    (void)state;
    struct tx_why why;
    assert_int_equal(tx_why(&why, TX_EBUSY, "port %d is taken", 7400), TX_EBUSY);
    assert_string_equal(why.text, "port 7400 is taken");
    assert_int_equal(tx_why(NULL, TX_EIO, "%s", "nobody reads this"), TX_EIO);
}

static void why_cuts_a_long_sentence(void **state)
{
    (void)state;
    char longer[2 * sizeof((struct tx_why *)0)->text];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    struct tx_why why;
    assert_int_equal(tx_why(&why, TX_EINVAL, "%s", longer), TX_EINVAL);
    assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_text_and_its_name),
        cmocka_unit_test(a_number_that_is_no_error_has_a_text_too),
        cmocka_unit_test(why_writes_the_sentence_and_passes_the_error_on),
        cmocka_unit_test(why_cuts_a_long_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
