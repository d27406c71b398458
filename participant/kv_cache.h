/* Values that are known to be the store's, so that RocksDB need not be asked for them again.
 *
 * Holds what has been read, absence too, and what has been committed and become durable, up to a
 * number of bytes; then those go that have not been asked for since they were last passed over.
 * What lies in the overlay is newer, and is looked at first: a key's entry here is brought up to
 * date when the key leaves the overlay. */
#ifndef ASSENT_PARTICIPANT_KV_CACHE_H
#define ASSENT_PARTICIPANT_KV_CACHE_H

#include "participant/kv_key.h"

#include <sys/queue.h>

struct kv_cached;

/* All zero is a valid cache that keeps nothing. */
struct kv_cache {
    struct kv_cached **buckets;
    uint64_t mask; /* of their number, a power of two */
    size_t bytes, bytes_max;
    uint64_t hits, misses;                      /* of kv_cache_find() */
    TAILQ_HEAD(kv_cached_list, kv_cached) list; /* the newest first */
};

/* A cache of at most `bytes_max` bytes, its own bookkeeping included, except for a table of
 * pointers of at most a sixteenth of that; 0: keeps nothing. Memory that cannot be had is that
 * case too. */
void kv_cache_init(struct kv_cache *cache, size_t bytes_max);
void kv_cache_deinit(struct kv_cache *cache);

/* Is it known what the store holds at `key`? Then `found` says whether there is a value; *value is
 * a view of it, good until the next call with this cache. */
bool kv_cache_find(struct kv_cache *cache, struct kv_key key, bool *found, struct tx_bytes *value);
/* The store holds `value` at `key`, or nothing when it is NULL. Copies both. A value that is too
 * large to keep is forgotten. */
void kv_cache_put(struct kv_cache *cache, struct kv_key key, const struct tx_bytes *value);

/* Checks the table against the list, for tests. */
void kv_cache_check(const struct kv_cache *cache);

#endif
