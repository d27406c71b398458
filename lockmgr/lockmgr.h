/* The lock manager: granular locks on a store, its keyspaces, keys and ranges of keys, as a pure
 * library.
 *
 * One thread owns a manager. Nothing here reads a clock, sends or sleeps: the caller passes the
 * time, and what follows from a call (grants, wounds, timeouts) comes back as a list of events in a
 * struct lock_events. Iteration never depends on addresses. See lockmgr/README.md for the
 * structures and the numbered invariants.
 *
 * Sources: J. Gray, R. Lorie, G. Putzolu, I. Traiger, "Granularity of Locks and Degrees of
 * Consistency in a Shared Data Base", 1976 (modes, hierarchy); D. Rosenkrantz, R. Stearns, P.
 * Lewis, "System Level Concurrency Control for Distributed Database Systems", 1978 (wound-wait,
 * wait-die); K. Eswaran, J. Gray, R. Lorie, I. Traiger, "The Notions of Consistency and Predicate
 * Locks in a Database System", 1976 (ranges are the simplest predicates). */
#ifndef ASSENT_LOCKMGR_LOCKMGR_H
#define ASSENT_LOCKMGR_LOCKMGR_H

#include "common/ids.h"
#include "common/op.h"
#include "common/times.h"

struct lockmgr;
struct lock_owner; /* a transaction in this lock table */

struct lockmgr_options {
    size_t locks_max;         /* held, and still to be taken by waiting requests; more is refused */
    uint64_t wait_timeout_us; /* backstop for a request that names no timeout of its own */
    enum tx_lock_policy policy;
    /* From so many keys and ranges of one owner in one keyspace on, a lock on the whole keyspace is
     * tried instead of one more; 0: never. */
    size_t escalate_at;
};

/* A place in the hierarchy: {"",""} the store, {space,""} a keyspace, {space,key} a key; with
 * `range`, the keys from `key` (empty: the first) up to `to` (exclusive; empty: the end) of a
 * keyspace, present or absent. Borrowed during the call; the manager keeps its own copy. A key is
 * locked in S, U or X, a range in S. */
struct lock_name {
    struct tx_bytes space;
    struct tx_bytes key;
    struct tx_bytes to;
    bool range;
};

enum lock_status {
    LOCK_GRANTED,  /* held now, with every intention above it */
    LOCK_WAITING,  /* a LOCK_EVENT_GRANTED (or _TIMED_OUT, _WOUNDED) will follow; for an owner that
                      is wounded already, the _WOUNDED told before is that event */
    LOCK_REFUSED,  /* locks_max is reached; nothing changed */
    LOCK_CONFLICT, /* not free, and the policy does not let this owner wait; it keeps what it holds,
                    * and its user must undo it, or else it may hold up others for ever */
};

enum lock_event_type {
    LOCK_EVENT_GRANTED, /* the owner's one waiting request is held now */
    LOCK_EVENT_WOUNDED, /* an older transaction needs what this owner holds: the caller must undo it
                           and call lockmgr_release_all(). Told once per owner. A request of this
                           owner that was waiting has been withdrawn */
    LOCK_EVENT_WANTED,  /* an older transaction has begun to wait for what this protected owner
                         * holds. Told once per owner; nothing has changed for it */
    LOCK_EVENT_TIMED_OUT, /* the owner's waiting request was withdrawn; what it held it
                           * still holds */
    LOCK_EVENT_CONFLICT,  /* LOCK_CONFLICT for a request that had waited before */
};

struct lock_event {
    enum lock_event_type type;
    struct lock_owner *owner;
    struct tx_id tx;
};

/* Appended to by the calls below; the caller empties it (events_n = 0) and frees it with
 * lock_events_deinit(). */
struct lock_events {
    struct lock_event *events;
    size_t events_n;
    size_t capacity;
};
void lock_events_deinit(struct lock_events *events);

struct lockmgr *lockmgr_new(const struct lockmgr_options *options);
/* Every owner must have ended before. */
void lockmgr_destroy(struct lockmgr **mgr);
/* Another wait_timeout_us, for the requests from now on. */
void lockmgr_set_wait_timeout(struct lockmgr *mgr, uint64_t wait_timeout_us);

/* Registers a transaction. Two owners may not share an id. */
struct lock_owner *lockmgr_begin(struct lockmgr *mgr, struct tx_id tx, struct tx_age age);

/* Asks for `mode` on `name` for `owner`, who must have no other request waiting and not be
 * protected. A stronger mode than the one held is a conversion; a weaker one is granted at once.
 * The intentions on the ancestors are taken along; those taken before a wait that fails stay until
 * the owner ends. What a lock on an ancestor gives already is granted without a lock of its own; S
 * on a key inside a range that the owner holds is granted at once, whoever waits there.
 * `timeout_us` bounds the wait in all (0: the manager's default). Younger conflicting owners that
 * are not protected appear as LOCK_EVENT_WOUNDED in `out`; the request waits until they have been
 * released, or (when they can be wounded no more, which LOCK_EVENT_WANTED tells of the younger
 * ones) until they end. When all of the path is held as the call returns, the return value says so
 * and no event does. */
enum lock_status lockmgr_acquire(struct lockmgr *mgr, struct lock_owner *owner,
                                 struct lock_name name, enum tx_lock_mode mode, uint64_t now_us,
                                 uint64_t timeout_us, struct lock_events *out) TX_MUST_CHECK;

/* What this owner acquires until it is protected it has held before a restart: the policy does not
 * refuse it, and it is not escalated. */
void lockmgr_restoring(struct lock_owner *owner);

/* From now on this owner is never wounded and waits for nothing (preparing, prepared). It may not
 * be waiting. A caller that has events in hand which it has not worked off yet asks
 * lockmgr_is_wounded() first: a wound told before is not taken back. */
void lockmgr_protect(struct lockmgr *mgr, struct lock_owner *owner);

/* Withdraws the owner's waiting request, if there is one; grants what that makes possible. */
void lockmgr_cancel(struct lockmgr *mgr, struct lock_owner *owner, struct lock_events *out);

/* Releases one lock of an owner that is not waiting (its intentions above stay); TX_ENOTFOUND when
 * it holds none there, TX_ESTATE when it still holds a lock below that needs this one. A range is
 * named as it was acquired. */
enum tx_error lockmgr_release(struct lockmgr *mgr, struct lock_owner *owner, struct lock_name name,
                              struct lock_events *out) TX_MUST_CHECK;

/* Gives up a part of a range that the owner holds: what is left of it is [part.key, part.to), which
 * must lie within. TX_ENOTFOUND when it does not hold `range`. */
enum tx_error lockmgr_trim(struct lockmgr *mgr, struct lock_owner *owner, struct lock_name range,
                           struct lock_name part, struct lock_events *out) TX_MUST_CHECK;

/* Withdraws and releases everything and ends the owner; nulls the pointer. The cost is proportional
 * to what it held. */
void lockmgr_release_all(struct lockmgr *mgr, struct lock_owner **owner, struct lock_events *out);

/* The time at which lockmgr_expire() has work; UINT64_MAX when no request waits. */
uint64_t lockmgr_next_deadline(const struct lockmgr *mgr);
void lockmgr_expire(struct lockmgr *mgr, uint64_t now_us, struct lock_events *out);

/* The mode that the owner holds there, TX_LOCK_NONE when none; what it holds above does not count.
 * A range is named as it was acquired. */
enum tx_lock_mode lockmgr_held(const struct lockmgr *mgr, const struct lock_owner *owner,
                               struct lock_name name);
bool lockmgr_is_waiting(const struct lock_owner *owner);
/* Has a LOCK_EVENT_WOUNDED been told for this owner? */
bool lockmgr_is_wounded(const struct lock_owner *owner);

/* Calls `visit` for every lock that the owner holds: ranges after all others, both in the order of
 * their first acquisition. The name is borrowed. */
void lockmgr_each_held(const struct lock_owner *owner,
                       void (*visit)(void *arg, struct lock_name name, enum tx_lock_mode mode),
                       void *arg);
/* How many times that calls `visit`. */
size_t lockmgr_held_n(const struct lock_owner *owner);

/* Calls `visit` for everybody that the owner waits for; somebody who is in its way by several locks
 * comes several times. Nobody when it waits for nothing. */
void lockmgr_each_blocker(const struct lock_owner *waiter,
                          void (*visit)(void *arg, const struct lock_owner *blocker), void *arg);
struct tx_id lock_owner_tx(const struct lock_owner *owner);

/* A waits-for view for people. `blockers_n` counts what lockmgr_each_blocker() visits; `blocker` is
 * the oldest of them. */
struct lock_wait_info {
    struct tx_id waiter;
    struct lock_name name;
    enum tx_lock_mode mode;
    uint64_t since_us;
    struct tx_id blocker;
    size_t blockers_n;
};
/* False when the owner waits for nothing. */
bool lockmgr_wait_info(const struct lockmgr *mgr, const struct lock_owner *owner,
                       struct lock_wait_info *info);

struct lockmgr_stats {
    size_t owners, held, waiting; /* held: ranges included */
    size_t ranges;                /* held */
    uint64_t grants, waits, wounds, timeouts, refusals, conflicts;
    uint64_t escalations, escalations_failed;
};
struct lockmgr_stats lockmgr_stats(const struct lockmgr *mgr);

/* How long the waits have lasted that have ended, granted or not; borrowed from the manager. A wait
 * ends at the time that was last told: by lockmgr_acquire(), lockmgr_expire() or lockmgr_clock().
 */
const struct tx_times *lockmgr_times(const struct lockmgr *mgr);
void lockmgr_clock(struct lockmgr *mgr, uint64_t now_us);

/* Checks every invariant of lockmgr/README.md; a broken one stops the process. Linear in the table
 * or worse: for tests. */
void lockmgr_check(const struct lockmgr *mgr);

#endif
