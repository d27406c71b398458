#include "tests/runtime/scratch.h"

#include "common/daemon.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct test_config {
    uint64_t number;
};

static const struct config_key keys[] = {
    {"s", "number", CONFIG_U64, 0, 0, "5", 1, 10, "A number.", CONFIG_AT_START},
};
static const struct config_schema schema = {.keys = keys, .keys_n = 1};

static enum tx_error check(const void *config, struct tx_why *why)
{
    const struct test_config *c = config;

    return c->number == 7 ? tx_why(why, TX_EFORMAT, "seven will not do") : TX_OK;
}

static const struct daemon_program program = {
    .name = "txtest", .description = "A daemon that tests.", .schema = &schema, .check = check};

/* Exits with this when daemon_begin() says to run. */
#define RUNS 42

static struct scratch scratch;
static char path[256];
static char output[8192];

/* Runs in a child with these arguments; its exit status. What it prints on stdout and stderr is in
 * `output`. */
static int run(const char *a, const char *b, const char *c, const char *d)
{
    char *argv[] = {(char *)"txtest", (char *)a, (char *)b, (char *)c, (char *)d, NULL};
    int argc = 1, status;
    struct capture capture;
    pid_t child;

    while (argv[argc] != NULL) {
        argc++;
    }
    (void)fflush(stdout);
    capture_begin(&capture);
    child = fork();
    if (child == 0) {
        struct test_config config;
        bool go;

        if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
            _exit(1);
        }
        go = daemon_begin(&program, argc, argv, &config, &status);
        (void)fflush(stdout);
        _exit(go ? RUNS : status);
    }
    assert_true(child > 0);
    status = scratch_wait(child);
    capture_end(&capture, output, sizeof(output));
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_run(void **state)
{
    (void)state;
    scratch_write(path, "[s]\nnumber = 6\n", 15);
    assert_int_equal(run("--config", path, NULL, NULL), RUNS);
    assert_int_equal(run("-c", path, NULL, NULL), RUNS);
    assert_string_equal(output, "");
}

static void test_check_config(void **state)
{
    char expected[512];

    (void)state;
    scratch_write(path, "[s]\nnumber = 6\n", 15);
    assert_int_equal(run("--config", path, "--check-config", NULL), 0);
    (void)snprintf(expected, sizeof(expected), "%s: ok\n", path);
    assert_string_equal(output, expected);
    scratch_write(path, "[s]\nnumber = 0\n", 15);
    (void)snprintf(expected, sizeof(expected),
                   "%s:2: \"number\" is \"0\"; expected a whole number from 1 to 10\n", path);
    assert_int_equal(run("--config", path, "--check-config", NULL), 78);
    assert_string_equal(output, expected);
    assert_int_equal(run("--config", path, NULL, NULL), 78);
    assert_string_equal(output, expected);
    scratch_write(path, "[s]\nnumber = 7\n", 15);
    (void)snprintf(expected, sizeof(expected), "%s: seven will not do\n", path);
    assert_int_equal(run("--config", path, "--check-config", NULL), 78);
    assert_string_equal(output, expected);
    assert_int_equal(run("--config", "/nonexistent/x.ini", NULL, NULL), 78);
    assert_string_equal(output, "/nonexistent/x.ini: cannot open: No such file or directory\n");
}

static void test_print_config(void **state)
{
    (void)state;
    scratch_write(path, "[s]\nnumber = 6\n", 15);
    assert_int_equal(run("--config", path, "--print-config", NULL), 0);
    assert_string_equal(output, "[s]\n# A number.\n# Expects a whole number from 1 to 10. "
                                "Default: 5.\nnumber = 6\n\n");
}

static void test_usage(void **state)
{
    (void)state;
    assert_int_equal(run(NULL, NULL, NULL, NULL), 64);
    assert_non_null(strstr(output, "txtest: --config FILE is missing"));
    assert_int_equal(run("--config", NULL, NULL, NULL), 64);
    assert_int_equal(run("--config", path, "--unknown", NULL), 64);
    assert_int_equal(run("--config", path, "extra", NULL), 64);
    assert_non_null(strstr(output, "unexpected argument \"extra\""));
    assert_int_equal(run("--help", NULL, NULL, NULL), 0);
    assert_non_null(strstr(output, "A daemon that tests."));
    assert_non_null(strstr(output, "--print-config"));
}

static void test_version(void **state)
{
    char expected[64];

    (void)state;
    assert_int_equal(run("--version", NULL, NULL, NULL), 0);
    (void)snprintf(expected, sizeof(expected), "txtest %s\n", daemon_version());
    assert_string_equal(output, expected);
    assert_in_range(daemon_version()[0], '0', '9');
}

static void test_exit_statuses(void **state)
{
    (void)state;
    assert_int_equal(daemon_exit_status(TX_OK), 0);
    for (int error = 1; error < TX_ERRORS_N; error++) {
        assert_in_range(daemon_exit_status((enum tx_error)error), 64, 78);
    }
    assert_int_equal(daemon_exit_status(TX_EBUSY), 69);
    assert_int_equal(daemon_exit_status(TX_EADDRESS), 78);
    assert_int_equal(daemon_exit_status(TX_EACCESS), 77);
    assert_int_equal(daemon_exit_status(TX_ECORRUPT), 65);
    assert_int_equal(daemon_exit_status(TX_ECLUSTER), 65);
    assert_int_equal(daemon_exit_status(TX_EVERSION), 65);
    assert_int_equal(daemon_exit_status(TX_EIO), 74);
    assert_int_equal(daemon_exit_status(TX_EFULL), 74);
    assert_int_equal(daemon_exit_status(TX_ENOMEM), 71);
    assert_int_equal(daemon_exit_status(TX_EINVAL), 78);
    assert_int_equal(daemon_exit_status(TX_ESTATE), 70);
    assert_int_equal(daemon_exit_status(TX_ENOTFOUND), 73);
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    scratch_path(&scratch, "test.ini", path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),          cmocka_unit_test(test_check_config),
        cmocka_unit_test(test_print_config), cmocka_unit_test(test_usage),
        cmocka_unit_test(test_version),      cmocka_unit_test(test_exit_statuses),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
