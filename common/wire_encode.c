/* Messages to msgpack. The only file that includes msgpack.h: the decoder reads the bytes where
 * they lie. The fields of each message are put in wire_encode_client.c and wire_encode_peer.c. */
#include "common/assert.h"
#include "common/wire_encoder.h"

#include <msgpack.h>

#include <stdlib.h>
#include <string.h>

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

#define COUNT_BYTES 4    /* of the head of an array32, after its first byte */
#define WIRE_SMALL  0x80 /* integers from 0 to below this are a byte */

/* Where the next `len` bytes go when nothing has to be looked after; else NULL. What nearly all of
 * a message consists of is put there directly, in the same form that msgpack gives it. */
static inline uint8_t *at_once(struct tx_frame_writer *w, size_t len)
{
    struct tx_buf *buf = &w->buf;
    if (len > w->room || len > buf->capacity - buf->len || buf->failed) {
        return NULL;
    }
    uint8_t *at = buf->data + buf->len;
    w->room -= len;
    buf->len += len;
    return at;
}

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
    tx_buf_append(&w->buf, tx_bytes(data, len));
    return 0;
}

/* A head of one byte; false when it has to go the long way. */
static inline bool put_byte(struct tx_frame_writer *w, uint64_t byte)
{
    uint8_t *at = at_once(w, 1);
    if (at != NULL) {
        *at = (uint8_t)byte;
    }
    return at != NULL;
}

/* ---- values and lists ---- */

/* A number in as few bytes as it takes: the lead byte says 1, 2, 4 or 8. */
static bool put_number(struct tx_frame_writer *w, uint64_t value)
{
    const unsigned form = value <= UINT8_MAX    ? 0u
                          : value <= UINT16_MAX ? 1u
                          : value <= UINT32_MAX ? 2u
                                                : 3u;
    const unsigned bytes = 1u << form;
    uint8_t *at = at_once(w, 1 + bytes);
    if (at == NULL) {
        return false;
    }
    *at++ = (uint8_t)(0xcc + form);
    for (unsigned shift = 8 * bytes; shift > 0;) {
        shift -= 8;
        *at++ = (uint8_t)(value >> shift);
    }
    return true;
}

void wire_put_u64(struct tx_frame_writer *w, uint64_t value)
{
    w->objects++;
    if (!(value < WIRE_SMALL ? put_byte(w, value) : put_number(w, value))) {
        (void)msgpack_pack_uint64(&w->packer, value);
    }
}

void wire_put_i64(struct tx_frame_writer *w, int64_t value)
{
    w->objects++;
    if (value < 0 || value >= WIRE_SMALL || !put_byte(w, (uint64_t)value)) {
        (void)msgpack_pack_int64(&w->packer, value);
    }
}

void wire_put_bool(struct tx_frame_writer *w, bool value)
{
    w->objects++;
    if (!put_byte(w, value ? 0xc3 : 0xc2)) {
        (void)(value ? msgpack_pack_true(&w->packer) : msgpack_pack_false(&w->packer));
    }
}

void wire_put_bytes(struct tx_frame_writer *w, struct tx_bytes bytes)
{
    uint8_t *at = bytes.len <= UINT8_MAX ? at_once(w, 2 + bytes.len) : NULL;
    w->objects++;
    if (at == NULL) {
        (void)msgpack_pack_bin(&w->packer, bytes.len);
    } else {
        at[0] = 0xc4;
        at[1] = (uint8_t)bytes.len;
    }
    if (bytes.len == 0) {
        return;
    }
    if (at == NULL) {
        (void)msgpack_pack_bin_body(&w->packer, bytes.data, bytes.len);
    } else {
        memcpy(at + 2, bytes.data, bytes.len);
    }
}

void wire_put_string(struct tx_frame_writer *w, const char *string)
{
    wire_put_bytes(w, tx_bytes_str(string));
}

void wire_put_text(struct tx_frame_writer *w, struct tx_bytes text)
{
    wire_put_bytes(w, tx_bytes(text.data, text.len < TX_TEXT_MAX ? text.len : TX_TEXT_MAX));
}

void wire_put_array(struct tx_frame_writer *w, size_t count)
{
    w->objects++;
    if (count > 0x0f || !put_byte(w, 0x90 | count)) {
        (void)msgpack_pack_array(&w->packer, count);
    }
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
    wire_put_message *const put_rest = wire_client_putters[msg->type] != NULL
                                           ? wire_client_putters[msg->type]
                                           : wire_peer_putters[msg->type];
    TX_ASSERT(put_rest != NULL);
    if (writer->count == TX_FRAME_MESSAGES_MAX) {
        return TX_ELIMIT;
    }
    const size_t len_before = writer->buf.len;
    const size_t objects_before = writer->objects;
    writer->room = frame_max > len_before ? frame_max - len_before : 0;
    writer->over = false;
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
        writer->count++;
    } else {
        writer->buf.len = len_before;
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
