/* What the two directions of the wire form share: the number of fields of every array that has a
 * fixed one, and the reader of msgpack heads.
 *
 * A head is the first byte of a msgpack object and the number that may follow it: the value of an
 * integer, the length of bytes, the count of an array. The check of a frame and the decoder read
 * heads with the same function, so that they cannot disagree about where an object ends; the
 * library's own unpacker would build a tree of objects first, which costs several times the
 * decoding itself. */
#ifndef ASSENT_COMMON_WIRE_INTERNAL_H
#define ASSENT_COMMON_WIRE_INTERNAL_H

#include "common/wire.h"

#include <string.h>

enum {
    WIRE_FRAME_FIELDS = 3,
    WIRE_ENVELOPE_FIELDS = 6,
    WIRE_ID_FIELDS = 3,
    WIRE_AGE_FIELDS = 2,
    WIRE_MEMBER_FIELDS = 4,
    WIRE_OP_FIELDS = 12,
    WIRE_RESULT_FIELDS = 2,
    WIRE_STATUS_FIELD_FIELDS = 2,
    WIRE_STATUS_TX_FIELDS = 4,
    WIRE_STATUS_PEER_FIELDS = 5,
};

/* The elements of a message's array: its type and its fields. */
unsigned wire_message_elements(enum tx_msg_type type);

enum wire_kind {
    WIRE_NEVER, /* the one first byte that msgpack never uses */
    WIRE_NIL,
    WIRE_BOOL,  /* number: 0 or 1 */
    WIRE_UINT,  /* number: the value */
    WIRE_INT,   /* number: a negative value, as two's complement */
    WIRE_FLOAT, /* number: its bits */
    WIRE_BIN,   /* number: bytes that follow; str as well as bin */
    WIRE_ARRAY, /* number: elements that follow */
    WIRE_MAP,   /* number: pairs that follow */
    WIRE_EXT,   /* number: bytes that follow, the type among them */
};

struct wire_head {
    enum wire_kind kind;
    uint64_t number;
};

struct wire_cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static inline size_t wire_left(const struct wire_cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* The heads from 0xc0 to 0xdf, whose first byte is not followed by a number in this byte itself. */
bool wire_head_long(struct wire_cursor *cursor, uint8_t lead, struct wire_head *head);

/* Reads a head and moves behind it (not behind the bytes or elements that it announces). False,
 * with the cursor anywhere, when the bytes end within the head. */
static inline bool wire_head_read(struct wire_cursor *cursor, struct wire_head *head)
{
    if (cursor->at == cursor->end) {
        return false;
    }
    uint8_t lead = *cursor->at++;
    if (lead < 0x80) {
        *head = (struct wire_head){WIRE_UINT, lead};
    } else if (lead < 0x90) {
        *head = (struct wire_head){WIRE_MAP, lead & 0x0f};
    } else if (lead < 0xa0) {
        *head = (struct wire_head){WIRE_ARRAY, lead & 0x0f};
    } else if (lead < 0xc0) {
        *head = (struct wire_head){WIRE_BIN, lead & 0x1f};
    } else if (lead < 0xe0) {
        return wire_head_long(cursor, lead, head);
    } else {
        *head = (struct wire_head){WIRE_INT, (uint64_t)(int64_t)(int8_t)lead};
    }
    return true;
}

#endif
