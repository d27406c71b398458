/* Values that are known to be the store's. */
#include "participant/kv_cache.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

/* What one entry takes, about: a bucket for each of so many bytes. */
#define BYTES_EACH   ((size_t)128)
#define LARGEST_PART 8u /* an entry may take this part of the whole */

struct kv_cached {
    struct kv_cached *next; /* in its bucket */
    TAILQ_ENTRY(kv_cached) link;
    uint64_t hash;
    uint32_t key_len, value_len;
    uint32_t room; /* for the value */
    bool found;
    bool used; /* asked for since it was last passed over */
    uint8_t key[];
};

static size_t cost(size_t key_len, size_t room)
{
    return sizeof(struct kv_cached) + key_len + room + 2 * sizeof(void *); /* malloc's own */
}

static size_t cost_of(const struct kv_cached *entry)
{
    return cost(entry->key_len, entry->room);
}

void kv_cache_init(struct kv_cache *cache, size_t bytes_max)
{
    *cache = (struct kv_cache){.bytes_max = bytes_max};
    TAILQ_INIT(&cache->list);
    size_t n = 1;
    while (n * 2 <= bytes_max / BYTES_EACH)
        n *= 2;
    cache->mask = n - 1;
    if (bytes_max > 0)
        cache->buckets = calloc(n, sizeof(struct kv_cached *));
    if (cache->buckets == NULL)
        cache->bytes_max = 0;
}

static struct kv_cached **bucket(const struct kv_cache *cache, uint64_t hash)
{
    return &cache->buckets[hash & cache->mask];
}

static struct kv_cached **place(const struct kv_cache *cache, struct kv_key key)
{
    struct kv_cached **at = bucket(cache, key.hash);
    while (*at != NULL && ((*at)->hash != key.hash || (*at)->key_len != key.bytes.len ||
                           memcmp((*at)->key, key.bytes.data, key.bytes.len) != 0))
        at = &(*at)->next;
    return at;
}

static struct kv_key key_of(const struct kv_cached *entry)
{
    return (struct kv_key){tx_bytes(entry->key, entry->key_len), entry->hash};
}

static void drop(struct kv_cache *cache, struct kv_cached **at)
{
    struct kv_cached *entry = *at;
    *at = entry->next;
    TAILQ_REMOVE(&cache->list, entry, link);
    TX_ASSERT(cache->bytes >= cost_of(entry));
    cache->bytes -= cost_of(entry);
    free(entry);
}

void kv_cache_deinit(struct kv_cache *cache)
{
    struct kv_cached *entry;
    while (cache->buckets != NULL && (entry = TAILQ_FIRST(&cache->list)) != NULL)
        drop(cache, place(cache, key_of(entry)));
    TX_ASSERT(cache->bytes == 0);
    free(cache->buckets);
    *cache = (struct kv_cache){0};
}

bool kv_cache_find(struct kv_cache *cache, struct kv_key key, bool *found, struct tx_bytes *value)
{
    if (cache->bytes_max == 0)
        return false;
    struct kv_cached *entry = *place(cache, key);
    if (entry == NULL) {
        cache->misses++;
        return false;
    }
    cache->hits++;
    entry->used = true;
    *found = entry->found;
    *value = tx_bytes(entry->key + entry->key_len, entry->value_len);
    return true;
}

/* Second chance: what has been used goes to the front once more. */
static void make_room(struct kv_cache *cache, size_t bytes)
{
    while (cache->bytes + bytes > cache->bytes_max) {
        struct kv_cached *last = TAILQ_LAST(&cache->list, kv_cached_list);
        TX_ASSERT(last != NULL);
        if (last->used) {
            last->used = false;
            TAILQ_REMOVE(&cache->list, last, link);
            TAILQ_INSERT_HEAD(&cache->list, last, link);
        } else {
            drop(cache, place(cache, key_of(last)));
        }
    }
}

static void set(struct kv_cached *entry, const struct tx_bytes *value)
{
    TX_ASSERT(value == NULL || value->len <= entry->room);
    entry->found = value != NULL;
    entry->value_len = value != NULL ? (uint32_t)value->len : 0;
    if (entry->value_len > 0)
        memcpy(entry->key + entry->key_len, value->data, value->len);
}

static void add(struct kv_cache *cache, struct kv_key key, size_t room,
                const struct tx_bytes *value)
{
    size_t key_len = key.bytes.len;
    make_room(cache, cost(key_len, room));
    struct kv_cached *entry = malloc(sizeof(*entry) + key_len + room);
    if (entry == NULL)
        return;
    *entry = (struct kv_cached){
        .hash = key.hash, .key_len = (uint32_t)key_len, .room = (uint32_t)room, .used = false};
    memcpy(entry->key, key.bytes.data, key_len);
    set(entry, value);
    struct kv_cached **first = bucket(cache, key.hash);
    entry->next = *first;
    *first = entry;
    TAILQ_INSERT_HEAD(&cache->list, entry, link);
    cache->bytes += cost_of(entry);
}

void kv_cache_put(struct kv_cache *cache, struct kv_key key, const struct tx_bytes *value)
{
    size_t len = value != NULL ? value->len : 0;
    if (cache->bytes_max == 0)
        return;
    struct kv_cached **at = place(cache, key);
    if (*at != NULL && len <= (*at)->room) {
        set(*at, value);
        return;
    }
    if (*at != NULL)
        drop(cache, at);
    size_t room = (len + 15) & ~(size_t)15; /* a counter's next values have place, too */
    if (key.bytes.len <= cache->bytes_max && room <= cache->bytes_max &&
        cost(key.bytes.len, room) <= cache->bytes_max / LARGEST_PART)
        add(cache, key, room, value);
}

void kv_cache_check(const struct kv_cache *cache)
{
    const struct kv_cached *entry;
    size_t bytes = 0, n = 0;
    if (cache->bytes_max == 0)
        return;
    TAILQ_FOREACH(entry, &cache->list, link)
    {
        TX_ASSERT(entry->hash == kv_key(key_of(entry).bytes).hash);
        TX_ASSERT(*place(cache, key_of(entry)) == entry);
        TX_ASSERT(entry->value_len <= entry->room && (entry->found || entry->value_len == 0));
        bytes += cost_of(entry);
        n++;
    }
    for (size_t i = 0; i <= cache->mask; i++) {
        for (entry = cache->buckets[i]; entry != NULL; entry = entry->next)
            n--;
    }
    TX_ASSERT(n == 0);
    TX_ASSERT(bytes == cache->bytes && bytes <= cache->bytes_max);
}
