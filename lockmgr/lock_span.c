/* Ranges of keys. */
#include "lockmgr/lock_span.h"

#include "common/assert.h"
#include "lockmgr/lock_queue.h"
#include "lockmgr/lock_span_tree.h"

#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

static uint8_t writers_on(const struct lock_resource *key)
{
    uint8_t writers = 0;
    if ((lock_hold_modes(key, TX_LOCK_NONE) & lock_mode_bit(TX_LOCK_X)) != 0) {
        writers |= LOCK_WRITER_HOLDS;
    }
    if ((lock_queue_wanted_in(key->queue) & lock_mode_bit(TX_LOCK_X)) != 0) {
        writers |= LOCK_WRITER_WAITS;
    }
    return writers;
}

void lock_span_key_made(struct lock_resource *key)
{
    if (key->level != LOCK_LEVEL_KEY || key->parent->spans == NULL) {
        return;
    }
    struct lock_key_node *node = tx_xmalloc(sizeof *node);
    *node = (struct lock_key_node){.resource = key, .hash = key->hash, .writers = writers_on(key)};
    key->key = node;
    lock_tree_add_key(key->parent->spans, node);
}

void lock_span_key_changed(struct lock_resource *key)
{
    if (key->level != LOCK_LEVEL_KEY || key->key == NULL) {
        return;
    }
    uint8_t writers = writers_on(key);
    if (writers != key->key->writers) {
        key->key->writers = writers;
        lock_tree_refresh_key(key->parent->spans, key->key);
    }
}

void lock_span_key_gone(struct lock_resource *key)
{
    if (key->level != LOCK_LEVEL_KEY || key->key == NULL) {
        return;
    }
    TX_ASSERT(key->key->watchers == NULL);
    lock_tree_remove_key(key->parent->spans, key->key);
    free(key->key);
    key->key = NULL;
}

/* A key of the keyspace that was locked before there were any spans. */
static void adopt_key(void *arg, const struct lock_link *entry)
{
    struct lock_resource *resource = (struct lock_resource *)(void *)(uintptr_t)entry;
    if (resource->parent == arg) {
        lock_span_key_made(resource);
    }
}

static struct lock_spans *spans_get(struct lockmgr *mgr, struct lock_resource *space)
{
    if (space->spans == NULL) {
        space->spans = tx_xcalloc(1, sizeof *space->spans);
        lock_table_each(&mgr->resources, adopt_key, space);
    }
    return space->spans;
}

void lock_spans_free(struct lock_resource *space)
{
    if (space->spans != NULL) {
        TX_ASSERT(space->spans->keys == NULL && space->spans->ranges == NULL);
        TX_ASSERT(space->spans->nodes_n == 0);
        lock_stem_deinit(&space->spans->stem);
        free(space->spans);
        space->spans = NULL;
    }
}

/* ---- a key against ranges ---- */

bool lock_span_each_range(const struct lock_resource *key,
                          bool (*visit)(void *arg, const struct lock_range *range), void *arg)
{
    if (key->level != LOCK_LEVEL_KEY || key->parent->spans == NULL) {
        return false;
    }
    return lock_tree_each_over(key->parent->spans, key->key, visit, arg);
}

static bool bars(void *arg, const struct lock_range *range)
{
    const struct lock_owner *owner = arg;
    return range->owner != owner && (!range->waiting || lock_owner_before(range->owner, owner));
}

bool lock_span_bars_key(const struct lock_resource *key, const struct lock_owner *owner,
                        enum tx_lock_mode target)
{
    return target == TX_LOCK_X && lock_span_each_range(key, bars, (void *)(uintptr_t)owner);
}

static bool gives(void *arg, const struct lock_range *range)
{
    return range->owner == arg && !range->waiting;
}

bool lock_span_gives_key(const struct lock_resource *key, const struct lock_owner *owner)
{
    return owner->ranges != NULL && lock_span_each_range(key, gives, (void *)(uintptr_t)owner);
}

/* ---- ranges ---- */

struct lock_name lock_range_name(const struct lock_range *range)
{
    struct lock_name name = lock_resource_name(range->space);
    name.range = true;
    name.key = lock_range_from(range);
    name.to = lock_range_to(range);
    return name;
}

static bool is_named(const struct lock_range *range, const struct lock_resource *space,
                     struct lock_name name)
{
    return range->space == space && tx_bytes_equal(lock_range_from(range), name.key) &&
           tx_bytes_equal(lock_range_to(range), name.to);
}

#define OWN_FEW 8u /* ranges of one owner that are looked through one by one */

/* The owner's range of that name, when it has few; `*sure` when it is that or none. */
static struct lock_range *find_among_few(const struct lock_resource *space,
                                         const struct lock_owner *owner, struct lock_name name,
                                         bool *sure)
{
    struct lock_range *range = owner->wait.range;
    *sure = true;
    if (range != NULL && is_named(range, space, name)) {
        return range;
    }
    range = owner->ranges_end;
    for (unsigned i = 0; i < OWN_FEW && range != NULL; i++) {
        if (is_named(range, space, name)) {
            return range;
        }
        range = range->prev;
    }
    *sure = range == NULL;
    return NULL;
}

struct lock_range *lock_range_find(const struct lock_resource *space,
                                   const struct lock_owner *owner, struct lock_name name)
{
    bool sure;
    struct lock_range *few = find_among_few(space, owner, name, &sure);
    if (sure || few != NULL || space->spans == NULL) {
        return few;
    }
    return lock_tree_find_range(space->spans, owner, name);
}

static void owner_link(struct lockmgr *mgr, struct lock_range *range)
{
    struct lock_owner *owner = range->owner;
    range->prev = owner->ranges_end;
    if (owner->ranges_end != NULL) {
        owner->ranges_end->next = range;
    } else {
        owner->ranges = range;
    }
    owner->ranges_end = range;
    mgr->stats.held++;
    mgr->stats.ranges++;
}

static void owner_unlink(struct lockmgr *mgr, struct lock_range *range)
{
    struct lock_owner *owner = range->owner;
    if (range->prev != NULL) {
        range->prev->next = range->next;
    } else {
        owner->ranges = range->next;
    }
    if (range->next != NULL) {
        range->next->prev = range->prev;
    } else {
        owner->ranges_end = range->prev;
    }
    mgr->stats.held--;
    mgr->stats.ranges--;
}

struct lock_range *lock_range_new(struct lockmgr *mgr, struct lock_owner *owner,
                                  struct lock_resource *space, struct lock_name name, bool waiting)
{
    struct lock_spans *spans = spans_get(mgr, space);
    struct lock_range *range = tx_xmalloc(sizeof *range + name.key.len + name.to.len);
    *range = (struct lock_range){
        .owner = owner,
        .space = space,
        .waiting = waiting,
        .from_len = (uint16_t)name.key.len,
        .to_len = (uint16_t)name.to.len,
        .hash = tx_bytes_hash(name.key, tx_bytes_hash(name.to, owner->hash)),
    };
    if (name.key.len > 0) {
        memcpy(range->bytes, name.key.data, name.key.len);
    }
    if (name.to.len > 0) {
        memcpy(range->bytes + name.key.len, name.to.data, name.to.len);
    }
    lock_tree_add_range(spans, range);
    if (!waiting) {
        owner_link(mgr, range);
    }
    return range;
}

void lock_range_grant(struct lockmgr *mgr, struct lock_range *range)
{
    TX_ASSERT(range->waiting && range->watched == NULL);
    range->waiting = false;
    owner_link(mgr, range);
}

static bool touch_waiter(void *arg, struct lock_key_node *node)
{
    if ((node->writers & LOCK_WRITER_WAITS) != 0) {
        lock_resource_touch(arg, node->resource);
    }
    return false;
}

void lock_range_remove(struct lockmgr *mgr, struct lock_range *range)
{
    if (range->watched != NULL) {
        lock_span_unwatch(range);
    }
    if (!range->waiting) {
        owner_unlink(mgr, range);
    }
    lock_tree_remove_range(range->space->spans, range);
    (void)lock_span_each_writer(range->space, lock_range_name(range), touch_waiter, mgr);
    free(range);
}

/* ---- a range against keys ---- */

bool lock_span_each_writer(const struct lock_resource *space, struct lock_name name,
                           bool (*visit)(void *arg, struct lock_key_node *node), void *arg)
{
    return space->spans != NULL && lock_tree_each_inside(space->spans, name, visit, arg);
}

bool lock_span_writer_bars(const struct lockmgr *mgr, const struct lock_resource *key,
                           const struct lock_owner *owner)
{
    enum tx_lock_mode own = lock_hold_mode(lock_hold_find(mgr, key, owner));
    unsigned modes = lock_hold_modes(key, own);
    modes |= lock_queue_wanted(lock_queue_ahead(key->queue, owner));
    return (modes & lock_mode_bit(TX_LOCK_X)) != 0;
}

struct blocked {
    const struct lockmgr *mgr;
    const struct lock_owner *owner;
    struct lock_key_node *by;
};

static bool stands_against(void *arg, struct lock_key_node *node)
{
    struct blocked *blocked = arg;
    if (!lock_span_writer_bars(blocked->mgr, node->resource, blocked->owner)) {
        return false;
    }
    blocked->by = node;
    return true;
}

struct lock_key_node *lock_span_blocker(struct lockmgr *mgr, struct lock_resource *space,
                                        const struct lock_owner *owner, struct lock_name name)
{
    struct blocked blocked = {.mgr = mgr, .owner = owner};
    (void)spans_get(mgr, space);
    (void)lock_span_each_writer(space, name, stands_against, &blocked);
    return blocked.by;
}

bool lock_span_watched(const struct lock_resource *resource)
{
    return resource->level == LOCK_LEVEL_KEY && resource->key != NULL &&
           resource->key->watchers != NULL;
}

void lock_span_watch(struct lock_range *range, struct lock_key_node *node)
{
    TX_ASSERT(range->waiting && range->watched == NULL);
    range->watched = node;
    range->watch_prev = node->watchers_end;
    range->watch_next = NULL;
    if (node->watchers_end != NULL) {
        node->watchers_end->watch_next = range;
    } else {
        node->watchers = range;
    }
    node->watchers_end = range;
}

void lock_span_unwatch(struct lock_range *range)
{
    struct lock_key_node *node = range->watched;
    if (range->watch_prev != NULL) {
        range->watch_prev->watch_next = range->watch_next;
    } else {
        node->watchers = range->watch_next;
    }
    if (range->watch_next != NULL) {
        range->watch_next->watch_prev = range->watch_prev;
    } else {
        node->watchers_end = range->watch_prev;
    }
    range->watched = NULL;
    range->watch_prev = NULL;
    range->watch_next = NULL;
}
