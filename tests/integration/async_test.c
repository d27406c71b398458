/* Many transactions in flight on real daemons: from one thread, and from many on one handle; over
 * the loss of the coordinator, and of the handle itself. */
#include "client/txclient.h"
#include "tests/integration/answered.h"
#include "tests/integration/cluster.h"

#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ACCOUNTS 40
#define BALANCE  1000
#define THREADS  64

static struct cluster cluster;
static txclient *client;

static const char *place_of(unsigned account)
{
    return account % 2 == 0 ? "a" : "b";
}

/* Accounts 0 to 39 with 1,000 each, the even ones at a. */
static void fill(void)
{
    txclient_batch *batch = txclient_batch_new();
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        (void)txclient_batch_put(batch, txclient_at(place_of(i), "accounts", key),
                                 txclient_str("1000"));
    }
    assert_int_equal(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    txclient_batch_free(&batch);
}

static int start(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    cluster_start(&cluster);
    if (txclient_open_file(cluster.client_config, &client, NULL) != TXCLIENT_OK) {
        return -1;
    }
    fill();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    txclient_close(&client);
    daemon_stop(&cluster.coordinator);
    for (size_t i = 0; i < cluster.participants_n; i++) {
        daemon_stop(&cluster.participants[i]);
    }
    cluster_deinit(&cluster);
    return 0;
}

/* What all accounts hold together, in one transaction. */
static int64_t sum(void)
{
    txclient_value values[ACCOUNTS];
    txclient_batch *batch = txclient_batch_new();
    int64_t total = 0;
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", i);
        (void)txclient_batch_get(batch, txclient_at(place_of(i), "accounts", key));
    }
    txclient_status status = submit_answered(client, batch, NULL, values);
    for (unsigned i = 0; i < ACCOUNTS && status == TXCLIENT_OK; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%.*s", (int)values[i].len, (const char *)values[i].data);
        total += strtoll(text, NULL, 10);
    }
    txclient_batch_free(&batch);
    assert_int_equal(status, TXCLIENT_OK);
    return total;
}

/* A transfer between two accounts that leaves a record on both sides. */
static void fill_transfer(txclient_batch *batch, unsigned number, const char *name)
{
    unsigned from = number * 7 % ACCOUNTS;
    unsigned to = (from + 1 + number % (ACCOUNTS / 2) * 2) % ACCOUNTS; /* on the other side */
    char from_key[16];
    char to_key[16];
    (void)snprintf(from_key, sizeof from_key, "%u", from);
    (void)snprintf(to_key, sizeof to_key, "%u", to);
    txclient_batch_clear(batch);
    (void)txclient_batch_add(batch, txclient_at(place_of(from), "accounts", from_key), -1, NULL,
                             NULL);
    (void)txclient_batch_add(batch, txclient_at(place_of(to), "accounts", to_key), 1, NULL, NULL);
    (void)txclient_batch_insert(batch, txclient_at("a", "records", name), txclient_str("x"));
    (void)txclient_batch_insert(batch, txclient_at("b", "records", name), txclient_str("x"));
}

/* How many of its two records are there. */
static unsigned records_of(const char *name)
{
    txclient_value values[2];
    txclient_batch *batch = txclient_batch_new();
    (void)txclient_batch_get(batch, txclient_at("a", "records", name));
    (void)txclient_batch_get(batch, txclient_at("b", "records", name));
    txclient_status status = submit_answered(client, batch, NULL, values);
    txclient_batch_free(&batch);
    assert_int_equal(status, TXCLIENT_OK);
    return (values[0].found ? 1u : 0u) + (values[1].found ? 1u : 0u);
}

/* ---- many threads on one handle ---- */

static unsigned sockets_open(void)
{
    unsigned n = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        struct stat what;
        int fd = (int)strtol(entry->d_name, NULL, 10);
        n += entry->d_name[0] != '.' && fstat(fd, &what) == 0 && S_ISSOCK(what.st_mode) ? 1 : 0;
    }
    (void)closedir(directory);
    return n;
}

static atomic_uint committed;
static atomic_uint aborted;
static atomic_uint other;
static unsigned interactive_each;

static void count(txclient_status status)
{
    atomic_fetch_add(status == TXCLIENT_OK        ? &committed
                     : status == TXCLIENT_ABORTED ? &aborted
                                                  : &other,
                     1);
}

static txclient_status transfer_step(txclient_tx *tx, void *arg)
{
    unsigned number = *(unsigned *)arg;
    char from[16];
    char to[16];
    (void)snprintf(from, sizeof from, "%u", number * 7 % ACCOUNTS);
    (void)snprintf(to, sizeof to, "%u", (number * 7 + 1) % ACCOUNTS);
    txclient_status status = txclient_add(
        tx, txclient_at(place_of(number * 7 % ACCOUNTS), "accounts", from), -1, NULL, NULL, NULL);
    return status != TXCLIENT_OK
               ? status
               : txclient_add(tx,
                              txclient_at(place_of((number * 7 + 1) % ACCOUNTS), "accounts", to), 1,
                              NULL, NULL, NULL);
}

static void *work(void *arg)
{
    unsigned thread = *(unsigned *)arg;
    txclient_batch *batch = txclient_batch_new();
    for (unsigned i = 0; i < 20; i++) {
        char name[32];
        unsigned number = thread * 1000 + i;
        if (interactive_each > 0 && i % interactive_each == 0) {
            count(txclient_run(client, NULL, transfer_step, &number));
            continue;
        }
        (void)snprintf(name, sizeof name, "%u", number);
        fill_transfer(batch, number, name);
        count(txclient_submit(client, batch, NULL, NULL));
    }
    txclient_batch_free(&batch);
    return NULL;
}

static void test_many_threads_on_one_handle(void **state)
{
    pthread_t threads[THREADS];
    static unsigned numbers[THREADS];
    (void)state;
    unsigned zero = 0; /* so that every daemon has been spoken to */
    assert_int_equal(txclient_run(client, NULL, transfer_step, &zero), TXCLIENT_OK);
    unsigned before = sockets_open();
    interactive_each = 4;
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &numbers[i]), 0);
    }
    unsigned most = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        unsigned now = sockets_open(); /* while all of them are at work, and fewer and fewer */
        most = now > most ? now : most;
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(most, before);
    assert_int_equal(atomic_load(&other), 0);
    assert_int_equal(atomic_load(&committed) + atomic_load(&aborted), THREADS * 20);
    assert_true(atomic_load(&committed) > THREADS * 10);
    assert_int_equal(sum(), ACCOUNTS * BALANCE);
}

/* ---- many in flight from one thread ---- */

#define FLIGHT 500

struct shot {
    char name[32];
    unsigned number;
    unsigned times;
    txclient_status status;
    char reference[128];
};
static struct shot shots[FLIGHT];

static void landed(void *arg, const txclient_result *result)
{
    struct shot *shot = arg;
    shot->times++;
    shot->status = result->status;
    (void)snprintf(shot->reference, sizeof shot->reference, "%s", result->detail->reference);
}

static txclient_commit_mode commit_mode; /* of those that follow */

static void submit_all(const char *prefix)
{
    txclient_batch *batch = txclient_batch_new();
    for (unsigned i = 0; i < FLIGHT; i++) {
        shots[i] = (struct shot){.number = i};
        (void)snprintf(shots[i].name, sizeof shots[i].name, "%s-%u", prefix, i);
        txclient_submit_options options = {.size = sizeof options,
                                           .idempotency_key = txclient_str(shots[i].name),
                                           .commit_mode = commit_mode};
        fill_transfer(batch, i, shots[i].name);
        assert_int_equal(txclient_submit_async(client, batch, &options, landed, &shots[i]),
                         TXCLIENT_OK);
    }
    txclient_batch_free(&batch);
}

/* Submits again, with the same key, until the outcome is known. */
static txclient_status look_up(const struct shot *shot)
{
    txclient_submit_options options = {.size = sizeof options,
                                       .idempotency_key = txclient_str(shot->name),
                                       .commit_mode = commit_mode};
    txclient_batch *batch = txclient_batch_new();
    txclient_status status = TXCLIENT_UNKNOWN;
    for (unsigned i = 0; i < 60 && status != TXCLIENT_OK && status != TXCLIENT_ABORTED; i++) {
        fill_transfer(batch, shot->number, shot->name);
        status = txclient_submit(client, batch, &options, NULL);
    }
    txclient_batch_free(&batch);
    return status;
}

/* Every callback came once, and what it said is what has happened. */
static void check_all(void)
{
    for (unsigned i = 0; i < FLIGHT; i++) {
        struct shot *shot = &shots[i];
        assert_int_equal(shot->times, 1);
        unsigned records = records_of(shot->name);
        if (shot->status == TXCLIENT_UNKNOWN) {
            txclient_status status = look_up(shot);
            assert_true(status == TXCLIENT_OK || status == TXCLIENT_ABORTED);
            records = records_of(shot->name);
            assert_int_equal(records, status == TXCLIENT_OK ? 2 : 0);
        } else {
            assert_int_equal(records, shot->status == TXCLIENT_OK ? 2 : 0);
        }
    }
    assert_int_equal(sum(), ACCOUNTS * BALANCE);
}

static void test_five_hundred_in_flight(void **state)
{
    (void)state;
    struct pollfd wait = {.fd = txclient_fd(client), .events = POLLIN};
    submit_all("flight");
    while (txclient_in_flight(client) > 0) {
        assert_int_equal(poll(&wait, 1, 60000), 1);
        (void)txclient_process(client, 0);
    }
    for (unsigned i = 0; i < FLIGHT; i++) {
        if (shots[i].status != TXCLIENT_OK && shots[i].status != TXCLIENT_ABORTED) {
            fail_msg("%u: %s", i, txclient_status_text(shots[i].status));
        }
    }
    check_all();
}

static bool is_in_the_middle(void *arg)
{
    unsigned *flight = arg;
    char prefix[32];
    (void)snprintf(prefix, sizeof prefix, "flight-%u", (*flight)++);
    submit_all(prefix);
    size_t over = 0;
    while (over < FLIGHT / 10) {
        over += txclient_process(client, 1000);
    }
    return txclient_in_flight(client) > 0;
}

/* Submits all of them, until some have landed and others have not: a thread that is held up finds
 * all landed when it goes on. */
static void submit_into_the_middle(void)
{
    unsigned flight = 0;
    assert_true(wait_until(is_in_the_middle, &flight, 60000));
}

static void kill_the_coordinator(txclient_commit_mode mode)
{
    commit_mode = mode;
    submit_into_the_middle();
    daemon_kill(&cluster.coordinator);
    assert_true(txclient_in_flight(client) > 0);
    (void)txclient_process(client, 50);
    daemon_start(&cluster.coordinator);
    while (txclient_in_flight(client) > 0) {
        (void)txclient_process(client, -1);
    }
    check_all();
}

static void test_the_coordinator_is_killed_meanwhile(void **state)
{
    (void)state;
    kill_the_coordinator(TXCLIENT_COMMIT_COORDINATOR);
}

static void test_it_is_killed_while_the_participants_decide(void **state)
{
    (void)state;
    kill_the_coordinator(TXCLIENT_COMMIT_PARTICIPANTS);
}

static void test_the_handle_is_closed_meanwhile(void **state)
{
    (void)state;
    submit_into_the_middle();
    txclient_close(&client);
    unsigned unknown = 0;
    for (unsigned i = 0; i < FLIGHT; i++) {
        assert_int_equal(shots[i].times, 1);
        unknown += shots[i].status == TXCLIENT_UNKNOWN ? 1 : 0;
    }
    assert_true(unknown > 0);
    assert_int_equal(txclient_open_file(cluster.client_config, &client, NULL), TXCLIENT_OK);
    check_all();
}

/* ---- interactive ---- */

struct flow {
    txclient_tx *tx;
    unsigned steps; /* answered with OK */
    unsigned over;
    txclient_status status;
};
static struct flow flows[100];

static void stepped(void *arg, const txclient_result *result)
{
    struct flow *flow = arg;
    assert_true(result->status == TXCLIENT_OK || result->status == TXCLIENT_ABORTED);
    flow->steps += result->status == TXCLIENT_OK ? 1 : 0;
}

static void ended(void *arg, const txclient_result *result)
{
    struct flow *flow = arg;
    txclient_tx *tx = result->tx;
    flow->over++;
    flow->status = result->status;
    txclient_tx_close(&tx);
}

/* Six steps and the commit, all begun before the first answer. */
static void began(void *arg, const txclient_result *result)
{
    struct flow *flow = arg;
    unsigned number = (unsigned)(flow - flows);
    assert_int_equal(result->status, TXCLIENT_OK);
    flow->tx = result->tx;
    txclient_batch *batch = txclient_batch_new();
    for (unsigned i = 0; i < 6; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "%u", (number + i) % ACCOUNTS);
        txclient_batch_clear(batch);
        (void)txclient_batch_add(batch,
                                 txclient_at(place_of((number + i) % ACCOUNTS), "accounts", key),
                                 i % 2 == 0 ? -1 : 1, NULL, NULL);
        assert_int_equal(txclient_execute_async(flow->tx, batch, stepped, flow), TXCLIENT_OK);
    }
    txclient_batch_free(&batch);
    assert_int_equal(txclient_commit_async(flow->tx, ended, flow), TXCLIENT_OK);
}

static void test_pipelined_transactions(void **state)
{
    (void)state;
    unsigned ok = 0;
    for (size_t i = 0; i < sizeof flows / sizeof flows[0]; i++) {
        assert_int_equal(txclient_begin_async(client, NULL, began, &flows[i]), TXCLIENT_OK);
    }
    while (txclient_in_flight(client) > 0) {
        (void)txclient_process(client, -1);
    }
    for (size_t i = 0; i < sizeof flows / sizeof flows[0]; i++) {
        assert_int_equal(flows[i].over, 1);
        if (flows[i].status == TXCLIENT_OK) {
            assert_int_equal(flows[i].steps, 6);
            ok++;
        } else {
            assert_int_equal(flows[i].status, TXCLIENT_ABORTED);
        }
    }
    assert_true(ok > 0);
    assert_int_equal(sum(), ACCOUNTS * BALANCE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_many_threads_on_one_handle),
        TEST(test_five_hundred_in_flight),
        TEST(test_the_coordinator_is_killed_meanwhile),
        TEST(test_it_is_killed_while_the_participants_decide),
        TEST(test_the_handle_is_closed_meanwhile),
        TEST(test_pipelined_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
