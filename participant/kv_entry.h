/* One change of one key, and the map from keys to changes.
 *
 * An entry begins in the write set of a transaction and moves to the overlay at commit, without
 * being copied. It is in one map at a time, so that one hash handle serves both. */
#ifndef ASSENT_PARTICIPANT_KV_ENTRY_H
#define ASSENT_PARTICIPANT_KV_ENTRY_H

#include "common/assert.h"
#include "common/ids.h"

/* uthash, with the hash of this project, and without its exit() when memory runs out. */
#define HASH_FUNCTION(data, len, out) ((out) = (unsigned)tx_bytes_hash(tx_bytes((data), (len)), 0))
#define uthash_fatal(text)            tx_memory_failed(__func__) /* its only reason */
#include <uthash.h>

struct kv_entry {
    uint8_t *value; /* NULL when empty or deleted */
    size_t value_len;
    bool deleted;
    bool replaced;         /* in the overlay's queue only: a newer entry has its place in the map */
    struct tx_lsn lsn;     /* of the commit; 0 in a write set */
    struct kv_entry *next; /* in the overlay's queue */
    UT_hash_handle hh;
    size_t key_len;
    uint8_t key[]; /* as redo_data_key() makes it */
};

/* An entry that deletes `key`, until kv_entry_set() says otherwise. */
struct kv_entry *kv_entry_new(struct tx_bytes key);
/* Copies the value; NULL makes it a delete. */
void kv_entry_set(struct kv_entry *entry, const struct tx_bytes *value);
void kv_entry_destroy(struct kv_entry **entry);

struct tx_bytes kv_entry_key(const struct kv_entry *entry);
struct tx_bytes kv_entry_value(const struct kv_entry *entry);

/* The entry of `key` in a map; NULL when it has none. */
struct kv_entry *kv_map_find(struct kv_entry *map, struct tx_bytes key);
/* Adds an entry whose key is not in the map. */
void kv_map_add(struct kv_entry **map, struct kv_entry *entry);
void kv_map_remove(struct kv_entry **map, struct kv_entry *entry);

#endif
