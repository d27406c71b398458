/* Files of transfers. */
#include "client/txbench/bench_ledger.h"

#include "tests/common/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/assent-ledger-XXXXXX";
static char path[64];

static int make_directory(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/acked", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory);
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_what_is_appended_is_read(void **state)
{
    (void)state;
    struct bench_ledger ledger;
    char why[256];
    struct bench_transfer transfer = {.id = "run-0-1", .from = "a", .to = "b", .amount = 7};
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    for (int i = 0; i < 2000; i++) {
        transfer.amount = i;
        assert_true(bench_ledger_append(file, &transfer));
    }
    /* Every line is in the file before the next begins. */
    assert_true(bench_ledger_read(&ledger, path, why, sizeof why));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(ledger.n, 2000);
    assert_string_equal(ledger.items[1999].id, "run-0-1");
    assert_string_equal(ledger.items[1999].to, "b");
    assert_int_equal(ledger.items[1999].amount, 1999);
    bench_ledger_deinit(&ledger);
}

static void test_a_cut_last_line_is_not_counted(void **state)
{
    (void)state;
    struct bench_ledger ledger;
    char why[256];
    write_text("x a b 1\ny a b 2");
    assert_true(bench_ledger_read(&ledger, path, why, sizeof why));
    assert_int_equal(ledger.n, 1);
    bench_ledger_deinit(&ledger);
}

static void test_wrong_lines_are_named(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "x a b\n",    "x a b z\n",  "x a b 1 2\n", "\n",
        " x a b 1\n", "x  a b 1\n", "x a b 1z\n",  "x a b 99999999999999999999\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct bench_ledger ledger;
        char text[128];
        char why[256] = "";
        (void)snprintf(text, sizeof text, "x a b 1\n%s", wrong[i]);
        write_text(text);
        assert_false(bench_ledger_read(&ledger, path, why, sizeof why));
        assert_non_null(strstr(why, ":2: expected"));
        bench_ledger_deinit(&ledger);
    }
}

static void test_no_file(void **state)
{
    (void)state;
    struct bench_ledger ledger;
    char why[256];
    assert_false(bench_ledger_read(&ledger, "/nowhere/acked", why, sizeof why));
    assert_non_null(strstr(why, "/nowhere/acked"));
    bench_ledger_deinit(&ledger);
}

static void test_a_file_that_cannot_be_written(void **state)
{
    (void)state;
    struct bench_transfer transfer = {.id = "x", .from = "a", .to = "b", .amount = 7};
    FILE *full = fopen("/dev/full", "we");
    assert_non_null(full);
    assert_false(bench_ledger_append(full, &transfer));
    (void)fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_appended_is_read),
        cmocka_unit_test(test_a_cut_last_line_is_not_counted),
        cmocka_unit_test(test_wrong_lines_are_named),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_a_file_that_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
