#include "tests/txlog/record_samples.h"

#include "common/assert.h"

static const struct tx_id some_id = {3, 7, 42};

static struct tx_name name(const char *text)
{
    struct tx_name n = {{0}};
    enum tx_error error = tx_name_set(&n, tx_bytes_str(text));
    TX_ASSERT(error == TX_OK);
    return n;
}

static struct tx_address address(const char *text)
{
    struct tx_address a = {{0}};
    enum tx_error error = tx_address_set(&a, tx_bytes_str(text));
    TX_ASSERT(error == TX_OK);
    return a;
}

static struct tx_member members[2];
static const struct tx_position known[2] = {{4, 7, {99}}, {0}};
static struct txlog_lock locks[3];
static struct txlog_peer peers[2];
static const uint64_t open_ids[3] = {5, 9, 11};
static const struct tx_position starts[2] = {{4, 44, {1}}, {6, 66, {15}}};

static void fill_arrays(void)
{
    members[0] = (struct tx_member){name("a"), address("tcp://127.0.0.1:7410"), 4, false};
    members[1] = (struct tx_member){name("b"), address(""), 0, true};
    locks[0] = (struct txlog_lock){
        .mode = TX_LOCK_X, .space = tx_bytes_str("accounts"), .key = tx_bytes_str("alice")};
    locks[1] = (struct txlog_lock){.mode = TX_LOCK_SIX, .space = tx_bytes_str("accounts")};
    locks[2] = (struct txlog_lock){.mode = TX_LOCK_S,
                                   .range = true,
                                   .space = tx_bytes_str("accounts"),
                                   .key = tx_bytes_str("b"),
                                   .to = tx_bytes_str("d")};
    peers[0] = (struct txlog_peer){name("a"), {4, 7, {99}}};
    peers[1] = (struct txlog_peer){name("b"), {1, 8, {1}}};
}

static void fill_decision(struct txlog_record *r)
{
    if (r->type == TXLOG_HEURISTIC)
        r->heuristic = (struct txlog_heuristic){some_id, true, name("carol"), 123};
    else if (r->type == TXLOG_HEURISTIC_END)
        r->heuristic_end = (struct txlog_heuristic_end){some_id, true};
    else if (r->type == TXLOG_LOSS)
        r->loss = (struct tx_loss){{16}, 4711};
    else if (r->type == TXLOG_READMIT)
        r->readmit = (struct txlog_readmit){peers[0], {3, 9, {1000}}, {{80}, 3}};
    else
        r->put_aside = (struct txlog_put_aside){some_id, name("carol"), 124};
}

struct txlog_record record_sample(enum txlog_type type)
{
    fill_arrays();
    struct txlog_record r = {.type = type, .lsn = {17}, .start = 6, .time_ms = 1700000000123};
    switch (type) {
    case TXLOG_EPOCH:
        r.epoch = (struct txlog_epoch){3, {7, 9, {41}}, address("ipc:///run/c")};
        break;
    case TXLOG_PREPARED:
        r.prepared = (struct txlog_prepared){.id = some_id,
                                             .age = {8, 3},
                                             .coordinator = address("tcp://127.0.0.1:7400"),
                                             .members = members,
                                             .members_n = 2,
                                             .known = known,
                                             .redo = tx_bytes_str("redo"),
                                             .locks = locks,
                                             .locks_n = 3,
                                             .members_decide = true};
        break;
    case TXLOG_COMMITTED:
        r.committed =
            (struct txlog_committed){some_id, true, {42}, tx_bytes_str("one phase"), true};
        break;
    case TXLOG_ABORTED:
        r.id.id = some_id;
        break;
    case TXLOG_FORGET:
        r.forget = (struct txlog_forget){3, 7, 5, open_ids, 3};
        break;
    case TXLOG_HEURISTIC:
    case TXLOG_HEURISTIC_END:
    case TXLOG_PUT_ASIDE:
    case TXLOG_LOSS:
    case TXLOG_READMIT:
        fill_decision(&r);
        break;
    case TXLOG_ALARM:
        r.alarm = (struct txlog_alarm){some_id, tx_bytes_str("two decisions")};
        break;
    case TXLOG_COMMIT:
        r.commit = (struct txlog_commit){some_id, {8, 3}, tx_bytes_str("order-1"), members, 2};
        break;
    case TXLOG_END:
        r.end = (struct txlog_end){some_id, peers, 2};
        break;
    case TXLOG_OUTCOME:
        r.outcome =
            (struct txlog_outcome){some_id, TX_OUTCOME_ABORTED, TX_REASON_WOUNDED, {.name = {""}}};
        break;
    case TXLOG_PEER:
        r.peer = peers[0];
        break;
    case TXLOG_SNAPSHOT_BEGIN:
        r.snapshot_begin = (struct txlog_snapshot_begin){77, 3, starts, 2};
        break;
    case TXLOG_SNAPSHOT_END:
        r.snapshot_end.begin.n = 12;
        break;
    case TXLOG_CUT:
        r.cut = (struct tx_cut){7, {12}, 1700000000099};
        break;
    case TXLOG_START:
        r.started.life = UINT64_C(0xfedcba9876543210);
        break;
    case TXLOG_NONE:
    case TXLOG_TYPES_N:
        break;
    }
    return r;
}
