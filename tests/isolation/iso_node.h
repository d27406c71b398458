/* One participant for the isolation tests: the real core and the real store over a log in memory,
 * with a few sessions at it. Whatever is appended is durable at once; no time passes. */
#ifndef ASSENT_TESTS_ISOLATION_ISO_NODE_H
#define ASSENT_TESTS_ISOLATION_ISO_NODE_H

#include "participant/part_core.h"

#define ISO_SESSIONS 3
#define ISO_TEXT     96

enum iso_state { ISO_OPEN, ISO_WAITING, ISO_PREPARED, ISO_COMMITTED, ISO_ABORTED };

struct iso_session {
    enum iso_state state;
    enum tx_isolation isolation;
    uint64_t age;
    uint32_t step;
    char value[ISO_TEXT]; /* what the last operation gave: a value, "-" for none, or rows "k=v " */
};

struct iso_node;

/* With the keys x and y, both 10, in keyspace s. With `slow_scans` the store reads at once, but its
 * answer to a scan waits for iso_answer(). */
struct iso_node *iso_node_new(enum tx_lock_policy policy, bool slow_scans);
void iso_node_free(struct iso_node **node);

/* A smaller age is older. */
void iso_begin(struct iso_node *node, size_t session, uint64_t age, enum tx_isolation isolation);
const struct iso_session *iso_session(const struct iso_node *node, size_t session);
/* The session waits until its answer comes; it may come within the call, or with any later one. */
void iso_operate(struct iso_node *node, size_t session, const struct tx_op *op);
/* Is there an answer of the store for the session, and what it gives to the core. */
bool iso_has_answer(const struct iso_node *node, size_t session);
void iso_answer(struct iso_node *node, size_t session);
/* In two phases, with another member that is elsewhere; and what the coordinator says then. */
void iso_prepare(struct iso_node *node, size_t session);
void iso_commit(struct iso_node *node, size_t session);
void iso_abort(struct iso_node *node, size_t session);
/* In one phase. */
void iso_finish(struct iso_node *node, size_t session);

/* The committed value of a key, "-" for none. No session may be open. */
void iso_value(struct iso_node *node, const char *key, char out[ISO_TEXT]);
/* Every row, as a scan gives them. */
void iso_rows(struct iso_node *node, char out[ISO_TEXT]);

#endif
