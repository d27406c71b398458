/* A circle of waits that no participant sees whole: a one-shot that is prepared at one participant
 * waits at another for a lock of an older transaction, and that one waits for it where it is
 * prepared. It must end by the younger one being wounded, and not by a time-out. */
#include "tests/integration/work.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int start(void **state)
{
    (void)state;
    cluster_init(&cluster, 2, false);
    /* No time-out is there to end it. */
    daemon_set(&cluster, &cluster.coordinator, "timers", "peer_down = 1h\nprepare = 1h");
    for (size_t i = 0; i < 2; i++)
        daemon_set(&cluster, &cluster.participants[i], "timers", "lock_timeout = 1h\nidle = 1h");
    work_start();
    return 0;
}

struct one_shot {
    txclient *client;
    pthread_t thread;
    txclient_status status;
    txclient_reason reason;
};

static void *submit(void *arg)
{
    struct one_shot *one_shot = arg;
    txclient_batch *batch = txclient_batch_new();

    (void)txclient_batch_get(batch, AT("a", "held"));
    (void)txclient_batch_get(batch, AT("b", "wanted"));
    one_shot->status = txclient_submit(one_shot->client, batch, NULL, NULL);
    one_shot->reason = txclient_detail(one_shot->client)->reason;
    txclient_batch_free(&batch);
    return NULL;
}

static void test_the_younger_one_goes(void **state)
{
    struct one_shot one_shot = {.client = work_client(&cluster.coordinator)};
    txclient_tx *older = work_begin(client);

    (void)state;
    expect(txclient_put(older, AT("a", "held"), txclient_str("1")), TXCLIENT_OK);
    assert_int_equal(pthread_create(&one_shot.thread, NULL, submit, &one_shot), 0);
    work_await_field(&cluster.participants[0], "locks_waiting", "1");
    work_await_field(&cluster.participants[1], "prepared", "1");
    expect(txclient_put(older, AT("b", "wanted"), txclient_str("1")), TXCLIENT_OK);
    expect(txclient_commit(older), TXCLIENT_OK);
    txclient_tx_close(&older);
    pthread_join(one_shot.thread, NULL);
    assert_int_equal(one_shot.status, TXCLIENT_ABORTED);
    assert_int_equal(one_shot.reason, TXCLIENT_REASON_WOUNDED);
    txclient_close(&one_shot.client);
    work_await_quiet();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_younger_one_goes, start, work_teardown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
