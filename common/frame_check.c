/* The walk over a frame that no peer can be trusted to have made well. It allocates nothing, calls
 * nothing recursively and looks at each head once. */
#include "common/wire_internal.h"

/* A big-endian number of 1, 2, 4 or 8 bytes, or of none. */
static uint64_t load_be(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

bool wire_head_long(struct wire_cursor *cursor, uint8_t lead, struct wire_head *head)
{
    /* The kind and the bytes of its number, by first byte from 0xc0 on. */
    static const struct {
        uint8_t kind;
        uint8_t bytes;
    } leads[32] = {
        {WIRE_NIL, 0},   {WIRE_NEVER, 0},
        {WIRE_BOOL, 0},  {WIRE_BOOL, 0}, /* c0: nil, -, false, true */
        {WIRE_BIN, 1},   {WIRE_BIN, 2},
        {WIRE_BIN, 4},   {WIRE_EXT, 1}, /* c4: bin, ext 8 */
        {WIRE_EXT, 2},   {WIRE_EXT, 4},
        {WIRE_FLOAT, 4}, {WIRE_FLOAT, 8}, /* c8: ext 16, 32; float */
        {WIRE_UINT, 1},  {WIRE_UINT, 2},
        {WIRE_UINT, 4},  {WIRE_UINT, 8}, /* cc: uint */
        {WIRE_INT, 1},   {WIRE_INT, 2},
        {WIRE_INT, 4},   {WIRE_INT, 8}, /* d0: int */
        {WIRE_EXT, 0},   {WIRE_EXT, 0},
        {WIRE_EXT, 0},   {WIRE_EXT, 0}, /* d4: fixext 1, 2, 4, 8 */
        {WIRE_EXT, 0},   {WIRE_BIN, 1},
        {WIRE_BIN, 2},   {WIRE_BIN, 4}, /* d8: fixext 16; str */
        {WIRE_ARRAY, 2}, {WIRE_ARRAY, 4},
        {WIRE_MAP, 2},   {WIRE_MAP, 4}, /* dc: array, map */
    };
    const size_t bytes = leads[lead - 0xc0].bytes;
    if (wire_left(cursor) < bytes) {
        return false;
    }
    head->kind = (enum wire_kind)leads[lead - 0xc0].kind;
    head->number = load_be(cursor->at, bytes);
    cursor->at += bytes;
    if (head->kind == WIRE_BOOL) {
        head->number = lead & 1;
    } else if (head->kind == WIRE_INT) {
        /* Extend the sign; a signed form may also hold a number that is none below zero. */
        unsigned shift = 64 - 8 * (unsigned)bytes;
        head->number = (uint64_t)((int64_t)(head->number << shift) >> shift);
        head->kind = (int64_t)head->number < 0 ? WIRE_INT : WIRE_UINT;
    } else if (head->kind == WIRE_EXT) {
        head->number = bytes > 0 ? head->number + 1 : (UINT64_C(1) << (lead - 0xd4)) + 1;
    }
    return true;
}

unsigned wire_message_elements(enum tx_msg_type type)
{
    static const uint8_t fields[TX_MSG_TYPES_N] = {
        [TX_MSG_BEGIN] = 2,          [TX_MSG_BEGUN] = 5,
        [TX_MSG_SUBMIT] = 6,         [TX_MSG_COMMIT_REQUEST] = 4,
        [TX_MSG_ABORT_REQUEST] = 4,  [TX_MSG_OUTCOME_REQUEST] = 4,
        [TX_MSG_OUTCOME] = 9,        [TX_MSG_OUTCOME_ACK] = 1,
        [TX_MSG_OPERATE] = 7,        [TX_MSG_OPERATED] = 8,
        [TX_MSG_JOIN] = 1,           [TX_MSG_PREPARE] = 8,
        [TX_MSG_VOTE] = 7,           [TX_MSG_COMMIT] = 1,
        [TX_MSG_ABORT] = 2,          [TX_MSG_ACK] = 4,
        [TX_MSG_INQUIRE] = 2,        [TX_MSG_WAIT] = 1,
        [TX_MSG_STATE] = 4,          [TX_MSG_FORGET] = 3,
        [TX_MSG_FENCED] = 3,         [TX_MSG_HELLO] = 2,
        [TX_MSG_WELCOME] = 4,        [TX_MSG_RESOLVE] = 4,
        [TX_MSG_STATUS_REQUEST] = 1, [TX_MSG_STATUS] = 4,
        [TX_MSG_ERROR] = 4,
    };
    return 1u + fields[type];
}

/* The containers that are open around the present place, and how many objects each still expects.
 */
struct walk {
    uint64_t expected[TX_FRAME_DEPTH_MAX];
    size_t depth;
    size_t objects;
};

/* Opens a container. An object takes a byte or more, so a count above the bytes that are left is a
 * lie; a decoder may rely on having been told none. */
static enum tx_error walk_open(struct walk *walk, uint64_t count, size_t left, struct tx_why *why)
{
    if (count > left) {
        return tx_why(why, TX_EFORMAT, "frame: %llu elements announced where %zu bytes are left",
                      (unsigned long long)count, left);
    }
    if (walk->depth == TX_FRAME_DEPTH_MAX) {
        return tx_why(why, TX_ELIMIT, "frame: nested more than %u deep", TX_FRAME_DEPTH_MAX);
    }
    walk->expected[walk->depth++] = count;
    return TX_OK;
}

/* One object: its head, and the bytes or the count that the head announces. */
static enum tx_error walk_object(struct walk *walk, struct wire_cursor *cursor, struct tx_why *why)
{
    struct wire_head head;
    if (!wire_head_read(cursor, &head)) {
        return tx_why(why, TX_EFORMAT, "frame: ends before it is complete");
    }
    if (++walk->objects > TX_FRAME_OBJECTS_MAX) {
        return tx_why(why, TX_ELIMIT, "frame: more than %u objects", TX_FRAME_OBJECTS_MAX);
    }
    switch (head.kind) {
    case WIRE_NIL:
    case WIRE_BOOL:
    case WIRE_UINT:
    case WIRE_INT:
    case WIRE_FLOAT:
        return TX_OK;
    case WIRE_BIN:
    case WIRE_EXT:
        if (head.number > wire_left(cursor)) {
            return tx_why(why, TX_EFORMAT, "frame: %llu bytes announced where %zu are left",
                          (unsigned long long)head.number, wire_left(cursor));
        }
        cursor->at += head.number;
        return TX_OK;
    case WIRE_ARRAY:
        return walk_open(walk, head.number, wire_left(cursor), why);
    case WIRE_MAP:
        return walk_open(walk, head.number * 2, wire_left(cursor), why);
    case WIRE_NEVER:
        break;
    }
    return tx_why(why, TX_EFORMAT, "frame: the byte 0xc1 begins no object");
}

enum tx_error tx_frame_check(struct tx_bytes frame, size_t frame_max, struct tx_why *why)
{
    if (frame.len > frame_max) {
        return tx_why(why, TX_ELIMIT, "frame: %zu bytes, and %zu are allowed", frame.len,
                      frame_max);
    }
    if (frame.len == 0) {
        return tx_why(why, TX_EFORMAT, "frame: empty");
    }
    struct wire_cursor cursor = {frame.data, frame.data + frame.len};
    struct walk walk = {0};
    enum tx_error error = walk_object(&walk, &cursor, why);
    while (error == TX_OK && walk.depth > 0) {
        if (walk.expected[walk.depth - 1] == 0) {
            walk.depth--;
        } else {
            walk.expected[walk.depth - 1]--;
            error = walk_object(&walk, &cursor, why);
        }
    }
    if (error == TX_OK && wire_left(&cursor) > 0) {
        return tx_why(why, TX_EFORMAT, "frame: %zu bytes are left over after its end",
                      wire_left(&cursor));
    }
    return error;
}
