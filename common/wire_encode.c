/* Messages to msgpack. The only file that includes msgpack.h: the decoder reads the bytes where
 * they lie. The fields of each message are put in wire_encode_client.c and wire_encode_peer.c. */
#include "common/assert.h"
#include "common/wire_encoder.h"

#include <stdlib.h>

#define COUNT_BYTES 4 /* of the head of an array32, after its first byte */
#define CUT_BYTES   9 /* of a number of eight bytes, with its first byte */

/* The writer goes on at `len`, wherever the buffer lies now. */
static void go_on_at(struct tx_frame_writer *w, size_t len)
{
    const size_t capacity = w->buf.capacity < w->frame_max ? w->buf.capacity : w->frame_max;
    if (w->buf.data == NULL) {
        return; /* no memory for the first bytes */
    }
    w->at = w->buf.data + len;
    w->limit = w->buf.data + (capacity > len ? capacity : len);
}

/* The way for all that does not fit into what is at hand: into a larger buffer, or not at all. */
static int append(void *arg, const char *data, size_t len)
{
    struct tx_frame_writer *w = arg;
    const size_t used = w->buf.data != NULL ? (size_t)(w->at - w->buf.data) : 0;
    if (used > w->frame_max || len > w->frame_max - used) {
        /* Nothing after it may slip in: the message is thrown away as a whole. */
        w->over = true;
        w->frame_max = 0;
        w->limit = w->at;
        return -1;
    }
    const size_t complete = w->buf.len;
    w->buf.len = used;
    tx_buf_append(&w->buf, tx_bytes(data, len));
    go_on_at(w, w->buf.len);
    w->buf.len = complete;
    return 0;
}

/* ---- values and lists ---- */

/* 1, 2, 4 or 8 bytes, which have room: the lead byte says how many. The number stands in the first
 * ones of eight; what follows is overwritten. */
static inline void put_number(struct tx_frame_writer *w, unsigned lead, unsigned form,
                              uint64_t value)
{
    const unsigned bytes = 1u << form;
    w->at[0] = (uint8_t)(lead + form);
    wire_store_be64(w->at + 1, value << (64 - 8 * bytes));
    w->at += 1 + bytes;
}

/* A number in as few bytes as it takes. */
void wire_put_long_u64(struct tx_frame_writer *w, uint64_t value)
{
    const unsigned form = value <= UINT8_MAX    ? 0u
                          : value <= UINT16_MAX ? 1u
                          : value <= UINT32_MAX ? 2u
                                                : 3u;
    if (value < WIRE_SMALL || !wire_has_room(w, 1 + sizeof value)) {
        (void)msgpack_pack_uint64(&w->packer, value);
        return;
    }
    put_number(w, WIRE_LEAD_UINT8, form, value);
}

void wire_put_long_i64(struct tx_frame_writer *w, int64_t value)
{
    const unsigned form = value >= INT8_MIN    ? 0u
                          : value >= INT16_MIN ? 1u
                          : value >= INT32_MIN ? 2u
                                               : 3u;
    if (!wire_has_room(w, 1 + sizeof value)) {
        (void)msgpack_pack_int64(&w->packer, value);
    } else if (value >= 0) {
        wire_put_u64(w, (uint64_t)value);
    } else if (value >= -32) {
        wire_put_byte(w, (uint64_t)value);
    } else {
        put_number(w, WIRE_LEAD_INT8, form, (uint64_t)value);
    }
}

void wire_put_long_bool(struct tx_frame_writer *w, bool value)
{
    (void)(value ? msgpack_pack_true(&w->packer) : msgpack_pack_false(&w->packer));
}

void wire_put_long_bytes(struct tx_frame_writer *w, struct tx_bytes bytes)
{
    (void)msgpack_pack_bin(&w->packer, bytes.len);
    if (bytes.len > 0) {
        (void)msgpack_pack_bin_body(&w->packer, bytes.data, bytes.len);
    }
}

void wire_put_long_array(struct tx_frame_writer *w, size_t count)
{
    (void)msgpack_pack_array(&w->packer, count);
}

void wire_put_text(struct tx_frame_writer *w, struct tx_bytes text)
{
    wire_put_bytes(w, tx_bytes(text.data, text.len < TX_TEXT_MAX ? text.len : TX_TEXT_MAX));
}

void wire_put_id(struct tx_frame_writer *w, struct tx_id id)
{
    wire_put_array(w, WIRE_ID_FIELDS);
    wire_put_u64(w, id.coordinator);
    wire_put_u64(w, id.epoch);
    wire_put_u64(w, id.seq);
}

void wire_put_age(struct tx_frame_writer *w, struct tx_age age)
{
    wire_put_array(w, WIRE_AGE_FIELDS);
    wire_put_u64(w, age.counter);
    wire_put_u64(w, age.coordinator);
}

void wire_put_token(struct tx_frame_writer *w, const struct tx_token *token)
{
    wire_put_bytes(w, tx_bytes(token->bytes, sizeof token->bytes));
}

bool wire_put_fits(const struct tx_frame_writer *w)
{
    return !w->over;
}

void wire_put_members(struct tx_frame_writer *w, const struct tx_member *members, size_t n)
{
    wire_put_array(w, n);
    for (size_t i = 0; i < n && !w->over; i++) {
        wire_put_array(w, WIRE_MEMBER_FIELDS);
        wire_put_string(w, members[i].name.s);
        wire_put_string(w, members[i].address.s);
        wire_put_u64(w, members[i].incarnation);
        wire_put_bool(w, members[i].read_only);
    }
}

void wire_put_ops(struct tx_frame_writer *w, const struct tx_op *ops, size_t n)
{
    wire_put_array(w, n);
    for (size_t i = 0; i < n && !w->over; i++) {
        const struct tx_op *op = &ops[i];
        wire_put_array(w, WIRE_OP_FIELDS);
        wire_put_u64(w, op->type);
        wire_put_string(w, op->participant.s);
        wire_put_bytes(w, op->space);
        wire_put_bytes(w, op->key);
        wire_put_bytes(w, op->value);
        wire_put_bool(w, op->absent);
        wire_put_i64(w, op->delta);
        wire_put_bool(w, op->has_min);
        wire_put_i64(w, op->min);
        wire_put_bool(w, op->has_max);
        wire_put_i64(w, op->max);
        wire_put_u64(w, op->mode);
        wire_put_bytes(w, op->to);
        wire_put_u64(w, op->limit);
        wire_put_bool(w, op->reverse);
    }
}

void wire_put_results(struct tx_frame_writer *w, const struct tx_result *results, size_t n)
{
    wire_put_array(w, n);
    for (size_t i = 0; i < n && !w->over; i++) {
        wire_put_array(w, WIRE_RESULT_FIELDS);
        wire_put_bool(w, results[i].found);
        wire_put_bytes(w, results[i].value);
    }
}

void wire_put_position(struct tx_frame_writer *w, struct tx_position position)
{
    wire_put_array(w, WIRE_POSITION_FIELDS);
    wire_put_u64(w, position.start);
    wire_put_u64(w, position.life);
    wire_put_u64(w, position.lsn.n);
}

void wire_put_positions(struct tx_frame_writer *w, const struct tx_position *positions, size_t n)
{
    wire_put_array(w, n);
    for (size_t i = 0; i < n && !w->over; i++) {
        wire_put_position(w, positions[i]);
    }
}

void wire_put_only_id(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_id *m = &msg->id;
    wire_put_id(w, m->id);
}

/* ---- the writer ---- */

/* In its longest form always, so that it can be written over. */
static void put_cut(struct tx_frame_writer *w, uint64_t cut)
{
    uint8_t bytes[CUT_BYTES] = {WIRE_LEAD_UINT8 + 3};
    wire_store_be64(bytes + 1, cut);
    (void)append(w, (const char *)bytes, sizeof bytes);
    w->cut_at = w->buf.failed ? 0 : (size_t)(w->at - w->buf.data) - sizeof cut;
}

static void put_prefix(struct tx_frame_writer *w, const struct tx_envelope *envelope)
{
    static const char count_head[1 + COUNT_BYTES] = {(char)0xdd};
    wire_put_array(w, WIRE_FRAME_FIELDS);
    wire_put_u64(w, TX_WIRE_VERSION);
    wire_put_array(w, WIRE_ENVELOPE_FIELDS);
    wire_put_string(w, envelope->cluster);
    wire_put_u64(w, envelope->role);
    wire_put_string(w, envelope->name.s);
    wire_put_u64(w, envelope->coordinator);
    wire_put_u64(w, envelope->start);
    wire_put_u64(w, envelope->life);
    wire_put_string(w, envelope->address.s);
    put_cut(w, envelope->cut);
    wire_put_u64(w, envelope->generation);
    (void)append(w, count_head, sizeof count_head);
}

struct tx_frame_writer *tx_frame_writer_new(const struct tx_envelope *envelope)
{
    struct tx_frame_writer *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return NULL;
    }
    msgpack_packer_init(&w->packer, w, append);
    w->frame_max = SIZE_MAX;
    w->objects = 1;
    put_prefix(w, envelope);
    if (w->buf.failed) {
        tx_frame_writer_destroy(&w);
        return NULL;
    }
    w->buf.len = (size_t)(w->at - w->buf.data);
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
    wire_put_message *const put_rest = wire_client_putters[msg->type] != NULL
                                           ? wire_client_putters[msg->type]
                                           : wire_peer_putters[msg->type];
    TX_ASSERT(put_rest != NULL);
    if (writer->count == TX_FRAME_MESSAGES_MAX) {
        return TX_ELIMIT;
    }
    const size_t objects_before = writer->objects;
    writer->frame_max = frame_max;
    writer->over = false;
    go_on_at(writer, writer->buf.len);
    writer->objects++; /* as an element of the frame's list */
    wire_put_array(writer, wire_message_elements(msg->type));
    wire_put_u64(writer, msg->type);
    put_rest(writer, msg);

    enum tx_error error = TX_OK;
    if (writer->over || writer->objects > TX_FRAME_OBJECTS_MAX) {
        error = TX_ELIMIT;
    } else if (writer->buf.failed) {
        error = TX_ENOMEM;
    }
    if (error == TX_OK) {
        writer->buf.len = (size_t)(writer->at - writer->buf.data);
        writer->count++;
    } else {
        writer->buf.failed = false;
        writer->objects = objects_before;
    }
    return error;
}

struct tx_encoded tx_frame_writer_encoded(const struct tx_frame_writer *writer)
{
    TX_ASSERT(writer->count == 1);
    return (struct tx_encoded){.bytes = tx_bytes(writer->buf.data + writer->prefix_len,
                                                 writer->buf.len - writer->prefix_len),
                               .objects = writer->objects - writer->prefix_objects};
}

enum tx_error tx_frame_writer_add_encoded(struct tx_frame_writer *writer, struct tx_encoded message,
                                          size_t frame_max)
{
    TX_ASSERT(message.bytes.len > 0);
    const size_t len_before = writer->buf.len;
    const size_t room = frame_max > len_before ? frame_max - len_before : 0;
    if (writer->count == TX_FRAME_MESSAGES_MAX || message.bytes.len > room ||
        message.objects > TX_FRAME_OBJECTS_MAX - writer->objects) {
        return TX_ELIMIT;
    }
    tx_buf_append(&writer->buf, message.bytes);
    if (writer->buf.failed) {
        writer->buf.len = len_before;
        writer->buf.failed = false;
        return TX_ENOMEM;
    }
    writer->count++;
    writer->objects += message.objects;
    return TX_OK;
}

void tx_frame_writer_set_cut(struct tx_frame_writer *writer, uint64_t cut)
{
    TX_ASSERT(writer->cut_at + sizeof cut < writer->prefix_len);
    wire_store_be64(writer->buf.data + writer->cut_at, cut);
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
