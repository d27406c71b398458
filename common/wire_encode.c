/* Messages to msgpack. The only file that includes msgpack.h: the decoder reads the bytes where
 * they lie. */
#include "common/assert.h"
#include "common/wire_internal.h"

#include <msgpack.h>

#include <stdlib.h>

/* A frame in the making. `buf` holds the frame's head, the envelope and the head of the array of
 * messages, all encoded once; then the messages. That array's count has a fixed width, and is
 * filled in at the end. */
struct tx_frame_writer {
    struct tx_buf buf;
    struct msgpack_packer packer;
    size_t prefix_len;     /* bytes of `buf` before the first message */
    size_t prefix_objects; /* objects among them */
    size_t count;
    size_t objects;
    size_t room; /* bytes that the frame may still grow by */
    bool over;   /* something did not fit */
};

#define COUNT_BYTES 4 /* of the head of an array32, after its first byte */

static int append(void *arg, const char *data, size_t len)
{
    struct tx_frame_writer *w = arg;
    if (len > w->room) {
        /* Nothing after it may slip in: the message is thrown away as a whole. */
        w->over = true;
        w->room = 0;
        return -1;
    }
    w->room -= len;
    struct tx_buf *buf = &w->buf;
    if (len <= 2 && len <= buf->capacity - buf->len && !buf->failed) {
        /* Most pieces are heads of a byte or two, which are put faster than handed on. */
        buf->data[buf->len] = (uint8_t)data[0];
        buf->data[buf->len + len - 1] = (uint8_t)data[len - 1];
        buf->len += len;
    } else {
        tx_buf_append(buf, tx_bytes(data, len));
    }
    return 0;
}

/* ---- values; what goes wrong is remembered by the writer and looked at once, at the end ---- */

static void put_u64(struct tx_frame_writer *w, uint64_t value)
{
    w->objects++;
    (void)msgpack_pack_uint64(&w->packer, value);
}

static void put_i64(struct tx_frame_writer *w, int64_t value)
{
    w->objects++;
    (void)msgpack_pack_int64(&w->packer, value);
}

static void put_bool(struct tx_frame_writer *w, bool value)
{
    w->objects++;
    (void)(value ? msgpack_pack_true(&w->packer) : msgpack_pack_false(&w->packer));
}

static void put_bytes(struct tx_frame_writer *w, struct tx_bytes bytes)
{
    w->objects++;
    (void)msgpack_pack_bin(&w->packer, bytes.len);
    if (bytes.len > 0) {
        (void)msgpack_pack_bin_body(&w->packer, bytes.data, bytes.len);
    }
}

static void put_string(struct tx_frame_writer *w, const char *string)
{
    put_bytes(w, tx_bytes_str(string));
}

/* Words for people: rather cut than refused by the receiver, together with all else in
 * the frame. */
static void put_text(struct tx_frame_writer *w, struct tx_bytes text)
{
    put_bytes(w, tx_bytes(text.data, text.len < TX_TEXT_MAX ? text.len : TX_TEXT_MAX));
}

static void put_array(struct tx_frame_writer *w, size_t count)
{
    w->objects++;
    (void)msgpack_pack_array(&w->packer, count);
}

static void put_id(struct tx_frame_writer *w, struct tx_id id)
{
    put_array(w, WIRE_ID_FIELDS);
    put_u64(w, id.coordinator);
    put_u64(w, id.epoch);
    put_u64(w, id.seq);
}

static void put_age(struct tx_frame_writer *w, struct tx_age age)
{
    put_array(w, WIRE_AGE_FIELDS);
    put_u64(w, age.counter);
    put_u64(w, age.coordinator);
}

static void put_token(struct tx_frame_writer *w, const struct tx_token *token)
{
    put_bytes(w, tx_bytes(token->bytes, sizeof token->bytes));
}

static void put_members(struct tx_frame_writer *w, const struct tx_member *members, size_t n)
{
    put_array(w, n);
    for (size_t i = 0; i < n && !w->over; i++) {
        put_array(w, WIRE_MEMBER_FIELDS);
        put_string(w, members[i].name.s);
        put_string(w, members[i].address.s);
        put_u64(w, members[i].incarnation);
        put_bool(w, members[i].read_only);
    }
}

static void put_ops(struct tx_frame_writer *w, const struct tx_op *ops, size_t n)
{
    put_array(w, n);
    for (size_t i = 0; i < n && !w->over; i++) {
        const struct tx_op *op = &ops[i];
        put_array(w, WIRE_OP_FIELDS);
        put_u64(w, op->type);
        put_string(w, op->participant.s);
        put_bytes(w, op->space);
        put_bytes(w, op->key);
        put_bytes(w, op->value);
        put_bool(w, op->absent);
        put_i64(w, op->delta);
        put_bool(w, op->has_min);
        put_i64(w, op->min);
        put_bool(w, op->has_max);
        put_i64(w, op->max);
        put_u64(w, op->mode);
    }
}

static void put_results(struct tx_frame_writer *w, const struct tx_result *results, size_t n)
{
    put_array(w, n);
    for (size_t i = 0; i < n && !w->over; i++) {
        put_array(w, WIRE_RESULT_FIELDS);
        put_bool(w, results[i].found);
        put_bytes(w, results[i].value);
    }
}

/* ---- messages: the fields in the order of the structs in common/msg.h ---- */

static void put_begun(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_begun *m = &msg->begun;
    put_u64(w, m->req);
    put_id(w, m->id);
    put_age(w, m->age);
    put_token(w, &m->token);
    put_members(w, m->nodes, m->nodes_n);
}

static void put_submit(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_submit *m = &msg->submit;
    put_u64(w, m->req);
    put_bytes(w, m->key);
    put_age(w, m->age);
    put_u64(w, m->timeout_ms);
    put_u64(w, m->lock_timeout_ms);
    put_ops(w, m->ops, m->ops_n);
}

static void put_finish(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_finish *m = &msg->finish;
    put_u64(w, m->req);
    put_id(w, m->id);
    put_token(w, &m->token);
    put_members(w, m->members, m->members_n);
}

static void put_outcome(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_outcome *m = &msg->outcome;
    put_u64(w, m->req);
    put_id(w, m->id);
    put_u64(w, m->outcome);
    put_u64(w, m->reason);
    put_string(w, m->who.s);
    put_text(w, m->text);
    put_age(w, m->age);
    put_bool(w, m->results_lost);
    put_results(w, m->results, m->results_n);
}

static void put_operate(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_operate *m = &msg->operate;
    put_u64(w, m->req);
    put_id(w, m->id);
    put_token(w, &m->token);
    put_age(w, m->age);
    put_u64(w, m->step);
    put_u64(w, m->lock_timeout_ms);
    put_ops(w, m->ops, m->ops_n);
}

static void put_operated(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_operated *m = &msg->operated;
    put_u64(w, m->req);
    put_id(w, m->id);
    put_u64(w, m->step);
    put_u64(w, m->incarnation);
    put_bool(w, m->wrote);
    put_u64(w, m->reason);
    put_text(w, m->text);
    put_results(w, m->results, m->results_n);
}

static void put_position(struct tx_frame_writer *w, struct tx_position position)
{
    put_array(w, WIRE_POSITION_FIELDS);
    put_u64(w, position.start);
    put_u64(w, position.life);
    put_u64(w, position.lsn.n);
}

static void put_positions(struct tx_frame_writer *w, const struct tx_position *positions, size_t n)
{
    put_array(w, n);
    for (size_t i = 0; i < n && !w->over; i++) {
        put_position(w, positions[i]);
    }
}

static void put_prepare(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_prepare *m = &msg->prepare;
    put_id(w, m->id);
    put_age(w, m->age);
    put_token(w, &m->token);
    put_bool(w, m->one_phase);
    put_bool(w, m->one_shot);
    put_u64(w, m->lock_timeout_ms);
    put_members(w, m->members, m->members_n);
    put_positions(w, m->known, m->members_n);
    put_ops(w, m->ops, m->ops_n);
}

static void put_vote(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_vote *m = &msg->vote;
    put_id(w, m->id);
    put_u64(w, m->vote);
    put_u64(w, m->incarnation);
    put_u64(w, m->lsn.n);
    put_u64(w, m->reason);
    put_text(w, m->text);
    put_results(w, m->results, m->results_n);
}

static void put_ack(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_ack *m = &msg->ack;
    put_id(w, m->id);
    put_u64(w, m->incarnation);
    put_u64(w, m->lsn.n);
    put_u64(w, m->heuristic);
}

static void put_state(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_state *m = &msg->state;
    put_id(w, m->id);
    put_u64(w, m->state);
    put_u64(w, m->incarnation);
    put_bool(w, m->heuristic);
}

static void put_forget(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_forget *m = &msg->forget;
    put_u64(w, m->epoch);
    put_u64(w, m->below);
    put_array(w, m->open_n);
    for (size_t i = 0; i < m->open_n && !w->over; i++) {
        put_u64(w, m->open[i]);
    }
}

static void put_welcome(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_welcome *m = &msg->welcome;
    put_u64(w, m->incarnation);
    put_u64(w, m->lsn.n);
    put_u64(w, m->age_counter);
    put_bool(w, m->refusing);
    put_u64(w, m->number);
    put_positions(w, m->starts, m->starts_n);
}

static void put_resolve(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_resolve *m = &msg->resolve;
    put_u64(w, m->req);
    put_id(w, m->id);
    put_bool(w, m->commit);
    put_string(w, m->operator_name.s);
}

static void put_status(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_status *m = &msg->status;
    put_u64(w, m->req);
    put_array(w, m->fields_n);
    for (size_t i = 0; i < m->fields_n && !w->over; i++) {
        put_array(w, WIRE_STATUS_FIELD_FIELDS);
        put_text(w, m->fields[i].name);
        put_text(w, m->fields[i].text);
    }
    put_array(w, m->txs_n);
    for (size_t i = 0; i < m->txs_n && !w->over; i++) {
        put_array(w, WIRE_STATUS_TX_FIELDS);
        put_id(w, m->txs[i].id);
        put_text(w, m->txs[i].state);
        put_u64(w, m->txs[i].age_ms);
        put_text(w, m->txs[i].detail);
    }
    put_array(w, m->peers_n);
    for (size_t i = 0; i < m->peers_n && !w->over; i++) {
        put_array(w, WIRE_STATUS_PEER_FIELDS);
        put_text(w, m->peers[i].name);
        put_text(w, m->peers[i].address);
        put_text(w, m->peers[i].state);
        put_u64(w, m->peers[i].start);
        put_u64(w, m->peers[i].silent_ms);
    }
}

static void put_error(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_error *m = &msg->error;
    put_u64(w, m->req);
    put_u64(w, m->error);
    put_u64(w, m->reason);
    put_text(w, m->text);
}

static void put_begin(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_begin *m = &msg->begin;
    put_u64(w, m->req);
    put_age(w, m->age);
}

static void put_only_id(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_id *m = &msg->id;
    put_id(w, m->id);
}

static void put_commit(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_commit *m = &msg->commit;
    put_id(w, m->id);
    put_u64(w, m->lsn.n);
}

static void put_abort(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_abort *m = &msg->abort;
    put_id(w, m->id);
    put_u64(w, m->reason);
}

static void put_inquire(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_inquire *m = &msg->inquire;
    put_id(w, m->id);
    put_bool(w, m->in_doubt);
    put_bool(w, m->wanted);
    put_position(w, m->known);
}

static void put_fenced(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_fenced *m = &msg->fenced;
    put_id(w, m->id);
    put_position(w, m->known);
}

static void put_hello(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_hello *m = &msg->hello;
    put_u64(w, m->lsn.n);
    put_u64(w, m->age_counter);
    put_u64(w, m->number);
    put_positions(w, m->starts, m->starts_n);
}

static void put_status_request(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_status_request *m = &msg->status_request;
    put_u64(w, m->req);
}

static void (*const put_fields[TX_MSG_TYPES_N])(struct tx_frame_writer *w,
                                                const struct tx_msg *msg) = {
    [TX_MSG_BEGIN] = put_begin,
    [TX_MSG_BEGUN] = put_begun,
    [TX_MSG_SUBMIT] = put_submit,
    [TX_MSG_COMMIT_REQUEST] = put_finish,
    [TX_MSG_ABORT_REQUEST] = put_finish,
    [TX_MSG_OUTCOME_REQUEST] = put_finish,
    [TX_MSG_OUTCOME] = put_outcome,
    [TX_MSG_OUTCOME_ACK] = put_only_id,
    [TX_MSG_JOIN] = put_only_id,
    [TX_MSG_COMMIT] = put_commit,
    [TX_MSG_WAIT] = put_only_id,
    [TX_MSG_OPERATE] = put_operate,
    [TX_MSG_OPERATED] = put_operated,
    [TX_MSG_PREPARE] = put_prepare,
    [TX_MSG_VOTE] = put_vote,
    [TX_MSG_ABORT] = put_abort,
    [TX_MSG_ACK] = put_ack,
    [TX_MSG_INQUIRE] = put_inquire,
    [TX_MSG_STATE] = put_state,
    [TX_MSG_FORGET] = put_forget,
    [TX_MSG_FENCED] = put_fenced,
    [TX_MSG_HELLO] = put_hello,
    [TX_MSG_WELCOME] = put_welcome,
    [TX_MSG_RESOLVE] = put_resolve,
    [TX_MSG_STATUS_REQUEST] = put_status_request,
    [TX_MSG_STATUS] = put_status,
    [TX_MSG_ERROR] = put_error,
};

/* ---- the writer ---- */

static void put_prefix(struct tx_frame_writer *w, const struct tx_envelope *envelope)
{
    static const char count_head[1 + COUNT_BYTES] = {(char)0xdd};
    put_array(w, WIRE_FRAME_FIELDS);
    put_u64(w, TX_WIRE_VERSION);
    put_array(w, WIRE_ENVELOPE_FIELDS);
    put_string(w, envelope->cluster);
    put_u64(w, envelope->role);
    put_string(w, envelope->name.s);
    put_u64(w, envelope->coordinator);
    put_u64(w, envelope->start);
    put_u64(w, envelope->life);
    put_string(w, envelope->address.s);
    w->objects++;
    (void)append(w, count_head, sizeof count_head);
}

struct tx_frame_writer *tx_frame_writer_new(const struct tx_envelope *envelope)
{
    struct tx_frame_writer *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return NULL;
    }
    msgpack_packer_init(&w->packer, w, append);
    w->room = SIZE_MAX;
    put_prefix(w, envelope);
    if (w->buf.failed) {
        tx_frame_writer_destroy(&w);
        return NULL;
    }
    w->prefix_len = w->buf.len;
    w->prefix_objects = w->objects;
    return w;
}

void tx_frame_writer_destroy(struct tx_frame_writer **writer)
{
    if (*writer != NULL) {
        tx_buf_deinit(&(*writer)->buf);
        free(*writer);
        *writer = NULL;
    }
}

enum tx_error tx_frame_writer_add(struct tx_frame_writer *writer, const struct tx_msg *msg,
                                  size_t frame_max)
{
    TX_ASSERT((unsigned)msg->type < TX_MSG_TYPES_N);
    if (writer->count == TX_FRAME_MESSAGES_MAX) {
        return TX_ELIMIT;
    }
    const size_t len_before = writer->buf.len;
    const size_t objects_before = writer->objects;
    writer->room = frame_max > len_before ? frame_max - len_before : 0;
    writer->over = false;
    put_array(writer, wire_message_elements(msg->type));
    put_u64(writer, msg->type);
    put_fields[msg->type](writer, msg);

    enum tx_error error = TX_OK;
    if (writer->over || writer->objects > TX_FRAME_OBJECTS_MAX) {
        error = TX_ELIMIT;
    } else if (writer->buf.failed) {
        error = TX_ENOMEM;
    }
    if (error == TX_OK) {
        writer->count++;
    } else {
        writer->buf.len = len_before;
        writer->buf.failed = false;
        writer->objects = objects_before;
    }
    return error;
}

size_t tx_frame_writer_count(const struct tx_frame_writer *writer)
{
    return writer->count;
}

struct tx_bytes tx_frame_writer_finish(struct tx_frame_writer *writer)
{
    TX_ASSERT(writer->count <= TX_FRAME_MESSAGES_MAX);
    uint8_t *at = writer->buf.data + writer->prefix_len - COUNT_BYTES;
    for (unsigned i = 0; i < COUNT_BYTES; i++) {
        at[i] = (uint8_t)(writer->count >> (8 * (COUNT_BYTES - 1 - i)));
    }
    return tx_buf_view(&writer->buf);
}

void tx_frame_writer_clear(struct tx_frame_writer *writer)
{
    writer->buf.len = writer->prefix_len;
    writer->objects = writer->prefix_objects;
    writer->count = 0;
}
