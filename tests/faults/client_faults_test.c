/* Each allocation of the client library fails in turn, against real daemons, and what it then says
 * is held against what is stored: committed is there on both sides, out of memory and aborted have
 * left nothing, unknown is whole or nothing, and a value that is read is the right one. (Against
 * played daemons, and for every call: tests/client/memory_test.c.) */
#include "tests/failing_memory.h"
#include "tests/integration/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LATE_MAX 60

static enum failing_memory how;

/* ---- the work: a new handle, two keys, and what was there before ---- */

#define BEFORE "a value that was there before"

static char wrong[200];

static void check_value(const txclient_value *value)
{
    bool right = value->found && value->len == strlen(BEFORE) &&
                 memcmp(value->data, BEFORE, value->len) == 0;
    if (!right)
        (void)snprintf(wrong, sizeof wrong, "a value of %zu bytes was read, %sfound", value->len,
                       value->found ? "" : "not ");
}

/* `*at_commit`: whether the status is that of the commit, which is what decides. */
static txclient_status interactive(txclient *own, const char *key, bool *at_commit)
{
    txclient_tx *tx = NULL;
    txclient_value value = {0};
    txclient_status status = txclient_begin(own, NULL, &tx);
    if (status == TXCLIENT_OK)
        status = txclient_get(tx, AT("a", "before"), &value);
    if (status == TXCLIENT_OK)
        check_value(&value);
    if (status == TXCLIENT_OK)
        status = txclient_put(tx, AT("a", key), txclient_str("x"));
    if (status == TXCLIENT_OK)
        status = txclient_put(tx, AT("b", key), txclient_str("x"));
    *at_commit = status == TXCLIENT_OK;
    if (status == TXCLIENT_OK)
        status = txclient_commit(tx);
    txclient_tx_close(&tx);
    return status;
}

static txclient_status one_shot(txclient *own, const char *key, bool *at_commit)
{
    txclient_value values[3] = {{0}};
    txclient_batch *batch = txclient_batch_new();
    *at_commit = batch != NULL;
    if (batch == NULL)
        return TXCLIENT_ENOMEM;
    (void)txclient_batch_get(batch, AT("b", "before"));
    (void)txclient_batch_put(batch, AT("a", key), txclient_str("x"));
    (void)txclient_batch_put(batch, AT("b", key), txclient_str("x"));
    txclient_status status = txclient_submit(own, batch, NULL, values);
    if (status == TXCLIENT_OK && !txclient_detail(own)->results_lost)
        check_value(&values[0]);
    txclient_batch_free(&batch);
    return status;
}

static txclient_status from_the_beginning(txclient_status (*act)(txclient *, const char *, bool *),
                                          const char *key, bool *at_commit)
{
    txclient *own = NULL;
    txclient_options options = {.size = sizeof options,
                                .connect_timeout_ms = 1000,
                                .request_timeout_ms = 500,
                                .commit_timeout_ms = 500,
                                .resend_ms = 50};
    *at_commit = false;
    txclient_status status =
        txclient_open("test", cluster.coordinator.address, &options, &own, NULL);
    if (status == TXCLIENT_OK)
        status = act(own, key, at_commit);
    txclient_close(&own);
    return status;
}

/* ---- what is there ---- */

struct look {
    const char *key;
    bool at_a, at_b;
};

static bool looked(void *arg)
{
    struct look *look = arg;
    txclient_value values[2];
    txclient_batch *batch = txclient_batch_new();
    txclient_batch_get(batch, AT("a", look->key));
    txclient_batch_get(batch, AT("b", look->key));
    txclient_status status = txclient_submit(client, batch, NULL, values);
    txclient_batch_free(&batch);
    look->at_a = values[0].found;
    look->at_b = values[1].found;
    return status == TXCLIENT_OK && !txclient_detail(client)->results_lost;
}

static void compare(const char *key, txclient_status told, bool at_commit, unsigned long n)
{
    struct look look = {.key = key};
    if (!wait_until(looked, &look, WORK_MS))
        fail_msg("%s cannot be read: %s", key, txclient_detail(client)->text);
    bool whole = look.at_a && look.at_b, none = !look.at_a && !look.at_b;
    bool open = told == TXCLIENT_UNKNOWN;
    bool right = told == TXCLIENT_OK ? whole : open && at_commit ? whole || none : none;
    if (!right)
        fail_msg("allocation %lu: told '%s', and the key is %s at a and %s at b", n,
                 txclient_status_text(told), look.at_a ? "there" : "not there",
                 look.at_b ? "there" : "not there");
    if (wrong[0] != '\0')
        fail_msg("allocation %lu: %s", n, wrong);
}

static void exhaust(txclient_status (*act)(txclient *, const char *, bool *), const char *name)
{
    unsigned long told[TXCLIENT_EBUSY + 1] = {0};
    unsigned long n = 1, late = 0;
    for (;; n++) {
        char key[64];
        bool at_commit;
        (void)snprintf(key, sizeof key, "%s-%s-%lu", name, how == FAILING_ONWARD ? "on" : "once",
                       n);
        failing_memory_arm(n, how);
        txclient_status status = from_the_beginning(act, key, &at_commit);
        (void)failing_memory_set(false);
        compare(key, status, at_commit, n);
        if (status <= TXCLIENT_EBUSY)
            told[status]++;
        /* All allocations went well; the short times of client and daemons may be over before the
         * work is done, on a busy machine. */
        if (failing_memory_failures() == 0) {
            if (status == TXCLIENT_OK)
                break;
            assert_int_not_equal(status, TXCLIENT_ENOMEM);
            assert_true(++late < LATE_MAX);
        }
    }
    print_message("%s, %s: %lu allocations; committed %lu, out of memory %lu, unknown %lu\n", name,
                  how == FAILING_ONWARD ? "from the n-th on" : "the n-th alone", n - 1,
                  told[TXCLIENT_OK] - 1, told[TXCLIENT_ENOMEM], told[TXCLIENT_UNKNOWN]);
    assert_true(n > 5);
}

static void test_interactive(void **state)
{
    (void)state;
    how = FAILING_ALONE;
    exhaust(interactive, "interactive");
    how = FAILING_ONWARD;
    exhaust(interactive, "interactive");
}

static void test_one_shot(void **state)
{
    (void)state;
    how = FAILING_ALONE;
    exhaust(one_shot, "one-shot");
    how = FAILING_ONWARD;
    exhaust(one_shot, "one-shot");
}

static int begin(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    /* What a client without memory could not even give up is undone soon. */
    for (size_t i = 0; i < 2; i++)
        daemon_set(&cluster, &cluster.participants[i], "timers", "idle = 300ms");
    cluster_start(&cluster);
    client = work_client(&cluster.coordinator);
    work_put_surely(client, "ab", "before", BEFORE);
    wrong[0] = '\0';
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, work_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_interactive), TEST(test_one_shot)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
