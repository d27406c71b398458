/* What txctl shows of transactions that are stuck, and how it settles them: a coordinator is killed
 * while both participants are in doubt, somebody waits behind them, an operator decides rightly or
 * wrongly, and the real decision comes later. */
#include "tests/integration/work.h"

#include <jansson.h>
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define COLUMNS 100

static struct daemon *const first = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0], *const b = &cluster.participants[1];
static char out[1 << 20], err[8192];
static char config[CLUSTER_PATH];

/* A configuration that names a participant, so that nothing hangs on the coordinator: whoever is in
 * doubt there names the others. It does not wait long for whoever is gone. */
static void write_config(void)
{
    char text[2048];
    snprintf(config, sizeof config, "%.200s/settle.conf", cluster.directory);
    snprintf(text, sizeof text,
             "[client]\ncluster = test\ncoordinator = %s\nparticipants = %s\n"
             "connect_timeout = 6s\n",
             first->address, a->address);
    file_write(config, text);
}

static void start(void)
{
    write_config();
    work_start_with("old");
    work_await_quiet();
}

/* Both members need the decision of the coordinator. */
static int decided_with(const char *timers)
{
    cluster_init(&cluster, 2, false);
    daemon_set(&cluster, first, "timers", timers);
    daemon_set(&cluster, first, "node", "commit_mode = coordinator");
    start();
    return 0;
}

static int coordinator_decides(void **state)
{
    (void)state;
    return decided_with("peer_down = 1h\nprepare = 1h");
}

/* The same, and what is over is soon forgotten. */
static int coordinator_forgets(void **state)
{
    (void)state;
    return decided_with("peer_down = 1h\nprepare = 1h\nretention = 500ms");
}

/* They decide themselves, and take their time to ask one another. */
static int members_decide(void **state)
{
    (void)state;
    cluster_init_defaults(&cluster, 2);
    daemon_set(&cluster, first, "timers",
               "peer_down = 1h\nprepare = 1h\nresend = 100ms\nhello = 100ms\nforget = "
               "100ms\nretention = 500ms");
    for (size_t i = 0; i < 2; i++)
        daemon_set(&cluster, &cluster.participants[i], "timers", "inquiry = 1h\ninquiry_max = 1h");
    start();
    return 0;
}

/* ---- what txctl says ---- */

/* The words end with NULL. */
#define txctl(...)                                                                                 \
    run_program(out, sizeof out, err, sizeof err, "txctl", "--config", config, __VA_ARGS__)

/* No line is longer than a terminal is wide. */
static void expect_narrow(void)
{
    for (const char *line = out; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        const char *blank = memchr(line, ' ', len);
        if (len > COLUMNS && blank != NULL)
            fail_msg("%zu columns: %.*s", len, (int)len, line);
        line += len + (line[len] == '\n');
    }
}

/* The text is there, wherever its lines are broken. */
static void expect_in(const char *text, const char *part)
{
    static char joined[sizeof out];
    size_t n = 0;
    for (const char *at = text; *at != '\0'; at++) {
        joined[n++] = *at == '\n' ? ' ' : *at;
        if (*at == '\n')
            at += strspn(at + 1, " ");
    }
    joined[n] = '\0';
    if (strstr(joined, part) == NULL)
        fail_msg("\"%s\" is not in:\n%.4000s%.1000s", part, out, err);
}

static void expect_exit(int got, int wanted)
{
    if (got != wanted)
        fail_msg("exit status %d, not %d:\n%.3000s%.1000s", got, wanted, out, err);
}

static json_t *parsed(void)
{
    json_error_t error;
    json_t *root = json_loads(out, 0, &error);
    if (root == NULL)
        fail_msg("%s at %d: %.300s%.300s", error.text, error.position, out, err);
    return root;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);
    if (!json_is_integer(number))
        fail_msg("no number \"%s\" in %.2000s", name, out);
    return json_integer_value(number);
}

/* The element of a list whose member has this text. */
static json_t *element(const json_t *list, const char *name, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        if (strcmp(text_of(item, name), text) == 0)
            return item;
    }
    fail_msg("no %s \"%s\" in %.3000s", name, text, out);
    return NULL;
}

/* What `txctl indoubt` says of the transaction, with the tree that holds it. */
static json_t *in_doubt(const char *id, json_t **root)
{
    (void)txctl("--json", "indoubt", NULL);
    *root = parsed();
    return element(json_object_get(*root, "transactions"), "id", id);
}

static size_t in_doubt_n(void)
{
    (void)txctl("--json", "indoubt", NULL);
    json_t *root = parsed();
    size_t n = json_array_size(json_object_get(root, "transactions"));
    json_decref(root);
    return n;
}

static bool nothing_in_doubt(void *arg)
{
    (void)arg;
    return in_doubt_n() == 0;
}

/* ---- damage ---- */

struct writer {
    pthread_t thread;
    char id[64];
    txclient_status status;
};

/* A step of another transaction of the same coordinator, begun before that died: it waits at a. */
static txclient *waiting_client;
static txclient_tx *waiting_tx;

static void *wait_behind(void *arg)
{
    struct writer *writer = arg;
    writer->status = txclient_put(waiting_tx, AT("a", "k"), txclient_str("later"));
    return NULL;
}

static void begin_waiter(struct writer *writer)
{
    /* Long enough for all that is asked meanwhile. */
    const txclient_begin_options options = {.size = sizeof options,
                                            .lock_timeout_ms = 10 * WORK_MS};
    waiting_client = work_client(first);
    expect_of(waiting_client, txclient_begin(waiting_client, &options, &waiting_tx), TXCLIENT_OK);
    snprintf(writer->id, sizeof writer->id, "%s", txclient_tx_reference(waiting_tx));
    writer->id[strcspn(writer->id, "@")] = '\0';
}

static void start_waiter(struct writer *writer)
{
    assert_int_equal(pthread_create(&writer->thread, NULL, wait_behind, writer), 0);
    work_await_field(a, "locks_waiting", "1");
}

static void end_waiter(struct writer *writer)
{
    pthread_join(writer->thread, NULL);
    txclient_tx_close(&waiting_tx);
    txclient_close(&waiting_client);
}

/* Resolves at b on a terminal, where it asks, and gives the exit status. */
static int resolve_on_terminal(const char *id, const char *answer)
{
    int terminal, status;
    size_t n = 0;
    bool answered = false;
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(pid >= 0);
    if (pid == 0) {
        execl(ASSENT_BIN_DIR "/txctl", "txctl", "--config", config, "resolve", id, "--abort",
              "--at", "b", "--operator", "alice", (char *)NULL);
        _exit(127);
    }
    for (ssize_t got; (got = read(terminal, out + n, sizeof out - n - 1)) > 0;) {
        n += (size_t)got;
        out[n] = '\0';
        if (!answered && strstr(out, "Type yes: ") != NULL) {
            answered = true;
            assert_int_equal(write(terminal, answer, strlen(answer)), strlen(answer));
        }
    }
    close(terminal);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(answered && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* ---- seen ---- */

static void expect_seen_in_doubt(const char *id, const char *waiter)
{
    json_t *root;
    json_t *tx = in_doubt(id, &root);
    const json_t *nodes = json_object_get(root, "nodes");
    assert_int_equal(json_array_size(nodes), 3);
    assert_true(
        json_is_false(json_object_get(element(nodes, "name", "coordinator 1"), "reachable")));
    assert_true(json_is_true(json_object_get(element(nodes, "name", "b"), "reachable")));
    assert_string_equal(text_of(tx, "outcome"), "unknown");
    assert_string_equal(text_of(tx, "decided_by"), "coordinator");
    expect_in(text_of(tx, "settled_by"), "the log of coordinator 1; nobody who answers knows");
    assert_true(number_of(tx, "next_try_ms") <= 60000);
    const json_t *at_a = element(json_object_get(tx, "at"), "node", "a");
    assert_string_equal(text_of(at_a, "state"), "prepared");
    assert_string_equal(text_of(at_a, "waits_for"), "decision");
    assert_true(number_of(at_a, "waiters") == 1 && number_of(at_a, "locks") >= 1);
    assert_true(number_of(at_a, "log_bytes") > 0 && number_of(at_a, "lsn") > 0);
    const json_t *members = json_object_get(at_a, "members");
    assert_string_equal(text_of(element(members, "name", "a"), "said"), "yes");
    const json_t *blocked = json_object_get(tx, "blocked");
    assert_int_equal(json_array_size(blocked), 1);
    assert_string_equal(text_of(json_array_get(blocked, 0), "transaction"), waiter);
    json_decref(root);

    expect_exit(txctl("indoubt", NULL), EX_UNAVAILABLE);
    expect_narrow();
    expect_in(out, id);
    expect_in(out, "coordinator 1 at ");
    expect_in(out, "does not answer");
    expect_in(out, "waits for it at a, for t/k");
    expect_exit(txctl("txns", NULL), EX_UNAVAILABLE);
    expect_narrow();
    expect_in(out, "a prepared, b prepared");
    expect_exit(txctl("status", NULL), 2);
    expect_narrow();
    expect_in(out, "BAD: coordinator 1: does not answer");
    expect_exit(txctl("outcome", id, NULL), 2);
    expect_in(out, "nobody who answers knows the decision");
}

/* At both: each hears of the decision by itself. */
static bool damage_seen(void *arg)
{
    json_t *root;
    const json_t *tx = in_doubt(arg, &root);
    const json_t *at = json_object_get(tx, "at");
    int seen = 0;
    for (size_t i = 0; i < json_array_size(at); i++)
        seen += strcmp(text_of(json_object_get(json_array_get(at, i), "heuristic"), "end"),
                       "DAMAGE") == 0;
    assert_int_equal(json_is_true(json_object_get(tx, "damage")), seen > 0);
    json_decref(root);
    return seen == 2;
}

/* The alarm of the transaction at a node; when it was raised. */
static json_int_t alarm_time(const char *node, const char *id)
{
    expect_exit(txctl("--json", "alarms", NULL), 0);
    json_t *root = parsed();
    const json_t *alarms = json_object_get(root, "alarms");
    json_int_t time_ms = 0;
    for (size_t i = 0; i < json_array_size(alarms); i++) {
        const json_t *alarm = json_array_get(alarms, i);
        if (strcmp(text_of(alarm, "node"), node) == 0 && strcmp(text_of(alarm, "id"), id) == 0)
            time_ms = number_of(alarm, "time_ms");
        if (i > 0)
            assert_true(number_of(alarm, "time_ms") <=
                        number_of(json_array_get(alarms, i - 1), "time_ms"));
    }
    json_decref(root);
    if (time_ms == 0)
        fail_msg("no alarm of %s at %s: %.2000s", id, node, out);
    return time_ms;
}

static void expect_decided(const char *id, const char *node, const char *decision, const char *end)
{
    json_t *root;
    const json_t *tx = in_doubt(id, &root);
    const json_t *row = element(json_object_get(tx, "at"), "node", node);
    const json_t *heuristic = json_object_get(row, "heuristic");
    assert_string_equal(text_of(row, "state"), "heuristic");
    assert_string_equal(text_of(heuristic, "decision"), decision);
    assert_string_equal(text_of(heuristic, "operator"), "alice");
    assert_string_equal(text_of(heuristic, "end"), end);
    assert_true(number_of(heuristic, "time_ms") > (json_int_t)1600000000 * 1000);
    json_decref(root);
}

static void restart(struct daemon *daemon)
{
    daemon_kill(daemon);
    daemon_start(daemon);
}

/* ---- the tests ---- */

/* He commits what the coordinator has never decided: DAMAGE, once that is back. */
static void test_resolved_wrongly(void **state)
{
    struct writer writer = {.status = TXCLIENT_OK};
    char id[64];
    (void)state;
    begin_waiter(&writer);
    work_leave_in_doubt(id);
    start_waiter(&writer);
    expect_seen_in_doubt(id, writer.id);

    expect_exit(txctl("resolve", id, "--commit", "--operator", "alice", NULL), EX_USAGE);
    expect_in(err, "--yes");
    expect_in(out, "may turn out to be damage");
    expect_narrow();
    work_await_field(a, "prepared", "1");
    expect_exit(txctl("forget", id, NULL), 1);
    expect_in(err, "no operator's decision");
    expect_exit(txctl("resolve", id, "--commit", "--operator", "alice", "--yes", NULL), 0);
    expect_in(out, "committed at a by operator alice");
    expect_in(out, "committed at b by operator alice");
    end_waiter(&writer); /* it has its lock now */
    assert_int_equal(writer.status, TXCLIENT_OK);
    expect_decided(id, "a", "commit", "open");
    expect_exit(txctl("resolve", id, "--abort", "--yes", NULL), 1);
    expect_in(err, "is not in doubt at");

    restart(a);
    expect_decided(id, "a", "commit", "open");
    expect_exit(txctl("forget", id, "--at", "a", NULL), 1);
    expect_in(out, "the real decision of transaction");

    daemon_start(first);
    assert_true(wait_until(damage_seen, id, WORK_MS));
    expect_decided(id, "a", "commit", "DAMAGE");
    expect_decided(id, "b", "commit", "DAMAGE");
    work_await_all_up(first);
    expect_exit(txctl("status", NULL), 1);
    expect_in(out, "WARN: a: alarm ");
    expect_narrow();
    time_t now = time(NULL);
    json_int_t at_a = alarm_time("a", id);
    assert_true(at_a <= ((json_int_t)now + 2) * 1000 && at_a >= ((json_int_t)now - 300) * 1000);
    (void)alarm_time("b", id);
    expect_exit(txctl("alarms", NULL), 0);
    expect_narrow();
    expect_in(out, "mend the data");

    work_await_durable(a); /* the alarm is shown before it is written */
    restart(a);
    assert_true(alarm_time("a", id) == at_a);
    expect_exit(txctl("forget", id, "--operator", "bob", NULL), 0);
    expect_in(out, "put aside at a by operator bob");
    assert_true(wait_until(nothing_in_doubt, NULL, WORK_MS));
    restart(a);
    assert_int_equal(in_doubt_n(), 0);
    work_await_field(a, "heuristic", "0");
    work_holds(client, "b", "k", "new");
}

/* What he aborts, the coordinator aborts as well. */
static void test_resolved_rightly(void **state)
{
    char id[64];
    (void)state;
    work_leave_in_doubt(id);
    expect_exit(resolve_on_terminal(id, "no\n"), 1);
    expect_in(out, "nothing was done");
    work_await_field(b, "prepared", "1");
    expect_exit(txctl("--json", "resolve", id, "--abort", "--operator", "alice", "--at", "b",
                      "--yes", NULL),
                0);
    json_t *root = parsed();
    assert_string_equal(text_of(root, "verdict"), "open");
    assert_string_equal(text_of(root, "operator"), "alice");
    assert_int_equal(json_array_size(json_object_get(root, "known")), 2);
    const json_t *done = json_object_get(root, "done");
    assert_int_equal(json_array_size(done), 1);
    assert_true(json_is_true(json_object_get(element(done, "node", "b"), "done")));
    json_decref(root);
    expect_decided(id, "b", "abort", "open");
    work_await_field(a, "prepared", "1");
    /* What he has done at one place is known at the other. */
    expect_exit(txctl("resolve", id, "--commit", NULL), EX_USAGE);
    expect_in(out, "WILL make the two differ");

    daemon_start(first);
    assert_true(wait_until(nothing_in_doubt, NULL, WORK_MS));
    work_await_quiet();
    work_holds(client, "a", "k", "old");
    work_holds(client, "b", "k", "old");
    expect_exit(txctl("alarms", NULL), 0);
    expect_in(out, "no daemon that answers keeps an alarm");
    expect_exit(txctl("outcome", id, NULL), 1);
    work_await_all_up(first);
    expect_exit(txctl("status", NULL), 0);
    expect_exit(txctl("indoubt", NULL), 0);
    assert_string_equal(out, "nothing is in doubt\n");
    expect_exit(txctl("txns", NULL), 0);
    assert_string_equal(out, "no such transaction is open\n");
}

/* All members are prepared, and they decide: that is the commit, and nobody may abort it. */
static void test_provably_wrong(void **state)
{
    json_t *root;
    char id[64];
    (void)state;
    work_leave_in_doubt(id);
    const json_t *tx = in_doubt(id, &root);
    assert_string_equal(text_of(tx, "outcome"), "committed");
    assert_string_equal(text_of(tx, "decided_by"), "members");
    json_decref(root);
    expect_exit(txctl("outcome", id, NULL), 0);
    expect_in(out, "all of them are prepared: that is the commit");
    expect_exit(txctl("resolve", id, "--abort", "--at", "a", "--yes", NULL), 1);
    expect_in(err, "provably wrong");
    expect_in(out, "aborting it here WILL be damage");
    work_await_field(a, "prepared", "1");
    expect_exit(txctl("resolve", id, "--abort", "--at", "a", "--operator", "alice", "--force",
                      "--yes", NULL),
                0);
    /* It is put aside, and then the damage comes all the same. */
    expect_exit(txctl("forget", id, "--at", "a", NULL), 1);
    expect_exit(txctl("forget", id, "--at", "a", "--force", NULL), 0);
    restart(a);

    daemon_start(first);
    work_await_field(a, "heuristic", "0"); /* with the mark */
    assert_true(wait_until(nothing_in_doubt, NULL, WORK_MS));
    work_await_number(a, "alarms", 1); /* b may have heard of it first */
    (void)alarm_time("a", id);
    work_holds(client, "a", "k", "old");
    work_holds(client, "b", "k", "new");
}

/* Open ones of everybody, their ages and what each waits for. */
static void test_open_ones(void **state)
{
    struct writer writer = {.status = TXCLIENT_OK};
    txclient_tx *tx = work_begin(client);
    char id[64];
    (void)state;
    expect(txclient_put(tx, AT("a", "k"), txclient_str("1")), TXCLIENT_OK);
    snprintf(id, sizeof id, "%s", txclient_tx_reference(tx));
    id[strcspn(id, "@")] = '\0';
    begin_waiter(&writer);
    start_waiter(&writer);
    expect_exit(txctl("--json", "txns", NULL), 0);
    json_t *root = parsed();
    const json_t *txs = json_object_get(root, "transactions");
    assert_int_equal(json_array_size(txs), 2);
    const json_t *holder = element(txs, "id", id);
    const json_t *waiter = element(txs, "id", writer.id);
    assert_string_equal(text_of(holder, "state"), "active");
    assert_string_equal(text_of(holder, "waits_for"), "client");
    assert_true(number_of(holder, "age_ms") >= number_of(waiter, "age_ms"));
    const json_t *at = json_object_get(holder, "at");
    assert_int_equal(json_array_size(at), 2);
    assert_int_equal(number_of(element(at, "node", "a"), "waiters"), 1);
    at = json_object_get(waiter, "at");
    assert_string_equal(text_of(element(at, "node", "a"), "waits_for"), "lock");
    json_decref(root);
    expect_exit(txctl("txns", "--tx", writer.id, NULL), 0);
    expect_narrow();
    assert_null(strstr(out, id));
    expect_exit(txctl("txns", "--older", "3600", NULL), 0);
    assert_string_equal(out, "no such transaction is open\n");
    expect_exit(txctl("txns", "--limit", "1", NULL), 0);
    expect_in(out, "--limit shows more than 1");
    expect_exit(txctl("txns", "--in-doubt", NULL), 0);
    assert_string_equal(out, "no such transaction is open\n");
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    end_waiter(&writer);
    /* Over, and still known where it was. */
    expect_exit(txctl("txns", "--tx", id, NULL), 0);
    expect_in(out, "committed");
}

#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(coordinator_decides, test_open_ones),
        WITH(coordinator_forgets, test_resolved_wrongly),
        WITH(coordinator_decides, test_resolved_rightly),
        WITH(members_decide, test_provably_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
