/* One change of one key, and the map from keys to changes.
 *
 * An entry begins in the write set of a transaction and moves to the overlay at commit, without
 * being copied. It is in one map at a time, so that one tree node serves both. Maps are in order of
 * the keys. A small value lies in the entry's own memory, which comes from the spares. */
#ifndef ASSENT_PARTICIPANT_KV_ENTRY_H
#define ASSENT_PARTICIPANT_KV_ENTRY_H

#include "common/assert.h"
#include "common/ids.h"
#include "common/tree.h"
#include "participant/kv_key.h"
#include "participant/kv_spares.h"

struct kv_entry {
    uint8_t *value; /* NULL when empty or deleted; behind the key where there is room for it */
    size_t value_len;
    struct tx_lsn lsn;      /* of the commit; 0 in a write set */
    struct kv_entry *next;  /* in the overlay's queue */
    struct kv_entry *chain; /* in the overlay's table */
    struct tx_tree_node node;
    uint64_t hash; /* of the key: its priority in the tree, which is asked for at every level */
    uint32_t key_len;
    uint32_t room; /* for a value, behind the key */
    bool deleted;
    bool replaced; /* in the overlay's queue only: a newer entry has its place in the table */
    bool ordered;  /* in the overlay's tree */
    uint8_t key[]; /* as redo_data_key() makes it */
};

/* An entry that deletes `key`, until kv_entry_set() says otherwise; with room for a value of about
 * `value_len` bytes. */
struct kv_entry *kv_entry_new(struct kv_spares *spares, struct kv_key key, size_t value_len);
/* Copies the value, which may be a view of the one before; NULL makes it a delete. */
void kv_entry_set(struct kv_entry *entry, const struct tx_bytes *value);
/* To the spares it came from. */
void kv_entry_destroy(struct kv_spares *spares, struct kv_entry **entry);

static inline struct tx_bytes kv_entry_key(const struct kv_entry *entry)
{
    return tx_bytes(entry->key, entry->key_len);
}
static inline struct tx_bytes kv_entry_value(const struct kv_entry *entry)
{
    return tx_bytes(entry->value, entry->value_len);
}

/* All zero is a valid empty map. */
struct kv_map {
    struct tx_tree_node *root;
    size_t n;
};

/* The entry of `key`; NULL when it has none. */
struct kv_entry *kv_map_find(const struct kv_map *map, struct tx_bytes key);
/* The first entry at or behind `key`, and the last one before it; NULL when there is none. */
struct kv_entry *kv_map_at_or_after(const struct kv_map *map, struct tx_bytes key);
struct kv_entry *kv_map_before(const struct kv_map *map, struct tx_bytes key);
/* The first of all; NULL when there is none. */
struct kv_entry *kv_map_first(const struct kv_map *map);
/* The one that follows in order; NULL after the last. */
struct kv_entry *kv_map_next(const struct kv_map *map, const struct kv_entry *entry);
/* Adds an entry whose key is not in the map. */
void kv_map_add(struct kv_map *map, struct kv_entry *entry);
void kv_map_remove(struct kv_map *map, struct kv_entry *entry);

#endif
