/* The power fails: daemons die at any moment of their work, and their directories are what a disk
 * is sure to hold, without anything that was not synced. Every transaction that a client was told
 * to be committed is there on all its participants, none that was told to be aborted is on any, and
 * each other one is whole or not there. So an answer that goes out before its record is synced, or
 * a sync that is missing, is found. That it would be is tested as well: on disks that sync nothing.
 */
#include "tests/faults/faults.h"
#include "tests/integration/work.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

#include <cmocka.h>

enum {
    CLIENTS = 3,
    ATTEMPTS_MAX = 100000,
    BRISK = 500, /* attempts of each load at full speed; then 20 ms between two of a client */
    LOOK = 64,
    NODES = 3,
    ROUNDS = 8,
    HEAD_TEXT = 1024, /* both slots */
};

/* Which participants a transaction writes at. */
enum work_kind { BOTH_ONE_SHOT, BOTH_INTERACTIVE, AT_A, AT_B, WORK_KINDS_N };

struct attempt {
    char key[24];
    enum work_kind kind;
    _Atomic txclient_status told; /* read while the threads are at work */
};

static struct attempt attempts[ATTEMPTS_MAX];
static atomic_int attempts_n, load_from;
static atomic_bool stop;
static struct faults disks[NODES];
static struct daemon *const nodes[NODES] = {&cluster.coordinator, &cluster.participants[0],
                                            &cluster.participants[1]};
static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* ---- the disks ---- */

static void start_node(int node, const char *lie)
{
    faults_arm(&disks[node], nodes[node]->data, &(struct fault){0}, true, lie);
    daemon_spawn(nodes[node], NULL);
    faults_disarm();
}

static void await_node(int node)
{
    if (!daemon_says(nodes[node], "msg=serving", WORK_MS))
        fail_msg("%s does not serve after the power came back", nodes[node]->name);
}

/* The machine of these nodes has no power any more. */
static void lose_power(unsigned which)
{
    for (int node = 0; node < NODES; node++)
        if ((which & 1u << node) != 0)
            daemon_signal(nodes[node], SIGKILL);
    for (int node = 0; node < NODES; node++) {
        int status;
        if ((which & 1u << node) == 0)
            continue;
        assert_true(daemon_wait(nodes[node], WORK_MS, &status));
        assert_true(faults_restore(&disks[node], nodes[node]->data));
    }
}

static void give_power(unsigned which)
{
    for (int node = 0; node < NODES; node++)
        if ((which & 1u << node) != 0)
            start_node(node, NULL);
    for (int node = 0; node < NODES; node++)
        if ((which & 1u << node) != 0)
            await_node(node);
}

/* ---- the work; nothing in here may fail the test, it runs in threads ---- */

static txclient_status interactive(txclient *own, const char *key)
{
    txclient_tx *tx = NULL;
    txclient_status status = txclient_begin(own, NULL, &tx);
    if (status == TXCLIENT_OK)
        status = txclient_put(tx, AT("a", key), txclient_str("x"));
    if (status == TXCLIENT_OK)
        status = txclient_put(tx, AT("b", key), txclient_str("x"));
    if (status == TXCLIENT_OK)
        status = txclient_commit(tx);
    else if (tx != NULL && status != TXCLIENT_ABORTED)
        status = TXCLIENT_ETIMEOUT; /* never asked to commit */
    txclient_tx_close(&tx);
    return status;
}

static txclient_status work_once(txclient *own, const struct attempt *attempt)
{
    switch (attempt->kind) {
    case BOTH_ONE_SHOT:
        return work_put(own, "ab", attempt->key, "x");
    case BOTH_INTERACTIVE:
        return interactive(own, attempt->key);
    case AT_A:
        return work_put(own, "a", attempt->key, "x");
    case AT_B:
        return work_put(own, "b", attempt->key, "x");
    case WORK_KINDS_N:
        break;
    }
    return TXCLIENT_ETIMEOUT;
}

/* A load lasts until somebody ends it, on a machine of any speed, and leaves room for the next. */
static void *work(void *arg)
{
    txclient *own = arg;
    while (!atomic_load(&stop)) {
        int i = atomic_fetch_add(&attempts_n, 1);
        if (i >= atomic_load(&load_from) + BRISK)
            (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        if (i >= ATTEMPTS_MAX)
            break;
        struct attempt *attempt = &attempts[i];
        (void)snprintf(attempt->key, sizeof attempt->key, "key-%d", i);
        attempt->kind = (enum work_kind)(i % WORK_KINDS_N);
        attempt->told = TXCLIENT_UNKNOWN;
        attempt->told = work_once(own, attempt);
    }
    return NULL;
}

struct load {
    txclient *clients[CLIENTS];
    pthread_t threads[CLIENTS];
};

static bool has_committed(void *arg)
{
    int committed = 0, n = atomic_load(&attempts_n);
    (void)arg;
    for (int i = atomic_load(&load_from); i < n; i++)
        committed += attempts[i].told == TXCLIENT_OK;
    return committed > 20;
}

static void load_begin(struct load *load)
{
    atomic_store(&stop, false);
    atomic_store(&load_from, atomic_load(&attempts_n));
    for (int i = 0; i < CLIENTS; i++) {
        load->clients[i] = work_quick_client(nodes[0]);
        assert_int_equal(pthread_create(&load->threads[i], NULL, work, load->clients[i]), 0);
    }
    assert_true(wait_until(has_committed, NULL, WORK_MS));
}

static void load_end(struct load *load)
{
    atomic_store(&stop, true);
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(load->threads[i], NULL), 0);
        txclient_close(&load->clients[i]);
    }
    if (atomic_load(&attempts_n) > ATTEMPTS_MAX)
        atomic_store(&attempts_n, ATTEMPTS_MAX);
}

/* ---- what is there afterwards ---- */

struct look {
    const char *participant;
    int from, n;
    txclient_value values[LOOK];
};

static bool looked(void *arg)
{
    struct look *look = arg;
    txclient_batch *batch = txclient_batch_new();
    for (int i = 0; i < look->n; i++)
        txclient_batch_get(batch, AT(look->participant, attempts[look->from + i].key));
    txclient_status status = txclient_submit(client, batch, NULL, look->values);
    txclient_batch_free(&batch);
    return status == TXCLIENT_OK && !txclient_detail(client)->results_lost;
}

static void find(const char *participant, bool *there)
{
    int all = atomic_load(&attempts_n);
    for (int from = 0; from < all; from += LOOK) {
        struct look look = {
            .participant = participant, .from = from, .n = all - from < LOOK ? all - from : LOOK};
        if (!wait_until(looked, &look, WORK_MS))
            fail_msg("%s cannot be read: %s", participant, txclient_detail(client)->text);
        for (int i = 0; i < look.n; i++)
            there[from + i] = look.values[i].found;
    }
}

/* How many transactions are not what was told; the first in words. */
static int count_wrong(char words[200])
{
    static bool at_a[ATTEMPTS_MAX], at_b[ATTEMPTS_MAX];
    int wrong = 0, all = atomic_load(&attempts_n);
    find("a", at_a);
    find("b", at_b);
    for (int i = 0; i < all; i++) {
        const struct attempt *attempt = &attempts[i];
        bool wants_a = attempt->kind != AT_B, wants_b = attempt->kind != AT_A;
        bool any = at_a[i] || at_b[i], whole = at_a[i] == wants_a && at_b[i] == wants_b;
        bool right = attempt->told == TXCLIENT_OK        ? whole
                     : attempt->told == TXCLIENT_ABORTED ? !any
                                                         : whole || !any;
        if (!right && wrong++ == 0)
            (void)snprintf(words, 200, "key-%d, told '%s', is %s at a and %s at b", i,
                           txclient_status_text(attempt->told), at_a[i] ? "there" : "not there",
                           at_b[i] ? "there" : "not there");
    }
    return wrong;
}

static int count_told(txclient_status status)
{
    int n = 0, all = atomic_load(&attempts_n);
    for (int i = 0; i < all; i++)
        n += attempts[i].told == status;
    return n;
}

/* ---- the tests ---- */

static int begin(void **state)
{
    const char *given = getenv("ASSENT_SEED");
    (void)state;
    seed = given != NULL ? strtoull(given, NULL, 10) | 1 : UINT64_C(88172645463325253);
    print_message("ASSENT_SEED=%llu\n", (unsigned long long)seed);
    atomic_store(&attempts_n, 0);
    for (int node = 0; node < NODES; node++)
        faults_init(&disks[node]);
    cluster_init(&cluster, 2, false);
    give_power(7);
    cluster_await_up(&cluster);
    client = work_client(nodes[0]);
    return 0;
}

static int end(void **state)
{
    work_teardown(state);
    for (int node = 0; node < NODES; node++)
        faults_deinit(&disks[node]);
    return 0;
}

static void test_acknowledged_survives(void **state)
{
    static const unsigned machines[ROUNDS] = {7, 2, 1, 7, 4, 6, 3, 7};
    const char *more = getenv("ASSENT_FAULTS_ROUNDS");
    int rounds = more != NULL ? atoi(more) : ROUNDS;
    char words[200];
    (void)state;
    for (int round = 0; round < rounds; round++) {
        unsigned which = machines[round % ROUNDS];
        struct load load;
        load_begin(&load);
        struct timespec pause = {.tv_nsec = (long)draw(200000000)};
        assert_int_equal(nanosleep(&pause, NULL), 0);
        lose_power(which);
        load_end(&load);
        give_power(which);
        work_await_all_up(nodes[0]);
        work_await_quiet();
    }
    int wrong = count_wrong(words);
    print_message("%d losses of power, %d transactions told committed, %d aborted, %d unknown\n",
                  rounds, count_told(TXCLIENT_OK), count_told(TXCLIENT_ABORTED),
                  count_told(TXCLIENT_UNKNOWN));
    if (wrong > 0)
        fail_msg("%d transactions are not what was told: %s", wrong, words);
}

/* The number of the present start, as the daemon gives it when it begins to serve. */
static uint64_t start_number(int node)
{
    const char *name = node == 0 ? " epoch=" : " incarnation=";
    char line[4096];
    uint64_t number = 0;
    FILE *file = fopen(nodes[node]->log, "r");
    assert_non_null(file);
    assert_int_equal(fseek(file, nodes[node]->log_from, SEEK_SET), 0);
    while (number == 0 && fgets(line, sizeof line, file) != NULL) {
        const char *at = strstr(line, "msg=serving") != NULL ? strstr(line, name) : NULL;
        if (at != NULL)
            number = strtoull(at + strlen(name), NULL, 10);
    }
    assert_int_equal(fclose(file), 0);
    assert_true(number > 0);
    return number;
}

/* An epoch or incarnation that anybody may have heard of is never used again. */
static void test_start_numbers_survive(void **state)
{
    (void)state;
    for (int node = 0; node < NODES; node++)
        daemon_stop(nodes[node]);
    for (int node = 0; node < NODES; node++) {
        uint64_t last = 0;
        for (int i = 0; i < 3; i++) {
            give_power(1u << node);
            uint64_t number = start_number(node);
            assert_true(number > last);
            last = number;
            lose_power(1u << node);
        }
    }
}

static void restart_with(const char *lie)
{
    for (int node = 0; node < NODES; node++)
        daemon_stop(nodes[node]);
    for (int node = NODES - 1; node >= 0; node--)
        start_node(node, lie);
    for (int node = 0; node < NODES; node++)
        await_node(node);
    work_await_all_up(nodes[0]);
}

/* The same test on disks that say they have synced and have not must see what is lost. */
static void test_missing_syncs_are_seen(void **state)
{
    struct load load;
    char words[200];
    (void)state;
    restart_with("");
    load_begin(&load);
    load_end(&load);
    assert_true(count_told(TXCLIENT_OK) > 20);
    lose_power(7);
    give_power(7);
    work_await_all_up(nodes[0]);
    assert_int_equal(count_wrong(words), count_told(TXCLIENT_OK));
}

/* The file HEAD as the disk of a node has it for sure; "" while that is being written. */
static void safe_head(int node, char head[HEAD_TEXT])
{
    char path[FAULT_PATH], place[FAULT_PATH + 64], number[32], name[128];
    FILE *names = fopen(faults_path(&disks[node], "image/names", path), "r");
    memset(head, 0, HEAD_TEXT);
    while (names != NULL && fscanf(names, "%31s %127s", number, name) == 2) {
        if (strcmp(name, "HEAD") != 0)
            continue;
        (void)snprintf(place, sizeof place, "image/%s", number);
        FILE *file = fopen(faults_path(&disks[node], place, path), "r");
        if (file == NULL)
            break;
        if (fread(head, 1, HEAD_TEXT, file) < HEAD_TEXT)
            memset(head, 0, HEAD_TEXT);
        assert_int_equal(fclose(file), 0);
    }
    if (names != NULL)
        assert_int_equal(fclose(names), 0);
}

static bool has_head(void *arg)
{
    static const char none[HEAD_TEXT];
    safe_head(1, arg);
    return memcmp(arg, none, HEAD_TEXT) != 0;
}

static bool head_was_synced(void *arg)
{
    char head[HEAD_TEXT];
    return has_head(head) && memcmp(arg, head, HEAD_TEXT) != 0;
}

/* HEAD reaches the disk, the log does not: the daemon refuses to go on without what it promised. */
static void test_lost_log_is_refused(void **state)
{
    struct load load;
    char before[HEAD_TEXT];
    int status;
    (void)state;
    restart_with(".log");
    assert_true(wait_until(has_head, before, WORK_MS));
    load_begin(&load);
    assert_true(wait_until(head_was_synced, before, WORK_MS));
    load_end(&load);
    lose_power(2);
    start_node(1, NULL);
    assert_true(daemon_wait(nodes[1], WORK_MS, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EX_DATAERR);
    assert_true(daemon_says(nodes[1], "the newest part of the log is missing", 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_acknowledged_survives),
        TEST(test_start_numbers_survive),
        TEST(test_missing_syncs_are_seen),
        TEST(test_lost_log_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
