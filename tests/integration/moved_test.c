/* Daemons at other addresses than before, with transactions in doubt that the members decide
 * (docs/protocol.md, "Where members are"): one that has moved finds the others, who find it again;
 * where all have, the coordinator tells; and a cluster that is restored elsewhere settles what was
 * in doubt in its backup. */
#include "client/txclient_admin.h"
#include "tests/integration/backup_case.h"
#include "tests/integration/proxy.h"
#include "tests/integration/raw_peer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];

/* Nobody in doubt asks by himself, and no vote that is missing counts as a refusal. */
static int two_patient_participants(void **state)
{
    (void)state;
    cluster_init_defaults(&cluster, 2);
    daemon_set(&cluster, coordinator, "timers",
               "resend = 100ms\nhello = 100ms\nforget = 100ms\npeer_down = 1h\nprepare = 1h");
    daemon_set(&cluster, a, "timers", "inquiry = 1h\ninquiry_max = 1h");
    daemon_set(&cluster, b, "timers", "inquiry = 1h\ninquiry_max = 1h");
    return 0;
}

/* From its next start on it asks soon. */
static void make_ask(struct daemon *participant)
{
    participant->settings[0] = '\0';
    daemon_set(&cluster, participant, "timers", "inquiry = 100ms\ninquiry_max = 400ms");
}

/* Both are prepared and nobody has both votes, when their coordinator dies: b stands still until
 * then. Its PREPARE has left with the coordinator's answer to a later question. */
static void leave_in_doubt(void)
{
    struct raw_peer *peer;

    cluster_start(&cluster);
    peer = raw_open(coordinator->address, NULL);
    daemon_signal(b, SIGSTOP);
    raw_submit_puts(peer, 1, "k", TX_COMMIT_PARTICIPANTS);
    work_await_field(a, "prepared", "1");
    assert_int_equal(raw_figure(peer, "collecting"), 1);
    daemon_kill(coordinator);
    daemon_signal(b, SIGCONT);
    work_await_field(b, "prepared", "1");
    raw_close(&peer);
}

/* On both sides, and nobody has raised an alarm about it. */
static void expect_committed(const char *key, const char *value)
{
    work_holds(client, "a", key, value);
    work_holds(client, "b", key, value);
    assert_int_equal(work_number(a, "alarms"), 0);
    assert_int_equal(work_number(b, "alarms"), 0);
}

static void start_coordinator(struct daemon *which)
{
    daemon_start(which);
    client = work_client(which);
}

/* b would never ask: it is asked by a from where that is now, answers it there, and asks there. */
static void test_one_moves_and_nobody_else_is_there(void **state)
{
    (void)state;
    leave_in_doubt();
    daemon_kill(a);
    cluster_move(&cluster, a);
    make_ask(a);
    daemon_start(a);
    work_await_field(a, "prepared", "0");
    work_await_field(b, "prepared", "0");
    assert_int_equal(work_number(a, "committed_by_members"), 1);
    assert_int_equal(work_number(b, "committed_by_members"), 1);
    start_coordinator(coordinator);
    expect_committed("k", "new");
}

/* From the second time on it asks the other one, too. */
static bool has_asked(void *arg)
{
    const struct daemon *participant = arg;
    txclient *own = work_quick_client(participant);
    txclient_txs *txs = NULL;
    bool asked = false;

    if (txclient_txs_ask(own, participant->address, NULL, &txs) == TXCLIENT_OK) {
        const txclient_tx_row *row = txclient_txs_at(txs, 0);

        assert_non_null(row); /* nobody can have settled it */
        assert_string_equal(row->state, "prepared");
        asked = row->tried >= 4;
        txclient_txs_free(&txs);
    }
    txclient_close(&own);
    return asked;
}

/* They ask where the other was, and there is nobody, or somebody else. */
static void expect_lost_to_one_another(void)
{
    assert_true(wait_until(has_asked, a, WORK_MS));
    assert_true(wait_until(has_asked, b, WORK_MS));
    work_await_field(a, "prepared", "1");
    work_await_field(b, "prepared", "1");
}

static void start_asking(void)
{
    make_ask(a);
    make_ask(b);
    daemon_start(a);
    daemon_start(b);
}

static void both_move_in_doubt(void)
{
    leave_in_doubt();
    daemon_kill(a);
    daemon_kill(b);
    cluster_move(&cluster, a);
    cluster_move(&cluster, b);
    start_asking();
    expect_lost_to_one_another();
}

static void test_both_move_and_the_coordinator_tells(void **state)
{
    (void)state;
    both_move_in_doubt();
    start_coordinator(coordinator);
    work_await_quiet();
    expect_committed("k", "new");
}

/* Its own is gone for good; one that has never heard of the transaction knows where they are. */
static void test_another_coordinator_tells(void **state)
{
    (void)state;
    both_move_in_doubt();
    cluster_add_coordinator(&cluster);
    start_coordinator(&cluster.second);
    work_await_field(a, "prepared", "0");
    work_await_field(b, "prepared", "0");
    expect_committed("k", "new");
}

/* Each asks for the other at its own address. What it knows of the other must not be taken for what
 * is known of it: it would hold itself for an old copy. */
static void test_two_change_places(void **state)
{
    (void)state;
    leave_in_doubt();
    daemon_kill(a);
    daemon_kill(b);
    cluster_change_places(&cluster, a, b);
    start_asking();
    expect_lost_to_one_another();
    assert_int_equal(work_number(a, "alarms"), 0);
    assert_int_equal(work_number(b, "alarms"), 0);
    start_coordinator(coordinator);
    work_await_quiet();
    expect_committed("k", "new");
}

/* ---- a cluster that is restored elsewhere ---- */

static int port_of(const struct daemon *daemon)
{
    return (int)strtol(strrchr(daemon->address, ':') + 1, NULL, 10);
}

/* A transaction of either mode, prepared on both sides; the votes of b are on the way for good. */
static struct raw_peer *keep_votes_of_b(struct proxy *proxy, size_t route)
{
    struct raw_peer *peer = raw_open(coordinator->address, NULL);

    proxy_set(proxy, route, &(struct proxy_fault){.cut = {[PROXY_THERE] = true}});
    raw_submit_puts(peer, 1, "k0", TX_COMMIT_COORDINATOR);
    raw_submit_puts(peer, 2, "k1", TX_COMMIT_PARTICIPANTS);
    work_await_field(a, "prepared", "2");
    work_await_field(b, "prepared", "2");
    return peer;
}

/* For their next starts. */
static void move_all(void)
{
    cluster_move(&cluster, coordinator);
    cluster_move(&cluster, a);
    cluster_move(&cluster, b);
    b->redirect[0] = '\0';
    make_ask(a);
    make_ask(b);
}

static void test_a_cluster_is_restored_elsewhere(void **state)
{
    struct proxy *proxy;
    size_t route;

    (void)state;
#ifdef ASSENT_SANITIZED /* a library in front of a daemon does not go together with theirs */
    skip();
#endif
    proxy = proxy_new();
    route = proxy_add(proxy, port_of(coordinator));
    assert_true(snprintf(b->redirect, sizeof b->redirect, "%d=%d", port_of(coordinator),
                         proxy_port(proxy, route)) < (int)sizeof b->redirect);
    cluster_start(&cluster);
    assert_true(proxy_counts(proxy).connections > 0);
    struct raw_peer *peer = keep_votes_of_b(proxy, route);
    (void)backup_take(NULL, NULL);
    raw_close(&peer);
    move_all();
    backup_bring_back();
    client = work_client(coordinator);
    work_await_quiet();
    expect_committed("k1", "new"); /* every member is prepared */
    expect_committed("k0", NULL);  /* no decision is on record: presumed aborted */
    proxy_destroy(&proxy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, two_patient_participants, work_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_one_moves_and_nobody_else_is_there),
        TEST(test_both_move_and_the_coordinator_tells),
        TEST(test_another_coordinator_tells),
        TEST(test_two_change_places),
        TEST(test_a_cluster_is_restored_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
