/* The two trees of a keyspace with ranges. */
#include "lockmgr/lock_span_tree.h"

/* ---- nodes ---- */

static const struct lock_key_node *key_at(const struct tx_tree_node *node)
{
    return (const struct lock_key_node *)(const void *)node;
}

static const struct lock_range *range_at(const struct tx_tree_node *node)
{
    return (const struct lock_range *)(const void *)node;
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
    return (struct place){lock_range_from(range), range->from_rank};
}

static struct place to_place(const struct lock_range *range)
{
    return (struct place){lock_range_to(range), range->to_rank};
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
    return key_at(node)->hash * UINT64_C(0x9e3779b97f4a7c15);
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
        struct tx_bytes from = lock_range_from(range_at(root));
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
    range->from_rank = place_of(spans, lock_range_from(range)).rank;
    range->to_rank = end_of(spans, lock_range_to(range)).rank;
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

/* ---- in and out ---- */

void lock_tree_add_key(struct lock_spans *spans, struct lock_key_node *node)
{
    node->rank = place_of(spans, key_place(node).bytes).rank;
    tx_tree_insert(&keys_kind, &spans->keys, &node->tree);
    count_node(spans);
}

void lock_tree_remove_key(struct lock_spans *spans, struct lock_key_node *node)
{
    tx_tree_remove(&keys_kind, &spans->keys, &node->tree);
    spans->nodes_n--;
}

void lock_tree_refresh_key(struct lock_spans *spans, struct lock_key_node *node)
{
    tx_tree_refresh(&keys_kind, spans->keys, &node->tree);
}

void lock_tree_add_range(struct lock_spans *spans, struct lock_range *range)
{
    rank_range(spans, range);
    tx_tree_insert(&ranges_kind, &spans->ranges, &range->tree);
    count_node(spans);
}

void lock_tree_remove_range(struct lock_spans *spans, struct lock_range *range)
{
    tx_tree_remove(&ranges_kind, &spans->ranges, &range->tree);
    spans->nodes_n--;
}

/* ---- ways down ---- */

struct lock_range *lock_tree_find_range(const struct lock_spans *spans,
                                        const struct lock_owner *owner, struct lock_name name)
{
    const struct tx_tree_node *node = spans->ranges;
    const struct place from = place_of(spans, name.key);
    const struct place to = end_of(spans, name.to);
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

bool lock_tree_each_over(const struct lock_spans *spans, const struct lock_key_node *key,
                         bool (*visit)(void *arg, const struct lock_range *range), void *arg)
{
    return each_over(spans->ranges, key_place(key), visit, arg);
}

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

bool lock_tree_each_inside(const struct lock_spans *spans, struct lock_name name,
                           bool (*visit)(void *arg, struct lock_key_node *node), void *arg)
{
    struct stretch stretch = {place_of(spans, name.key), end_of(spans, name.to)};
    return each_inside(spans->keys, &stretch, visit, arg);
}
