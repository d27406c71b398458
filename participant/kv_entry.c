/* One change of one key, and the map from keys to changes. */
#include "participant/kv_entry.h"

#include <stdlib.h>
#include <string.h>

struct kv_entry *kv_entry_new(struct tx_bytes key)
{
    TX_ASSERT(key.len > 0);
    struct kv_entry *entry = tx_xmalloc(sizeof(*entry) + key.len);
    *entry = (struct kv_entry){.deleted = true, .hash = tx_bytes_hash(key, 0), .key_len = key.len};
    memcpy(entry->key, key.data, key.len);
    return entry;
}

void kv_entry_set(struct kv_entry *entry, const struct tx_bytes *value)
{
    /* The new copy comes first: `value` may be a view of the old one. */
    uint8_t *copy = NULL;
    size_t len = value != NULL ? value->len : 0;
    if (len > 0) {
        copy = tx_xmalloc(len);
        memcpy(copy, value->data, len);
    }
    free(entry->value);
    entry->value = copy;
    entry->value_len = len;
    entry->deleted = value == NULL;
}

void kv_entry_destroy(struct kv_entry **entry)
{
    if (*entry == NULL)
        return;
    free((*entry)->value);
    free(*entry);
    *entry = NULL;
}

struct tx_bytes kv_entry_key(const struct kv_entry *entry)
{
    return tx_bytes(entry->key, entry->key_len);
}

struct tx_bytes kv_entry_value(const struct kv_entry *entry)
{
    return tx_bytes(entry->value, entry->value_len);
}

/* ---- maps ---- */

static struct kv_entry *entry_at(const struct tx_tree_node *node)
{
    return node == NULL ? NULL
                        : (struct kv_entry *)(void *)((char *)(uintptr_t)node -
                                                      offsetof(struct kv_entry, node));
}

static bool entry_before(const struct tx_tree_node *a, const struct tx_tree_node *b)
{
    return tx_bytes_compare(kv_entry_key(entry_at(a)), kv_entry_key(entry_at(b))) < 0;
}

static uint64_t entry_priority(const struct tx_tree_node *node)
{
    return entry_at(node)->hash;
}

static const struct tx_tree_kind by_key = {.before = entry_before, .priority = entry_priority};

static int probe(const void *sought, const struct tx_tree_node *node)
{
    return tx_bytes_compare(*(const struct tx_bytes *)sought, kv_entry_key(entry_at(node)));
}

struct kv_entry *kv_map_find(const struct kv_map *map, struct tx_bytes key)
{
    return entry_at(tx_tree_find(map->root, probe, &key));
}

struct kv_entry *kv_map_at_or_after(const struct kv_map *map, struct tx_bytes key)
{
    return entry_at(tx_tree_at_or_after(map->root, probe, &key));
}

struct kv_entry *kv_map_before(const struct kv_map *map, struct tx_bytes key)
{
    return entry_at(tx_tree_before(map->root, probe, &key));
}

static int probe_behind(const void *sought, const struct tx_tree_node *node)
{
    return probe(sought, node) < 0 ? -1 : 1;
}

struct kv_entry *kv_map_next(const struct kv_map *map, const struct kv_entry *entry)
{
    struct tx_bytes key = kv_entry_key(entry);
    return entry_at(tx_tree_at_or_after(map->root, probe_behind, &key));
}

void kv_map_add(struct kv_map *map, struct kv_entry *entry)
{
    TX_ASSERT(kv_map_find(map, kv_entry_key(entry)) == NULL);
    tx_tree_insert(&by_key, &map->root, &entry->node);
    map->n++;
}

void kv_map_remove(struct kv_map *map, struct kv_entry *entry)
{
    tx_tree_remove(&by_key, &map->root, &entry->node);
    map->n--;
}
