/* Resources: the places of the hierarchy that are locked or waited for, found by their names. */
#include "lockmgr/lock_internal.h"

#include "common/assert.h"
#include "lockmgr/lock_span.h"

#include <stdlib.h>
#include <string.h>

uint32_t lock_resource_hash(const struct lock_link *entry)
{
    return ((const struct lock_resource *)(const void *)entry)->hash;
}

static struct tx_bytes own_name(const struct lock_resource *resource)
{
    return tx_bytes(resource->name, resource->name_len);
}

static uint32_t name_hash(const struct lock_resource *parent, struct tx_bytes name)
{
    return (uint32_t)tx_bytes_hash(name, parent->hash);
}

struct lock_resource *lock_store_new(void)
{
    struct lock_resource *store = tx_xcalloc(1, sizeof *store);
    store->level = LOCK_LEVEL_STORE;
    return store;
}

void lock_store_destroy(struct lock_resource **store)
{
    TX_ASSERT((*store)->holds == NULL && (*store)->queue == NULL);
    free(*store);
    *store = NULL;
}

static struct lock_resource *find_hashed(const struct lockmgr *mgr,
                                         const struct lock_resource *parent, struct tx_bytes name,
                                         uint32_t hash)
{
    struct lock_link *entry = lock_table_chain(&mgr->resources, hash);
    for (; entry != NULL; entry = entry->next) {
        struct lock_resource *resource = (struct lock_resource *)(void *)entry;
        if (resource->hash == hash && resource->parent == parent &&
            tx_bytes_equal(own_name(resource), name)) {
            return resource;
        }
    }
    return NULL;
}

struct lock_resource *lock_resource_find(const struct lockmgr *mgr,
                                         const struct lock_resource *parent, struct tx_bytes name)
{
    return find_hashed(mgr, parent, name, name_hash(parent, name));
}

/* NULL for a name that is too long for the pools. */
static struct lock_pool *pool_for(struct lockmgr *mgr, size_t name_len)
{
    TX_ASSERT(name_len > 0);
    size_t name_class = (name_len - 1) / LOCK_NAME_CLASS_BYTES;
    return name_class < LOCK_NAME_CLASSES_N ? &mgr->resource_pools[name_class] : NULL;
}

static struct lock_resource *resource_new(struct lockmgr *mgr, struct lock_resource *parent,
                                          struct tx_bytes name, uint32_t hash)
{
    struct lock_pool *pool = pool_for(mgr, name.len);
    struct lock_resource *resource =
        pool != NULL ? lock_pool_take(pool) : tx_xmalloc(sizeof *resource + name.len);
    *resource = (struct lock_resource){
        .parent = parent,
        .hash = hash,
        .name_len = (uint16_t)name.len,
        .level = (uint8_t)(parent->level + 1),
    };
    memcpy(resource->name, name.data, name.len);
    lock_table_insert(&mgr->resources, &resource->link, hash);
    lock_span_key_made(resource);
    return resource;
}

struct lock_resource *lock_resource_get(struct lockmgr *mgr, struct lock_resource *parent,
                                        struct tx_bytes name)
{
    bool is_space = parent->level == LOCK_LEVEL_STORE;
    if (is_space && mgr->last_space != NULL && tx_bytes_equal(own_name(mgr->last_space), name)) {
        return mgr->last_space;
    }
    uint32_t hash = name_hash(parent, name);
    struct lock_resource *resource = find_hashed(mgr, parent, name, hash);
    if (resource == NULL) {
        resource = resource_new(mgr, parent, name, hash);
    }
    if (is_space) {
        mgr->last_space = resource;
    }
    return resource;
}

static void resource_free(struct lockmgr *mgr, struct lock_resource *resource)
{
    if (resource->level == LOCK_LEVEL_KEY) {
        lock_span_key_gone(resource);
    } else {
        lock_spans_free(resource);
    }
    if (mgr->last_space == resource) {
        mgr->last_space = NULL;
    }
    lock_table_remove(&mgr->resources, &resource->link, resource->hash);
    struct lock_pool *pool = pool_for(mgr, resource->name_len);
    if (pool != NULL) {
        lock_pool_give(pool, resource);
    } else {
        free(resource);
    }
}

static void note_touched(struct lockmgr *mgr, struct lock_resource *resource)
{
    if (mgr->touched_n == mgr->touched_capacity) {
        mgr->touched_capacity = mgr->touched_capacity == 0 ? 16 : 2 * mgr->touched_capacity;
        mgr->touched =
            tx_xrealloc(mgr->touched, mgr->touched_capacity * sizeof(struct lock_resource *));
    }
    mgr->touched[mgr->touched_n] = resource;
    mgr->touched_n++;
    resource->touched = true;
}

void lock_resource_touch(struct lockmgr *mgr, struct lock_resource *resource)
{
    if (resource->touched) {
        return; /* it is looked at, and freed if need be, when its turn comes */
    }
    if (resource->queue != NULL || lock_span_watched(resource)) {
        note_touched(mgr, resource);
    } else if (resource->holds == NULL && resource->level != LOCK_LEVEL_STORE) {
        resource_free(mgr, resource);
    }
}

struct lock_resource *lock_resource_next_touched(struct lockmgr *mgr, size_t *at)
{
    if (*at == mgr->touched_n) {
        mgr->touched_n = 0;
        return NULL;
    }
    struct lock_resource *resource = mgr->touched[*at];
    resource->touched = false;
    (*at)++;
    return resource;
}

struct lock_name lock_resource_name(const struct lock_resource *resource)
{
    struct lock_name name = {.range = false};
    if (resource->level == LOCK_LEVEL_KEY) {
        name.key = own_name(resource);
        resource = resource->parent;
    }
    if (resource->level == LOCK_LEVEL_SPACE) {
        name.space = own_name(resource);
    }
    return name;
}
