/* Hostile messages at random, with a slow store, crashes at random points of the log, and every
 * invariant checked after each step. Nothing that a peer sends may stop the core, and no log that
 * it has written may be called corrupt. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

#define STEPS 100000u

/* xorshift64*: the same sequence everywhere. */
static uint64_t random_state;
static uint64_t seq_base; /* the transactions of today begin here */
static uint64_t epoch_now;
static uint64_t found_out, begun, committed, aborted, scans; /* in all incarnations */

static uint64_t random_below(uint64_t n)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (random_state * UINT64_C(2685821657736338717) >> 33) % n;
}

static struct tx_id random_id(void)
{
    uint64_t odd = random_below(200);
    struct tx_id id = {(uint32_t)(1 + random_below(2)), epoch_now, seq_base + random_below(10)};
    if (random_below(20) == 0)
        id.epoch = 1 + random_below(epoch_now + 1);
    if (odd == 0)
        id.seq = 0;
    if (odd == 1)
        id.seq = UINT64_MAX;
    if (odd == 2)
        id.coordinator = 70000;
    if (odd == 3)
        id.epoch = UINT64_MAX;
    return id;
}

static char keys[8][8] = {"k0", "k1", "k2", "k3", "k4", "k5", "bad6", "k7"};

static struct tx_op random_op(void)
{
    const enum tx_op_type types[] = {TX_OP_GET,    TX_OP_PUT, TX_OP_PUT,  TX_OP_GET_FOR_UPDATE,
                                     TX_OP_INSERT, TX_OP_ADD, TX_OP_LOCK, TX_OP_CHECK,
                                     TX_OP_DELETE};
    struct tx_op op = driver_op(types[random_below(random_below(10) == 0 ? 9 : 7)],
                                keys[random_below(random_below(30) == 0 ? 8 : 6)], "value");
    if (op.type == TX_OP_LOCK) {
        const enum tx_lock_mode modes[] = {TX_LOCK_S, TX_LOCK_U, TX_LOCK_X};
        op.mode = modes[random_below(3)];
        if (random_below(10) == 0) {
            op.mode = (enum tx_lock_mode)random_below(TX_LOCK_MODES_N);
            op.key = tx_bytes(NULL, 0);
        }
    }
    return op;
}

/* Now and then one that nobody may ask for. */
static struct tx_op random_scan(void)
{
    bool odd = random_below(30) == 0;
    uint64_t from = random_below(6);
    uint64_t to = odd ? random_below(8) : from + 1 + random_below(6 - from);
    return driver_scan_op(
        random_below(3) == 0 ? "" : keys[from], random_below(2) == 0 ? "" : keys[to],
        (uint32_t)(odd ? random_below(2) : 1 + random_below(5)), random_below(2) == 0);
}

/* The same for all steps of a transaction, but for a few. */
static enum tx_isolation isolation_of(struct tx_id id)
{
    return (enum tx_isolation)((id.seq + (random_below(30) == 0)) % TX_ISOLATIONS_N);
}

static struct tx_op ops[4];
static struct tx_member members[4];
static struct tx_position known[4];
static uint64_t open_ids[4];

static void random_prepare(const struct driver *d, struct tx_msg_prepare *prepare)
{
    const char *const names[] = {"a", "b", "c", "d"};
    size_t first = random_below(30) == 0 ? 1 : 0;
    size_t n = random_below(30) == 0 ? 0 : 1 + random_below(3);
    for (size_t i = 0; i < 4; i++) {
        members[i] = (struct tx_member){.incarnation = 1, .read_only = random_below(4) == 0};
        (void)snprintf(members[i].name.s, sizeof members[i].name.s, "%s", names[i]);
        (void)snprintf(members[i].address.s, sizeof members[i].address.s, "participant-%s",
                       names[i]);
    }
    for (size_t i = 0; i < 4; i++)
        known[i] = (struct tx_position){random_below(3), random_below(2), {random_below(100)}};
    members[0].incarnation = d->options.incarnation - (random_below(10) == 0);
    *prepare = (struct tx_msg_prepare){.id = random_id(),
                                       .age = {1 + random_below(50), 1},
                                       .one_shot = random_below(2) == 0,
                                       .one_phase = random_below(3) == 0,
                                       .members = members + first,
                                       .members_n = n,
                                       .known = known + first,
                                       .ops = ops,
                                       .ops_n = random_below(4)};
    prepare->isolation = isolation_of(prepare->id);
    prepare->members_decide = prepare->id.seq % 2 == 0;
    for (size_t i = 0; prepare->members_decide && random_below(10) != 0 && i < 4; i++)
        members[i].read_only = false;
    prepare->results_max = random_below(4) == 0 ? random_below(100) : 0;
    prepare->token.bytes[0] = random_below(20) == 0;
    if (prepare->one_phase && random_below(30) != 0) {
        prepare->members_n = 1;
        prepare->members_decide = random_below(30) == 0;
    }
    if (!prepare->one_shot && random_below(30) != 0)
        prepare->ops_n = 0;
}

static struct tx_position starts[2];

/* Of the epoch that the envelope claims; of another one now and then. */
static void random_hello(struct tx_msg_hello *hello)
{
    epoch_now += random_below(400) == 0;
    uint64_t now = epoch_now + (random_below(20) == 0);
    size_t first = now == 1 || random_below(2) == 0;
    starts[0] = (struct tx_position){now - 1, 7 + (random_below(20) == 0), {100 * (now - 1)}};
    starts[1] = (struct tx_position){now, 7 + (random_below(20) == 0), {100 * now}};
    *hello = (struct tx_msg_hello){.lsn = {100 * now + random_below(100)},
                                   .age_counter = 1,
                                   .starts = starts + first,
                                   .starts_n = random_below(100) == 0 ? 0 : 2 - first};
}

static void random_forget(struct tx_msg_forget *forget)
{
    uint64_t at = seq_base > 20 ? seq_base - 20 : 0;
    size_t n = random_below(4);
    for (size_t i = 0; i < n; i++)
        open_ids[i] = at += 1 + random_below(4);
    forget->epoch = epoch_now - (random_below(4) == 0);
    forget->below = random_below(1000) == 0 ? UINT64_MAX : seq_base + random_below(4);
    forget->open = open_ids;
    forget->open_n = n;
}

static void random_locks_request(const struct driver *d, struct tx_msg_locks_request *request)
{
    static const char *const names[] = {"", "s", "t", "k1", "k2", "k7"};
    *request = (struct tx_msg_locks_request){
        .waiting = random_below(3) == 0,
        .limit = (uint32_t)random_below(4),
        .tx = random_below(4) == 0 ? random_id() : (struct tx_id){0},
        .space = tx_bytes_str(names[random_below(3)]),
    };
    if (random_below(2) == 0)
        return;
    request->from = (struct tx_locks_place){
        .incarnation = d->options.incarnation - (random_below(10) == 0),
        .serial = random_below(100),
        .passed = random_below(10) == 0 ? UINT64_MAX : random_below(5),
        .skip = random_below(10) == 0 ? UINT64_MAX : random_below(3),
        .range = random_below(4) == 0,
        .space = tx_bytes_str(names[random_below(3)]),
        .key = tx_bytes_str(names[random_below(6)]),
        .to = tx_bytes_str(names[random_below(6)]),
    };
}

static struct tx_msg random_msg(const struct driver *d)
{
    struct tx_msg msg = {.type = (enum tx_msg_type)random_below(TX_MSG_TYPES_N)};
    const enum tx_msg_type often[] = {
        TX_MSG_OPERATE, TX_MSG_OPERATE, TX_MSG_OPERATE, TX_MSG_PREPARE, TX_MSG_PREPARE,
        TX_MSG_PREPARE, TX_MSG_COMMIT,  TX_MSG_HELLO,   TX_MSG_STATE,   TX_MSG_STATE};
    if (random_below(3) != 0)
        msg.type = often[random_below(10)];
    struct tx_id id = random_id();
    if (msg.type == TX_MSG_OPERATE) {
        msg.operate =
            (struct tx_msg_operate){.req = random_below(100),
                                    .id = id,
                                    .age = {(random_below(50) != 0) * (1 + random_below(50)), 1},
                                    .step = (uint32_t)(random_below(3) == 0 ? random_below(4) : 1),
                                    .lock_timeout_ms = (uint32_t)random_below(500),
                                    .ops = ops,
                                    .ops_n = random_below(4)};
        msg.operate.isolation = isolation_of(id);
        msg.operate.token.bytes[0] = random_below(20) == 0;
    } else if (msg.type == TX_MSG_PREPARE) {
        random_prepare(d, &msg.prepare);
    } else if (msg.type == TX_MSG_FORGET) {
        random_forget(&msg.forget);
    } else if (msg.type == TX_MSG_HELLO) {
        random_hello(&msg.hello);
    } else if (msg.type == TX_MSG_COMMIT) {
        msg.commit = (struct tx_msg_commit){.id = id, .lsn = {100 * epoch_now + random_below(100)}};
    } else if (msg.type == TX_MSG_STATE) {
        msg.state = (struct tx_msg_state){.id = id,
                                          .state = (enum tx_state)random_below(TX_STATE_LOST),
                                          .incarnation = random_below(20) != 0,
                                          .heuristic = random_below(10) == 0};
        msg.state.members_decide = (id.seq + (random_below(20) == 0)) % 2 == 0;
        if (random_below(30) == 0)
            msg.state.state = TX_STATE_LOST;
    } else if (msg.type == TX_MSG_INQUIRE) {
        msg.inquire = (struct tx_msg_inquire){.id = id, .in_doubt = random_below(2) == 0};
        msg.inquire.members_decide = id.seq % 2 == 0;
        if (random_below(20) == 0) /* what an old copy is told */
            msg.inquire.known = (struct tx_position){1 + random_below(3), 9, {random_below(100)}};
    } else if (msg.type == TX_MSG_ABORT) {
        msg.abort =
            (struct tx_msg_abort){.id = id, .reason = (enum tx_reason)random_below(TX_REASONS_N)};
    } else if (msg.type == TX_MSG_RESOLVE) {
        msg.resolve = (struct tx_msg_resolve){.id = id, .commit = random_below(2) == 0};
    } else if (msg.type == TX_MSG_PUT_ASIDE) {
        msg.put_aside = (struct tx_msg_put_aside){.id = id, .force = random_below(2) == 0};
    } else if (msg.type == TX_MSG_TXS_REQUEST) {
        msg.txs_request = (struct tx_msg_txs_request){.in_doubt = random_below(2) == 0,
                                                      .limit = (uint32_t)random_below(4)};
    } else if (msg.type == TX_MSG_ALARMS_REQUEST) {
        msg.alarms_request = (struct tx_msg_alarms_request){.limit = (uint32_t)random_below(4)};
    } else if (msg.type == TX_MSG_LOCKS_REQUEST) {
        random_locks_request(d, &msg.locks_request);
    } else if (msg.type == TX_MSG_CUT_REQUEST) {
        msg.cut_request =
            (struct tx_msg_cut_request){.begin = random_below(10) == 0, .number = random_below(4)};
    } else {
        msg.id.id = id; /* WAIT; and messages that may not come here */
    }
    return msg;
}

static enum tx_role role_for(enum tx_msg_type type)
{
    if (random_below(50) == 0)
        return (enum tx_role)random_below(TX_ROLES_N + 1);
    for (unsigned tries = 0; tries < 10; tries++) {
        enum tx_role role = (enum tx_role)random_below(TX_ROLES_N);
        if (tx_msg_allowed(type, role, TX_ROLE_PARTICIPANT))
            return role;
    }
    return TX_ROLE_CLIENT;
}

static void send_random(struct driver *d)
{
    struct tx_msg msg = random_msg(d);
    struct tx_envelope envelope = driver_envelope(d, (uint32_t)(1 + random_below(2)), epoch_now);
    envelope.role = role_for(msg.type);
    if (random_below(30) == 0)
        envelope.start = 1 + random_below(epoch_now);
    if (msg.type == TX_MSG_HELLO && msg.hello.starts_n > 0 && random_below(50) != 0)
        envelope.life = msg.hello.starts[msg.hello.starts_n - 1].life;
    if (msg.type != TX_MSG_HELLO && random_below(2) == 0 && tx_msg_tx(&msg).coordinator != 0)
        envelope.coordinator = tx_msg_tx(&msg).coordinator;
    if (envelope.role == TX_ROLE_PARTICIPANT)
        (void)snprintf(envelope.name.s, sizeof envelope.name.s, "%c",
                       (char)('a' + random_below(5)));
    if (random_below(300) == 0)
        envelope.coordinator = random_below(2) == 0 ? 0 : 70000;
    driver_step(d, &(struct part_event){.type = PART_EVENT_MESSAGE,
                                        .client = random_below(3),
                                        .envelope = &envelope,
                                        .msg = &msg});
}

static void count(const struct driver *d)
{
    struct part_stats stats = driver_stats(d);
    begun += stats.begun;
    committed += stats.committed_total;
    found_out += stats.found_out;
    aborted += stats.aborted_total;
}

static void random_event(struct driver *d)
{
    for (size_t i = 0; i < 4; i++)
        ops[i] = random_below(8) == 0 ? random_scan() : random_op();
    uint64_t what = random_below(1000);
    if (what < 700)
        send_random(d);
    else if (what < 850 && d->calls_n > 0)
        driver_rm_answer(d);
    else if (what < 855 && d->calls_n > 0)
        driver_rm_answer_with(d, random_below(2) == 0 ? PART_RM_ROLLED_BACK : PART_RM_RETRY,
                              (enum tx_reason)random_below(TX_REASONS_N));
    else if (what < 950 && d->durable < d->log_n)
        driver_sync_to(d, d->durable + 1 + random_below(d->log_n - d->durable));
    else if (what < 995)
        driver_advance(d, random_below(300000));
    else if (what < 997)
        driver_step(d, &(struct part_event){.type = PART_EVENT_DISK,
                                            .on = what == 995 && random_below(20) == 0});
    else if (what == 997 && random_below(5) == 0) {
        count(d);
        driver_restart(d, d->durable + random_below(d->log_n - d->durable + 1));
    }
}

/* Whether the driver answers at once or not, an RM that was told to begin is told to end. */
static void finish(struct driver *d)
{
    while (d->calls_n > 0)
        driver_rm_answer(d);
    driver_sync(d);
    struct part_stats stats = driver_stats(d);
    size_t rm_open = 0;
    for (const struct driver_rm_tx *tx = d->rm_txs; tx != NULL; tx = tx->next)
        rm_open++;
    assert_true(rm_open <= stats.working + stats.prepared);
}

static void run(uint64_t seed)
{
    struct part_options options = driver_options();
    options.txs_max = 12;
    options.tombstones_max = seed % 2 == 0 ? 10 : 200;
    options.locks_max = 40;
    options.snapshot_records = 60;
    options.retain_records = 20;
    options.idle_us = 2000000;
    options.lock_timeout_us = 400000;
    struct driver *d = driver_new(&options);
    d->rm_slow = true;
    d->rm_reads_early = seed % 2 == 0;
    d->no_data = true;
    epoch_now = 1;
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (unsigned i = 0; i < STEPS / 4; i++) {
        seq_base = 1 + i / 60;
        random_event(d);
        if (i % 64 == 0)
            driver_clear(d);
    }
    finish(d);
    count(d);
    scans += d->scans;
    print_message("seed %u: begun %u, committed %u (%u found out), aborted %u, %u scans\n",
                  (unsigned)seed, (unsigned)begun, (unsigned)committed, (unsigned)found_out,
                  (unsigned)aborted, (unsigned)scans);
    driver_free(d);
}

static void test_hostile_messages(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= 16; seed++)
        run(seed);
    /* Or the messages would not reach what they are meant to reach. */
    assert_true(begun > 1000 && committed > 50 && found_out > 5 && aborted > 1000 && scans > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
