/* One change of one key, and the map from keys to changes. */
#include "participant/kv_entry.h"

#include <stdlib.h>
#include <string.h>

/* A counter's next values have room, too. */
static uint32_t room_for(size_t value_len)
{
    TX_ASSERT(value_len <= UINT32_MAX - 15);
    return (uint32_t)((value_len + 15) & ~(size_t)15);
}

/* Whose spares a piece of so many bytes comes from; NULL when malloc has it. */
static struct tx_spare *spare_for(struct kv_spares *spares, size_t bytes)
{
    size_t step = (bytes - 1) / KV_ENTRY_STEP;
    return step < KV_ENTRY_STEPS_N ? &spares->entries[step] : NULL;
}

static size_t rounded(size_t bytes)
{
    return (bytes + KV_ENTRY_STEP - 1) / KV_ENTRY_STEP * KV_ENTRY_STEP;
}

struct kv_entry *kv_entry_new(struct kv_spares *spares, struct kv_key key, size_t value_len)
{
    TX_ASSERT(key.bytes.len > 0 && key.bytes.len <= UINT32_MAX);
    uint32_t room = room_for(value_len);
    size_t bytes = sizeof(struct kv_entry) + key.bytes.len + room;
    struct tx_spare *spare = spare_for(spares, bytes);
    struct kv_entry *entry =
        spare != NULL ? tx_spare_take(spare, rounded(bytes)) : tx_xmalloc(bytes);
    *entry = (struct kv_entry){
        .deleted = true, .hash = key.hash, .key_len = (uint32_t)key.bytes.len, .room = room};
    memcpy(entry->key, key.bytes.data, key.bytes.len);
    return entry;
}

static uint8_t *own_room(struct kv_entry *entry)
{
    return entry->key + entry->key_len;
}

void kv_entry_set(struct kv_entry *entry, const struct tx_bytes *value)
{
    /* The new copy comes first: `value` may be a view of the old one. */
    uint8_t *old = entry->value;
    uint8_t *copy = NULL;
    size_t len = value != NULL ? value->len : 0;
    if (len > 0) {
        copy = len <= entry->room ? own_room(entry) : tx_xmalloc(len);
        memmove(copy, value->data, len);
    }
    if (old != own_room(entry))
        free(old);
    entry->value = copy;
    entry->value_len = len;
    entry->deleted = value == NULL;
}

void kv_entry_destroy(struct kv_spares *spares, struct kv_entry **entry_ptr)
{
    struct kv_entry *entry = *entry_ptr;
    if (entry == NULL)
        return;
    if (entry->value != own_room(entry))
        free(entry->value);
    struct tx_spare *spare =
        spare_for(spares, sizeof(struct kv_entry) + entry->key_len + entry->room);
    if (spare != NULL)
        tx_spare_give(spare, entry, KV_SPARES_MAX);
    else
        free(entry);
    *entry_ptr = NULL;
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

struct kv_entry *kv_map_first(const struct kv_map *map)
{
    const struct tx_tree_node *node = map->root;
    while (node != NULL && node->left != NULL)
        node = node->left;
    return entry_at(node);
}

static int probe_behind(const void *sought, const struct tx_tree_node *node)
{
    return probe(sought, node) < 0 ? -1 : 1;
}

struct kv_entry *kv_map_next(const struct kv_map *map, const struct kv_entry *entry)
{
    struct tx_bytes key = kv_entry_key(entry);
    if (map->n == 1)
        return NULL;
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
