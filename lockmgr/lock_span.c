/* Ranges of keys. */
#include "lockmgr/lock_span.h"

#include "common/assert.h"
#include "lockmgr/lock_queue.h"

#include <stdlib.h>
#include <string.h>

/* ---- order ---- */

static struct tx_bytes key_of(const struct tx_tree_node *node)
{
    const struct lock_resource *resource = ((const struct lock_key_node *)node)->resource;
    return tx_bytes(resource->name, resource->name_len);
}

static const struct lock_range *range_at(const struct tx_tree_node *node)
{
    return (const struct lock_range *)(const void *)node;
}

static struct tx_bytes from_of(const struct lock_range *range)
{
    return tx_bytes(range->bytes, range->from_len);
}

static struct tx_bytes to_of(const struct lock_range *range)
{
    return tx_bytes(range->bytes + range->from_len, range->to_len);
}

/* Ends are exclusive, and the empty one is behind every key. */
static bool is_before_end(struct tx_bytes key, struct tx_bytes to)
{
    return to.len == 0 || tx_bytes_compare(key, to) < 0;
}

static int compare_ends(struct tx_bytes a, struct tx_bytes b)
{
    if (a.len == 0 || b.len == 0) {
        return (a.len == 0) - (b.len == 0);
    }
    return tx_bytes_compare(a, b);
}

/* ---- the tree of keys ---- */

static bool key_before(const struct tx_tree_node *a, const struct tx_tree_node *b)
{
    return tx_bytes_compare(key_of(a), key_of(b)) < 0;
}

/* The hash of the name, stirred: chance gives it few equals, and equals do no harm. */
static uint64_t key_priority(const struct tx_tree_node *node)
{
    return ((const struct lock_key_node *)node)->resource->hash * UINT64_C(0x9e3779b97f4a7c15);
}

static uint8_t writers_below(const struct tx_tree_node *node)
{
    return node == NULL ? 0 : ((const struct lock_key_node *)node)->writers_all;
}

static void key_update(struct tx_tree_node *node)
{
    struct lock_key_node *key = (struct lock_key_node *)node;
    key->writers_all = key->writers | writers_below(node->left) | writers_below(node->right);
}

static const struct tx_tree_kind keys_kind = {key_before, key_priority, key_update};

/* ---- the tree of ranges ---- */

static bool range_before(const struct tx_tree_node *a, const struct tx_tree_node *b)
{
    const struct lock_range *x = range_at(a);
    const struct lock_range *y = range_at(b);
    int order = tx_bytes_compare(from_of(x), from_of(y));
    if (order == 0) {
        order = compare_ends(to_of(x), to_of(y));
    }
    return order != 0 ? order < 0 : lock_owner_older(x->owner, y->owner);
}

static uint64_t range_priority(const struct tx_tree_node *node)
{
    return range_at(node)->hash;
}

static void reach(const struct lock_range **farthest, const struct tx_tree_node *child)
{
    if (child != NULL && compare_ends(to_of(range_at(child)->farthest), to_of(*farthest)) > 0) {
        *farthest = range_at(child)->farthest;
    }
}

static void range_update(struct tx_tree_node *node)
{
    struct lock_range *range = (struct lock_range *)(void *)node;
    range->farthest = range;
    reach(&range->farthest, node->left);
    reach(&range->farthest, node->right);
}

static const struct tx_tree_kind ranges_kind = {range_before, range_priority, range_update};

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
    struct lock_key_node *node = tx_xcalloc(1, sizeof *node);
    node->resource = key;
    node->writers = writers_on(key);
    key->key = node;
    tx_tree_insert(&keys_kind, &key->parent->spans->keys, &node->tree);
}

void lock_span_key_changed(struct lock_resource *key)
{
    if (key->level != LOCK_LEVEL_KEY || key->key == NULL) {
        return;
    }
    uint8_t writers = writers_on(key);
    if (writers != key->key->writers) {
        key->key->writers = writers;
        tx_tree_refresh(&keys_kind, key->parent->spans->keys, &key->key->tree);
    }
}

void lock_span_key_gone(struct lock_resource *key)
{
    if (key->level != LOCK_LEVEL_KEY || key->key == NULL) {
        return;
    }
    TX_ASSERT(key->key->watchers == NULL);
    tx_tree_remove(&keys_kind, &key->parent->spans->keys, &key->key->tree);
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
        free(space->spans);
        space->spans = NULL;
    }
}

/* ---- a key against ranges ---- */

static bool each_over(const struct tx_tree_node *node, struct tx_bytes key,
                      bool (*visit)(void *arg, const struct lock_range *range), void *arg)
{
    while (node != NULL && is_before_end(key, to_of(range_at(node)->farthest))) {
        if (each_over(node->left, key, visit, arg)) {
            return true;
        }
        const struct lock_range *range = range_at(node);
        if (tx_bytes_compare(from_of(range), key) > 0) {
            return false; /* and all to the right of it begin later still */
        }
        if (is_before_end(key, to_of(range)) && visit(arg, range)) {
            return true;
        }
        node = node->right;
    }
    return false;
}

bool lock_span_each_range(const struct lock_resource *key,
                          bool (*visit)(void *arg, const struct lock_range *range), void *arg)
{
    if (key->level != LOCK_LEVEL_KEY || key->parent->spans == NULL) {
        return false;
    }
    return each_over(key->parent->spans->ranges, tx_bytes(key->name, key->name_len), visit, arg);
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
    name.key = from_of(range);
    name.to = to_of(range);
    return name;
}

struct lock_range *lock_range_find(const struct lock_resource *space,
                                   const struct lock_owner *owner, struct lock_name name)
{
    const struct tx_tree_node *node = space->spans == NULL ? NULL : space->spans->ranges;
    while (node != NULL) {
        const struct lock_range *range = range_at(node);
        int order = tx_bytes_compare(name.key, from_of(range));
        if (order == 0) {
            order = compare_ends(name.to, to_of(range));
        }
        if (order == 0 && range->owner == owner) {
            return (struct lock_range *)(void *)(uintptr_t)range;
        }
        bool left = order != 0 ? order < 0 : lock_owner_older(owner, range->owner);
        node = left ? node->left : node->right;
    }
    return NULL;
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
    struct lock_range *range = tx_xcalloc(1, sizeof *range + name.key.len + name.to.len);
    range->owner = owner;
    range->space = space;
    range->waiting = waiting;
    range->from_len = (uint16_t)name.key.len;
    range->to_len = (uint16_t)name.to.len;
    if (name.key.len > 0) {
        memcpy(range->bytes, name.key.data, name.key.len);
    }
    if (name.to.len > 0) {
        memcpy(range->bytes + name.key.len, name.to.data, name.to.len);
    }
    range->hash = tx_bytes_hash(name.key, tx_bytes_hash(name.to, owner->hash));
    tx_tree_insert(&ranges_kind, &spans->ranges, &range->tree);
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
    tx_tree_remove(&ranges_kind, &range->space->spans->ranges, &range->tree);
    (void)lock_span_each_writer(range->space, lock_range_name(range), touch_waiter, mgr);
    free(range);
}

/* ---- a range against keys ---- */

static bool each_inside(struct tx_tree_node *node, struct lock_name name,
                        bool (*visit)(void *arg, struct lock_key_node *node), void *arg)
{
    while (node != NULL && writers_below(node) != 0) {
        struct lock_key_node *key = (struct lock_key_node *)node;
        bool behind_start = tx_bytes_compare(key_of(node), name.key) >= 0;
        if (behind_start && each_inside(node->left, name, visit, arg)) {
            return true;
        }
        if (!is_before_end(key_of(node), name.to)) {
            return false;
        }
        if (behind_start && key->writers != 0 && visit(arg, key)) {
            return true;
        }
        node = node->right;
    }
    return false;
}

bool lock_span_each_writer(const struct lock_resource *space, struct lock_name name,
                           bool (*visit)(void *arg, struct lock_key_node *node), void *arg)
{
    return space->spans != NULL && each_inside(space->spans->keys, name, visit, arg);
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
