/* Escalation. */
#include "lockmgr/lock_escalate.h"

#include "lockmgr/lock_policy.h"
#include "lockmgr/lock_span.h"

static void release_below(struct lockmgr *mgr, struct lock_owner *owner,
                          const struct lock_resource *space)
{
    struct lock_hold *hold = owner->holds;
    while (hold != NULL) {
        struct lock_hold *next = hold->owner_next;
        if (hold->resource->parent == space) {
            lock_hold_release(mgr, hold);
        }
        hold = next;
    }
    struct lock_range *range = owner->ranges;
    while (range != NULL) {
        struct lock_range *next = range->next;
        if (range->space == space) {
            lock_range_remove(mgr, range);
        }
        range = next;
    }
}

bool lock_escalate(struct lockmgr *mgr, struct lock_owner *owner)
{
    const struct lock_request *request = &owner->request;
    struct lock_hold *hold = request->above;
    if (mgr->options.escalate_at == 0 || owner->restoring || hold->below_n == 0 ||
        hold->below_n % mgr->options.escalate_at != 0) {
        return false;
    }
    bool writes = hold->below_writes || request->mode > TX_LOCK_S;
    enum tx_lock_mode held = lock_hold_mode(hold);
    enum tx_lock_mode target = lock_mode_join(held, writes ? TX_LOCK_X : TX_LOCK_S);
    struct lock_resource *space = hold->resource;
    bool must_wait = lock_request_must_wait(space, owner, held, target);
    if (must_wait || !lock_policy_lets(mgr, owner, space, target, must_wait)) {
        mgr->stats.escalations_failed++;
        return false;
    }
    (void)lock_hold_grant(mgr, owner, space, hold, target);
    hold->below_n = 0;
    hold->below_writes = false;
    release_below(mgr, owner, space);
    mgr->stats.escalations++;
    return true;
}
