/* txctl locks and txctl waits on a live cluster: a chain of waits over two participants, a table of
 * several pages, participants that are gone, and arguments that mean nothing. */
#include "tests/integration/work.h"

#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

#define MANY 5000u

static struct daemon *const a = &cluster.participants[0], *const b = &cluster.participants[1];
static char out[4 << 20], err[4096];

/* A client of its own with a transaction; its `put` runs in a thread and waits. */
struct actor {
    txclient *client;
    txclient_tx *tx;
    char id[64];
    const char *at, *key;
    pthread_t thread;
    txclient_status status;
};
static struct actor first, second, third;

static int setup(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    for (size_t i = 0; i < 2; i++) {
        daemon_set(&cluster, &cluster.participants[i], "timers", "idle = 1h");
        daemon_set(&cluster, &cluster.participants[i], "locks", "escalation = 0");
    }
    work_start();
    return 0;
}

/* ---- actors ---- */

static void open_actor(struct actor *actor)
{
    /* Longer than all that txctl is asked meanwhile may take. */
    const txclient_begin_options options = {.size = sizeof options,
                                            .lock_timeout_ms = 10 * WORK_MS};
    actor->client = work_client(&cluster.coordinator);
    expect_of(actor->client, txclient_begin(actor->client, &options, &actor->tx), TXCLIENT_OK);
    snprintf(actor->id, sizeof actor->id, "%s", txclient_tx_reference(actor->tx));
    actor->id[strcspn(actor->id, "@")] = '\0';
}

static void *put_in_thread(void *arg)
{
    struct actor *actor = arg;
    actor->status = txclient_put(actor->tx, AT(actor->at, actor->key), txclient_str("1"));
    return NULL;
}

static void put_later(struct actor *actor, const char *at, const char *key)
{
    actor->at = at;
    actor->key = key;
    assert_int_equal(pthread_create(&actor->thread, NULL, put_in_thread, actor), 0);
}

static void put_now(struct actor *actor, const char *at, const char *key)
{
    expect_of(actor->client, txclient_put(actor->tx, AT(at, key), txclient_str("1")), TXCLIENT_OK);
}

static void finish(struct actor *actor, bool waits)
{
    if (waits) {
        pthread_join(actor->thread, NULL);
        expect_of(actor->client, actor->status, TXCLIENT_OK);
    }
    expect_of(actor->client, txclient_commit(actor->tx), TXCLIENT_OK);
    txclient_tx_close(&actor->tx);
    txclient_close(&actor->client);
}

/* The third waits at b for the second, which waits at a for the first. */
static void make_chain(void)
{
    open_actor(&first);
    open_actor(&second);
    open_actor(&third);
    put_now(&first, "a", "x");
    put_now(&second, "b", "y");
    put_later(&second, "a", "x");
    work_await_field(a, "locks_waiting", "1");
    put_later(&third, "b", "y");
    work_await_field(b, "locks_waiting", "1");
}

static void end_chain(void)
{
    finish(&first, false);
    finish(&second, true);
    finish(&third, true);
}

/* ---- what txctl says ---- */

/* The words end with NULL. */
#define txctl(...)                                                                                 \
    run_program(out, sizeof out, err, sizeof err, "txctl", "--config", cluster.client_config,      \
                __VA_ARGS__)

static json_t *parsed(void)
{
    json_error_t error;
    json_t *root = json_loads(out, 0, &error);
    if (root == NULL)
        fail_msg("%s at %d: %.300s", error.text, error.position, out);
    return root;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static json_t *participant_of(const json_t *root, size_t i)
{
    json_t *participant = json_array_get(json_object_get(root, "participants"), i);
    assert_non_null(participant);
    return participant;
}

/* The text, with its values filled in, is in what txctl wrote. */
__attribute__((format(printf, 1, 2))) static void expect_out(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (strstr(out, text) == NULL)
        fail_msg("\"%s\" is not in:\n%.2000s%.500s", text, out, err);
}

static void test_the_tree_of_waits(void **state)
{
    (void)state;
    assert_int_equal(txctl("waits", NULL), 0);
    assert_string_equal(out, "nobody waits for a lock\n");
    make_chain();
    assert_int_equal(txctl("waits", NULL), 0);
    assert_int_equal(strncmp(out, first.id, strlen(first.id)), 0);
    expect_out("%s  working for ", first.id);
    expect_out("\n`- %s  waits ", second.id);
    expect_out(" at a for x on t/x (it holds x)\n   `- %s  waits ", third.id);
    expect_out(" at b for x on t/y (it holds x)\n");

    assert_int_equal(txctl("waits", "a", NULL), 0); /* the third does not wait there */
    assert_null(strstr(out, third.id));

    assert_int_equal(txctl("waits", "--json", NULL), 0);
    json_t *root = parsed();
    const json_t *waits = json_object_get(root, "waits");
    const json_t *roots = json_object_get(root, "roots");
    assert_int_equal(json_array_size(json_object_get(root, "participants")), 2);
    assert_int_equal(json_array_size(waits), 2);
    assert_int_equal(json_array_size(roots), 1);
    assert_string_equal(json_string_value(json_array_get(roots, 0)), first.id);
    const json_t *wait = json_array_get(waits, 0);
    assert_string_equal(text_of(wait, "participant"), "a");
    assert_string_equal(text_of(wait, "transaction"), second.id);
    assert_string_equal(text_of(wait, "mode"), "x");
    assert_string_equal(text_of(wait, "key"), "x");
    assert_true(json_is_true(json_object_get(wait, "waiting")));
    const json_t *blocker = json_array_get(json_object_get(wait, "blockers"), 0);
    assert_string_equal(text_of(blocker, "transaction"), first.id);
    assert_string_equal(text_of(blocker, "state"), "working");
    json_decref(root);
    end_chain();
    assert_int_equal(txctl("waits", "--json", NULL), 0);
    root = parsed();
    assert_int_equal(json_array_size(json_object_get(root, "waits")), 0);
    json_decref(root);
}

static void test_the_locks_of_each(void **state)
{
    (void)state;
    make_chain();
    assert_int_equal(txctl("locks", NULL), 0);
    expect_out("participant a  %s\n", a->address);
    expect_out("participant b  %s\n", b->address);
    expect_out("  x    t/x\n");
    expect_out("  x    t/x  waits ");
    expect_out(" for %s (x)\n", first.id);

    assert_int_equal(txctl("locks", "--tx", second.id, "--json", "a", NULL), 0);
    json_t *root = parsed();
    const json_t *locks = json_object_get(participant_of(root, 0), "locks");
    assert_int_equal(json_array_size(locks), 3);
    static const char *const kinds[] = {"store", "keyspace", "key"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *row = json_array_get(locks, i);
        assert_string_equal(text_of(row, "transaction"), second.id);
        assert_string_equal(text_of(row, "what"), kinds[i]);
        assert_int_equal(json_is_true(json_object_get(row, "waiting")), i == 2);
    }
    json_decref(root);

    assert_int_equal(txctl("locks", "--waiting", "--json", NULL), 0);
    root = parsed();
    for (size_t i = 0; i < 2; i++) {
        locks = json_object_get(participant_of(root, i), "locks");
        assert_int_equal(json_array_size(locks), 1);
        assert_string_equal(text_of(json_array_get(locks, 0), "transaction"),
                            i == 0 ? second.id : third.id);
    }
    json_decref(root);

    assert_int_equal(txctl("locks", "--sort", "wait", "--limit", "2", "--json", "b", NULL), 0);
    root = parsed();
    locks = json_object_get(participant_of(root, 0), "locks");
    assert_int_equal(json_array_size(locks), 2);
    assert_true(json_is_true(json_object_get(json_array_get(locks, 0), "waiting")));
    assert_false(json_is_true(json_object_get(json_array_get(locks, 1), "waiting")));
    assert_true(json_is_true(json_object_get(participant_of(root, 0), "more")));
    json_decref(root);

    assert_int_equal(txctl("locks", "--space", "none", NULL), 0);
    expect_out("  no such locks\n");
    end_chain();
}

/* What has been scanned is locked, and so is what is not there. */
static void test_a_writer_behind_a_scan(void **state)
{
    (void)state;
    const txclient_range range = txclient_between("a", "t", "m", "p");
    txclient_cursor *cursor = NULL;
    txclient_row row;
    bool found = true;
    open_actor(&first);
    open_actor(&second);
    expect_of(first.client, txclient_scan(first.tx, &range, NULL, &cursor), TXCLIENT_OK);
    expect_of(first.client, txclient_scan_next(cursor, &row, &found), TXCLIENT_OK);
    assert_false(found);
    txclient_scan_close(&cursor);
    put_later(&second, "a", "n");
    work_await_field(a, "locks_waiting", "1");
    assert_int_equal(txctl("waits", NULL), 0);
    expect_out("\n`- %s  waits ", second.id);
    expect_out(" at a for x on t/n (it holds s on a range)\n");
    assert_int_equal(txctl("locks", "a", NULL), 0);
    expect_out("  s    t/m..p\n");
    expect_out("  x    t/n  waits ");
    assert_int_equal(txctl("locks", "--tx", first.id, "--json", "a", NULL), 0);
    json_t *root = parsed();
    const json_t *locks = json_object_get(participant_of(root, 0), "locks");
    const json_t *last = json_array_get(locks, json_array_size(locks) - 1);
    assert_string_equal(text_of(last, "what"), "range");
    assert_string_equal(text_of(last, "from"), "m");
    assert_string_equal(text_of(last, "to"), "p");
    json_decref(root);
    finish(&first, false);
    finish(&second, true);
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Every key of the keyspace "many" once, in the order of the keys. */
static void expect_many(const json_t *locks)
{
    const char *keys[MANY];
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(locks); i++) {
        const json_t *row = json_array_get(locks, i);
        assert_string_equal(text_of(row, "space"), "many");
        assert_string_equal(text_of(row, "transaction"), first.id);
        if (strcmp(text_of(row, "what"), "key") == 0) {
            assert_true(n < MANY);
            keys[n++] = text_of(row, "key");
            assert_true(n < 2 || strcmp(keys[n - 2], keys[n - 1]) < 0);
        }
    }
    assert_int_equal(n, MANY);
    qsort((void *)keys, n, sizeof keys[0], by_text);
    assert_string_equal(keys[0], "key-0000");
    assert_string_equal(keys[MANY - 1], "key-4999");
}

static void test_a_table_of_many_pages(void **state)
{
    (void)state;
    open_actor(&first);
    for (unsigned from = 0; from < MANY; from += 500) {
        txclient_batch *batch = txclient_batch_new();
        for (unsigned i = from; i < from + 500; i++) {
            char key[32];
            snprintf(key, sizeof key, "key-%04u", MANY - 1 - i);
            txclient_batch_lock(batch, txclient_at("b", "many", key), TXCLIENT_LOCK_X);
        }
        expect_of(first.client, txclient_execute(first.tx, batch, NULL), TXCLIENT_OK);
        txclient_batch_free(&batch);
    }
    assert_int_equal(txctl("locks", "--space", "many", "--sort", "space", "--limit", "100000",
                           "--json", "b", NULL),
                     0);
    json_t *root = parsed();
    const json_t *locks = json_object_get(participant_of(root, 0), "locks");
    assert_int_equal(json_array_size(locks), MANY + 1);
    assert_false(json_is_true(json_object_get(participant_of(root, 0), "more")));
    expect_many(locks);
    json_decref(root);

    assert_int_equal(txctl("locks", "b", NULL), 0);
    expect_out("  and more: --limit shows more than 1000\n");
    size_t lines = 0;
    for (const char *at = out; *at != '\0'; at++)
        lines += *at == '\n' ? 1 : 0;
    assert_int_equal(lines, 1002);
    finish(&first, false);
}

static char field_text[600];

static bool has_told(void *arg)
{
    return work_field(a, arg, field_text, sizeof field_text);
}

/* A field of a's status, which it may take its time to tell. */
static const char *told(const char *field)
{
    if (!wait_until(has_told, (void *)(uintptr_t)field, WORK_MS))
        fail_msg("%s is not told", field);
    return field_text;
}

static void test_what_is_counted(void **state)
{
    (void)state;
    make_chain();
    end_chain();
    assert_true(strtoul(told("lock_waits"), NULL, 10) >= 1);
    assert_true(strtoul(told("lock_wait_max_us"), NULL, 10) >= 1);
    assert_non_null(strstr(told("lock_wait_histogram"), "us:"));
    (void)told("lock_grants");
    (void)told("lock_wounds");
}

static void test_arguments_that_mean_nothing(void **state)
{
    (void)state;
    assert_int_equal(txctl("locks", "a", "nobody", NULL), EX_USAGE);
    assert_non_null(strstr(err, "knows no participant \"nobody\"; it knows a, b"));
    assert_string_equal(out, "");
    assert_int_equal(txctl("waits", "nobody", NULL), EX_USAGE);
    assert_int_equal(txctl("locks", "--tx", "1-2", NULL), EX_USAGE);
    assert_non_null(strstr(err, "\"1-2\" is no transaction id"));
    assert_int_equal(txctl("locks", "--space", "", NULL), EX_USAGE);
    assert_int_equal(txctl("locks", "--sort", "size", NULL), EX_USAGE);
    assert_non_null(strstr(err, "\"size\" is no order"));
    assert_int_equal(txctl("locks", "--limit", "0", NULL), EX_USAGE);
    assert_int_equal(txctl("locks", "nowhere://x", NULL), 0);
    expect_out("  unreachable: ");
}

/* One that is gone is shown so, and the others are shown all the same. */
static void test_a_participant_that_is_gone(void **state)
{
    (void)state;
    make_chain();
    daemon_kill(a);
    assert_int_equal(txctl("locks", "--json", NULL), 0);
    json_t *root = parsed();
    assert_true(json_is_false(json_object_get(participant_of(root, 0), "reachable")));
    assert_non_null(strstr(text_of(participant_of(root, 0), "text"), "no connection to"));
    assert_true(json_is_true(json_object_get(participant_of(root, 1), "reachable")));
    json_decref(root);
    assert_int_equal(txctl("waits", NULL), 0);
    expect_out("participant a  %s\n  unreachable: ", a->address);
    expect_out("\n%s  working for ", second.id); /* what it waits for itself cannot be seen */
    expect_out("\n`- %s  waits ", third.id);

    /* Without the coordinator only those are reached whose address is given. */
    daemon_kill(&cluster.coordinator);
    assert_int_equal(txctl("locks", b->address, NULL), 0);
    expect_out("  x    t/y  waits ");
    assert_int_equal(txctl("waits", b->address, NULL), 0);
    expect_out("\n`- %s  waits ", third.id);
    assert_int_equal(txctl("waits", NULL), EX_UNAVAILABLE);

    /* What they wait for is undone then; what the calls give is of no interest. */
    daemon_start(a);
    daemon_start(&cluster.coordinator);
    pthread_join(second.thread, NULL);
    pthread_join(third.thread, NULL);
    struct actor *const actors[] = {&first, &second, &third};
    for (size_t i = 0; i < 3; i++) {
        txclient_tx_close(&actors[i]->tx);
        txclient_close(&actors[i]->client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_tree_of_waits),
        cmocka_unit_test(test_the_locks_of_each),
        cmocka_unit_test(test_a_writer_behind_a_scan),
        cmocka_unit_test(test_a_table_of_many_pages),
        cmocka_unit_test(test_what_is_counted),
        cmocka_unit_test(test_arguments_that_mean_nothing),
        cmocka_unit_test(test_a_participant_that_is_gone),
    };
    return cmocka_run_group_tests(tests, setup, work_teardown);
}
