/* Views for people and for records: what an owner holds, and whom it waits for. */
#include "lockmgr/lock_internal.h"

#include "common/assert.h"

void lockmgr_each_held(const struct lock_owner *owner,
                       void (*visit)(void *arg, struct lock_name name, enum tx_lock_mode mode),
                       void *arg)
{
    for (const struct lock_hold *hold = owner->holds; hold != NULL; hold = hold->owner_next) {
        visit(arg, lock_resource_name(hold->resource), hold->mode);
    }
}

struct blockers {
    const struct lock_owner *oldest;
    size_t n;
};

static void blockers_add(struct blockers *blockers, const struct lock_owner *owner)
{
    blockers->n++;
    if (blockers->oldest == NULL || lock_owner_older(owner, blockers->oldest)) {
        blockers->oldest = owner;
    }
}

static void add_holders(struct blockers *blockers, const struct lock_owner *waiter)
{
    const struct lock_hold *hold = waiter->wait.resource->holds;
    for (; hold != NULL; hold = hold->resource_next) {
        if (hold->owner != waiter && lock_mode_conflicts(hold->mode, waiter->wait.target)) {
            blockers_add(blockers, hold->owner);
        }
    }
}

/* Those in the queue before the waiter, but for the ones that already count as holders. */
static void add_waiters(struct blockers *blockers, const struct lock_owner *root,
                        const struct lock_owner *waiter)
{
    if (root == NULL) {
        return;
    }
    add_waiters(blockers, root->wait.left, waiter);
    if (!lock_owner_older(root, waiter)) {
        return;
    }
    if (lock_mode_conflicts(root->wait.target, waiter->wait.target) &&
        !lock_mode_conflicts(root->wait.held, waiter->wait.target)) {
        blockers_add(blockers, root);
    }
    add_waiters(blockers, root->wait.right, waiter);
}

bool lockmgr_wait_info(const struct lockmgr *mgr, const struct lock_owner *owner,
                       struct lock_wait_info *info)
{
    (void)mgr;
    const struct lock_wait *wait = &owner->wait;
    if (wait->resource == NULL) {
        return false;
    }
    struct blockers blockers = {0};
    add_holders(&blockers, owner);
    add_waiters(&blockers, wait->resource->queue, owner);
    TX_ASSERT(blockers.oldest != NULL); /* nobody sleeps who could be granted */
    *info = (struct lock_wait_info){
        .waiter = owner->tx,
        .name = lock_resource_name(wait->resource),
        .mode = wait->target,
        .since_us = owner->request.since_us,
        .blocker = blockers.oldest->tx,
        .blockers_n = blockers.n,
    };
    return true;
}
