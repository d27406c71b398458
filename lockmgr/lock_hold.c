/* Holds: who holds what. Few owners hold the same thing at once as a rule, and a walk along the
 * list finds one of them; the holds of a crowded resource (the store above all) are found through a
 * hash table. */
#include "lockmgr/lock_internal.h"

#include "common/assert.h"
#include "lockmgr/lock_span.h"

#define CROWD_MIN 8u /* a hold that joins so many others makes the resource a crowded one */

static uint32_t pair_hash(const struct lock_resource *resource, const struct lock_owner *owner)
{
    uint64_t mixed = owner->hash ^ resource->hash * UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(mixed ^ mixed >> 32);
}

uint32_t lock_hold_hash(const struct lock_link *entry)
{
    const struct lock_hold *hold = (const struct lock_hold *)(const void *)entry;
    return pair_hash(hold->resource, hold->owner);
}

struct lock_hold *lock_hold_find(const struct lockmgr *mgr, const struct lock_resource *resource,
                                 const struct lock_owner *owner)
{
    if (resource->crowded) {
        struct lock_link *entry = lock_table_chain(&mgr->crowd, pair_hash(resource, owner));
        for (; entry != NULL; entry = entry->next) {
            struct lock_hold *hold = (struct lock_hold *)(void *)entry;
            if (hold->owner == owner && hold->resource == resource) {
                return hold;
            }
        }
        return NULL;
    }
    struct lock_hold *hold = resource->holds;
    while (hold != NULL && hold->owner != owner) {
        hold = hold->resource_next;
    }
    return hold;
}

enum tx_lock_mode lock_hold_mode(const struct lock_hold *hold)
{
    return hold == NULL ? TX_LOCK_NONE : (enum tx_lock_mode)hold->mode;
}

static unsigned exclusive_bit(enum tx_lock_mode mode)
{
    return 1u << (mode - TX_LOCK_U);
}

static void count_in(struct lock_resource *resource, enum tx_lock_mode mode)
{
    if (mode >= TX_LOCK_U) {
        TX_ASSERT((resource->exclusive & exclusive_bit(mode)) == 0);
        resource->exclusive |= exclusive_bit(mode) & 7u;
    } else {
        resource->counted[mode - TX_LOCK_IS]++;
    }
}

static void count_out(struct lock_resource *resource, enum tx_lock_mode mode)
{
    if (mode >= TX_LOCK_U) {
        TX_ASSERT((resource->exclusive & exclusive_bit(mode)) != 0);
        resource->exclusive &= ~exclusive_bit(mode) & 7u;
    } else {
        TX_ASSERT(resource->counted[mode - TX_LOCK_IS] > 0);
        resource->counted[mode - TX_LOCK_IS]--;
    }
}

unsigned lock_hold_modes(const struct lock_resource *resource, enum tx_lock_mode own)
{
    unsigned modes = (unsigned)resource->exclusive << TX_LOCK_U;
    if (own >= TX_LOCK_U) {
        modes &= ~lock_mode_bit(own);
    }
    for (enum tx_lock_mode mode = TX_LOCK_IS; mode <= TX_LOCK_S; mode++) {
        if (resource->counted[mode - TX_LOCK_IS] > (mode == own ? 1 : 0)) {
            modes |= lock_mode_bit(mode);
        }
    }
    return modes;
}

bool lock_hold_conflicts(const struct lock_resource *resource, enum tx_lock_mode own,
                         enum tx_lock_mode target)
{
    return (lock_hold_modes(resource, own) & lock_mode_conflict_set(target)) != 0;
}

static void link_hold(struct lock_hold *hold)
{
    struct lock_resource *resource = hold->resource;
    hold->resource_next = resource->holds;
    if (resource->holds != NULL) {
        resource->holds->resource_prev = hold;
    }
    resource->holds = hold;

    struct lock_owner *owner = hold->owner;
    hold->owner_prev = owner->holds_end;
    if (owner->holds_end != NULL) {
        owner->holds_end->owner_next = hold;
    } else {
        owner->holds = hold;
    }
    owner->holds_end = hold;
}

static void unlink_hold(struct lock_hold *hold)
{
    if (hold->resource_prev != NULL) {
        hold->resource_prev->resource_next = hold->resource_next;
    } else {
        hold->resource->holds = hold->resource_next;
    }
    if (hold->resource_next != NULL) {
        hold->resource_next->resource_prev = hold->resource_prev;
    }
    if (hold->owner_prev != NULL) {
        hold->owner_prev->owner_next = hold->owner_next;
    } else {
        hold->owner->holds = hold->owner_next;
    }
    if (hold->owner_next != NULL) {
        hold->owner_next->owner_prev = hold->owner_prev;
    } else {
        hold->owner->holds_end = hold->owner_prev;
    }
}

static size_t granted_n(const struct lock_resource *resource)
{
    size_t n = 0;
    for (size_t i = 0; i < LOCK_COUNTED_N; i++) {
        n += resource->counted[i];
    }
    for (unsigned bits = resource->exclusive; bits != 0; bits &= bits - 1) {
        n++;
    }
    return n;
}

/* Keeps the table of holds right for a hold just linked. A crowded resource stays so as long as it
 * lives. */
static void index_hold(struct lockmgr *mgr, struct lock_hold *hold)
{
    struct lock_resource *resource = hold->resource;
    if (resource->crowded) {
        lock_table_insert(&mgr->crowd, &hold->link, lock_hold_hash(&hold->link));
    } else if (granted_n(resource) > CROWD_MIN) {
        resource->crowded = true;
        for (hold = resource->holds; hold != NULL; hold = hold->resource_next) {
            lock_table_insert(&mgr->crowd, &hold->link, lock_hold_hash(&hold->link));
        }
    }
}

struct lock_hold *lock_hold_grant(struct lockmgr *mgr, struct lock_owner *owner,
                                  struct lock_resource *resource, struct lock_hold *hold,
                                  enum tx_lock_mode target)
{
    TX_ASSERT(target != TX_LOCK_NONE && target < TX_LOCK_MODES_N);
    if (hold != NULL) {
        TX_ASSERT(hold->owner == owner && hold->resource == resource);
        count_out(resource, lock_hold_mode(hold));
        hold->mode = (uint8_t)target;
        count_in(resource, target);
    } else {
        hold = lock_pool_take(&mgr->hold_pool);
        *hold = (struct lock_hold){.owner = owner, .resource = resource, .mode = (uint8_t)target};
        link_hold(hold);
        count_in(resource, target);
        index_hold(mgr, hold);
        mgr->stats.held++;
    }
    lock_span_key_changed(resource);
    return hold;
}

void lock_hold_release(struct lockmgr *mgr, struct lock_hold *hold)
{
    struct lock_resource *resource = hold->resource;
    TX_ASSERT(mgr->stats.held > 0);
    if (hold->owner->space_hint == hold) {
        hold->owner->space_hint = NULL;
    }
    if (resource->crowded) {
        lock_table_remove(&mgr->crowd, &hold->link, lock_hold_hash(&hold->link));
    }
    unlink_hold(hold);
    count_out(resource, lock_hold_mode(hold));
    lock_span_key_changed(resource);
    lock_pool_give(&mgr->hold_pool, hold);
    mgr->stats.held--;
    lock_resource_touch(mgr, resource);
}
