/* One change of one key, and the map from keys to changes. */
#include "participant/kv_entry.h"

#include <stdlib.h>
#include <string.h>

struct kv_entry *kv_entry_new(struct tx_bytes key)
{
    TX_ASSERT(key.len > 0);
    struct kv_entry *entry = tx_xmalloc(sizeof(*entry) + key.len);
    *entry = (struct kv_entry){.deleted = true, .key_len = key.len};
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

struct kv_entry *kv_map_find(struct kv_entry *map, struct tx_bytes key)
{
    struct kv_entry *found = NULL;
    HASH_FIND(hh, map, key.data, key.len, found);
    return found;
}

void kv_map_add(struct kv_entry **map, struct kv_entry *entry)
{
    TX_ASSERT(kv_map_find(*map, kv_entry_key(entry)) == NULL);
    HASH_ADD_KEYPTR(hh, *map, entry->key, entry->key_len, entry);
}

void kv_map_remove(struct kv_entry **map, struct kv_entry *entry)
{
    HASH_DELETE(hh, *map, entry);
}
