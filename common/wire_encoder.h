/* The values and lists that the encoders of messages put into a frame in the making. What goes
 * wrong is remembered by the writer and looked at once, when the message is complete.
 *
 * What nearly all of a message consists of is put in place, without a call, as long as the buffer
 * has the room at hand; the functions in wire_encode.c do the rest, in the same form. */
#ifndef ASSENT_COMMON_WIRE_ENCODER_H
#define ASSENT_COMMON_WIRE_ENCODER_H

#include "common/wire_internal.h"

#include <msgpack.h>

/* A frame in the making. `buf` holds the frame's head, the envelope and the head of the array of
 * messages, all encoded once; then the messages. That array's count has a fixed width, and is
 * filled in at the end; so has the envelope's cut, which may change before the frame leaves. */
struct tx_frame_writer {
    struct tx_buf buf; /* its length is that of the messages that are complete */
    uint8_t *at;       /* where the message in the making goes on */
    uint8_t *limit;    /* up to here without asking: the buffer's end, or the frame's */
    size_t frame_max;  /* bytes of the whole frame; 0 once something did not fit */
    struct msgpack_packer packer;
    size_t cut_at;         /* where the envelope's cut stands in `buf`, eight bytes */
    size_t prefix_len;     /* bytes of `buf` before the first message */
    size_t prefix_objects; /* objects among them */
    size_t count;
    size_t objects; /* counted where arrays begin, with the elements of each */
    bool over;      /* something did not fit */
};

/* ---- values ---- */

/* May so many bytes be put in place? */
static inline bool wire_has_room(const struct tx_frame_writer *w, size_t bytes)
{
    return (size_t)(w->limit - w->at) >= bytes;
}

/* A byte: a whole value, or the head of one. */
static inline void wire_put_byte(struct tx_frame_writer *w, uint64_t byte)
{
    *w->at++ = (uint8_t)byte;
}

void wire_put_long_u64(struct tx_frame_writer *w, uint64_t value);
void wire_put_long_i64(struct tx_frame_writer *w, int64_t value);
void wire_put_long_bool(struct tx_frame_writer *w, bool value);
void wire_put_long_bytes(struct tx_frame_writer *w, struct tx_bytes bytes);
void wire_put_long_array(struct tx_frame_writer *w, size_t count);

static inline void wire_put_u64(struct tx_frame_writer *w, uint64_t value)
{
    if (value < WIRE_SMALL && wire_has_room(w, 1)) {
        wire_put_byte(w, value);
    } else {
        wire_put_long_u64(w, value);
    }
}

static inline void wire_put_i64(struct tx_frame_writer *w, int64_t value)
{
    if (value >= 0 && value < WIRE_SMALL && wire_has_room(w, 1)) {
        wire_put_byte(w, (uint64_t)value);
    } else {
        wire_put_long_i64(w, value);
    }
}

static inline void wire_put_bool(struct tx_frame_writer *w, bool value)
{
    if (wire_has_room(w, 1)) {
        wire_put_byte(w, value ? WIRE_LEAD_FALSE + 1 : WIRE_LEAD_FALSE);
    } else {
        wire_put_long_bool(w, value);
    }
}

static inline void wire_put_bytes(struct tx_frame_writer *w, struct tx_bytes bytes)
{
    if (bytes.len > UINT8_MAX || !wire_has_room(w, 2 + bytes.len)) {
        wire_put_long_bytes(w, bytes);
        return;
    }
    w->at[0] = WIRE_LEAD_BIN8;
    w->at[1] = (uint8_t)bytes.len;
    if (bytes.len > 0) {
        memcpy(w->at + 2, bytes.data, bytes.len);
    }
    w->at += 2 + bytes.len;
}

static inline void wire_put_string(struct tx_frame_writer *w, const char *string)
{
    wire_put_bytes(w, tx_bytes(string, string[0] != '\0' ? strlen(string) : 0));
}

/* Words for people: rather cut than refused by the receiver, together with all else in
 * the frame. */
void wire_put_text(struct tx_frame_writer *w, struct tx_bytes text);
/* The head of an array. */
static inline void wire_put_array(struct tx_frame_writer *w, size_t count)
{
    w->objects += count;
    if (count <= 0x0f && wire_has_room(w, 1)) {
        wire_put_byte(w, WIRE_LEAD_ARRAY | count);
    } else {
        wire_put_long_array(w, count);
    }
}

void wire_put_id(struct tx_frame_writer *w, struct tx_id id);
void wire_put_age(struct tx_frame_writer *w, struct tx_age age);
void wire_put_token(struct tx_frame_writer *w, const struct tx_token *token);

/* ---- lists ---- */

/* Has all so far fitted into the frame? A list that does not is left off at once. */
bool wire_put_fits(const struct tx_frame_writer *w);
void wire_put_members(struct tx_frame_writer *w, const struct tx_member *members, size_t n);
void wire_put_ops(struct tx_frame_writer *w, const struct tx_op *ops, size_t n);
void wire_put_results(struct tx_frame_writer *w, const struct tx_result *results, size_t n);
void wire_put_position(struct tx_frame_writer *w, struct tx_position position);
void wire_put_positions(struct tx_frame_writer *w, const struct tx_position *positions, size_t n);

/* ---- messages: by type, NULL for one of the other file ---- */

void wire_put_only_id(struct tx_frame_writer *w, const struct tx_msg *msg);

typedef void wire_put_message(struct tx_frame_writer *w, const struct tx_msg *msg);

/* What operators ask; in wire_encode_admin.c. */
wire_put_message wire_put_txs_request, wire_put_txs, wire_put_alarms_request, wire_put_alarms,
    wire_put_put_aside;
/* Between clients and daemons: wire_encode_client.c. */
extern wire_put_message *const wire_client_putters[TX_MSG_TYPES_N];
/* Between coordinators and participants: wire_encode_peer.c. */
extern wire_put_message *const wire_peer_putters[TX_MSG_TYPES_N];

#endif
