/* Ranges of keys, and how they meet the keys inside them.
 *
 * A keyspace gets its spans with the first range that somebody asks for: a tree of ranges by their
 * beginnings, in which every node knows how far its subtree reaches, and a tree of all its keys
 * that are locked or waited for, in which every node knows whether there are writers in its
 * subtree. So "which ranges lie over this key" and "which writers are inside this range" cost a
 * logarithm, plus what is found. The nodes carry ranks (see lock_stem.h) next to their branches, so
 * that a way down seldom looks at a name. Ranges are held in S: they meet X on keys, and nothing
 * else. A keyspace without spans pays nothing for them; one that has them keeps them as long as
 * something is locked in it.
 *
 * A range that must wait watches one key that stands against it, and is looked at again when
 * something leaves that key. */
#ifndef ASSENT_LOCKMGR_LOCK_SPAN_H
#define ASSENT_LOCKMGR_LOCK_SPAN_H

#include "lockmgr/lock_internal.h"
#include "lockmgr/lock_stem.h"

/* What there is on a key that conflicts with a range over it. */
#define LOCK_WRITER_HOLDS 1u /* X is held */
#define LOCK_WRITER_WAITS 2u /* X is waited for */

struct lock_key_node {
    struct tx_tree_node tree; /* the first member */
    uint64_t rank;
    uint32_t hash;                  /* the resource's */
    uint8_t writers;                /* LOCK_WRITER_... */
    uint8_t writers_all;            /* of the subtree */
    struct lock_resource *resource; /* a way down needs nothing from here on */
    struct lock_range *watchers, *watchers_end;
};

/* The keys from `from` up to `to` (exclusive; empty: the end). */
struct lock_range {
    struct tx_tree_node tree; /* the first member */
    uint64_t from_rank;
    uint64_t hash;
    uint64_t reach; /* the rank of the subtree's last end */
    uint64_t to_rank;
    const struct lock_range *farthest; /* the one of the subtree that ends last */
    uint16_t from_len, to_len;
    bool waiting;
    struct lock_owner *owner; /* a way down needs nothing from here on */
    struct lock_resource *space;
    struct lock_range *prev, *next; /* held ranges of the owner, in order of acquisition */
    struct lock_key_node *watched;  /* while waiting */
    struct lock_range *watch_prev, *watch_next;
    uint8_t bytes[]; /* from, then to */
};

struct lock_spans {
    struct tx_tree_node *keys;
    struct tx_tree_node *ranges;
    struct lock_stem stem; /* of the ranks in both trees */
    size_t nodes_n;        /* of both trees */
    size_t stem_looks_n;   /* how often a stem has been looked for */
};

/* ---- keys; called wherever a key's resource, its holds or its queue change ---- */

void lock_span_key_made(struct lock_resource *key);
void lock_span_key_changed(struct lock_resource *key);
void lock_span_key_gone(struct lock_resource *key);
void lock_spans_free(struct lock_resource *space);

/* ---- a key against ranges ---- */

/* Does a range of another owner stand against `target` on the key: one that is held, or one that is
 * waited for by somebody before `owner`? */
bool lock_span_bars_key(const struct lock_resource *key, const struct lock_owner *owner,
                        enum tx_lock_mode target);
/* Does the owner hold a range over the key? */
bool lock_span_gives_key(const struct lock_resource *key, const struct lock_owner *owner);
/* Calls `visit` for the ranges over the key, in order, until it returns true; returns that. */
bool lock_span_each_range(const struct lock_resource *key,
                          bool (*visit)(void *arg, const struct lock_range *range), void *arg);

/* ---- ranges ---- */

/* The owner's range of just these ends, held or waited for; NULL when there is none. */
struct lock_range *lock_range_find(const struct lock_resource *space,
                                   const struct lock_owner *owner, struct lock_name name);
/* Puts a range into the keyspace, which need not have spans yet: held, or waiting. */
struct lock_range *lock_range_new(struct lockmgr *mgr, struct lock_owner *owner,
                                  struct lock_resource *space, struct lock_name name, bool waiting);
/* From waiting to held. */
void lock_range_grant(struct lockmgr *mgr, struct lock_range *range);
/* Takes it out; writers inside that may go on are noted. */
void lock_range_remove(struct lockmgr *mgr, struct lock_range *range);
/* Borrowed from the range. */
struct lock_name lock_range_name(const struct lock_range *range);

/* The first key whose writers stand against a range of `owner` in the keyspace; NULL when it is
 * free. The keyspace need not have spans. */
struct lock_key_node *lock_span_blocker(struct lockmgr *mgr, struct lock_resource *space,
                                        const struct lock_owner *owner, struct lock_name name);
/* Calls `visit` for the keys in the range that have writers, in order, until it returns true. */
bool lock_span_each_writer(const struct lock_resource *space, struct lock_name name,
                           bool (*visit)(void *arg, struct lock_key_node *node), void *arg);

/* Does a waiting range watch this resource? */
bool lock_span_watched(const struct lock_resource *resource);
void lock_span_watch(struct lock_range *range, struct lock_key_node *node);
void lock_span_unwatch(struct lock_range *range);

/* The writers of a key that stand against a range of `owner`: a holder, or a waiter before it. */
bool lock_span_writer_bars(const struct lockmgr *mgr, const struct lock_resource *key,
                           const struct lock_owner *owner);

#endif
