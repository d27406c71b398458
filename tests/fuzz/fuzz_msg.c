#include "fuzz_msg.h"

#include "common/assert.h"

#include <stdio.h>

static const char *const texts[] = {"", "1", "-7", "value", "9223372036854775807", "k", "so it is"};

static struct tx_bytes text(struct fuzz_msgs *m)
{
    return tx_bytes_str(texts[fuzz_below(m->in, sizeof texts / sizeof *texts)]);
}

struct tx_id fuzz_id(struct fuzz_msgs *m)
{
    unsigned choice = fuzz_u8(m->in);
    struct tx_id id = {m->coordinator, m->epoch,
                       m->seq - (m->seq > (choice & 7u) ? choice & 7u : 0)};
    if (choice >= 240) {
        id.coordinator = (uint32_t)fuzz_near(m->in, id.coordinator);
        id.epoch = fuzz_near(m->in, id.epoch);
        id.seq = fuzz_near(m->in, id.seq);
    }
    return id;
}

static struct tx_token token(struct fuzz_msgs *m)
{
    return (struct tx_token){{fuzz_rarely(m->in, 16)}};
}

static struct tx_age age(struct fuzz_msgs *m)
{
    unsigned choice = fuzz_u8(m->in);
    uint64_t counter = choice < 250 ? 1u + (choice & 31u) : fuzz_near(m->in, 0);
    return (struct tx_age){counter, m->coordinator};
}

struct tx_name fuzz_node_name(unsigned node)
{
    return (struct tx_name){{(char)('a' + node)}};
}

struct tx_address fuzz_node_address(unsigned node)
{
    struct tx_address address;
    (void)snprintf(address.s, sizeof address.s, "tcp://127.0.0.1:%u", 7410u + node);
    return address;
}

struct tx_address fuzz_coordinator_address(uint32_t coordinator)
{
    struct tx_address address;
    (void)snprintf(address.s, sizeof address.s, "tcp://127.0.0.1:%u", 7400u + coordinator % 8u);
    return address;
}

/* Every 16th operation, in place of a read; now and then one that nobody may ask for. */
static void scan(struct fuzz_msgs *m, struct tx_op *op, uint8_t what, uint8_t where)
{
    uint8_t end = fuzz_u8(m->in);
    op->type = TX_OP_SCAN;
    op->limit = (what >> 4) & 7u;
    op->reverse = (where & 16u) != 0;
    if ((where & 8u) != 0)
        op->key = tx_bytes(NULL, 0);
    if ((end & 8u) == 0)
        op->to = tx_bytes_str(&"k1234567"[end & 7u]);
    if ((end & 16u) == 0 && op->to.len > 0 && tx_bytes_compare(op->key, op->to) > 0) {
        struct tx_bytes from = op->to;
        op->to = op->key;
        op->key = from;
    }
}

/* The level goes with the transaction, so that its steps agree, but for a few. */
static enum tx_isolation isolation(struct tx_id id, uint8_t flags)
{
    return (enum tx_isolation)((id.seq + ((flags & 0xe0u) == 0xe0u)) % TX_ISOLATIONS_N);
}

static void op(struct fuzz_msgs *m, struct tx_op *op)
{
    uint8_t what = fuzz_u8(m->in);
    uint8_t where = fuzz_u8(m->in);
    *op = (struct tx_op){.type = (enum tx_op_type)(what % TX_OP_SCAN),
                         .participant = fuzz_node_name(where >> 6),
                         .space = tx_bytes_str((where & 32u) != 0 ? "s" : "t"),
                         .key = tx_bytes_str(&"k1234567"[where & 7u])};
    if (op->type == TX_OP_GET && (what & 128u) != 0)
        scan(m, op, what, where);
    if (op->type == TX_OP_LOCK) {
        op->mode = (enum tx_lock_mode)((what >> 4) % TX_LOCK_MODES_N);
        if ((where & 8u) != 0)
            op->key = tx_bytes(NULL, 0);
        if ((where & 24u) == 24u)
            op->space = tx_bytes(NULL, 0);
    }
    if (op->type == TX_OP_CHECK)
        op->absent = (what & 64u) != 0;
    if (op->type == TX_OP_PUT || op->type == TX_OP_INSERT ||
        (op->type == TX_OP_CHECK && !op->absent))
        op->value = text(m);
    if (op->type == TX_OP_ADD) {
        op->delta = (int64_t)fuzz_near(m->in, 3);
        op->has_min = (what & 64u) != 0;
        op->has_max = (what & 128u) != 0;
        op->min = op->has_min ? (int64_t)fuzz_near(m->in, 0) : 0;
        op->max = op->has_max ? (int64_t)fuzz_near(m->in, 9) : 0;
    }
}

static size_t ops(struct fuzz_msgs *m)
{
    size_t n = fuzz_below(m->in, 5);
    for (size_t i = 0; i < n; i++)
        op(m, &m->ops[i]);
    return n;
}

/* A mask of the nodes, a mask of the readers among them; rarely the same one twice or with another
 * incarnation or address. */
static size_t members(struct fuzz_msgs *m)
{
    unsigned nodes = fuzz_u8(m->in);
    unsigned readers = fuzz_u8(m->in);
    size_t n = 0;
    for (unsigned i = 0; i < FUZZ_NODES; i++) {
        if ((nodes >> i & 1u) == 0)
            continue;
        unsigned node = (nodes >> 4) == 15u ? 0 : i;
        uint64_t incarnation = m->incarnations[node];
        m->known[n] = (struct tx_position){incarnation, 0x50 + incarnation, {incarnation * 64}};
        m->members[n++] = (struct tx_member){
            .name = fuzz_node_name(node),
            .address = fuzz_node_address(readers == 255 ? 0 : node),
            .incarnation = (nodes >> 4) == 14u ? fuzz_near(m->in, incarnation) : incarnation,
            .read_only = (readers >> i & 1u) != 0};
    }
    return n;
}

static size_t results(struct fuzz_msgs *m)
{
    size_t n = fuzz_below(m->in, 5);
    for (size_t i = 0; i < n; i++) {
        m->results[i].found = fuzz_below(m->in, 2) != 0;
        m->results[i].value = text(m);
    }
    return n;
}

/* The starts up to here; now and then one that denies what was said before. */
static size_t starts(struct fuzz_msgs *m)
{
    size_t n = 1u + fuzz_below(m->in, 3);
    n = n > m->here.start && m->here.start > 0 ? (size_t)m->here.start : n;
    for (size_t i = 0; i < n; i++) {
        uint64_t start = m->here.start - (n - 1 - i);
        m->starts[i] = (struct tx_position){start, 0x50 + start, {start * 64}};
    }
    m->starts[n - 1].life = m->here.life;
    if (fuzz_rarely(m->in, 8)) {
        struct tx_position *odd = &m->starts[fuzz_below(m->in, (unsigned)n)];
        odd->start = fuzz_near(m->in, odd->start);
        odd->life = fuzz_near(m->in, odd->life);
        odd->lsn.n = fuzz_near(m->in, odd->lsn.n);
    }
    return n;
}

static struct tx_msg_forget forget(struct fuzz_msgs *m)
{
    struct tx_msg_forget forget = {.epoch = m->epoch, .open = m->open};
    uint8_t choice = fuzz_u8(m->in);
    uint64_t below = m->seq > (choice & 7u) ? m->seq - (choice & 7u) : m->seq;
    forget.epoch -= (choice & 8u) != 0 && forget.epoch > 1;
    forget.below = (choice & 16u) != 0 ? fuzz_near(m->in, UINT64_MAX) : below;
    for (unsigned i = 0; i < choice >> 6; i++)
        m->open[forget.open_n++] = m->seq - 9 + 3 * i;
    return forget;
}

/* The fields below are assigned one by one: the order in which an initialiser reads them is not
 * defined, and an input must mean the same to every compiler. */

static struct tx_msg_finish finish(struct fuzz_msgs *m)
{
    struct tx_msg_finish finish = {.req = fuzz_u8(m->in), .members = m->members};
    finish.id = fuzz_id(m);
    finish.token = token(m);
    finish.members_n = members(m);
    finish.mode = (enum tx_commit_mode)(finish.req / 4 % TX_COMMIT_MODES_N);
    return finish;
}

static struct tx_msg_submit submit(struct fuzz_msgs *m)
{
    struct tx_msg_submit submit = {.req = fuzz_u8(m->in), .ops = m->ops};
    if (fuzz_rarely(m->in, 2))
        submit.key = text(m);
    if (fuzz_rarely(m->in, 8))
        submit.timeout_ms = fuzz_u8(m->in);
    submit.isolation = (enum tx_isolation)(submit.req % TX_ISOLATIONS_N);
    submit.mode = (enum tx_commit_mode)(submit.req / 4 % TX_COMMIT_MODES_N);
    submit.ops_n = ops(m);
    return submit;
}

static struct tx_msg_prepare prepare(struct fuzz_msgs *m)
{
    uint8_t flags = fuzz_u8(m->in);
    struct tx_msg_prepare prepare = {.one_shot = (flags & 1u) != 0,
                                     .one_phase = (flags & 2u) != 0,
                                     .members_decide = (flags & 64u) != 0,
                                     .results_max = (flags & 32u) != 0 ? 12 : 0,
                                     .lock_timeout_ms = (flags & 4u) != 0 ? 100 : 0,
                                     .members = m->members,
                                     .known = m->known,
                                     .ops = m->ops};
    prepare.id = fuzz_id(m);
    prepare.isolation = isolation(prepare.id, flags);
    prepare.age = age(m);
    prepare.token = token(m);
    prepare.members_n = members(m);
    prepare.ops_n = prepare.one_shot || (flags & 128u) != 0 ? ops(m) : 0;
    return prepare;
}

static struct tx_msg_operate operate(struct fuzz_msgs *m)
{
    uint8_t flags = fuzz_u8(m->in);
    struct tx_msg_operate operate = {.req = flags,
                                     .step = 1u + (flags & 3u),
                                     .lock_timeout_ms = (flags & 4u) != 0 ? 100 : 0,
                                     .ops = m->ops};
    operate.id = fuzz_id(m);
    operate.isolation = isolation(operate.id, flags);
    operate.token = token(m);
    operate.age = age(m);
    operate.ops_n = ops(m);
    return operate;
}

static struct tx_msg_vote vote(struct fuzz_msgs *m)
{
    struct tx_msg_vote vote = {.id = fuzz_id(m), .results = m->results};
    vote.vote = (enum tx_vote)fuzz_below(m->in, TX_VOTES_N);
    vote.incarnation = fuzz_near(m->in, m->here.start);
    bool durable = vote.vote == TX_VOTE_YES || vote.vote == TX_VOTE_COMMITTED;
    vote.lsn.n = fuzz_near(m->in, durable ? m->here.lsn.n : 0);
    if (vote.vote == TX_VOTE_NO) {
        vote.reason = (enum tx_reason)fuzz_below(m->in, TX_REASONS_N);
        vote.text = text(m);
    }
    vote.results_n = durable ? results(m) : 0;
    return vote;
}

static struct tx_msg_ack ack(struct fuzz_msgs *m)
{
    struct tx_msg_ack ack = {.id = fuzz_id(m)};
    ack.incarnation = fuzz_near(m->in, m->here.start);
    ack.lsn.n = fuzz_near(m->in, m->here.lsn.n);
    uint8_t how = fuzz_u8(m->in);
    ack.heuristic = (enum tx_heuristic)(how / 64u);
    ack.members_decide = (how & 1u) != 0;
    return ack;
}

static struct tx_msg_state state(struct fuzz_msgs *m)
{
    struct tx_msg_state state = {.id = fuzz_id(m)};
    state.state = (enum tx_state)fuzz_below(m->in, TX_STATES_N);
    state.incarnation = fuzz_near(m->in, m->here.start);
    state.heuristic = fuzz_rarely(m->in, 8);
    state.members_decide = state.id.seq % 2 == 0;
    state.below_mark = state.id.seq % 3 == 0;
    return state;
}

static struct tx_msg_fenced fenced(struct fuzz_msgs *m)
{
    struct tx_msg_fenced fenced = {.id = fuzz_id(m)};
    fenced.known.start = fuzz_near(m->in, m->epoch);
    fenced.known.life = fuzz_near(m->in, 0x50 + m->epoch);
    fenced.known.lsn.n = fuzz_near(m->in, 1);
    return fenced;
}

static struct tx_msg_hello hello(struct fuzz_msgs *m)
{
    struct tx_msg_hello hello = {.lsn = {fuzz_near(m->in, m->here.lsn.n)}, .starts = m->starts};
    hello.age_counter = fuzz_near(m->in, 40);
    hello.number = fuzz_u8(m->in);
    hello.starts_n = starts(m);
    if (hello.number >= 128) { /* where one of them is, and maybe another where that was */
        unsigned first = (unsigned)hello.number & 3u, second = (unsigned)hello.number >> 2 & 3u;
        for (unsigned i = 0; i < 2; i++)
            m->members[i] =
                (struct tx_member){.name = fuzz_node_name(i == 0 ? first : second),
                                   .address = fuzz_node_address(i == 0 ? second : first)};
        hello.nodes = m->members;
        hello.nodes_n = 2;
    }
    return hello;
}

static struct tx_msg_welcome welcome(struct fuzz_msgs *m)
{
    struct tx_msg_welcome welcome = {.lsn = {fuzz_near(m->in, m->here.lsn.n)}, .starts = m->starts};
    welcome.incarnation = fuzz_near(m->in, m->here.start);
    welcome.age_counter = fuzz_near(m->in, 40);
    welcome.refusing = fuzz_rarely(m->in, 16);
    welcome.number = fuzz_near(m->in, m->number);
    welcome.starts_n = starts(m);
    /* mostly of this epoch or of none */
    welcome.unsettled = welcome.age_counter == 40 ? 0 : m->epoch - welcome.age_counter % 2;
    return welcome;
}

static struct tx_msg_resolve resolve(struct fuzz_msgs *m)
{
    struct tx_msg_resolve resolve = {.req = fuzz_u8(m->in), .operator_name = fuzz_node_name(5)};
    resolve.id = fuzz_id(m);
    resolve.commit = fuzz_below(m->in, 2) != 0;
    return resolve;
}

static struct tx_msg_put_aside put_aside(struct fuzz_msgs *m)
{
    struct tx_msg_put_aside aside = {.req = fuzz_u8(m->in), .operator_name = fuzz_node_name(5)};
    aside.id = fuzz_id(m);
    aside.force = fuzz_below(m->in, 2) != 0;
    return aside;
}

static struct tx_msg_txs_request txs_request(struct fuzz_msgs *m)
{
    uint8_t what = fuzz_u8(m->in);
    struct tx_msg_txs_request request = {
        .req = what & 7u, .in_doubt = (what & 8u) != 0, .limit = what >> 5};
    request.older_ms = (what & 16u) != 0 ? 1000 : 0;
    if (fuzz_rarely(m->in, 4))
        request.tx = fuzz_id(m);
    if (fuzz_rarely(m->in, 2)) {
        request.from.start = fuzz_near(m->in, m->incarnations[0]);
        request.from.epoch = fuzz_near(m->in, m->epoch);
        request.from.seq = fuzz_u8(m->in);
    }
    return request;
}

static struct tx_msg_alarms_request alarms_request(struct fuzz_msgs *m)
{
    struct tx_msg_alarms_request request = {.req = fuzz_u8(m->in)};
    request.limit = fuzz_below(m->in, 4);
    request.before = fuzz_near(m->in, 2);
    return request;
}

/* The place is mostly one that a listing may have come to. */
static struct tx_msg_locks_request locks_request(struct fuzz_msgs *m)
{
    uint8_t what = fuzz_u8(m->in);
    struct tx_msg_locks_request request = {
        .req = what & 7u, .waiting = (what & 8u) != 0, .limit = what >> 5};
    if ((what & 16u) != 0)
        request.space = tx_bytes_str("s");
    if (fuzz_rarely(m->in, 4))
        request.tx = fuzz_id(m);
    if (fuzz_rarely(m->in, 2)) {
        request.from.incarnation = fuzz_near(m->in, m->incarnations[0]);
        request.from.serial = fuzz_u8(m->in);
        request.from.passed = fuzz_near(m->in, 2);
        request.from.skip = fuzz_near(m->in, 0);
        request.from.range = fuzz_rarely(m->in, 4);
        request.from.space = text(m);
        request.from.key = text(m);
        request.from.to = text(m);
    }
    return request;
}

/* What a client or a participant in doubt is told: nothing that a core takes, but a peer can lie
 * about its role. */
static struct tx_msg_outcome outcome(struct fuzz_msgs *m)
{
    struct tx_msg_outcome outcome = {.req = fuzz_u8(m->in)};
    outcome.id = fuzz_id(m);
    outcome.outcome = (enum tx_outcome)fuzz_below(m->in, TX_OUTCOMES_N);
    return outcome;
}

static void request(struct fuzz_msgs *m, struct tx_msg *msg)
{
    if (msg->type == TX_MSG_BEGIN) {
        msg->begin.req = fuzz_u8(m->in);
        if (fuzz_rarely(m->in, 4))
            msg->begin.age = age(m);
    } else if (msg->type == TX_MSG_SUBMIT) {
        msg->submit = submit(m);
    } else {
        msg->finish = finish(m);
    }
}

/* Nothing is known of the receiver; now and then, what an honest one denies. */
static struct tx_msg_inquire inquire(struct fuzz_msgs *m, struct tx_id id)
{
    struct tx_msg_inquire inquire = {.id = id};
    uint8_t flags = fuzz_u8(m->in);
    inquire.in_doubt = (flags & 1u) == 0;
    inquire.wanted = (flags & 2u) != 0;
    inquire.members_decide = (flags & 4u) != 0;
    if ((flags & 8u) != 0)
        inquire.to = fuzz_node_name(flags >> 4 & 3u);
    if (flags >= 240) {
        inquire.known.start = fuzz_near(m->in, m->incarnations[0]);
        inquire.known.life = fuzz_near(m->in, 0x50 + m->incarnations[0]);
        inquire.known.lsn.n = fuzz_near(m->in, 4);
    }
    return inquire;
}

static void decision(struct fuzz_msgs *m, struct tx_msg *msg)
{
    struct tx_id id = fuzz_id(m);
    if (msg->type == TX_MSG_COMMIT)
        msg->commit = (struct tx_msg_commit){
            id, {fuzz_near(m->in, m->here.lsn.n)}, id.seq % 4 == 0 ? 0 : m->here.start};
    else if (msg->type == TX_MSG_ABORT)
        msg->abort = (struct tx_msg_abort){id, (enum tx_reason)fuzz_below(m->in, TX_REASONS_N),
                                           id.seq % 2 == 0};
    else
        msg->inquire = inquire(m, id);
}

static void introduction(struct fuzz_msgs *m, struct tx_msg *msg)
{
    if (msg->type == TX_MSG_FENCED)
        msg->fenced = fenced(m);
    else if (msg->type == TX_MSG_HELLO)
        msg->hello = hello(m);
    else
        msg->welcome = welcome(m);
}

static struct tx_msg_admin_request admin_request(struct fuzz_msgs *m)
{
    struct tx_msg_admin_request request = {.req = fuzz_u8(m->in)};
    request.verb = (enum tx_admin_verb)fuzz_below(m->in, TX_ADMIN_VERBS_N);
    request.operator_name = fuzz_node_name(5);
    return request;
}

static struct tx_msg_cut_request cut_request(struct fuzz_msgs *m)
{
    struct tx_msg_cut_request request = {.req = fuzz_u8(m->in)};
    request.begin = (fuzz_u8(m->in) & 1u) != 0;
    request.number = fuzz_near(m->in, 0);
    return request;
}

static void of_operators(struct fuzz_msgs *m, struct tx_msg *msg)
{
    if (msg->type == TX_MSG_RESOLVE)
        msg->resolve = resolve(m);
    else if (msg->type == TX_MSG_LOCKS_REQUEST)
        msg->locks_request = locks_request(m);
    else if (msg->type == TX_MSG_TXS_REQUEST)
        msg->txs_request = txs_request(m);
    else if (msg->type == TX_MSG_ALARMS_REQUEST)
        msg->alarms_request = alarms_request(m);
    else if (msg->type == TX_MSG_ADMIN_REQUEST)
        msg->admin_request = admin_request(m);
    else if (msg->type == TX_MSG_CUT_REQUEST)
        msg->cut_request = cut_request(m);
    else
        msg->put_aside = put_aside(m);
}

/* What a member says of a transaction. */
static void answer(struct fuzz_msgs *m, struct tx_msg *msg)
{
    if (msg->type == TX_MSG_VOTE)
        msg->vote = vote(m);
    else if (msg->type == TX_MSG_ACK)
        msg->ack = ack(m);
    else
        msg->state = state(m);
}

struct tx_msg fuzz_msg(struct fuzz_msgs *m, enum tx_msg_type type)
{
    struct tx_msg msg = {.type = type};
    switch (type) {
    case TX_MSG_BEGIN:
    case TX_MSG_SUBMIT:
    case TX_MSG_COMMIT_REQUEST:
    case TX_MSG_ABORT_REQUEST:
    case TX_MSG_OUTCOME_REQUEST:
        request(m, &msg);
        return msg;
    case TX_MSG_OUTCOME_ACK:
    case TX_MSG_JOIN:
    case TX_MSG_WAIT:
        msg.id.id = fuzz_id(m);
        return msg;
    case TX_MSG_COMMIT:
    case TX_MSG_ABORT:
    case TX_MSG_INQUIRE:
        decision(m, &msg);
        return msg;
    case TX_MSG_OUTCOME:
        msg.outcome = outcome(m);
        return msg;
    case TX_MSG_OPERATE:
        msg.operate = operate(m);
        return msg;
    case TX_MSG_PREPARE:
        msg.prepare = prepare(m);
        return msg;
    case TX_MSG_VOTE:
    case TX_MSG_ACK:
    case TX_MSG_STATE:
        answer(m, &msg);
        return msg;
    case TX_MSG_FORGET:
        msg.forget = forget(m);
        return msg;
    case TX_MSG_FENCED:
    case TX_MSG_HELLO:
    case TX_MSG_WELCOME:
        introduction(m, &msg);
        return msg;
    case TX_MSG_RESOLVE:
    case TX_MSG_CUT_REQUEST:
    case TX_MSG_LOCKS_REQUEST:
    case TX_MSG_TXS_REQUEST:
    case TX_MSG_ALARMS_REQUEST:
    case TX_MSG_PUT_ASIDE:
    case TX_MSG_ADMIN_REQUEST:
        of_operators(m, &msg);
        return msg;
    case TX_MSG_BEGUN:
    case TX_MSG_OPERATED:
    case TX_MSG_STATUS_REQUEST:
    case TX_MSG_STATUS:
    case TX_MSG_ERROR:
    case TX_MSG_LOCKS:
    case TX_MSG_CUT:
    case TX_MSG_TXS:
    case TX_MSG_ALARMS:
    case TX_MSG_BACKUP_REQUEST:
    case TX_MSG_BACKUP:
    case TX_MSG_TYPES_N:
        msg.status_request.req = fuzz_u8(m->in);
        return msg;
    }
    return msg;
}
