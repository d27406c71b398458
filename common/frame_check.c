/* The walk over a frame that no peer can be trusted to have made well. It allocates nothing, calls
 * nothing recursively and looks at each head once. */
#include "common/wire_internal.h"

/* A big-endian number of 1, 2, 4 or 8 bytes, or of none. */
static uint64_t load_be(const uint8_t *at, size_t bytes)
{
    switch (bytes) {
    case 1:
        return at[0];
    case 2:
        return (uint64_t)at[0] << 8 | at[1];
    case 4:
        return wire_load_be32(at);
    case 8:
        return wire_load_be64(at);
    default:
        return 0;
    }
}

/* The heads from 0xc0 to 0xdf, whose number stands in bytes of its own. */
static struct wire_head head_long(const uint8_t *at, size_t left)
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
    const uint8_t lead = at[0];
    const uint32_t bytes = leads[lead - 0xc0].bytes;
    if (left <= bytes) {
        return (struct wire_head){0, WIRE_NEVER, 0};
    }
    struct wire_head head = {
        .number = load_be(at + 1, bytes),
        .kind = (enum wire_kind)leads[lead - 0xc0].kind,
        .size = 1 + bytes,
    };
    if (head.kind == WIRE_BOOL) {
        head.number = lead & 1;
    } else if (head.kind == WIRE_INT) {
        /* Extend the sign; a signed form may also hold a number that is none below zero. */
        const unsigned shift = 64 - 8 * bytes;
        head.number = (uint64_t)((int64_t)(head.number << shift) >> shift);
        head.kind = (int64_t)head.number < 0 ? WIRE_INT : WIRE_UINT;
    } else if (head.kind == WIRE_EXT) {
        head.number = bytes > 0 ? head.number + 1 : (UINT64_C(1) << (lead - 0xd4)) + 1;
    }
    return head;
}

struct wire_head wire_head_other(const uint8_t *at, size_t left)
{
    const uint8_t lead = at[0];
    if (lead < 0x80) {
        return (struct wire_head){lead, WIRE_UINT, 1};
    }
    if (lead < 0x90) {
        return (struct wire_head){lead & 0x0f, WIRE_MAP, 1};
    }
    if (lead < 0xa0) {
        return (struct wire_head){lead & 0x0f, WIRE_ARRAY, 1};
    }
    if (lead < 0xc0) {
        return (struct wire_head){lead & 0x1f, WIRE_BIN, 1};
    }
    if (lead < 0xe0) {
        return head_long(at, left);
    }
    return (struct wire_head){(uint64_t)(int64_t)(int8_t)lead, WIRE_INT, 1};
}

unsigned wire_message_elements(enum tx_msg_type type)
{
    static const uint8_t fields[TX_MSG_TYPES_N] = {
        [TX_MSG_BEGIN] = 2,
        [TX_MSG_BEGUN] = 5,
        [TX_MSG_SUBMIT] = 8,
        [TX_MSG_COMMIT_REQUEST] = 5,
        [TX_MSG_ABORT_REQUEST] = 5,
        [TX_MSG_OUTCOME_REQUEST] = 5,
        [TX_MSG_OUTCOME] = 9,
        [TX_MSG_OUTCOME_ACK] = 1,
        [TX_MSG_OPERATE] = 8,
        [TX_MSG_OPERATED] = 8,
        [TX_MSG_JOIN] = 1,
        [TX_MSG_PREPARE] = 12,
        [TX_MSG_VOTE] = 7,
        [TX_MSG_COMMIT] = 3,
        [TX_MSG_ABORT] = 3,
        [TX_MSG_ACK] = 5,
        [TX_MSG_INQUIRE] = 7,
        [TX_MSG_WAIT] = 1,
        [TX_MSG_STATE] = 6,
        [TX_MSG_FORGET] = 3,
        [TX_MSG_FENCED] = 2,
        [TX_MSG_HELLO] = 5,
        [TX_MSG_WELCOME] = 9,
        [TX_MSG_RESOLVE] = 4,
        [TX_MSG_STATUS_REQUEST] = 1,
        [TX_MSG_STATUS] = 4,
        [TX_MSG_ERROR] = 4,
        [TX_MSG_LOCKS_REQUEST] = 6,
        [TX_MSG_LOCKS] = 4,
        [TX_MSG_CUT_REQUEST] = 3,
        [TX_MSG_CUT] = 5,
        [TX_MSG_TXS_REQUEST] = 6,
        [TX_MSG_TXS] = 4,
        [TX_MSG_ALARMS_REQUEST] = 3,
        [TX_MSG_ALARMS] = 3,
        [TX_MSG_PUT_ASIDE] = 4,
        [TX_MSG_ADMIN_REQUEST] = 4,
        [TX_MSG_BACKUP_REQUEST] = 8,
        [TX_MSG_BACKUP] = 8,
    };
    return 1u + fields[type];
}

/* Why a frame is refused. */
enum fault {
    FAULT_NONE,
    FAULT_CUT,
    FAULT_NEVER,
    FAULT_COUNT,
    FAULT_LEFT_OVER,
    FAULT_DEPTH,
    FAULT_OBJECTS,
};

/* The elements (for bytes: the bytes) that follow a head. */
static uint64_t elements_of(struct wire_head head)
{
    return head.kind == WIRE_MAP ? head.number * 2 : head.number;
}

/* Walks object by object. `here` counts what the innermost open container still expects, `outer`
 * what those around it do. An object takes a byte or more, so a count above the bytes that are left
 * is a lie; who decodes the frame afterwards may rely on having been told none. */
static enum fault walk(const uint8_t *at, const uint8_t *end)
{
    uint64_t outer[TX_FRAME_DEPTH_MAX];
    size_t depth = 0;
    uint64_t here = 1;
    for (size_t objects = 1; objects <= TX_FRAME_OBJECTS_MAX; objects++) {
        const struct wire_head head = wire_head_at(at, (size_t)(end - at));
        if (head.size == 0 || head.kind == WIRE_NEVER) {
            return head.size == 0 ? FAULT_CUT : FAULT_NEVER;
        }
        at += head.size;
        here--;
        if (head.kind >= WIRE_BIN) {
            if (elements_of(head) > (uint64_t)(end - at)) {
                return FAULT_COUNT;
            }
            if (head.kind < WIRE_ARRAY) {
                at += head.number;
            } else if (depth == TX_FRAME_DEPTH_MAX) {
                return FAULT_DEPTH;
            } else {
                outer[depth++] = here;
                here = elements_of(head);
            }
        }
        while (here == 0) {
            if (depth == 0) {
                return at == end ? FAULT_NONE : FAULT_LEFT_OVER;
            }
            here = outer[--depth];
        }
    }
    return FAULT_OBJECTS;
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
    switch (walk(frame.data, frame.data + frame.len)) {
    case FAULT_NONE:
        return TX_OK;
    case FAULT_CUT:
        return tx_why(why, TX_EFORMAT, "frame: ends before it is complete");
    case FAULT_NEVER:
        return tx_why(why, TX_EFORMAT, "frame: holds a byte that begins no object");
    case FAULT_COUNT:
        return tx_why(why, TX_EFORMAT, "frame: announces more than it holds");
    case FAULT_LEFT_OVER:
        return tx_why(why, TX_EFORMAT, "frame: bytes are left over after its end");
    case FAULT_DEPTH:
        return tx_why(why, TX_ELIMIT, "frame: nested more than %u deep", TX_FRAME_DEPTH_MAX);
    case FAULT_OBJECTS:
        break;
    }
    return tx_why(why, TX_ELIMIT, "frame: more than %u objects", TX_FRAME_OBJECTS_MAX);
}
