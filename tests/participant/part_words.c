/* The driver's words: messages, states, what was sent, and what was expected. */
#include "part_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* After the others, as it asks for. */
#include <cmocka.h>

/* ---- messages ---- */

struct tx_envelope driver_envelope(const struct driver *d, uint32_t coordinator, uint64_t epoch)
{
    struct tx_envelope envelope = {.role = TX_ROLE_COORDINATOR,
                                   .coordinator = coordinator,
                                   .start = epoch,
                                   .life = d->life,
                                   .cut = d->cut};
    (void)snprintf(envelope.address.s, sizeof envelope.address.s, "coordinator-%u", coordinator);
    return envelope;
}

void driver_from(struct driver *d, const struct tx_envelope *envelope, const struct tx_msg *msg)
{
    driver_step(d, &(struct part_event){.type = PART_EVENT_MESSAGE,
                                        .envelope = envelope,
                                        .msg = msg,
                                        .wall_ms = 1700000000000});
}

void driver_from_coordinator(struct driver *d, const struct tx_msg *msg)
{
    struct tx_envelope envelope = driver_envelope(d, DRIVER_COORDINATOR, d->epoch);
    driver_from(d, &envelope, msg);
}

void driver_from_peer(struct driver *d, const char *name, const struct tx_msg *msg)
{
    struct tx_envelope envelope = {.role = TX_ROLE_PARTICIPANT, .start = 1, .cut = d->cut};
    (void)snprintf(envelope.name.s, sizeof envelope.name.s, "%s", name);
    (void)snprintf(envelope.address.s, sizeof envelope.address.s, "participant-%s", name);
    driver_from(d, &envelope, msg);
}

void driver_from_client(struct driver *d, uint64_t client, const struct tx_msg *msg)
{
    struct tx_envelope envelope = {.role = TX_ROLE_CLIENT};
    driver_step(d, &(struct part_event){.type = PART_EVENT_MESSAGE,
                                        .client = client,
                                        .envelope = &envelope,
                                        .msg = msg,
                                        .wall_ms = 1700000000000});
}

struct tx_id driver_id(const struct driver *d, uint64_t seq)
{
    return (struct tx_id){DRIVER_COORDINATOR, d->epoch, seq};
}

struct tx_op driver_op(enum tx_op_type type, const char *key, const char *value)
{
    return (struct tx_op){.type = type,
                          .space = tx_bytes_str("s"),
                          .key = tx_bytes_str(key),
                          .value = tx_bytes_str(value),
                          .mode = type == TX_OP_LOCK ? TX_LOCK_X : TX_LOCK_NONE};
}

struct tx_op driver_scan_op(const char *from, const char *to, uint32_t limit, bool reverse)
{
    return (struct tx_op){.type = TX_OP_SCAN,
                          .space = tx_bytes_str("s"),
                          .key = tx_bytes_str(from),
                          .to = tx_bytes_str(to),
                          .limit = limit,
                          .reverse = reverse};
}

static struct tx_token token_of(struct tx_id id)
{
    struct tx_token token = {{0}};
    token.bytes[0] = (uint8_t)id.seq;
    token.bytes[1] = 0x5a;
    return token;
}

/* Later sequences are younger, unless a test sets `age`. */
static struct tx_age age_of(const struct driver *d, struct tx_id id)
{
    return (struct tx_age){d->age + id.seq, id.coordinator};
}

void driver_hello_from(struct driver *d, const struct tx_position *starts, size_t n, uint64_t lsn)
{
    struct tx_msg msg = {.type = TX_MSG_HELLO,
                         .hello = {.lsn = {lsn},
                                   .age_counter = 5,
                                   .number = ++d->hellos,
                                   .starts = starts,
                                   .starts_n = n}};
    if (n > 0)
        d->life = starts[n - 1].life;
    driver_from_coordinator(d, &msg);
}

void driver_hello(struct driver *d, uint64_t epoch, uint64_t life)
{
    struct tx_position start = {epoch, life, {1000 * epoch}};
    d->epoch = epoch;
    driver_hello_from(d, &start, 1, 1000 * epoch);
}

void driver_operate(struct driver *d, struct tx_id id, uint32_t step, const struct tx_op *ops,
                    size_t n)
{
    struct tx_msg msg = {.type = TX_MSG_OPERATE,
                         .operate = {.req = 100 + step,
                                     .id = id,
                                     .token = token_of(id),
                                     .age = age_of(d, id),
                                     .step = step,
                                     .isolation = d->isolation,
                                     .ops = ops,
                                     .ops_n = n}};
    driver_from_client(d, 1, &msg);
}

void driver_do(struct driver *d, uint64_t seq, uint32_t step, enum tx_op_type type, const char *key,
               const char *value)
{
    struct tx_op op = driver_op(type, key, value);
    driver_operate(d, driver_id(d, seq), step, &op, 1);
}

static struct tx_member member(const char *name, uint64_t incarnation, bool read_only)
{
    struct tx_member made = {.incarnation = incarnation, .read_only = read_only};
    (void)snprintf(made.name.s, sizeof made.name.s, "%s", name);
    (void)snprintf(made.address.s, sizeof made.address.s, "participant-%s", name);
    return made;
}

const struct tx_position driver_known_b = {2, 0xb2, {812}};
const struct tx_position driver_known_c = {1, 0xc1, {40}};

void driver_prepare(struct driver *d, struct tx_id id, unsigned flags, const struct tx_op *ops,
                    size_t n)
{
    bool alone = (flags & (DRIVER_ONE_PHASE | DRIVER_ALONE)) != 0;
    struct tx_member members[3] = {
        member("b", DRIVER_PEERS_INCARNATION, (flags & DRIVER_B_READ_ONLY) != 0),
        member(DRIVER_SELF, d->options.incarnation - ((flags & DRIVER_OLD) != 0),
               (flags & DRIVER_READ_ONLY) != 0),
        member("c", DRIVER_PEERS_INCARNATION, false),
    };
    const struct tx_position known[3] = {
        driver_known_b, {d->options.incarnation, d->options.life, {1}}, driver_known_c};
    struct tx_msg msg = {.type = TX_MSG_PREPARE,
                         .prepare = {.id = id,
                                     .age = age_of(d, id),
                                     .token = token_of(id),
                                     .one_phase = (flags & DRIVER_ONE_PHASE) != 0,
                                     .one_shot = (flags & DRIVER_ONE_SHOT) != 0,
                                     .members = alone ? members + 1 : members,
                                     .members_n = alone ? 1 : 3,
                                     .known = alone ? known + 1 : known,
                                     .isolation = d->isolation,
                                     .ops = ops,
                                     .ops_n = n,
                                     .members_decide = d->members_decide,
                                     .results_max = d->results_max}};
    if ((flags & DRIVER_BAD_TOKEN) != 0)
        msg.prepare.token.bytes[5] = 1;
    driver_from_coordinator(d, &msg);
}

void driver_commit(struct driver *d, struct tx_id id)
{
    driver_from_coordinator(d, &(struct tx_msg){.type = TX_MSG_COMMIT, .commit = {.id = id}});
}

void driver_abort(struct driver *d, struct tx_id id)
{
    driver_from_coordinator(
        d, &(struct tx_msg){.type = TX_MSG_ABORT, .abort = {id, TX_REASON_CLIENT, true}});
}

void driver_inquire(struct driver *d, struct tx_id id)
{
    driver_from_coordinator(d, &(struct tx_msg){.type = TX_MSG_INQUIRE, .inquire = {.id = id}});
}

void driver_inquire_peer(struct driver *d, const char *name, struct tx_id id, bool in_doubt)
{
    struct tx_msg msg = {.type = TX_MSG_INQUIRE, .inquire = {.id = id, .in_doubt = in_doubt}};
    driver_from_peer(d, name, &msg);
}

void driver_inquire_knowing(struct driver *d, const char *name, struct tx_id id,
                            struct tx_position known)
{
    struct tx_msg msg = {.type = TX_MSG_INQUIRE,
                         .inquire = {.id = id, .in_doubt = true, .known = known}};
    driver_from_peer(d, name, &msg);
}

void driver_state_of(struct driver *d, const char *name, struct tx_id id, enum tx_state state,
                     uint64_t incarnation)
{
    struct tx_msg msg = {.type = TX_MSG_STATE,
                         .state = {.id = id,
                                   .state = state,
                                   .incarnation = incarnation,
                                   .members_decide = d->members_decide}};
    driver_from_peer(d, name, &msg);
}

void driver_state(struct driver *d, const char *name, struct tx_id id, enum tx_state state)
{
    driver_state_of(d, name, id, state, DRIVER_PEERS_INCARNATION);
}

void driver_wait(struct driver *d, struct tx_id id)
{
    driver_from_coordinator(d, &(struct tx_msg){.type = TX_MSG_WAIT, .id = {id}});
}

void driver_forget(struct driver *d, uint64_t epoch, uint64_t below, const uint64_t *open, size_t n)
{
    struct tx_msg msg = {.type = TX_MSG_FORGET, .forget = {epoch, below, open, n}};
    driver_from_coordinator(d, &msg);
}

void driver_resolve(struct driver *d, struct tx_id id, bool commit)
{
    struct tx_msg msg = {.type = TX_MSG_RESOLVE, .resolve = {.req = 9, .id = id, .commit = commit}};
    (void)snprintf(msg.resolve.operator_name.s, sizeof msg.resolve.operator_name.s, "olga");
    driver_from_client(d, 3, &msg);
}

/* ---- states ---- */

struct tx_id driver_make_working(struct driver *d, uint64_t seq)
{
    char key[32];
    char value[32];
    (void)snprintf(key, sizeof key, "k%u", (unsigned)seq);
    (void)snprintf(value, sizeof value, "v%u", (unsigned)seq);
    driver_do(d, seq, 1, TX_OP_PUT, key, value);
    expect_state(d, driver_id(d, seq), "working");
    driver_clear(d);
    return driver_id(d, seq);
}

struct tx_id driver_make_preparing(struct driver *d, uint64_t seq)
{
    struct tx_id id = driver_make_working(d, seq);
    driver_prepare(d, id, 0, NULL, 0);
    expect_state(d, id, "preparing");
    driver_clear(d);
    return id;
}

struct tx_id driver_make_prepared(struct driver *d, uint64_t seq)
{
    struct tx_id id = driver_make_preparing(d, seq);
    driver_sync(d);
    expect_state(d, id, "prepared");
    driver_clear(d);
    return id;
}

struct tx_id driver_make_committed(struct driver *d, uint64_t seq)
{
    struct tx_id id = driver_make_prepared(d, seq);
    driver_commit(d, id);
    driver_sync(d);
    expect_state(d, id, "committed");
    driver_clear(d);
    return id;
}

struct tx_id driver_make_heuristic(struct driver *d, uint64_t seq, bool commit)
{
    struct tx_id id = driver_make_prepared(d, seq);
    driver_resolve(d, id, commit);
    driver_sync(d);
    expect_state(d, id, "heuristic");
    driver_clear(d);
    return id;
}

struct tx_id driver_make_tombstone(struct driver *d, uint64_t seq)
{
    struct tx_id id = driver_make_working(d, seq);
    driver_abort(d, id);
    expect_state(d, id, "tombstone");
    driver_clear(d);
    return id;
}

void driver_make_forgotten(struct driver *d, uint64_t below)
{
    driver_forget(d, d->epoch, below, NULL, 0);
    driver_clear(d);
}

/* ---- looking ---- */

void driver_clear(struct driver *d)
{
    if (d->calls_n == 0) /* their operations live in the arena */
        tx_arena_reset(&d->arena);
    d->sent_n = 0;
    d->notes_n = 0;
}

size_t driver_count(const struct driver *d, enum tx_msg_type type)
{
    size_t n = 0;
    for (size_t i = 0; i < d->sent_n; i++)
        n += d->sent[i].msg.type == type;
    return n;
}

size_t driver_asked(const struct driver *d, const char *address)
{
    size_t n = 0;
    for (size_t i = 0; i < d->sent_n; i++)
        n += d->sent[i].msg.type == TX_MSG_INQUIRE && strcmp(d->sent[i].to.address.s, address) == 0;
    return n;
}

static const struct driver_sent *last_sent(const struct driver *d, enum tx_msg_type type)
{
    for (size_t i = d->sent_n; i-- > 0;) {
        if (d->sent[i].msg.type == type)
            return &d->sent[i];
    }
    fail_msg("no %s was sent", tx_msg_name(type));
    return NULL;
}

const struct tx_msg *driver_last(const struct driver *d, enum tx_msg_type type)
{
    return &last_sent(d, type)->msg;
}

const struct part_peer *driver_last_to(const struct driver *d, enum tx_msg_type type)
{
    return &last_sent(d, type)->to;
}

bool driver_noted(const struct driver *d, enum part_action_type type, const char *part)
{
    for (size_t i = 0; i < d->notes_n; i++) {
        if (d->notes[i].type == type && strstr(d->notes[i].text, part) != NULL)
            return true;
    }
    return false;
}

size_t driver_records(const struct driver *d, enum txlog_type type)
{
    struct tx_arena arena = {0};
    size_t n = 0;
    for (uint64_t lsn = 1; lsn <= d->log_n; lsn++) {
        struct txlog_record record;
        driver_decode(d, lsn, &arena, &record);
        n += record.type == type;
    }
    tx_arena_deinit(&arena);
    return n;
}

struct part_stats driver_stats(const struct driver *d)
{
    struct part_stats stats;
    part_core_stats(d->core, d->now_us, &stats);
    return stats;
}

/* ---- expectations ---- */

void expect_state(const struct driver *d, struct tx_id id, const char *state)
{
    assert_string_equal(part_core_state_name(d->core, id), state);
}

void expect_vote(const struct driver *d, struct tx_id id, enum tx_vote vote)
{
    const struct tx_msg_vote *sent = &driver_last(d, TX_MSG_VOTE)->vote;
    assert_true(tx_id_equal(sent->id, id));
    assert_string_equal(tx_vote_name(sent->vote), tx_vote_name(vote));
    assert_int_equal(sent->incarnation, d->options.incarnation);
    assert_string_equal(driver_last_to(d, TX_MSG_VOTE)->address.s, "coordinator-1");
    if (vote == TX_VOTE_YES || vote == TX_VOTE_COMMITTED)
        assert_int_equal(sent->lsn.n, d->durable);
    else
        assert_int_equal(sent->lsn.n, 0);
}

void expect_no(const struct driver *d, struct tx_id id, enum tx_reason reason)
{
    expect_vote(d, id, TX_VOTE_NO);
    assert_string_equal(tx_reason_name(driver_last(d, TX_MSG_VOTE)->vote.reason),
                        tx_reason_name(reason));
}

void expect_answer(const struct driver *d, struct tx_id id, enum tx_state state)
{
    const struct tx_msg_state *sent = &driver_last(d, TX_MSG_STATE)->state;
    assert_true(tx_id_equal(sent->id, id));
    assert_string_equal(tx_state_name(sent->state), tx_state_name(state));
    assert_int_equal(sent->incarnation, d->options.incarnation);
}

void expect_ack(const struct driver *d, struct tx_id id, enum tx_heuristic heuristic)
{
    const struct tx_msg_ack *sent = &driver_last(d, TX_MSG_ACK)->ack;
    assert_true(tx_id_equal(sent->id, id));
    assert_int_equal(sent->heuristic, heuristic);
    assert_int_equal(sent->lsn.n, d->durable);
}

void expect_silence(const struct driver *d)
{
    if (d->sent_n > 0)
        fail_msg("%s was sent", tx_msg_name(d->sent[0].msg.type));
}

void expect_operated(const struct driver *d, enum tx_reason reason)
{
    const struct tx_msg_operated *sent = &driver_last(d, TX_MSG_OPERATED)->operated;
    assert_string_equal(tx_reason_name(sent->reason), tx_reason_name(reason));
    assert_true(driver_last_to(d, TX_MSG_OPERATED)->is_client);
}

void expect_error(const struct driver *d, enum tx_error error, enum tx_reason reason)
{
    const struct tx_msg_error *sent = &driver_last(d, TX_MSG_ERROR)->error;
    assert_string_equal(tx_error_name(sent->error), tx_error_name(error));
    assert_string_equal(tx_reason_name(sent->reason), tx_reason_name(reason));
    assert_true(sent->text.len > 0);
}

void expect_alarms(const struct driver *d, uint64_t n)
{
    assert_int_equal(driver_stats(d).alarms, n);
}
