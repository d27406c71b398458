/* Wound-wait, wait-die, no-wait. */
#include "lockmgr/lock_policy.h"

#include "common/assert.h"
#include "common/seeded_bug.h"
#include "lockmgr/lock_queue.h"
#include "lockmgr/lock_span.h"

/* ---- whom a request meets ---- */

/* Wounding takes waiters out of the very trees that are being walked: whom a walk meets is written
 * down first. */
static void found_add(struct lockmgr *mgr, struct lock_owner *owner)
{
    if (mgr->found_n == mgr->found_capacity) {
        mgr->found_capacity = mgr->found_capacity == 0 ? 16 : 2 * mgr->found_capacity;
        mgr->found = tx_xrealloc(mgr->found, mgr->found_capacity * sizeof(struct lock_owner *));
    }
    mgr->found[mgr->found_n] = owner;
    mgr->found_n++;
}

struct look {
    struct lockmgr *mgr;
    const struct lock_owner *owner;
};

static void find_holders(struct look *look, const struct lock_resource *resource,
                         enum tx_lock_mode target)
{
    for (struct lock_hold *hold = resource->holds; hold != NULL; hold = hold->resource_next) {
        if (hold->owner != look->owner && lock_mode_conflicts(lock_hold_mode(hold), target)) {
            found_add(look->mgr, hold->owner);
        }
    }
}

static bool find_range(void *arg, const struct lock_range *range)
{
    struct look *look = arg;
    if (range->owner != look->owner && !range->waiting) {
        found_add(look->mgr, range->owner);
    }
    return false;
}

static bool find_writer(void *arg, struct lock_key_node *node)
{
    if ((node->writers & LOCK_WRITER_HOLDS) != 0) {
        find_holders(arg, node->resource, TX_LOCK_S);
    }
    return false;
}

/* ---- wound-wait ---- */

/* Tells, once, that an older one waits for what a protected owner holds. Here that wait is sound;
 * but the same transaction may wait elsewhere, where it is not protected yet, for the one that
 * waits for it here. */
static void want(struct lock_owner *holder, struct lock_events *out)
{
    if (!holder->wanted) {
        holder->wanted = true;
        lock_events_push(out, LOCK_EVENT_WANTED, holder);
    }
}

/* Tells an owner, once, that it must go. Its waiting request goes at once: whoever is wounded waits
 * for nothing. What it holds stays until its user releases it. */
static void wound(struct lockmgr *mgr, struct lock_owner *victim, struct lock_events *out)
{
    if (victim->is_protected && !TX_SEEDED_BUG(WOUND_PREPARED)) {
        want(victim, out);
        return;
    }
    if (victim->wounded) {
        return;
    }
    victim->wounded = true;
    mgr->stats.wounds++;
    lock_events_push(out, LOCK_EVENT_WOUNDED, victim);
    if (victim->request.waiting) {
        lock_request_withdraw(mgr, victim);
    }
}

void lock_policy_waits(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    const struct lock_wait *wait = &owner->wait;
    struct look look = {.mgr = mgr, .owner = owner};
    if (mgr->options.policy != TX_POLICY_WOUND_WAIT) {
        return;
    }
    /* The queue is served by age, so the younger ones in the way are among those that hold. */
    mgr->found_n = 0;
    if (wait->range != NULL) {
        struct lock_name name = lock_range_name(wait->range);
        (void)lock_span_each_writer(wait->range->space, name, find_writer, &look);
    } else {
        find_holders(&look, wait->resource, wait->target);
        if (wait->target == TX_LOCK_X) {
            (void)lock_span_each_range(wait->resource, find_range, &look);
        }
    }
    for (size_t i = 0; i < mgr->found_n; i++) {
        if (lock_owner_older(owner, mgr->found[i])) {
            wound(mgr, mgr->found[i], out);
        }
    }
}

/* ---- wait-die ---- */

static bool older_holder(const struct lock_resource *resource, const struct lock_owner *owner,
                         enum tx_lock_mode target)
{
    const struct lock_hold *hold = resource->holds;
    for (; hold != NULL; hold = hold->resource_next) {
        if (hold->owner != owner && lock_mode_conflicts(lock_hold_mode(hold), target) &&
            lock_owner_older(hold->owner, owner)) {
            return true;
        }
    }
    return false;
}

/* The younger are served first, so the older ones in a queue are behind. */
static bool older_waiter(const struct lock_resource *resource, const struct lock_owner *owner,
                         enum tx_lock_mode target)
{
    unsigned behind = lock_queue_wanted(lock_queue_behind(resource->queue, owner));
    return (behind & lock_mode_conflict_set(target)) != 0;
}

static bool older_range(void *arg, const struct lock_range *range)
{
    const struct lock_owner *owner = arg;
    return range->owner != owner && lock_owner_older(range->owner, owner);
}

static bool older_writer(void *arg, struct lock_key_node *node)
{
    return older_holder(node->resource, arg, TX_LOCK_S) ||
           older_waiter(node->resource, arg, TX_LOCK_S);
}

static bool dies(const struct lockmgr *mgr, const struct lock_owner *owner)
{
    return mgr->options.policy == TX_POLICY_WAIT_DIE && !owner->restoring;
}

/* `meets_older` counts where the younger dies, and is not looked for elsewhere. */
static bool lets(const struct lockmgr *mgr, const struct lock_owner *owner, bool must_wait,
                 bool meets_older)
{
    return owner->restoring || mgr->options.policy == TX_POLICY_WOUND_WAIT ||
           (mgr->options.policy == TX_POLICY_WAIT_DIE ? !meets_older : !must_wait);
}

bool lock_policy_asks(const struct lockmgr *mgr, const struct lock_owner *owner,
                      const struct lock_resource *resource, enum tx_lock_mode target,
                      bool must_wait)
{
    bool meets_older =
        dies(mgr, owner) &&
        (older_holder(resource, owner, target) || older_waiter(resource, owner, target) ||
         (target == TX_LOCK_X &&
          lock_span_each_range(resource, older_range, (void *)(uintptr_t)owner)));
    return lets(mgr, owner, must_wait, meets_older);
}

bool lock_policy_lets_range(const struct lockmgr *mgr, const struct lock_owner *owner,
                            const struct lock_resource *space, struct lock_name name,
                            bool must_wait)
{
    bool meets_older = dies(mgr, owner) &&
                       lock_span_each_writer(space, name, older_writer, (void *)(uintptr_t)owner);
    return lets(mgr, owner, must_wait, meets_older);
}
