/* The statements of a line of txctl shell. */
#include "client/txctl/shell_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The statements of the line, with "|" between. */
static const char *split(const char *line)
{
    static char out[512];
    size_t at = 0, begin, end, used = 0;

    out[0] = '\0';
    while (shell_split_next(line, &at, &begin, &end)) {
        assert_true(begin < end && end <= strlen(line));
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%.*s", used > 0 ? "|" : "",
                                 (int)(end - begin), line + begin);
    }
    return out;
}

static void test_statements(void **state)
{
    (void)state;
    assert_string_equal(split(""), "");
    assert_string_equal(split(" \t\r\n"), "");
    assert_string_equal(split(";; ;"), "");
    assert_string_equal(split("begin"), "begin");
    assert_string_equal(split("  begin ;put a/t/x 1;\tcommit  ;\n"), "begin|put a/t/x 1|commit");
}

static void test_comments(void **state)
{
    (void)state;
    assert_string_equal(split("# nothing; at all"), "");
    assert_string_equal(split("get a/t/x # and; more"), "get a/t/x");
    assert_string_equal(split("get a/t/x#y;status"), "get a/t/x#y|status");
    assert_string_equal(split("begin;# end"), "begin");
}

static void test_quotes_and_escapes(void **state)
{
    (void)state;
    assert_string_equal(split("put a/t/x 'a;b#c' ; commit"), "put a/t/x 'a;b#c'|commit");
    assert_string_equal(split("put a/t/x \"a\\\";b\";commit"), "put a/t/x \"a\\\";b\"|commit");
    assert_string_equal(split("put a/t/x 'a\\';commit"), "put a/t/x 'a\\'|commit");
    assert_string_equal(split("put a/t/x a\\;b;commit"), "put a/t/x a\\;b|commit");
    assert_string_equal(split("put a/t/x \\# ;commit"), "put a/t/x \\#|commit");
    assert_string_equal(split("put a/t/x 'never closed;"), "put a/t/x 'never closed;");
    assert_string_equal(split("put a/t/x \"ends in a backslash\\"),
                        "put a/t/x \"ends in a backslash\\");
    assert_string_equal(split("get \\"), "get \\");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_quotes_and_escapes),
    };
    return cmocka_run_group_tests_name("shell_split", tests, NULL, NULL);
}
