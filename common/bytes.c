/* Byte views, their hash and their print form, the growing buffer, the bounded reader,
 * the arena. */
#include "common/bytes.h"

#include "common/assert.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* ---- views ---- */

struct tx_bytes tx_bytes_str(const char *s)
{
    return tx_bytes(s, strlen(s));
}

int tx_bytes_compare(struct tx_bytes a, struct tx_bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    if (order == 0) {
        order = (a.len > b.len) - (a.len < b.len);
    }
    return (order > 0) - (order < 0);
}

/* A little-endian number of up to 8 bytes. Inline: with a width that the compiler knows it is one
 * load, or one store. */
static inline uint64_t load_le(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    memcpy(&value, at, bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static inline void store_le(uint8_t *at, uint64_t value, size_t bytes)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    memcpy(at, &value, bytes);
}

/* The same for a width from 0 to 7 that only the data knows: loads that overlap, without a loop. */
static uint64_t load_le_short(const uint8_t *at, size_t bytes)
{
    if (bytes >= 4) {
        return load_le(at, 4) | load_le(at + bytes - 4, 4) << (8 * (bytes - 4));
    }
    if (bytes == 0) {
        return 0;
    }
    return at[0] | (uint64_t)at[bytes / 2] << (8 * (bytes / 2)) |
           (uint64_t)at[bytes - 1] << (8 * (bytes - 1));
}

/* ---- hash: 16 bytes a step, each step one 64x64 multiplication folded to 64 bits ---- */

#define HASH_A UINT64_C(0x9e3779b97f4a7c15) /* fraction of the golden ratio */
#define HASH_B UINT64_C(0xbb67ae8584caa73b) /* fraction of the square root of 3 */
#define HASH_C UINT64_C(0x3c6ef372fe94f82b) /* fraction of the square root of 5 */

__extension__ typedef unsigned __int128 hash_wide;

/* The factors are folded in again, so that a factor of zero does not wipe out what the other one
 * held. */
static uint64_t hash_fold(uint64_t a, uint64_t b)
{
    hash_wide product = (hash_wide)a * b;
    return a ^ b ^ (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t tx_bytes_hash(struct tx_bytes bytes, uint64_t seed)
{
    uint64_t state = hash_fold(seed ^ HASH_A, bytes.len ^ HASH_B);
    const uint8_t *at = bytes.data;
    size_t left = bytes.len;
    for (; left >= 16; left -= 16, at += 16) {
        state = hash_fold(load_le(at, 8) ^ state ^ HASH_B, load_le(at + 8, 8) ^ HASH_C) + state;
    }
    uint64_t low = left >= 8 ? load_le(at, 8) : load_le_short(at, left);
    uint64_t high = left > 8 ? load_le_short(at + 8, left - 8) : 0;
    state = hash_fold(low ^ state ^ HASH_B, high ^ HASH_C) + state;
    return hash_fold(state ^ HASH_A, HASH_C);
}

/* ---- print form ---- */

static bool prints_as_itself(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\'' && byte != '\\';
}

static size_t printed_width(struct tx_bytes bytes)
{
    size_t width = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        width += prints_as_itself(bytes.data[i]) ? 1 : 4;
    }
    return width;
}

const char *tx_bytes_print(struct tx_bytes bytes, char *out, size_t out_size)
{
    static const char hex[] = "0123456789abcdef";
    TX_ASSERT(out_size > 0);
    size_t room = out_size - 1;
    /* No more than `room` bytes can show, so that a long value is not walked for its width. */
    struct tx_bytes shown = tx_bytes(bytes.data, bytes.len < room ? bytes.len : room);
    size_t dots = bytes.len > room || printed_width(shown) > room ? 3 : 0;
    dots = dots < room ? dots : room;
    size_t at = 0;
    for (size_t i = 0; i < shown.len; i++) {
        uint8_t byte = shown.data[i];
        bool plain = prints_as_itself(byte);
        if (at + (plain ? 1 : 4) > room - dots) {
            break;
        }
        if (plain) {
            out[at++] = (char)byte;
        } else {
            out[at++] = '\\';
            out[at++] = 'x';
            out[at++] = hex[byte >> 4];
            out[at++] = hex[byte & 0xf];
        }
    }
    memset(out + at, '.', dots);
    out[at + dots] = '\0';
    return out;
}

/* ---- growing buffer ---- */

#define BUF_FIRST_CAPACITY 256

uint8_t *tx_buf_grow(struct tx_buf *buf, size_t len)
{
    if (buf->failed || len > SIZE_MAX - buf->len) {
        buf->failed = true;
        return NULL;
    }
    size_t needed = buf->len + len;
    if (needed > buf->capacity) {
        size_t doubled = buf->capacity > SIZE_MAX / 2 ? SIZE_MAX : buf->capacity * 2;
        size_t capacity = doubled > BUF_FIRST_CAPACITY ? doubled : BUF_FIRST_CAPACITY;
        capacity = capacity > needed ? capacity : needed;
        uint8_t *data = realloc(buf->data, capacity);
        if (data == NULL) {
            buf->failed = true;
            return NULL;
        }
        buf->data = data;
        buf->capacity = capacity;
    }
    uint8_t *end = buf->data + buf->len;
    buf->len = needed;
    return end;
}

void tx_buf_deinit(struct tx_buf *buf)
{
    free(buf->data);
    *buf = (struct tx_buf){0};
}

void tx_buf_clear(struct tx_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

void tx_buf_append(struct tx_buf *buf, struct tx_bytes bytes)
{
    uint8_t *at = bytes.len > 0 ? tx_buf_room(buf, bytes.len) : NULL;
    if (at != NULL) {
        memcpy(at, bytes.data, bytes.len);
    }
}

void tx_buf_blob(struct tx_buf *buf, struct tx_bytes bytes)
{
    if (bytes.len > UINT32_MAX) {
        buf->failed = true;
        return;
    }
    /* In one piece: no length without its bytes. */
    uint8_t *at = tx_buf_room(buf, sizeof(uint32_t) + bytes.len);
    if (at == NULL) {
        return;
    }
    store_le(at, bytes.len, sizeof(uint32_t));
    if (bytes.len > 0) {
        memcpy(at + sizeof(uint32_t), bytes.data, bytes.len);
    }
}

struct tx_bytes tx_buf_view(const struct tx_buf *buf)
{
    return tx_bytes(buf->data, buf->len);
}

/* ---- bounded reader ---- */

struct tx_reader tx_reader(struct tx_bytes in)
{
    return (struct tx_reader){.in = in};
}

size_t tx_reader_left(const struct tx_reader *r)
{
    TX_ASSERT(r->at <= r->in.len);
    return r->in.len - r->at;
}

bool tx_reader_done(const struct tx_reader *r)
{
    return !r->failed && tx_reader_left(r) == 0;
}

struct tx_bytes tx_read_bytes(struct tx_reader *r, size_t len)
{
    if (r->failed || len > tx_reader_left(r)) {
        r->failed = true;
        return tx_bytes(NULL, 0);
    }
    if (len == 0) {
        return tx_bytes(NULL, 0);
    }
    struct tx_bytes view = tx_bytes(r->in.data + r->at, len);
    r->at += len;
    return view;
}

static inline uint64_t read_number(struct tx_reader *r, size_t bytes)
{
    if (r->failed || bytes > tx_reader_left(r)) {
        r->failed = true;
        return 0;
    }
    uint64_t value = load_le(r->in.data + r->at, bytes);
    r->at += bytes;
    return value;
}

uint8_t tx_read_u8(struct tx_reader *r)
{
    return (uint8_t)read_number(r, sizeof(uint8_t));
}

uint16_t tx_read_u16(struct tx_reader *r)
{
    return (uint16_t)read_number(r, sizeof(uint16_t));
}

uint32_t tx_read_u32(struct tx_reader *r)
{
    return (uint32_t)read_number(r, sizeof(uint32_t));
}

uint64_t tx_read_u64(struct tx_reader *r)
{
    return read_number(r, sizeof(uint64_t));
}

struct tx_bytes tx_read_blob(struct tx_reader *r)
{
    return tx_read_bytes(r, tx_read_u32(r));
}

/* ---- arena ---- */

/* With its head just what malloc keeps at hand for each thread: most arenas hold one transaction.
 */
#define ARENA_FIRST_CAPACITY 992

struct tx_arena_block {
    struct tx_arena_block *next;
    size_t capacity;
    size_t used;
    alignas(max_align_t) uint8_t memory[];
};

/* A new block at the head of the list, at least twice as large as the one before it. */
static struct tx_arena_block *arena_grow(struct tx_arena *arena, size_t needed)
{
    size_t capacity = ARENA_FIRST_CAPACITY;
    if (arena->blocks != NULL && arena->blocks->capacity <= SIZE_MAX / 4) {
        capacity = arena->blocks->capacity * 2;
    }
    capacity = capacity > needed ? capacity : needed;
    if (capacity > SIZE_MAX - sizeof(struct tx_arena_block)) {
        return NULL;
    }
    struct tx_arena_block *block = malloc(sizeof *block + capacity);
    if (block != NULL) {
        block->next = arena->blocks;
        block->capacity = capacity;
        block->used = 0;
        arena->blocks = block;
    }
    return block;
}

/* Memory as it comes. */
static inline void *arena_take(struct tx_arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align) {
        return NULL;
    }
    size_t padded = (size + align - 1) / align * align;
    struct tx_arena_block *block = arena->blocks;
    if (block == NULL || block->capacity - block->used < padded) {
        block = arena_grow(arena, padded);
    }
    if (block == NULL) {
        return NULL;
    }
    void *memory = block->memory + block->used;
    block->used += padded;
    return memory;
}

void *tx_arena_alloc(struct tx_arena *arena, size_t count, size_t bytes)
{
    size_t size;
    if (__builtin_mul_overflow(count, bytes, &size)) {
        return NULL;
    }
    void *memory = arena_take(arena, size);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

struct tx_bytes tx_arena_copy(struct tx_arena *arena, struct tx_bytes bytes)
{
    void *memory = bytes.len > 0 ? arena_take(arena, bytes.len) : NULL;
    if (memory == NULL) {
        return tx_bytes(NULL, 0);
    }
    memcpy(memory, bytes.data, bytes.len);
    return tx_bytes(memory, bytes.len);
}

static void arena_free_list(struct tx_arena_block *block)
{
    while (block != NULL) {
        struct tx_arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void tx_arena_reset(struct tx_arena *arena)
{
    /* The head is the newest and the largest: what the last use needed, the next one finds. */
    struct tx_arena_block *kept = arena->blocks;
    if (kept != NULL) {
        arena_free_list(kept->next);
        kept->next = NULL;
        kept->used = 0;
    }
}

bool tx_arena_recycle(struct tx_arena *arena)
{
    if (arena->blocks == NULL || arena->blocks->capacity != ARENA_FIRST_CAPACITY) {
        return false;
    }
    tx_arena_reset(arena);
    return true;
}

void tx_arena_deinit(struct tx_arena *arena)
{
    arena_free_list(arena->blocks);
    arena->blocks = NULL;
}
