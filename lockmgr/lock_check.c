/* The invariants of lockmgr/README.md, checked from first principles: walks the lists and compares
 * owners pair by pair where the manager uses counts, bits and order. */
#include "lockmgr/lock_internal.h"

#include "common/assert.h"
#include "lockmgr/lock_queue.h"

struct census {
    const struct lockmgr *mgr;
    size_t holds_n;
    size_t crowded_holds_n;
    size_t waiters_n;
};

/* A hold is on both of its lists, is found by its names, and agrees with every other on its
 * resource. */
static void check_hold(const struct lockmgr *mgr, const struct lock_hold *hold)
{
    TX_ASSERT(hold->mode > TX_LOCK_NONE && hold->mode < TX_LOCK_MODES_N);
    TX_ASSERT(lock_hold_find(mgr, hold->resource, hold->owner) == hold);
    const struct lock_resource *parent = hold->resource->parent;
    if (parent != NULL) {
        const struct lock_hold *above = lock_hold_find(mgr, parent, hold->owner);
        TX_ASSERT(lock_mode_covers(lock_hold_mode(above), lock_mode_intention(hold->mode)));
    }
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
        TX_ASSERT(counted[a] == resource->granted_n[a - 1]);
        TX_ASSERT(counted[a] < 2 || !lock_mode_conflicts(a, a));
        for (enum tx_lock_mode b = a + 1; b < TX_LOCK_MODES_N; b++) {
            TX_ASSERT(counted[a] == 0 || counted[b] == 0 || !lock_mode_conflicts(a, b));
        }
    }
}

/* An edge of the waits-for graph. With all edges like this there can be no cycle: along one, age
 * only grows until it ends at somebody who waits for nothing. */
static void check_edge(const struct lock_owner *waiter, const struct lock_owner *blocker)
{
    bool waits_for_nothing = blocker->is_protected || blocker->wounded;
    TX_ASSERT(waits_for_nothing || lock_owner_older(blocker, waiter));
}

static bool bars_as_holder(const struct lock_hold *hold, const struct lock_owner *waiter)
{
    return hold->owner != waiter && lock_mode_conflicts(hold->mode, waiter->wait.target);
}

/* Those ahead in the queue that stand against the waiter. */
static size_t check_edges_ahead(const struct lock_owner *root, const struct lock_owner *waiter)
{
    if (root == NULL) {
        return 0;
    }
    size_t n = check_edges_ahead(root->wait.left, waiter);
    if (lock_owner_older(root, waiter)) {
        if (lock_mode_conflicts(root->wait.target, waiter->wait.target)) {
            check_edge(waiter, root);
            n++;
        }
        n += check_edges_ahead(root->wait.right, waiter);
    }
    return n;
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
    size_t blockers_n = check_edges_ahead(resource->queue, owner);
    for (const struct lock_hold *hold = resource->holds; hold != NULL; hold = hold->resource_next) {
        if (bars_as_holder(hold, owner)) {
            check_edge(owner, hold->owner);
            blockers_n++;
        }
    }
    TX_ASSERT(blockers_n > 0);
}

/* The tree is ordered by age between the bounds, a heap by priority, and its sets of classes are
 * right. */
static size_t check_queue(const struct lockmgr *mgr, const struct lock_resource *resource,
                          const struct lock_owner *root, const struct lock_owner *after,
                          const struct lock_owner *before)
{
    if (root == NULL) {
        return 0;
    }
    const struct lock_wait *wait = &root->wait;
    TX_ASSERT(after == NULL || lock_owner_older(after, root));
    TX_ASSERT(before == NULL || lock_owner_older(root, before));
    uint64_t class_bits = wait->class_bit;
    const struct lock_owner *children[] = {wait->left, wait->right};
    for (size_t i = 0; i < 2; i++) {
        if (children[i] != NULL) {
            TX_ASSERT(children[i]->hash <= root->hash);
            class_bits |= children[i]->wait.class_bits;
        }
    }
    TX_ASSERT(wait->class_bits == class_bits);
    check_waiter(mgr, resource, root);
    return 1 + check_queue(mgr, resource, wait->left, after, root) +
           check_queue(mgr, resource, wait->right, root, before);
}

static void check_resource(struct census *census, const struct lock_resource *resource)
{
    TX_ASSERT(!resource->touched);
    check_granted(resource);
    for (const struct lock_hold *hold = resource->holds; hold != NULL; hold = hold->resource_next) {
        check_hold(census->mgr, hold);
        census->holds_n++;
        census->crowded_holds_n += resource->crowded;
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
    TX_ASSERT(!request->asking && request->waiting == (owner->wait.resource != NULL));
    TX_ASSERT(!request->waiting || !(owner->is_protected || owner->wounded));
    if (!request->waiting) {
        TX_ASSERT(request->reserved == 0 && request->name_copy == NULL);
        return;
    }
    size_t at = request->deadline_at;
    TX_ASSERT(at < mgr->deadlines.n && mgr->deadlines.owners[at] == owner);
    TX_ASSERT(at == 0 || !lock_deadlines_before(owner, mgr->deadlines.owners[(at - 1) / 2]));
    struct lock_name name = lock_resource_name(owner->wait.resource);
    if (request->step < request->last) {
        name = request->name;
    }
    TX_ASSERT(request->reserved == lock_request_missing(mgr, owner, name, request->step));
}

/* Adds what the owners know themselves, to compare with the census of the resources. */
static void check_owners(const struct lockmgr *mgr, const struct census *census)
{
    size_t owners_n = 0;
    size_t holds_n = 0;
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
        check_request(mgr, owner);
        owners_n++;
        waiters_n += owner->request.waiting;
        reserved += owner->request.reserved;
    }
    TX_ASSERT(owners_n == mgr->stats.owners);
    TX_ASSERT(holds_n == mgr->stats.held && census->holds_n == holds_n);
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
    TX_ASSERT(mgr->hold_pool.used_n == mgr->stats.held);
    TX_ASSERT(mgr->deadlines.n == mgr->stats.waiting && mgr->touched_n == 0);
    TX_ASSERT(mgr->stats.held + mgr->reserved <= mgr->options.locks_max);
}
