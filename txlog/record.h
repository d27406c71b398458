/* Log records: what the daemons keep, as structs, and their binary form.
 *
 * A stored record, little-endian:
 *
 *   u32 crc32c   of everything that follows
 *   u8  version  1
 *   u8  type     enum txlog_type
 *   u16 zero
 *   u64 lsn      must equal the key under which it is stored
 *   u64 start    the epoch (coordinator) or incarnation (participant) that wrote it
 *   u64 time_ms  wall clock of the writer, Unix milliseconds; for people, nothing decides by it. Of
 *                an ALARM that a snapshot restates: when it was raised
 *   ...          the payload: the fields of its struct below, in order (integers at their size,
 *                bool and enums as u8, bytes and text as u32 length + bytes, arrays as u32 count +
 *                elements)
 *
 * An unknown version or type is an error, never skipped: it may hold a decision. */
#ifndef ASSENT_TXLOG_RECORD_H
#define ASSENT_TXLOG_RECORD_H

#include "common/cut.h"
#include "common/ids.h"
#include "common/lineage.h"
#include "common/op.h"
#include "common/reason.h"

#define TXLOG_RECORD_VERSION 1u

/* The numbers are part of the format: append only. P: participant, C: coordinator, B: both. */
#define TXLOG_TYPES(X)                                                                             \
    X(TXLOG_START, "START")                   /* B: a start; `start` is durable from here on */    \
    X(TXLOG_EPOCH, "EPOCH")                   /* P: highest epoch seen of a coordinator. C: of     \
                                                 itself, elsewhere: fenced for good */             \
    X(TXLOG_PREPARED, "PREPARED")             /* P: a YES vote rests on this */                    \
    X(TXLOG_COMMITTED, "COMMITTED")           /* P: in one batch with its writes to the data */    \
    X(TXLOG_ABORTED, "ABORTED")               /* P: a prepared transaction was aborted */          \
    X(TXLOG_FORGET, "FORGET")                 /* P: the forgotten mark of a coordinator's epoch.   \
                                                 C: its older epochs are called finished */        \
    X(TXLOG_HEURISTIC, "HEURISTIC")           /* P: an operator decided */                         \
    X(TXLOG_HEURISTIC_END, "HEURISTIC_END")   /* P: the real decision came */                      \
    X(TXLOG_ALARM, "ALARM")                   /* B: something that must never happen */            \
    X(TXLOG_COMMIT, "COMMIT")                 /* C: the commit decision */                         \
    X(TXLOG_END, "END")                       /* C: every acknowledgement is durable */            \
    X(TXLOG_OUTCOME, "OUTCOME")               /* C: a one-phase outcome, learned */                \
    X(TXLOG_PEER, "PEER")                     /* C: how far a participant's log is known to be */  \
    X(TXLOG_SNAPSHOT_BEGIN, "SNAPSHOT_BEGIN") /* B: what follows restates all live state */        \
    X(TXLOG_SNAPSHOT_END, "SNAPSHOT_END") /* B: records before the matching BEGIN are history */   \
    X(TXLOG_CUT, "CUT")                   /* B: what lies before is within this cut */             \
    X(TXLOG_PUT_ASIDE, "PUT_ASIDE")       /* P: an operator has seen to a HEURISTIC */             \
    X(TXLOG_LOSS, "LOSS")                 /* P: what came behind a position is lost */             \
    X(TXLOG_READMIT, "READMIT")           /* C: an operator has let such a participant in again */

enum txlog_type {
    TXLOG_NONE,
#define X(name, text) name,
    TXLOG_TYPES(X)
#undef X
        TXLOG_TYPES_N
};
const char *txlog_type_name(enum txlog_type type);

/* As struct lock_name: with `range`, the keys from `key` up to `to`. */
struct txlog_lock {
    enum tx_lock_mode mode;
    bool range;
    struct tx_bytes space;
    struct tx_bytes key;
    struct tx_bytes to; /* empty unless it is a range */
};

/* The life of this start (common/lineage.h). */
struct txlog_start {
    uint64_t life;
};
struct txlog_epoch {
    uint32_t coordinator;
    struct tx_position known;  /* its epoch, and how far its log is known to be durable */
    struct tx_address address; /* where that coordinator listens */
};
struct txlog_prepared {
    struct tx_id id;
    struct tx_age age;
    struct tx_address coordinator;
    const struct tx_member *members;
    size_t members_n;
    /* of each member: how far the coordinator knew its log with PREPARE; all zero: nothing */
    const struct tx_position *known;
    struct tx_bytes redo; /* as the resource manager gave it; of the built-in store: txlog/redo.h */
    const struct txlog_lock *locks;
    size_t locks_n;
    bool members_decide; /* mode D: committed when that of every member is durable */
};
struct txlog_committed {
    struct tx_id id;
    bool one_phase;       /* no PREPARED went before: the redo is here */
    struct tx_lsn known;  /* how far the log of its coordinator is known to be durable */
    struct tx_bytes redo; /* one-phase only */
    bool members_decide;  /* as in its PREPARED */
};
struct txlog_id {
    struct tx_id id;
};
struct txlog_forget {
    uint32_t coordinator;
    uint64_t epoch;
    uint64_t below;
    const uint64_t *open;
    size_t open_n;
};
struct txlog_heuristic {
    struct tx_id id;
    bool commit;
    struct tx_name operator_name;
    uint64_t time_ms;
};
struct txlog_heuristic_end {
    struct tx_id id;
    bool damage;
};
/* The entry of a HEURISTIC need not be kept any longer than the protocol needs it. */
struct txlog_put_aside {
    struct tx_id id;
    struct tx_name operator_name;
    uint64_t time_ms;
};
struct txlog_alarm {
    struct tx_id id; /* all zero when it concerns no transaction */
    struct tx_bytes text;
};
struct txlog_commit {
    struct tx_id id;
    struct tx_age age;
    struct tx_bytes key;             /* idempotency key */
    const struct tx_member *members; /* those that must commit */
    size_t members_n;
};
/* How far a participant's log is known to be durable. */
struct txlog_peer {
    struct tx_name name;
    struct tx_position known;
};
struct txlog_end {
    struct tx_id id;
    const struct txlog_peer *peers;
    size_t peers_n;
};
struct txlog_outcome {
    struct tx_id id;
    enum tx_outcome outcome;
    enum tx_reason reason;
    struct txlog_peer peer; /* who committed it */
};
struct txlog_snapshot_begin {
    uint64_t age_counter;             /* coordinator: highest age counter known */
    uint64_t presume_from;            /* coordinator: of its epochs from this one on all commits
                                         follow */
    const struct tx_position *starts; /* lineage of the writer, ascending */
    size_t starts_n;
};
struct txlog_snapshot_end {
    struct tx_lsn begin;
};

/* A LOSS holds a struct tx_loss; its own `start`, but where a snapshot restates it, is that of the
 * loss, so that every later start has a higher number. */
struct txlog_readmit {
    struct txlog_peer peer;   /* known from now on, whatever was known before */
    struct tx_position known; /* what was known before */
    struct tx_loss loss;      /* that explains it */
};

/* A CUT holds a struct tx_cut. Its `lsn` is that of the record, or, where a snapshot restates it,
 * of the one that it restates. */

struct txlog_record {
    enum txlog_type type;
    struct tx_lsn lsn;
    uint64_t start;
    uint64_t time_ms;
    size_t stored_bytes; /* of its stored form; decoding fills it in */
    union {
        struct txlog_start started;
        struct txlog_epoch epoch;
        struct txlog_prepared prepared;
        struct txlog_committed committed;
        struct txlog_id id; /* ABORTED */
        struct txlog_forget forget;
        struct txlog_heuristic heuristic;
        struct txlog_heuristic_end heuristic_end;
        struct txlog_alarm alarm;
        struct txlog_put_aside put_aside;
        struct tx_loss loss;
        struct txlog_readmit readmit;
        struct txlog_commit commit;
        struct txlog_end end;
        struct txlog_outcome outcome;
        struct txlog_peer peer;
        struct txlog_snapshot_begin snapshot_begin;
        struct txlog_snapshot_end snapshot_end;
        struct tx_cut cut;
    };
};

/* The fixed front of a stored record, without its payload. */
struct txlog_front {
    enum txlog_type type;
    struct tx_lsn lsn;
    uint64_t start;
    uint64_t time_ms;
};
#define TXLOG_FRONT_BYTES 32u

/* Checks the checksum and reads the front: what a whole log can afford for every record. The
 * payload is left to txlog_record_decode(). TX_ECORRUPT or TX_EVERSION, with a text. */
enum tx_error txlog_record_front(struct tx_bytes in, struct txlog_front *front,
                                 struct tx_why *why) TX_MUST_CHECK;

/* Appends the stored form to `out`. TX_ENOMEM only. */
enum tx_error txlog_record_encode(const struct txlog_record *record,
                                  struct tx_buf *out) TX_MUST_CHECK;

/* Decodes a stored record. Views borrow from `in`, arrays live in `arena`. TX_ECORRUPT (checksum,
 * lengths, enums, impossible ids), TX_EVERSION (a version or type this program does not know),
 * TX_ENOMEM; with a text. */
enum tx_error txlog_record_decode(struct tx_bytes in, struct tx_arena *arena,
                                  struct txlog_record *record, struct tx_why *why) TX_MUST_CHECK;

/* The same for a record that has passed txlog_record_front(), which gave `front`: the checksum is
 * not computed again. */
enum tx_error txlog_record_decode_rest(const struct txlog_front *front, struct tx_bytes in,
                                       struct tx_arena *arena, struct txlog_record *record,
                                       struct tx_why *why) TX_MUST_CHECK;

/* The transaction that a record speaks of; all zero when it speaks of none. */
struct tx_id txlog_record_tx(const struct txlog_record *record);

#endif
