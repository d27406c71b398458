/* uthash as the participant uses it: keys of three kinds, ids of transactions, numbers of
 * coordinators, and anything else.
 *
 * Include this instead of <uthash.h>. An id is hashed with two multiplications, and compared as
 * three numbers. */
#ifndef ASSENT_PARTICIPANT_PART_MAP_H
#define ASSENT_PARTICIPANT_PART_MAP_H

#include "common/assert.h"
#include "common/ids.h"

/* An id as a key of a map: no padding. */
struct part_key {
    uint64_t coordinator, epoch, seq;
};
static inline struct part_key part_key(struct tx_id id)
{
    return (struct part_key){id.coordinator, id.epoch, id.seq};
}

/* Ids of one epoch are numbered through: an odd factor leaves their low bits, which choose the
 * bucket, all different. */
static inline unsigned part_map_hash(const void *key, size_t len)
{
    struct part_key id;
    uint32_t number; /* a coordinator's */
    if (len == sizeof number) {
        memcpy(&number, key, sizeof number);
        return number * UINT32_C(0x9e3779b1);
    }
    if (len != sizeof id)
        return (unsigned)tx_bytes_hash(tx_bytes(key, len), 0);
    memcpy(&id, key, sizeof id);
    uint64_t hash = id.seq * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= (id.epoch ^ id.coordinator << 48) * UINT64_C(0xbb67ae8584caa73b);
    return (unsigned)(hash ^ hash >> 32);
}

static inline int part_map_differ(const void *a, const void *b, size_t len)
{
    struct part_key x, y;
    uint32_t m, n;
    if (len == sizeof m) {
        memcpy(&m, a, sizeof m);
        memcpy(&n, b, sizeof n);
        return m != n;
    }
    if (len != sizeof x)
        return memcmp(a, b, len);
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x.seq != y.seq || x.epoch != y.epoch || x.coordinator != y.coordinator;
}

/* A map that has no memory stops the process, as every allocation of a core does. */
#define uthash_malloc(bytes)          tx_xmalloc(bytes)
#define uthash_fatal(text)            tx_memory_failed(__func__) /* its only reason */
#define HASH_FUNCTION(key, len, hash) ((hash) = part_map_hash((key), (len)))
#define HASH_KEYCMP(a, b, len)        part_map_differ((a), (b), (len))
#include <uthash.h>

#endif
