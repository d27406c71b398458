/* Transactions on real daemons: every way to commit, every reason to abort, conflicts between
 * clients. */
#include "client/txclient.h"
#include "tests/integration/answered.h"
#include "tests/integration/cluster.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct cluster cluster;
static txclient *client;

static int start(void **state)
{
    (void)state;
    cluster_init(&cluster, 4, false);
    /* A participant that is held up is no reason to abort. */
    daemon_set(&cluster, &cluster.coordinator, "timers", "peer_down = 1h");
    daemon_set(&cluster, &cluster.participants[3], "timers", "idle = 500ms"); /* d alone */
    cluster_start(&cluster);
    return txclient_open_file(cluster.client_config, &client, NULL) == TXCLIENT_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    txclient_close(&client);
    daemon_stop(&cluster.coordinator);
    for (size_t i = 0; i < cluster.participants_n; i++)
        daemon_stop(&cluster.participants[i]);
    cluster_deinit(&cluster);
    return 0;
}

#define expect(status, wanted) expect_status(status, wanted, #status, __LINE__)

static void expect_status(txclient_status status, txclient_status wanted, const char *what,
                          int line)
{
    const txclient_detail_data *detail = txclient_detail(client);

    if (status != wanted)
        fail_msg("line %d: %s gave '%s', not '%s': %s (%s)", line, what,
                 txclient_status_text(status), txclient_status_text(wanted), detail->text,
                 txclient_reason_name(detail->reason));
}

static void expect_reason(txclient_reason reason)
{
    assert_string_equal(txclient_reason_name(txclient_detail(client)->reason),
                        txclient_reason_name(reason));
}

/* Puts a value by a one-shot of its own. */
static void put(const char *participant, const char *key, const char *value)
{
    txclient_batch *batch = txclient_batch_new();

    txclient_batch_put(batch, txclient_at(participant, "t", key), txclient_str(value));
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_OK);
    txclient_batch_free(&batch);
}

/* Fails unless the key has the value; NULL stands for absent. */
static void holds(const char *participant, const char *key, const char *value)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_value got;

    txclient_batch_get(batch, txclient_at(participant, "t", key));
    expect(txclient_submit(client, batch, NULL, &got), TXCLIENT_OK);
    assert_int_equal(got.found, value != NULL);
    if (value != NULL) {
        assert_int_equal(got.len, strlen(value));
        assert_memory_equal(got.data, value, got.len);
    }
    txclient_batch_free(&batch);
}

static txclient_tx *begin(txclient *with)
{
    txclient_tx *tx = NULL;

    assert_int_equal(txclient_begin(with, NULL, &tx), TXCLIENT_OK);
    return tx;
}

static txclient *other_client(void)
{
    txclient *other = NULL;

    assert_int_equal(txclient_open_file(cluster.client_config, &other, NULL), TXCLIENT_OK);
    return other;
}

static void test_interactive_commit_on_three(void **state)
{
    txclient_tx *tx = begin(client);
    const char *names[] = {"a", "b", "c"};

    (void)state;
    for (int i = 0; i < 3; i++)
        expect(txclient_put(tx, txclient_at(names[i], "t", "three"), txclient_str("x")),
               TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    for (int i = 0; i < 3; i++)
        holds(names[i], "three", "x");
}

static void test_interactive_abort_leaves_nothing(void **state)
{
    txclient_tx *tx = begin(client);
    txclient_value value;

    (void)state;
    expect(txclient_put(tx, txclient_at("a", "t", "gone"), txclient_str("x")), TXCLIENT_OK);
    expect(txclient_put(tx, txclient_at("b", "t", "gone"), txclient_str("x")), TXCLIENT_OK);
    expect(txclient_get(tx, txclient_at("a", "t", "gone"), &value), TXCLIENT_OK);
    assert_true(value.found);
    expect(txclient_abort(tx), TXCLIENT_OK);
    expect(txclient_put(tx, txclient_at("a", "t", "gone"), txclient_str("y")), TXCLIENT_ESTATE);
    txclient_tx_close(&tx);
    holds("a", "gone", NULL);
    holds("b", "gone", NULL);
}

static void test_one_shot_over_two_with_results(void **state)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_value values[5];

    (void)state;
    txclient_batch_add(batch, txclient_at("a", "t", "from"), -30, &(int64_t){0}, NULL);
    txclient_batch_add(batch, txclient_at("b", "t", "to"), 30, NULL, &(int64_t){1000});
    txclient_batch_get(batch, txclient_at("a", "t", "from"));
    txclient_batch_get(batch, txclient_at("b", "t", "nobody"));
    txclient_batch_delete(batch, txclient_at("b", "t", "nobody"));
    do {
        put("a", "from", "100");
        put("b", "to", "5");
        expect(txclient_submit(client, batch, NULL, values), TXCLIENT_OK);
    } while (txclient_detail(client)->results_lost);
    assert_memory_equal(values[0].data, "70", 2);
    assert_memory_equal(values[1].data, "35", 2);
    assert_memory_equal(values[2].data, "70", 2);
    assert_false(values[3].found);
    assert_false(values[4].found);
    txclient_batch_free(&batch);
    holds("a", "from", "70");
    holds("b", "to", "35");
}

static void test_one_phase(void **state)
{
    txclient_tx *tx = begin(client);

    (void)state;
    expect(txclient_put(tx, txclient_at("c", "t", "alone"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    holds("c", "alone", "1");
}

static void test_read_only_and_empty(void **state)
{
    txclient_tx *tx = begin(client);
    txclient_value value;

    (void)state;
    put("a", "ro", "1");
    expect(txclient_get(tx, txclient_at("a", "t", "ro"), &value), TXCLIENT_OK);
    expect(txclient_get(tx, txclient_at("b", "t", "ro"), &value), TXCLIENT_OK);
    assert_false(value.found);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    tx = begin(client);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    /* One that writes beside one that only reads. */
    tx = begin(client);
    expect(txclient_get(tx, txclient_at("a", "t", "ro"), &value), TXCLIENT_OK);
    expect(txclient_put(tx, txclient_at("b", "t", "rw"), txclient_str("2")), TXCLIENT_OK);
    expect(txclient_put(tx, txclient_at("c", "t", "rw"), txclient_str("2")), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    holds("b", "rw", "2");
    /* Nothing of the reader is left: the key can be written at once. */
    put("a", "ro", "3");
}

/* A batch of one operation that must abort, beside a write at another participant that must not
 * happen. */
static void aborts(txclient_batch *batch, txclient_reason reason)
{
    txclient_batch_put(batch, txclient_at("c", "t", "never"), txclient_str("1"));
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_ABORTED);
    expect_reason(reason);
    assert_string_equal(txclient_detail(client)->participant, "a");
    txclient_batch_free(&batch);
    holds("c", "never", NULL);
}

static void test_abort_check(void **state)
{
    txclient_batch *batch = txclient_batch_new();

    (void)state;
    put("a", "k", "real");
    txclient_batch_check(batch, txclient_at("a", "t", "k"), txclient_str("expected"));
    aborts(batch, TXCLIENT_REASON_CHECK);
    batch = txclient_batch_new();
    txclient_batch_check_absent(batch, txclient_at("a", "t", "k"));
    aborts(batch, TXCLIENT_REASON_CHECK);
}

static void test_abort_exists(void **state)
{
    txclient_batch *batch = txclient_batch_new();

    (void)state;
    put("a", "there", "1");
    txclient_batch_insert(batch, txclient_at("a", "t", "there"), txclient_str("2"));
    aborts(batch, TXCLIENT_REASON_EXISTS);
}

static void test_abort_floor_ceiling_not_counter(void **state)
{
    txclient_batch *batch = txclient_batch_new();

    (void)state;
    put("a", "n", "10");
    put("a", "word", "ten");
    txclient_batch_add(batch, txclient_at("a", "t", "n"), -11, &(int64_t){0}, NULL);
    aborts(batch, TXCLIENT_REASON_FLOOR);
    batch = txclient_batch_new();
    txclient_batch_add(batch, txclient_at("a", "t", "n"), 11, NULL, &(int64_t){20});
    aborts(batch, TXCLIENT_REASON_CEILING);
    batch = txclient_batch_new();
    txclient_batch_add(batch, txclient_at("a", "t", "word"), 1, NULL, NULL);
    aborts(batch, TXCLIENT_REASON_NOT_COUNTER);
    holds("a", "n", "10");
}

static void test_abort_wounded(void **state)
{
    txclient *other = other_client();
    txclient_tx *older = begin(client);
    txclient_tx *younger = begin(other);
    txclient_value value;

    (void)state;
    assert_int_equal(txclient_put(younger, txclient_at("b", "t", "w"), txclient_str("young")),
                     TXCLIENT_OK);
    expect(txclient_put(older, txclient_at("b", "t", "w"), txclient_str("old")), TXCLIENT_OK);
    /* b knows why until it is told to forget it, which is soon; the coordinator for longer. */
    assert_int_equal(txclient_get(younger, txclient_at("b", "t", "x"), &value), TXCLIENT_ABORTED);
    assert_true(txclient_detail(other)->reason == TXCLIENT_REASON_WOUNDED ||
                txclient_detail(other)->reason == TXCLIENT_REASON_RESTARTED);
    txclient_tx_close(&younger);
    younger = begin(other);
    assert_int_equal(txclient_put(younger, txclient_at("c", "t", "w"), txclient_str("young")),
                     TXCLIENT_OK);
    expect(txclient_put(older, txclient_at("c", "t", "w"), txclient_str("old")), TXCLIENT_OK);
    assert_int_equal(txclient_commit(younger), TXCLIENT_ABORTED);
    assert_int_equal(txclient_detail(other)->reason, TXCLIENT_REASON_WOUNDED);
    txclient_tx_close(&younger);
    expect(txclient_commit(older), TXCLIENT_OK);
    txclient_tx_close(&older);
    txclient_close(&other);
    holds("b", "w", "old");
    holds("c", "w", "old");
}

static void test_abort_lock_timeout(void **state)
{
    txclient *other = other_client();
    txclient_tx *older = begin(client);
    txclient_tx *younger = NULL;
    txclient_begin_options options = {.size = sizeof options, .lock_timeout_ms = 100};

    (void)state;
    expect(txclient_put(older, txclient_at("b", "t", "lt"), txclient_str("1")), TXCLIENT_OK);
    assert_int_equal(txclient_begin(other, &options, &younger), TXCLIENT_OK);
    assert_int_equal(txclient_put(younger, txclient_at("b", "t", "lt"), txclient_str("2")),
                     TXCLIENT_ABORTED);
    assert_int_equal(txclient_detail(other)->reason, TXCLIENT_REASON_LOCK_TIMEOUT);
    txclient_tx_close(&younger);
    expect(txclient_commit(older), TXCLIENT_OK);
    txclient_tx_close(&older);
    txclient_close(&other);
}

static bool key_is_free(void *arg)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_submit_options options = {.size = sizeof options, .lock_timeout_ms = 10};
    txclient_status status;

    (void)arg;
    txclient_batch_put(batch, txclient_at("d", "t", "idle"), txclient_str("2"));
    status = txclient_submit(client, batch, &options, NULL);
    txclient_batch_free(&batch);
    return status == TXCLIENT_OK;
}

static void test_abort_idle(void **state)
{
    txclient *other = other_client();
    txclient_tx *tx = begin(other);

    (void)state;
    assert_int_equal(txclient_put(tx, txclient_at("b", "t", "idle"), txclient_str("1")),
                     TXCLIENT_OK);
    assert_int_equal(txclient_put(tx, txclient_at("d", "t", "idle"), txclient_str("1")),
                     TXCLIENT_OK);
    assert_true(wait_until(key_is_free, NULL, 60000));
    assert_int_equal(txclient_commit(tx), TXCLIENT_ABORTED);
    assert_int_equal(txclient_detail(other)->reason, TXCLIENT_REASON_IDLE);
    txclient_tx_close(&tx);
    txclient_close(&other);
    holds("b", "idle", NULL);
}

static void test_idempotency_key(void **state)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_submit_options options = {.size = sizeof options,
                                       .idempotency_key = txclient_str("order-4711")};
    txclient_value value;

    (void)state;
    put("a", "stock", "10");
    txclient_batch_add(batch, txclient_at("a", "t", "stock"), -1, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        expect(txclient_submit(client, batch, &options, &value), TXCLIENT_OK);
        if (!txclient_detail(client)->results_lost)
            assert_memory_equal(value.data, "9", 1);
    }
    holds("a", "stock", "9");
    /* The same key for other work is a mistake of the caller. */
    txclient_batch_add(batch, txclient_at("a", "t", "stock"), -1, NULL, NULL);
    expect(txclient_submit(client, batch, &options, NULL), TXCLIENT_EREFUSED);
    txclient_batch_free(&batch);
    holds("a", "stock", "9");
}

static void test_outcome_of_both_kinds(void **state)
{
    txclient_tx *tx = begin(client);
    char *committed, *aborted;

    (void)state;
    expect(txclient_put(tx, txclient_at("a", "t", "o"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_put(tx, txclient_at("b", "t", "o"), txclient_str("1")), TXCLIENT_OK);
    committed = strdup(txclient_tx_reference(tx));
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    tx = begin(client);
    expect(txclient_put(tx, txclient_at("a", "t", "o"), txclient_str("2")), TXCLIENT_OK);
    aborted = strdup(txclient_tx_reference(tx));
    expect(txclient_abort(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
    expect(txclient_outcome(client, committed, 0), TXCLIENT_OK);
    expect(txclient_outcome(client, aborted, 0), TXCLIENT_ABORTED);
    expect(txclient_outcome(client, "1-999999-1", 0), TXCLIENT_UNKNOWN); /* never its epoch */
    expect(txclient_outcome(client, "2-1-1", 0), TXCLIENT_EREFUSED);
    expect(txclient_outcome(client, "no id", 0), TXCLIENT_EINVAL);
    free(committed);
    free(aborted);
}

static void test_unknown_names(void **state)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_tx *tx;

    (void)state;
    txclient_batch_put(batch, txclient_at("nobody", "t", "k"), txclient_str("1"));
    expect(txclient_submit(client, batch, NULL, NULL), TXCLIENT_EREFUSED);
    assert_non_null(strstr(txclient_detail(client)->text, "nobody"));
    txclient_batch_free(&batch);
    tx = begin(client);
    expect(txclient_put(tx, txclient_at("nobody", "t", "k"), txclient_str("1")), TXCLIENT_EINVAL);
    assert_non_null(strstr(txclient_detail(client)->text, "nobody"));
    expect(txclient_put(tx, txclient_at("a", "t", "still"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

static void test_too_long(void **state)
{
    static char big[TXCLIENT_VALUE_MAX + 1];
    txclient_tx *tx = begin(client);
    txclient_address at = txclient_at("a", "t", "");

    (void)state;
    at.key = txclient_data(big, TXCLIENT_KEY_MAX + 1);
    expect(txclient_put(tx, at, txclient_str("1")), TXCLIENT_ELIMIT);
    expect(txclient_put(tx, txclient_at("a", "t", "big"), txclient_data(big, sizeof big)),
           TXCLIENT_ELIMIT);
    expect(txclient_put(tx, txclient_at("a", "t", "big"), txclient_data(big, TXCLIENT_VALUE_MAX)),
           TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

#define ACCOUNTS  8
#define TRANSFERS 60
#define CLIENTS   6

struct worker {
    pthread_t thread;
    unsigned seed;
    int committed;
};

static txclient_status transfer(txclient_tx *tx, void *arg)
{
    struct worker *worker = arg;
    char from[16], to[16];
    const char *names[] = {"a", "b", "c"};
    unsigned x = worker->seed, y = worker->seed / 3;
    txclient_status status;

    snprintf(from, sizeof from, "acct%u", x % ACCOUNTS);
    snprintf(to, sizeof to, "acct%u", y % ACCOUNTS);
    status = txclient_add(tx, txclient_at(names[x % 3], "t", from), -1, NULL, NULL, NULL);
    if (status != TXCLIENT_OK)
        return status;
    return txclient_add(tx, txclient_at(names[(x + 1) % 3], "t", to), 1, NULL, NULL, NULL);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    txclient *own = NULL;

    if (txclient_open_file(cluster.client_config, &own, NULL) != TXCLIENT_OK)
        return NULL;
    for (int i = 0; i < TRANSFERS; i++) {
        worker->seed = worker->seed * 1103515245u + 12345u;
        if (txclient_run(own, NULL, transfer, worker) == TXCLIENT_OK)
            worker->committed++;
    }
    txclient_close(&own);
    return NULL;
}

/* Few accounts, many clients, locks in any order: wounds must happen, everybody must get through,
 * and no money may appear or vanish. */
static void test_conflicting_clients(void **state)
{
    struct worker workers[CLIENTS] = {0};
    txclient_batch *batch = txclient_batch_new();
    txclient_value values[ACCOUNTS * 3];
    const char *names[] = {"a", "b", "c"};
    long sum = 0;

    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++) {
        workers[i].seed = 77 + i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].committed, TRANSFERS);
    }
    for (int p = 0; p < 3; p++)
        for (int i = 0; i < ACCOUNTS; i++) {
            char key[16];

            snprintf(key, sizeof key, "acct%d", i);
            txclient_batch_get(batch, txclient_at(names[p], "t", key));
        }
    expect(submit_answered(client, batch, NULL, values), TXCLIENT_OK);
    for (int i = 0; i < ACCOUNTS * 3; i++) {
        char text[32] = "";

        if (values[i].found)
            memcpy(text, values[i].data, values[i].len);
        sum += strtol(text, NULL, 10);
    }
    assert_int_equal(sum, 0);
    txclient_batch_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interactive_commit_on_three),
        cmocka_unit_test(test_interactive_abort_leaves_nothing),
        cmocka_unit_test(test_one_shot_over_two_with_results),
        cmocka_unit_test(test_one_phase),
        cmocka_unit_test(test_read_only_and_empty),
        cmocka_unit_test(test_abort_check),
        cmocka_unit_test(test_abort_exists),
        cmocka_unit_test(test_abort_floor_ceiling_not_counter),
        cmocka_unit_test(test_abort_wounded),
        cmocka_unit_test(test_abort_lock_timeout),
        cmocka_unit_test(test_abort_idle),
        cmocka_unit_test(test_idempotency_key),
        cmocka_unit_test(test_outcome_of_both_kinds),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_conflicting_clients),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
