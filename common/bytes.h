/* Bytes: a borrowed view, a growing buffer, a bounded reader, and an arena.
 *
 * Borrowed bytes travel as struct tx_bytes by value; whoever receives one may use it only as long
 * as its owner keeps the memory. Integers in buffers are little-endian, as in the log records. */
#ifndef ASSENT_COMMON_BYTES_H
#define ASSENT_COMMON_BYTES_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct tx_bytes {
    const uint8_t *data;
    size_t len;
};

static inline struct tx_bytes tx_bytes(const void *data, size_t len)
{
    return (struct tx_bytes){.data = data, .len = len};
}

/* A view of a NUL-terminated string, without the NUL. */
struct tx_bytes tx_bytes_str(const char *s);
static inline bool tx_bytes_equal(struct tx_bytes a, struct tx_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* As memcmp over the common length, then the shorter one first: -1, 0 or 1. */
int tx_bytes_compare(struct tx_bytes a, struct tx_bytes b);
/* A 64-bit hash that is the same on every machine and in every run. */
uint64_t tx_bytes_hash(struct tx_bytes bytes, uint64_t seed);
/* Writes the bytes for a log line or an error text: printable ASCII as it is, quotes, backslashes
 * and all else as \xNN, cut with "..." when `out_size` is too small. Always terminates; returns
 * `out`. */
const char *tx_bytes_print(struct tx_bytes bytes, char *out, size_t out_size);

/* CRC-32C (Castagnoli), as in RFC 3720; tx_crc32c(0, "123456789") is 0xe3069283. `crc` continues an
 * earlier one. */
uint32_t tx_crc32c(uint32_t crc, struct tx_bytes bytes);

/* A growing buffer. A failed allocation sets `failed` and leaves the content as it was; later
 * appends do nothing, so that a writer may check once at the end. All zero is a valid
 * empty buffer. */
struct tx_buf {
    uint8_t *data;
    size_t len;
    size_t capacity;
    bool failed;
};

void tx_buf_deinit(struct tx_buf *buf);
/* Empties the buffer and clears `failed`; keeps the memory. */
void tx_buf_clear(struct tx_buf *buf);
/* Where `len` more bytes may be written, which count as appended; NULL when the buffer has failed.
 * Makes room for them: tx_buf_room() is the quick way where there is some. */
uint8_t *tx_buf_grow(struct tx_buf *buf, size_t len) TX_MUST_CHECK;
static inline uint8_t *tx_buf_room(struct tx_buf *buf, size_t len)
{
    if (buf->failed || buf->capacity - buf->len < len)
        return tx_buf_grow(buf, len);
    uint8_t *at = buf->data + buf->len;
    buf->len += len;
    return at;
}
/* The lowest `len` bytes of a number. Inline: with a length that the compiler knows, one store. */
static inline void tx_buf_number(struct tx_buf *buf, uint64_t value, size_t len)
{
    uint8_t *at = tx_buf_room(buf, len);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    if (at != NULL)
        memcpy(at, &value, len);
}
void tx_buf_append(struct tx_buf *buf, struct tx_bytes bytes);
static inline void tx_buf_u8(struct tx_buf *buf, uint8_t value)
{
    tx_buf_number(buf, value, sizeof value);
}
static inline void tx_buf_u16(struct tx_buf *buf, uint16_t value)
{
    tx_buf_number(buf, value, sizeof value);
}
static inline void tx_buf_u32(struct tx_buf *buf, uint32_t value)
{
    tx_buf_number(buf, value, sizeof value);
}
static inline void tx_buf_u64(struct tx_buf *buf, uint64_t value)
{
    tx_buf_number(buf, value, sizeof value);
}
/* A 32-bit length, then the bytes. */
void tx_buf_blob(struct tx_buf *buf, struct tx_bytes bytes);
struct tx_bytes tx_buf_view(const struct tx_buf *buf);

/* A reader over borrowed bytes. Reading past the end sets `failed` and returns zeroes, so that a
 * decoder may check once at the end. Views that it returns borrow from `in`. */
struct tx_reader {
    struct tx_bytes in;
    size_t at;
    bool failed;
};

struct tx_reader tx_reader(struct tx_bytes in);
uint8_t tx_read_u8(struct tx_reader *r);
uint16_t tx_read_u16(struct tx_reader *r);
uint32_t tx_read_u32(struct tx_reader *r);
uint64_t tx_read_u64(struct tx_reader *r);
struct tx_bytes tx_read_blob(struct tx_reader *r);
struct tx_bytes tx_read_bytes(struct tx_reader *r, size_t len);
size_t tx_reader_left(const struct tx_reader *r);
/* True when nothing failed and nothing is left over. */
bool tx_reader_done(const struct tx_reader *r);

/* An arena: allocations live until the next reset. All zero is a valid empty arena. */
struct tx_arena_block;
struct tx_arena {
    struct tx_arena_block *blocks;
};

/* Zeroed memory for `count` things of `bytes` each, aligned for any type; NULL when there is no
 * memory or the product overflows. A count of zero gives a valid pointer. */
void *tx_arena_alloc(struct tx_arena *arena, size_t count, size_t bytes) TX_MUST_CHECK;
/* A copy of the bytes in the arena; {NULL, 0} when there is no memory (or nothing to copy). */
struct tx_bytes tx_arena_copy(struct tx_arena *arena, struct tx_bytes bytes);
/* Frees all but one block, which is kept for the next use. */
void tx_arena_reset(struct tx_arena *arena);
/* The same for an arena that others will use next: false, and nothing done, when there is no block,
 * or the one to keep is larger than an arena's first one. */
bool tx_arena_recycle(struct tx_arena *arena);
void tx_arena_deinit(struct tx_arena *arena);

#endif
