/* Committed changes that the log writer has not made durable yet. */
#include "participant/kv_overlay.h"

static void drop_first(struct kv_overlay *overlay, struct kv_cache *cache)
{
    struct kv_entry *entry = overlay->first;
    overlay->first = entry->next;
    if (overlay->first == NULL)
        overlay->last = NULL;
    if (!entry->replaced) {
        struct tx_bytes value = kv_entry_value(entry);
        kv_map_remove(&overlay->newest, entry);
        kv_cache_put(cache, kv_entry_key(entry), entry->deleted ? NULL : &value);
    }
    kv_entry_destroy(&entry);
}

void kv_overlay_deinit(struct kv_overlay *overlay)
{
    struct kv_cache none = {0};
    while (overlay->first != NULL)
        drop_first(overlay, &none);
    TX_ASSERT(overlay->newest.n == 0);
}

const struct kv_entry *kv_overlay_find(const struct kv_overlay *overlay, struct tx_bytes key)
{
    return kv_map_find(&overlay->newest, key);
}

void kv_overlay_add(struct kv_overlay *overlay, struct kv_entry *entry, struct tx_lsn lsn)
{
    TX_ASSERT(overlay->last == NULL || overlay->last->lsn.n <= lsn.n);
    TX_ASSERT(entry->next == NULL && !entry->replaced);
    struct kv_entry *older = kv_map_find(&overlay->newest, kv_entry_key(entry));
    if (older != NULL) {
        kv_map_remove(&overlay->newest, older);
        older->replaced = true;
    }
    entry->lsn = lsn;
    kv_map_add(&overlay->newest, entry);
    if (overlay->last != NULL)
        overlay->last->next = entry;
    else
        overlay->first = entry;
    overlay->last = entry;
}

void kv_overlay_durable(struct kv_overlay *overlay, struct tx_lsn lsn, struct kv_cache *cache)
{
    while (overlay->first != NULL && overlay->first->lsn.n <= lsn.n)
        drop_first(overlay, cache);
}

void kv_overlay_check(const struct kv_overlay *overlay)
{
    size_t visible = 0;
    const struct kv_entry *end = NULL;
    for (const struct kv_entry *entry = overlay->first; entry != NULL; entry = entry->next) {
        const struct kv_entry *newest = kv_overlay_find(overlay, kv_entry_key(entry));
        TX_ASSERT(!entry->replaced || newest == NULL || newest->lsn.n >= entry->lsn.n);
        TX_ASSERT((newest == entry) == !entry->replaced);
        TX_ASSERT(entry->next == NULL || entry->next->lsn.n >= entry->lsn.n);
        visible += entry->replaced ? 0 : 1;
        end = entry;
    }
    TX_ASSERT(end == overlay->last);
    TX_ASSERT(visible == overlay->newest.n);
}
