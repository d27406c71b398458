#include "lockmgr/lock_list.h"

#include "common/assert.h"
#include "lockmgr/lock_queue.h"
#include "lockmgr/lock_span.h"

/* ---- what an owner holds ---- */

/* A lock on the owner's lists: of the two at most one. Neither: behind the last. */
struct at {
    const struct lock_hold *hold;
    const struct lock_range *range;
};

static struct at first_of(const struct lock_owner *owner)
{
    return (struct at){owner->holds, owner->holds == NULL ? owner->ranges : NULL};
}

static struct at next_of(const struct lock_owner *owner, struct at at)
{
    if (at.hold == NULL) {
        return (struct at){NULL, at.range->next};
    }
    const struct lock_hold *next = at.hold->owner_next;
    return (struct at){next, next == NULL ? owner->ranges : NULL};
}

static struct at find(const struct lockmgr *mgr, const struct lock_owner *owner,
                      struct lock_name name)
{
    if (name.space.len == 0 && (name.key.len > 0 || name.range)) {
        return (struct at){NULL, NULL}; /* no name: whoever asks for a place may give any */
    }
    const struct lock_resource *resource = mgr->store;
    enum lock_level last = name.range ? LOCK_LEVEL_SPACE : lock_name_level(name);
    for (enum lock_level level = LOCK_LEVEL_SPACE; level <= last && resource != NULL; level++) {
        resource = lock_resource_find(mgr, resource, lock_name_part(name, level));
    }
    if (resource == NULL) {
        return (struct at){NULL, NULL};
    }
    if (!name.range) {
        return (struct at){lock_hold_find(mgr, resource, owner), NULL};
    }
    const struct lock_range *range = lock_range_find(resource, owner, name);
    return (struct at){NULL, range != NULL && !range->waiting ? range : NULL};
}

static bool is_end(struct at at)
{
    return at.hold == NULL && at.range == NULL;
}

static struct lock_name name_of(struct at at)
{
    return at.hold != NULL ? lock_resource_name(at.hold->resource) : lock_range_name(at.range);
}

/* Where the place is by now. */
static struct at resume(const struct lockmgr *mgr, const struct lock_owner *owner,
                        struct lock_place *place)
{
    if (place->passed == 0) {
        return first_of(owner);
    }
    struct at last = find(mgr, owner, place->last);
    if (!is_end(last)) {
        return next_of(owner, last);
    }
    /* All but the one that is gone; what others tell of places may be any number. */
    uint64_t before = place->passed - 1;
    place->skip = place->skip > UINT64_MAX - before ? UINT64_MAX : place->skip + before;
    place->passed = 0;
    return first_of(owner);
}

bool lockmgr_list_held(const struct lockmgr *mgr, const struct lock_owner *owner,
                       struct lock_place *place, size_t *looks,
                       bool (*visit)(void *arg, struct lock_name name, enum tx_lock_mode mode),
                       void *arg)
{
    struct at at = resume(mgr, owner, place);
    for (; !is_end(at) && *looks > 0; at = next_of(owner, at)) {
        struct lock_name name = name_of(at);
        (*looks)--;
        if (place->skip > 0) {
            place->skip--;
        } else if (!visit(arg, name, at.hold != NULL ? lock_hold_mode(at.hold) : TX_LOCK_S)) {
            return false;
        }
        place->passed = place->passed == UINT64_MAX ? UINT64_MAX : place->passed + 1;
        place->last = name;
    }
    return is_end(at);
}

/* ---- who waits, and who is in the way ---- */

bool lockmgr_list_wanted(const struct lock_owner *owner, struct lock_wanted *wanted)
{
    const struct lock_wait *wait = &owner->wait;
    if (wait->resource == NULL && wait->range == NULL) {
        return false;
    }
    *wanted = (struct lock_wanted){
        .name =
            wait->range != NULL ? lock_range_name(wait->range) : lock_resource_name(wait->resource),
        .mode = wait->target,
        .since_us = owner->request.since_us,
    };
    return true;
}

struct in_way {
    const struct lock_owner *waiter;
    struct lock_in_way *out;
    size_t out_max, n;
    size_t *looks;
    bool more;
    enum tx_lock_mode target;
    bool waits; /* those that wait are looked for now, else those that hold */
};

/* May another one be looked at? */
static bool look(struct in_way *in_way)
{
    if (*in_way->looks == 0 && in_way->n > 0) {
        in_way->more = true;
        return false;
    }
    *in_way->looks -= *in_way->looks > 0 ? 1 : 0;
    return true;
}

/* False when there is no room for another one. */
static bool add(struct in_way *in_way, const struct lock_owner *owner, enum tx_lock_mode mode,
                bool range)
{
    for (size_t i = 0; i < in_way->n; i++) {
        if (tx_id_equal(in_way->out[i].tx, owner->tx)) {
            return true;
        }
    }
    if (in_way->n == in_way->out_max) {
        in_way->more = true;
        return false;
    }
    in_way->out[in_way->n++] =
        (struct lock_in_way){.tx = owner->tx, .mode = mode, .waits = in_way->waits, .range = range};
    return true;
}

static bool add_holders(struct in_way *in_way, const struct lock_resource *resource)
{
    if (!lock_hold_conflicts(resource, TX_LOCK_NONE, in_way->target)) {
        return true; /* nobody does: no need to look at each */
    }
    for (const struct lock_hold *hold = resource->holds; hold != NULL; hold = hold->resource_next) {
        if (!look(in_way)) {
            return false;
        }
        if (hold->owner != in_way->waiter &&
            lock_mode_conflicts(lock_hold_mode(hold), in_way->target) &&
            !add(in_way, hold->owner, lock_hold_mode(hold), false)) {
            return false;
        }
    }
    return true;
}

static bool add_waiters(struct in_way *in_way, const struct tx_tree_node *node)
{
    if (node == NULL) {
        return true;
    }
    const struct lock_owner *owner = lock_queue_owner(node);
    if (!add_waiters(in_way, node->left)) {
        return false;
    }
    if (!lock_owner_before(owner, in_way->waiter)) {
        return true;
    }
    if (!look(in_way)) {
        return false;
    }
    if (lock_mode_conflicts(owner->wait.target, in_way->target) &&
        !add(in_way, owner, owner->wait.target, false)) {
        return false;
    }
    return add_waiters(in_way, node->right);
}

static bool add_there(struct in_way *in_way, const struct lock_resource *resource)
{
    return in_way->waits ? add_waiters(in_way, resource->queue) : add_holders(in_way, resource);
}

/* These two stop by returning true. */
static bool add_range(void *arg, const struct lock_range *range)
{
    struct in_way *in_way = arg;
    if (!look(in_way)) {
        return true;
    }
    if (range->owner == in_way->waiter || range->waiting != in_way->waits ||
        (range->waiting && !lock_owner_before(range->owner, in_way->waiter))) {
        return false;
    }
    return !add(in_way, range->owner, TX_LOCK_S, true);
}

static bool add_writers(void *arg, struct lock_key_node *node)
{
    return !add_there(arg, node->resource);
}

static void add_all(struct in_way *in_way)
{
    const struct lock_wait *wait = &in_way->waiter->wait;
    if (wait->range != NULL) {
        (void)lock_span_each_writer(wait->range->space, lock_range_name(wait->range), add_writers,
                                    in_way);
    } else if (wait->resource != NULL && add_there(in_way, wait->resource) &&
               in_way->target == TX_LOCK_X) {
        (void)lock_span_each_range(wait->resource, add_range, in_way);
    }
}

size_t lockmgr_list_in_way(const struct lock_owner *waiter, struct lock_in_way *out, size_t out_max,
                           bool *more, size_t *looks)
{
    TX_ASSERT(out_max > 0);
    struct in_way in_way = {
        .waiter = waiter,
        .out = out,
        .out_max = out_max,
        .looks = looks,
        .target = waiter->wait.target,
    };
    add_all(&in_way);
    in_way.waits = true;
    if (!in_way.more) {
        add_all(&in_way);
    }
    *more = in_way.more;
    return in_way.n;
}
