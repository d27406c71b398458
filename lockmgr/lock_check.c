/* The invariants of lockmgr/README.md, checked from first principles: walks the lists and compares
 * owners pair by pair where the manager uses counts, bits and order. */
#include "common/assert.h"
#include "lockmgr/lock_queue.h"
#include "lockmgr/lock_span.h"

struct census {
    const struct lockmgr *mgr;
    size_t holds_n;
    size_t ranges_n;
    size_t crowded_holds_n;
    size_t waiters_n;
};

/* A hold is on both of its lists, is found by its names, and agrees with every other on its
 * resource. */
static void check_hold(const struct lockmgr *mgr, const struct lock_hold *hold)
{
    TX_ASSERT(lock_hold_mode(hold) > TX_LOCK_NONE && lock_hold_mode(hold) < TX_LOCK_MODES_N);
    TX_ASSERT(lock_hold_find(mgr, hold->resource, hold->owner) == hold);
    const struct lock_resource *parent = hold->resource->parent;
    if (parent != NULL) {
        const struct lock_hold *above = lock_hold_find(mgr, parent, hold->owner);
        enum tx_lock_mode intention = lock_mode_intention(lock_hold_mode(hold));
        TX_ASSERT(lock_mode_covers(lock_hold_mode(above), intention));
    }
}

/* The keys and ranges of one owner in a keyspace. */
static void check_below(const struct lock_hold *space)
{
    size_t below_n = 0;
    bool writes = false;
    const struct lock_owner *owner = space->owner;
    for (const struct lock_hold *hold = owner->holds; hold != NULL; hold = hold->owner_next) {
        if (hold->resource->parent == space->resource) {
            below_n++;
            writes = writes || hold->mode > TX_LOCK_S;
        }
    }
    for (const struct lock_range *range = owner->ranges; range != NULL; range = range->next) {
        below_n += range->space == space->resource;
    }
    TX_ASSERT(space->below_n == below_n && (space->below_writes || !writes));
}

/* Modes that more than one owner holds must agree with themselves, all others with one another. */
static void check_granted(const struct lock_resource *resource)
{
    size_t counted[TX_LOCK_MODES_N] = {0};
    for (const struct lock_hold *hold = resource->holds; hold != NULL; hold = hold->resource_next) {
        TX_ASSERT(hold->resource == resource);
        TX_ASSERT(hold->resource_next == NULL || hold->resource_next->resource_prev == hold);
        counted[hold->mode]++;
    }
    for (enum tx_lock_mode a = TX_LOCK_IS; a < TX_LOCK_MODES_N; a++) {
        bool exclusive = a >= TX_LOCK_U && (resource->exclusive & 1u << (a - TX_LOCK_U)) != 0;
        TX_ASSERT(counted[a] == (a >= TX_LOCK_U ? exclusive : resource->counted[a - TX_LOCK_IS]));
        TX_ASSERT(counted[a] < 2 || !lock_mode_conflicts(a, a));
        for (enum tx_lock_mode b = a + 1; b < TX_LOCK_MODES_N; b++) {
            TX_ASSERT(counted[a] == 0 || counted[b] == 0 || !lock_mode_conflicts(a, b));
        }
    }
}

/* An edge of the waits-for graph. With all edges like this there can be no cycle: along one, age
 * only grows (or with wait-die, only falls) until it ends at somebody who waits for nothing. */
static void check_edge(const struct lock_owner *waiter, const struct lock_owner *blocker)
{
    bool waits_for_nothing = blocker->is_protected || blocker->wounded;
    TX_ASSERT(waits_for_nothing || lock_owner_before(blocker, waiter));
}

struct edges {
    const struct lock_owner *waiter;
    size_t n;
};

static void visit_edge(void *arg, const struct lock_owner *blocker)
{
    struct edges *edges = arg;
    check_edge(edges->waiter, blocker);
    edges->n++;
}

/* Everybody in the waiter's way is one that it may wait for, and there is somebody. */
static void check_blockers(const struct lock_owner *waiter)
{
    struct edges edges = {.waiter = waiter};
    lockmgr_each_blocker(waiter, visit_edge, &edges);
    TX_ASSERT(edges.n > 0);
}

/* A waiter is blocked by somebody, and by nobody that it should have wounded. */
static void check_waiter(const struct lockmgr *mgr, const struct lock_resource *resource,
                         const struct lock_owner *owner)
{
    const struct lock_wait *wait = &owner->wait;
    TX_ASSERT(wait->resource == resource && owner->request.waiting);
    TX_ASSERT(!owner->is_protected && !owner->wounded);
    TX_ASSERT(wait->held == lock_hold_mode(lock_hold_find(mgr, resource, owner)));
    TX_ASSERT(wait->held != wait->target && lock_mode_covers(wait->target, wait->held));
    TX_ASSERT(wait->class_bit == lock_queue_class(wait->held, wait->target));
    const struct lock_resource *parent = resource->parent;
    if (parent != NULL) {
        const struct lock_hold *above = lock_hold_find(mgr, parent, owner);
        TX_ASSERT(lock_mode_covers(lock_hold_mode(above), lock_mode_intention(wait->target)));
    }
    check_blockers(owner);
}

/* The tree is ordered by service between the bounds, a heap by priority, and its sets of classes
 * are right. */
static size_t check_queue(const struct lockmgr *mgr, const struct lock_resource *resource,
                          const struct tx_tree_node *root, const struct lock_owner *after,
                          const struct lock_owner *before)
{
    if (root == NULL) {
        return 0;
    }
    const struct lock_owner *owner = lock_queue_owner(root);
    const struct lock_wait *wait = &owner->wait;
    TX_ASSERT(after == NULL || lock_owner_before(after, owner));
    TX_ASSERT(before == NULL || lock_owner_before(owner, before));
    uint64_t class_bits = wait->class_bit;
    const struct lock_owner *children[] = {lock_queue_owner(root->left),
                                           lock_queue_owner(root->right)};
    for (size_t i = 0; i < 2; i++) {
        if (children[i] != NULL) {
            TX_ASSERT(children[i]->hash <= owner->hash);
            class_bits |= children[i]->wait.class_bits;
        }
    }
    TX_ASSERT(wait->class_bits == class_bits);
    check_waiter(mgr, resource, owner);
    return 1 + check_queue(mgr, resource, root->left, after, owner) +
           check_queue(mgr, resource, root->right, owner, before);
}

/* ---- ranges ---- */

static bool is_inside(const struct lock_range *range, const struct lock_resource *key)
{
    struct lock_name name = lock_range_name(range);
    struct tx_bytes at = tx_bytes(key->name, key->name_len);
    return tx_bytes_compare(name.key, at) <= 0 &&
           (name.to.len == 0 || tx_bytes_compare(at, name.to) < 0);
}

/* Every range over a key, compared with every lock on it. */
static void check_key_under(const struct lock_resource *key, const struct lock_range *range)
{
    if (!is_inside(range, key)) {
        return;
    }
    for (const struct lock_hold *hold = key->holds; hold != NULL; hold = hold->resource_next) {
        TX_ASSERT(hold->owner == range->owner || range->waiting ||
                  !lock_mode_conflicts(lock_hold_mode(hold), TX_LOCK_S));
    }
}

static void check_ranges_over(const struct lock_resource *key, const struct tx_tree_node *root)
{
    if (root != NULL) {
        check_ranges_over(key, root->left);
        check_key_under(key, (const struct lock_range *)(const void *)root);
        check_ranges_over(key, root->right);
    }
}

/* A key of a keyspace with spans is in their tree, and what is said of its writers is true. */
static void check_key(const struct lock_resource *key)
{
    const struct lock_spans *spans = key->parent->spans;
    TX_ASSERT((spans != NULL) == (key->key != NULL));
    if (spans == NULL) {
        return;
    }
    bool holds = false;
    for (const struct lock_hold *hold = key->holds; hold != NULL; hold = hold->resource_next) {
        holds = holds || hold->mode == TX_LOCK_X;
    }
    bool waits = (lock_queue_wanted_in(key->queue) & lock_mode_bit(TX_LOCK_X)) != 0;
    TX_ASSERT(key->key->resource == key);
    TX_ASSERT(((key->key->writers & LOCK_WRITER_HOLDS) != 0) == holds);
    TX_ASSERT(((key->key->writers & LOCK_WRITER_WAITS) != 0) == waits);
    for (struct lock_range *range = key->key->watchers; range != NULL; range = range->watch_next) {
        TX_ASSERT(range->watched == key->key && range->waiting && is_inside(range, key));
    }
    check_ranges_over(key, spans->ranges);
}

/* `*last`: the key before, NULL at the beginning. */
static size_t check_keys_tree(const struct lock_spans *spans, const struct tx_tree_node *root,
                              const struct lock_resource **last, uint8_t *writers)
{
    if (root == NULL) {
        return 0;
    }
    const struct lock_key_node *node = (const struct lock_key_node *)root;
    uint8_t all = node->writers;
    size_t n = check_keys_tree(spans, root->left, last, &all);
    struct tx_bytes key = lock_resource_name(node->resource).key;
    TX_ASSERT(*last == NULL || tx_bytes_compare(lock_resource_name(*last).key, key) < 0);
    TX_ASSERT(node->rank == lock_stem_rank(&spans->stem, key));
    *last = node->resource;
    n += check_keys_tree(spans, root->right, last, &all);
    TX_ASSERT(node->writers_all == all);
    *writers |= all;
    return n + 1;
}

/* A range is found by its name, its owner holds the intention, and it waits for a reason. */
static void check_range(struct census *census, const struct lock_range *range)
{
    const struct lock_owner *owner = range->owner;
    const struct lock_hold *above = lock_hold_find(census->mgr, range->space, owner);
    TX_ASSERT(above != NULL);
    TX_ASSERT(lock_range_find(range->space, owner, lock_range_name(range)) == range);
    TX_ASSERT(range->waiting == (owner->wait.range == range));
    if (!range->waiting) {
        census->ranges_n++;
        return;
    }
    TX_ASSERT(owner->request.waiting && !owner->is_protected && !owner->wounded);
    TX_ASSERT(range->watched != NULL);
    TX_ASSERT(lock_span_writer_bars(census->mgr, range->watched->resource, owner));
    check_blockers(owner);
    census->waiters_n++;
}

static uint64_t end_rank(const struct lock_spans *spans, struct tx_bytes to)
{
    return to.len == 0 ? LOCK_RANK_END : lock_stem_rank(&spans->stem, to);
}

/* Ranges stand in the order of their beginnings; a tree counts its nodes. */
static size_t check_ranges_order(const struct lock_spans *spans, const struct tx_tree_node *root,
                                 const struct lock_range **last)
{
    if (root == NULL) {
        return 0;
    }
    const struct lock_range *range = (const struct lock_range *)(const void *)root;
    size_t n = check_ranges_order(spans, root->left, last);
    struct lock_name name = lock_range_name(range);
    TX_ASSERT(*last == NULL || tx_bytes_compare(lock_range_name(*last).key, name.key) <= 0);
    TX_ASSERT(range->from_rank == lock_stem_rank(&spans->stem, name.key));
    TX_ASSERT(range->to_rank == end_rank(spans, name.to));
    TX_ASSERT(range->reach == range->farthest->to_rank);
    *last = range;
    return n + check_ranges_order(spans, root->right, last) + 1;
}

/* The one of the subtree that ends last. */
static const struct lock_range *check_ranges_tree(struct census *census,
                                                  const struct tx_tree_node *root)
{
    const struct lock_range *range = (const struct lock_range *)(const void *)root;
    const struct lock_range *farthest = range;
    const struct tx_tree_node *children[] = {root->left, root->right};
    check_range(census, range);
    for (size_t i = 0; i < 2; i++) {
        if (children[i] != NULL) {
            const struct lock_range *below = check_ranges_tree(census, children[i]);
            if (farthest->to_len > 0 &&
                (below->to_len == 0 ||
                 tx_bytes_compare(lock_range_name(below).to, lock_range_name(farthest).to) > 0)) {
                farthest = below;
            }
        }
    }
    TX_ASSERT(tx_bytes_equal(lock_range_name(range->farthest).to, lock_range_name(farthest).to));
    return farthest;
}

struct keys_of {
    const struct lock_resource *space;
    size_t n;
};

static void count_key(void *arg, const struct lock_link *entry)
{
    struct keys_of *keys = arg;
    keys->n += ((const struct lock_resource *)(const void *)entry)->parent == keys->space;
}

static void check_space(struct census *census, const struct lock_resource *space)
{
    uint8_t writers = 0;
    if (space->spans != NULL) {
        struct keys_of keys = {.space = space};
        lock_table_each(&census->mgr->resources, count_key, &keys);
        const struct lock_resource *last_key = NULL;
        const struct lock_range *last_range = NULL;
        TX_ASSERT(check_keys_tree(space->spans, space->spans->keys, &last_key, &writers) == keys.n);
        size_t ranges_n = check_ranges_order(space->spans, space->spans->ranges, &last_range);
        TX_ASSERT(space->spans->nodes_n == keys.n + ranges_n);
        if (space->spans->ranges != NULL) {
            (void)check_ranges_tree(census, space->spans->ranges);
        }
    }
}

static void check_resource(struct census *census, const struct lock_resource *resource)
{
    TX_ASSERT(!resource->touched);
    check_granted(resource);
    for (const struct lock_hold *hold = resource->holds; hold != NULL; hold = hold->resource_next) {
        check_hold(census->mgr, hold);
        census->holds_n++;
        census->crowded_holds_n += resource->crowded;
        if (resource->level == LOCK_LEVEL_SPACE) {
            check_below(hold);
        }
    }
    if (resource->level == LOCK_LEVEL_SPACE) {
        check_space(census, resource);
    } else if (resource->level == LOCK_LEVEL_KEY) {
        check_key(resource);
    }
    census->waiters_n += check_queue(census->mgr, resource, resource->queue, NULL, NULL);
}

static void check_named_resource(void *arg, const struct lock_link *entry)
{
    struct census *census = arg;
    const struct lock_resource *resource = (const struct lock_resource *)(const void *)entry;
    TX_ASSERT(resource->holds != NULL || resource->queue != NULL);
    struct lock_name name = lock_resource_name(resource);
    TX_ASSERT(lock_name_level(name) == resource->level);
    TX_ASSERT(lock_resource_find(census->mgr, resource->parent,
                                 lock_name_part(name, resource->level)) == resource);
    check_resource(census, resource);
}

static void check_request(const struct lockmgr *mgr, const struct lock_owner *owner)
{
    const struct lock_request *request = &owner->request;
    bool waits = owner->wait.resource != NULL || owner->wait.range != NULL;
    TX_ASSERT(!request->asking && request->waiting == waits);
    TX_ASSERT(!request->waiting || !(owner->is_protected || owner->wounded));
    if (!request->waiting) {
        TX_ASSERT(request->reserved == 0 && request->name_copy == NULL);
        return;
    }
    size_t at = request->deadline_at;
    TX_ASSERT(at < mgr->deadlines.n && mgr->deadlines.owners[at] == owner);
    TX_ASSERT(at == 0 || !lock_deadlines_before(owner, mgr->deadlines.owners[(at - 1) / 2]));
    struct lock_name name = request->name;
    if (owner->wait.range != NULL) {
        name = lock_range_name(owner->wait.range);
    } else if (request->step == request->last) {
        name = lock_resource_name(owner->wait.resource);
    }
    TX_ASSERT(request->reserved ==
              lock_request_missing(mgr, owner, name, request->mode, request->step));
}

/* Adds what the owners know themselves, to compare with the census of the resources. */
static void check_owners(const struct lockmgr *mgr, const struct census *census)
{
    size_t owners_n = 0;
    size_t holds_n = 0;
    size_t ranges_n = 0;
    size_t waiters_n = 0;
    size_t reserved = 0;
    for (const struct lock_owner *owner = mgr->owners; owner != NULL; owner = owner->next) {
        TX_ASSERT(owner->next == NULL || owner->next->prev == owner);
        TX_ASSERT(owner->holds == NULL || owner->holds->resource == mgr->store);
        for (const struct lock_hold *hold = owner->holds; hold != NULL; hold = hold->owner_next) {
            TX_ASSERT(hold->owner == owner);
            TX_ASSERT(hold->owner_next == NULL || hold->owner_next->owner_prev == hold);
            holds_n++;
        }
        for (const struct lock_range *range = owner->ranges; range != NULL; range = range->next) {
            TX_ASSERT(range->owner == owner && !range->waiting);
            TX_ASSERT(range->next == NULL || range->next->prev == range);
            ranges_n++;
        }
        check_request(mgr, owner);
        owners_n++;
        waiters_n += owner->request.waiting;
        reserved += owner->request.reserved;
    }
    TX_ASSERT(owners_n == mgr->stats.owners);
    TX_ASSERT(holds_n + ranges_n == mgr->stats.held && census->holds_n == holds_n);
    TX_ASSERT(ranges_n == mgr->stats.ranges && census->ranges_n == ranges_n);
    TX_ASSERT(waiters_n == mgr->stats.waiting && census->waiters_n == waiters_n);
    TX_ASSERT(reserved == mgr->reserved);
}

void lockmgr_check(const struct lockmgr *mgr)
{
    struct census census = {.mgr = mgr};
    check_resource(&census, mgr->store);
    lock_table_each(&mgr->resources, check_named_resource, &census);
    check_owners(mgr, &census);
    TX_ASSERT(census.crowded_holds_n == mgr->crowd.entries_n);
    TX_ASSERT(mgr->hold_pool.used_n == mgr->stats.held - mgr->stats.ranges);
    TX_ASSERT(mgr->deadlines.n == mgr->stats.waiting && mgr->touched_n == 0);
    TX_ASSERT(mgr->stats.held + mgr->reserved <= mgr->options.locks_max);
}
