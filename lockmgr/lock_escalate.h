/* Escalation: one lock on a keyspace instead of many inside it. */
#ifndef ASSENT_LOCKMGR_LOCK_ESCALATE_H
#define ASSENT_LOCKMGR_LOCK_ESCALATE_H

#include "lockmgr/lock_internal.h"

/* Before the last step of the owner's request, when the keys and ranges that it holds in the
 * keyspace have reached another multiple of the limit: converts its lock on the keyspace to S, or
 * to X when one of them or the request is for writing, and releases them. False, and nothing
 * changed, when it is not time, or when it would have to wait. */
bool lock_escalate(struct lockmgr *mgr, struct lock_owner *owner);

#endif
