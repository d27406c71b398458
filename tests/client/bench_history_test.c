/* Histories: the lines that checkers read, and which values are lists. */
#include "client/txbench/bench_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static txclient_value value_of(const char *text)
{
    return (txclient_value){.found = true, .data = text, .len = strlen(text)};
}

static void test_lines(void **state)
{
    char name[] = "/tmp/assent-history-XXXXXX";
    char text[2048] = "";
    struct bench_history history;
    const int64_t bank_total = 300;
    const struct bench_op ops[] = {
        {BENCH_READ, "a", "lists", "x", 0, true, value_of("1 20 3")},
        {BENCH_APPEND, "a", "lists", "x", 4, false, {.data = ""}},
        {BENCH_READ, "b", "lists", "new", 0, true, {.data = ""}},
        {BENCH_READ, "b", "lists", "y", 0, false, {.data = ""}},
        {BENCH_ADD, "a", "accounts", "one", -5, false, {.data = ""}},
        {BENCH_GET, "a", "accounts", "one", 0, true, value_of("-95")},
    };
    const struct bench_tx committed = {.process = 3,
                                       .invoked_ns = 1000,
                                       .completed_ns = 2500,
                                       .outcome = TXCLIENT_OK,
                                       .reference = "1-7-42@a,b",
                                       .ops = ops,
                                       .ops_n = 6};
    const struct bench_tx unknown = {.process = 4,
                                     .invoked_ns = 7,
                                     .outcome = TXCLIENT_UNKNOWN,
                                     .reference = "",
                                     .reads_all = true};

    (void)state;
    close(mkstemp(name));
    assert_true(bench_history_open(&history, name, &bank_total));
    bench_history_tx(&history, &committed);
    bench_history_tx(&history, &unknown);
    bench_history_told(&history, "1-7-43@a", TXCLIENT_ABORTED);
    bench_history_balance(&history, "a", "accounts", "one", 95);
    assert_int_equal(history.txs, 2);
    assert_true(bench_history_close(&history));
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file)); /* names the process */
    assert_non_null(strstr(text, "{\"type\":\"meta\",\"version\":1,\"source\":\"txbench append"));
    assert_non_null(strstr(text, "\"bank_total\":300,\"final\":false}\n"));
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    unlink(name);
    assert_string_equal(
        text, "{\"type\":\"tx\",\"process\":3,\"invoked\":1000,\"completed\":2500,"
              "\"outcome\":\"committed\",\"id\":\"1-7-42\",\"ops\":["
              "{\"op\":\"read\",\"key\":\"a/lists/x\",\"list\":[1,20,3]},"
              "{\"op\":\"append\",\"key\":\"a/lists/x\",\"element\":4},"
              "{\"op\":\"read\",\"key\":\"b/lists/new\",\"list\":[]},"
              "{\"op\":\"read\",\"key\":\"b/lists/y\"},"
              "{\"op\":\"add\",\"key\":\"a/accounts/one\",\"delta\":-5},"
              "{\"op\":\"get\",\"key\":\"a/accounts/one\",\"number\":-95}],\"reads_all\":false}\n"
              "{\"type\":\"tx\",\"process\":4,\"invoked\":7,\"outcome\":\"unknown\",\"id\":\"\","
              "\"ops\":[],\"reads_all\":true}\n"
              "{\"type\":\"told\",\"id\":\"1-7-43\",\"outcome\":\"aborted\"}\n"
              "{\"type\":\"balance\",\"key\":\"a/accounts/one\",\"number\":95}\n");
}

static void test_lists(void **state)
{
    static const char *const good[] = {"1", "12", "1 2 30"};
    static const char *const bad[] = {"", " ", "1 ", " 1", "1  2", "x", "1,2", "-1"};
    txclient_value absent = {.data = ""};

    (void)state;
    assert_true(bench_list_valid(&absent));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        txclient_value value = value_of(good[i]);
        assert_true(bench_list_valid(&value));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        txclient_value value = value_of(bad[i]);
        assert_false(bench_list_valid(&value));
    }
}

static void test_a_file_that_cannot_be_written(void **state)
{
    struct bench_history history;

    (void)state;
    assert_false(bench_history_open(&history, "/nowhere/history", NULL));
    assert_true(bench_history_open(&history, "/dev/full", NULL));
    assert_false(bench_history_close(&history));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_a_file_that_cannot_be_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
