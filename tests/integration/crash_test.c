/* Every named crash point of both daemons: the daemon dies there as by kill -9, comes back, and
 * then every transaction that was told to be committed is on both sides, every one told to be
 * aborted is on neither, the rest is on both or on neither, the sum of the balances is what it was,
 * and no lock or transaction in doubt is left.
 *
 * usage: crash_test coordinator|participant */
#include "client/txclient.h"
#include "tests/integration/cluster.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ROUNDS_MAX 120
#define BALANCE    1000 /* of each account at the start */

/* A place, and what must have happened to the cluster for it to be passed. */
struct place {
    const char *point;
    /* The daemon is armed at its start; else the cluster first loses the coordinator (or the
     * participant) at `prelude`, so that somebody is left in doubt. */
    const char *prelude;
    bool coordinator_prelude; /* it is the coordinator that dies at the prelude, and stays away
                                 until the place is passed */
};

static const struct place coordinator_places[] = {
    {"log:START:before", NULL, false},
    {"log:START:after", NULL, false},
    {"log:COMMIT:before", NULL, false},
    {"log:COMMIT:after", NULL, false},
    {"log:COMMIT:before:3", NULL, false},
    {"log:COMMIT:after:3", NULL, false},
    {"log:END:before", NULL, false},
    {"log:END:after", NULL, false},
    {"log:OUTCOME:before", NULL, false},
    {"log:OUTCOME:after", NULL, false},
    {"log:SNAPSHOT_BEGIN:before", NULL, false},
    {"log:SNAPSHOT_BEGIN:after", NULL, false},
    {"log:SNAPSHOT_END:before", NULL, false},
    {"log:SNAPSHOT_END:after", NULL, false},
    {"log:PEER:before", NULL, false},
    {"log:PEER:after", NULL, false},
    {"send:HELLO:before", NULL, false},
    {"send:HELLO:after", NULL, false},
    {"send:BEGUN:before", NULL, false},
    {"send:BEGUN:after", NULL, false},
    {"send:PREPARE:before", NULL, false},
    {"send:PREPARE:after", NULL, false},
    {"send:PREPARE:before:3", NULL, false},
    {"send:PREPARE:after:3", NULL, false},
    {"send:COMMIT:before", NULL, false},
    {"send:COMMIT:after", NULL, false},
    {"send:COMMIT:before:2", NULL, false},
    {"send:COMMIT:after:2", NULL, false},
    {"send:ABORT:before", NULL, false},
    {"send:ABORT:after", NULL, false},
    {"send:OUTCOME:before", NULL, false},
    {"send:OUTCOME:after", NULL, false},
    {"send:FORGET:before", NULL, false},
    {"send:FORGET:after", NULL, false},
    {"send:STATUS:before", NULL, false},
    {"send:STATUS:after", NULL, false},
    {"send:ERROR:before", NULL, false},
    {"send:ERROR:after", NULL, false},
    /* While it drives home what an earlier start has decided. */
    {"send:COMMIT:before", "log:COMMIT:after", false},
    {"send:COMMIT:after", "log:COMMIT:after", false},
    {"log:END:before", "log:COMMIT:after", false},
    {"log:END:after", "log:COMMIT:after", false},
    /* While it answers those whom an earlier start has left in doubt. */
    {"send:ABORT:before", "log:COMMIT:before", false},
    {"send:ABORT:after", "log:COMMIT:before", false},
};

static const struct place participant_places[] = {
    {"log:START:before", NULL, false},
    {"log:START:after", NULL, false},
    {"log:PREPARED:before", NULL, false},
    {"log:PREPARED:after", NULL, false},
    {"log:PREPARED:before:3", NULL, false},
    {"log:PREPARED:after:3", NULL, false},
    {"log:COMMITTED:before", NULL, false},
    {"log:COMMITTED:after", NULL, false},
    {"log:COMMITTED:before:4", NULL, false},
    {"log:COMMITTED:after:4", NULL, false},
    {"log:ABORTED:before", NULL, false},
    {"log:ABORTED:after", NULL, false},
    {"log:FORGET:before", NULL, false},
    {"log:FORGET:after", NULL, false},
    {"log:SNAPSHOT_BEGIN:before", NULL, false},
    {"log:SNAPSHOT_BEGIN:after", NULL, false},
    {"log:SNAPSHOT_END:before", NULL, false},
    {"log:SNAPSHOT_END:after", NULL, false},
    {"send:WELCOME:before", NULL, false},
    {"send:WELCOME:after", NULL, false},
    {"send:JOIN:before", NULL, false},
    {"send:JOIN:after", NULL, false},
    {"send:OPERATED:before", NULL, false},
    {"send:OPERATED:after", NULL, false},
    {"send:VOTE:before", NULL, false},
    {"send:VOTE:after", NULL, false},
    {"send:VOTE:before:3", NULL, false},
    {"send:VOTE:after:3", NULL, false},
    {"send:ACK:before", NULL, false},
    {"send:ACK:after", NULL, false},
    {"send:STATUS:before", NULL, false},
    {"send:STATUS:after", NULL, false},
    {"send:ERROR:before", NULL, false},
    {"send:ERROR:after", NULL, false},
    /* During the recovery of a transaction in doubt. */
    {"log:EPOCH:before", "send:HELLO:after", true},
    {"log:EPOCH:after", "send:HELLO:after", true},
    {"send:INQUIRE:before", "log:PREPARED:after", false},
    {"send:INQUIRE:after", "log:PREPARED:after", false},
    {"log:COMMITTED:before", "send:VOTE:after:2", false},
    {"log:COMMITTED:after", "send:VOTE:after:2", false},
    /* Asked by the other participant, while the coordinator is away. */
    {"send:STATE:before", "log:COMMIT:before", true},
    {"send:STATE:after", "log:COMMIT:before", true},
};

static struct cluster cluster;
static txclient *client;

/* What the client was told of its rounds. */
static txclient_status told[4 * ROUNDS_MAX];
static int rounds;

static void open_client(void)
{
    txclient_options options = {.size = sizeof options,
                                .request_timeout_ms = 400,
                                .commit_timeout_ms = 1200,
                                .resend_ms = 100};

    assert_int_equal(txclient_open("test", cluster.coordinator.address, &options, &client, NULL),
                     TXCLIENT_OK);
}

static txclient_address record_at(const char *participant, char *key, int round)
{
    snprintf(key, 32, "%d", round);
    return txclient_at(participant, "record", key);
}

/* One transfer from a to b, with a record on both sides. */
static txclient_status one_shot(int round)
{
    txclient_batch *batch = txclient_batch_new();
    char key[32];
    txclient_status status;

    txclient_batch_add(batch, txclient_at("a", "account", "x"), -1, NULL, NULL);
    txclient_batch_insert(batch, record_at("a", key, round), txclient_str("1"));
    txclient_batch_add(batch, txclient_at("b", "account", "x"), 1, NULL, NULL);
    txclient_batch_insert(batch, record_at("b", key, round), txclient_str("1"));
    status = txclient_submit(client, batch, NULL, NULL);
    txclient_batch_free(&batch);
    return status;
}

static txclient_status interactive(int round)
{
    txclient_tx *tx = NULL;
    char key[32];
    txclient_status status = txclient_begin(client, NULL, &tx);

    if (status == TXCLIENT_OK)
        status = txclient_add(tx, txclient_at("b", "account", "x"), -1, NULL, NULL, NULL);
    if (status == TXCLIENT_OK)
        status = txclient_insert(tx, record_at("b", key, round), txclient_str("1"));
    if (status == TXCLIENT_OK)
        status = txclient_add(tx, txclient_at("a", "account", "x"), 1, NULL, NULL, NULL);
    if (status == TXCLIENT_OK)
        status = txclient_insert(tx, record_at("a", key, round), txclient_str("1"));
    if (status == TXCLIENT_OK)
        status = txclient_commit(tx);
    if (tx != NULL)
        txclient_tx_close(&tx);
    return status;
}

/* Prepares on one side and is refused on the other, so that ABORT finds a prepared transaction. */
static txclient_status refused(int round, const char *prepares, const char *refuses)
{
    txclient_batch *batch = txclient_batch_new();
    char key[32];
    txclient_status status;

    txclient_batch_insert(batch, record_at(prepares, key, round), txclient_str("1"));
    txclient_batch_check(batch, txclient_at(refuses, "account", "x"), txclient_str("not so"));
    status = txclient_submit(client, batch, NULL, NULL);
    txclient_batch_free(&batch);
    return status;
}

/* A single participant: one phase. Its record is put on the other side by nobody, so it goes under
 * a name of its own. */
static void one_phase(const char *participant)
{
    txclient_batch *batch = txclient_batch_new();

    txclient_batch_add(batch, txclient_at(participant, "alone", "n"), 1, NULL, NULL);
    if (txclient_submit(client, batch, NULL, NULL) == TXCLIENT_OK)
        txclient_batch_clear(batch);
    txclient_batch_free(&batch);
}

/* An id of another coordinator, and a look at the daemons: makes them send ERROR and STATUS. */
static void ask_around(void)
{
    txclient_node *node = NULL;
    const char *addresses[] = {cluster.coordinator.address, cluster.participants[0].address,
                               cluster.participants[1].address};

    for (int i = 0; i < 3; i++) {
        if (txclient_inspect(client, addresses[i], &node) == TXCLIENT_OK)
            txclient_node_free(&node);
    }
    if (txclient_outcome(client, "2-1-1", 0) == TXCLIENT_OK)
        fail_msg("an outcome of a transaction that nobody has begun");
}

/* Two transactions at once on both participants: where only one is allowed, the second is refused.
 */
static void crowd(void)
{
    txclient_tx *first = NULL, *second = NULL;
    const char *names[] = {"a", "b"};

    if (txclient_begin(client, NULL, &first) != TXCLIENT_OK)
        return;
    if (txclient_begin(client, NULL, &second) == TXCLIENT_OK)
        for (int i = 0; i < 2; i++)
            if (txclient_put(first, txclient_at(names[i], "crowd", "1"), txclient_str("1")) ==
                TXCLIENT_OK)
                (void)txclient_put(second, txclient_at(names[i], "crowd", "2"), txclient_str("2"));
    txclient_tx_close(&first);
    if (second != NULL)
        txclient_tx_close(&second);
}

/* Has it died? It is left for ended_by_itself() to be collected. */
static bool is_dead(const struct daemon *daemon)
{
    siginfo_t info = {0};

    assert_int_equal(waitid(P_PID, (id_t)daemon->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid != 0;
}

/* A step of the work is left out once the daemon is dead: it could only run into its timeouts. */
static void round_of_work(const struct daemon *armed)
{
    for (int step = 0; step < 4; step++, rounds++) {
        if (is_dead(armed))
            told[rounds] = TXCLIENT_ABORTED;
        else if (step == 0)
            told[rounds] = one_shot(rounds);
        else if (step == 1)
            told[rounds] = interactive(rounds);
        else
            told[rounds] = refused(rounds, step == 2 ? "a" : "b", step == 2 ? "b" : "a");
    }
    if (!is_dead(armed))
        one_phase("a");
    if (!is_dead(armed))
        one_phase("b");
    if (!is_dead(armed))
        crowd();
    if (!is_dead(armed))
        ask_around();
}

static bool ended_by_itself(struct daemon *daemon)
{
    int status;

    if (!daemon_wait(daemon, 0, &status))
        return false;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return true;
}

static uint64_t field(const char *address, const char *name, bool *known)
{
    txclient_node *node = NULL;
    const char *text = NULL;
    uint64_t value = 0;

    *known = false;
    if (txclient_inspect(client, address, &node) != TXCLIENT_OK)
        return 0;
    text = txclient_node_get(node, name);
    if (text == NULL)
        fail_msg("%s has no field %s", address, name);
    value = strtoull(text, NULL, 10);
    *known = true;
    txclient_node_free(&node);
    return value;
}

/* Nothing open, nothing in doubt, no lock, no decision that is still being driven home. */
static bool quiet(void *arg)
{
    const char *participant_fields[] = {"working", "preparing", "prepared", "locks_held"};
    const char *coordinator_fields[] = {"collecting", "deciding", "committed"};
    bool known;

    (void)arg;
    for (size_t i = 0; i < 3; i++)
        if (field(cluster.coordinator.address, coordinator_fields[i], &known) != 0 || !known)
            return false;
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i < 4; i++)
            if (field(cluster.participants[p].address, participant_fields[i], &known) != 0 ||
                !known)
                return false;
    return true;
}

static bool read_records(bool on[2][4 * ROUNDS_MAX], long balance[2])
{
    const char *names[2] = {"a", "b"};
    txclient_value values[4 * ROUNDS_MAX + 1];
    char key[32], text[32];

    for (int p = 0; p < 2; p++) {
        txclient_batch *batch = txclient_batch_new();
        txclient_status status;

        for (int i = 0; i < rounds; i++)
            txclient_batch_get(batch, record_at(names[p], key, i));
        txclient_batch_get(batch, txclient_at(names[p], "account", "x"));
        status = txclient_submit(client, batch, NULL, values);
        txclient_batch_free(&batch);
        if (status != TXCLIENT_OK)
            return false;
        for (int i = 0; i < rounds; i++)
            on[p][i] = values[i].found;
        assert_true(values[rounds].found && values[rounds].len < sizeof text);
        memcpy(text, values[rounds].data, values[rounds].len);
        text[values[rounds].len] = '\0';
        balance[p] = strtol(text, NULL, 10);
    }
    return true;
}

struct records {
    bool on[2][4 * ROUNDS_MAX];
    long balance[2];
};

static bool can_read(void *arg)
{
    struct records *records = arg;

    return read_records(records->on, records->balance);
}

static void check(const char *point)
{
    struct records records;

    if (!wait_until(quiet, NULL, 60000))
        fail_msg("%s: something is still open, in doubt or locked", point);
    assert_true(wait_until(can_read, &records, 20000));
    for (int i = 0; i < rounds; i++) {
        bool refused_round = i % 4 >= 2;

        if (!refused_round && records.on[0][i] != records.on[1][i])
            fail_msg("%s: round %d is half done", point, i);
        if (refused_round && (records.on[0][i] || records.on[1][i]))
            fail_msg("%s: round %d was refused and left a record", point, i);
        if (told[i] == TXCLIENT_OK && !records.on[0][i])
            fail_msg("%s: round %d was acknowledged and is lost", point, i);
        if (told[i] == TXCLIENT_ABORTED && records.on[0][i])
            fail_msg("%s: round %d was told to be aborted and is committed", point, i);
    }
    if (records.balance[0] + records.balance[1] != 2L * BALANCE)
        fail_msg("%s: the sum is %ld, not %d", point, records.balance[0] + records.balance[1],
                 2 * BALANCE);
}

static bool can_load(void *arg)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_status status;

    (void)arg;
    txclient_batch_insert(batch, txclient_at("a", "account", "x"), txclient_str("1000"));
    txclient_batch_insert(batch, txclient_at("b", "account", "x"), txclient_str("1000"));
    status = txclient_submit(client, batch, NULL, NULL);
    txclient_batch_free(&batch);
    return status == TXCLIENT_OK;
}

static bool serves(const struct daemon *daemon)
{
    return daemon_says(daemon, "msg=serving", 0);
}

/* Works until the daemon, which was started armed, has died at its point. */
static void work_until_dead(struct daemon *daemon, const char *point)
{
    int limit = rounds == 0 ? 4 * ROUNDS_MAX - 40 : 40;
    int first = rounds;

    while (!ended_by_itself(daemon)) {
        if (rounds - first >= limit)
            fail_msg("%s never passes %s", daemon->name, point);
        if (serves(daemon))
            round_of_work(daemon);
    }
}

static bool has_died(void *arg)
{
    return ended_by_itself(arg);
}

/* Leaves `daemon` armed and running, after the cluster went through the prelude of the place. */
static void arm(struct daemon *daemon, const struct place *place)
{
    bool lose_coordinator =
        place->prelude != NULL && daemon != &cluster.coordinator && place->coordinator_prelude;

    daemon_stop(daemon);
    if (place->prelude != NULL && !lose_coordinator) {
        daemon_spawn(daemon, place->prelude);
        work_until_dead(daemon, place->prelude);
    }
    daemon_spawn(daemon, place->point);
    if (lose_coordinator) {
        assert_true(daemon_says(daemon, "msg=serving", 30000));
        daemon_stop(&cluster.coordinator);
        daemon_spawn(&cluster.coordinator, place->prelude);
        work_until_dead(&cluster.coordinator, place->prelude);
    }
}

static void at_place(bool coordinator, const struct place *place)
{
    struct daemon *daemon = coordinator ? &cluster.coordinator : &cluster.participants[0];

    printf("%s %s%s%s\n", coordinator ? "coordinator" : "participant", place->point,
           place->prelude != NULL ? " after " : "", place->prelude != NULL ? place->prelude : "");
    rounds = 0;
    cluster_init(&cluster, 2, false);
    daemon_set(&cluster, daemon, "storage", "snapshot_records = 100\nretain_records = 50");
    /* Outcomes that are kept hold a snapshot back; for those places they go early. */
    if (coordinator && (strstr(place->point, "SNAPSHOT") || strstr(place->point, "PEER")))
        daemon_set(&cluster, daemon, "limits", "retained = 100");
    if (!coordinator && strstr(place->point, "ERROR"))
        daemon_set(&cluster, daemon, "limits", "transactions = 1");
    cluster_start(&cluster);
    open_client();
    assert_true(wait_until(can_load, NULL, 20000));
    arm(daemon, place);
    if (place->coordinator_prelude) {
        if (!wait_until(has_died, daemon, 30000))
            fail_msg("%s never passes %s", daemon->name, place->point);
        daemon_start(&cluster.coordinator);
    } else {
        work_until_dead(daemon, place->point);
    }
    daemon_start(daemon);
    check(place->point);
    txclient_close(&client);
    cluster_deinit(&cluster);
}

static void test_coordinator_dies_at_every_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof coordinator_places / sizeof coordinator_places[0]; i++)
        at_place(true, &coordinator_places[i]);
}

static void test_participant_dies_at_every_point(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof participant_places / sizeof participant_places[0]; i++)
        at_place(false, &participant_places[i]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest coordinator[] = {
        cmocka_unit_test(test_coordinator_dies_at_every_point)};
    const struct CMUnitTest participant[] = {
        cmocka_unit_test(test_participant_dies_at_every_point)};

    if (argc == 2 && strcmp(argv[1], "coordinator") == 0)
        return cmocka_run_group_tests(coordinator, NULL, NULL);
    if (argc == 2 && strcmp(argv[1], "participant") == 0)
        return cmocka_run_group_tests(participant, NULL, NULL);
    fprintf(stderr, "usage: crash_test coordinator|participant\n");
    return 64;
}
