/* txctl shell, on a terminal and as a script. */
#include "tests/integration/operate.h"
#include "tests/integration/terminal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];

static struct terminal *shell;
static char out[8192], err[8192];

static int setup(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    /* A daemon, or who types, may be held up. */
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h");
    daemon_set(&cluster, a, "timers", "idle = 1h");
    daemon_set(&cluster, &cluster.participants[1], "timers", "idle = 1h");
    work_start();
    assert_int_equal(setenv("XDG_STATE_HOME", cluster.directory, 1), 0);
    return 0;
}

static int teardown(void **state)
{
    char path[CLUSTER_PATH + 32];

    terminal_close(&shell);
    snprintf(path, sizeof path, "%s/assent/history", cluster.directory);
    unlink(path);
    snprintf(path, sizeof path, "%s/assent", cluster.directory);
    rmdir(path);
    return work_teardown(state);
}

/* ---- on a terminal ---- */

static void open_shell(void)
{
    shell = terminal_open(TERMINAL_ROWS_MAX, 100, "txctl", "--cluster=test", "--coordinator",
                          coordinator->address, "shell", NULL);
}

static void expect_shows(const char *text)
{
    if (!terminal_shows(shell, text, WORK_MS))
        fail_msg("\"%s\" is not on the screen:\n%s", text, terminal_screen(shell));
}

/* Who shows a prompt takes the keys, not the terminal: a Ctrl-D would be lost on the way. */
static void expect_listens(void)
{
    assert_false(terminal_is_sane(shell));
}

/* How many prompts stand on the screen, and whether the last one waits for a line. */
static int prompts(bool *waits)
{
    int n = 0;
    char *text = strdup(terminal_screen(shell));
    char *saved = NULL;

    *waits = false;
    for (char *line = strtok_r(text, "\n", &saved); line != NULL;
         line = strtok_r(NULL, "\n", &saved)) {
        bool is_prompt = strncmp(line, "assent", 6) == 0;
        n += is_prompt;
        *waits = is_prompt && line[strlen(line) - 1] == '>';
    }
    free(text);
    return n;
}

static bool new_prompt(void *arg)
{
    bool waits;
    (void)terminal_shows(shell, "never on the screen", 0); /* takes what is there */
    return prompts(&waits) > *(int *)arg && waits;
}

/* Types the end of a line, and waits for what it brings and for the next prompt. */
static void finish_line(const char *keys, const char *answer)
{
    bool waits;
    int before = prompts(&waits);

    terminal_type(shell, keys);
    expect_shows(answer);
    if (!wait_until(new_prompt, &before, WORK_MS))
        fail_msg("no new prompt:\n%s", terminal_screen(shell));
    expect_listens();
}

/* The same for a whole line, at a prompt. */
static void type(const char *line, const char *answer)
{
    int none = 0;

    assert_true(wait_until(new_prompt, &none, WORK_MS));
    finish_line(line, answer);
}

/* Types keys that end no line. */
static void press(const char *keys, const char *answer)
{
    terminal_type(shell, keys);
    expect_shows(answer);
}

static void quit(void)
{
    int status;

    terminal_type(shell, "quit\r");
    assert_true(terminal_wait(shell, WORK_MS, &status));
    assert_int_equal(status, 0);
    assert_true(terminal_is_sane(shell));
}

static void test_a_transaction_by_hand(void **state)
{
    (void)state;
    open_shell();
    expect_shows("Type help for help.");
    expect_shows("assent>");
    type("help\r", "repeatable-read, read-committed");
    type("begin\r", "begun 1-1-");
    expect_shows("assent 1-1-");
    type("put a/t/x 'one two'; add b/t/n 5\r", "add b/t/n = 5");
    type("get a/t/x\r", "get a/t/x = one two");
    type("status\r", "with 3 operations done");
    expect_shows("participant b: up");
    type("commit\r", "committed 1-1-");
    work_holds(client, "a", "x", "one two");
    type("get b/t/n\r", "get b/t/n = 5"); /* one by itself */
    type("begin; put a/t/x two; abort\r", "aborted 1-1-");
    work_holds(client, "a", "x", "one two");
    quit();
}

static void test_mistakes(void **state)
{
    (void)state;
    open_shell();
    type("commit\r", "no transaction is open: begin one");
    type("abort\r", "no transaction is open");
    type("begin soon\r", "begin takes an isolation level");
    type("get nowhere\r", "shell:4:5: ");
    type("begin\r", "begun ");
    type("begin\r", "is open: commit or abort it first");
    type("  put a/t/x\r", "shell:7:"); /* and the transaction goes on */
    type("put a/t/x 1\r", "assent 1-1-");
    type("commit\r", "committed ");
    work_holds(client, "a", "x", "1");
    quit();
}

static void test_a_broken_transaction_says_why(void **state)
{
    (void)state;
    open_shell();
    type("begin\r", "begun ");
    type("put b/t/y 1\r", "assent 1-1-");
    type("check a/t/x 7\r", "can only be aborted: aborted by a (check)");
    expect_shows("(can only abort)>");
    type("put b/t/y 2; status\r", "can only be aborted");
    type("commit\r", "(can only abort)>");
    type("get b/t/y\r", "get b/t/y: absent");
    /* A participant that is lost under it. */
    type("begin\r", "begun ");
    type("put a/t/z 1\r", "assent 1-1-");
    daemon_kill(a);
    daemon_start(a);
    work_await_all_up(coordinator);
    type("put a/t/z 2\r", "(can only abort)>");
    type("abort\r", "aborted 1-1-");
    quit();
}

/* Ctrl-C drops what was typed, Ctrl-D ends the input. */
static void test_interrupted(void **state)
{
    int status;

    (void)state;
    open_shell();
    type("begin\r", "begun ");
    type("put a/t/x 1\r", "assent 1-1-");
    press("put a/t/x 2", "put a/t/x 2");
    press("\x03", "^C");
    finish_line("get a/t/x\r", "get a/t/x = 1"); /* in the transaction still */
    terminal_type(shell, "\x04");
    assert_true(terminal_wait(shell, WORK_MS, &status));
    assert_int_equal(status, 0);
    expect_shows("the input ends: transaction 1-1-");
    work_holds(client, "a", "x", NULL);
    assert_true(terminal_is_sane(shell));
}

static void test_completion(void **state)
{
    (void)state;
    open_shell();
    expect_shows("assent>");
    expect_listens();
    press("beg\t", "assent> begin");
    finish_line("\r", "begun ");
    press("pu\ta/t/acc", "> put a/t/acc");
    finish_line("ounts 1\r", "put a/t/accounts 1");
    press("get a\t", "> get a/");
    press("t\t", "> get a/t/");                /* a keyspace that was used */
    press("\x15g\t\t", "get  get-for-update"); /* ^U drops the line */
    press("\x15scan \t", "a/t/  a/  b/");
    press("\x15", "assent 1-1-");
    type("abort\r", "aborted ");
    quit();
}

static void test_history(void **state)
{
    char path[CLUSTER_PATH + 32];
    struct stat stat_of;

    (void)state;
    open_shell();
    type("put a/t/h 1\r", "committed ");
    quit();
    terminal_close(&shell);
    snprintf(path, sizeof path, "%s/assent/history", cluster.directory);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    open_shell();
    expect_shows("assent>");
    press("\x1b[A\x1b[A", "assent> put a/t/h 1"); /* up, up */
    terminal_type(shell, "\x7f");
    assert_true(terminal_hides(shell, "put a/t/h 1", WORK_MS));
    finish_line("2\r", "committed ");
    work_holds(client, "a", "h", "2");
    quit();
}

/* ---- as a script ---- */

/* Gives the script to txctl shell, and its exit status. */
static int run_script(const char *script, const char *option)
{
    char path[512], in_file[CLUSTER_PATH + 16], out_file[CLUSTER_PATH + 16],
        err_file[CLUSTER_PATH + 16];
    int status;

    snprintf(path, sizeof path, "%s/txctl", ASSENT_BIN_DIR);
    snprintf(in_file, sizeof in_file, "%s/in", cluster.directory);
    snprintf(out_file, sizeof out_file, "%s/out", cluster.directory);
    snprintf(err_file, sizeof err_file, "%s/err", cluster.directory);
    file_write(in_file, script);
    pid_t pid = fork();
    if (pid == 0) {
        if (freopen(in_file, "r", stdin) == NULL || freopen(out_file, "w", stdout) == NULL ||
            freopen(err_file, "w", stderr) == NULL)
            _exit(127);
        execl(path, "txctl", "--cluster=test", "--coordinator", coordinator->address, "shell",
              option, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    FILE *file = fopen(out_file, "r");
    out[fread(out, 1, sizeof out - 1, file)] = '\0';
    fclose(file);
    file = fopen(err_file, "r");
    err[fread(err, 1, sizeof err - 1, file)] = '\0';
    fclose(file);
    return WEXITSTATUS(status);
}

static void expect_in(const char *where, const char *text)
{
    if (strstr(where, text) == NULL)
        fail_msg("\"%s\" is not in: %s (%s)", text, out, err);
}

static void test_a_script(void **state)
{
    (void)state;
    assert_int_equal(run_script("# a comment\n\nbegin; put a/t/s 'x;#y' # end\n"
                                "put b/t/s \"1\\\";\"\ncommit\nget a/t/s",
                                NULL),
                     0);
    expect_in(out, "get a/t/s = x;#y\n");
    assert_string_equal(err, "");
    work_holds(client, "b", "s", "1\";");
}

static void test_a_script_stops_at_the_first_error(void **state)
{
    static const char script[] = "put a/t/s 1\nbegin\nput a/t/s 2\n  check a/t/s 7\nput a/t/s 3\n"
                                 "abort\nput a/t/s 4; bad; put a/t/s 5\nput b/t/s 6\n";

    (void)state;
    assert_int_equal(run_script(script, NULL), 1);
    expect_in(err, "stdin:4: transaction 1-1-");
    expect_in(err, "can only be aborted: aborted by a (check)");
    expect_in(err, "the input ends: transaction 1-1-");
    work_holds(client, "a", "s", "1");
    work_holds(client, "b", "s", NULL);
    assert_int_equal(run_script(script, "-k"), 1);
    expect_in(err, "stdin:5: ");
    expect_in(err, "stdin:7:14: unknown operation");
    work_holds(client, "a", "s", "4");
    work_holds(client, "b", "s", "6");
}

static void test_a_script_that_ends_within_a_transaction(void **state)
{
    (void)state;
    assert_int_equal(run_script("begin\nput a/t/s 1\n", NULL), 1);
    expect_in(err, "the input ends: transaction 1-1-");
    work_holds(client, "a", "s", NULL);
    daemon_kill(coordinator);
    assert_int_equal(run_script("begin\n", NULL), EX_UNAVAILABLE);
    expect_in(err, "stdin:1: ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_transaction_by_hand),
        TEST(test_mistakes),
        TEST(test_a_broken_transaction_says_why),
        TEST(test_interrupted),
        TEST(test_completion),
        TEST(test_history),
        TEST(test_a_script),
        TEST(test_a_script_stops_at_the_first_error),
        TEST(test_a_script_that_ends_within_a_transaction),
    };

    return cmocka_run_group_tests_name("shell", tests, NULL, NULL);
}
