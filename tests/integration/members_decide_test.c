/* Commits that the members decide (docs/protocol.md, "When the members decide"): a coordinator is
 * killed under load and never comes back, and the participants settle what it has left among
 * themselves. What a coordinator decides waits for it; either can be asked for, by the transaction
 * and by the configuration. */
#include "tests/integration/raw_peer.h"
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
#include <time.h>

#include <cmocka.h>

#define ACCOUNTS   32
#define WORKERS    12
#define INQUIRY_MS 200  /* of the participants of a test, see cluster.c */
#define SETTLED_MS 2000 /* after that, at the latest */
#define WARM       200  /* transfers before the coordinator dies */
#define ROUNDS     20

static struct daemon *const first = &cluster.coordinator;
static struct daemon *const second = &cluster.second;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

/* The members decide for the first coordinator, the second one decides itself; `client` is of the
 * second. */
static void two_modes_with(const char *participants)
{
    cluster_init(&cluster, 2, false);
    cluster_add_coordinator(&cluster);
    daemon_set(&cluster, first, "node", "commit_mode = participants");
    daemon_set(&cluster, second, "node", "commit_mode = coordinator");
    /* A participant that is held up is no reason to abort, or to prevent. */
    daemon_set(&cluster, first, "timers", "peer_down = 1h\nprepare = 1h");
    daemon_set(&cluster, second, "timers", "peer_down = 1h\nprepare = 1h");
    daemon_set(&cluster, a, "timers", participants);
    daemon_set(&cluster, b, "timers", participants);
    cluster_start(&cluster);
    daemon_start(second);
    work_await_all_up(first);
    work_await_all_up(second);
    client = work_client(second);
}

/* Nobody who pauses is idle. */
static int two_modes(void **state)
{
    (void)state;
    two_modes_with("idle = 1h");
    return 0;
}

/* What a lost coordinator's clients had begun is soon undone. */
static int two_modes_under_load(void **state)
{
    (void)state;
    two_modes_with("idle = 1s");
    return 0;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t in_doubt(void)
{
    return work_number(a, "preparing") + work_number(a, "prepared") + work_number(b, "preparing") +
           work_number(b, "prepared");
}

/* ---- under load ---- */

static atomic_bool over;
static atomic_ulong transfers;

struct worker {
    pthread_t thread;
    unsigned number, seed;
    long committed, unknown;
};

static unsigned draw(struct worker *worker, unsigned n)
{
    worker->seed = worker->seed * 1103515245u + 12345u;
    return (worker->seed >> 16) % n;
}

/* From a to b, and one more on what this worker has done; at once, or step by step. */
static txclient_status transfer(txclient *own, struct worker *worker)
{
    char from[16], to[16], done[16];
    txclient_batch *batch;
    txclient_status status;
    txclient_tx *tx = NULL;

    snprintf(from, sizeof from, "acct%u", draw(worker, ACCOUNTS));
    snprintf(to, sizeof to, "acct%u", draw(worker, ACCOUNTS));
    snprintf(done, sizeof done, "done%u", worker->number);
    if (worker->number % 2 == 0) {
        batch = txclient_batch_new();
        txclient_batch_add(batch, AT("a", from), -1, NULL, NULL);
        txclient_batch_add(batch, AT("b", to), 1, NULL, NULL);
        txclient_batch_add(batch, AT("b", done), 1, NULL, NULL);
        status = txclient_submit(own, batch, NULL, NULL);
        txclient_batch_free(&batch);
        return status;
    }
    status = txclient_begin(own, NULL, &tx);
    if (status == TXCLIENT_OK)
        status = txclient_add(tx, AT("a", from), -1, NULL, NULL, NULL);
    if (status == TXCLIENT_OK)
        status = txclient_add(tx, AT("b", to), 1, NULL, NULL, NULL);
    if (status == TXCLIENT_OK)
        status = txclient_add(tx, AT("b", done), 1, NULL, NULL, NULL);
    if (status == TXCLIENT_OK)
        status = txclient_commit(tx);
    txclient_tx_close(&tx);
    return status;
}

static void *load(void *arg)
{
    struct worker *worker = arg;
    txclient *own = work_quick_client(first);

    while (!atomic_load(&over)) {
        txclient_status status = transfer(own, worker);

        worker->committed += status == TXCLIENT_OK;
        worker->unknown += status == TXCLIENT_UNKNOWN;
        if (status == TXCLIENT_OK)
            atomic_fetch_add(&transfers, 1);
    }
    txclient_close(&own);
    return NULL;
}

static long value_of(const char *participant, const char *key)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_value value = {0};
    char text[32] = "";

    txclient_batch_get(batch, AT(participant, key));
    expect(txclient_submit(client, batch, NULL, &value), TXCLIENT_OK);
    memcpy(text, value.data, value.len);
    txclient_batch_free(&batch);
    return strtol(text, NULL, 10);
}

static void check_sums(const struct worker *workers)
{
    long sum = 0;
    char key[16];

    for (unsigned i = 0; i < ACCOUNTS; i++) {
        snprintf(key, sizeof key, "acct%u", i);
        sum += value_of("a", key) + value_of("b", key);
    }
    assert_int_equal(sum, 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        long done;

        snprintf(key, sizeof key, "done%u", i);
        done = value_of("b", key);
        assert_true(done >= workers[i].committed);
        assert_true(done <= workers[i].committed + workers[i].unknown);
    }
}

static bool warm(void *arg)
{
    (void)arg;
    return atomic_load(&transfers) >= WARM;
}

/* Kills it with transactions on the way, and waits until nothing is in doubt; in milliseconds. It
 * stands still before it dies, so that nobody hears the votes that come meanwhile. */
static uint64_t settled_after_loss(unsigned long *left)
{
    uint64_t lost_at = now_ms();
    unsigned long now;

    daemon_signal(first, SIGSTOP);
    now = *left = in_doubt();
    daemon_kill(first);
    while (now > 0 && now_ms() - lost_at < WORK_MS) {
        now = in_doubt();
        *left = now > *left ? now : *left;
    }
    return now_ms() - lost_at;
}

/* What nobody has begun to commit holds locks until it has been idle for long enough. */
static bool no_locks(void *arg)
{
    (void)arg;
    return work_number(a, "locks_held") + work_number(b, "locks_held") == 0;
}

static void test_members_settle_what_a_lost_coordinator_left(void **state)
{
    struct worker workers[WORKERS] = {0};
    unsigned long left = 0;
    uint64_t took = 0;
    bool warmed = true;

    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].number = i;
        workers[i].seed = i + 1;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, load, &workers[i]), 0);
    }
    /* Again where nothing was on the way, or it was settled before anybody looked; or late: a busy
     * machine may hold up some of them, and not always. */
    for (int round = 0; round < ROUNDS && (left == 0 || took > INQUIRY_MS + SETTLED_MS) && warmed;
         round++) {
        if (round > 0)
            daemon_start(first);
        atomic_store(&transfers, 0);
        warmed = wait_until(warm, NULL, WORK_MS);
        took = settled_after_loss(&left);
    }
    atomic_store(&over, true);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    printf("coordinator killed with %lu prepared: settled by the participants %llu ms later, with "
           "inquiry = %d ms\n",
           left, (unsigned long long)took, INQUIRY_MS);
    assert_true(warmed && left > 0);
    assert_int_equal(in_doubt(), 0);
    assert_true(took <= INQUIRY_MS + SETTLED_MS);
    assert_true(wait_until(no_locks, NULL, WORK_MS));
    check_sums(workers);
    daemon_start(first); /* it finds its outcomes, and disturbs nobody */
    work_await_quiet();
    check_sums(workers);
}

/* ---- either mode, by the transaction and by the configuration ---- */

/* One transaction that the members decide and one that the coordinator does, prepared on both
 * sides, as far as `modes` has them, when their coordinator dies. b stands still until then, so
 * that nobody has both votes; its PREPAREs have left with the coordinator's answer to a question
 * that was put later, for one thread of ZeroMQ's writes both. */
static void leave_in_doubt(struct daemon *coordinator, const enum tx_commit_mode *modes, unsigned n)
{
    struct raw_peer *peer = raw_open(coordinator->address, NULL);
    char count[12], key[16];

    snprintf(count, sizeof count, "%u", n);
    daemon_signal(b, SIGSTOP);
    for (unsigned i = 0; i < n; i++) {
        snprintf(key, sizeof key, "k%u", i);
        raw_submit_puts(peer, i + 1, key, modes[i]);
    }
    work_await_field(a, "prepared", count);
    assert_int_equal(raw_figure(peer, "collecting"), n);
    daemon_kill(coordinator);
    daemon_signal(b, SIGCONT);
    raw_close(&peer);
}

static bool locked(const char *key)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_submit_options options = {.size = sizeof options, .lock_timeout_ms = 300};
    txclient *own = work_client(cluster.second.pid != 0 ? second : first);
    txclient_status status;

    txclient_batch_get(batch, AT("a", key));
    status = txclient_submit(own, batch, &options, NULL);
    txclient_batch_free(&batch);
    txclient_close(&own);
    return status == TXCLIENT_ABORTED;
}

/* It asks everybody, and waits all the same. */
static void expect_one_waits(void)
{
    assert_true(daemon_says(a, "every other member is in doubt as well", WORK_MS));
    work_await_field(a, "prepared", "1");
    work_await_field(b, "prepared", "1");
}

static void test_a_transaction_asks_for_its_coordinator_to_decide(void **state)
{
    static const enum tx_commit_mode modes[] = {TX_COMMIT_COORDINATOR, TX_COMMIT_DEFAULT};

    (void)state;
    leave_in_doubt(first, modes, 2);
    expect_one_waits();
    assert_true(locked("k0"));
    work_holds(client, "a", "k1", "new");
    work_holds(client, "b", "k1", "new");
    daemon_start(first);
    work_await_quiet();
    work_holds(client, "a", "k0", NULL);
    work_holds(client, "b", "k0", NULL);
}

static void test_a_coordinator_decides_by_its_configuration(void **state)
{
    static const enum tx_commit_mode modes[] = {TX_COMMIT_DEFAULT, TX_COMMIT_PARTICIPANTS};
    txclient *own = work_client(first);

    (void)state;
    leave_in_doubt(second, modes, 2);
    expect_one_waits();
    assert_true(locked("k0"));
    work_holds(own, "a", "k1", "new");
    work_holds(own, "b", "k1", "new");
    daemon_start(second);
    work_await_quiet();
    work_holds(own, "a", "k0", NULL);
    txclient_close(&own);
}

/* ---- the client of a coordinator that is lost for good ---- */

struct question {
    txclient *own;
    const char *reference;
};

/* Where nobody is, nothing can be asked; only once the connection is known to be lost. */
static bool nobody_answers(void *arg)
{
    const struct question *question = arg;
    txclient_status status = txclient_outcome(question->own, question->reference, 0);

    if (status != TXCLIENT_UNKNOWN)
        expect_of(question->own, status, TXCLIENT_EUNREACHABLE);
    return status == TXCLIENT_EUNREACHABLE;
}

/* It hears UNKNOWN, and nothing more as long as nobody is there who could say more: not at its own
 * coordinator, and no other one knows of it. What has become of it is in the data. */
static void test_client_of_a_lost_coordinator(void **state)
{
    txclient *own = work_doubting_client(first);
    txclient_tx *tx = work_begin(own);
    char *reference;
    long there;

    (void)state;
    expect_of(own, txclient_put(tx, AT("a", "lost"), txclient_str("1")), TXCLIENT_OK);
    expect_of(own, txclient_put(tx, AT("b", "lost"), txclient_str("1")), TXCLIENT_OK);
    reference = strdup(txclient_tx_reference(tx));
    daemon_signal(b, SIGSTOP);
    expect_of(own, txclient_commit(tx), TXCLIENT_UNKNOWN);
    assert_string_equal(txclient_detail(own)->reference, reference);
    txclient_tx_close(&tx);
    work_await_field(a, "prepared", "1");
    daemon_kill(first);
    daemon_signal(b, SIGCONT);
    assert_true(wait_until(nobody_answers, &(struct question){own, reference}, WORK_MS));
    expect(txclient_outcome(client, reference, 0), TXCLIENT_EREFUSED);
    assert_non_null(strstr(txclient_detail(client)->text, "is of coordinator 1; ask that one"));
    /* b has come to PREPARE first, or to the question of a, after which it refuses. */
    work_await_field(a, "prepared", "0");
    work_await_field(b, "prepared", "0");
    there = value_of("a", "lost");
    assert_int_equal(value_of("b", "lost"), there);
    txclient_close(&own);
    daemon_start(first);
    own = work_client(first);
    assert_int_equal(work_outcome(own, reference), there ? TXCLIENT_OK : TXCLIENT_ABORTED);
    txclient_close(&own);
    free(reference);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, two_modes, work_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_client_of_a_lost_coordinator),
        cmocka_unit_test_setup_teardown(test_members_settle_what_a_lost_coordinator_left,
                                        two_modes_under_load, work_teardown),
        TEST(test_a_transaction_asks_for_its_coordinator_to_decide),
        TEST(test_a_coordinator_decides_by_its_configuration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
