/* Ranges of keys. */
#include "lockmgr/lock_span.h"

#include "common/assert.h"
#include "lockmgr/lock_queue.h"

#include <stdlib.h>
#include <string.h>

/* ---- nodes ---- */

static const struct lock_key_node *key_at(const struct tx_tree_node *node)
{
    return (const struct lock_key_node *)(const void *)node;
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

/* ---- order ---- */

/* A key, or an end of a range, with its rank. */
struct place {
    struct tx_bytes bytes;
    uint64_t rank;
};

static struct place place_of(const struct lock_spans *spans, struct tx_bytes key)
{
    return (struct place){key, lock_stem_rank(&spans->stem, key)};
}

/* Ends are exclusive, and the empty one is behind every key. */
static struct place end_of(const struct lock_spans *spans, struct tx_bytes to)
{
    return (struct place){to, to.len == 0 ? LOCK_RANK_END : lock_stem_rank(&spans->stem, to)};
}

static struct place key_place(const struct lock_key_node *key)
{
    return (struct place){tx_bytes(key->resource->name, key->resource->name_len), key->rank};
}

static struct place from_place(const struct lock_range *range)
{
    return (struct place){from_of(range), range->from_rank};
}

static struct place to_place(const struct lock_range *range)
{
    return (struct place){to_of(range), range->to_rank};
}

static int compare_places(struct place a, struct place b)
{
    if (a.rank != b.rank) {
        return a.rank < b.rank ? -1 : 1;
    }
    return tx_bytes_compare(a.bytes, b.bytes);
}

static int compare_ends(struct place a, struct place b)
{
    if (a.rank != b.rank) {
        return a.rank < b.rank ? -1 : 1;
    }
    if (a.bytes.len == 0 || b.bytes.len == 0) {
        return (a.bytes.len == 0) - (b.bytes.len == 0);
    }
    return tx_bytes_compare(a.bytes, b.bytes);
}

static bool is_before_end(struct place key, struct place to)
{
    if (key.rank != to.rank) {
        return key.rank < to.rank;
    }
    return to.bytes.len == 0 || tx_bytes_compare(key.bytes, to.bytes) < 0;
}

/* Does a range of the subtree end behind the key? */
static bool reaches(const struct lock_range *root, struct place key)
{
    return key.rank != root->reach ? key.rank < root->reach
                                   : is_before_end(key, to_place(root->farthest));
}

/* ---- the tree of keys ---- */

static bool key_before(const struct tx_tree_node *a, const struct tx_tree_node *b)
{
    return compare_places(key_place(key_at(a)), key_place(key_at(b))) < 0;
}

/* The hash of the name, stirred: chance gives it few equals, and equals do no harm. */
static uint64_t key_priority(const struct tx_tree_node *node)
{
    return key_at(node)->resource->hash * UINT64_C(0x9e3779b97f4a7c15);
}

static uint8_t writers_below(const struct tx_tree_node *node)
{
    return node == NULL ? 0 : key_at(node)->writers_all;
}

static bool key_update(struct tx_tree_node *node)
{
    struct lock_key_node *key = (struct lock_key_node *)node;
    uint8_t before = key->writers_all;
    key->writers_all = key->writers | writers_below(node->left) | writers_below(node->right);
    return key->writers_all != before;
}

static const struct tx_tree_kind keys_kind = {
    .before = key_before, .priority = key_priority, .update = key_update};

/* ---- the tree of ranges ---- */

static bool range_before(const struct tx_tree_node *a, const struct tx_tree_node *b)
{
    const struct lock_range *x = range_at(a);
    const struct lock_range *y = range_at(b);
    int order = compare_places(from_place(x), from_place(y));
    if (order == 0) {
        order = compare_ends(to_place(x), to_place(y));
    }
    return order != 0 ? order < 0 : lock_owner_older(x->owner, y->owner);
}

static uint64_t range_priority(const struct tx_tree_node *node)
{
    return range_at(node)->hash;
}

/* The farther one of `farthest` and of a child's subtree. */
static const struct lock_range *farther(const struct lock_range *farthest,
                                        const struct tx_tree_node *child)
{
    if (child == NULL || range_at(child)->reach < farthest->to_rank) {
        return farthest;
    }
    const struct lock_range *other = range_at(child)->farthest;
    return compare_ends(to_place(other), to_place(farthest)) > 0 ? other : farthest;
}

static bool range_update(struct tx_tree_node *node)
{
    struct lock_range *range = (struct lock_range *)(void *)node;
    const struct lock_range *before = range->farthest;
    range->farthest = farther(farther(range, node->left), node->right);
    range->reach = range->farthest->to_rank;
    return range->farthest != before;
}

static const struct tx_tree_kind ranges_kind = {
    .before = range_before, .priority = range_priority, .update = range_update};

/* ---- the stem ---- */

#define STEM_FIRST_LOOK 8u /* nodes; then at eight times as many each time, */
#define STEM_LOOKS_MAX  4u /* so that no look goes over more than 4,096 of them */
#define STEM_DEPTH      3u /* the top of a tree is a sample drawn by its hashes */

static void sample_keys(const struct tx_tree_node *root, unsigned depth, struct tx_bytes *common)
{
    if (root != NULL && depth > 0) {
        struct tx_bytes name = key_place(key_at(root)).bytes;
        *common = common->data == NULL ? name : lock_stem_common(*common, name);
        sample_keys(root->left, depth - 1, common);
        sample_keys(root->right, depth - 1, common);
    }
}

/* The beginning of the keyspace has no bytes, and says nothing about the keys in it. */
static void sample_ranges(const struct tx_tree_node *root, unsigned depth, struct tx_bytes *common)
{
    if (root != NULL && depth > 0) {
        struct tx_bytes from = from_of(range_at(root));
        if (from.len > 0) {
            *common = common->data == NULL ? from : lock_stem_common(*common, from);
        }
        sample_ranges(root->left, depth - 1, common);
        sample_ranges(root->right, depth - 1, common);
    }
}

static void rank_keys(const struct lock_spans *spans, struct tx_tree_node *root)
{
    if (root != NULL) {
        struct lock_key_node *key = (struct lock_key_node *)root;
        key->rank = place_of(spans, key_place(key).bytes).rank;
        rank_keys(spans, root->left);
        rank_keys(spans, root->right);
    }
}

static void rank_range(const struct lock_spans *spans, struct lock_range *range)
{
    range->from_rank = place_of(spans, from_of(range)).rank;
    range->to_rank = end_of(spans, to_of(range)).rank;
}

static void rank_ranges(const struct lock_spans *spans, struct tx_tree_node *root)
{
    if (root != NULL) {
        struct lock_range *range = (struct lock_range *)(void *)root;
        rank_range(spans, range);
        rank_ranges(spans, root->left);
        rank_ranges(spans, root->right);
        range->reach = range->farthest->to_rank;
    }
}

/* After one more node: looks for a stem when there are enough to tell by. */
static void count_node(struct lock_spans *spans)
{
    spans->nodes_n++;
    if (spans->stem_looks_n == STEM_LOOKS_MAX ||
        spans->nodes_n < (size_t)STEM_FIRST_LOOK << (3 * spans->stem_looks_n)) {
        return;
    }
    spans->stem_looks_n++;
    struct tx_bytes common = tx_bytes(NULL, 0);
    sample_keys(spans->keys, STEM_DEPTH, &common);
    sample_ranges(spans->ranges, STEM_DEPTH, &common);
    if (!tx_bytes_equal(common, tx_bytes(spans->stem.bytes, spans->stem.len))) {
        lock_stem_set(&spans->stem, common);
        rank_keys(spans, spans->keys);
        rank_ranges(spans, spans->ranges);
    }
}

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
    struct lock_spans *spans = key->parent->spans;
    struct lock_key_node *node = tx_xmalloc(sizeof *node);
    *node = (struct lock_key_node){.resource = key, .writers = writers_on(key)};
    node->rank = place_of(spans, tx_bytes(key->name, key->name_len)).rank;
    key->key = node;
    tx_tree_insert(&keys_kind, &spans->keys, &node->tree);
    count_node(spans);
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
    key->parent->spans->nodes_n--;
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

static bool each_over(const struct tx_tree_node *node, struct place key,
                      bool (*visit)(void *arg, const struct lock_range *range), void *arg)
{
    while (node != NULL && reaches(range_at(node), key)) {
        if (each_over(node->left, key, visit, arg)) {
            return true;
        }
        const struct lock_range *range = range_at(node);
        if (compare_places(from_place(range), key) > 0) {
            return false; /* and all to the right of it begin later still */
        }
        if (is_before_end(key, to_place(range)) && visit(arg, range)) {
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
    return each_over(key->parent->spans->ranges, key_place(key->key), visit, arg);
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

/* ---- ranges ---- */

struct lock_name lock_range_name(const struct lock_range *range)
{
    struct lock_name name = lock_resource_name(range->space);
    name.range = true;
    name.key = from_of(range);
    name.to = to_of(range);
    return name;
}

static bool is_named(const struct lock_range *range, const struct lock_resource *space,
                     struct lock_name name)
{
    return range->space == space && tx_bytes_equal(from_of(range), name.key) &&
           tx_bytes_equal(to_of(range), name.to);
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
    const struct tx_tree_node *node = space->spans->ranges;
    const struct place from = place_of(space->spans, name.key);
    const struct place to = end_of(space->spans, name.to);
    while (node != NULL) {
        const struct lock_range *range = range_at(node);
        int order = compare_places(from, from_place(range));
        if (order == 0) {
            order = compare_ends(to, to_place(range));
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
    rank_range(spans, range);
    tx_tree_insert(&ranges_kind, &spans->ranges, &range->tree);
    count_node(spans);
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
    range->space->spans->nodes_n--;
    (void)lock_span_each_writer(range->space, lock_range_name(range), touch_waiter, mgr);
    free(range);
}

/* ---- a range against keys ---- */

/* The keys from a place up to another. */
struct stretch {
    struct place from, to;
};

static bool each_inside(struct tx_tree_node *node, const struct stretch *stretch,
                        bool (*visit)(void *arg, struct lock_key_node *node), void *arg)
{
    while (node != NULL && writers_below(node) != 0) {
        struct lock_key_node *key = (struct lock_key_node *)node;
        bool behind_start = compare_places(key_place(key), stretch->from) >= 0;
        if (behind_start && each_inside(node->left, stretch, visit, arg)) {
            return true;
        }
        if (!is_before_end(key_place(key), stretch->to)) {
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
    const struct lock_spans *spans = space->spans;
    if (spans == NULL) {
        return false;
    }
    struct stretch stretch = {place_of(spans, name.key), end_of(spans, name.to)};
    return each_inside(spans->keys, &stretch, visit, arg);
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
