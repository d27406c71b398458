/* A history in memory: what a run left behind, in the form that the checkers read. README.md says
 * what each part means; the members here are those of the lines there.
 *
 * Names of nodes and keys are interned: equal texts have equal numbers. Everything belongs to the
 * history and lives until history_clear() or history_deinit(). Memory that runs out ends the
 * program: these are tests. */
#ifndef ASSENT_TESTS_CHECK_HISTORY_H
#define ASSENT_TESTS_CHECK_HISTORY_H

#include "common/ids.h"
#include "common/msg.h"
#include "common/op.h"

#define HISTORY_NEVER UINT64_MAX /* a transaction that nobody heard the end of */

enum history_op_type { HISTORY_APPEND, HISTORY_READ, HISTORY_ADD, HISTORY_GET };

struct history_op {
    enum history_op_type type;
    uint32_t key;        /* interned */
    int64_t number;      /* APPEND: the element; ADD: the delta; GET: what was read */
    bool known;          /* READ, GET: something came back */
    const int64_t *list; /* READ: what was read, oldest first */
    uint32_t list_n;
};

struct history_tx {
    uint64_t process;
    uint64_t invoked_ns;
    uint64_t completed_ns; /* HISTORY_NEVER: the outcome is unknown */
    enum tx_outcome outcome;
    struct tx_id id; /* all zero when it was never learned */
    const struct history_op *ops;
    uint32_t ops_n;
    const uint32_t *wrote; /* interned names of participants, besides those of the operations */
    uint32_t wrote_n;
    bool reads_all;
    bool may_stay_unknown; /* nobody owes an answer any more */
};

struct history_told {
    struct tx_id id;
    enum tx_outcome outcome;
};

enum history_record_type {
    HISTORY_PREPARED,
    HISTORY_COMMITTED,
    HISTORY_ABORTED,
    HISTORY_COMMIT /* the decision, at a coordinator */
};

struct history_record {
    uint32_t node; /* interned */
    uint64_t lsn;
    enum history_record_type type;
    struct tx_id id;
    bool one_phase;          /* COMMITTED: decided there, no COMMIT record exists */
    bool members_decide;     /* PREPARED: committed when that of every member is durable */
    const uint32_t *members; /* COMMIT, and PREPARED where the members decide: interned names */
    uint32_t members_n;
};

struct history_log {
    uint32_t node;
    enum tx_role role;
};

struct history_balance {
    uint32_t key;
    int64_t number;
};

struct history_lock {
    uint32_t resource; /* interned */
    struct tx_id id;
    enum tx_lock_mode mode;
};

struct history_locks {
    uint32_t node;
    uint64_t time_ns;
    const struct history_lock *held;
    uint32_t held_n;
    bool every; /* each moment at which this node's locks have changed has its line */
};

struct history_end {
    uint32_t node;
    uint64_t working, preparing, prepared, open, locks, waiting, alarms;
};

struct history_bound {
    uint32_t node;
    uint64_t time_ns;
    uint32_t what; /* interned */
    uint64_t value, limit;
};

/* One growing array. */
#define HISTORY_ARRAY(type, name)                                                                  \
    struct type *name;                                                                             \
    size_t name##_n, name##_capacity

struct history_strings;

/* All zero is a valid empty history. */
struct history {
    char source[128];
    bool bank_checked, final;
    int64_t bank_total;
    HISTORY_ARRAY(history_tx, txs);
    HISTORY_ARRAY(history_told, told);
    HISTORY_ARRAY(history_record, records);
    HISTORY_ARRAY(history_log, logs);
    HISTORY_ARRAY(history_balance, balances);
    HISTORY_ARRAY(history_locks, locks);
    HISTORY_ARRAY(history_end, ends);
    HISTORY_ARRAY(history_bound, bounds);
    struct history_strings *strings;
    struct tx_arena arena; /* what the const pointers above point into */
};

void history_deinit(struct history *history);
/* Empties it and keeps some of the memory, for the next run. */
void history_clear(struct history *history);

/* The number of a text, which stays the same until history_clear(). */
uint32_t history_intern(struct history *history, const char *text);
const char *history_text(const struct history *history, uint32_t number);
/* How many texts there are: their numbers are 0 and up. */
uint32_t history_texts(const struct history *history);
/* The number of the participant's name in front of a key's slash; that of the whole text when it
 * has none. */
uint32_t history_participant(const struct history *history, uint32_t key);

/* Each adds one item; the lists that it points to are copied. A transaction may not complete before
 * it was invoked, and an unknown outcome never completes: HISTORY_NEVER. */
void history_add_tx(struct history *history, const struct history_tx *tx);
void history_add_told(struct history *history, struct tx_id id, enum tx_outcome outcome);
void history_add_record(struct history *history, const struct history_record *record);
void history_add_log(struct history *history, uint32_t node, enum tx_role role);
void history_add_balance(struct history *history, uint32_t key, int64_t number);
void history_add_locks(struct history *history, const struct history_locks *locks);
void history_add_end(struct history *history, const struct history_end *end);
void history_add_bound(struct history *history, const struct history_bound *bound);

#endif
