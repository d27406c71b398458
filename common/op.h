/* Operations on a participant's keyspaces, and their results. */
#ifndef ASSENT_COMMON_OP_H
#define ASSENT_COMMON_OP_H

#include "common/ids.h"

/* name, text form, does it write? */
#define TX_OPS(X)                                                                                  \
    X(TX_OP_GET, "get", false)                       /* the value under a shared lock */           \
    X(TX_OP_GET_FOR_UPDATE, "get-for-update", false) /* the value under an update lock */          \
    X(TX_OP_PUT, "put", true)                        /* sets the value */                          \
    X(TX_OP_INSERT, "insert", true)                  /* sets the value; the key must be absent */  \
    X(TX_OP_DELETE, "delete", true)                  /* removes the key; absent is no error */     \
    X(TX_OP_ADD, "add", true)      /* adds to a counter (see docs/concepts.md) */                  \
    X(TX_OP_CHECK, "check", false) /* the transaction aborts unless the value is so */             \
    X(TX_OP_LOCK, "lock", false)   /* takes a lock and reads nothing */                            \
    X(TX_OP_SCAN, "scan", false)   /* the keys of a range and their values, in order */

enum tx_op_type {
#define X(name, text, writes) name,
    TX_OPS(X)
#undef X
        TX_OP_TYPES_N
};

const char *tx_op_name(enum tx_op_type type);
bool tx_op_writes(enum tx_op_type type);
/* TX_EFORMAT when there is no such operation. */
enum tx_error tx_op_type_parse(struct tx_bytes text, enum tx_op_type *type) TX_MUST_CHECK;

/* Lock modes as they travel in a TX_OP_LOCK and in a PREPARED record; weakest first by number, but
 * the order is partial: see lockmgr/lock_mode.h. */
enum tx_lock_mode {
    TX_LOCK_NONE,
    TX_LOCK_IS,
    TX_LOCK_IX,
    TX_LOCK_S,
    TX_LOCK_U,
    TX_LOCK_SIX,
    TX_LOCK_X,
    TX_LOCK_MODES_N
};
const char *tx_lock_mode_name(enum tx_lock_mode mode);
enum tx_error tx_lock_mode_parse(struct tx_bytes text, enum tx_lock_mode *mode) TX_MUST_CHECK;

/* What happens when a lock is not free. None lets a circle of waits form, on one node or over many.
 * The text is the word in configuration files. */
#define TX_LOCK_POLICIES(X)                                                                        \
    X(TX_POLICY_WOUND_WAIT,                                                                        \
      "wound-wait")                   /* the older one wounds the younger, the younger waits */    \
    X(TX_POLICY_WAIT_DIE, "wait-die") /* the older one waits, the younger aborts */                \
    X(TX_POLICY_NO_WAIT, "no-wait")   /* whoever comes second aborts */
enum tx_lock_policy {
#define X(name, text) name,
    TX_LOCK_POLICIES(X)
#undef X
        TX_LOCK_POLICIES_N
};
const char *tx_lock_policy_name(enum tx_lock_policy policy);
/* TX_EFORMAT when there is no such policy. */
enum tx_error tx_lock_policy_parse(struct tx_bytes text, enum tx_lock_policy *policy) TX_MUST_CHECK;

/* How far a transaction is kept apart from the others; docs/isolation.md has what each level lets
 * happen. Writes are locked to the end at every level. The text is the word in commands. */
#define TX_ISOLATIONS(X)                                                                           \
    X(TX_SERIALIZABLE, "serializable")       /* reads and scanned ranges are locked to the end */  \
    X(TX_REPEATABLE_READ, "repeatable-read") /* reads are; ranges while they are scanned */        \
    X(TX_READ_COMMITTED, "read-committed")   /* both are locked while they are read */             \
    X(TX_READ_UNCOMMITTED, "read-uncommitted") /* neither is locked */
enum tx_isolation {
#define X(name, text) name,
    TX_ISOLATIONS(X)
#undef X
        TX_ISOLATIONS_N
};
const char *tx_isolation_name(enum tx_isolation isolation);
/* TX_EFORMAT when there is no such level. */
enum tx_error tx_isolation_parse(struct tx_bytes text, enum tx_isolation *isolation) TX_MUST_CHECK;

struct tx_op {
    enum tx_op_type type;
    struct tx_name participant; /* used in SUBMIT only; elsewhere the receiver */
    struct tx_bytes space;      /* 1..TX_SPACE_MAX bytes; empty for a LOCK of the whole store */
    struct tx_bytes key;        /* 1..TX_KEY_MAX bytes; empty for a LOCK of a whole space. SCAN:
                                 * the first one of the range, or empty: from the beginning */
    struct tx_bytes value;      /* PUT, INSERT: the value. CHECK: the expected value */
    bool absent;                /* CHECK: expects the key to be absent; `value` is unused */
    int64_t delta;              /* ADD */
    bool has_min, has_max;      /* ADD: are there a floor and a ceiling? */
    int64_t min, max;           /* ADD: inclusive */
    enum tx_lock_mode mode;     /* LOCK */
    struct tx_bytes to;         /* SCAN: the end of the range, exclusive; empty: of the keyspace */
    uint32_t limit;             /* SCAN: 1..TX_SCAN_ROWS_MAX rows */
    bool reverse;               /* SCAN: from the end of the range backwards */
};
/* Both ends of a SCAN may be a byte longer than a key: the place right behind the longest one. */
#define TX_BOUND_MAX (TX_KEY_MAX + 1u)

/* TX_OK, or why the operation can never run (TX_EINVAL, TX_ELIMIT), with a text. */
enum tx_error tx_op_validate(const struct tx_op *op, struct tx_why *why) TX_MUST_CHECK;

/* What one operation gave. GET and GET_FOR_UPDATE: `found` and `value`. DELETE: whether the key was
 * there. ADD: the new value of the counter, as text. SCAN: the rows as common/rows.h packs them;
 * `found`: it stopped at its limit or its size, so there may be more behind the last row.
 * Everything else: found is false and value empty. */
struct tx_result {
    bool found;
    struct tx_bytes value;
};

#endif
