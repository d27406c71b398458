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

enum {
    WIRE_FRAME_FIELDS = 3,
    WIRE_ENVELOPE_FIELDS = 9,
    WIRE_ID_FIELDS = 3,
    WIRE_AGE_FIELDS = 2,
    WIRE_MEMBER_FIELDS = 4,
    WIRE_POSITION_FIELDS = 3,
    WIRE_OP_FIELDS = 15,
    WIRE_RESULT_FIELDS = 2,
    WIRE_STATUS_FIELD_FIELDS = 2,
    WIRE_STATUS_TX_FIELDS = 4,
    WIRE_STATUS_PEER_FIELDS = 5,
    WIRE_LOCKS_PLACE_FIELDS = 8,
    WIRE_LOCK_BLOCKER_FIELDS = 6,
    WIRE_LOCK_ROW_FIELDS = 13,
    WIRE_TXS_PLACE_FIELDS = 3,
    WIRE_OPEN_MEMBER_FIELDS = 7,
    WIRE_OPEN_HEURISTIC_FIELDS = 6,
    WIRE_OPEN_ROW_FIELDS = 19,
    WIRE_ALARM_ROW_FIELDS = 4,
};

/* The elements of a message's array: its type and its fields. */
unsigned wire_message_elements(enum tx_msg_type type);

/* From WIRE_BIN on, the number announces what follows; from WIRE_ARRAY on, objects. */
enum wire_kind {
    WIRE_NEVER, /* the one first byte that msgpack never uses */
    WIRE_NIL,
    WIRE_BOOL,  /* number: 0 or 1 */
    WIRE_UINT,  /* number: the value */
    WIRE_INT,   /* number: a negative value, as two's complement */
    WIRE_FLOAT, /* number: its bits */
    WIRE_BIN,   /* number: bytes that follow; str as well as bin */
    WIRE_EXT,   /* number: bytes that follow, the type among them */
    WIRE_ARRAY, /* number: elements that follow */
    WIRE_MAP,   /* number: pairs that follow */
};

/* Lead bytes of the forms that nearly all of a frame consists of. */
enum {
    WIRE_SMALL = 0x80,      /* integers from 0 to below this are a byte */
    WIRE_LEAD_ARRAY = 0x90, /* with a count up to 15 in its low bits */
    WIRE_LEAD_NEVER = 0xc1,
    WIRE_LEAD_FALSE = 0xc2,    /* true is the next one */
    WIRE_LEAD_BIN8 = 0xc4,     /* with a length of one byte */
    WIRE_LEAD_UINT8 = 0xcc,    /* then those of two, four and eight bytes */
    WIRE_LEAD_INT8 = 0xd0,     /* the same for negative numbers */
    WIRE_LEAD_NEGATIVE = 0xe0, /* integers from -32 to -1 are a byte */
};

/* Two registers wide, and passed by value: reading heads is most of the work on a frame. */
struct wire_head {
    uint64_t number;
    enum wire_kind kind;
    uint32_t size; /* bytes of the head itself; 0 when the bytes end within it */
};

/* The head of any object; `left` is 1 or more. */
struct wire_head wire_head_other(const uint8_t *at, size_t left);

/* Written so that compilers see one load in them. */
static inline uint32_t wire_load_be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint64_t wire_load_be64(const uint8_t *at)
{
    return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 |
           (uint64_t)at[3] << 32 | (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 |
           (uint64_t)at[6] << 8 | (uint64_t)at[7];
}

static inline void wire_store_be64(uint8_t *at, uint64_t value)
{
    at[0] = (uint8_t)(value >> 56);
    at[1] = (uint8_t)(value >> 48);
    at[2] = (uint8_t)(value >> 40);
    at[3] = (uint8_t)(value >> 32);
    at[4] = (uint8_t)(value >> 24);
    at[5] = (uint8_t)(value >> 16);
    at[6] = (uint8_t)(value >> 8);
    at[7] = (uint8_t)value;
}

/* The head at `at`, of which `left` bytes may be read. The forms that nearly all of a frame
 * consists of are told apart here, the others there. Inlined in any case: as a call it is a tenth
 * of the decoding dearer. */
__attribute__((always_inline)) static inline struct wire_head wire_head_at(const uint8_t *at,
                                                                           size_t left)
{
    if (left == 0) {
        return (struct wire_head){0, WIRE_NEVER, 0};
    }
    if (at[0] < 0x80) {
        return (struct wire_head){at[0], WIRE_UINT, 1};
    }
    if (at[0] == 0xc4 && left > 1) {
        return (struct wire_head){at[1], WIRE_BIN, 2};
    }
    if ((at[0] & 0xfe) == 0xc2) {
        return (struct wire_head){at[0] & 1, WIRE_BOOL, 1};
    }
    if ((at[0] & 0xf0) == 0x90) {
        return (struct wire_head){at[0] & 0x0f, WIRE_ARRAY, 1};
    }
    if (at[0] == 0xcd && left > 2) {
        return (struct wire_head){(uint64_t)at[1] << 8 | at[2], WIRE_UINT, 3};
    }
    if (at[0] == 0xce && left > 4) {
        return (struct wire_head){wire_load_be32(at + 1), WIRE_UINT, 5};
    }
    if (at[0] == 0xcf && left > 8) {
        return (struct wire_head){wire_load_be64(at + 1), WIRE_UINT, 9};
    }
    return wire_head_other(at, left);
}

#endif
