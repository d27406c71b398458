/* Consistent cuts of a running cluster: while transfers are under way, cuts are taken, and for each
 * of them directories are made of all logs up to their positions. Started as a cluster, they hold
 * all the money, what was acknowledged before the cut was begun, and nothing by half. */
#include "tests/integration/answered.h"
#include "tests/integration/work.h"

#include "common/assert.h"
#include "txlog/rocksdb_log.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES    3 /* the coordinator, a and b */
#define ACCOUNTS 6
#define EACH     1000
#define THREADS  3
#ifdef ASSENT_SANITIZED /* each cut starts three daemons: enough for every path */
#define CUTS 6
#else
#define CUTS 50
#endif

static struct daemon *node(unsigned i)
{
    return i == 0 ? &cluster.coordinator : &cluster.participants[i - 1];
}

/* ---- transfers ---- */

static atomic_bool stop;
static atomic_ulong committed;

static void account(char name[16], unsigned i)
{
    (void)snprintf(name, 16, "acc%u", i);
}

static void fill(void)
{
    txclient_batch *batch = txclient_batch_new();
    char name[16];

    for (unsigned i = 0; i < ACCOUNTS; i++) {
        account(name, i);
        txclient_batch_add(batch, AT(i % 2 == 0 ? "a" : "b", name), EACH, NULL, NULL);
    }
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    txclient_batch_free(&batch);
}

/* From an account of a to one of b, or the other way. */
static txclient_status transfer(txclient *with, unsigned from, unsigned to,
                                const txclient_submit_options *options)
{
    txclient_batch *batch = txclient_batch_new();
    char name[16];
    txclient_status status;

    account(name, from);
    txclient_batch_add(batch, AT(from % 2 == 0 ? "a" : "b", name), -1, NULL, NULL);
    account(name, to);
    txclient_batch_add(batch, AT(to % 2 == 0 ? "a" : "b", name), 1, NULL, NULL);
    status = txclient_submit(with, batch, options, NULL);
    txclient_batch_free(&batch);
    return status;
}

struct thread {
    pthread_t id;
    unsigned number;
};

/* Who decides changes from one transfer to the next. */
static void *transfers(void *arg)
{
    const struct thread *self = arg;
    txclient *own = work_client(&cluster.coordinator);
    txclient_submit_options options = {.size = sizeof options};
    unsigned draw = self->number * 7919u + 1;

    while (!atomic_load(&stop)) {
        unsigned from, to;

        draw = draw * 1103515245u + 12345u;
        from = (draw >> 16) % ACCOUNTS;
        to = (from + 1 + 2 * ((draw >> 20) % (ACCOUNTS / 2))) % ACCOUNTS; /* at the other node */
        options.commit_mode =
            (draw >> 24) % 2 == 0 ? TXCLIENT_COMMIT_COORDINATOR : TXCLIENT_COMMIT_PARTICIPANTS;
        if (transfer(own, from, to, &options) == TXCLIENT_OK)
            atomic_fetch_add(&committed, 1);
    }
    txclient_close(&own);
    return NULL;
}

/* ---- cuts ---- */

struct cut {
    uint64_t number;
    uint64_t lsns[NODES];
};

/* The mark is committed before the cut is begun, and the next one is not begun before that. */
static struct cut take_cut(unsigned i)
{
    struct cut cut;
    txclient_cut at;
    char text[16];

    (void)snprintf(text, sizeof text, "%u", i);
    work_put_surely(client, "ab", "mark", text);
    expect(txclient_cut_begin(client, NULL, &at), TXCLIENT_OK);
    assert_int_equal(at.number, at.taken);
    cut = (struct cut){.number = at.number, .lsns = {at.lsn}};
    for (unsigned n = 1; n < NODES; n++) {
        expect(txclient_cut_ask(client, node(n)->address, cut.number, WORK_MS, &at), TXCLIENT_OK);
        assert_int_equal(at.taken, cut.number); /* nobody else takes any */
        assert_true(at.lsn > 0 && at.time_ms > 0);
        cut.lsns[n] = at.lsn;
    }
    return cut;
}

static bool has_moved(void *arg)
{
    return atomic_load(&committed) > *(const unsigned long *)arg;
}

/* Transfers are under way before each cut, and after the last one. */
static void await_transfer(void)
{
    unsigned long before = atomic_load(&committed);

    assert_true(wait_until(has_moved, &before, WORK_MS));
}

static void run_transfers(struct cut cuts[CUTS])
{
    struct thread threads[THREADS] = {0};

    for (unsigned i = 0; i < THREADS; i++) {
        threads[i].number = i + 1;
        assert_int_equal(pthread_create(&threads[i].id, NULL, transfers, &threads[i]), 0);
    }
    for (unsigned i = 0; i < CUTS; i++) {
        await_transfer();
        cuts[i] = take_cut(i);
    }
    await_transfer();
    atomic_store(&stop, true);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i].id, NULL), 0);
}

/* ---- the logs up to a cut ---- */

static const char *whole(const struct daemon *daemon)
{
    static char path[CLUSTER_PATH + 16];

    (void)snprintf(path, sizeof path, "%s.whole", daemon->data);
    return path;
}

static void must(enum tx_error error, const struct tx_why *why)
{
    if (error != TX_OK)
        fail_msg("%s", why->text);
}

static enum tx_error copy_record(void *arg, struct tx_lsn lsn, struct tx_bytes stored)
{
    struct txlog_append append = {.lsn = lsn, .record = stored};

    return txlog_append(arg, &append, 1, false, NULL);
}

/* The coordinator has no data: its records are all of it. */
static void copy_log(const char *from, const char *into, uint64_t upto)
{
    struct rocksdb_log_options options = {.directory = from, .mode = ROCKSDB_LOG_READ_ONLY};
    struct txlog *source = NULL, *target = NULL;
    struct tx_why why = {""};

    must(rocksdb_log_open(&options, &source, &why), &why);
    options = (struct rocksdb_log_options){
        .directory = into, .mode = ROCKSDB_LOG_OPEN, .identity = rocksdb_log_identity(source)};
    must(rocksdb_log_open(&options, &target, &why), &why);
    must(txlog_each(source, (struct tx_lsn){1}, (struct tx_lsn){upto}, copy_record, target, &why),
         &why);
    assert_int_equal(txlog_last(target).n, upto);
    txlog_close(&target);
    txlog_close(&source);
}

static void rebuild(const struct cut *cut)
{
    char until[24], out[1000], err[1000];

    copy_log(whole(node(0)), node(0)->data, cut->lsns[0]);
    for (unsigned n = 1; n < NODES; n++) {
        (void)snprintf(until, sizeof until, "%" PRIu64, cut->lsns[n]);
        if (run_program(out, sizeof out, err, sizeof err, "txrecover", "replay", "--into",
                        node(n)->data, "--until", until, whole(node(n)), (char *)NULL) != 0)
            fail_msg("%s", err);
    }
}

static long long total(void)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_value values[ACCOUNTS] = {0};
    long long sum = 0;
    char name[16];

    for (unsigned i = 0; i < ACCOUNTS; i++) {
        account(name, i);
        txclient_batch_get(batch, AT(i % 2 == 0 ? "a" : "b", name));
    }
    expect(submit_answered(client, batch, NULL, values), TXCLIENT_OK);
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        char text[24] = "";

        assert_true(values[i].found && values[i].len < sizeof text);
        memcpy(text, values[i].data, values[i].len);
        sum += strtoll(text, NULL, 10);
    }
    txclient_batch_free(&batch);
    return sum;
}

/* All the money; the last mark before the cut, at both; nothing in doubt, and nobody complains. */
static void check(const struct cut *cut, unsigned i)
{
    char text[16];

    (void)snprintf(text, sizeof text, "%u", i);
    cluster_start(&cluster);
    client = work_client(&cluster.coordinator);
    work_await_quiet();
    if (total() != ACCOUNTS * EACH)
        fail_msg("rebuilt from cut %" PRIu64 ": %lld, not %d", cut->number, total(),
                 ACCOUNTS * EACH);
    work_holds(client, "a", "mark", text);
    work_holds(client, "b", "mark", text);
    for (unsigned n = 0; n < NODES; n++)
        work_await_field(node(n), "alarms", "0");
    txclient_close(&client);
}

static void remove_directory(const char *path)
{
    assert_int_equal(run_program(NULL, 0, NULL, 0, "/bin/rm", "-r", path, (char *)NULL), 0);
}

static void fifty_cuts_of_a_running_cluster_are_consistent(void **state)
{
    static struct cut cuts[CUTS];

    (void)state;
    cluster_init(&cluster, 2, false);
    for (unsigned n = 0; n < NODES; n++)
        daemon_set(&cluster, node(n), "storage", "snapshot_records = 100000000");
    cluster_start(&cluster);
    client = work_client(&cluster.coordinator);
    fill();
    run_transfers(cuts);
    txclient_close(&client);
    for (unsigned n = 0; n < NODES; n++) {
        daemon_stop(node(n));
        assert_int_equal(rename(node(n)->data, whole(node(n))), 0);
    }
    for (unsigned i = 0; i < CUTS; i++) {
        rebuild(&cuts[i]);
        check(&cuts[i], i);
        for (unsigned n = 0; n < NODES; n++) {
            daemon_kill(node(n));
            remove_directory(node(n)->data);
        }
    }
}

/* ---- numbers, restarts, and who is asked what ---- */

static void cuts_survive_restarts_and_compaction(void **state)
{
    txclient_cut at, again;

    (void)state;
    cluster_init(&cluster, 2, false);
    for (unsigned n = 0; n < NODES; n++)
        daemon_set(&cluster, node(n), "storage", "snapshot_records = 100\nretain_records = 0");
    cluster_start(&cluster);
    client = work_client(&cluster.coordinator);
    expect(txclient_cut_ask(client, node(1)->address, 0, 0, &at), TXCLIENT_OK);
    assert_int_equal(at.taken, 0); /* none yet */
    expect(txclient_cut_begin(client, NULL, &at), TXCLIENT_OK);
    assert_int_equal(at.number, 1);
    expect(txclient_cut_ask(client, node(1)->address, 1, WORK_MS, &at), TXCLIENT_OK);
    for (unsigned i = 0; i < 150; i++) /* several snapshots */
        work_put_surely(client, "ab", "k", "v");
    for (unsigned n = 0; n < NODES; n++) {
        daemon_kill(node(n));
        daemon_start(node(n));
    }
    work_await_all_up(&cluster.coordinator);
    expect(txclient_cut_ask(client, node(1)->address, 1, WORK_MS, &again), TXCLIENT_OK);
    assert_int_equal(again.lsn, at.lsn);
    assert_int_equal(again.time_ms, at.time_ms);
    expect(txclient_cut_begin(client, NULL, &at), TXCLIENT_OK);
    assert_int_equal(at.number, 2);
}

static void what_cannot_be_asked_is_refused_with_a_reason(void **state)
{
    txclient_cut at;

    (void)state;
    cluster_init(&cluster, 1, false);
    cluster_start(&cluster);
    client = work_client(&cluster.coordinator);
    expect(txclient_cut_begin(client, node(1)->address, &at), TXCLIENT_EREFUSED);
    assert_non_null(strstr(txclient_detail(client)->text, "ask a coordinator"));
    expect(txclient_cut_ask(client, NULL, UINT64_MAX, 0, &at), TXCLIENT_EREFUSED);
    assert_non_null(strstr(txclient_detail(client)->text, "there can be no cut"));
    expect(txclient_cut_ask(client, NULL, 1, 300, &at), TXCLIENT_ETIMEOUT); /* nobody takes it */
    for (unsigned i = 0; i < 20; i++)
        expect(txclient_cut_begin(client, NULL, &at), TXCLIENT_OK);
    expect(txclient_cut_ask(client, NULL, 2, 0, &at), TXCLIENT_EREFUSED);
    assert_non_null(strstr(txclient_detail(client)->text, "forgotten"));
    expect(txclient_cut_ask(client, NULL, 19, 0, &at), TXCLIENT_OK);
    assert_int_equal(at.taken, 19);
}

static void txctl_shows_where_a_cut_lies(void **state)
{
    char out[4000], err[1000];

    (void)state;
    cluster_init(&cluster, 2, false);
    cluster_start(&cluster);
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txctl", "--config",
                                 cluster.client_config, "cut", (char *)NULL),
                     0);
    assert_non_null(strstr(out, "cut 1\n"));
    assert_non_null(strstr(out, "coordinator "));
    assert_non_null(strstr(out, "\na "));
    assert_non_null(strstr(out, "\nb "));
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txctl", "--config",
                                 cluster.client_config, "--json", "cut", (char *)NULL),
                     0);
    assert_non_null(strstr(out, "\"cut\":2"));
    assert_non_null(strstr(out, "\"complete\":true"));
    daemon_kill(node(2)); /* its position is nowhere to be had */
    assert_int_equal(run_program(out, sizeof out, err, sizeof err, "txctl", "--config",
                                 cluster.client_config, "--json", "cut", "--wait", "1",
                                 (char *)NULL),
                     69);
    assert_non_null(strstr(out, "\"complete\":false"));
    assert_non_null(strstr(err, "no position of b in cut 3"));
}

/* A coordinator with an interval takes them by itself. Whoever asks late meets a later one. */
static void a_coordinator_takes_cuts_by_itself(void **state)
{
    (void)state;
    cluster_init(&cluster, 1, false);
    daemon_set(&cluster, &cluster.coordinator, "storage", "cut_every = 50ms");
    cluster_start(&cluster);
    client = work_client(&cluster.coordinator);
    txclient_cut at;
    expect(txclient_cut_ask(client, node(1)->address, 5, WORK_MS, &at), TXCLIENT_OK);
    assert_true(at.taken >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(fifty_cuts_of_a_running_cluster_are_consistent, work_teardown),
        cmocka_unit_test_teardown(cuts_survive_restarts_and_compaction, work_teardown),
        cmocka_unit_test_teardown(what_cannot_be_asked_is_refused_with_a_reason, work_teardown),
        cmocka_unit_test_teardown(txctl_shows_where_a_cut_lies, work_teardown),
        cmocka_unit_test_teardown(a_coordinator_takes_cuts_by_itself, work_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
