/* The samples, and the comparison field by field. */
#include "tests/common/wire_samples.h"

#include "tests/common/wire_samples_admin.h"

#include <stdlib.h>
#include <string.h>

static const struct tx_id id = {513, UINT64_C(0x100000007), 70000};
static const struct tx_age age = {UINT64_C(0x123456789a), 300};
static const struct tx_token token = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255}};
static const struct tx_bytes text = VIEW("a sentence for people");

static const struct tx_member members[] = {
    {{"a"}, {"tcp://127.0.0.1:7401"}, 9, false},
    {{"node-b_2.x"}, {"ipc:///run/assent/b.sock"}, UINT64_MAX, true},
    {{"c"}, {""}, 0, true},
};

static const struct tx_op ops[] = {
    {.type = TX_OP_GET, .participant = {"a"}, .space = VIEW("accounts"), .key = VIEW("alice")},
    {.type = TX_OP_GET_FOR_UPDATE, .participant = {"b"}, .space = VIEW("s"), .key = VIEW("\0\xff")},
    {.type = TX_OP_PUT,
     .participant = {"a"},
     .space = VIEW("s"),
     .key = VIEW("k"),
     .value = VIEW("a value \0 of bytes")},
    {.type = TX_OP_INSERT,
     .participant = {"a"},
     .space = VIEW("s"),
     .key = VIEW("new"),
     .value = VIEW("v")},
    {.type = TX_OP_DELETE, .participant = {"a"}, .space = VIEW("s"), .key = VIEW("gone")},
    {.type = TX_OP_ADD,
     .participant = {"b"},
     .space = VIEW("s"),
     .key = VIEW("counter"),
     .delta = -77,
     .has_min = true,
     .min = INT64_MIN,
     .has_max = true,
     .max = INT64_MAX},
    {.type = TX_OP_ADD,
     .participant = {"b"},
     .space = VIEW("s"),
     .key = VIEW("counter"),
     .delta = INT64_MAX,
     .has_min = true,
     .min = -129,
     .max = 1},
    {.type = TX_OP_CHECK,
     .participant = {"b"},
     .space = VIEW("s"),
     .key = VIEW("k"),
     .absent = true},
    {.type = TX_OP_CHECK,
     .participant = {"b"},
     .space = VIEW("s"),
     .key = VIEW("k"),
     .value = VIEW("expected")},
    {.type = TX_OP_LOCK,
     .participant = {"b"},
     .space = VIEW("s"),
     .key = VIEW("k"),
     .mode = TX_LOCK_U},
    {.type = TX_OP_LOCK, .participant = {"b"}, .space = VIEW("s"), .mode = TX_LOCK_SIX},
    {.type = TX_OP_LOCK, .participant = {"b"}, .mode = TX_LOCK_X},
    {.type = TX_OP_SCAN,
     .participant = {"b"},
     .space = VIEW("s"),
     .key = VIEW("from"),
     .to = VIEW("to"),
     .limit = TX_SCAN_ROWS_MAX,
     .reverse = true},
};

static const struct tx_result results[] = {
    {true, VIEW("100")},
    {false, {NULL, 0}},
    {true, VIEW("a longer value than fits into a short form of a string")},
};

static const uint64_t open_ids[] = {1, 2, 200, 70000, UINT64_C(0x100000000)};

static struct tx_msg full_of_client(enum tx_msg_type type)
{
    struct tx_msg msg = {.type = type};
    if (type == TX_MSG_BEGIN) {
        msg.begin = (struct tx_msg_begin){1, age};
    } else if (type == TX_MSG_BEGUN) {
        msg.begun = (struct tx_msg_begun){2, id, age, token, members, N_OF(members)};
    } else if (type == TX_MSG_SUBMIT) {
        msg.submit = (struct tx_msg_submit){3,     VIEW("key"), age,
                                            30000, UINT32_MAX,  TX_READ_UNCOMMITTED,
                                            ops,   N_OF(ops),   TX_COMMIT_PARTICIPANTS};
    } else if (type == TX_MSG_OUTCOME) {
        msg.outcome = (struct tx_msg_outcome){
            UINT64_MAX, id,      TX_OUTCOME_COMMITTED, TX_REASON_OPERATOR, {"b"}, text, age,
            true,       results, N_OF(results)};
    } else if (type == TX_MSG_OPERATE) {
        msg.operate =
            (struct tx_msg_operate){5, id, token, age, 17, 5000, TX_READ_COMMITTED, ops, N_OF(ops)};
    } else if (type == TX_MSG_OPERATED) {
        msg.operated = (struct tx_msg_operated){
            6, id, 17, 9, true, TX_REASON_WOUNDED, text, results, N_OF(results)};
    } else {
        msg.finish =
            (struct tx_msg_finish){4, id, token, members, N_OF(members), TX_COMMIT_COORDINATOR};
    }
    return msg;
}

static const struct tx_position starts[] = {{8, UINT64_C(0xfedcba9876543210), {70}},
                                            {9, 3, {UINT64_MAX}}};

/* One for each of `members`. */
static const struct tx_position known[] = {
    {8, 7, {UINT64_C(0x100000003)}}, {UINT64_MAX, UINT64_MAX, {UINT64_MAX}}, {0}};

static struct tx_msg full_of_protocol(enum tx_msg_type type)
{
    struct tx_msg msg = {.type = type};
    if (type == TX_MSG_PREPARE) {
        msg.prepare = (struct tx_msg_prepare){
            id,      age,           token, true, true,      4000, TX_REPEATABLE_READ,
            members, N_OF(members), known, ops,  N_OF(ops), true, UINT64_C(0x100000009)};
    } else if (type == TX_MSG_VOTE) {
        msg.vote = (struct tx_msg_vote){id,      TX_VOTE_COMMITTED, 9, {88}, TX_REASON_FLOOR, text,
                                        results, N_OF(results)};
    } else if (type == TX_MSG_ABORT) {
        msg.abort = (struct tx_msg_abort){id, TX_REASON_TIMEOUT, true};
    } else if (type == TX_MSG_ACK) {
        msg.ack = (struct tx_msg_ack){id, 9, {UINT64_MAX}, TX_HEURISTIC_DAMAGE, true};
    } else if (type == TX_MSG_INQUIRE) {
        msg.inquire = (struct tx_msg_inquire){id, true, true, starts[0], true, {"b"}, 10};
    } else if (type == TX_MSG_STATE) {
        msg.state = (struct tx_msg_state){id, TX_STATE_FORGOTTEN, 9, true, true, true};
    } else if (type == TX_MSG_FORGET) {
        msg.forget = (struct tx_msg_forget){7, UINT64_C(0x100000001), open_ids, N_OF(open_ids)};
    } else if (type == TX_MSG_FENCED) {
        msg.fenced = (struct tx_msg_fenced){id, starts[0]};
    } else if (type == TX_MSG_HELLO) {
        msg.hello =
            (struct tx_msg_hello){{87}, 11, 13, starts, N_OF(starts), members, N_OF(members)};
    } else if (type == TX_MSG_WELCOME) {
        msg.welcome = (struct tx_msg_welcome){
            9, {88}, 12, true, 14, starts, N_OF(starts), 6, {{77}, UINT64_MAX}};
    } else if (type == TX_MSG_COMMIT) {
        msg.commit = (struct tx_msg_commit){id, {UINT64_C(0x100000002)}, 15};
    } else {
        msg.id = (struct tx_msg_id){id};
    }
    return msg;
}

struct tx_msg sample_full(enum tx_msg_type type)
{
    struct tx_msg msg = {.type = type};
    switch (type) {
    case TX_MSG_BEGIN:
    case TX_MSG_BEGUN:
    case TX_MSG_SUBMIT:
    case TX_MSG_COMMIT_REQUEST:
    case TX_MSG_ABORT_REQUEST:
    case TX_MSG_OUTCOME_REQUEST:
    case TX_MSG_OUTCOME:
    case TX_MSG_OPERATE:
    case TX_MSG_OPERATED:
        return full_of_client(type);
    case TX_MSG_OUTCOME_ACK:
    case TX_MSG_JOIN:
    case TX_MSG_PREPARE:
    case TX_MSG_VOTE:
    case TX_MSG_COMMIT:
    case TX_MSG_ABORT:
    case TX_MSG_ACK:
    case TX_MSG_INQUIRE:
    case TX_MSG_WAIT:
    case TX_MSG_STATE:
    case TX_MSG_FORGET:
    case TX_MSG_FENCED:
    case TX_MSG_HELLO:
    case TX_MSG_WELCOME:
        return full_of_protocol(type);
    case TX_MSG_ERROR:
        msg.error = (struct tx_msg_error){10, TX_EUNKNOWN, TX_REASON_BUSY, text};
        return msg;
    case TX_MSG_RESOLVE:
    case TX_MSG_STATUS_REQUEST:
    case TX_MSG_STATUS:
    case TX_MSG_LOCKS_REQUEST:
    case TX_MSG_LOCKS:
    case TX_MSG_CUT_REQUEST:
    case TX_MSG_CUT:
    case TX_MSG_BACKUP_REQUEST:
    case TX_MSG_BACKUP:
    case TX_MSG_ADMIN_REQUEST:
    case TX_MSG_TXS_REQUEST:
    case TX_MSG_TXS:
    case TX_MSG_ALARMS_REQUEST:
    case TX_MSG_ALARMS:
    case TX_MSG_PUT_ASIDE:
        return sample_of_operators(type);
    case TX_MSG_TYPES_N:
        break;
    }
    fail_msg("no message of type %u", (unsigned)type);
    return msg;
}

struct tx_msg sample_bare(enum tx_msg_type type)
{
    struct tx_msg msg = sample_full(type);
    sample_bare_of_operators(&msg);
    if (type == TX_MSG_BEGUN) {
        msg.begun.nodes_n = 0;
    } else if (type == TX_MSG_SUBMIT) {
        msg.submit.ops_n = 0;
        msg.submit.key.len = 0;
    } else if (type == TX_MSG_COMMIT_REQUEST || type == TX_MSG_ABORT_REQUEST ||
               type == TX_MSG_OUTCOME_REQUEST) {
        msg.finish.members_n = 0;
    } else if (type == TX_MSG_OUTCOME) {
        msg.outcome.results_n = 0;
        msg.outcome.text.len = 0;
        msg.outcome.who = (struct tx_name){0};
    } else if (type == TX_MSG_OPERATE) {
        msg.operate.ops_n = 0;
    } else if (type == TX_MSG_OPERATED) {
        msg.operated.results_n = 0;
        msg.operated.text.len = 0;
    } else if (type == TX_MSG_PREPARE) {
        msg.prepare.members_n = 1; /* the receiver */
        msg.prepare.ops_n = 0;
    } else if (type == TX_MSG_VOTE) {
        msg.vote.results_n = 0;
        msg.vote.text.len = 0;
    } else if (type == TX_MSG_FORGET) {
        msg.forget.open_n = 0;
    } else if (type == TX_MSG_FENCED) {
        msg.fenced.id = (struct tx_id){0};
    } else if (type == TX_MSG_ERROR) {
        msg.error.text.len = 0;
    }
    return msg;
}

struct tx_envelope sample_envelope(enum tx_role role)
{
    struct tx_envelope envelope = {.cluster = "test cluster", .role = role};
    if (role == TX_ROLE_COORDINATOR) {
        envelope.coordinator = 300;
        envelope.start = 70000;
        envelope.life = UINT64_C(0xfedcba9876543210);
        envelope.address = (struct tx_address){"tcp://127.0.0.1:7400"};
        envelope.cut = UINT64_C(0x0123456789abcdef);
        envelope.generation = UINT64_C(0x1234567812345678);
    } else if (role == TX_ROLE_PARTICIPANT) {
        envelope.name = (struct tx_name){"a"};
        envelope.start = 9;
        envelope.address = (struct tx_address){"ipc:///run/assent/a.sock"};
    } else {
        envelope.name = (struct tx_name){"txctl"};
    }
    return envelope;
}

struct tx_bytes sample_frame(const struct tx_envelope *envelope, const struct tx_msg *msg)
{
    struct tx_frame_writer *writer = tx_frame_writer_new(envelope);
    assert_non_null(writer);
    assert_int_equal(tx_frame_writer_add(writer, msg, TX_MESSAGE_MAX), TX_OK);
    struct tx_bytes frame = tx_frame_writer_finish(writer);
    uint8_t *copy = malloc(frame.len);
    assert_non_null(copy);
    memcpy(copy, frame.data, frame.len);
    tx_frame_writer_destroy(&writer);
    return tx_bytes(copy, frame.len);
}

/* ---- comparison ---- */

static void same_token(const struct tx_token *a, const struct tx_token *b)
{
    assert_memory_equal(a->bytes, b->bytes, sizeof a->bytes);
}

static void same_members(const struct tx_member *a, size_t a_n, const struct tx_member *b,
                         size_t b_n)
{
    assert_int_equal(a_n, b_n);
    for (size_t i = 0; i < a_n; i++) {
        assert_string_equal(a[i].name.s, b[i].name.s);
        assert_string_equal(a[i].address.s, b[i].address.s);
        assert_int_equal(a[i].incarnation, b[i].incarnation);
        assert_int_equal(a[i].read_only, b[i].read_only);
    }
}

static void same_ops(const struct tx_op *a, size_t a_n, const struct tx_op *b, size_t b_n)
{
    assert_int_equal(a_n, b_n);
    for (size_t i = 0; i < a_n; i++) {
        assert_int_equal(a[i].type, b[i].type);
        assert_string_equal(a[i].participant.s, b[i].participant.s);
        same_bytes(a[i].space, b[i].space);
        same_bytes(a[i].key, b[i].key);
        same_bytes(a[i].value, b[i].value);
        assert_int_equal(a[i].absent, b[i].absent);
        assert_int_equal(a[i].delta, b[i].delta);
        assert_int_equal(a[i].has_min, b[i].has_min);
        assert_int_equal(a[i].min, b[i].min);
        assert_int_equal(a[i].has_max, b[i].has_max);
        assert_int_equal(a[i].max, b[i].max);
        assert_int_equal(a[i].mode, b[i].mode);
        same_bytes(a[i].to, b[i].to);
        assert_int_equal(a[i].limit, b[i].limit);
        assert_int_equal(a[i].reverse, b[i].reverse);
    }
}

static void same_results(const struct tx_result *a, size_t a_n, const struct tx_result *b,
                         size_t b_n)
{
    assert_int_equal(a_n, b_n);
    for (size_t i = 0; i < a_n; i++) {
        assert_int_equal(a[i].found, b[i].found);
        same_bytes(a[i].value, b[i].value);
    }
}

static void same_submit(const struct tx_msg_submit *a, const struct tx_msg_submit *b)
{
    assert_int_equal(a->req, b->req);
    same_bytes(a->key, b->key);
    same_age(a->age, b->age);
    assert_int_equal(a->timeout_ms, b->timeout_ms);
    assert_int_equal(a->lock_timeout_ms, b->lock_timeout_ms);
    assert_int_equal(a->isolation, b->isolation);
    same_ops(a->ops, a->ops_n, b->ops, b->ops_n);
    assert_int_equal(a->mode, b->mode);
}

static void same_outcome(const struct tx_msg_outcome *a, const struct tx_msg_outcome *b)
{
    assert_int_equal(a->req, b->req);
    same_id(a->id, b->id);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->reason, b->reason);
    assert_string_equal(a->who.s, b->who.s);
    same_bytes(a->text, b->text);
    same_age(a->age, b->age);
    assert_int_equal(a->results_lost, b->results_lost);
    same_results(a->results, a->results_n, b->results, b->results_n);
}

static void same_operate(const struct tx_msg_operate *a, const struct tx_msg_operate *b)
{
    assert_int_equal(a->req, b->req);
    same_id(a->id, b->id);
    same_token(&a->token, &b->token);
    same_age(a->age, b->age);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->lock_timeout_ms, b->lock_timeout_ms);
    assert_int_equal(a->isolation, b->isolation);
    same_ops(a->ops, a->ops_n, b->ops, b->ops_n);
}

static void same_operated(const struct tx_msg_operated *a, const struct tx_msg_operated *b)
{
    assert_int_equal(a->req, b->req);
    same_id(a->id, b->id);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->incarnation, b->incarnation);
    assert_int_equal(a->wrote, b->wrote);
    assert_int_equal(a->reason, b->reason);
    same_bytes(a->text, b->text);
    same_results(a->results, a->results_n, b->results, b->results_n);
}

static void same_positions(const struct tx_position *a, size_t a_n, const struct tx_position *b,
                           size_t b_n)
{
    assert_int_equal(a_n, b_n);
    for (size_t i = 0; i < a_n; i++) {
        assert_int_equal(a[i].start, b[i].start);
        assert_int_equal(a[i].life, b[i].life);
        assert_int_equal(a[i].lsn.n, b[i].lsn.n);
    }
}

static void same_prepare(const struct tx_msg_prepare *a, const struct tx_msg_prepare *b)
{
    same_id(a->id, b->id);
    same_age(a->age, b->age);
    same_token(&a->token, &b->token);
    assert_int_equal(a->one_phase, b->one_phase);
    assert_int_equal(a->one_shot, b->one_shot);
    assert_int_equal(a->lock_timeout_ms, b->lock_timeout_ms);
    assert_int_equal(a->isolation, b->isolation);
    same_members(a->members, a->members_n, b->members, b->members_n);
    same_positions(a->known, a->members_n, b->known, b->members_n);
    same_ops(a->ops, a->ops_n, b->ops, b->ops_n);
    assert_int_equal(a->members_decide, b->members_decide);
    assert_int_equal(a->results_max, b->results_max);
}

static void same_vote(const struct tx_msg_vote *a, const struct tx_msg_vote *b)
{
    same_id(a->id, b->id);
    assert_int_equal(a->vote, b->vote);
    assert_int_equal(a->incarnation, b->incarnation);
    assert_int_equal(a->lsn.n, b->lsn.n);
    assert_int_equal(a->reason, b->reason);
    same_bytes(a->text, b->text);
    same_results(a->results, a->results_n, b->results, b->results_n);
}

static void same_forget(const struct tx_msg_forget *a, const struct tx_msg_forget *b)
{
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->below, b->below);
    assert_int_equal(a->open_n, b->open_n);
    for (size_t i = 0; i < a->open_n; i++) {
        assert_int_equal(a->open[i], b->open[i]);
    }
}

static void same_finish(const struct tx_msg_finish *a, const struct tx_msg_finish *b)
{
    assert_int_equal(a->req, b->req);
    assert_int_equal(a->mode, b->mode);
    same_token(&a->token, &b->token);
    same_members(a->members, a->members_n, b->members, b->members_n);
}

static void same_work(const struct tx_msg *a, const struct tx_msg *b)
{
    if (a->type == TX_MSG_OPERATE) {
        same_operate(&a->operate, &b->operate);
    } else if (a->type == TX_MSG_OPERATED) {
        same_operated(&a->operated, &b->operated);
    } else {
        same_prepare(&a->prepare, &b->prepare);
    }
}

static void same_small(const struct tx_msg *a, const struct tx_msg *b)
{
    if (a->type == TX_MSG_BEGIN) {
        assert_int_equal(a->begin.req, b->begin.req);
        same_age(a->begin.age, b->begin.age);
    } else if (a->type == TX_MSG_ABORT) {
        assert_int_equal(a->abort.reason, b->abort.reason);
        assert_int_equal(a->abort.proved, b->abort.proved);
    } else if (a->type == TX_MSG_ACK) {
        assert_int_equal(a->ack.incarnation, b->ack.incarnation);
        assert_int_equal(a->ack.lsn.n, b->ack.lsn.n);
        assert_int_equal(a->ack.heuristic, b->ack.heuristic);
        assert_int_equal(a->ack.members_decide, b->ack.members_decide);
    } else if (a->type == TX_MSG_INQUIRE) {
        assert_int_equal(a->inquire.in_doubt, b->inquire.in_doubt);
        assert_int_equal(a->inquire.wanted, b->inquire.wanted);
        same_positions(&a->inquire.known, 1, &b->inquire.known, 1);
        assert_int_equal(a->inquire.members_decide, b->inquire.members_decide);
        assert_string_equal(a->inquire.to.s, b->inquire.to.s);
        assert_int_equal(a->inquire.incarnation, b->inquire.incarnation);
    } else if (a->type == TX_MSG_STATE) {
        assert_int_equal(a->state.state, b->state.state);
        assert_int_equal(a->state.incarnation, b->state.incarnation);
        assert_int_equal(a->state.heuristic, b->state.heuristic);
        assert_int_equal(a->state.members_decide, b->state.members_decide);
        assert_int_equal(a->state.below_mark, b->state.below_mark);
    } else if (a->type == TX_MSG_FENCED) {
        same_positions(&a->fenced.known, 1, &b->fenced.known, 1);
    } else if (a->type == TX_MSG_HELLO) {
        assert_int_equal(a->hello.lsn.n, b->hello.lsn.n);
        same_positions(a->hello.starts, a->hello.starts_n, b->hello.starts, b->hello.starts_n);
        assert_int_equal(a->hello.age_counter, b->hello.age_counter);
        assert_int_equal(a->hello.number, b->hello.number);
        same_members(a->hello.nodes, a->hello.nodes_n, b->hello.nodes, b->hello.nodes_n);
    } else if (a->type == TX_MSG_WELCOME) {
        assert_int_equal(a->welcome.incarnation, b->welcome.incarnation);
        assert_int_equal(a->welcome.lsn.n, b->welcome.lsn.n);
        assert_int_equal(a->welcome.age_counter, b->welcome.age_counter);
        assert_int_equal(a->welcome.refusing, b->welcome.refusing);
        assert_int_equal(a->welcome.number, b->welcome.number);
        assert_int_equal(a->welcome.unsettled, b->welcome.unsettled);
        assert_int_equal(a->welcome.loss.lsn.n, b->welcome.loss.lsn.n);
        assert_int_equal(a->welcome.loss.start, b->welcome.loss.start);
        same_positions(a->welcome.starts, a->welcome.starts_n, b->welcome.starts,
                       b->welcome.starts_n);
    } else if (a->type == TX_MSG_COMMIT) {
        assert_int_equal(a->commit.lsn.n, b->commit.lsn.n);
        assert_int_equal(a->commit.incarnation, b->commit.incarnation);
    } else if (a->type == TX_MSG_ERROR) {
        assert_int_equal(a->error.req, b->error.req);
        assert_int_equal(a->error.error, b->error.error);
        assert_int_equal(a->error.reason, b->error.reason);
        same_bytes(a->error.text, b->error.text);
    }
}

void assert_same_msg(const struct tx_msg *a, const struct tx_msg *b)
{
    assert_int_equal(a->type, b->type);
    same_id(tx_msg_tx(a), tx_msg_tx(b));
    switch (a->type) {
    case TX_MSG_BEGUN:
        assert_int_equal(a->begun.req, b->begun.req);
        same_age(a->begun.age, b->begun.age);
        same_token(&a->begun.token, &b->begun.token);
        same_members(a->begun.nodes, a->begun.nodes_n, b->begun.nodes, b->begun.nodes_n);
        return;
    case TX_MSG_SUBMIT:
        same_submit(&a->submit, &b->submit);
        return;
    case TX_MSG_COMMIT_REQUEST:
    case TX_MSG_ABORT_REQUEST:
    case TX_MSG_OUTCOME_REQUEST:
        same_finish(&a->finish, &b->finish);
        return;
    case TX_MSG_OUTCOME:
        same_outcome(&a->outcome, &b->outcome);
        return;
    case TX_MSG_OPERATE:
    case TX_MSG_OPERATED:
    case TX_MSG_PREPARE:
        same_work(a, b);
        return;
    case TX_MSG_VOTE:
        same_vote(&a->vote, &b->vote);
        return;
    case TX_MSG_FORGET:
        same_forget(&a->forget, &b->forget);
        return;
    case TX_MSG_RESOLVE:
    case TX_MSG_STATUS_REQUEST:
    case TX_MSG_STATUS:
    case TX_MSG_LOCKS_REQUEST:
    case TX_MSG_LOCKS:
    case TX_MSG_CUT_REQUEST:
    case TX_MSG_CUT:
    case TX_MSG_BACKUP_REQUEST:
    case TX_MSG_BACKUP:
    case TX_MSG_ADMIN_REQUEST:
    case TX_MSG_TXS_REQUEST:
    case TX_MSG_TXS:
    case TX_MSG_ALARMS_REQUEST:
    case TX_MSG_ALARMS:
    case TX_MSG_PUT_ASIDE:
        sample_same_of_operators(a, b);
        return;
    case TX_MSG_BEGIN:
    case TX_MSG_COMMIT:
    case TX_MSG_ABORT:
    case TX_MSG_ACK:
    case TX_MSG_INQUIRE:
    case TX_MSG_STATE:
    case TX_MSG_FENCED:
    case TX_MSG_HELLO:
    case TX_MSG_WELCOME:
    case TX_MSG_ERROR:
    case TX_MSG_OUTCOME_ACK: /* the id is all of it, here and below */
    case TX_MSG_JOIN:
    case TX_MSG_WAIT:
        same_small(a, b);
        return;
    case TX_MSG_TYPES_N:
        break;
    }
    fail_msg("no message of type %u", (unsigned)a->type);
}

void assert_same_envelope(const struct tx_envelope *a, const struct tx_envelope *b)
{
    assert_string_equal(a->cluster, b->cluster);
    assert_int_equal(a->role, b->role);
    assert_string_equal(a->name.s, b->name.s);
    assert_int_equal(a->coordinator, b->coordinator);
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->life, b->life);
    assert_string_equal(a->address.s, b->address.s);
    assert_int_equal(a->cut, b->cut);
    assert_int_equal(a->generation, b->generation);
}
