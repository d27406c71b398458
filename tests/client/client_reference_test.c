/* References to transactions. */
#include "client/client_reference.h"

#include "tests/common/test.h"

#include <string.h>

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {"1-7-42", "1-7-42@a", "65535-1-1@a,b-2,c_3.d",
                                        "10-100-18446744073709551615@a"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct client_reference parsed;
        struct tx_buf buf = {0};
        assert_int_equal(client_reference_parse(texts[i], &parsed, NULL), TX_OK);
        client_reference_print(parsed.id, parsed.members, parsed.members_n, &buf);
        assert_false(buf.failed);
        assert_string_equal((const char *)buf.data, texts[i]);
        tx_buf_deinit(&buf);
    }
}

static void refuse(const char *text, enum tx_error error, const char *part)
{
    struct client_reference parsed;
    struct tx_why why = {{0}};
    assert_int_equal(client_reference_parse(text, &parsed, &why), error);
    assert_non_null(strstr(why.text, part));
}

static void test_what_is_none(void **state)
{
    (void)state;
    refuse("", TX_EFORMAT, "no transaction id");
    refuse("1-7", TX_EFORMAT, "\"1-7\"");
    refuse("1-7-0", TX_EFORMAT, "no transaction id");
    refuse("@a", TX_EFORMAT, "no transaction id");
    refuse("1-7-42@", TX_EFORMAT, "no participant's name");
    refuse("1-7-42@a,", TX_EFORMAT, "no participant's name");
    refuse("1-7-42@a,,b", TX_EFORMAT, "no participant's name");
    refuse("1-7-42@a b", TX_EFORMAT, "\"a b\"");
    refuse("1-7-42 ", TX_EFORMAT, "no transaction id");
    char text[400];
    memset(text, '7', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    refuse(text, TX_EFORMAT, "no transaction id");
}

static void test_as_many_as_a_transaction_may_have(void **state)
{
    (void)state;
    char text[8 + 2 * (TX_MEMBERS_MAX + 1)] = "1-7-42@a";
    struct client_reference parsed;
    for (unsigned i = 1; i < TX_MEMBERS_MAX; i++) {
        strcat(text, ",a");
    }
    assert_int_equal(client_reference_parse(text, &parsed, NULL), TX_OK);
    assert_int_equal(parsed.members_n, TX_MEMBERS_MAX);
    strcat(text, ",a");
    refuse(text, TX_ELIMIT, "64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_as_many_as_a_transaction_may_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
