/* The resource-manager interface: what a store must be able to do to take part in a transaction.
 *
 * The participant's shell calls it for the actions of the core; the core itself never sees it. The
 * built-in key-value store (participant/kv.h) is the first; SQL databases and stores of users fit
 * the same seam. It differs from X/Open's xa_switch_t in what that lacks: results that keep apart
 * what must be kept apart, error texts, a descriptor to wait on, a version.
 *
 * A call either answers at once, or returns RM_PENDING and answers later: when `fd` is readable the
 * shell calls `process`, which hands out the finished calls. At most one call per transaction is
 * under way. */
#ifndef ASSENT_PARTICIPANT_RM_H
#define ASSENT_PARTICIPANT_RM_H

#include "common/ids.h"
#include "common/op.h"
#include "common/reason.h"
#include "txlog/txlog.h"

#define RM_VERSION 1u

enum rm_status {
    RM_OK,          /* executed; or prepared; or committed; or rolled back */
    RM_READ_ONLY,   /* prepare only: there is nothing to commit; the transaction has ended in the
                       store */
    RM_ROLLED_BACK, /* the store has undone the transaction; `reason` and `text` say why */
    RM_PENDING,     /* the answer comes through process() */
    RM_RETRY,       /* not now: nothing changed, ask again later (commit and rollback of a prepared
                       transaction) */
    RM_NOT_FOUND,   /* NOTA: the store does not know this transaction */
    RM_HEURISTIC,   /* somebody decided it in the store itself */
    RM_FAILED,      /* the store cannot go on; the daemon must stop. `text` says why */
};

/* What a call gave. The views are borrowed until the next call on the same transaction. */
struct rm_answer {
    enum rm_status status;
    enum tx_reason reason;   /* RM_ROLLED_BACK */
    struct tx_bytes text;    /* for people */
    struct tx_result result; /* execute */
    struct tx_bytes redo;    /* prepare: what recover() needs; opaque to everyone else */
    bool wrote;              /* execute: the transaction holds writes by now */
};

/* The changes that a commit adds to the batch of its COMMITTED record, for a store that shares the
 * participant's RocksDB; a store of its own leaves it empty. Borrowed until rm->committed() of that
 * transaction. */
struct rm_batch {
    const struct txlog_put *puts;
    size_t puts_n;
};

struct rm;

struct rm_vtable {
    uint32_t version; /* RM_VERSION */
    const char *kind; /* "kv" */

    /* Executes one operation of a transaction; its first one begins it. The locks are held by the
     * caller, but for a read whose caller looks later whether anybody has committed meanwhile. What
     * it reads is of one moment between the call and its answer. */
    void (*execute)(struct rm *, struct tx_id, const struct tx_op *, struct rm_answer *);
    /* Makes ready: from RM_OK on, commit and rollback must both be possible, also after a restart
     * through recover(). */
    void (*prepare)(struct rm *, struct tx_id, struct rm_answer *);
    /* Commits a prepared transaction, or a working one in one phase. The changes become visible to
     * others at once; they become durable with the record at `lsn`, of which `durable` tells. */
    void (*commit)(struct rm *, struct tx_id, struct tx_lsn lsn, struct rm_batch *,
                   struct rm_answer *);
    /* The batch that commit() filled has been handed to the log: its views are no longer needed. */
    void (*committed)(struct rm *, struct tx_id);
    void (*rollback)(struct rm *, struct tx_id, struct rm_answer *);
    /* Brings back a transaction that was prepared before a restart. */
    void (*recover)(struct rm *, struct tx_id, struct tx_bytes redo, struct rm_answer *);
    /* The redo of a prepared transaction once more, for a record that restates it. Empty when there
     * is none. */
    struct tx_bytes (*redo)(struct rm *, struct tx_id);
    /* Every record up to `lsn` is on disk, and so are the changes that went with it. */
    void (*durable)(struct rm *, struct tx_lsn lsn);
    /* -1 when the store always answers at once. */
    int (*fd)(const struct rm *);
    /* Hands out one finished call; false when there is none. */
    bool (*process)(struct rm *, struct tx_id *, struct rm_answer *);
    void (*close)(struct rm **);
};

struct rm {
    const struct rm_vtable *vtable;
};

#endif
