/* The lock manager's interface: owners, and the calls that change the table. */
#include "lockmgr/lockmgr.h"

#include "common/assert.h"
#include "lockmgr/lock_span.h"

#include <stdlib.h>

#define SPARE_OWNERS_MAX 1024u /* kept for the next transactions */

void lock_events_deinit(struct lock_events *events)
{
    free(events->events);
    *events = (struct lock_events){0};
}

struct lockmgr *lockmgr_new(const struct lockmgr_options *options)
{
    struct lockmgr *mgr = tx_xcalloc(1, sizeof *mgr);
    TX_ASSERT(options->policy < TX_LOCK_POLICIES_N);
    mgr->options = *options;
    mgr->store = lock_store_new();
    lock_table_init(&mgr->resources, lock_resource_hash);
    lock_table_init(&mgr->crowd, lock_hold_hash);
    lock_pool_init(&mgr->hold_pool, sizeof(struct lock_hold));
    for (size_t i = 0; i < LOCK_NAME_CLASSES_N; i++) {
        size_t name_bytes = (i + 1) * LOCK_NAME_CLASS_BYTES;
        lock_pool_init(&mgr->resource_pools[i], sizeof(struct lock_resource) + name_bytes);
    }
    return mgr;
}

void lockmgr_set_wait_timeout(struct lockmgr *mgr, uint64_t wait_timeout_us)
{
    mgr->options.wait_timeout_us = wait_timeout_us;
}

void lockmgr_destroy(struct lockmgr **mgr_ptr)
{
    struct lockmgr *mgr = *mgr_ptr;
    if (mgr == NULL) {
        return;
    }
    TX_ASSERT(mgr->owners == NULL && mgr->stats.held == 0);
    lock_store_destroy(&mgr->store);
    lock_table_deinit(&mgr->resources);
    lock_table_deinit(&mgr->crowd);
    lock_pool_deinit(&mgr->hold_pool);
    for (size_t i = 0; i < LOCK_NAME_CLASSES_N; i++) {
        lock_pool_deinit(&mgr->resource_pools[i]);
    }
    lock_deadlines_deinit(&mgr->deadlines);
    tx_spare_deinit(&mgr->spare_owners);
    free(mgr->touched);
    free(mgr->found);
    free(mgr);
    *mgr_ptr = NULL;
}

bool lock_owner_older(const struct lock_owner *a, const struct lock_owner *b)
{
    int order = tx_age_compare(a->age, b->age);
    return order != 0 ? order < 0 : tx_id_compare(a->tx, b->tx) < 0;
}

bool lock_owner_before(const struct lock_owner *a, const struct lock_owner *b)
{
    return a->youngest_first ? lock_owner_older(b, a) : lock_owner_older(a, b);
}

struct lock_owner *lockmgr_begin(struct lockmgr *mgr, struct tx_id tx, struct tx_age age)
{
    struct lock_owner *owner = tx_spare_take(&mgr->spare_owners, sizeof *owner);
    *owner = (struct lock_owner){.tx = tx, .age = age};
    owner->hash = tx_id_hash(tx);
    owner->youngest_first = mgr->options.policy == TX_POLICY_WAIT_DIE;
    owner->prev = mgr->owners_end;
    if (mgr->owners_end != NULL) {
        mgr->owners_end->next = owner;
    } else {
        mgr->owners = owner;
    }
    mgr->owners_end = owner;
    mgr->stats.owners++;
    return owner;
}

static void owner_end(struct lockmgr *mgr, struct lock_owner *owner)
{
    TX_ASSERT(owner->holds == NULL && owner->ranges == NULL && !owner->request.waiting);
    if (owner->prev != NULL) {
        owner->prev->next = owner->next;
    } else {
        mgr->owners = owner->next;
    }
    if (owner->next != NULL) {
        owner->next->prev = owner->prev;
    } else {
        mgr->owners_end = owner->prev;
    }
    mgr->stats.owners--;
    tx_spare_give(&mgr->spare_owners, owner, SPARE_OWNERS_MAX);
}

/* Is there room for all that the path takes? Asked at its beginning, for there is nobody to refuse
 * half-way down: what a waiting request has still to take is reserved. */
static bool has_room(const struct lockmgr *mgr, const struct lock_owner *owner,
                     struct lock_name name, enum tx_lock_mode mode)
{
    size_t used = mgr->stats.held + mgr->reserved;
    TX_ASSERT(used <= mgr->options.locks_max);
    size_t room = mgr->options.locks_max - used;
    return room >= LOCK_LEVELS_N ||
           room >= lock_request_missing(mgr, owner, name, mode, LOCK_LEVEL_STORE);
}

static uint64_t deadline_after(uint64_t now_us, uint64_t timeout_us)
{
    /* The last value means "never" to the callers of lockmgr_next_deadline(). */
    uint64_t deadline_us;
    if (__builtin_add_overflow(now_us, timeout_us, &deadline_us) || deadline_us == UINT64_MAX) {
        return UINT64_MAX - 1;
    }
    return deadline_us;
}

static bool is_range(struct lock_name name)
{
    return name.to.len == 0 || tx_bytes_compare(name.key, name.to) < 0;
}

/* Field by field: what belongs to a wait is clear already, and this is on every lock's way. */
static void request_begin(struct lock_request *request, struct lock_name name,
                          enum tx_lock_mode mode)
{
    TX_ASSERT(!request->waiting && request->name_copy == NULL && request->reserved == 0);
    request->asking = true;
    request->status = LOCK_GRANTED;
    request->mode = mode;
    request->step = LOCK_LEVEL_STORE;
    request->last = lock_name_level(name);
    request->name = name;
    request->parent = NULL;
    request->above = NULL;
}

enum lock_status lockmgr_acquire(struct lockmgr *mgr, struct lock_owner *owner,
                                 struct lock_name name, enum tx_lock_mode mode, uint64_t now_us,
                                 uint64_t timeout_us, struct lock_events *out)
{
    TX_ASSERT(mode != TX_LOCK_NONE && mode < TX_LOCK_MODES_N);
    TX_ASSERT(!owner->request.waiting && !owner->is_protected);
    TX_ASSERT(name.range ? mode == TX_LOCK_S && is_range(name) : name.to.len == 0);
    TX_ASSERT(name.range || name.key.len == 0 || mode == TX_LOCK_S || mode == TX_LOCK_U ||
              mode == TX_LOCK_X);
    if (owner->wounded) {
        return LOCK_WAITING; /* the event that it waits for has been told already */
    }
    if (!has_room(mgr, owner, name, mode)) {
        mgr->stats.refusals++;
        return LOCK_REFUSED;
    }
    mgr->now_us = now_us;
    if (timeout_us == 0) {
        timeout_us = mgr->options.wait_timeout_us;
    }
    request_begin(&owner->request, name, mode);
    owner->request.since_us = now_us;
    owner->request.deadline_us = deadline_after(now_us, timeout_us);
    lock_request_advance(mgr, owner, out);
    lock_request_settle(mgr, out);
    owner->request.asking = false;
    return owner->request.status;
}

void lockmgr_restoring(struct lock_owner *owner)
{
    TX_ASSERT(!owner->is_protected);
    owner->restoring = true;
}

void lockmgr_protect(struct lockmgr *mgr, struct lock_owner *owner)
{
    (void)mgr;
    TX_ASSERT(!owner->request.waiting);
    owner->restoring = false;
    owner->is_protected = true;
}

void lockmgr_cancel(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    if (owner->request.waiting) {
        lock_request_withdraw(mgr, owner);
        lock_request_settle(mgr, out);
    }
}

/* The resource of a name, as far down as `last`; NULL when there is none. */
static struct lock_resource *resource_of(const struct lockmgr *mgr, const struct lock_owner *owner,
                                         struct lock_name name, enum lock_level last)
{
    if (last == LOCK_LEVEL_STORE) {
        return mgr->store;
    }
    struct lock_resource *space = lock_resource_hinted(owner, name.space);
    if (space == NULL) {
        space = lock_resource_find(mgr, mgr->store, name.space);
    }
    return last == LOCK_LEVEL_SPACE || space == NULL ? space
                                                     : lock_resource_find(mgr, space, name.key);
}

/* The owner's hold of a name; NULL when it has none. */
static struct lock_hold *hold_of(const struct lockmgr *mgr, const struct lock_owner *owner,
                                 struct lock_name name)
{
    const struct lock_resource *resource = resource_of(mgr, owner, name, lock_name_level(name));
    return resource == NULL ? NULL : lock_hold_find(mgr, resource, owner);
}

/* The owner's range of that name; NULL when it holds none. */
static struct lock_range *range_of(const struct lockmgr *mgr, const struct lock_owner *owner,
                                   struct lock_name name)
{
    const struct lock_resource *space = resource_of(mgr, owner, name, LOCK_LEVEL_SPACE);
    struct lock_range *range = space == NULL ? NULL : lock_range_find(space, owner, name);
    return range == NULL || range->waiting ? NULL : range;
}

/* The owner's lock on a keyspace in which it holds something. */
static struct lock_hold *hold_above(const struct lockmgr *mgr, const struct lock_owner *owner,
                                    const struct lock_resource *space)
{
    if (owner->space_hint != NULL && owner->space_hint->resource == space) {
        return owner->space_hint;
    }
    return lock_hold_find(mgr, space, owner);
}

/* Does the owner hold something right below? */
static bool holds_below(const struct lock_owner *owner, const struct lock_hold *above)
{
    if (above->resource->level != LOCK_LEVEL_STORE) {
        return above->below_n > 0;
    }
    return owner->holds != owner->holds_end;
}

static void release_range(struct lockmgr *mgr, struct lock_range *range)
{
    hold_above(mgr, range->owner, range->space)->below_n--;
    lock_range_remove(mgr, range);
}

enum tx_error lockmgr_release(struct lockmgr *mgr, struct lock_owner *owner, struct lock_name name,
                              struct lock_events *out)
{
    TX_ASSERT(!owner->request.waiting);
    if (name.range) {
        struct lock_range *range = range_of(mgr, owner, name);
        if (range == NULL) {
            return TX_ENOTFOUND;
        }
        release_range(mgr, range);
        lock_request_settle(mgr, out);
        return TX_OK;
    }
    struct lock_hold *hold = hold_of(mgr, owner, name);
    if (hold == NULL) {
        return TX_ENOTFOUND;
    }
    if (holds_below(owner, hold)) {
        return TX_ESTATE;
    }
    if (hold->resource->level == LOCK_LEVEL_KEY) {
        hold_above(mgr, owner, hold->resource->parent)->below_n--;
    }
    lock_hold_release(mgr, hold);
    lock_request_settle(mgr, out);
    return TX_OK;
}

enum tx_error lockmgr_trim(struct lockmgr *mgr, struct lock_owner *owner, struct lock_name range,
                           struct lock_name part, struct lock_events *out)
{
    TX_ASSERT(range.range && part.range && is_range(part));
    TX_ASSERT(tx_bytes_compare(range.key, part.key) <= 0);
    TX_ASSERT(range.to.len == 0 || (part.to.len > 0 && tx_bytes_compare(part.to, range.to) <= 0));
    struct lock_range *whole = range_of(mgr, owner, range);
    if (whole == NULL) {
        return TX_ENOTFOUND;
    }
    if (range_of(mgr, owner, part) == NULL) {
        /* Nothing stands against a part of what is held. */
        (void)lock_range_new(mgr, owner, whole->space, part, false);
        lock_range_remove(mgr, whole);
    } else if (!tx_bytes_equal(range.key, part.key) || !tx_bytes_equal(range.to, part.to)) {
        release_range(mgr, whole); /* the part is held by itself, too */
    }
    lock_request_settle(mgr, out);
    return TX_OK;
}

void lockmgr_release_all(struct lockmgr *mgr, struct lock_owner **owner_ptr,
                         struct lock_events *out)
{
    struct lock_owner *owner = *owner_ptr;
    if (owner->request.waiting) {
        lock_request_withdraw(mgr, owner);
    }
    while (owner->ranges_end != NULL) {
        lock_range_remove(mgr, owner->ranges_end);
    }
    /* From the last to the first: a lock goes before the intentions above it. */
    while (owner->holds_end != NULL) {
        lock_hold_release(mgr, owner->holds_end);
    }
    owner_end(mgr, owner);
    *owner_ptr = NULL;
    lock_request_settle(mgr, out);
}

uint64_t lockmgr_next_deadline(const struct lockmgr *mgr)
{
    const struct lock_owner *owner = lock_deadlines_first(&mgr->deadlines);
    return owner == NULL ? UINT64_MAX : owner->request.deadline_us;
}

void lockmgr_expire(struct lockmgr *mgr, uint64_t now_us, struct lock_events *out)
{
    struct lock_owner *owner;
    mgr->now_us = now_us;
    while ((owner = lock_deadlines_first(&mgr->deadlines)) != NULL &&
           owner->request.deadline_us <= now_us) {
        lock_request_withdraw(mgr, owner);
        mgr->stats.timeouts++;
        lock_events_push(out, LOCK_EVENT_TIMED_OUT, owner);
        lock_request_settle(mgr, out);
    }
}

enum tx_lock_mode lockmgr_held(const struct lockmgr *mgr, const struct lock_owner *owner,
                               struct lock_name name)
{
    if (name.range) {
        return range_of(mgr, owner, name) != NULL ? TX_LOCK_S : TX_LOCK_NONE;
    }
    return lock_hold_mode(hold_of(mgr, owner, name));
}

struct tx_id lock_owner_tx(const struct lock_owner *owner)
{
    return owner->tx;
}

bool lockmgr_is_waiting(const struct lock_owner *owner)
{
    return owner->request.waiting;
}

bool lockmgr_is_wounded(const struct lock_owner *owner)
{
    return owner->wounded;
}

struct lockmgr_stats lockmgr_stats(const struct lockmgr *mgr)
{
    return mgr->stats;
}
