/* The two trees of a keyspace with ranges: of its ranges, by their beginnings, in which every node
 * knows how far its subtree reaches, and of its locked keys, in which every node knows whether
 * there are writers below it.
 *
 * The nodes have ranks next to their branches (see lock_stem.h), so that a way down seldom looks at
 * a name. The stem of the ranks is looked for again, in a sample of what is there, when there are
 * eight times as many nodes as the last time; the last look is at 4,096 of them. */
#ifndef ASSENT_LOCKMGR_LOCK_SPAN_TREE_H
#define ASSENT_LOCKMGR_LOCK_SPAN_TREE_H

#include "lockmgr/lock_span.h"

static inline struct tx_bytes lock_range_from(const struct lock_range *range)
{
    return tx_bytes(range->bytes, range->from_len);
}

static inline struct tx_bytes lock_range_to(const struct lock_range *range)
{
    return tx_bytes(range->bytes + range->from_len, range->to_len);
}

/* What a node is, but for its place in the tree, is set before it goes in. */
void lock_tree_add_key(struct lock_spans *spans, struct lock_key_node *node);
void lock_tree_remove_key(struct lock_spans *spans, struct lock_key_node *node);
/* After its writers have changed. */
void lock_tree_refresh_key(struct lock_spans *spans, struct lock_key_node *node);
void lock_tree_add_range(struct lock_spans *spans, struct lock_range *range);
void lock_tree_remove_range(struct lock_spans *spans, struct lock_range *range);

/* The owner's range of just these ends; NULL when there is none. */
struct lock_range *lock_tree_find_range(const struct lock_spans *spans,
                                        const struct lock_owner *owner, struct lock_name name);
/* Calls `visit` for the ranges over the key, in order, until it returns true; returns that. */
bool lock_tree_each_over(const struct lock_spans *spans, const struct lock_key_node *key,
                         bool (*visit)(void *arg, const struct lock_range *range), void *arg);
/* Calls `visit` for the keys in the range that have writers, in order, until it returns true. */
bool lock_tree_each_inside(const struct lock_spans *spans, struct lock_name name,
                           bool (*visit)(void *arg, struct lock_key_node *node), void *arg);

#endif
