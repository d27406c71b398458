/* Views for people and for records: what an owner holds, and whom it waits for. */
#include "common/assert.h"
#include "lockmgr/lock_queue.h"
#include "lockmgr/lock_span.h"

void lockmgr_each_held(const struct lock_owner *owner,
                       void (*visit)(void *arg, struct lock_name name, enum tx_lock_mode mode),
                       void *arg)
{
    for (const struct lock_hold *hold = owner->holds; hold != NULL; hold = hold->owner_next) {
        visit(arg, lock_resource_name(hold->resource), lock_hold_mode(hold));
    }
    for (const struct lock_range *range = owner->ranges; range != NULL; range = range->next) {
        visit(arg, lock_range_name(range), TX_LOCK_S);
    }
}

size_t lockmgr_held_n(const struct lock_owner *owner)
{
    size_t n = 0;
    for (const struct lock_hold *hold = owner->holds; hold != NULL; hold = hold->owner_next) {
        n++;
    }
    for (const struct lock_range *range = owner->ranges; range != NULL; range = range->next) {
        n++;
    }
    return n;
}

/* ---- whom a waiter waits for ---- */

struct blockers {
    const struct lock_owner *waiter;
    void (*visit)(void *arg, const struct lock_owner *blocker);
    void *arg;
    enum tx_lock_mode target;
};

static void add(const struct blockers *blockers, const struct lock_owner *owner)
{
    blockers->visit(blockers->arg, owner);
}

static void add_holders(const struct blockers *blockers, const struct lock_resource *resource)
{
    for (const struct lock_hold *hold = resource->holds; hold != NULL; hold = hold->resource_next) {
        if (hold->owner != blockers->waiter &&
            lock_mode_conflicts(lock_hold_mode(hold), blockers->target)) {
            add(blockers, hold->owner);
        }
    }
}

/* Those in the queue before the waiter, but for the ones that already count as holders. */
static void add_waiters(const struct blockers *blockers, const struct tx_tree_node *root)
{
    if (root == NULL) {
        return;
    }
    const struct lock_owner *owner = lock_queue_owner(root);
    add_waiters(blockers, root->left);
    if (!lock_owner_before(owner, blockers->waiter)) {
        return;
    }
    if (lock_mode_conflicts(owner->wait.target, blockers->target) &&
        !lock_mode_conflicts(owner->wait.held, blockers->target)) {
        add(blockers, owner);
    }
    add_waiters(blockers, root->right);
}

static bool add_range(void *arg, const struct lock_range *range)
{
    const struct blockers *blockers = arg;
    if (range->owner != blockers->waiter &&
        (!range->waiting || lock_owner_before(range->owner, blockers->waiter))) {
        add(blockers, range->owner);
    }
    return false;
}

static bool add_writers(void *arg, struct lock_key_node *node)
{
    add_holders(arg, node->resource);
    add_waiters(arg, node->resource->queue);
    return false;
}

void lockmgr_each_blocker(const struct lock_owner *waiter,
                          void (*visit)(void *arg, const struct lock_owner *blocker), void *arg)
{
    const struct lock_wait *wait = &waiter->wait;
    struct blockers blockers = {
        .waiter = waiter, .visit = visit, .arg = arg, .target = wait->target};
    if (wait->range != NULL) {
        struct lock_name name = lock_range_name(wait->range);
        (void)lock_span_each_writer(wait->range->space, name, add_writers, &blockers);
    } else if (wait->resource != NULL) {
        add_holders(&blockers, wait->resource);
        add_waiters(&blockers, wait->resource->queue);
        if (wait->target == TX_LOCK_X) {
            (void)lock_span_each_range(wait->resource, add_range, &blockers);
        }
    }
}

struct oldest {
    const struct lock_owner *owner;
    size_t n;
};

static void count_blocker(void *arg, const struct lock_owner *blocker)
{
    struct oldest *oldest = arg;
    oldest->n++;
    if (oldest->owner == NULL || lock_owner_older(blocker, oldest->owner)) {
        oldest->owner = blocker;
    }
}

bool lockmgr_wait_info(const struct lockmgr *mgr, const struct lock_owner *owner,
                       struct lock_wait_info *info)
{
    (void)mgr;
    const struct lock_wait *wait = &owner->wait;
    if (wait->resource == NULL && wait->range == NULL) {
        return false;
    }
    struct oldest oldest = {0};
    lockmgr_each_blocker(owner, count_blocker, &oldest);
    TX_ASSERT(oldest.owner != NULL); /* nobody sleeps who could be granted */
    *info = (struct lock_wait_info){
        .waiter = owner->tx,
        .name =
            wait->range != NULL ? lock_range_name(wait->range) : lock_resource_name(wait->resource),
        .mode = wait->target,
        .since_us = owner->request.since_us,
        .blocker = oldest.owner->tx,
        .blockers_n = oldest.n,
    };
    return true;
}

const struct tx_times *lockmgr_times(const struct lockmgr *mgr)
{
    return &mgr->times;
}

void lockmgr_clock(struct lockmgr *mgr, uint64_t now_us)
{
    mgr->now_us = now_us;
}
