#include "common/wire_decoder.h"

#include <stdio.h>
#include <string.h>

#define PLACE_TEXT 96

/* "PREPARE members[3].address", "PREPARE one_shot". */
static const char *place(const struct wire_decoder *d, const char *field, char out[PLACE_TEXT])
{
    if (d->list == NULL) {
        (void)snprintf(out, PLACE_TEXT, "%s %s", d->message, field);
    } else {
        (void)snprintf(out, PLACE_TEXT, "%s %s[%zu]%s%s", d->message, d->list, d->index,
                       field[0] != '\0' ? "." : "", field);
    }
    return out;
}

/* Remembers what is wrong, and leaves nothing to read. */
static void stop(struct wire_decoder *d, enum tx_error error)
{
    d->error = error;
    d->at = d->end;
}

__attribute__((cold)) void wire_fail(struct wire_decoder *d, const char *field,
                                     const char *expected)
{
    char where[PLACE_TEXT];
    if (d->error == TX_OK) {
        stop(d, tx_why(d->why, TX_EFORMAT, "%s: %s expected", place(d, field, where), expected));
    }
}

__attribute__((cold)) static void fail_limit(struct wire_decoder *d, const char *field,
                                             uint64_t got, uint64_t max)
{
    char where[PLACE_TEXT];
    if (d->error == TX_OK) {
        stop(d, tx_why(d->why, TX_ELIMIT, "%s: %llu, and at most %llu are allowed",
                       place(d, field, where), (unsigned long long)got, (unsigned long long)max));
    }
}

/* ---- values ---- */

uint64_t wire_get_long_uint(struct wire_decoder *d, const char *field, uint64_t max)
{
    const uint8_t lead = wire_lead(d);
    if ((lead & 0xfc) == WIRE_LEAD_UINT8 && wire_left(d) > sizeof(uint64_t)) {
        /* Of one, two, four or eight bytes, where eight may be read. */
        const unsigned bytes = 1u << (lead & 3);
        const uint64_t number = wire_load_be64(d->at + 1) >> (64 - 8 * bytes);
        if (number <= max) {
            d->at += 1 + bytes;
            return number;
        }
    }
    struct wire_head head = wire_get_head(d);
    if (head.kind != WIRE_UINT) {
        wire_fail(d, field, "an integer not below zero");
        return 0;
    }
    if (head.number > max) {
        fail_limit(d, field, head.number, max);
        return 0;
    }
    return head.number;
}

int64_t wire_get_long_i64(struct wire_decoder *d, const char *field)
{
    struct wire_head head = wire_get_head(d);
    bool fits = head.kind == WIRE_INT || (head.kind == WIRE_UINT && head.number <= INT64_MAX);
    if (!fits) {
        wire_fail(d, field, "a signed 64-bit integer");
        return 0;
    }
    return (int64_t)head.number;
}

bool wire_get_no_bool(struct wire_decoder *d, const char *field)
{
    wire_fail(d, field, "a boolean");
    return false;
}

__attribute__((cold)) unsigned wire_get_no_enum(struct wire_decoder *d, const char *field,
                                                unsigned values_n)
{
    struct wire_head head = wire_get_head(d); /* of a form longer than it need be, perhaps */
    if (head.kind != WIRE_UINT || head.number >= values_n) {
        wire_fail(d, field, "a number of the known ones");
        return 0;
    }
    return (unsigned)head.number;
}

struct tx_bytes wire_get_long_bytes(struct wire_decoder *d, const char *field, size_t max)
{
    struct wire_head head = wire_get_head(d);
    if (head.kind != WIRE_BIN || head.number > wire_left(d)) {
        wire_fail(d, field, "bytes");
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

void wire_get_long_fields(struct wire_decoder *d, const char *field, uint64_t count)
{
    struct wire_head head = wire_get_head(d);
    if (head.kind != WIRE_ARRAY || head.number != count) {
        wire_fail(d, field, "an array of the fields of this version");
        return;
    }
    d->objects += (size_t)count;
}

void *wire_get_raw_list(struct wire_decoder *d, const char *field, size_t max, size_t size,
                        size_t *count)
{
    *count = 0;
    struct wire_head head = wire_get_head(d);
    if (head.kind != WIRE_ARRAY || head.number > wire_left(d)) {
        wire_fail(d, field, "an array");
        return NULL;
    }
    if (head.number > max) {
        fail_limit(d, field, head.number, max);
        return NULL;
    }
    if (head.number == 0) {
        return NULL;
    }
    d->objects += (size_t)head.number;
    void *list = tx_arena_take(d->arena, (size_t)head.number, size);
    if (list == NULL) {
        stop(d, tx_why(d->why, TX_ENOMEM, "%s %s: no memory for %llu elements", d->message, field,
                       (unsigned long long)head.number));
        return NULL;
    }
    *count = (size_t)head.number;
    return list;
}

void *wire_get_list(struct wire_decoder *d, const char *field, size_t max, size_t size,
                    size_t *count)
{
    void *list = wire_get_raw_list(d, field, max, size, count);
    return list != NULL ? memset(list, 0, *count * size) : NULL;
}

struct tx_bytes wire_get_text(struct wire_decoder *d, const char *field)
{
    return wire_get_bytes(d, field, TX_TEXT_MAX);
}

/* Names and addresses are written where they belong: copies of them would cost more than all the
 * rest of a member. */
void wire_get_name_or_none(struct wire_decoder *d, const char *field, struct tx_name *name)
{
    struct tx_bytes text = wire_get_bytes(d, field, TX_NAME_MAX);
    if (text.len == 0) {
        *name = (struct tx_name){""};
    } else if (tx_name_set(name, text) != TX_OK) {
        *name = (struct tx_name){""};
        wire_fail(d, field, "a name of letters, digits, '-', '_' and '.'");
    }
}

void wire_get_name(struct wire_decoder *d, const char *field, struct tx_name *name)
{
    wire_get_name_or_none(d, field, name);
    if (name->s[0] == '\0') {
        wire_fail(d, field, "a name");
    }
}

void wire_get_address(struct wire_decoder *d, const char *field, struct tx_address *address)
{
    if (tx_address_set(address, wire_get_bytes(d, field, TX_ADDRESS_MAX)) != TX_OK) {
        wire_fail(d, field, "an address");
    }
}

static inline struct tx_id get_any_id(struct wire_decoder *d)
{
    wire_get_fields(d, "id", WIRE_ID_FIELDS);
    struct tx_id id;
    id.coordinator = wire_get_u32(d, "id");
    id.epoch = wire_get_u64(d, "id");
    id.seq = wire_get_u64(d, "id");
    return id;
}

struct tx_id wire_get_id_or_none(struct wire_decoder *d)
{
    struct tx_id id = get_any_id(d);
    if (!tx_id_valid(id) && !tx_id_equal(id, (struct tx_id){0})) {
        wire_fail(d, "id", "a transaction's id");
    }
    return id;
}

struct tx_id wire_get_id(struct wire_decoder *d)
{
    struct tx_id id = get_any_id(d);
    if (!tx_id_valid(id)) {
        wire_fail(d, "id", "a transaction's id");
    }
    return id;
}

struct tx_age wire_get_age(struct wire_decoder *d)
{
    wire_get_fields(d, "age", WIRE_AGE_FIELDS);
    struct tx_age age;
    age.counter = wire_get_u64(d, "age");
    age.coordinator = (uint32_t)wire_get_uint(d, "age", TX_COORDINATOR_ID_MAX);
    return age;
}

struct tx_token wire_get_token(struct wire_decoder *d)
{
    struct tx_token token = {0};
    struct tx_bytes bytes = wire_get_bytes(d, "token", sizeof token.bytes);
    if (bytes.len != sizeof token.bytes) {
        wire_fail(d, "token", "16 bytes");
        return token;
    }
    memcpy(token.bytes, bytes.data, sizeof token.bytes);
    return token;
}

enum tx_reason wire_get_reason(struct wire_decoder *d)
{
    return (enum tx_reason)wire_get_enum(d, "reason", TX_REASONS_N);
}

/* ---- lists ---- */

const struct tx_member *wire_get_members(struct wire_decoder *d, const char *field, size_t max,
                                         size_t *count)
{
    struct tx_member *members = wire_get_list(d, field, max, sizeof *members, count);
    for (size_t i = 0; wire_next_element(d, field, i, *count); i++) {
        wire_get_fields(d, "", WIRE_MEMBER_FIELDS);
        wire_get_name(d, "name", &members[i].name);
        wire_get_address(d, "address", &members[i].address);
        members[i].incarnation = wire_get_u64(d, "incarnation");
        members[i].read_only = wire_get_bool(d, "read_only");
    }
    return members;
}

struct tx_position wire_get_position(struct wire_decoder *d, const char *field)
{
    wire_get_fields(d, field, WIRE_POSITION_FIELDS);
    struct tx_position position;
    position.start = wire_get_u64(d, "start");
    position.life = wire_get_u64(d, "life");
    position.lsn.n = wire_get_u64(d, "lsn");
    return position;
}

const struct tx_position *wire_get_positions(struct wire_decoder *d, const char *field, size_t max,
                                             size_t *count)
{
    struct tx_position *positions = wire_get_list(d, field, max, sizeof *positions, count);
    for (size_t i = 0; wire_next_element(d, field, i, *count); i++) {
        positions[i] = wire_get_position(d, "");
    }
    return positions;
}

static void get_op(struct wire_decoder *d, struct tx_op *op)
{
    wire_get_fields(d, "", WIRE_OP_FIELDS);
    op->type = (enum tx_op_type)wire_get_enum(d, "type", TX_OP_TYPES_N);
    wire_get_name_or_none(d, "participant", &op->participant);
    op->space = wire_get_bytes(d, "space", TX_SPACE_MAX);
    op->key = wire_get_bytes(d, "key", TX_BOUND_MAX); /* of a SCAN; tx_op_validate() knows */
    op->value = wire_get_bytes(d, "value", TX_VALUE_MAX);
    op->absent = wire_get_bool(d, "absent");
    op->delta = wire_get_i64(d, "delta");
    op->has_min = wire_get_bool(d, "has_min");
    op->min = wire_get_i64(d, "min");
    op->has_max = wire_get_bool(d, "has_max");
    op->max = wire_get_i64(d, "max");
    op->mode = (enum tx_lock_mode)wire_get_enum(d, "mode", TX_LOCK_MODES_N);
    op->to = wire_get_bytes(d, "to", TX_BOUND_MAX);
    op->limit = wire_get_u32(d, "limit");
    op->reverse = wire_get_bool(d, "reverse");
}

static void check_op(struct wire_decoder *d, const struct tx_op *op)
{
    struct tx_why reason;
    enum tx_error error = d->error == TX_OK ? tx_op_validate(op, &reason) : TX_OK;
    if (error != TX_OK) {
        /* An operation that can never run is the mistake of who made the frame. */
        error = error == TX_ELIMIT ? TX_ELIMIT : TX_EFORMAT;
        stop(d, tx_why(d->why, error, "%s %s[%zu]: %.300s", d->message, d->list, d->index,
                       reason.text));
    }
}

/* `placed`: must each operation name its participant? */
const struct tx_op *wire_get_ops(struct wire_decoder *d, bool placed, size_t *count)
{
    struct tx_op *ops = wire_get_list(d, "ops", TX_OPS_MAX, sizeof *ops, count);
    for (size_t i = 0; wire_next_element(d, "ops", i, *count); i++) {
        get_op(d, &ops[i]);
        if (placed && ops[i].participant.s[0] == '\0') {
            wire_fail(d, "participant", "a name");
        }
        check_op(d, &ops[i]);
    }
    return ops;
}

const struct tx_result *wire_get_results(struct wire_decoder *d, size_t *count)
{
    struct tx_result *results = wire_get_list(d, "results", TX_OPS_MAX, sizeof *results, count);
    for (size_t i = 0; wire_next_element(d, "results", i, *count); i++) {
        wire_get_fields(d, "", WIRE_RESULT_FIELDS);
        results[i].found = wire_get_bool(d, "found");
        results[i].value = wire_get_bytes(d, "value", TX_ROWS_BYTES_MAX);
    }
    return results;
}

void wire_get_only_id(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_id *m = &msg->id;
    m->id = wire_get_id(d);
}
