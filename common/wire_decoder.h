/* The reader that the decoders of messages share: typed getters over a checked frame, from head to
 * head. Views point into the frame, arrays into the arena; an array is made only for a count that
 * its limit and the bytes at hand allow.
 *
 * The first thing that is wrong is kept in the decoder, with its message and field; from then on
 * every getter returns zero. A message can thus be decoded field by field and looked at once, at
 * its end. `field` is its name for the texts of errors, and outlives the call. */
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
};

/* ---- values ---- */

static inline size_t wire_left(const struct wire_decoder *d)
{
    return (size_t)(d->end - d->at);
}

/* The next head; one of kind WIRE_NEVER once something is wrong. */
static inline struct wire_head wire_get_head(struct wire_decoder *d)
{
    if (d->error != TX_OK) {
        return (struct wire_head){0, WIRE_NEVER, 0};
    }
    struct wire_head head = wire_head_at(d->at, wire_left(d));
    d->at += head.size;
    return head;
}

__attribute__((cold)) void wire_fail(struct wire_decoder *d, const char *field,
                                     const char *expected);

uint64_t wire_get_uint(struct wire_decoder *d, const char *field, uint64_t max);
uint64_t wire_get_u64(struct wire_decoder *d, const char *field);
uint32_t wire_get_u32(struct wire_decoder *d, const char *field);
int64_t wire_get_i64(struct wire_decoder *d, const char *field);
bool wire_get_bool(struct wire_decoder *d, const char *field);
/* An enum's number below `values_n`. */
unsigned wire_get_enum(struct wire_decoder *d, const char *field, unsigned values_n);
enum tx_reason wire_get_reason(struct wire_decoder *d);
struct tx_bytes wire_get_bytes(struct wire_decoder *d, const char *field, size_t max);
struct tx_bytes wire_get_text(struct wire_decoder *d, const char *field);
/* The head of an array of exactly `count` elements. */
void wire_get_fields(struct wire_decoder *d, const char *field, uint64_t count);
/* The count of an array of at most `max` elements, and zeroed memory for them. */
void *wire_get_list(struct wire_decoder *d, const char *field, size_t max, size_t size,
                    size_t *count);
/* Written where they belong, which is zeroed memory. */
void wire_get_name_or_none(struct wire_decoder *d, const char *field, struct tx_name *name);
void wire_get_name(struct wire_decoder *d, const char *field, struct tx_name *name);
void wire_get_address(struct wire_decoder *d, const char *field, struct tx_address *address);
struct tx_id wire_get_id_or_none(struct wire_decoder *d);
struct tx_id wire_get_id(struct wire_decoder *d);
struct tx_age wire_get_age(struct wire_decoder *d);
struct tx_token wire_get_token(struct wire_decoder *d);

/* ---- lists ---- */

/* May another element be decoded? Also says, for the texts of errors, which one it is. */
bool wire_next_element(struct wire_decoder *d, const char *list, size_t index, size_t count);
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
/* Between clients and daemons: wire_decode_client.c. */
extern wire_get_message *const wire_client_getters[TX_MSG_TYPES_N];
/* Between coordinators and participants: wire_decode_peer.c. */
extern wire_get_message *const wire_peer_getters[TX_MSG_TYPES_N];

#endif
