/* A broken assertion of a library becomes a message and a status while a directory is read; other
 * aborts are aborts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/assert.h"
#include "txlog/read_guard.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

/* What a child says on stderr, and how it ends. */
static int run(void (*child)(void), char *said, size_t size)
{
    int ends[2];
    size_t n = 0;
    ssize_t got;
    int status = 0;

    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)dup2(ends[1], STDERR_FILENO);
        child();
        _exit(0);
    }
    (void)close(ends[1]);
    while (n < size - 1 && (got = read(ends[0], said + n, size - 1 - n)) > 0)
        n += (size_t)got;
    said[n] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void breaks_within(void)
{
    read_guard_begin("/var/lib/assent/a", READ_GUARD_LOG_LINE);
    __assert_fail("size > 0", "block.cc", 80, "Initialize");
}

static void breaks_afterwards(void)
{
    read_guard_begin("/var/lib/assent/a", READ_GUARD_LOG_LINE);
    read_guard_end();
    __assert_fail("size > 0", "block.cc", 80, "Initialize");
}

static void aborts_within(void)
{
    read_guard_begin("/var/lib/assent/a", READ_GUARD_LOG_LINE);
    abort(); /* as for an exception that nobody catches, such as a lack of memory */
}

static void asserts_within(void)
{
    read_guard_begin("/var/lib/assent/a", READ_GUARD_LOG_LINE);
    tx_assert_failed("mine", "file.c", 1, "function");
}

static void a_broken_assertion_is_told(void **state)
{
    (void)state;
    char said[8192];
    int status = run(breaks_within, said, sizeof said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EX_DATAERR);
    assert_non_null(
        strstr(said, "level=error msg=\"/var/lib/assent/a: a check inside RocksDB failed"));
    assert_non_null(strstr(said, "restore this node from a backup\"\n"));
}

static void other_aborts_are_aborts(void **state)
{
    (void)state;
    char said[8192];
    int status = run(breaks_afterwards, said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "Assertion `size > 0' failed"));
    status = run(aborts_within, said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    status = run(asserts_within, said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "assertion failed: mine"));
    assert_null(strstr(said, "RocksDB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_assertion_is_told),
        cmocka_unit_test(other_aborts_are_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
