/* txctl top, on a terminal and as text, over real daemons under load. */
#include "tests/integration/operate.h"
#include "tests/integration/terminal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

static struct terminal *screen;
static pid_t load; /* of txbench; 0: none */

static void start_load(void)
{
    char path[512];

    snprintf(path, sizeof path, "%s/txbench", ASSENT_BIN_DIR);
    load = fork();
    if (load == 0) {
        freopen("/dev/null", "w", stdout);
        freopen("/dev/null", "w", stderr);
        execl(path, "txbench", "--cluster=test", "--coordinator", coordinator->address, "transfer",
              "--clients=4", "--seconds=600", (char *)NULL);
        _exit(127);
    }
    assert_true(load > 0);
}

static void stop_load(void)
{
    if (load > 0) {
        kill(load, SIGKILL);
        waitpid(load, NULL, 0);
        load = 0;
    }
}

static int under_load(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    daemon_set(&cluster, b, "timers", "idle = 1h"); /* what is open stays on the screen */
    work_start();
    start_load();
    return 0;
}

static int teardown(void **state)
{
    terminal_close(&screen);
    stop_load();
    return work_teardown(state);
}

static void expect_shows(const char *text)
{
    if (!terminal_shows(screen, text, WORK_MS))
        fail_msg("\"%s\" is not on the screen:\n%s", text, terminal_screen(screen));
}

/* A column of a line as a number, with its unit. */
static double column(const char *line, int at)
{
    char copy[512];
    char *save = NULL;

    snprintf(copy, sizeof copy, "%s", line);
    char *word = strtok_r(copy, " ", &save);
    for (int i = 0; i < at && word != NULL; i++)
        word = strtok_r(NULL, " ", &save);
    assert_non_null(word);
    char *unit = NULL;
    double number = strtod(word, &unit);
    return *unit == 'k' ? number * 1e3 : *unit == 'M' ? number * 1e6 : number;
}

#define COMMITS_COLUMN 5

static bool commits(void *arg)
{
    const char *line = terminal_line(screen, arg, 0);
    return line != NULL && strstr(line, "serving") != NULL && column(line, COMMITS_COLUMN) >= 1.0;
}

static void open_top(int rows, int cols)
{
    screen = terminal_open(rows, cols, "txctl", "--cluster=test", "--coordinator",
                           coordinator->address, "top", "--interval=0.2", NULL);
}

static void test_a_screen_under_load(void **state)
{
    int status;

    (void)state;
    open_top(24, 80);
    expect_shows("NODE        STATE       OPEN PREP BEG/s COM/s ABO/s WAITS SYNC/s SYNC    LOG/s");
    assert_true(terminal_alternate(screen));
    assert_true(wait_until(commits, "coordinator ", WORK_MS));
    assert_true(wait_until(commits, "a ", WORK_MS));
    assert_true(wait_until(commits, "b ", WORK_MS));
    expect_shows("coordinator sees:  a up  b up");
    expect_shows("TRANSACTION      NODE        STATE");
    assert_non_null(terminal_line(screen, "1-1-", WORK_MS));
    terminal_type(screen, "q");
    assert_true(terminal_wait(screen, WORK_MS, &status));
    assert_int_equal(status, 0);
    assert_false(terminal_alternate(screen));
    assert_true(terminal_is_sane(screen));
}

static void test_keys(void **state)
{
    (void)state;
    open_top(40, 120);
    expect_shows("sort: age  node: all");
    terminal_type(screen, "s");
    expect_shows("sort: node");
    terminal_type(screen, "s");
    expect_shows("sort: state");
    terminal_type(screen, "h");
    expect_shows("scroll the transactions");
    terminal_type(screen, " ");
    expect_shows("TRANSACTION");
    assert_true(wait_until(commits, "b ", WORK_MS)); /* both participants are known */
    terminal_type(screen, "n");
    expect_shows("node: coordinator");
    terminal_type(screen, "n");
    expect_shows("node: a");
    expect_shows("a sees:  coordinator 1");
    assert_true(terminal_hides(screen, "\nb  ", WORK_MS));
    terminal_type(screen, "nn");
    expect_shows("node: all");
}

/* Is this the first line of a transaction? A frame that is half drawn may show the one before. */
static bool begins_the_list(void *arg)
{
    const char *line = terminal_line(screen, "1-1-", 0);
    return line != NULL && strncmp(line, arg, strlen(arg)) == 0;
}

/* The lines of the oldest transactions, with what each waits for; and scrolling. */
static void test_the_longest_first(void **state)
{
    txclient_tx *tx[12];
    char first[64], line[256];

    (void)state;
    stop_load();
    work_await_quiet();
    for (int i = 0; i < 12; i++) {
        tx[i] = work_begin(client);
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        expect(txclient_put(tx[i], AT("b", key), txclient_str("1")), TXCLIENT_OK);
        if (i == 0)
            snprintf(first, sizeof first, "%.*s", (int)strcspn(txclient_tx_reference(tx[0]), "@"),
                     txclient_tx_reference(tx[0]));
    }
    open_top(24, 80);
    expect_shows("b           serving");
    terminal_type(screen, "nnn");
    expect_shows("node: b");
    expect_shows("waits for its client");
    snprintf(line, sizeof line, "%-16s b           working", first);
    if (!wait_until(begins_the_list, line, WORK_MS))
        fail_msg("\"%s\" is not the first transaction:\n%s", line, terminal_screen(screen));
    terminal_resize(screen, 16, 90); /* so that they do not fit */
    expect_shows(first);
    terminal_type(screen, "\x1b[B"); /* down */
    terminal_type(screen, "\x1bOB");
    snprintf(line, sizeof line, "\n%s ", first);
    assert_true(terminal_hides(screen, line, WORK_MS));
    terminal_type(screen, "\x1bOA\x1bOA"); /* up */
    expect_shows(line + 1);
    for (int i = 0; i < 12; i++)
        txclient_tx_close(&tx[i]);
}

static void test_a_terminal_that_changes_its_size(void **state)
{
    (void)state;
    open_top(24, 80);
    assert_true(wait_until(commits, "b ", WORK_MS));
    terminal_resize(screen, 50, 160);
    expect_shows("sort: age  node: all  (h: help)");
    assert_true(wait_until(commits, "b ", WORK_MS));
    terminal_resize(screen, 10, 40);
    expect_shows("NODE        STATE");
    terminal_resize(screen, 3, 20);
    expect_shows("txctl top");
    terminal_resize(screen, 24, 80);
    assert_true(wait_until(commits, "a ", WORK_MS));
}

static void test_a_daemon_that_dies(void **state)
{
    int status;

    (void)state;
    open_top(24, 100);
    assert_true(wait_until(commits, "a ", WORK_MS));
    daemon_kill(a);
    expect_shows("a           silent");
    expect_shows("coordinator sees:  a down");
    terminal_type(screen, "s"); /* and everything else goes on */
    expect_shows("sort: node");
    daemon_start(a);
    assert_true(wait_until(commits, "a ", WORK_MS));
    terminal_type(screen, "q");
    assert_true(terminal_wait(screen, WORK_MS, &status));
    assert_int_equal(status, 0);
}

/* A frame with commits everywhere: sooner or later, for the load has just begun. */
static bool a_frame_with_commits(void *arg)
{
    char *saved = NULL;

    (void)arg;
    if (operate("top", "--once", "--interval=0.3", NULL, NULL) != 0)
        return false; /* the coordinator was too slow to answer */
    assert_null(strchr(operate_out, '\x1b'));
    double commits_of[3] = {0};
    int lines = 0;
    for (char *line = strtok_r(operate_out, "\n", &saved); line != NULL;
         line = strtok_r(NULL, "\n", &saved)) {
        assert_true(strlen(line) <= 100);
        static const char *const names[] = {"coordinator serving", "a           serving",
                                            "b           serving"};
        for (int i = 0; i < 3; i++)
            if (strncmp(line, names[i], strlen(names[i])) == 0) {
                commits_of[i] = column(line, COMMITS_COLUMN);
                lines++;
            }
    }
    return lines == 3 && commits_of[0] >= 1.0 && commits_of[1] >= 1.0 && commits_of[2] >= 1.0;
}

static bool json_with_commits(void *arg)
{
    (void)arg;
    if (operate("top", "--json", "--interval=0.3", NULL, NULL) != 0)
        return false;
    json_t *root = json_loads(operate_out, 0, NULL);
    const json_t *nodes = json_object_get(root, "nodes");
    assert_int_equal(json_array_size(nodes), 3);
    const json_t *state = json_object_get(json_array_get(nodes, 1), "state");
    const json_t *rate = json_object_get(json_array_get(nodes, 1), "committed_per_s");
    const bool so = strcmp(json_string_value(state), "serving") == 0 && json_real_value(rate) >= 1;
    json_decref(root);
    return so;
}

/* The coordinator, which names the nodes, may be too slow to answer here as well. */
static bool a_frame_without_b(void *arg)
{
    (void)arg;
    return operate("top", "--once", "--interval=0.3", NULL, NULL) == 0 &&
           strstr(operate_out, "\nb           silent") != NULL;
}

static void test_one_frame_as_text(void **state)
{
    (void)state;
    if (!wait_until(a_frame_with_commits, NULL, WORK_MS))
        fail_msg("no frame shows commits everywhere:\n%s", operate_out);
    if (!wait_until(json_with_commits, NULL, WORK_MS))
        fail_msg("no frame shows commits at a:\n%s", operate_out);
    daemon_kill(b);
    if (!wait_until(a_frame_without_b, NULL, WORK_MS))
        fail_msg("no frame shows that b is silent:\n%s%s", operate_out, operate_err);
}

static void test_what_it_cannot_do(void **state)
{
    (void)state;
    assert_int_equal(operate("top", NULL, NULL, NULL, NULL), EX_USAGE);
    operate_wrote("top needs a terminal; --once writes one frame as text");
    assert_int_equal(operate("top", "--interval=0.01", NULL, NULL, NULL), EX_USAGE);
    operate_wrote("below the shortest interval");
    stop_load();
    daemon_kill(coordinator);
    assert_int_equal(operate("top", "--once", "--interval=0.3", NULL, NULL), EX_UNAVAILABLE);
    operate_wrote("coordinator silent");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, under_load, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_screen_under_load), TEST(test_keys),
        TEST(test_the_longest_first),   TEST(test_a_terminal_that_changes_its_size),
        TEST(test_a_daemon_that_dies),  TEST(test_one_frame_as_text),
        TEST(test_what_it_cannot_do),
    };

    return cmocka_run_group_tests_name("top", tests, NULL, NULL);
}
