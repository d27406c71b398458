/* The reader that the decoders of messages share: typed getters over a frame, from head to head, in
 * one pass. Each looks at the bytes that are left before it reads. Views point into the frame,
 * arrays into the arena; an array is made only for a count that its limit and the bytes at hand
 * allow.
 *
 * The first thing that is wrong is kept in the decoder, with its message and field, and moves it to
 * the end of the bytes; from then on every getter finds nothing there and returns zero. A message
 * can thus be decoded field by field and looked at once, at its end. `field` is its name for the
 * texts of errors, and outlives the call.
 *
 * What nearly all of a frame consists of, values that fit into the head of one byte, is read in
 * place, without a call; wire_head_at() reads all else. */
#ifndef ASSENT_COMMON_WIRE_DECODER_H
#define ASSENT_COMMON_WIRE_DECODER_H

#include "common/wire_internal.h"

struct wire_decoder {
    const uint8_t *at;
    const uint8_t *end;
    struct tx_arena *arena;
    struct tx_why *why;
    enum tx_error error;
    const char *message; /* "envelope" or the message's name: where an error is */
    const char *list;    /* the list that is being decoded, NULL for none */
    size_t index;        /* of its element */
    size_t objects;      /* all that the arrays so far have announced, and the frame itself */
};

/* ---- values ---- */

static inline size_t wire_left(const struct wire_decoder *d)
{
    return (size_t)(d->end - d->at);
}

/* The next head; one of kind WIRE_NEVER once something is wrong. */
static inline struct wire_head wire_get_head(struct wire_decoder *d)
{
    struct wire_head head = wire_head_at(d->at, wire_left(d));
    d->at += head.size;
    return head;
}

/* Something is wrong: the first error stays, and there is nothing more to read. */
__attribute__((cold)) void wire_fail(struct wire_decoder *d, const char *field,
                                     const char *expected);

/* The same values in their longer forms, and what is none of them. */
uint64_t wire_get_long_uint(struct wire_decoder *d, const char *field, uint64_t max);
bool wire_get_no_bool(struct wire_decoder *d, const char *field);
struct tx_bytes wire_get_long_bytes(struct wire_decoder *d, const char *field, size_t max);
void wire_get_long_fields(struct wire_decoder *d, const char *field, uint64_t count);

/* The lead byte of the next object; one that begins none when the bytes are at their end. */
static inline uint8_t wire_lead(const struct wire_decoder *d)
{
    return d->at < d->end ? d->at[0] : WIRE_LEAD_NEVER;
}

static inline uint64_t wire_get_uint(struct wire_decoder *d, const char *field, uint64_t max)
{
    const uint8_t lead = wire_lead(d);
    if (lead < WIRE_SMALL && lead <= max) {
        d->at++;
        return lead;
    }
    return wire_get_long_uint(d, field, max);
}

static inline uint64_t wire_get_u64(struct wire_decoder *d, const char *field)
{
    return wire_get_uint(d, field, UINT64_MAX);
}

static inline uint32_t wire_get_u32(struct wire_decoder *d, const char *field)
{
    return (uint32_t)wire_get_uint(d, field, UINT32_MAX);
}

int64_t wire_get_long_i64(struct wire_decoder *d, const char *field);

static inline int64_t wire_get_i64(struct wire_decoder *d, const char *field)
{
    const uint8_t lead = wire_lead(d);
    if (lead < WIRE_SMALL || lead >= WIRE_LEAD_NEGATIVE) {
        d->at++;
        return (int8_t)lead;
    }
    return wire_get_long_i64(d, field);
}

static inline bool wire_get_bool(struct wire_decoder *d, const char *field)
{
    const uint8_t lead = wire_lead(d);
    if ((lead & 0xfe) == WIRE_LEAD_FALSE) {
        d->at++;
        return lead != WIRE_LEAD_FALSE;
    }
    return wire_get_no_bool(d, field);
}

__attribute__((cold)) unsigned wire_get_no_enum(struct wire_decoder *d, const char *field,
                                                unsigned values_n);

/* An enum's number below `values_n`. */
static inline unsigned wire_get_enum(struct wire_decoder *d, const char *field, unsigned values_n)
{
    const uint8_t lead = wire_lead(d);
    if (lead < WIRE_SMALL && lead < values_n) {
        d->at++;
        return lead;
    }
    return wire_get_no_enum(d, field, values_n);
}

enum tx_reason wire_get_reason(struct wire_decoder *d);

/* At most `max` bytes, where they lie. */
static inline struct tx_bytes wire_get_bytes(struct wire_decoder *d, const char *field, size_t max)
{
    const size_t left = wire_left(d);
    if (left >= 2 && d->at[0] == WIRE_LEAD_BIN8 && d->at[1] <= left - 2 && d->at[1] <= max) {
        struct tx_bytes bytes = tx_bytes(d->at + 2, d->at[1]);
        d->at += 2 + bytes.len;
        return bytes;
    }
    return wire_get_long_bytes(d, field, max);
}

struct tx_bytes wire_get_text(struct wire_decoder *d, const char *field);

/* The head of an array of exactly `count` elements. */
static inline void wire_get_fields(struct wire_decoder *d, const char *field, uint64_t count)
{
    if (count <= 0x0f && wire_lead(d) == (WIRE_LEAD_ARRAY | count)) {
        d->at++;
        d->objects += (size_t)count;
    } else {
        wire_get_long_fields(d, field, count);
    }
}

/* The count of an array of at most `max` elements, and memory for them that holds anything. */
void *wire_get_raw_list(struct wire_decoder *d, const char *field, size_t max, size_t size,
                        size_t *count);
/* The same with zeroed memory. */
void *wire_get_list(struct wire_decoder *d, const char *field, size_t max, size_t size,
                    size_t *count);
/* Written where they belong, all of it. */
void wire_get_name_or_none(struct wire_decoder *d, const char *field, struct tx_name *name);
void wire_get_name(struct wire_decoder *d, const char *field, struct tx_name *name);
void wire_get_address(struct wire_decoder *d, const char *field, struct tx_address *address);
struct tx_id wire_get_id_or_none(struct wire_decoder *d);
struct tx_id wire_get_id(struct wire_decoder *d);
struct tx_age wire_get_age(struct wire_decoder *d);
struct tx_token wire_get_token(struct wire_decoder *d);

/* ---- lists ---- */

/* May another element be decoded? Also says, for the texts of errors, which one it is. */
static inline bool wire_next_element(struct wire_decoder *d, const char *list, size_t index,
                                     size_t count)
{
    bool more = index < count && d->error == TX_OK;
    d->list = more ? list : NULL;
    d->index = index;
    return more;
}

const struct tx_member *wire_get_members(struct wire_decoder *d, const char *field, size_t max,
                                         size_t *count);
struct tx_position wire_get_position(struct wire_decoder *d, const char *field);
const struct tx_position *wire_get_positions(struct wire_decoder *d, const char *field, size_t max,
                                             size_t *count);
/* `placed`: must each operation name its participant? */
const struct tx_op *wire_get_ops(struct wire_decoder *d, bool placed, size_t *count);
const struct tx_result *wire_get_results(struct wire_decoder *d, size_t *count);

/* ---- messages: by type, NULL for one of the other file ---- */

void wire_get_only_id(struct wire_decoder *d, struct tx_msg *msg);

typedef void wire_get_message(struct wire_decoder *d, struct tx_msg *msg);

/* What operators ask; in wire_decode_admin.c. */
wire_get_message wire_get_txs_request, wire_get_txs, wire_get_alarms_request, wire_get_alarms,
    wire_get_put_aside;
/* Between clients and daemons: wire_decode_client.c. */
extern wire_get_message *const wire_client_getters[TX_MSG_TYPES_N];
/* Between coordinators and participants: wire_decode_peer.c. */
extern wire_get_message *const wire_peer_getters[TX_MSG_TYPES_N];

#endif
