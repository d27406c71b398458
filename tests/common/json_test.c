/* The JSON writer. */
#include "common/json.h"

#include "tests/common/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *text;
static size_t len;
static FILE *out;
static struct json json;

static int begin(void **state)
{
    (void)state;
    out = open_memstream(&text, &len);
    assert_non_null(out);
    json_init(&json, out);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(text);
    return 0;
}

static void expect(const char *expected)
{
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
}

static void test_commas_and_nesting(void **state)
{
    (void)state;
    json_object_begin(&json);
    json_member(&json, "a", "x");
    json_key(&json, "b");
    json_array_begin(&json);
    json_u64(&json, UINT64_MAX);
    json_i64(&json, INT64_MIN);
    json_array_begin(&json);
    json_array_end(&json);
    json_object_begin(&json);
    json_object_end(&json);
    json_array_end(&json);
    json_key(&json, "c");
    json_bool(&json, true);
    json_member_u64(&json, "d", 0);
    json_object_end(&json);
    expect("{\"a\":\"x\",\"b\":[18446744073709551615,-9223372036854775808,[],{}],\"c\":true,"
           "\"d\":0}");
}

static void test_members(void **state)
{
    (void)state;
    json_object_begin(&json);
    json_member_i64(&json, "a", -1);
    json_member_bool(&json, "b", false);
    json_member_double(&json, "c", 0.5);
    json_member_array_begin(&json, "d");
    json_u64(&json, 1);
    json_array_end(&json);
    json_member_object_begin(&json, "e");
    json_member_u64(&json, "f", 2);
    json_object_end(&json);
    json_object_end(&json);
    expect("{\"a\":-1,\"b\":false,\"c\":0.500,\"d\":[1],\"e\":{\"f\":2}}");
}

static void test_escapes(void **state)
{
    (void)state;
    json_string(&json, "\"\\\n\r\t\x01\x7f/");
    expect("\"\\\"\\\\\\n\\r\\t\\u0001\\u007f/\"");
}

static void test_utf8_passes(void **state)
{
    (void)state;
    json_string(&json, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    expect("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

/* Each byte that begins nothing is one U+FFFD: overlong forms, surrogates, too high, cut short. */
static void test_what_is_no_utf8_is_replaced(void **state)
{
    (void)state;
    json_array_begin(&json);
    json_string(&json, "a\xff");
    json_string(&json, "\xc0\x80");
    json_string(&json, "\xe0\x80\x80");
    json_string(&json, "\xed\xa0\x80");
    json_string(&json, "\xf4\x90\x80\x80");
    json_string(&json, "\xe2\x82");
    json_array_end(&json);
    expect("[\"a\\ufffd\",\"\\ufffd\\ufffd\",\"\\ufffd\\ufffd\\ufffd\",\"\\ufffd\\ufffd\\ufffd\","
           "\"\\ufffd\\ufffd\\ufffd\\ufffd\",\"\\ufffd\\ufffd\"]");
}

static void test_bytes_are_text_or_hex(void **state)
{
    (void)state;
    json_object_begin(&json);
    json_member_bytes(&json, "a", "x\0y", 3);
    json_member_bytes(&json, "b", "\x00\xff", 2);
    json_member_bytes(&json, "c", "", 0);
    json_object_end(&json);
    expect("{\"a\":\"x\\u0000y\",\"b_hex\":\"00ff\",\"c\":\"\"}");
}

static void test_numbers_that_json_lacks(void **state)
{
    (void)state;
    json_array_begin(&json);
    json_double(&json, 1.5);
    json_double(&json, NAN);
    json_double(&json, INFINITY);
    json_array_end(&json);
    expect("[1.500,null,null]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_commas_and_nesting),
        TEST(test_members),
        TEST(test_escapes),
        TEST(test_utf8_passes),
        TEST(test_what_is_no_utf8_is_replaced),
        TEST(test_bytes_are_text_or_hex),
        TEST(test_numbers_that_json_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
