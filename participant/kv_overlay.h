/* Committed changes that the log writer has not made durable yet.
 *
 * RocksDB shows a commit only once the writer thread has written its batch; until then other
 * transactions find the change here. Entries are queued in LSN order; a table leads from a key to
 * its newest entry. A replaced entry stays in the queue until its own LSN is durable, since the
 * batch that carries it may still be on its way to the log.
 *
 * Scans need the newest entries in order of their keys, and nobody else does: what has been added
 * since the last scan is put in order by the next one. */
#ifndef ASSENT_PARTICIPANT_KV_OVERLAY_H
#define ASSENT_PARTICIPANT_KV_OVERLAY_H

#include "participant/kv_cache.h"
#include "participant/kv_entry.h"

/* All zero but for its spares is a valid empty overlay. */
struct kv_overlay {
    struct kv_entry **chains; /* the newest entry of each key, by hash */
    size_t chains_n;          /* a power of two, or 0 */
    size_t newest_n;
    struct kv_entry *first; /* queue, in order of commit */
    struct kv_entry *last;
    struct kv_map order;        /* the newest entries before `unordered` */
    struct kv_entry *unordered; /* the first in the queue that is not in order; NULL: all are */
    struct kv_spares *spares;   /* of the store; must be there */
};

void kv_overlay_deinit(struct kv_overlay *overlay);

/* The newest entry of `key`; NULL when RocksDB has the last word. */
const struct kv_entry *kv_overlay_find(const struct kv_overlay *overlay, struct kv_key key);

/* The newest entries of all keys, in order: until the next change. */
const struct kv_map *kv_overlay_order(struct kv_overlay *overlay);

/* Takes over an entry that is committed at `lsn`, which must not be below an earlier one. */
void kv_overlay_add(struct kv_overlay *overlay, struct kv_entry *entry, struct tx_lsn lsn);

/* Drops every entry up to `lsn`: it is on disk, and what is the newest of its key goes to the
 * cache. Costs in proportion to what it drops. */
void kv_overlay_durable(struct kv_overlay *overlay, struct tx_lsn lsn, struct kv_cache *cache);

/* Checks queue, table and order against each other, for tests. */
void kv_overlay_check(const struct kv_overlay *overlay);

#endif
