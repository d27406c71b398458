/* A broken assertion, seen from a child process: the hook hears of it, and the process aborts. */
#include "common/assert.h"

#include "tests/common/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static int hook_fd;

static void write_text(const char *text)
{
    if (write(hook_fd, text, strlen(text)) < 0) {
        _exit(1);
    }
}

static void assert_again(const char *text)
{
    write_text(text);
    TX_ASSERT(strlen(text) == 0);
}

/* Fails an assertion in a child under `hook`, and gives what the hook wrote, or the
 * child's stderr. */
static void fail_in_child(void (*hook)(const char *), char *out, size_t out_size)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL); /* cmocka catches it */
        hook_fd = fds[1];
        (void)dup2(fds[1], STDERR_FILENO);
        tx_assert_hook_set(hook);
        int one = 1;
        TX_ASSERT(one == 2);
        _exit(0);
    }
    (void)close(fds[1]);
    size_t len = 0;
    ssize_t got = 0;
    while (len < out_size - 1 && (got = read(fds[0], out + len, out_size - 1 - len)) > 0) {
        len += (size_t)got;
    }
    out[len] = '\0';
    (void)close(fds[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void a_failure_tells_the_hook_and_aborts(void **state)
{
    (void)state;
    char text[2048];
    fail_in_child(write_text, text, sizeof text);
    assert_non_null(strstr(text, "assertion failed: one == 2 ("));
    assert_non_null(strstr(text, "assert_test.c:"));
    assert_non_null(strstr(text, "in fail_in_child"));
}

static void without_a_hook_it_goes_to_stderr(void **state)
{
    (void)state;
    char text[2048];
    fail_in_child(NULL, text, sizeof text);
    assert_non_null(strstr(text, "assertion failed: one == 2 ("));
}

static void a_failure_inside_the_hook_does_not_call_it_again(void **state)
{
    (void)state;
    char text[2048];
    fail_in_child(assert_again, text, sizeof text);
    const char *first = strstr(text, "one == 2");
    assert_non_null(first);
    assert_non_null(strstr(first, "strlen(text) == 0"));
}

static void a_true_condition_is_silent(void **state)
{
    (void)state;
    TX_ASSERT(state == NULL || *state == NULL);
}

static void memory_for_nothing_is_a_pointer(void **state)
{
    (void)state;
    void *a = tx_xmalloc(0);
    void *b = tx_xcalloc(0, 8);
    assert_true((uintptr_t)a != 0 && (uintptr_t)b != 0);
    a = tx_xrealloc(a, 0);
    assert_true((uintptr_t)a != 0);
    free(a);
    free(b);
}

static void calloc_is_zeroed_and_realloc_keeps(void **state)
{
    (void)state;
    uint8_t *bytes = tx_xcalloc(16, 4);
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(bytes[i], 0);
    }
    bytes[63] = 7;
    bytes = tx_xrealloc(bytes, 1 << 20);
    assert_int_equal(bytes[63], 7);
    free(bytes);
}

/* No signal, no core file: a message and the exit status of the operating system's failures. */
static void no_memory_is_an_orderly_end(void **state)
{
    (void)state;
    int fds[2], status = 0;
    char text[512] = "";
    assert_int_equal(pipe(fds), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(fds[1], STDERR_FILENO);
        tx_memory_failed("a_function");
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EX_OSERR);
    assert_true(read(fds[0], text, sizeof text - 1) > 0);
    assert_non_null(strstr(text, "out of memory (in a_function)"));
    assert_non_null(strstr(text, "start again"));
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_tells_the_hook_and_aborts),
        cmocka_unit_test(without_a_hook_it_goes_to_stderr),
        cmocka_unit_test(a_failure_inside_the_hook_does_not_call_it_again),
        cmocka_unit_test(a_true_condition_is_silent),
        cmocka_unit_test(memory_for_nothing_is_a_pointer),
        cmocka_unit_test(calloc_is_zeroed_and_realloc_keeps),
        cmocka_unit_test(no_memory_is_an_orderly_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
