/* Three participants that settle among themselves what a coordinator has prepared and left, under
 * random loss, delay, copies, crashes and new epochs. The rule: committed from the moment when the
 * PREPARED record of every member is durable, and by nobody before; aborted by nobody after. In the
 * end nothing is in doubt. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

enum { NODES = 3, TXS = 40, NET_MAX = 4000, SEEDS = 120, EVENTS = 2500 };

/* One that is on its way. */
struct letter {
    size_t to;
    struct tx_envelope envelope;
    struct tx_msg msg;
};

struct transfer {
    struct tx_id id;
    struct tx_member members[NODES];
    struct tx_position known[NODES];
    size_t node_of[NODES]; /* of each member */
    size_t members_n;
    char key[2][8];
    struct tx_op ops[2];
    bool ready[NODES]; /* node: its PREPARED is durable, or was */
    bool yes[NODES], no;
};

static struct driver *nodes[NODES];
static uint64_t looked_at[NODES]; /* their logs, up to there */
static struct letter net[NET_MAX];
static size_t net_n;
static struct transfer txs[TXS + 1]; /* by sequence */
static size_t txs_n;
static uint64_t epoch;
static size_t slow_disk;    /* of that node, if there is one of that number */
static uint64_t crash_rate; /* in a thousand events */
static size_t committed, aborted, by_members, crashes;

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (random_state * UINT64_C(2685821657736338717) >> 33) % n;
}

/* ---- the rule ---- */

static bool is_ready(const struct transfer *tx)
{
    for (size_t i = 0; i < tx->members_n; i++) {
        if (!tx->ready[tx->node_of[i]])
            return false;
    }
    return true;
}

static void look_at_record(size_t node, const struct txlog_record *record)
{
    struct tx_id id = txlog_record_tx(record);
    if (id.seq < 1 || id.seq > txs_n)
        return;
    struct transfer *tx = &txs[id.seq];
    if (record->type == TXLOG_PREPARED && record->lsn.n <= nodes[node]->durable)
        tx->ready[node] = true;
    if (record->type == TXLOG_COMMITTED)
        assert_true(is_ready(tx));
    if (record->type == TXLOG_ABORTED)
        assert_false(is_ready(tx));
}

/* Of the new records; those that are not durable yet are looked at again. */
static void look_at_logs(void)
{
    for (size_t node = 0; node < NODES; node++) {
        struct tx_arena arena = {0};
        for (uint64_t lsn = looked_at[node] + 1; lsn <= nodes[node]->durable; lsn++) {
            struct txlog_record record;
            driver_decode(nodes[node], lsn, &arena, &record);
            if (record.type == TXLOG_PREPARED)
                look_at_record(node, &record);
        }
        tx_arena_deinit(&arena);
    }
    for (size_t node = 0; node < NODES; node++) {
        struct tx_arena arena = {0};
        for (uint64_t lsn = looked_at[node] + 1; lsn <= nodes[node]->log_n; lsn++) {
            struct txlog_record record;
            driver_decode(nodes[node], lsn, &arena, &record);
            look_at_record(node, &record);
        }
        looked_at[node] = nodes[node]->durable;
        tx_arena_deinit(&arena);
    }
}

/* ---- the network ---- */

static void post(size_t to, const struct tx_envelope *envelope, const struct tx_msg *msg)
{
    if (net_n < NET_MAX)
        net[net_n++] = (struct letter){to, *envelope, *msg};
}

static struct tx_envelope from_coordinator(void)
{
    struct tx_envelope envelope = driver_envelope(nodes[0], DRIVER_COORDINATOR, epoch);
    envelope.life = 20 + epoch;
    return envelope;
}

static void heard_by_coordinator(size_t from, const struct tx_msg *msg)
{
    if (msg->type != TX_MSG_VOTE || msg->vote.id.epoch != epoch)
        return;
    struct transfer *tx = &txs[msg->vote.id.seq];
    if (msg->vote.vote == TX_VOTE_NO)
        tx->no = true;
    else
        tx->yes[from] = true;
}

/* What a node has sent goes to the others, or to the coordinator, which hears most of it. */
static void collect(size_t from)
{
    struct driver *d = nodes[from];
    for (size_t i = 0; i < d->sent_n; i++) {
        const struct driver_sent *sent = &d->sent[i];
        struct tx_envelope envelope = {.role = TX_ROLE_PARTICIPANT,
                                       .name = d->options.name,
                                       .start = d->options.incarnation,
                                       .life = d->options.life};
        (void)snprintf(envelope.address.s, sizeof envelope.address.s, "%zu", from);
        size_t to = (size_t)(sent->to.address.s[0] - '0');
        if (sent->msg.type != TX_MSG_INQUIRE && sent->msg.type != TX_MSG_STATE)
            heard_by_coordinator(from, &sent->msg);
        else if (to < NODES)
            post(to, &envelope, &sent->msg);
    }
    expect_alarms(d, 0);
    driver_clear(d);
}

static void deliver(size_t at)
{
    struct letter letter = net[at];
    net[at] = net[--net_n];
    driver_from(nodes[letter.to], &letter.envelope, &letter.msg);
    collect(letter.to);
}

/* ---- what happens ---- */

static void post_prepare(const struct transfer *tx, size_t member)
{
    struct tx_envelope envelope = from_coordinator();
    struct tx_msg msg = {.type = TX_MSG_PREPARE,
                         .prepare = {.id = tx->id,
                                     .age = {100 + tx->id.seq, 1},
                                     .one_shot = true,
                                     .members = tx->members,
                                     .members_n = tx->members_n,
                                     .known = tx->known,
                                     .ops = tx->ops,
                                     .ops_n = 2,
                                     .members_decide = true}};
    post(tx->node_of[member], &envelope, &msg);
}

static void begin(void)
{
    if (txs_n == TXS)
        return;
    struct transfer *tx = &txs[++txs_n];
    *tx = (struct transfer){.id = {DRIVER_COORDINATOR, epoch, txs_n}};
    size_t left_out = random_below(2 * NODES);
    for (size_t node = 0; node < NODES; node++) {
        if (node == left_out)
            continue;
        const struct driver *d = nodes[node];
        size_t i = tx->members_n++;
        tx->node_of[i] = node;
        tx->members[i].name = d->options.name;
        tx->members[i].incarnation = d->options.incarnation;
        (void)snprintf(tx->members[i].address.s, sizeof tx->members[i].address.s, "%zu", node);
        tx->known[i] = (struct tx_position){d->options.incarnation, d->options.life, {d->durable}};
    }
    (void)snprintf(tx->key[0], sizeof tx->key[0], "t%zu", txs_n);
    (void)snprintf(tx->key[1], sizeof tx->key[1], "k%u", (unsigned)random_below(6));
    for (size_t i = 0; i < 2; i++)
        tx->ops[i] = driver_op(TX_OP_PUT, tx->key[i], "v");
    for (size_t i = 0; i < tx->members_n; i++) {
        if (random_below(8) != 0)
            post_prepare(tx, i);
    }
}

/* The coordinator tells what it knows, now and then. */
static void tell(const struct transfer *tx)
{
    struct tx_envelope envelope = from_coordinator();
    size_t yes = 0;
    if (tx->id.epoch != epoch)
        return;
    for (size_t i = 0; i < tx->members_n; i++)
        yes += tx->yes[tx->node_of[i]];
    for (size_t i = 0; i < tx->members_n; i++) {
        struct tx_msg msg = {.type = TX_MSG_WAIT, .id = {tx->id}};
        if (tx->no)
            msg = (struct tx_msg){.type = TX_MSG_ABORT, .abort = {tx->id, TX_REASON_CLIENT, true}};
        else if (yes == tx->members_n)
            msg = (struct tx_msg){.type = TX_MSG_COMMIT, .commit = {tx->id, {0}, 1}};
        post(tx->node_of[i], &envelope, &msg);
    }
}

static void hello(size_t node)
{
    driver_hello(nodes[node], epoch, 20 + epoch);
    collect(node);
}

static void crash(size_t node)
{
    struct driver *d = nodes[node];
    by_members += driver_stats(d).found_out;
    driver_restart(d, d->durable + random_below(d->log_n - d->durable + 1));
    crashes++;
    collect(node);
}

static void sync_some(size_t node)
{
    struct driver *d = nodes[node];
    if (node == slow_disk && random_below(40) != 0)
        return;
    if (d->durable < d->log_n)
        driver_sync_to(d, d->durable + 1 + random_below(d->log_n - d->durable));
    collect(node);
}

static void pass(uint64_t us)
{
    for (size_t node = 0; node < NODES; node++) {
        driver_advance(nodes[node], us);
        collect(node);
    }
}

static void random_event(void)
{
    uint64_t what = random_below(1000);
    size_t node = random_below(NODES);
    if (what < 60)
        begin();
    else if (what < 500 && net_n > 0) {
        size_t at = random_below(net_n);
        struct letter copy = net[at];
        if (random_below(10) == 0)
            net[at] = net[--net_n];
        else
            deliver(at);
        if (random_below(10) == 0)
            post(copy.to, &copy.envelope, &copy.msg);
    } else if (what < 750)
        sync_some(node);
    else if (what < 880)
        pass(random_below(300000));
    else if (what < 880 + crash_rate)
        crash(node);
    else if (what < 940 && txs_n > 0) {
        const struct transfer *tx = &txs[1 + random_below(txs_n)];
        if (tx->id.epoch == epoch)
            post_prepare(tx, random_below(tx->members_n));
    } else if (what < 960 && txs_n > 0)
        tell(&txs[1 + random_below(txs_n)]);
    else if (what < 990)
        hello(node);
    else if (what == 990)
        epoch++;
    look_at_logs();
}

/* ---- the end ---- */

static void heal(void)
{
    for (unsigned round = 0; round < 40; round++) {
        for (size_t node = 0; node < NODES; node++) {
            hello(node);
            driver_sync(nodes[node]);
            collect(node);
        }
        for (size_t n = net_n; n > 0; n--)
            deliver(0);
        pass(1000000);
        look_at_logs();
    }
}

static void all_settled(void)
{
    for (size_t node = 0; node < NODES; node++) {
        struct part_stats stats = driver_stats(nodes[node]);
        assert_int_equal(stats.working + stats.preparing + stats.prepared, 0);
        driver_hello(nodes[node], epoch, 20 + epoch);
        assert_int_equal(driver_last(nodes[node], TX_MSG_WELCOME)->welcome.unsettled, 0);
        driver_clear(nodes[node]);
    }
    for (size_t seq = 1; seq <= txs_n; seq++) {
        const struct transfer *tx = &txs[seq];
        bool ready = is_ready(tx);
        for (size_t i = 0; i < tx->members_n; i++) {
            struct driver *d = nodes[tx->node_of[i]];
            assert_int_equal(driver_value(d, tx->key[0]) != NULL, ready);
            assert_int_equal(strcmp(part_core_state_name(d->core, tx->id), "committed") == 0,
                             ready);
        }
        committed += ready;
        aborted += !ready;
    }
}

static void run(uint64_t seed)
{
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    net_n = txs_n = 0;
    crash_rate = seed % 5 * 4;
    slow_disk = seed % (NODES + 1);
    epoch = 2;
    for (size_t node = 0; node < NODES; node++) {
        struct part_options options = driver_options();
        (void)snprintf(options.name.s, sizeof options.name.s, "%c", (char)('a' + node));
        options.snapshot_records = seed % 2 == 0 ? 40 : 0;
        options.lock_timeout_us = 700000;
        nodes[node] = driver_new(&options);
        looked_at[node] = 0;
        hello(node);
        driver_sync(nodes[node]);
        collect(node);
    }
    for (unsigned i = 0; i < EVENTS; i++)
        random_event();
    heal();
    all_settled();
    for (size_t node = 0; node < NODES; node++) {
        by_members += driver_stats(nodes[node]).found_out;
        driver_free(nodes[node]);
    }
}

static void test_members_settle_everything(void **unused)
{
    (void)unused;
    const char *one = getenv("ASSENT_TEST_SEED");
    uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
    uint64_t last = one != NULL ? first : SEEDS;
    for (uint64_t seed = first; seed <= last; seed++) {
        print_message("ASSENT_TEST_SEED=%u\n", (unsigned)seed);
        run(seed);
    }
    print_message("%u committed, %u times found out by members; %u aborted; %u crashes\n",
                  (unsigned)committed, (unsigned)by_members, (unsigned)aborted, (unsigned)crashes);
    /* Or nothing was tested. */
    if (one == NULL)
        assert_true(committed > 3 * SEEDS && by_members > 3 * SEEDS && aborted > 3 * SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_members_settle_everything)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
