/* The lock manager's interface: owners, and the calls that change the table. */
#include "lockmgr/lockmgr.h"

#include "common/assert.h"
#include "lockmgr/lock_internal.h"

#include <stdlib.h>

void lock_events_deinit(struct lock_events *events)
{
    free(events->events);
    *events = (struct lock_events){0};
}

struct lockmgr *lockmgr_new(const struct lockmgr_options *options)
{
    struct lockmgr *mgr = tx_xcalloc(1, sizeof *mgr);
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
    free(mgr->touched);
    free(mgr);
    *mgr_ptr = NULL;
}

bool lock_owner_older(const struct lock_owner *a, const struct lock_owner *b)
{
    int order = tx_age_compare(a->age, b->age);
    return order != 0 ? order < 0 : tx_id_compare(a->tx, b->tx) < 0;
}

struct lock_owner *lockmgr_begin(struct lockmgr *mgr, struct tx_id tx, struct tx_age age)
{
    struct lock_owner *owner = tx_xcalloc(1, sizeof *owner);
    owner->tx = tx;
    owner->age = age;
    owner->hash = tx_id_hash(tx);
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
    TX_ASSERT(owner->holds == NULL && !owner->request.waiting);
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
    free(owner);
}

/* Is there room for all that the path takes? Asked at its beginning, for there is nobody to refuse
 * half-way down: what a waiting request has still to take is reserved. */
static bool has_room(const struct lockmgr *mgr, const struct lock_owner *owner,
                     struct lock_name name)
{
    size_t used = mgr->stats.held + mgr->reserved;
    TX_ASSERT(used <= mgr->options.locks_max);
    size_t room = mgr->options.locks_max - used;
    return room >= LOCK_LEVELS_N ||
           room >= lock_request_missing(mgr, owner, name, LOCK_LEVEL_STORE);
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

enum lock_status lockmgr_acquire(struct lockmgr *mgr, struct lock_owner *owner,
                                 struct lock_name name, enum tx_lock_mode mode, uint64_t now_us,
                                 uint64_t timeout_us, struct lock_events *out)
{
    TX_ASSERT(mode != TX_LOCK_NONE && mode < TX_LOCK_MODES_N);
    TX_ASSERT(!owner->request.waiting && !owner->is_protected);
    if (owner->wounded) {
        return LOCK_WAITING; /* the event that it waits for has been told already */
    }
    if (!has_room(mgr, owner, name)) {
        mgr->stats.refusals++;
        return LOCK_REFUSED;
    }
    if (timeout_us == 0) {
        timeout_us = mgr->options.wait_timeout_us;
    }
    owner->request = (struct lock_request){
        .asking = true,
        .mode = mode,
        .last = lock_name_level(name),
        .name = name,
        .since_us = now_us,
        .deadline_us = deadline_after(now_us, timeout_us),
    };
    lock_request_advance(mgr, owner, out);
    lock_request_settle(mgr, out);
    owner->request.asking = false;
    return owner->request.status;
}

void lockmgr_protect(struct lockmgr *mgr, struct lock_owner *owner)
{
    (void)mgr;
    TX_ASSERT(!owner->request.waiting);
    owner->is_protected = true;
}

void lockmgr_cancel(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out)
{
    if (owner->request.waiting) {
        lock_request_withdraw(mgr, owner);
        lock_request_settle(mgr, out);
    }
}

/* The owner's hold of a name; NULL when it has none. */
static struct lock_hold *hold_of(const struct lockmgr *mgr, const struct lock_owner *owner,
                                 struct lock_name name)
{
    enum lock_level last = lock_name_level(name);
    const struct lock_resource *resource = mgr->store;
    for (enum lock_level level = LOCK_LEVEL_SPACE; level <= last && resource != NULL; level++) {
        resource = lock_resource_find(mgr, resource, lock_name_part(name, level));
    }
    return resource == NULL ? NULL : lock_hold_find(mgr, resource, owner);
}

/* Does the owner hold something right below? Intentions are rarely released one by one, so nobody
 * counts. */
static bool holds_below(const struct lock_owner *owner, const struct lock_resource *resource)
{
    if (resource->level == LOCK_LEVEL_KEY) {
        return false;
    }
    for (const struct lock_hold *hold = owner->holds; hold != NULL; hold = hold->owner_next) {
        if (hold->resource->parent == resource) {
            return true;
        }
    }
    return false;
}

enum tx_error lockmgr_release(struct lockmgr *mgr, struct lock_owner *owner, struct lock_name name,
                              struct lock_events *out)
{
    TX_ASSERT(!owner->request.waiting);
    struct lock_hold *hold = hold_of(mgr, owner, name);
    if (hold == NULL) {
        return TX_ENOTFOUND;
    }
    if (holds_below(owner, hold->resource)) {
        return TX_ESTATE;
    }
    lock_hold_release(mgr, hold);
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
    return lock_hold_mode(hold_of(mgr, owner, name));
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
