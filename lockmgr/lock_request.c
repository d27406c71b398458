/* Requests: the way down a path, waiting, wounding, and granting what others have left.
 *
 * Every wait goes from a younger owner to an older one, or to one that waits for nothing itself
 * (protected, or wounded and so without a waiting request). Two places keep it so. An owner that
 * begins to wait wounds the younger ones that hold what it needs. And nobody is granted past an
 * older waiter that it would bar, be it a conversion or not; hence a grant never gives an older
 * waiter a younger one to wait for. */
#include "lockmgr/lock_internal.h"

#include "common/assert.h"
#include "common/seeded_bug.h"
#include "lockmgr/lock_queue.h"

#include <stdlib.h>
#include <string.h>

void lock_events_push(struct lock_events *out, enum lock_event_type type, struct lock_owner *owner)
{
    if (out->events_n == out->capacity) {
        out->capacity = out->capacity == 0 ? 8 : 2 * out->capacity;
        out->events = tx_xrealloc(out->events, out->capacity * sizeof *out->events);
    }
    out->events[out->events_n] = (struct lock_event){.type = type, .owner = owner, .tx = owner->tx};
    out->events_n++;
}

static struct tx_bytes copy_part(uint8_t **at, struct tx_bytes part)
{
    struct tx_bytes copy = tx_bytes(*at, part.len);
    if (part.len > 0) {
        memcpy(*at, part.data, part.len);
        *at += part.len;
    }
    return copy;
}

/* The caller's name is borrowed for the call: a request that goes on later needs its own. */
static void keep_name(struct lock_request *request)
{
    if (request->step == request->last) {
        request->name = (struct lock_name){0}; /* the resource waited for is the last one */
        return;
    }
    request->name_copy = tx_xmalloc(request->name.space.len + request->name.key.len);
    uint8_t *at = request->name_copy;
    request->name.space = copy_part(&at, request->name.space);
    request->name.key = copy_part(&at, request->name.key);
}

static void waiting_begin(struct lockmgr *mgr, struct lock_owner *owner)
{
    struct lock_request *request = &owner->request;
    request->waiting = true;
    request->status = LOCK_WAITING;
    request->reserved = lock_request_missing(mgr, owner, request->name, request->step);
    mgr->reserved += request->reserved;
    keep_name(request);
    lock_deadlines_add(&mgr->deadlines, owner);
    mgr->stats.waiting++;
    mgr->stats.waits++;
}

static void waiting_end(struct lockmgr *mgr, struct lock_owner *owner)
{
    struct lock_request *request = &owner->request;
    TX_ASSERT(request->waiting && owner->wait.resource == NULL);
    lock_deadlines_remove(&mgr->deadlines, owner);
    free(request->name_copy);
    request->name_copy = NULL;
    mgr->reserved -= request->reserved;
    request->reserved = 0;
    request->waiting = false;
    mgr->stats.waiting--;
}

static struct lock_resource *queue_leave(struct lock_owner *owner)
{
    struct lock_resource *resource = owner->wait.resource;
    TX_ASSERT(resource != NULL);
    lock_queue_remove(&resource->queue, owner);
    owner->wait = (struct lock_wait){0};
    return resource;
}

void lock_request_withdraw(struct lockmgr *mgr, struct lock_owner *owner)
{
    struct lock_resource *resource = queue_leave(owner);
    waiting_end(mgr, owner);
    lock_resource_touch(mgr, resource);
}

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

/* The queue is ordered by age, so the younger ones in the way of a waiter are among the holders. */
static void wound_holders(struct lockmgr *mgr, const struct lock_owner *owner,
                          struct lock_events *out)
{
    struct lock_hold *hold = owner->wait.resource->holds;
    for (; hold != NULL; hold = hold->resource_next) {
        if (hold->owner != owner && lock_mode_conflicts(hold->mode, owner->wait.target) &&
            lock_owner_older(owner, hold->owner)) {
            wound(mgr, hold->owner, out);
        }
    }
}

static void wait_on(struct lockmgr *mgr, struct lock_owner *owner, struct lock_resource *resource,
                    enum tx_lock_mode held, enum tx_lock_mode target, struct lock_events *out)
{
    TX_ASSERT(!owner->is_protected && !owner->wounded);
    if (!owner->request.waiting) {
        waiting_begin(mgr, owner);
    }
    uint64_t class_bit = lock_queue_class(held, target);
    owner->wait = (struct lock_wait){.resource = resource,
                                     .class_bit = class_bit,
                                     .class_bits = class_bit,
                                     .held = held,
                                     .target = target};
    lock_queue_insert(&resource->queue, owner);
    wound_holders(mgr, owner, out);
}

static bool must_wait(const struct lock_resource *resource, const struct lock_owner *owner,
                      enum tx_lock_mode held, enum tx_lock_mode target)
{
    bool beside = TX_SEEDED_BUG(SHARED_BESIDE_EXCLUSIVE) && target == TX_LOCK_S;
    if (!beside && lock_hold_conflicts(resource, held, target)) {
        return true;
    }
    unsigned ahead = lock_queue_wanted(lock_queue_ahead(resource->queue, owner));
    return (ahead & lock_mode_conflict_set(target)) != 0;
}

static void grant(struct lockmgr *mgr, struct lock_owner *owner, struct lock_resource *resource,
                  struct lock_hold *hold, enum tx_lock_mode target)
{
    if (hold == NULL && owner->request.reserved > 0) {
        owner->request.reserved--;
        mgr->reserved--;
    }
    hold = lock_hold_grant(mgr, owner, resource, hold, target);
    if (resource->level == LOCK_LEVEL_SPACE) {
        owner->space_hint = hold;
    }
}

/* The resource of the request's step, and what the owner holds there. The two ancestors of a key
 * are at hand as a rule: the store's lock is the first that an owner takes, and the keyspace is the
 * last used. */
static struct lock_resource *step_resource(struct lockmgr *mgr, struct lock_owner *owner,
                                           struct lock_hold **hold)
{
    const struct lock_request *request = &owner->request;
    if (request->step == LOCK_LEVEL_STORE) {
        *hold = owner->holds;
        return mgr->store;
    }
    if (request->step == LOCK_LEVEL_SPACE && owner->space_hint != NULL) {
        struct lock_resource *hinted = owner->space_hint->resource;
        if (tx_bytes_equal(lock_resource_name(hinted).space, request->name.space)) {
            *hold = owner->space_hint;
            return hinted;
        }
    }
    struct tx_bytes part = lock_name_part(request->name, request->step);
    struct lock_resource *resource = lock_resource_get(mgr, request->parent, part);
    *hold = lock_hold_find(mgr, resource, owner);
    return resource;
}

/* True when the step is held now; false when the owner waits for it. */
static bool take_step(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    struct lock_request *request = &owner->request;
    enum tx_lock_mode wanted = request->mode;
    if (request->step < request->last) {
        wanted = lock_mode_intention(wanted);
    }
    struct lock_hold *hold;
    struct lock_resource *resource = step_resource(mgr, owner, &hold);
    enum tx_lock_mode held = lock_hold_mode(hold);
    enum tx_lock_mode target = lock_mode_join(held, wanted);
    request->parent = resource;
    if (target == held) {
        return true;
    }
    if (must_wait(resource, owner, held, target)) {
        wait_on(mgr, owner, resource, held, target, out);
        return false;
    }
    grant(mgr, owner, resource, hold, target);
    return true;
}

static void complete(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    struct lock_request *request = &owner->request;
    request->status = LOCK_GRANTED;
    mgr->stats.grants++;
    if (request->waiting) {
        waiting_end(mgr, owner);
    }
    if (!request->asking) {
        lock_events_push(out, LOCK_EVENT_GRANTED, owner);
    }
}

void lock_request_advance(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    struct lock_request *request = &owner->request;
    while (take_step(mgr, owner, out)) {
        if (request->step == request->last) {
            complete(mgr, owner, out);
            return;
        }
        request->step++;
    }
}

/* The owner's step has become free: takes it and goes on. */
static void go_on(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    struct lock_request *request = &owner->request;
    enum tx_lock_mode target = owner->wait.target;
    struct lock_resource *resource = queue_leave(owner);
    grant(mgr, owner, resource, lock_hold_find(mgr, resource, owner), target);
    if (request->step == request->last) {
        complete(mgr, owner, out);
        return;
    }
    request->step++;
    lock_request_advance(mgr, owner, out);
}

void lock_request_settle(struct lockmgr *mgr, struct lock_events *out)
{
    size_t at = 0;
    struct lock_resource *resource;
    while ((resource = lock_resource_next_touched(mgr, &at)) != NULL) {
        /* Whoever goes on may wound, and so change this very queue: begin anew after each grant. */
        struct lock_owner *owner;
        while ((owner = lock_queue_first_free(resource)) != NULL) {
            go_on(mgr, owner, out);
        }
        if (resource->queue == NULL) {
            lock_resource_touch(mgr, resource);
        }
    }
    TX_ASSERT(mgr->touched_n == 0);
}

size_t lock_request_missing(const struct lockmgr *mgr, const struct lock_owner *owner,
                            struct lock_name name, enum lock_level step)
{
    enum lock_level last = lock_name_level(name);
    const struct lock_resource *resource = mgr->store;
    for (enum lock_level level = LOCK_LEVEL_STORE; level <= last; level++) {
        if (level > LOCK_LEVEL_STORE) {
            resource = lock_resource_find(mgr, resource, lock_name_part(name, level));
        }
        if (resource == NULL || lock_hold_find(mgr, resource, owner) == NULL) {
            /* Who does not hold a lock holds none below it. */
            return (size_t)(last - (level > step ? level : step)) + 1;
        }
    }
    return 0;
}
