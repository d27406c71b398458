/* Every named crash point of both daemons: the daemon dies there as by kill -9, comes back, and
 * then every transaction that was told to be committed is on both sides, every one told to be
 * aborted is on neither, the rest is on both or on neither, the sum of the balances is what it was,
 * and no lock or transaction in doubt is left.
 *
 * usage: crash_test coordinator|participant */
#include "client/txclient.h"
#include "tests/integration/answered.h"
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
#define TRIES_MAX  6 /* of a place, see arm() */
#define WAIT_MS    60000
#define BALANCE    1000 /* of each account at the start */

/* Who decides in the run of a place: what is logged and sent, and when, is not the same. Each kind
 * of place that has to do with that is passed in both modes, all others with the default. */
enum { COORDINATOR = 1, MEMBERS = 2, BOTH = 3 };

/* What must have happened to the cluster for a place to be passed: somebody else loses its life
 * first, so that somebody is left in doubt. */
enum prelude {
    NONE,
    OWN,       /* the daemon itself dies at `at`, before it is armed */
    LOST,      /* the coordinator dies at `at`, and stays away until the place is passed */
    HELD_BACK, /* the first participant stands still meanwhile: its vote does not come */
};

/* The daemon is armed at its start. */
struct place {
    const char *point;
    int modes;
    enum prelude prelude;
    const char *at; /* of the prelude */
};

static const struct place coordinator_places[] = {
    {"log:START:before", MEMBERS, NONE, NULL},
    {"log:START:after", MEMBERS, NONE, NULL},
    {"log:COMMIT:before", BOTH, NONE, NULL},
    {"log:COMMIT:after", BOTH, NONE, NULL},
    {"log:COMMIT:before:3", COORDINATOR, NONE, NULL},
    {"log:COMMIT:after:3", BOTH, NONE, NULL},
    {"log:END:before", BOTH, NONE, NULL},
    {"log:END:after", MEMBERS, NONE, NULL},
    {"log:OUTCOME:before", MEMBERS, NONE, NULL},
    {"log:OUTCOME:after", MEMBERS, NONE, NULL},
    {"log:SNAPSHOT_BEGIN:before", MEMBERS, NONE, NULL},
    {"log:SNAPSHOT_BEGIN:after", MEMBERS, NONE, NULL},
    {"log:SNAPSHOT_END:before", MEMBERS, NONE, NULL},
    {"log:SNAPSHOT_END:after", MEMBERS, NONE, NULL},
    {"log:PEER:before", MEMBERS, NONE, NULL},
    {"log:PEER:after", MEMBERS, NONE, NULL},
    {"send:HELLO:before", MEMBERS, NONE, NULL},
    {"send:HELLO:after", MEMBERS, NONE, NULL},
    {"send:BEGUN:before", MEMBERS, NONE, NULL},
    {"send:BEGUN:after", MEMBERS, NONE, NULL},
    {"send:PREPARE:before", MEMBERS, NONE, NULL},
    {"send:PREPARE:after", BOTH, NONE, NULL},
    {"send:PREPARE:before:3", MEMBERS, NONE, NULL},
    {"send:PREPARE:after:3", MEMBERS, NONE, NULL},
    {"send:COMMIT:before", BOTH, NONE, NULL},
    {"send:COMMIT:after", MEMBERS, NONE, NULL},
    {"send:COMMIT:before:2", MEMBERS, NONE, NULL},
    {"send:COMMIT:after:2", BOTH, NONE, NULL},
    {"send:ABORT:before", MEMBERS, NONE, NULL},
    {"send:ABORT:after", BOTH, NONE, NULL},
    {"send:OUTCOME:before", BOTH, NONE, NULL},
    {"send:OUTCOME:after", BOTH, NONE, NULL},
    {"send:FORGET:before", MEMBERS, NONE, NULL},
    {"send:FORGET:after", MEMBERS, NONE, NULL},
    {"send:STATUS:before", MEMBERS, NONE, NULL},
    {"send:STATUS:after", MEMBERS, NONE, NULL},
    {"send:ERROR:before", MEMBERS, NONE, NULL},
    {"send:ERROR:after", MEMBERS, NONE, NULL},
    /* While it drives home what an earlier start has decided, or has found to be committed. */
    {"send:COMMIT:before", MEMBERS, OWN, "log:COMMIT:after"},
    {"send:COMMIT:after", BOTH, OWN, "log:COMMIT:after"},
    {"log:END:before", BOTH, OWN, "log:COMMIT:after"},
    {"log:END:after", MEMBERS, OWN, "log:COMMIT:after"},
    /* While it answers those whom an earlier start has left in doubt. */
    {"send:ABORT:before", COORDINATOR, OWN, "log:COMMIT:before"},
    {"send:ABORT:after", COORDINATOR, OWN, "log:COMMIT:before"},
    /* While it prevents: it may not abort alone, and asks. */
    {"send:INQUIRE:before", MEMBERS, HELD_BACK, NULL},
    {"send:INQUIRE:after", MEMBERS, HELD_BACK, NULL},
    {"send:INQUIRE:after:2", MEMBERS, HELD_BACK, NULL},
};

static const struct place participant_places[] = {
    {"log:START:before", MEMBERS, NONE, NULL},
    {"log:START:after", MEMBERS, NONE, NULL},
    {"log:PREPARED:before", BOTH, NONE, NULL},
    {"log:PREPARED:after", BOTH, NONE, NULL},
    {"log:PREPARED:before:3", MEMBERS, NONE, NULL},
    {"log:PREPARED:after:3", MEMBERS, NONE, NULL},
    {"log:COMMITTED:before", BOTH, NONE, NULL},
    {"log:COMMITTED:after", BOTH, NONE, NULL},
    {"log:COMMITTED:before:4", MEMBERS, NONE, NULL},
    {"log:COMMITTED:after:4", MEMBERS, NONE, NULL},
    {"log:ABORTED:before", MEMBERS, NONE, NULL},
    {"log:ABORTED:after", BOTH, NONE, NULL},
    {"log:FORGET:before", MEMBERS, NONE, NULL},
    {"log:FORGET:after", MEMBERS, NONE, NULL},
    {"log:SNAPSHOT_BEGIN:before", MEMBERS, NONE, NULL},
    {"log:SNAPSHOT_BEGIN:after", MEMBERS, NONE, NULL},
    {"log:SNAPSHOT_END:before", MEMBERS, NONE, NULL},
    {"log:SNAPSHOT_END:after", MEMBERS, NONE, NULL},
    {"send:WELCOME:before", MEMBERS, NONE, NULL},
    {"send:WELCOME:after", MEMBERS, NONE, NULL},
    {"send:JOIN:before", MEMBERS, NONE, NULL},
    {"send:JOIN:after", MEMBERS, NONE, NULL},
    {"send:OPERATED:before", MEMBERS, NONE, NULL},
    {"send:OPERATED:after", MEMBERS, NONE, NULL},
    {"send:VOTE:before", BOTH, NONE, NULL},
    {"send:VOTE:after", BOTH, NONE, NULL},
    {"send:VOTE:before:3", MEMBERS, NONE, NULL},
    {"send:VOTE:after:3", MEMBERS, NONE, NULL},
    {"send:ACK:before", MEMBERS, NONE, NULL},
    {"send:ACK:after", BOTH, NONE, NULL},
    {"send:STATUS:before", MEMBERS, NONE, NULL},
    {"send:STATUS:after", MEMBERS, NONE, NULL},
    {"send:ERROR:before", MEMBERS, NONE, NULL},
    {"send:ERROR:after", MEMBERS, NONE, NULL},
    /* During the recovery of a transaction in doubt. */
    {"log:EPOCH:before", MEMBERS, LOST, "send:HELLO:after"},
    {"log:EPOCH:after", MEMBERS, LOST, "send:HELLO:after"},
    {"send:INQUIRE:before", BOTH, OWN, "log:PREPARED:after"},
    {"send:INQUIRE:after", BOTH, OWN, "log:PREPARED:after"},
    {"log:COMMITTED:before", MEMBERS, OWN, "send:VOTE:after:2"},
    {"log:COMMITTED:after", BOTH, OWN, "send:VOTE:after:2"},
    /* Asked by the other participant, while the coordinator is away. */
    {"send:STATE:before", COORDINATOR, LOST, "log:COMMIT:before"},
    {"send:STATE:after", COORDINATOR, LOST, "log:COMMIT:before"},
    {"send:STATE:before", MEMBERS, LOST, "send:COMMIT:before"},
    {"send:STATE:after", MEMBERS, LOST, "send:COMMIT:before"},
    /* It asks the other one, and commits what nobody has told it. */
    {"send:INQUIRE:after:2", MEMBERS, LOST, "send:COMMIT:before"},
    {"log:COMMITTED:before", MEMBERS, LOST, "send:COMMIT:before"},
    {"log:COMMITTED:after", MEMBERS, LOST, "send:COMMIT:before"},
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
        status = submit_answered(client, batch, NULL, values);
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

    if (!wait_until(quiet, NULL, WAIT_MS))
        fail_msg("%s: something is still open, in doubt or locked", point);
    assert_true(wait_until(can_read, &records, WAIT_MS));
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

/* With a number of its own each time: nobody knows what became of one that was not answered. */
static bool can_commit(void *arg)
{
    (void)arg;
    return one_shot(rounds++) == TXCLIENT_OK;
}

static bool tells_mode(void *arg)
{
    bool known;

    *(uint64_t *)arg = field(cluster.coordinator.address, "committed_by_members_total", &known);
    return known;
}

/* Was the run one of this mode? */
static void check_mode(int mode)
{
    uint64_t by_members = 0;

    assert_true(wait_until(can_commit, NULL, WAIT_MS));
    assert_true(wait_until(tells_mode, &by_members, WAIT_MS));
    assert_int_equal(by_members > 0, mode == MEMBERS);
}

/* What was put by an attempt with an unknown outcome may be put again. */
static bool can_load(void *arg)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_status status;

    (void)arg;
    txclient_batch_put(batch, txclient_at("a", "account", "x"), txclient_str("1000"));
    txclient_batch_put(batch, txclient_at("b", "account", "x"), txclient_str("1000"));
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

/* Works until the coordinator has died at its place; false when `daemon` has died before. */
static bool lose_coordinator(const struct daemon *daemon, const char *point)
{
    int first = rounds;

    while (!is_dead(&cluster.coordinator)) {
        if (is_dead(daemon))
            return false;
        if (rounds - first >= 40)
            fail_msg("%s never passes %s", cluster.coordinator.name, point);
        if (serves(&cluster.coordinator))
            round_of_work(&cluster.coordinator);
    }
    return ended_by_itself(&cluster.coordinator);
}

/* Leaves `daemon` armed and running, after the cluster went through the prelude of the place. Not
 * when it has died too early: a participant asks for an outcome after timers.inquiry, and on a busy
 * machine that may be before the coordinator has come as far as it should. */
static bool arm(struct daemon *daemon, const struct place *place)
{
    daemon_stop(daemon);
    if (place->prelude == OWN) {
        daemon_spawn(daemon, place->at);
        work_until_dead(daemon, place->at);
    }
    daemon_spawn(daemon, place->point);
    if (place->prelude == LOST) {
        assert_true(daemon_says(daemon, "msg=serving", WAIT_MS));
        daemon_stop(&cluster.coordinator);
        daemon_spawn(&cluster.coordinator, place->at);
        return lose_coordinator(daemon, place->at);
    }
    return true;
}

/* Transactions of which one vote does not come: that participant stands still until the coordinator
 * has died. More than one only when the first did not reach it within the client's short times. */
static void work_with_one_held_back(struct daemon *coordinator, const char *point)
{
    assert_true(daemon_says(coordinator, "msg=serving", WAIT_MS));
    cluster_await_up(&cluster);
    daemon_signal(&cluster.participants[0], SIGSTOP);
    for (int last = rounds + 40; rounds < last;) {
        told[rounds] = one_shot(rounds);
        for (int i = 1; i < 4; i++) /* of a round of work, the other steps are left out */
            told[rounds + i] = TXCLIENT_ABORTED;
        rounds += 4;
        if (wait_until(has_died, coordinator, 2000))
            break;
    }
    if (coordinator->pid != 0)
        fail_msg("%s never passes %s", coordinator->name, point);
    daemon_signal(&cluster.participants[0], SIGCONT);
}

static void configure(struct daemon *daemon, const struct place *place, int mode, int tries)
{
    bool coordinator = daemon == &cluster.coordinator;
    char line[32];

    snprintf(line, sizeof line, "inquiry = %dms", 200 << tries);
    for (size_t i = 0; i < 2; i++)
        daemon_set(&cluster, &cluster.participants[i], "timers", line);

    daemon_set(&cluster, &cluster.coordinator, "node",
               mode == MEMBERS ? "commit_mode = participants" : "commit_mode = coordinator");
    daemon_set(&cluster, daemon, "storage", "snapshot_records = 100\nretain_records = 50");
    if (place->prelude == HELD_BACK)
        daemon_set(&cluster, daemon, "timers", "prepare = 300ms");
    /* Outcomes that are kept hold a snapshot back; for those places they go early. */
    if (coordinator && (strstr(place->point, "SNAPSHOT") || strstr(place->point, "PEER")))
        daemon_set(&cluster, daemon, "limits", "retained = 100");
    if (!coordinator && strstr(place->point, "ERROR"))
        daemon_set(&cluster, daemon, "limits", "transactions = 1");
}

static bool try_place(bool coordinator, const struct place *place, int mode, int tries)
{
    struct daemon *daemon = coordinator ? &cluster.coordinator : &cluster.participants[0];
    bool armed;

    printf("%s %s%s%s, decided by %s\n", coordinator ? "coordinator" : "participant", place->point,
           place->at != NULL ? " after " : "", place->at != NULL ? place->at : "",
           mode == MEMBERS ? "the members" : "the coordinator");
    fflush(stdout);
    rounds = 0;
    cluster_init(&cluster, 2, false);
    configure(daemon, place, mode, tries);
    cluster_start(&cluster);
    open_client();
    assert_true(wait_until(can_load, NULL, WAIT_MS));
    armed = arm(daemon, place);
    if (!armed) {
        printf("%s has died too early\n", daemon->name);
    } else if (place->prelude == HELD_BACK) {
        work_with_one_held_back(daemon, place->point);
    } else if (place->prelude == LOST) {
        if (!wait_until(has_died, daemon, WAIT_MS))
            fail_msg("%s never passes %s", daemon->name, place->point);
        daemon_start(&cluster.coordinator);
    } else {
        work_until_dead(daemon, place->point);
    }
    if (armed) {
        daemon_start(daemon);
        check(place->point);
        check_mode(mode);
    }
    txclient_close(&client);
    cluster_deinit(&cluster);
    return armed;
}

static void at_place(bool coordinator, const struct place *place, int mode)
{
    int tries = 0;

    while (!try_place(coordinator, place, mode, tries))
        if (++tries == TRIES_MAX)
            fail_msg("%s always passes %s before %s", coordinator ? "coordinator" : "participant",
                     place->point, place->at);
}

static void at_places(bool coordinator, const struct place *places, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int mode = COORDINATOR; mode <= MEMBERS; mode++)
            if ((places[i].modes & mode) != 0)
                at_place(coordinator, &places[i], mode);
}

static void test_coordinator_dies_at_every_point(void **state)
{
    (void)state;
    at_places(true, coordinator_places, sizeof coordinator_places / sizeof coordinator_places[0]);
}

static void test_participant_dies_at_every_point(void **state)
{
    (void)state;
    at_places(false, participant_places, sizeof participant_places / sizeof participant_places[0]);
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
