/* The structures of the lock manager, shared by its files; lockmgr/README.md draws how they hang
 * together. */
#ifndef ASSENT_LOCKMGR_LOCK_INTERNAL_H
#define ASSENT_LOCKMGR_LOCK_INTERNAL_H

#include "common/assert.h"
#include "common/spare.h"
#include "lockmgr/lock_deadlines.h"
#include "lockmgr/lock_mode.h"
#include "lockmgr/lock_pool.h"
#include "lockmgr/lock_table.h"
#include "common/tree.h"
#include "lockmgr/lockmgr.h"

/* The levels of the hierarchy; a path from the store to a lock has at most LOCK_LEVELS_N steps.
 * Ranges are on the level of keys. */
enum lock_level { LOCK_LEVEL_STORE, LOCK_LEVEL_SPACE, LOCK_LEVEL_KEY, LOCK_LEVELS_N };

/* Modes that several owners can hold on one resource are counted; of the others there is one
 * holder at most. */
enum lock_counted { LOCK_COUNTED_IS, LOCK_COUNTED_IX, LOCK_COUNTED_S, LOCK_COUNTED_N };

/* Names up to LOCK_NAME_CLASSES_N * LOCK_NAME_CLASS_BYTES bytes come from pools. */
#define LOCK_NAME_CLASS_BYTES 16u
#define LOCK_NAME_CLASSES_N   6u

/* A place that is locked or waited for. It lives as long as there is a hold or a waiter (the store
 * lives always). Its parent outlives it: whoever holds or waits here holds an intention there. */
struct lock_resource {
    struct lock_link link; /* among all resources but the store; the first member */
    struct lock_resource *parent;
    struct lock_hold *holds;    /* newest first */
    struct tx_tree_node *queue; /* the waiters, see lock_queue.h */
    union {
        struct lock_spans *spans;  /* a keyspace's: NULL until its first range is asked for */
        struct lock_key_node *key; /* a key's: NULL unless its keyspace has spans */
    };
    uint32_t counted[LOCK_COUNTED_N]; /* holds in the modes that are counted */
    uint32_t hash;                    /* of the name, with the parent's hash as seed */
    uint16_t name_len;
    uint8_t level;
    uint8_t exclusive : TX_LOCK_MODES_N - TX_LOCK_U; /* is there a hold in U, in SIX, in X? */
    uint8_t crowded : 1; /* its holds are in the manager's table of holds */
    uint8_t touched : 1; /* in the manager's list of queues to look through */
    uint8_t name[];      /* of this level only: a key's resource does not repeat its keyspace */
};

/* One owner's lock on one resource. */
struct lock_hold {
    struct lock_link
        link; /* in the table of holds when the resource is crowded; the first member */
    struct lock_owner *owner;
    struct lock_resource *resource;
    struct lock_hold *resource_prev, *resource_next;
    struct lock_hold *owner_prev, *owner_next; /* in order of acquisition */
    uint32_t below_n;  /* of a keyspace: the owner's keys and ranges in it */
    uint8_t mode;      /* enum tx_lock_mode */
    bool below_writes; /* of a keyspace: some of them are, or were, more than S */
};

/* A place in one queue, or a range that is waited for; nothing when both are NULL. */
struct lock_wait {
    struct tx_tree_node node; /* in the resource's queue */
    uint64_t class_bit;       /* see lock_queue.h */
    uint64_t class_bits;      /* of the whole subtree */
    struct lock_resource *resource;
    struct lock_range *range;
    enum tx_lock_mode held, target; /* a conversion holds more than NONE */
};

/* What an owner asks for: a path of steps from the store down, each of which may wait. */
struct lock_request {
    bool waiting; /* has waited and is not granted yet */
    bool asking;  /* inside its lockmgr_acquire(), whose return value tells of the grant */
    enum lock_status status; /* what lockmgr_acquire() will return */
    enum tx_lock_mode mode;
    enum lock_level step, last;
    struct lock_name name;        /* borrowed from the caller, or in `name_copy` while waiting */
    uint8_t *name_copy;           /* NULL when no further step needs the name */
    struct lock_resource *parent; /* of the step */
    struct lock_hold *above;      /* what the owner holds there */
    size_t reserved;              /* locks of the path that are not held yet, while waiting */
    uint64_t since_us;
    uint64_t deadline_us;
    size_t deadline_at; /* in the heap of deadlines */
};

struct lock_owner {
    struct tx_id tx;
    struct tx_age age;
    uint64_t hash;
    struct lock_wait wait; /* a way down a queue needs what is up to here */
    bool youngest_first;   /* the order of service, see lock_owner_before() */
    bool restoring;
    bool is_protected;
    bool wounded;
    bool wanted;                         /* protected, and an older one has begun to wait for it */
    struct lock_owner *prev, *next;      /* all owners, in order of lockmgr_begin() */
    struct lock_hold *holds, *holds_end; /* in order of acquisition; the first is the store's */
    struct lock_range *ranges, *ranges_end; /* likewise */
    struct lock_hold *space_hint;           /* the keyspace used last */
    struct lock_request request;
};

struct lockmgr {
    struct lockmgr_options options;
    struct lock_resource *store;
    struct lock_table resources;
    struct lock_table crowd; /* holds of crowded resources, by owner and resource */
    struct lock_pool hold_pool;
    struct lock_pool resource_pools[LOCK_NAME_CLASSES_N];
    struct lock_owner *owners, *owners_end;
    struct tx_spare spare_owners;
    struct lock_resource
        *last_space; /* the keyspace that somebody used last; NULL: none, or gone */
    struct lock_deadlines deadlines;
    struct lock_resource **touched; /* queues to look through before the call returns */
    size_t touched_n, touched_capacity;
    struct lock_owner **found; /* whom one look through the table has met */
    size_t found_n, found_capacity;
    size_t reserved; /* sum over the owners */
    uint64_t now_us; /* as last told */
    struct lockmgr_stats stats;
    struct tx_times times;
};

/* ---- owners (lockmgr.c) ---- */

/* The order of age, made total: of two attempts of the same age the lower id counts as older. */
bool lock_owner_older(const struct lock_owner *a, const struct lock_owner *b);
/* The order in which two waiters are served: the older one first, but with wait-die, where every
 * wait goes from an older owner to a younger one, the younger one. */
bool lock_owner_before(const struct lock_owner *a, const struct lock_owner *b);

/* ---- resources (lock_resource.c) ---- */

static inline enum lock_level lock_name_level(struct lock_name name)
{
    TX_ASSERT(name.space.len <= TX_SPACE_MAX);
    TX_ASSERT(name.key.len <= TX_KEY_MAX + (name.range ? 1 : 0) && name.to.len <= TX_KEY_MAX + 1);
    TX_ASSERT(name.space.len > 0 || (name.key.len == 0 && !name.range));
    if (name.key.len > 0 || name.range) {
        return LOCK_LEVEL_KEY;
    }
    return name.space.len > 0 ? LOCK_LEVEL_SPACE : LOCK_LEVEL_STORE;
}

/* The part of the name that belongs to the level. */
static inline struct tx_bytes lock_name_part(struct lock_name name, enum lock_level level)
{
    switch (level) {
    case LOCK_LEVEL_SPACE:
        return name.space;
    case LOCK_LEVEL_KEY:
        return name.key;
    case LOCK_LEVEL_STORE:
    case LOCK_LEVELS_N:
        break;
    }
    return tx_bytes(NULL, 0);
}

struct lock_resource *lock_store_new(void);
void lock_store_destroy(struct lock_resource **store);
struct lock_resource *lock_resource_find(const struct lockmgr *mgr,
                                         const struct lock_resource *parent, struct tx_bytes name);
/* Finds or makes it. A new one must get a hold or a waiter at once. */
struct lock_resource *lock_resource_get(struct lockmgr *mgr, struct lock_resource *parent,
                                        struct tx_bytes name);
/* After something has left: frees the resource when nothing is left, or notes that waiters may go
 * on. */
void lock_resource_touch(struct lockmgr *mgr, struct lock_resource *resource);
/* The keyspace that the owner used last, where it has this name; NULL otherwise. */
static inline struct lock_resource *lock_resource_hinted(const struct lock_owner *owner,
                                                         struct tx_bytes space)
{
    if (owner->space_hint == NULL) {
        return NULL;
    }
    struct lock_resource *hinted = owner->space_hint->resource;
    return tx_bytes_equal(tx_bytes(hinted->name, hinted->name_len), space) ? hinted : NULL;
}
/* The oldest noted resource, no longer noted; NULL when there is none. */
struct lock_resource *lock_resource_next_touched(struct lockmgr *mgr, size_t *at);
/* The whole name; borrowed from the resource. */
struct lock_name lock_resource_name(const struct lock_resource *resource);
uint32_t lock_resource_hash(const struct lock_link *entry);

/* ---- holds (lock_hold.c) ---- */

uint32_t lock_hold_hash(const struct lock_link *entry);
/* NULL when the owner holds nothing there. */
struct lock_hold *lock_hold_find(const struct lockmgr *mgr, const struct lock_resource *resource,
                                 const struct lock_owner *owner);
enum tx_lock_mode lock_hold_mode(const struct lock_hold *hold);
/* The modes that others hold there, as a set, for an owner that holds `own`. */
unsigned lock_hold_modes(const struct lock_resource *resource, enum tx_lock_mode own);
/* Would `target` conflict with them? */
bool lock_hold_conflicts(const struct lock_resource *resource, enum tx_lock_mode own,
                         enum tx_lock_mode target);
/* `hold` is the owner's hold there, which is converted, or NULL for a new one. */
struct lock_hold *lock_hold_grant(struct lockmgr *mgr, struct lock_owner *owner,
                                  struct lock_resource *resource, struct lock_hold *hold,
                                  enum tx_lock_mode target);
void lock_hold_release(struct lockmgr *mgr, struct lock_hold *hold);

/* ---- requests (lock_request.c) ---- */

/* Goes down the path until the end of it or a wait. */
void lock_request_advance(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out);
/* Ends a waiting request ungranted. */
void lock_request_withdraw(struct lockmgr *mgr, struct lock_owner *owner);
/* Grants whatever has become possible; every call that changes something ends with it. */
void lock_request_settle(struct lockmgr *mgr, struct lock_events *out);
/* Do others stand against the owner's having `target` there, where it holds `held`? */
bool lock_request_must_wait(const struct lock_resource *resource, const struct lock_owner *owner,
                            enum tx_lock_mode held, enum tx_lock_mode target);
/* The number of locks on the path from `step` on that the owner does not hold, and that nothing it
 * holds makes needless. */
size_t lock_request_missing(const struct lockmgr *mgr, const struct lock_owner *owner,
                            struct lock_name name, enum tx_lock_mode mode, enum lock_level step);
void lock_events_push(struct lock_events *out, enum lock_event_type type, struct lock_owner *owner);

#endif
