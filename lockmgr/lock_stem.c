/* Ranks of keys. */
#include "lockmgr/lock_stem.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

/* The first eight bytes, as a number that orders as they do; missing ones count as 0. */
static uint64_t load_be64(const uint8_t *at, size_t left)
{
    uint64_t value = 0;
    if (left >= sizeof value) {
        memcpy(&value, at, sizeof value);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        value = __builtin_bswap64(value);
#endif
        return value;
    }
    for (size_t i = 0; i < left; i++) {
        value |= (uint64_t)at[i] << (8 * (sizeof value - 1 - i));
    }
    return value;
}

uint64_t lock_stem_rank(const struct lock_stem *stem, struct tx_bytes key)
{
    size_t common = key.len < stem->len ? key.len : stem->len;
    int order = common > 0 ? memcmp(key.data, stem->bytes, common) : 0;
    if (order != 0) {
        return order < 0 ? 0 : UINT64_MAX;
    }
    return key.len <= stem->len ? 0 : load_be64(key.data + stem->len, key.len - stem->len);
}

void lock_stem_set(struct lock_stem *stem, struct tx_bytes bytes)
{
    uint8_t *copy = bytes.len > 0 ? tx_xmalloc(bytes.len) : NULL;
    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    free(stem->bytes);
    *stem = (struct lock_stem){.bytes = copy, .len = bytes.len};
}

void lock_stem_deinit(struct lock_stem *stem)
{
    free(stem->bytes);
    *stem = (struct lock_stem){0};
}

struct tx_bytes lock_stem_common(struct tx_bytes a, struct tx_bytes b)
{
    size_t len = 0;
    while (len < a.len && len < b.len && a.data[len] == b.data[len]) {
        len++;
    }
    return tx_bytes(a.data, len);
}
