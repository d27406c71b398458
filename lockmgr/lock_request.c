/* Requests: the way down a path, waiting, and granting what others have left.
 *
 * With wound-wait every wait goes from a younger owner to an older one, or to one that waits for
 * nothing itself (protected, or wounded and so without a waiting request). Two places keep it so.
 * An owner that begins to wait wounds the younger ones that hold what it needs. And nobody is
 * granted past an older waiter that it would bar, be it a conversion or not; hence a grant never
 * gives an older waiter a younger one to wait for. With wait-die all of that is turned round:
 * nobody begins to wait for an older one, and nobody is granted past a younger waiter. */
#include "lockmgr/lock_internal.h"

#include "common/assert.h"
#include "common/seeded_bug.h"
#include "lockmgr/lock_escalate.h"
#include "lockmgr/lock_policy.h"
#include "lockmgr/lock_queue.h"
#include "lockmgr/lock_span.h"

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
        /* What is waited for has the name itself. */
        request->name = (struct lock_name){.range = request->name.range};
        return;
    }
    struct lock_name *name = &request->name;
    request->name_copy = tx_xmalloc(name->space.len + name->key.len + name->to.len);
    uint8_t *at = request->name_copy;
    name->space = copy_part(&at, name->space);
    name->key = copy_part(&at, name->key);
    name->to = copy_part(&at, name->to);
}

static void waiting_begin(struct lockmgr *mgr, struct lock_owner *owner)
{
    struct lock_request *request = &owner->request;
    request->waiting = true;
    request->status = LOCK_WAITING;
    request->reserved =
        lock_request_missing(mgr, owner, request->name, request->mode, request->step);
    mgr->reserved += request->reserved;
    keep_name(request);
    lock_deadlines_add(&mgr->deadlines, owner);
    mgr->stats.waiting++;
    mgr->stats.waits++;
}

static void waiting_end(struct lockmgr *mgr, struct lock_owner *owner)
{
    struct lock_request *request = &owner->request;
    TX_ASSERT(request->waiting && owner->wait.resource == NULL && owner->wait.range == NULL);
    lock_deadlines_remove(&mgr->deadlines, owner);
    free(request->name_copy);
    request->name_copy = NULL;
    mgr->reserved -= request->reserved;
    request->reserved = 0;
    request->waiting = false;
    mgr->stats.waiting--;
    tx_times_count(&mgr->times,
                   mgr->now_us > request->since_us ? mgr->now_us - request->since_us : 0);
}

static struct lock_resource *queue_leave(struct lock_owner *owner)
{
    struct lock_resource *resource = owner->wait.resource;
    TX_ASSERT(resource != NULL);
    lock_queue_remove(&resource->queue, owner);
    owner->wait = (struct lock_wait){0};
    lock_span_key_changed(resource);
    return resource;
}

void lock_request_withdraw(struct lockmgr *mgr, struct lock_owner *owner)
{
    if (owner->wait.range != NULL) {
        struct lock_range *range = owner->wait.range;
        owner->wait = (struct lock_wait){0};
        waiting_end(mgr, owner);
        lock_range_remove(mgr, range);
        return;
    }
    struct lock_resource *resource = queue_leave(owner);
    waiting_end(mgr, owner);
    lock_resource_touch(mgr, resource);
}

/* Ends the request because of the policy. */
static void refuse(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    mgr->stats.conflicts++;
    owner->request.status = LOCK_CONFLICT;
    if (owner->request.waiting) {
        waiting_end(mgr, owner);
    }
    if (!owner->request.asking) {
        lock_events_push(out, LOCK_EVENT_CONFLICT, owner);
    }
}

static void wait_on(struct lockmgr *mgr, struct lock_owner *owner, struct lock_wait wait,
                    struct lock_events *out)
{
    TX_ASSERT(!owner->is_protected && !owner->wounded);
    if (!owner->request.waiting) {
        waiting_begin(mgr, owner);
    }
    owner->wait = wait;
    if (wait.resource != NULL) {
        lock_queue_insert(&wait.resource->queue, owner);
        lock_span_key_changed(wait.resource);
    }
    lock_policy_waits(mgr, owner, out);
}

bool lock_request_must_wait(const struct lock_resource *resource, const struct lock_owner *owner,
                            enum tx_lock_mode held, enum tx_lock_mode target)
{
    bool beside = TX_SEEDED_BUG(SHARED_BESIDE_EXCLUSIVE) && target == TX_LOCK_S;
    if (!beside && lock_hold_conflicts(resource, held, target)) {
        return true;
    }
    if (resource->queue != NULL) {
        unsigned ahead = lock_queue_wanted(lock_queue_ahead(resource->queue, owner));
        if ((ahead & lock_mode_conflict_set(target)) != 0) {
            return true;
        }
    }
    return lock_span_bars_key(resource, owner, target);
}

/* The lock above has one more below it. */
static void count_below(struct lock_request *request, enum tx_lock_mode mode, bool is_new)
{
    struct lock_hold *above = request->above;
    above->below_n += is_new ? 1 : 0;
    above->below_writes = above->below_writes || mode > TX_LOCK_S;
}

static void use_reserved(struct lockmgr *mgr, struct lock_owner *owner)
{
    if (owner->request.reserved > 0) {
        owner->request.reserved--;
        mgr->reserved--;
    }
}

static void grant(struct lockmgr *mgr, struct lock_owner *owner, struct lock_resource *resource,
                  struct lock_hold *hold, enum tx_lock_mode target)
{
    struct lock_request *request = &owner->request;
    if (resource->level == LOCK_LEVEL_KEY) {
        count_below(request, target, hold == NULL);
    }
    if (hold == NULL) {
        use_reserved(mgr, owner);
    }
    hold = lock_hold_grant(mgr, owner, resource, hold, target);
    if (resource->level == LOCK_LEVEL_SPACE) {
        owner->space_hint = hold;
    }
    request->parent = resource;
    request->above = hold;
}

/* Does the owner hold anything below the place above the request's step? */
static bool holds_below(const struct lock_owner *owner)
{
    const struct lock_hold *above = owner->request.above;
    return above->resource->level == LOCK_LEVEL_STORE ? owner->holds != owner->holds_end
                                                      : above->below_n > 0;
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
    if (request->step == LOCK_LEVEL_SPACE) {
        struct lock_resource *hinted = lock_resource_hinted(owner, request->name.space);
        if (hinted != NULL) {
            *hold = owner->space_hint;
            return hinted;
        }
    }
    struct tx_bytes part = lock_name_part(request->name, request->step);
    struct lock_resource *resource = lock_resource_get(mgr, request->parent, part);
    *hold = holds_below(owner) ? lock_hold_find(mgr, resource, owner) : NULL;
    return resource;
}

enum step { STEP_DONE, STEP_ENDS, STEP_STUCK };

static enum step take_range(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    struct lock_request *request = &owner->request;
    struct lock_resource *space = request->parent;
    TX_ASSERT(request->mode == TX_LOCK_S);
    if (lock_range_find(space, owner, request->name) != NULL) {
        return STEP_DONE;
    }
    struct lock_key_node *blocker = lock_span_blocker(mgr, space, owner, request->name);
    if (!lock_policy_lets_range(mgr, owner, space, request->name, blocker != NULL)) {
        refuse(mgr, owner, out);
        return STEP_STUCK;
    }
    struct lock_range *range = lock_range_new(mgr, owner, space, request->name, blocker != NULL);
    if (blocker != NULL) {
        lock_span_watch(range, blocker);
        wait_on(mgr, owner, (struct lock_wait){.range = range, .target = TX_LOCK_S}, out);
        return STEP_STUCK;
    }
    count_below(request, TX_LOCK_S, true);
    use_reserved(mgr, owner);
    return STEP_DONE;
}

static enum step take_place(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
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
    if (target == held) {
        request->parent = resource;
        request->above = hold;
        return lock_mode_covers_below(held, request->mode) ? STEP_ENDS : STEP_DONE;
    }
    bool must = lock_request_must_wait(resource, owner, held, target);
    bool lets = lock_policy_lets(mgr, owner, resource, target, must);
    /* A range of its own over the key is as good as the lock: whoever waits to write here waits for
     * the range, and waits for the lock on the key from then on just so. */
    bool has_it = (must || !lets) && target == TX_LOCK_S && lock_span_gives_key(resource, owner);
    if (!lets && !has_it) {
        refuse(mgr, owner, out);
        lock_resource_touch(mgr, resource);
        return STEP_STUCK;
    }
    if (must && !has_it) {
        uint64_t class_bit = lock_queue_class(held, target);
        wait_on(mgr, owner,
                (struct lock_wait){.resource = resource,
                                   .class_bit = class_bit,
                                   .class_bits = class_bit,
                                   .held = held,
                                   .target = target},
                out);
        return STEP_STUCK;
    }
    grant(mgr, owner, resource, hold, target);
    return lock_mode_covers_below(target, request->mode) ? STEP_ENDS : STEP_DONE;
}

/* One step down: done, the end of the way since what is held covers the rest, or stuck, which is
 * a wait or a refusal. */
static enum step take_step(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    struct lock_request *request = &owner->request;
    if (request->step == LOCK_LEVEL_KEY && lock_escalate(mgr, owner)) {
        return STEP_ENDS;
    }
    if (request->step == LOCK_LEVEL_KEY && request->name.range) {
        return take_range(mgr, owner, out);
    }
    return take_place(mgr, owner, out);
}

static void complete(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    struct lock_request *request = &owner->request;
    request->status = LOCK_GRANTED;
    mgr->stats.grants++;
    if (request->waiting) {
        waiting_end(mgr, owner); /* gives back what was reserved and is not needed */
    }
    if (!request->asking) {
        lock_events_push(out, LOCK_EVENT_GRANTED, owner);
    }
}

void lock_request_advance(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    struct lock_request *request = &owner->request;
    for (;;) {
        enum step step = take_step(mgr, owner, out);
        if (step == STEP_STUCK) {
            return;
        }
        if (step == STEP_ENDS || request->step == request->last) {
            complete(mgr, owner, out);
            return;
        }
        request->step++;
    }
}

/* The owner's step has been granted: goes on to the next. */
static void go_on(struct lockmgr *mgr, struct lock_owner *owner, enum tx_lock_mode granted,
                  struct lock_events *out)
{
    struct lock_request *request = &owner->request;
    if (request->step == request->last || lock_mode_covers_below(granted, request->mode)) {
        complete(mgr, owner, out);
        return;
    }
    request->step++;
    lock_request_advance(mgr, owner, out);
}

static void serve_queue(struct lockmgr *mgr, struct lock_resource *resource,
                        struct lock_events *out)
{
    /* Whoever goes on may wound, and so change this very queue: begin anew after each grant. */
    struct lock_owner *owner;
    while ((owner = lock_queue_first_free(resource)) != NULL) {
        enum tx_lock_mode target = owner->wait.target;
        (void)queue_leave(owner);
        grant(mgr, owner, resource, lock_hold_find(mgr, resource, owner), target);
        go_on(mgr, owner, target, out);
    }
}

static void grant_range(struct lockmgr *mgr, struct lock_range *range, struct lock_events *out)
{
    struct lock_owner *owner = range->owner;
    owner->wait = (struct lock_wait){0};
    count_below(&owner->request, TX_LOCK_S, true);
    use_reserved(mgr, owner);
    lock_range_grant(mgr, range);
    complete(mgr, owner, out);
}

/* Looks again at the ranges that waited because of a key: each is granted, or watches the next key
 * that stands against it, which may be the same. */
static void serve_watchers(struct lockmgr *mgr, struct lock_resource *resource,
                           struct lock_events *out)
{
    if (!lock_span_watched(resource)) {
        return;
    }
    const struct lock_range *last = resource->key->watchers_end;
    struct lock_range *next = resource->key->watchers;
    const struct lock_range *range;
    do {
        struct lock_range *at = next;
        next = at->watch_next;
        range = at;
        lock_span_unwatch(at);
        struct lock_key_node *blocker =
            lock_span_blocker(mgr, at->space, at->owner, lock_range_name(at));
        if (blocker != NULL) {
            lock_span_watch(at, blocker);
        } else {
            grant_range(mgr, at, out);
        }
    } while (range != last);
}

void lock_request_settle(struct lockmgr *mgr, struct lock_events *out)
{
    size_t at = 0;
    struct lock_resource *resource;
    while ((resource = lock_resource_next_touched(mgr, &at)) != NULL) {
        serve_queue(mgr, resource, out);
        serve_watchers(mgr, resource, out);
        if (resource->queue == NULL && !lock_span_watched(resource)) {
            lock_resource_touch(mgr, resource);
        }
    }
    TX_ASSERT(mgr->touched_n == 0);
}

/* Does the owner have the range, held or waited for? */
static bool has_range(const struct lock_resource *space, const struct lock_owner *owner,
                      struct lock_name name)
{
    const struct lock_range *range = lock_range_find(space, owner, name);
    return range != NULL && !range->waiting;
}

size_t lock_request_missing(const struct lockmgr *mgr, const struct lock_owner *owner,
                            struct lock_name name, enum tx_lock_mode mode, enum lock_level step)
{
    enum lock_level last = lock_name_level(name);
    const struct lock_resource *resource = mgr->store;
    for (enum lock_level level = LOCK_LEVEL_STORE; level <= last; level++) {
        const struct lock_hold *hold = NULL;
        if (level == LOCK_LEVEL_KEY && name.range) {
            return has_range(resource, owner, name) ? 0 : 1;
        }
        if (level > LOCK_LEVEL_STORE) {
            resource = lock_resource_find(mgr, resource, lock_name_part(name, level));
        }
        if (resource != NULL) {
            hold = lock_hold_find(mgr, resource, owner);
        }
        if (hold == NULL) {
            /* Who does not hold a lock holds none below it. */
            return (size_t)(last - (level > step ? level : step)) + 1;
        }
        if (level < last && lock_mode_covers_below(lock_hold_mode(hold), mode)) {
            return 0;
        }
    }
    return 0;
}
