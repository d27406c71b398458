/* Ranks: eight bytes of a key that decide most comparisons, so that a way down a tree of keys looks
 * at the nodes alone and not at their names.
 *
 * The keys of a keyspace begin alike as a rule ("account-"), so the eight bytes are those behind a
 * stem that most of them have. A key that does not begin with the stem gets the lowest or the
 * highest rank, as it is before or behind all that do. Hence, whatever the stem is,
 *
 *     a < b  implies  rank(a) <= rank(b)
 *
 * and only keys of equal rank have to be compared byte by byte. A stem that fits badly costs time,
 * nothing else. */
#ifndef ASSENT_LOCKMGR_LOCK_STEM_H
#define ASSENT_LOCKMGR_LOCK_STEM_H

#include "common/bytes.h"

#include <stddef.h>
#include <stdint.h>

#define LOCK_RANK_END UINT64_MAX /* of the end of a keyspace, which is behind every key */

struct lock_stem {
    uint8_t *bytes;
    size_t len;
};

uint64_t lock_stem_rank(const struct lock_stem *stem, struct tx_bytes key);
/* Makes a copy of `bytes` the stem. The ranks given before are worth nothing then. */
void lock_stem_set(struct lock_stem *stem, struct tx_bytes bytes);
void lock_stem_deinit(struct lock_stem *stem);

/* The bytes that both begin with; borrowed from `a`. */
struct tx_bytes lock_stem_common(struct tx_bytes a, struct tx_bytes b);

#endif
