/* A cluster run by hand, with the files and commands of docs/operations.md: started, looked at with
 * every command of the page's table, copied, stopped; and who waits for whom. */
#include "tests/integration/runbook.h"
#include "tests/integration/work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static pid_t watcher;
static int alive; /* closed with this process */
static struct daemon *const a = &cluster.participants[0], *const b = &cluster.participants[1];

static int open_page(void **state)
{
    static const char *const mine[] = {RUNBOOK_LOOK_HEADINGS, NULL};

    (void)state;
    runbook_open(ASSENT_OPERATIONS_PAGE, mine);
    return 0;
}

static int close_page(void **state)
{
    (void)state;
    runbook_close();
    return 0;
}

static void says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("this does not say \"%s\":\n%s", part, text);
}

/* ---- by hand ---- */

static const char *place(const struct daemon *daemon)
{
    return strrchr(daemon->address, '/') + 1; /* HOST:PORT */
}

static int port_of(const struct daemon *daemon)
{
    return atoi(strchr(place(daemon), ':') + 1);
}

/* Where a daemon without a word about it serves metrics and its page. Kept from others who look for
 * a free one, for as long as this process lives, as the ports of the cluster are: the daemons' own
 * SO_REUSEADDR lets them in. */
static bool reserve(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return false;
    }
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    return true;
}

/* 0: it has never run. */
static pid_t pid_by_hand(const struct daemon *daemon)
{
    char path[CLUSTER_PATH + 16], text[32] = "";
    FILE *file;

    snprintf(path, sizeof path, "%s/LOCK.assent", daemon->data);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fgets(text, sizeof text, file) == NULL)
        text[0] = '\0';
    fclose(file);
    return (pid_t)strtol(text, NULL, 10);
}

/* The number may be another process's by now: ours runs in the cluster's directory. */
static bool runs_by_hand(const struct daemon *daemon)
{
    char path[64];
    struct stat its, ours;
    const pid_t pid = pid_by_hand(daemon);

    snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
    return pid > 0 && stat(path, &its) == 0 && stat(cluster.directory, &ours) == 0 &&
           its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
}

static bool none_runs(void *arg)
{
    (void)arg;
    return !runs_by_hand(coordinator) && !runs_by_hand(a) && !runs_by_hand(b);
}

static void kill_by_hand(void)
{
    struct daemon *const daemons[] = {coordinator, a, b};

    for (size_t i = 0; i < 3; i++)
        if (runs_by_hand(daemons[i]))
            (void)kill(pid_by_hand(daemons[i]), SIGKILL);
}

/* Daemons that a shell has started do not die with this test: somebody waits for its end. */
static void watch_over_daemons(void)
{
    int ends[2];
    char byte;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    watcher = fork();
    assert_true(watcher >= 0);
    if (watcher != 0) {
        close(ends[0]);
        alive = ends[1];
        return;
    }
    close(ends[1]);
    while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
        continue;
    kill_by_hand();
    _exit(0);
}

/* A directory and ports; the files are those of the page. */
static int by_hand(void **state)
{
    struct daemon *const daemons[] = {coordinator, a, b};
    static const char *const ports[] = {"127.0.0.1:7400", "127.0.0.1:7410", "127.0.0.1:7411"};
    char http[32];

    (void)state;
    for (;;) {
        cluster_init(&cluster, 2, true);
        if (reserve(port_of(coordinator) + 100) && reserve(port_of(a) + 100) &&
            reserve(port_of(b) + 100))
            break;
        cluster_deinit(&cluster);
    }
    for (size_t i = 0; i < 3; i++)
        runbook_replace(ports[i], place(daemons[i]));
    snprintf(http, sizeof http, "127.0.0.1:%d", port_of(coordinator) + 100);
    runbook_replace("127.0.0.1:7500", http);
    runbook_write_files();
    watch_over_daemons();
    return 0;
}

static int end_by_hand(void **state)
{
    close(alive);
    assert_int_equal(waitpid(watcher, NULL, 0), watcher);
    assert_true(wait_until(none_runs, NULL, WORK_MS));
    return work_teardown(state);
}

static void serves_by_hand(struct daemon *daemon)
{
    if (!daemon_says(daemon, "msg=serving", WORK_MS))
        fail_msg("%s does not serve", daemon->name);
}

/* The id of a transaction over both, as it stands in an answer of txctl, instead of the page's. */
static void note_id(const char *said)
{
    const char *from = strstr(said, "committed ");
    char id[64];

    assert_non_null(from);
    assert_int_equal(sscanf(from, "committed %63[^@ \n]", id), 1);
    runbook_replace("1-7-42", id);
}

/* The commands of the table on a running cluster, in its order, with how they end. */
static void look_at_what_runs(void)
{
    says(runbook_inline("txctl status", 0), "serving");
    says(runbook_inline("txctl status --verbose", 0), "epoch");
    says(runbook_inline("txctl --json status", 0), "{");
    says(runbook_inline("curl http://127.0.0.1:7500/healthz", 0), "ok");
    says(runbook_inline("curl http://127.0.0.1:7500/readyz", 0), "{");
    runbook_inline_typed("txctl top", "q", 0);
    says(runbook_inline("txctl top --once", 0), "coordinator");
    says(runbook_inline("txctl top --json", 0), "{");
    runbook_inline("txctl txns", 0);
    runbook_inline("txctl txns --older 60", 0);
    runbook_inline("txctl txns --tx 1-7-42", 0);
    runbook_inline("txctl indoubt", 0);
    says(runbook_inline("txctl resolve", EX_USAGE), "--commit|--abort");
    says(runbook_inline("txctl forget", EX_USAGE), "ID");
    runbook_inline("txctl alarms", 0);
    runbook_inline("txctl waits", 0);
    runbook_inline("txctl locks", 0);
    runbook_inline("txctl locks --space accounts a", 0);
    runbook_inline("txctl locks --tx 1-7-42", 0);
    says(runbook_inline("txctl outcome 1-7-42", 0), "committed");
    says(runbook_inline("txctl outcome 1-7-42@a,b", 0), "committed");
    says(runbook_inline("txctl outcome --wait 30 1-7-42@a,b", 0), "committed");
    says(runbook_inline("txctl get a/accounts/alice", 0), "95");
    says(runbook_inline("txctl cut", 0), "cut");
    runbook_inline_typed("txctl shell", "exit\\n", 0);
}

/* And on what is stopped. */
static void look_at_what_is_stopped(void)
{
    char now[32];
    const time_t t = time(NULL);
    struct tm tm;

    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    runbook_replace("2026-11-21T10:00:00Z", now);
    says(runbook_inline("txrecover summary a.data", 0), "participant a");
    says(runbook_inline("txrecover log --tx 1-7-42 a.data", 0), "committed");
    says(runbook_inline("txrecover explain 1-7-42 coordinator.data a.data b.data", 0), "committed");
    runbook_inline("txrecover indoubt a.data", 0);
    runbook_inline("txrecover verify a.data", 0);
    runbook_inline("txrecover verify coordinator.data a.data b.data", 0);
    says(runbook_inline("txrecover export a.data", 0), "PREPARED");
    runbook_replace("NEWDIR", "replayed");
    runbook_inline("txrecover replay --into NEWDIR a.data", 0);
    runbook_replace("NEWDIR", "as-then");
    runbook_inline("txrecover replay --into NEWDIR --until-time '2026-11-21T10:00:00Z' a.data", 0);
}

static void a_cluster_is_run_by_hand(void **state)
{
    (void)state;
    runbook_section("Starting");
    runbook_run(0);
    serves_by_hand(a);
    serves_by_hand(b);
    serves_by_hand(coordinator);
    cluster_await_up(&cluster);
    note_id(runbook_run(0));
    look_at_what_runs();
    runbook_section("Draining and reloading");
    says(runbook_run(0), "takes no new transactions");
    says(runbook_run(0), "debug");
    runbook_section("Cuts");
    says(runbook_run(0), "cut");
    a->log_from = file_size(a->log);
    runbook_section("Copying a node");
    runbook_run(0);
    serves_by_hand(a);
    runbook_section("Stopping");
    runbook_run(0);
    assert_true(wait_until(none_runs, NULL, WORK_MS)); /* the lock goes first, then the process */
    look_at_what_is_stopped();
}

/* ---- waiting for locks ---- */

#define ALICE txclient_at("a", "accounts", "alice")

struct waiter {
    txclient *with;
    txclient_tx *tx;
    txclient_status status;
};

static int two_participants(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, true);
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h");
    daemon_set(&cluster, a, "timers", "idle = 1h\nlock_timeout = 1h");
    work_start();
    runbook_replace("127.0.0.1:7401", place(a));
    runbook_replace("127.0.0.1:7402", place(b));
    return 0;
}

/* A coordinator that hangs costs txctl this long. */
static void client_gives_up_soon(void)
{
    char text[CLUSTER_PATH * 2];

    snprintf(text, sizeof text,
             "[client]\ncluster = test\ncoordinator = %s\nconnect_timeout = 5s\n"
             "request_timeout = 5s\n",
             coordinator->address);
    file_write(cluster.client_config, text);
}

static void *put_and_wait(void *arg)
{
    struct waiter *waiter = arg;

    waiter->status = txclient_put(waiter->tx, ALICE, txclient_str("2"));
    return NULL;
}

static void who_waits_is_seen(void **state)
{
    const txclient_begin_options patient = {.size = sizeof patient, .lock_timeout_ms = 3600000};
    struct waiter waiter = {.with = work_client(coordinator)};
    txclient_tx *holder = work_begin(client);
    char held[64], waits[64];
    pthread_t thread;

    (void)state;
    expect_of(waiter.with, txclient_begin(waiter.with, &patient, &waiter.tx), TXCLIENT_OK);
    expect(txclient_put(holder, ALICE, txclient_str("1")), TXCLIENT_OK);
    assert_int_equal(sscanf(txclient_tx_reference(holder), "%63[^@]", held), 1);
    assert_int_equal(sscanf(txclient_tx_reference(waiter.tx), "%63[^@]", waits), 1);
    assert_int_equal(pthread_create(&thread, NULL, put_and_wait, &waiter), 0);
    work_await_field(a, "locks_waiting", "1");
    runbook_replace("1-7-41", held);
    runbook_section("Waiting for locks");
    const char *said = runbook_run(0);
    assert_true(strstr(said, held) < strstr(said, waits)); /* who holds the other up stands first */
    says(said, "accounts/alice");
    said = runbook_run(0);
    says(said, held);
    assert_null(strstr(said, waits));
    says(runbook_run(0), waits);
    says(runbook_inline("txctl locks --waiting --sort space", 0), waits);
    daemon_signal(coordinator, SIGSTOP); /* it does not answer, and its transactions go on */
    client_gives_up_soon();
    says(runbook_inline("txctl waits tcp://127.0.0.1:7401 tcp://127.0.0.1:7402", 0), waits);
    daemon_signal(coordinator, SIGCONT);
    expect(txclient_commit(holder), TXCLIENT_OK);
    pthread_join(thread, NULL);
    expect_of(waiter.with, waiter.status, TXCLIENT_OK);
    expect_of(waiter.with, txclient_commit(waiter.tx), TXCLIENT_OK);
    txclient_tx_close(&holder);
    txclient_tx_close(&waiter.tx);
    txclient_close(&waiter.with);
}

static void other_pages_name_what_is_there(void **state)
{
    (void)state;
    runbook_check_names(ASSENT_DOCS "/install.md");
    runbook_check_names(ASSENT_DOCS "/messages.md");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cluster_is_run_by_hand, by_hand, end_by_hand),
        cmocka_unit_test_setup_teardown(who_waits_is_seen, two_participants, work_teardown),
        cmocka_unit_test(other_pages_name_what_is_there),
    };
    return cmocka_run_group_tests(tests, open_page, close_page);
}
