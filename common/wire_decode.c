/* Msgpack to messages: one pass over a checked frame, from head to head. Views point into the
 * frame, arrays into the arena; an array is made only for a count that its limit and the bytes at
 * hand allow.
 *
 * The first thing that is wrong is kept in the decoder, with its message and field; from then on
 * every getter returns zero. A message can thus be decoded field by field and looked at once, at
 * its end. */
#include "common/wire_internal.h"

#include <stdio.h>
#include <string.h>

struct decoder {
    const uint8_t *at;
    const uint8_t *end;
    struct tx_arena *arena;
    struct tx_why *why;
    enum tx_error error;
    const char *message; /* "envelope" or the message's name: where an error is */
    const char *list;    /* the list that is being decoded, NULL for none */
    size_t index;        /* of its element */
};

#define PLACE_TEXT 96

/* "PREPARE members[3].address", "PREPARE one_shot". */
static const char *place(const struct decoder *d, const char *field, char out[PLACE_TEXT])
{
    if (d->list == NULL) {
        (void)snprintf(out, PLACE_TEXT, "%s %s", d->message, field);
    } else {
        (void)snprintf(out, PLACE_TEXT, "%s %s[%zu]%s%s", d->message, d->list, d->index,
                       field[0] != '\0' ? "." : "", field);
    }
    return out;
}

__attribute__((cold)) static void fail(struct decoder *d, const char *field, const char *expected)
{
    char where[PLACE_TEXT];
    if (d->error == TX_OK) {
        d->error = tx_why(d->why, TX_EFORMAT, "%s: %s expected", place(d, field, where), expected);
    }
}

__attribute__((cold)) static void fail_limit(struct decoder *d, const char *field, uint64_t got,
                                             uint64_t max)
{
    char where[PLACE_TEXT];
    if (d->error == TX_OK) {
        d->error = tx_why(d->why, TX_ELIMIT, "%s: %llu, and at most %llu are allowed",
                          place(d, field, where), (unsigned long long)got, (unsigned long long)max);
    }
}

/* ---- values ---- */

static inline size_t left(const struct decoder *d)
{
    return (size_t)(d->end - d->at);
}

/* The next head; one of kind WIRE_NEVER once something is wrong. */
static inline struct wire_head get_head(struct decoder *d)
{
    if (d->error != TX_OK) {
        return (struct wire_head){0, WIRE_NEVER, 0};
    }
    struct wire_head head = wire_head_at(d->at, left(d));
    d->at += head.size;
    return head;
}

static uint64_t get_uint(struct decoder *d, const char *field, uint64_t max)
{
    struct wire_head head = get_head(d);
    if (head.kind != WIRE_UINT) {
        fail(d, field, "an integer not below zero");
        return 0;
    }
    if (head.number > max) {
        fail_limit(d, field, head.number, max);
        return 0;
    }
    return head.number;
}

static uint64_t get_u64(struct decoder *d, const char *field)
{
    return get_uint(d, field, UINT64_MAX);
}

static uint32_t get_u32(struct decoder *d, const char *field)
{
    return (uint32_t)get_uint(d, field, UINT32_MAX);
}

static int64_t get_i64(struct decoder *d, const char *field)
{
    struct wire_head head = get_head(d);
    bool fits = head.kind == WIRE_INT || (head.kind == WIRE_UINT && head.number <= INT64_MAX);
    if (!fits) {
        fail(d, field, "a signed 64-bit integer");
        return 0;
    }
    return (int64_t)head.number;
}

static bool get_bool(struct decoder *d, const char *field)
{
    struct wire_head head = get_head(d);
    if (head.kind != WIRE_BOOL) {
        fail(d, field, "a boolean");
        return false;
    }
    return head.number != 0;
}

/* An enum's number below `values_n`. */
static unsigned get_enum(struct decoder *d, const char *field, unsigned values_n)
{
    struct wire_head head = get_head(d);
    if (head.kind != WIRE_UINT || head.number >= values_n) {
        fail(d, field, "a number of the known ones");
        return 0;
    }
    return (unsigned)head.number;
}

static struct tx_bytes get_bytes(struct decoder *d, const char *field, size_t max)
{
    struct wire_head head = get_head(d);
    if (head.kind != WIRE_BIN || head.number > left(d)) {
        fail(d, field, "bytes");
        return tx_bytes(NULL, 0);
    }
    if (head.number > max) {
        fail_limit(d, field, head.number, max);
        return tx_bytes(NULL, 0);
    }
    struct tx_bytes bytes = tx_bytes(d->at, (size_t)head.number);
    d->at += bytes.len;
    return bytes;
}

/* The head of an array of exactly `count` elements. */
static void get_fields(struct decoder *d, const char *field, uint64_t count)
{
    struct wire_head head = get_head(d);
    if (head.kind != WIRE_ARRAY || head.number != count) {
        fail(d, field, "an array of the fields of this version");
    }
}

/* The count of an array of at most `max` elements, and zeroed memory for them. */
static void *get_list(struct decoder *d, const char *field, size_t max, size_t size, size_t *count)
{
    *count = 0;
    struct wire_head head = get_head(d);
    if (head.kind != WIRE_ARRAY || head.number > left(d)) {
        fail(d, field, "an array");
        return NULL;
    }
    if (head.number > max) {
        fail_limit(d, field, head.number, max);
        return NULL;
    }
    if (head.number == 0) {
        return NULL;
    }
    void *list = tx_arena_alloc(d->arena, (size_t)head.number, size);
    if (list == NULL) {
        d->error = tx_why(d->why, TX_ENOMEM, "%s %s: no memory for %llu elements", d->message,
                          field, (unsigned long long)head.number);
        return NULL;
    }
    *count = (size_t)head.number;
    return list;
}

static struct tx_bytes get_text(struct decoder *d, const char *field)
{
    return get_bytes(d, field, TX_TEXT_MAX);
}

/* Names and addresses are written where they belong, which is zeroed memory: copies of them would
 * cost more than all the rest of a member. */
static void get_name_or_none(struct decoder *d, const char *field, struct tx_name *name)
{
    struct tx_bytes text = get_bytes(d, field, TX_NAME_MAX);
    if (text.len > 0 && tx_name_set(name, text) != TX_OK) {
        fail(d, field, "a name of letters, digits, '-', '_' and '.'");
    }
}

static void get_name(struct decoder *d, const char *field, struct tx_name *name)
{
    get_name_or_none(d, field, name);
    if (name->s[0] == '\0') {
        fail(d, field, "a name");
    }
}

static void get_address(struct decoder *d, const char *field, struct tx_address *address)
{
    if (tx_address_set(address, get_bytes(d, field, TX_ADDRESS_MAX)) != TX_OK) {
        fail(d, field, "an address");
    }
}

static struct tx_id get_id_or_none(struct decoder *d)
{
    get_fields(d, "id", WIRE_ID_FIELDS);
    struct tx_id id;
    id.coordinator = get_u32(d, "id");
    id.epoch = get_u64(d, "id");
    id.seq = get_u64(d, "id");
    if (!tx_id_valid(id) && !tx_id_equal(id, (struct tx_id){0})) {
        fail(d, "id", "a transaction's id");
    }
    return id;
}

static struct tx_id get_id(struct decoder *d)
{
    struct tx_id id = get_id_or_none(d);
    if (!tx_id_valid(id)) {
        fail(d, "id", "a transaction's id");
    }
    return id;
}

static struct tx_age get_age(struct decoder *d)
{
    get_fields(d, "age", WIRE_AGE_FIELDS);
    struct tx_age age;
    age.counter = get_u64(d, "age");
    age.coordinator = (uint32_t)get_uint(d, "age", TX_COORDINATOR_ID_MAX);
    return age;
}

static struct tx_token get_token(struct decoder *d)
{
    struct tx_token token = {0};
    struct tx_bytes bytes = get_bytes(d, "token", sizeof token.bytes);
    if (bytes.len != sizeof token.bytes) {
        fail(d, "token", "16 bytes");
        return token;
    }
    memcpy(token.bytes, bytes.data, sizeof token.bytes);
    return token;
}

/* ---- lists ---- */

/* May another element be decoded? Also says, for the texts of errors, which one it is. */
static bool next_element(struct decoder *d, const char *list, size_t index, size_t count)
{
    bool more = index < count && d->error == TX_OK;
    d->list = more ? list : NULL;
    d->index = index;
    return more;
}

static const struct tx_member *get_members(struct decoder *d, const char *field, size_t max,
                                           size_t *count)
{
    struct tx_member *members = get_list(d, field, max, sizeof *members, count);
    for (size_t i = 0; next_element(d, field, i, *count); i++) {
        get_fields(d, "", WIRE_MEMBER_FIELDS);
        get_name(d, "name", &members[i].name);
        get_address(d, "address", &members[i].address);
        members[i].incarnation = get_u64(d, "incarnation");
        members[i].read_only = get_bool(d, "read_only");
    }
    return members;
}

static struct tx_position get_position(struct decoder *d, const char *field)
{
    get_fields(d, field, WIRE_POSITION_FIELDS);
    struct tx_position position;
    position.start = get_u64(d, "start");
    position.life = get_u64(d, "life");
    position.lsn.n = get_u64(d, "lsn");
    return position;
}

static const struct tx_position *get_positions(struct decoder *d, const char *field, size_t max,
                                               size_t *count)
{
    struct tx_position *positions = get_list(d, field, max, sizeof *positions, count);
    for (size_t i = 0; next_element(d, field, i, *count); i++) {
        positions[i] = get_position(d, "");
    }
    return positions;
}

static void get_op(struct decoder *d, struct tx_op *op)
{
    get_fields(d, "", WIRE_OP_FIELDS);
    op->type = (enum tx_op_type)get_enum(d, "type", TX_OP_TYPES_N);
    get_name_or_none(d, "participant", &op->participant);
    op->space = get_bytes(d, "space", TX_SPACE_MAX);
    op->key = get_bytes(d, "key", TX_KEY_MAX);
    op->value = get_bytes(d, "value", TX_VALUE_MAX);
    op->absent = get_bool(d, "absent");
    op->delta = get_i64(d, "delta");
    op->has_min = get_bool(d, "has_min");
    op->min = get_i64(d, "min");
    op->has_max = get_bool(d, "has_max");
    op->max = get_i64(d, "max");
    op->mode = (enum tx_lock_mode)get_enum(d, "mode", TX_LOCK_MODES_N);
}

static void check_op(struct decoder *d, const struct tx_op *op)
{
    struct tx_why reason;
    enum tx_error error = d->error == TX_OK ? tx_op_validate(op, &reason) : TX_OK;
    if (error != TX_OK) {
        /* An operation that can never run is the mistake of who made the frame. */
        error = error == TX_ELIMIT ? TX_ELIMIT : TX_EFORMAT;
        d->error =
            tx_why(d->why, error, "%s %s[%zu]: %.300s", d->message, d->list, d->index, reason.text);
    }
}

/* `placed`: must each operation name its participant? */
static const struct tx_op *get_ops(struct decoder *d, bool placed, size_t *count)
{
    struct tx_op *ops = get_list(d, "ops", TX_OPS_MAX, sizeof *ops, count);
    for (size_t i = 0; next_element(d, "ops", i, *count); i++) {
        get_op(d, &ops[i]);
        if (placed && ops[i].participant.s[0] == '\0') {
            fail(d, "participant", "a name");
        }
        check_op(d, &ops[i]);
    }
    return ops;
}

static const struct tx_result *get_results(struct decoder *d, size_t *count)
{
    struct tx_result *results = get_list(d, "results", TX_OPS_MAX, sizeof *results, count);
    for (size_t i = 0; next_element(d, "results", i, *count); i++) {
        get_fields(d, "", WIRE_RESULT_FIELDS);
        results[i].found = get_bool(d, "found");
        results[i].value = get_bytes(d, "value", TX_VALUE_MAX);
    }
    return results;
}

static const uint64_t *get_open(struct decoder *d, uint64_t below, size_t *count)
{
    uint64_t *open = get_list(d, "open", TX_OPEN_IDS_MAX, sizeof *open, count);
    for (size_t i = 0; next_element(d, "open", i, *count); i++) {
        open[i] = get_u64(d, "");
        if (open[i] >= below || (i > 0 && open[i] <= open[i - 1])) {
            fail(d, "", "a sequence below the mark, in ascending order");
        }
    }
    return open;
}

static const struct tx_status_field *get_status_fields(struct decoder *d, size_t *count)
{
    struct tx_status_field *rows = get_list(d, "fields", TX_STATUS_ROWS_MAX, sizeof *rows, count);
    for (size_t i = 0; next_element(d, "fields", i, *count); i++) {
        get_fields(d, "", WIRE_STATUS_FIELD_FIELDS);
        rows[i].name = get_text(d, "name");
        rows[i].text = get_text(d, "text");
    }
    return rows;
}

static const struct tx_status_tx *get_status_txs(struct decoder *d, size_t *count)
{
    struct tx_status_tx *rows = get_list(d, "txs", TX_STATUS_ROWS_MAX, sizeof *rows, count);
    for (size_t i = 0; next_element(d, "txs", i, *count); i++) {
        get_fields(d, "", WIRE_STATUS_TX_FIELDS);
        rows[i].id = get_id(d);
        rows[i].state = get_text(d, "state");
        rows[i].age_ms = get_u64(d, "age_ms");
        rows[i].detail = get_text(d, "detail");
    }
    return rows;
}

static const struct tx_status_peer *get_status_peers(struct decoder *d, size_t *count)
{
    struct tx_status_peer *rows = get_list(d, "peers", TX_STATUS_ROWS_MAX, sizeof *rows, count);
    for (size_t i = 0; next_element(d, "peers", i, *count); i++) {
        get_fields(d, "", WIRE_STATUS_PEER_FIELDS);
        rows[i].name = get_text(d, "name");
        rows[i].address = get_text(d, "address");
        rows[i].state = get_text(d, "state");
        rows[i].start = get_u64(d, "start");
        rows[i].silent_ms = get_u64(d, "silent_ms");
    }
    return rows;
}

static enum tx_reason get_reason(struct decoder *d)
{
    return (enum tx_reason)get_enum(d, "reason", TX_REASONS_N);
}

/* ---- messages: the fields in the order of the structs in common/msg.h ---- */

static void get_begun(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_begun *m = &msg->begun;
    m->req = get_u64(d, "req");
    m->id = get_id(d);
    m->age = get_age(d);
    m->token = get_token(d);
    m->nodes = get_members(d, "nodes", TX_NODES_MAX, &m->nodes_n);
}

static void get_submit(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_submit *m = &msg->submit;
    m->req = get_u64(d, "req");
    m->key = get_bytes(d, "key", TX_IDEMPOTENCY_KEY_MAX);
    m->age = get_age(d);
    m->timeout_ms = get_u32(d, "timeout_ms");
    m->lock_timeout_ms = get_u32(d, "lock_timeout_ms");
    m->ops = get_ops(d, true, &m->ops_n);
}

static void get_finish(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_finish *m = &msg->finish;
    m->req = get_u64(d, "req");
    m->id = get_id(d);
    m->token = get_token(d);
    m->members = get_members(d, "members", TX_MEMBERS_MAX, &m->members_n);
}

static void get_outcome(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_outcome *m = &msg->outcome;
    m->req = get_u64(d, "req");
    m->id = get_id(d);
    m->outcome = (enum tx_outcome)get_enum(d, "outcome", TX_OUTCOMES_N);
    m->reason = get_reason(d);
    get_name_or_none(d, "who", &m->who);
    m->text = get_text(d, "text");
    m->age = get_age(d);
    m->results_lost = get_bool(d, "results_lost");
    m->results = get_results(d, &m->results_n);
}

static void get_operate(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_operate *m = &msg->operate;
    m->req = get_u64(d, "req");
    m->id = get_id(d);
    m->token = get_token(d);
    m->age = get_age(d);
    m->step = get_u32(d, "step");
    m->lock_timeout_ms = get_u32(d, "lock_timeout_ms");
    m->ops = get_ops(d, false, &m->ops_n);
}

static void get_operated(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_operated *m = &msg->operated;
    m->req = get_u64(d, "req");
    m->id = get_id(d);
    m->step = get_u32(d, "step");
    m->incarnation = get_u64(d, "incarnation");
    m->wrote = get_bool(d, "wrote");
    m->reason = get_reason(d);
    m->text = get_text(d, "text");
    m->results = get_results(d, &m->results_n);
}

static void get_prepare(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_prepare *m = &msg->prepare;
    m->id = get_id(d);
    m->age = get_age(d);
    m->token = get_token(d);
    m->one_phase = get_bool(d, "one_phase");
    m->one_shot = get_bool(d, "one_shot");
    m->lock_timeout_ms = get_u32(d, "lock_timeout_ms");
    m->members = get_members(d, "members", TX_MEMBERS_MAX, &m->members_n);
    if (m->members_n == 0) {
        fail(d, "members", "the receiver at least");
    }
    size_t known_n;
    m->known = get_positions(d, "known", TX_MEMBERS_MAX, &known_n);
    if (known_n != m->members_n) {
        fail(d, "known", "a position of each member");
    }
    m->ops = get_ops(d, false, &m->ops_n);
}

static void get_vote(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_vote *m = &msg->vote;
    m->id = get_id(d);
    m->vote = (enum tx_vote)get_enum(d, "vote", TX_VOTES_N);
    m->incarnation = get_u64(d, "incarnation");
    m->lsn.n = get_u64(d, "lsn");
    m->reason = get_reason(d);
    m->text = get_text(d, "text");
    m->results = get_results(d, &m->results_n);
}

static void get_ack(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_ack *m = &msg->ack;
    m->id = get_id(d);
    m->incarnation = get_u64(d, "incarnation");
    m->lsn.n = get_u64(d, "lsn");
    m->heuristic = (enum tx_heuristic)get_enum(d, "heuristic", TX_HEURISTICS_N);
}

static void get_state(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_state *m = &msg->state;
    m->id = get_id(d);
    m->state = (enum tx_state)get_enum(d, "state", TX_STATES_N);
    m->incarnation = get_u64(d, "incarnation");
    m->heuristic = get_bool(d, "heuristic");
}

static void get_forget(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_forget *m = &msg->forget;
    m->epoch = get_u64(d, "epoch");
    m->below = get_u64(d, "below");
    m->open = get_open(d, m->below, &m->open_n);
}

static void get_welcome(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_welcome *m = &msg->welcome;
    m->incarnation = get_u64(d, "incarnation");
    m->lsn.n = get_u64(d, "lsn");
    m->age_counter = get_u64(d, "age_counter");
    m->refusing = get_bool(d, "refusing");
    m->number = get_u64(d, "number");
    m->starts = get_positions(d, "starts", TX_LINEAGE_MAX, &m->starts_n);
}

static void get_resolve(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_resolve *m = &msg->resolve;
    m->req = get_u64(d, "req");
    m->id = get_id(d);
    m->commit = get_bool(d, "commit");
    get_name(d, "operator_name", &m->operator_name);
}

static void get_status(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_status *m = &msg->status;
    m->req = get_u64(d, "req");
    m->fields = get_status_fields(d, &m->fields_n);
    m->txs = get_status_txs(d, &m->txs_n);
    m->peers = get_status_peers(d, &m->peers_n);
}

static void get_error(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_error *m = &msg->error;
    m->req = get_u64(d, "req");
    m->error = (enum tx_error)get_enum(d, "error", TX_ERRORS_N);
    m->reason = get_reason(d);
    m->text = get_text(d, "text");
}

static void get_begin(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_begin *m = &msg->begin;
    m->req = get_u64(d, "req");
    m->age = get_age(d);
}

static void get_only_id(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_id *m = &msg->id;
    m->id = get_id(d);
}

static void get_commit(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_commit *m = &msg->commit;
    m->id = get_id(d);
    m->lsn.n = get_u64(d, "lsn");
}

static void get_abort(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_abort *m = &msg->abort;
    m->id = get_id(d);
    m->reason = get_reason(d);
}

static void get_inquire(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_inquire *m = &msg->inquire;
    m->id = get_id(d);
    m->in_doubt = get_bool(d, "in_doubt");
    m->wanted = get_bool(d, "wanted");
    m->known = get_position(d, "known");
}

static void get_fenced(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_fenced *m = &msg->fenced;
    m->id = get_id_or_none(d);
    m->known = get_position(d, "known");
}

static void get_hello(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_hello *m = &msg->hello;
    m->lsn.n = get_u64(d, "lsn");
    m->age_counter = get_u64(d, "age_counter");
    m->number = get_u64(d, "number");
    m->starts = get_positions(d, "starts", TX_LINEAGE_MAX, &m->starts_n);
}

static void get_status_request(struct decoder *d, struct tx_msg *msg)
{
    struct tx_msg_status_request *m = &msg->status_request;
    m->req = get_u64(d, "req");
}

static void (*const get_fields_of[TX_MSG_TYPES_N])(struct decoder *d, struct tx_msg *msg) = {
    [TX_MSG_BEGIN] = get_begin,
    [TX_MSG_BEGUN] = get_begun,
    [TX_MSG_SUBMIT] = get_submit,
    [TX_MSG_COMMIT_REQUEST] = get_finish,
    [TX_MSG_ABORT_REQUEST] = get_finish,
    [TX_MSG_OUTCOME_REQUEST] = get_finish,
    [TX_MSG_OUTCOME] = get_outcome,
    [TX_MSG_OUTCOME_ACK] = get_only_id,
    [TX_MSG_JOIN] = get_only_id,
    [TX_MSG_COMMIT] = get_commit,
    [TX_MSG_WAIT] = get_only_id,
    [TX_MSG_OPERATE] = get_operate,
    [TX_MSG_OPERATED] = get_operated,
    [TX_MSG_PREPARE] = get_prepare,
    [TX_MSG_VOTE] = get_vote,
    [TX_MSG_ABORT] = get_abort,
    [TX_MSG_ACK] = get_ack,
    [TX_MSG_INQUIRE] = get_inquire,
    [TX_MSG_STATE] = get_state,
    [TX_MSG_FORGET] = get_forget,
    [TX_MSG_FENCED] = get_fenced,
    [TX_MSG_HELLO] = get_hello,
    [TX_MSG_WELCOME] = get_welcome,
    [TX_MSG_RESOLVE] = get_resolve,
    [TX_MSG_STATUS_REQUEST] = get_status_request,
    [TX_MSG_STATUS] = get_status,
    [TX_MSG_ERROR] = get_error,
};

/* The type comes before the array's length can be judged, since the length depends on it. */
static void get_message(struct decoder *d, struct tx_msg *msg)
{
    struct wire_head head = get_head(d);
    if (head.kind != WIRE_ARRAY || head.number == 0) {
        fail(d, "", "an array that begins with a type");
        return;
    }
    msg->type = (enum tx_msg_type)get_enum(d, "type", TX_MSG_TYPES_N);
    if (d->error != TX_OK) {
        return;
    }
    d->list = NULL;
    d->message = tx_msg_name(msg->type);
    if (head.number != wire_message_elements(msg->type)) {
        fail(d, "fields", "as many as this version knows");
        return;
    }
    get_fields_of[msg->type](d, msg);
}

static struct tx_msg *get_messages(struct decoder *d, size_t *count)
{
    d->message = "frame";
    struct tx_msg *messages =
        get_list(d, "messages", TX_FRAME_MESSAGES_MAX, sizeof *messages, count);
    for (size_t i = 0; next_element(d, "messages", i, *count); i++) {
        d->message = "frame";
        get_message(d, &messages[i]);
    }
    return messages;
}

/* ---- the frame ---- */

/* What an envelope says of its sender must fit together: see struct tx_envelope. */
static void check_envelope(struct decoder *d, const struct tx_envelope *envelope)
{
    bool named = envelope->name.s[0] != '\0';
    bool numbered = envelope->coordinator != 0;
    bool fits = false;
    switch (envelope->role) {
    case TX_ROLE_CLIENT:
        fits = !numbered;
        break;
    case TX_ROLE_COORDINATOR:
        fits = numbered && !named;
        break;
    case TX_ROLE_PARTICIPANT:
        fits = named && !numbered;
        break;
    case TX_ROLES_N:
        break;
    }
    if (!fits) {
        fail(d, "name and coordinator", "those of the sender's role");
    }
}

static void get_envelope(struct decoder *d, struct tx_envelope *envelope)
{
    d->message = "envelope";
    get_fields(d, "fields", WIRE_ENVELOPE_FIELDS);
    struct tx_bytes cluster = get_bytes(d, "cluster", TX_CLUSTER_MAX);
    if (cluster.len > 0 && memchr(cluster.data, '\0', cluster.len) != NULL) {
        fail(d, "cluster", "text");
        return;
    }
    if (cluster.len > 0) {
        memcpy(envelope->cluster, cluster.data, cluster.len);
    }
    envelope->role = (enum tx_role)get_enum(d, "role", TX_ROLES_N);
    get_name_or_none(d, "name", &envelope->name);
    envelope->coordinator = (uint32_t)get_uint(d, "coordinator", TX_COORDINATOR_ID_MAX);
    envelope->start = get_u64(d, "start");
    envelope->life = get_u64(d, "life");
    get_address(d, "address", &envelope->address);
    check_envelope(d, envelope);
}

/* The version is looked at before the rest, which another version may lay out differently. */
static void get_version(struct decoder *d)
{
    d->message = "frame";
    struct wire_head head = get_head(d);
    if (head.kind != WIRE_ARRAY || head.number == 0) {
        fail(d, "head", "an array that begins with a version");
        return;
    }
    uint64_t version = get_u64(d, "version");
    if (d->error == TX_OK && version != TX_WIRE_VERSION) {
        d->error = tx_why(d->why, TX_EVERSION, "frame: version %llu, and this program knows %u",
                          (unsigned long long)version, TX_WIRE_VERSION);
    } else if (head.number != WIRE_FRAME_FIELDS) {
        fail(d, "fields", "version, envelope and messages");
    }
}

enum tx_error tx_frame_decode(struct tx_bytes bytes, size_t frame_max, struct tx_arena *arena,
                              struct tx_frame *frame, struct tx_why *why)
{
    *frame = (struct tx_frame){0};
    enum tx_error error = tx_frame_check(bytes, frame_max, why);
    if (error != TX_OK) {
        return error;
    }
    struct decoder d = {
        .at = bytes.data,
        .end = bytes.data + bytes.len,
        .arena = arena,
        .why = why,
    };
    get_version(&d);
    get_envelope(&d, &frame->envelope);
    frame->messages = get_messages(&d, &frame->messages_n);
    if (d.error != TX_OK) {
        *frame = (struct tx_frame){0}; /* nothing half decoded gets out */
    }
    return d.error;
}
