/* What daemons tell a service manager, which is this test here: the messages of sd_notify(3) on a
 * socket of its own. */
#include "tests/integration/work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static int manager = -1; /* the socket */
static char word[1024];  /* the last message */

#define BEAT_MS 400 /* what a daemon has to keep to: half of WATCHDOG_USEC */

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One participant with tcp; nothing is running. The daemons inherit the environment. */
static int set_up(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    (void)state;
    cluster_init(&cluster, 1, true);
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h");
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(manager >= 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%.90s/notify", cluster.directory);
    assert_int_equal(bind(manager, (struct sockaddr *)&at, sizeof at), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

static int tear_down(void **state)
{
    close(manager);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    return work_teardown(state);
}

/* The next message within that time, in `word`; false when there is none. */
static bool hear(int timeout_ms)
{
    struct pollfd fd = {.fd = manager, .events = POLLIN};
    int n;

    do
        n = poll(&fd, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return false;
    ssize_t got = recv(manager, word, sizeof word - 1, 0);
    assert_true(got > 0);
    word[got] = '\0';
    return true;
}

static bool is(const char *line)
{
    const char *at = strstr(word, line);
    size_t len = strlen(line);

    return at != NULL && (at == word || at[-1] == '\n') && (at[len] == '\n' || at[len] == '\0');
}

static void expect_word(const char *line)
{
    if (!hear(WORK_MS))
        fail_msg("nothing was said; waited for %s", line);
    if (!is(line))
        fail_msg("said \"%s\" instead of %s", word, line);
}

static void expect_silence(int ms)
{
    if (hear(ms))
        fail_msg("said \"%s\"", word);
}

/* Does somebody accept connections at this address at this moment? */
static bool is_served(const char *address)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool served;

    assert_true(fd >= 0);
    at.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    served = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return served;
}

/* Everything that is said up to READY, and that nothing is promised before. */
static void start_up(struct daemon *daemon)
{
    char opening[CLUSTER_PATH + 64];

    snprintf(opening, sizeof opening, "STATUS=opening the log in %s", daemon->data);
    daemon_spawn(daemon, NULL);
    expect_word(opening);
    assert_true(is("EXTEND_TIMEOUT_USEC=120000000"));
    assert_null(strstr(word, "READY"));
    while (hear(WORK_MS) && strstr(word, "STATUS=reading the log") != NULL)
        assert_true(is("EXTEND_TIMEOUT_USEC=120000000"));
    assert_true(is("READY=1"));
    assert_true(is("STATUS=serving"));
    if (!is_served(daemon->address))
        fail_msg("%s says READY, and does not take connections", daemon->name);
}

static void ends_with(struct daemon *daemon, int signal_number, int wanted)
{
    int status;

    daemon_signal(daemon, signal_number);
    assert_true(daemon_wait(daemon, WORK_MS, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), wanted);
}

static void from_start_to_end_the_order_is_kept(void **state)
{
    struct daemon *daemons[2] = {a, coordinator};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        start_up(daemons[i]);
    client = work_client(coordinator);
    work_await_all_up(coordinator);
    work_put_surely(client, "a", "k", "v");
    expect_silence(100); /* nothing that the manager need hear of */
    for (size_t i = 2; i-- > 0;) {
        daemon_signal(daemons[i], SIGHUP);
        expect_word("RELOADING=1");
        assert_non_null(strstr(word, "MONOTONIC_USEC="));
        expect_word("READY=1");
        daemon_signal(daemons[i], SIGTERM);
        expect_word("STOPPING=1");
        ends_with(daemons[i], 0, 0);
        expect_silence(0);
    }
    /* And leaving at once. */
    start_up(a);
    daemon_signal(a, SIGINT);
    expect_word("STOPPING=1");
    assert_true(is("EXTEND_TIMEOUT_USEC=120000000"));
    ends_with(a, 0, 0);
}

/* While it drains for longer than the manager would wait by itself, and is asked to reload. */
static void a_draining_daemon_says_how_long_it_may_take(void **state)
{
    (void)state;
    daemon_set(&cluster, coordinator, "timers", "drain = 30m");
    start_up(a);
    start_up(coordinator);
    client = work_client(coordinator);
    work_await_all_up(coordinator);
    txclient_tx *tx = work_begin(client);
    expect(txclient_put(tx, AT("a", "k"), txclient_str("v")), TXCLIENT_OK);
    daemon_signal(coordinator, SIGTERM);
    expect_word("STOPPING=1");
    assert_true(is("EXTEND_TIMEOUT_USEC=1920000000"));
    daemon_signal(coordinator, SIGHUP);
    assert_true(daemon_says(coordinator, "from=signal", WORK_MS));
    expect_silence(100); /* it is neither reloading nor ready */
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    ends_with(coordinator, 0, 0);
    expect_silence(0);
}

/* How long five beats took from the first to the last. */
static int64_t five_beats_ms(void)
{
    expect_word("WATCHDOG=1");
    int64_t begun = now_ms();
    for (int beats = 0; beats < 4; beats++)
        expect_word("WATCHDOG=1");
    return now_ms() - begun;
}

/* An operator's drain is no end: the status says it, also after a reload, until it is taken back.
 */
static void a_drained_daemon_says_so(void **state)
{
    (void)state;
    start_up(coordinator);
    client = work_client(coordinator);
    expect(txclient_admin(client, NULL, TXCLIENT_ADMIN_DRAIN, "me", NULL), TXCLIENT_OK);
    expect_word("STATUS=drained by an operator: new transactions are refused");
    daemon_signal(coordinator, SIGHUP);
    expect_word("RELOADING=1");
    expect_word("READY=1");
    assert_true(is("STATUS=drained by an operator: new transactions are refused"));
    expect(txclient_admin(client, NULL, TXCLIENT_ADMIN_UNDRAIN, "me", NULL), TXCLIENT_OK);
    expect_word("STATUS=serving");
    daemon_stop(coordinator);
}

/* A loop that stands still is not covered up by anything else in the process. */
static void the_watchdog_hears_of_a_loop_that_turns(void **state)
{
    char usec[32];
    int64_t took = INT64_MAX;
    bool regular = false;

    (void)state;
    snprintf(usec, sizeof usec, "%d", 2 * BEAT_MS * 1000);
    setenv("WATCHDOG_USEC", usec, 1);
    start_up(a);
    /* A busy machine may delay some, and this test, which then hears several at once; but not all
     * of the time. */
    for (int tries = 0; tries < 20 && !regular; tries++) {
        took = five_beats_ms();
        regular = took >= 3 * BEAT_MS && took <= 6 * BEAT_MS;
    }
    if (!regular)
        fail_msg("five beats in %lld ms", (long long)took);
    daemon_signal(a, SIGSTOP);
    while (hear(BEAT_MS / 2)) /* one may have been on its way */
        assert_true(is("WATCHDOG=1"));
    expect_silence(4 * BEAT_MS);
    daemon_signal(a, SIGCONT);
    expect_word("WATCHDOG=1");
    expect_word("WATCHDOG=1");
}

/* What it dies of is told as well, and a daemon that has told nothing is not ready. */
static void a_start_that_fails_says_why(void **state)
{
    int status;

    (void)state;
    file_write(a->data, "no directory\n");
    daemon_spawn(a, NULL);
    assert_true(hear(WORK_MS));
    assert_non_null(strstr(word, "STATUS=opening the log in "));
    assert_true(hear(WORK_MS));
    if (strncmp(word, "STATUS=", 7) != 0 || strstr(word, a->data) == NULL)
        fail_msg("said \"%s\"", word);
    assert_true(daemon_wait(a, WORK_MS, &status));
    assert_int_equal(WEXITSTATUS(status), 78);
    daemon_set(&cluster, a, "node", "nonsense = 1");
    daemon_spawn(a, NULL);
    assert_true(hear(WORK_MS));
    if (strncmp(word, "STATUS=", 7) != 0 || strstr(word, "nonsense") == NULL)
        fail_msg("said \"%s\"", word);
    assert_true(daemon_wait(a, WORK_MS, &status));
    assert_int_equal(WEXITSTATUS(status), 78);
    expect_silence(0);
}

/* A socket that nobody reads from any more does not keep it from its work. */
static void a_manager_that_is_gone_is_complained_of_once(void **state)
{
    (void)state;
    start_up(a);
    close(manager);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    daemon_signal(a, SIGHUP);
    assert_true(daemon_says(a, "the service manager cannot be told anything", WORK_MS));
    daemon_stop(a);
}

static void without_a_manager_nothing_is_said(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "20000", 1);
    daemon_start(a);
    daemon_signal(a, SIGHUP);
    assert_true(daemon_says(a, "from=signal", WORK_MS));
    expect_silence(100);
    daemon_stop(a);
    assert_false(daemon_says(a, "service manager", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_start_to_end_the_order_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_draining_daemon_says_how_long_it_may_take, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_drained_daemon_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_watchdog_hears_of_a_loop_that_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_start_that_fails_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_manager_that_is_gone_is_complained_of_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_a_manager_nothing_is_said, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
