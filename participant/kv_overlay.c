/* Committed changes that the log writer has not made durable yet. */
#include "participant/kv_overlay.h"

#include <stdlib.h>
#include <string.h>

#define CHAINS_FIRST 64u
#define CHAINS_KEPT  4096u /* more are given back when nothing is there */

/* ---- the table ---- */

static struct kv_entry **chain(const struct kv_overlay *overlay, uint64_t hash)
{
    return &overlay->chains[hash & (overlay->chains_n - 1)];
}

static void push(struct kv_overlay *overlay, struct kv_entry *entry)
{
    struct kv_entry **first = chain(overlay, entry->hash);
    entry->chain = *first;
    *first = entry;
}

static void grow(struct kv_overlay *overlay)
{
    struct kv_entry **old = overlay->chains;
    size_t old_n = overlay->chains_n;
    overlay->chains_n = old_n > 0 ? 2 * old_n : CHAINS_FIRST;
    overlay->chains = tx_xcalloc(overlay->chains_n, sizeof(struct kv_entry *));
    for (size_t i = 0; i < old_n; i++) {
        struct kv_entry *next;
        for (struct kv_entry *entry = old[i]; entry != NULL; entry = next) {
            next = entry->chain;
            push(overlay, entry);
        }
    }
    free(old);
}

static void table_add(struct kv_overlay *overlay, struct kv_entry *entry)
{
    if (overlay->newest_n == overlay->chains_n)
        grow(overlay);
    push(overlay, entry);
    overlay->newest_n++;
}

static void table_remove(struct kv_overlay *overlay, struct kv_entry *entry)
{
    struct kv_entry **at = chain(overlay, entry->hash);
    while (*at != entry) {
        TX_ASSERT(*at != NULL);
        at = &(*at)->chain;
    }
    *at = entry->chain;
    overlay->newest_n--;
}

static struct kv_entry *find(const struct kv_overlay *overlay, struct kv_key key)
{
    if (overlay->newest_n == 0)
        return NULL;
    struct kv_entry *entry = *chain(overlay, key.hash);
    while (entry != NULL && (entry->hash != key.hash || entry->key_len != key.bytes.len ||
                             memcmp(entry->key, key.bytes.data, key.bytes.len) != 0))
        entry = entry->chain;
    return entry;
}

const struct kv_entry *kv_overlay_find(const struct kv_overlay *overlay, struct kv_key key)
{
    return find(overlay, key);
}

/* ---- the order ---- */

static void disorder(struct kv_overlay *overlay, struct kv_entry *entry)
{
    if (!entry->ordered)
        return;
    kv_map_remove(&overlay->order, entry);
    entry->ordered = false;
}

const struct kv_map *kv_overlay_order(struct kv_overlay *overlay)
{
    for (; overlay->unordered != NULL; overlay->unordered = overlay->unordered->next) {
        struct kv_entry *entry = overlay->unordered;
        if (entry->replaced)
            continue;
        kv_map_add(&overlay->order, entry);
        entry->ordered = true;
    }
    return &overlay->order;
}

/* ---- the queue ---- */

static void drop_first(struct kv_overlay *overlay, struct kv_cache *cache)
{
    struct kv_entry *entry = overlay->first;
    overlay->first = entry->next;
    if (overlay->first == NULL)
        overlay->last = NULL;
    if (overlay->unordered == entry)
        overlay->unordered = entry->next;
    if (!entry->replaced) {
        struct tx_bytes value = kv_entry_value(entry);
        struct kv_key key = {kv_entry_key(entry), entry->hash};
        table_remove(overlay, entry);
        disorder(overlay, entry);
        kv_cache_put(cache, key, entry->deleted ? NULL : &value);
    }
    kv_entry_destroy(overlay->spares, &entry);
}

static void free_table(struct kv_overlay *overlay)
{
    TX_ASSERT(overlay->newest_n == 0 && overlay->order.n == 0);
    free(overlay->chains);
    overlay->chains = NULL;
    overlay->chains_n = 0;
}

void kv_overlay_deinit(struct kv_overlay *overlay)
{
    struct kv_cache none = {0};
    while (overlay->first != NULL)
        drop_first(overlay, &none);
    free_table(overlay);
}

void kv_overlay_add(struct kv_overlay *overlay, struct kv_entry *entry, struct tx_lsn lsn)
{
    TX_ASSERT(overlay->last == NULL || overlay->last->lsn.n <= lsn.n);
    TX_ASSERT(entry->next == NULL && !entry->replaced && !entry->ordered);
    struct kv_entry *older = find(overlay, (struct kv_key){kv_entry_key(entry), entry->hash});
    if (older != NULL) {
        table_remove(overlay, older);
        disorder(overlay, older);
        older->replaced = true;
    }
    entry->lsn = lsn;
    table_add(overlay, entry);
    if (overlay->last != NULL)
        overlay->last->next = entry;
    else
        overlay->first = entry;
    overlay->last = entry;
    if (overlay->unordered == NULL)
        overlay->unordered = entry;
}

void kv_overlay_durable(struct kv_overlay *overlay, struct tx_lsn lsn, struct kv_cache *cache)
{
    while (overlay->first != NULL && overlay->first->lsn.n <= lsn.n)
        drop_first(overlay, cache);
    if (overlay->first == NULL && overlay->chains_n > CHAINS_KEPT)
        free_table(overlay);
}

void kv_overlay_check(const struct kv_overlay *overlay)
{
    size_t visible = 0, ordered = 0;
    bool in_order = true;
    const struct kv_entry *end = NULL;
    for (const struct kv_entry *entry = overlay->first; entry != NULL; entry = entry->next) {
        struct tx_bytes key = kv_entry_key(entry);
        const struct kv_entry *newest = kv_overlay_find(overlay, kv_key(key));
        in_order = in_order && entry != overlay->unordered;
        TX_ASSERT(entry->hash == kv_key(key).hash);
        TX_ASSERT(!entry->replaced || newest == NULL || newest->lsn.n >= entry->lsn.n);
        TX_ASSERT((newest == entry) == !entry->replaced);
        TX_ASSERT(entry->ordered == (in_order && !entry->replaced));
        TX_ASSERT(!entry->ordered || kv_map_find(&overlay->order, key) == entry);
        TX_ASSERT(entry->next == NULL || entry->next->lsn.n >= entry->lsn.n);
        visible += entry->replaced ? 0 : 1;
        ordered += entry->ordered ? 1 : 0;
        end = entry;
    }
    TX_ASSERT(end == overlay->last && in_order == (overlay->unordered == NULL));
    TX_ASSERT(visible == overlay->newest_n && ordered == overlay->order.n);
}
