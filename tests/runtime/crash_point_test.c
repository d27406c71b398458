#include "tests/runtime/scratch.h"

#include "common/crash_point.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef ASSENT_CRASH_POINTS
/* What a child exits with once it has passed every place. */
#define SURVIVED 42

static int ready_fd[2];

static void say(void *arg)
{
    (void)write(ready_fd[1], arg, 1);
}

/* Passes three places ten times each in a child with this choice; its wait status. */
static int run(const char *choice)
{
    const pid_t child = fork();

    if (child == 0) {
        (void)(choice == NULL ? unsetenv("ASSENT_CRASH_POINT")
                              : setenv("ASSENT_CRASH_POINT", choice, 1));
        for (int i = 0; i < 10; i++) {
            crash_point("log", "PREPARED", "before");
            (void)write(ready_fd[1], "b", 1);
            crash_point_after("log", "PREPARED", "after", say, "f");
            (void)write(ready_fd[1], "a", 1);
            crash_point("send", "VOTE", "after");
        }
        _exit(crash_point_armed() ? SURVIVED + 1 : SURVIVED);
    }
    assert_true(child > 0);
    return scratch_wait(child);
}

/* What the child said by then, as a text. */
static void assert_said(const char *expected)
{
    char text[64] = "";

    assert_int_equal(close(ready_fd[1]), 0);
    assert_true(read(ready_fd[0], text, sizeof(text) - 1) >= 0);
    assert_string_equal(text, expected);
    assert_int_equal(close(ready_fd[0]), 0);
}

static void assert_dies(const char *choice, const char *said)
{
    int status;

    assert_int_equal(pipe(ready_fd), 0);
    status = run(choice);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_said(said);
}

static void assert_lives(const char *choice, int exit_status)
{
    int status;

    assert_int_equal(pipe(ready_fd), 0);
    status = run(choice);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), exit_status);
    assert_said("babababababababababa");
}

static void test_not_chosen(void **state)
{
    (void)state;
    assert_lives(NULL, SURVIVED);
    assert_lives("", SURVIVED);
}

static void test_dies_at_the_place(void **state)
{
    (void)state;
    assert_dies("log:PREPARED:before", "");
    assert_dies("log:PREPARED:before:1", "");
    assert_dies("log:PREPARED:after", "bf");
    assert_dies("send:VOTE:after", "ba");
}

static void test_dies_at_the_nth_time(void **state)
{
    (void)state;
    assert_dies("log:PREPARED:before:3", "baba");
    assert_dies("log:PREPARED:after:2", "babf");
    assert_lives("log:PREPARED:before:11", SURVIVED + 1);
}

static void test_other_places_live(void **state)
{
    (void)state;
    assert_lives("log:COMMITTED:before", SURVIVED + 1);
    assert_lives("send:VOTE:before", SURVIVED + 1);
    assert_lives("send:PREPARED:after", SURVIVED + 1);
}

static void test_no_place_is_refused(void **state)
{
    static const char *const bad[] = {"log",           "log:PREPARED",     "log:PREPARED:later",
                                      "loc:X:after",   "log:X:after:0",    "log:X:after:-1",
                                      "log:X:after:x", "log:X:after:1:2",  "log:X:after 2",
                                      ":::",           "log:X:after:1abc", "log:X:after:"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct capture capture;
        char text[1024];
        int status;

        assert_int_equal(pipe(ready_fd), 0);
        capture_begin(&capture);
        status = run(bad[i]);
        capture_end(&capture, text, sizeof(text));
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
        assert_non_null(strstr(text, "ASSENT_CRASH_POINT is no crash point"));
        assert_said("");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_chosen),           cmocka_unit_test(test_dies_at_the_place),
        cmocka_unit_test(test_dies_at_the_nth_time), cmocka_unit_test(test_other_places_live),
        cmocka_unit_test(test_no_place_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
static void test_nothing_happens(void **state)
{
    (void)state;
    assert_int_equal(setenv("ASSENT_CRASH_POINT", "log:X:before", 1), 0);
    crash_point("log", "X", "before");
    crash_point_after("log", "X", "before", NULL, NULL);
    assert_false(crash_point_armed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_happens)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
