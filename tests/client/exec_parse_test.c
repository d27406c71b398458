/* The language of txctl exec. */
#include "client/txctl/exec_parse.h"

#include "tests/common/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void accept_bytes(const char *text, size_t len, size_t count, const char *shown)
{
    struct exec_script script;
    struct exec_error error;
    char got[1024] = "";
    txclient_status status = exec_parse(text, len, &script, &error);
    if (status != TXCLIENT_OK) {
        fail_msg("\"%s\": %zu:%zu: %s", text, error.line, error.column, error.text);
    }
    assert_int_equal(script.n, count);
    assert_int_equal(txclient_batch_count(script.batch), count);
    for (size_t i = 0; i < script.n; i++) {
        size_t used = strlen(got);
        (void)snprintf(got + used, sizeof got - used, "%s%s %s", i > 0 ? "; " : "",
                       script.ops[i].verb, script.ops[i].address);
    }
    if (shown != NULL) {
        assert_string_equal(got, shown);
    }
    exec_script_deinit(&script);
}

static void accept(const char *text, size_t count, const char *shown)
{
    accept_bytes(text, strlen(text), count, shown);
}

static void refuse(const char *text, size_t line, size_t column, const char *part)
{
    struct exec_script script;
    struct exec_error error;
    txclient_status status = exec_parse(text, strlen(text), &script, &error);
    if ((status != TXCLIENT_EINVAL && status != TXCLIENT_ELIMIT) || error.line != line ||
        error.column != column || strstr(error.text, part) == NULL) {
        fail_msg("\"%s\": %zu:%zu: %s", text, error.line, error.column, error.text);
    }
    exec_script_deinit(&script);
}

static void test_every_operation(void **state)
{
    (void)state;
    accept("get a/s/k", 1, "get a/s/k");
    accept("get-for-update a/s/k", 1, "get-for-update a/s/k");
    accept("put a/s/k 100", 1, "put a/s/k");
    accept("insert a/s/k ''", 1, "insert a/s/k");
    accept("delete a/s/k", 1, "delete a/s/k");
    accept("add a/s/k -5", 1, "add a/s/k");
    accept("add a/s/k +5 --min 0 --max 9223372036854775807", 1, NULL);
    accept("add a/s/k 5 --max 10 --min -9223372036854775808", 1, NULL);
    accept("check a/s/k value", 1, "check a/s/k");
    accept("check a/s/k --absent", 1, "check a/s/k");
    accept("check a/s/k '--absent'", 1, "check a/s/k");
    accept("lock a/s/k x", 1, "lock a/s/k");
    accept("lock a/s IX", 1, "lock a/s");
    accept("lock a SIX", 1, "lock a");
}

/* What is left of a scan that has given this one row. */
static void rest_is(const char *text, const char *key, const char *rest)
{
    struct exec_script script;
    struct exec_error error;
    char packed[64];
    size_t len = strlen(key);
    const txclient_value value = {.found = true, .data = packed, .len = len + 9};
    memset(packed, 0, sizeof packed);
    packed[0] = (char)len;
    memcpy(packed + 4, key, len);
    packed[len + 4] = 1;
    if (exec_parse(text, strlen(text), &script, &error) != TXCLIENT_OK) {
        fail_msg("\"%s\": %zu:%zu: %s", text, error.line, error.column, error.text);
    }
    char *got = exec_scan_rest(script.ops[0].scan, &value);
    if (rest == NULL) {
        assert_null(got);
    } else {
        assert_non_null(got);
        assert_string_equal(got, rest);
        accept(got, 1, NULL);
    }
    free(got);
    exec_script_deinit(&script);
}

static void test_scans(void **state)
{
    (void)state;
    accept("scan a/s", 1, "scan a/s");
    accept("scan a/s k", 1, "scan a/s");
    accept("scan a/s k m", 1, NULL);
    accept("scan a/s '' m --reverse", 1, NULL);
    accept("scan a/s --prefix p --limit 5 --reverse", 1, NULL);
    accept("scan a/s --limit 5 pa pb --reverse --prefix p", 1, NULL);
    accept("scan a/s '--limit' '--z'", 1, NULL);
    accept("scan a/s --limit 1; scan b/s --limit 10000; get a/s/k", 3,
           "scan a/s; scan b/s; get a/s/k");
    refuse("scan", 1, 1, "an argument is missing: scan PARTICIPANT/KEYSPACE");
    refuse("scan a", 1, 6, "no keyspace");
    refuse("scan a/s/k", 1, 6, "words of their own");
    refuse("scan a/", 1, 1, "keyspace is empty");
    refuse("scan /s", 1, 1, "no participant's name");
    refuse("scan a/s b a", 1, 1, "is empty");
    refuse("scan a/s a a", 1, 1, "is empty");
    refuse("scan a/s b --prefix a", 1, 1, "is empty");
    refuse("scan a/s a b c", 1, 14, "a range has two ends");
    refuse("scan a/s --limit", 1, 10, "a number is missing behind --limit");
    refuse("scan a/s --prefix", 1, 10, "a prefix is missing");
    refuse("scan a/s --limit 0", 1, 18, "from 1 to 10000 rows, not 0");
    refuse("scan a/s --limit -1", 1, 18, "from 1 to 10000");
    refuse("scan a/s --limit 10001", 1, 18, "from 1 to 10000");
    refuse("scan a/s --limit ten", 1, 18, "no whole number");
    refuse("scan a/s --limit 1 --limit 2", 1, 20, "--limit is given twice");
    refuse("scan a/s --reverse --reverse", 1, 20, "given twice");
    refuse("scan a/s --backwards", 1, 10, "expected --prefix, --limit or --reverse");
}

static void test_how_a_scan_goes_on(void **state)
{
    (void)state;
    rest_is("scan a/s", "k", "scan a/s \"k\\x00\"");
    rest_is("scan a/s k z --limit 5", "m", "scan a/s \"m\\x00\" z --limit 5");
    rest_is("scan a/s --prefix k", "kk", "scan a/s \"kk\\x00\" --prefix k");
    rest_is("scan a/s --reverse", "m", "scan a/s \"\" m --reverse");
    rest_is("scan a/s b --reverse --limit 1", "m", "scan a/s b m --limit 1 --reverse");
    rest_is("scan a/s m --reverse", "m", NULL);
    rest_is("scan a/s k 'm\\n'", "l", "scan a/s \"l\\x00\" \"m\\x5cn\"");
    rest_is("scan a/'my space' --reverse", "--x", "scan a/\"my space\" \"\" \"--x\" --reverse");
    rest_is("scan a/s --reverse", "a\"b;\\ ", "scan a/s \"\" \"a\\x22b;\\x5c \" --reverse");
    rest_is("scan a/s --reverse", "#k", "scan a/s \"\" \"#k\" --reverse");
    rest_is("scan a/s --reverse", "k#", "scan a/s \"\" k# --reverse");
}

static void test_what_parts_operations(void **state)
{
    (void)state;
    accept("get a/s/k; get b/s/k", 2, "get a/s/k; get b/s/k");
    accept("get a/s/k;get b/s/k;", 2, NULL);
    accept("\n\nget a/s/k\r\n\t get b/s/k # and why\n# nothing\n;;", 2, NULL);
    accept("get a/s/k#not-a-comment", 1, "get a/s/k#not-a-comment");
    accept("get a/s/k/with/slashes", 1, "get a/s/k/with/slashes");
}

static void test_quotes_and_escapes(void **state)
{
    (void)state;
    accept("get 'a/s/two words'", 1, "get a/s/two words");
    accept("get a/s/\"two words\"", 1, "get a/s/two words");
    accept("get a/s/two\\ words", 1, "get a/s/two words");
    accept("get a/s/\\x00\\xfF\\n\\\\", 1, "get a/s/\\x00\\xff\\x0a\\x5c");
    accept("get 'a/s/\\x00'", 1, "get a/s/\\x5cx00");
    accept("get a/s/\"it's; # fine\"", 1, "get a/s/it's; # fine");
    accept("put a/s/k \"a\\\"b\"", 1, NULL);
    accept_bytes("get a/s/\0k", 10, 1, "get a/s/\\x00k");
}

static void test_errors_have_a_place(void **state)
{
    (void)state;
    refuse("", 1, 1, "no operation");
    refuse("  # nothing\n", 2, 1, "no operation");
    refuse("gte a/s/k", 1, 1, "unknown operation \"gte\"");
    refuse("get a/s/k\n  puts a/s/k 1", 2, 3, "unknown operation \"puts\"");
    refuse("get", 1, 1, "an argument is missing: get ADDRESS");
    refuse("put a/s/k", 1, 1, "an argument is missing");
    refuse("get a/s/k extra", 1, 11, "unexpected \"extra\"");
    refuse("get a/s", 1, 5, "no address");
    refuse("get a", 1, 5, "participant/keyspace/key");
    refuse("get a/s/", 1, 1, "the key is empty");
    refuse("get a//k", 1, 1, "keyspace is empty");
    refuse("get /s/k", 1, 1, "no participant's name");
    refuse("get a/\\x00s/k", 1, 5, "no zero byte");
    refuse("put a/s/k \"1", 1, 11, "not closed");
    refuse("put a/s/k '1\n'", 1, 11, "not closed");
    refuse("put a/s/k \\q", 1, 11, "unknown escape");
    refuse("put a/s/k \\x4", 1, 11, "two hexadecimal digits");
    refuse("put a/s/k \\", 1, 11, "unknown escape");
    refuse("add a/s/k five", 1, 11, "no whole number");
    refuse("add a/s/k 5x", 1, 11, "no whole number");
    refuse("add a/s/k 9223372036854775808", 1, 11, "64 bits");
    refuse("add a/s/k 5 --min", 1, 13, "a number is missing");
    refuse("add a/s/k 5 --floor 1", 1, 13, "expected --min or --max");
    refuse("add a/s/k 5 --min 1 --min 2", 1, 21, "given twice");
    refuse("add a/s/k 5 --min 2 --max 1", 1, 1, "above the ceiling");
    refuse("lock a/s/k Y", 1, 12, "no lock mode");
    refuse("lock a/s/k IX", 1, 1, "cannot be taken on a key");
    refuse("get a/s/k get b/s/k get c/s/k get d/s/k e f", 1, 43, "too many words");
}

static void test_the_caret_is_below_the_column(void **state)
{
    (void)state;
    static const char text[] = "get a/s/k\n\tputs\x01 a/s/k 1\n";
    struct exec_error error = {.line = 2, .column = 2, .text = "unknown"};
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);
    assert_non_null(out);
    exec_error_print(&error, "file", text, strlen(text), out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(printed, "file:2:2: unknown\n    \tputs? a/s/k 1\n    \t^\n");
    free(printed);
}

static void test_as_many_operations_as_a_transaction_may_have(void **state)
{
    (void)state;
    static const char line[] = "get a/s/k\n";
    char *text = malloc((TXCLIENT_OPS_MAX + 1) * (sizeof line - 1) + 1);
    assert_non_null(text);
    for (size_t i = 0; i <= TXCLIENT_OPS_MAX; i++) {
        memcpy(text + i * (sizeof line - 1), line, sizeof line);
    }
    refuse(text, TXCLIENT_OPS_MAX + 1, 1, "at most 10000");
    text[TXCLIENT_OPS_MAX * (sizeof line - 1)] = '\0';
    struct exec_script script;
    struct exec_error error;
    assert_int_equal(exec_parse(text, strlen(text), &script, &error), TXCLIENT_OK);
    assert_int_equal(script.n, TXCLIENT_OPS_MAX);
    exec_script_deinit(&script);
    free(text);
}

/* Whatever the bytes, the parser ends, and says something about them. */
static void test_any_bytes(void **state)
{
    (void)state;
    static const char letters[] = "get put scan a/s/k ;\n\"'\\x0#-min 5\t\0\xff";
    uint32_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        char text[40];
        for (size_t i = 0; i < sizeof text; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = letters[(seed >> 16) % sizeof letters];
        }
        struct exec_script script;
        struct exec_error error;
        txclient_status status = exec_parse(text, sizeof text, &script, &error);
        assert_true(status == TXCLIENT_OK || (error.line > 0 && error.text[0] != '\0'));
        exec_script_deinit(&script);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation),
        cmocka_unit_test(test_scans),
        cmocka_unit_test(test_how_a_scan_goes_on),
        cmocka_unit_test(test_what_parts_operations),
        cmocka_unit_test(test_quotes_and_escapes),
        cmocka_unit_test(test_errors_have_a_place),
        cmocka_unit_test(test_the_caret_is_below_the_column),
        cmocka_unit_test(test_as_many_operations_as_a_transaction_may_have),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
