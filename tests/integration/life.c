#include "tests/integration/life.h"

#include "tests/integration/answered.h"
#include "tests/integration/dump.h"
#include "tests/integration/mutation.h"
#include "tests/integration/work.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIVES         6
#define LONG_LIFE     3
#define WORK          15 /* transactions of the other lives */
#define ACKED         8  /* references that are asked for at the end */
#define KEY_UNDECIDED "k38"
#define KEY_DECIDED   "k39"
#define KEY_MEMBERS   "k40"
#define KEYS          38 /* the others */

static struct daemon *const coordinator = &cluster.coordinator;
static struct daemon *const a = &cluster.participants[0];
static struct daemon *const b = &cluster.participants[1];
static struct daemon *const c = &cluster.participants[2];

/* What was acknowledged: a value per participant and key; "" stands for absent. */
static char known[3][KEYS][24];
static char *acked[ACKED];
static size_t acked_n; /* the next one goes to acked[acked_n % ACKED] */
static char *undecided;

/* ---- work ---- */

/* Commits a put or a delete of one key at the participants of the set. */
static void commit_one(uint64_t *seed, unsigned set)
{
    static unsigned long count;
    unsigned key = (unsigned)mutation_random(seed, KEYS);
    bool deletes = mutation_random(seed, 5) == 0;
    txclient_tx *tx = work_begin(client);
    char name[16], value[24];

    snprintf(name, sizeof name, "k%u", key);
    snprintf(value, sizeof value, "value-%lu", count++);
    for (unsigned p = 0; p < 3; p++) {
        char participant[2] = {(char)('a' + (int)p), '\0'};

        if ((set & (1u << p)) == 0)
            continue;
        if (deletes)
            expect(txclient_delete(tx, AT(participant, name), NULL), TXCLIENT_OK);
        else
            expect(txclient_put(tx, AT(participant, name), txclient_str(value)), TXCLIENT_OK);
        snprintf(known[p][key], sizeof known[p][key], "%s", deletes ? "" : value);
    }
    /* One that finds nothing to delete has no effect and leaves no record to be asked for. */
    if (set == 7 && !deletes) {
        free(acked[acked_n % ACKED]);
        acked[acked_n % ACKED] = strdup(txclient_tx_reference(tx));
        acked_n++;
    }
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

static bool tells_since_snapshot(void *arg)
{
    char text[24];

    if (!work_field(coordinator, "log_since_snapshot", text, sizeof text))
        return false;
    *(unsigned long *)arg = strtoul(text, NULL, 10);
    return true;
}

static unsigned long since_snapshot(void)
{
    unsigned long since = 0;

    assert_true(wait_until(tells_since_snapshot, &since, WORK_MS));
    return since;
}

/* A long life lasts until the coordinator has restated its state and compacted its log, which waits
 * until enough outcomes need not be kept any more. */
static void work_for_a_life(uint64_t *seed, bool is_long)
{
    unsigned long before = 0, since = 0;
    int rounds = 0;

    work_await_all_up(coordinator);
    client = work_client(coordinator);
    do {
        for (int i = 0; i < WORK; i++)
            commit_one(seed, i % 3 == 0 ? 7 : 1 + (unsigned)mutation_random(seed, 7));
        before = since;
        since = since_snapshot();
        assert_true(rounds++ < 1000);
    } while (is_long && since >= before);
    /* The log is compacted once the restatement is durable, as what follows it is. */
    for (int i = 0; is_long && i < WORK; i++)
        commit_one(seed, 1);
    txclient_close(&client);
}

static void end_of(struct daemon *daemon, bool by_kill)
{
    if (by_kill)
        daemon_kill(daemon);
    else
        daemon_stop(daemon);
}

/* ---- the end ---- */

/* Its client gives up while b holds its vote back, with a prepared. */
static void leave_undecided(void)
{
    txclient *own = work_doubting_client(coordinator);
    txclient_tx *tx = work_begin(own);

    expect_of(own, txclient_put(tx, AT("a", KEY_UNDECIDED), txclient_str("never")), TXCLIENT_OK);
    expect_of(own, txclient_put(tx, AT("b", KEY_UNDECIDED), txclient_str("never")), TXCLIENT_OK);
    undecided = strdup(txclient_tx_reference(tx));
    daemon_signal(b, SIGSTOP);
    expect_of(own, txclient_commit(tx), TXCLIENT_UNKNOWN);
    txclient_tx_close(&tx);
    txclient_close(&own);
    work_await_field(a, "prepared", "1");
}

static void decide(const char *key, txclient_commit_mode mode)
{
    const txclient_begin_options options = {.size = sizeof options, .commit_mode = mode};
    txclient_tx *tx = NULL;

    expect(txclient_begin(client, &options, &tx), TXCLIENT_OK);
    expect(txclient_put(tx, AT("a", key), txclient_str("decided")), TXCLIENT_OK);
    expect(txclient_put(tx, AT("c", key), txclient_str("decided")), TXCLIENT_OK);
    expect(txclient_commit(tx), TXCLIENT_OK);
    txclient_tx_close(&tx);
}

/* The last acknowledgements, and at once the end: what the participants heard of the decision waits
 * for company on its way to the disk. The last one is decided by the coordinator: its record keeps
 * how far the votes have shown a's log to be, without which nobody alive would know what a has lost
 * (docs/protocol.md, "What this cannot catch"). */
static void decide_and_die(void)
{
    client = work_client(coordinator);
    decide(KEY_MEMBERS, TXCLIENT_COMMIT_PARTICIPANTS);
    decide(KEY_DECIDED, TXCLIENT_COMMIT_COORDINATOR);
    daemon_signal(coordinator, SIGKILL);
    daemon_signal(a, SIGKILL);
    daemon_kill(coordinator);
    daemon_kill(a);
    daemon_kill(b);
    daemon_kill(c);
    txclient_close(&client);
}

const char *life_sound(const struct daemon *daemon)
{
    static char paths[2][CLUSTER_PATH + 16];
    static int next;
    char *path = paths[next++ % 2];

    snprintf(path, sizeof paths[0], "%s.sound", daemon->data);
    return path;
}

/* The log is compacted early, but not that of a in the last life: how many records there are after
 * a compaction would be chance. Outcomes are kept long enough to be asked for in the last life
 * alone, since they are restated while they are kept. */
static void configure(bool last)
{
    static const char *const early = "snapshot_records = 100\nretain_records = 20";
    struct daemon *daemons[] = {coordinator, a, c};

    for (int i = 0; i < 3; i++) {
        daemons[i]->settings[0] = '\0';
        if (!last || daemons[i] != a)
            daemon_set(&cluster, daemons[i], "storage", early);
    }
    daemon_set(&cluster, coordinator, "timers", "peer_down = 1h\nprepare = 1h");
    if (last) {
        daemon_set(&cluster, a, "storage", "lazy = 1s\nsnapshot_records = 1000000");
        daemon_set(&cluster, c, "storage", "lazy = 1s");
    } else {
        daemon_set(&cluster, coordinator, "timers", "retention = 100ms");
    }
}

static void forget_acked(void)
{
    for (size_t i = 0; i < ACKED; i++) {
        free(acked[i]);
        acked[i] = NULL;
    }
}

static void live_once(uint64_t *seed, int life)
{
    configure(life == LIVES - 1);
    forget_acked();
    cluster_start(&cluster);
    work_for_a_life(seed, life == LONG_LIFE);
    if (life == LIVES - 1)
        return;
    end_of(coordinator, life % 2 == 1);
    for (size_t p = 0; p < cluster.participants_n; p++)
        end_of(&cluster.participants[p], (life + (int)p) % 2 == 1);
}

void life_live(uint64_t *seed)
{
    cluster_init(&cluster, 3, false);
    for (int life = 0; life < LIVES; life++)
        live_once(seed, life);
    leave_undecided();
    decide_and_die();
    directory_copy(coordinator->data, life_sound(coordinator));
    for (size_t p = 0; p < cluster.participants_n; p++)
        directory_copy(cluster.participants[p].data, life_sound(&cluster.participants[p]));
}

static void give_back(struct daemon *daemon)
{
    assert_int_equal(daemon->pid, 0);
    directory_remove(daemon->data);
    directory_copy(life_sound(daemon), daemon->data);
}

void life_restore(void)
{
    give_back(coordinator);
    for (size_t p = 0; p < cluster.participants_n; p++)
        give_back(&cluster.participants[p]);
}

/* ---- what must be ---- */

static void expect_values(const char *participant, size_t p)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_value values[KEYS + 3];

    for (int i = 0; i < KEYS + 3; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%d", i);
        txclient_batch_get(batch, AT(participant, key));
    }
    expect(submit_answered(client, batch, NULL, values), TXCLIENT_OK);
    for (int i = 0; i < KEYS + 3; i++) {
        const char *wanted = i < KEYS ? known[p][i] : i == KEYS || p == 1 ? "" : "decided";

        if (values[i].found != (wanted[0] != '\0') ||
            (values[i].found && (values[i].len != strlen(wanted) ||
                                 memcmp(values[i].data, wanted, values[i].len) != 0)))
            fail_msg("k%d at %s is '%.*s', not '%s'", i, participant, (int)values[i].len,
                     values[i].found ? (const char *)values[i].data : "", wanted);
    }
    txclient_batch_free(&batch);
}

void life_start(void)
{
    if (coordinator->pid == 0)
        daemon_start(coordinator);
    for (size_t p = 0; p < cluster.participants_n; p++)
        if (cluster.participants[p].pid == 0)
            daemon_start(&cluster.participants[p]);
}

void life_expect_all(void)
{
    work_await_all_up(coordinator);
    work_await_quiet();
    client = work_client(coordinator);
    expect_values("a", 0);
    expect_values("b", 1);
    expect_values("c", 2);
    for (size_t i = 0; i < ACKED; i++)
        if (acked[i] != NULL)
            assert_int_equal(work_outcome(client, acked[i]), TXCLIENT_OK);
    assert_int_equal(work_outcome(client, undecided), TXCLIENT_ABORTED);
    work_put_surely(client, "abc", KEY_UNDECIDED, "free again");
    work_await_field(coordinator, "alarms", "0");
    for (size_t p = 0; p < cluster.participants_n; p++)
        work_await_field(&cluster.participants[p], "alarms", "0");
}

void life_end_of_run(void)
{
    txclient_close(&client);
    if (coordinator->pid != 0)
        daemon_kill(coordinator);
    for (size_t p = 0; p < cluster.participants_n; p++)
        if (cluster.participants[p].pid != 0)
            daemon_kill(&cluster.participants[p]);
}
