/* What happens when a lock is not free: who is wounded, who may wait. */
#ifndef ASSENT_LOCKMGR_LOCK_POLICY_H
#define ASSENT_LOCKMGR_LOCK_POLICY_H

#include "lockmgr/lock_internal.h"

/* May the owner, who is in nobody's queue, wait for `target` on the resource? Asked whether it
 * would have to wait or not: with wait-die nobody passes an older waiter that it would stand
 * against. */
bool lock_policy_asks(const struct lockmgr *mgr, const struct lock_owner *owner,
                      const struct lock_resource *resource, enum tx_lock_mode target,
                      bool must_wait);
static inline bool lock_policy_lets(const struct lockmgr *mgr, const struct lock_owner *owner,
                                    const struct lock_resource *resource, enum tx_lock_mode target,
                                    bool must_wait)
{
    return mgr->options.policy == TX_POLICY_WOUND_WAIT ||
           lock_policy_asks(mgr, owner, resource, target, must_wait);
}
bool lock_policy_lets_range(const struct lockmgr *mgr, const struct lock_owner *owner,
                            const struct lock_resource *space, struct lock_name name,
                            bool must_wait);

/* The owner has begun to wait, in a queue or for a range: wounds the younger ones in its way. */
void lock_policy_waits(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out);

#endif
