/* Drives a participant's core in tests: performs its actions on a log and a resource manager in
 * memory, so that a test reads as a scenario. What is appended is durable only after
 * driver_sync(). */
#ifndef ASSENT_TESTS_PARTICIPANT_PART_DRIVER_H
#define ASSENT_TESTS_PARTICIPANT_PART_DRIVER_H

#include "participant/part_core.h"

#define DRIVER_SELF        "a"
#define DRIVER_COORDINATOR 1u

struct driver_write {
    struct tx_buf key, value;
    bool deleted;
};
struct driver_rm_tx {
    struct tx_id id;
    struct driver_write *writes;
    size_t writes_n;
    struct driver_rm_tx *next;
};
struct driver_value {
    struct tx_buf key, value;
};
struct driver_call {
    struct tx_id tx;
    enum part_rm_call call;
    struct tx_op op; /* in the driver's arena */
    bool has_read;   /* a scan whose rows were read when it was asked for */
    struct tx_result rows;
};
struct driver_sent {
    struct part_peer to;
    struct tx_msg msg; /* in the driver's arena */
};
struct driver_note {
    enum part_action_type type; /* ALARM, NOTE */
    char text[TX_TEXT_MAX + 1];
};

struct driver {
    struct part_options options;
    struct part_core *core;
    struct part_actions actions;
    uint64_t now_us;
    uint64_t epoch, life;        /* of the coordinator that the short forms speak for */
    uint64_t hellos;             /* the number of the last HELLO */
    uint64_t age;                /* of the next transaction */
    enum tx_isolation isolation; /* that the short forms name */
    bool members_decide;         /* likewise: PREPARE, INQUIRE, STATE */
    uint64_t results_max;        /* likewise: PREPARE */
    uint64_t cut;                /* that every daemon's frame carries */
    uint64_t stamped;            /* that the core stamps, as it has said last */
    bool check;                  /* part_core_check() after every step */
    bool no_data;                /* a restart does not bring back the data: for very long logs */

    struct tx_buf *log; /* log[i] is record i + 1, as stored */
    size_t log_n, log_capacity;
    uint64_t durable;
    uint64_t compacted;

    bool rm_slow;        /* calls wait for driver_rm_answer() */
    bool rm_reads_early; /* a scan reads when it is asked for, and is answered late all the same */
    struct driver_call *calls;
    size_t calls_n;
    struct driver_rm_tx *rm_txs;
    struct driver_value *data;
    size_t data_n;
    uint64_t rollbacks;
    uint64_t scans; /* that the resource manager has carried out */

    struct driver_sent *sent;
    size_t sent_n, sent_capacity;
    struct driver_note *notes;
    size_t notes_n;
    struct tx_arena arena;
};

/* Incarnation 1, introduced to coordinator 1 with epoch 1 and life 7 (unless `bare`). */
struct driver *driver_new(const struct part_options *options);
struct driver *driver_new_bare(const struct part_options *options);
struct part_options driver_options(void);
void driver_free(struct driver *d);

/* A crash: only the records up to `upto` have survived; then a start with the next incarnation. */
void driver_restart(struct driver *d, uint64_t upto);
/* The same, and the loss of the others is declared: it ends so many starts above the last one. */
#define DRIVER_LOSS 10u
void driver_lose(struct driver *d, uint64_t upto);
enum tx_error driver_try_restart(struct driver *d, uint64_t upto, struct tx_why *why);

void driver_step(struct driver *d, const struct part_event *event);
/* Everything that is appended becomes durable, and so does what follows from that. */
void driver_sync(struct driver *d);
void driver_sync_to(struct driver *d, uint64_t lsn);
/* Time passes, with a tick at each deadline. */
void driver_advance(struct driver *d, uint64_t us);
/* part_driver_scan.c: the rows of a TX_OP_SCAN, as the resource manager that the driver plays sees
 * them; packed, in the driver's arena. */
struct tx_result driver_scan(struct driver *d, const struct driver_rm_tx *tx,
                             const struct tx_op *op);
/* The oldest waiting call of the resource manager is carried out. */
void driver_rm_answer(struct driver *d);
void driver_rm_answer_with(struct driver *d, enum part_rm_status status, enum tx_reason reason);

void driver_from(struct driver *d, const struct tx_envelope *envelope, const struct tx_msg *msg);
void driver_from_coordinator(struct driver *d, const struct tx_msg *msg);
void driver_from_peer(struct driver *d, const char *name, const struct tx_msg *msg);
void driver_from_client(struct driver *d, uint64_t client, const struct tx_msg *msg);
struct tx_envelope driver_envelope(const struct driver *d, uint32_t coordinator, uint64_t epoch);

/* ids of the present epoch */
struct tx_id driver_id(const struct driver *d, uint64_t seq);
struct tx_op driver_op(enum tx_op_type type, const char *key, const char *value);
struct tx_op driver_scan_op(const char *from, const char *to, uint32_t limit, bool reverse);
void driver_hello(struct driver *d, uint64_t epoch, uint64_t life);
/* With a lineage and a log position of its own. */
void driver_hello_from(struct driver *d, const struct tx_position *starts, size_t n, uint64_t lsn);
void driver_operate(struct driver *d, struct tx_id id, uint32_t step, const struct tx_op *ops,
                    size_t n);
/* One operation: step `step` of client 1. */
void driver_do(struct driver *d, uint64_t seq, uint32_t step, enum tx_op_type type, const char *key,
               const char *value);

enum {
    DRIVER_ONE_PHASE = 1, /* the only member */
    DRIVER_ONE_SHOT = 2,
    DRIVER_READ_ONLY = 4,    /* the list marks this participant read-only */
    DRIVER_ALONE = 8,        /* the only member, in two phases */
    DRIVER_B_READ_ONLY = 16, /* the list marks participant b read-only */
    DRIVER_OLD = 32,         /* names the incarnation before this one */
    DRIVER_BAD_TOKEN = 64,
};
/* Names b and c with incarnation 2, and how far they are known. */
#define DRIVER_PEERS_INCARNATION 2u
extern const struct tx_position driver_known_b, driver_known_c;
void driver_prepare(struct driver *d, struct tx_id id, unsigned flags, const struct tx_op *ops,
                    size_t n);
void driver_commit(struct driver *d, struct tx_id id);
void driver_abort(struct driver *d, struct tx_id id);
void driver_inquire(struct driver *d, struct tx_id id);
void driver_inquire_peer(struct driver *d, const char *name, struct tx_id id, bool in_doubt);
/* By somebody in doubt who knows this participant so far. */
void driver_inquire_knowing(struct driver *d, const char *name, struct tx_id id,
                            struct tx_position known);
void driver_state(struct driver *d, const char *name, struct tx_id id, enum tx_state state);
void driver_state_of(struct driver *d, const char *name, struct tx_id id, enum tx_state state,
                     uint64_t incarnation);
void driver_wait(struct driver *d, struct tx_id id);
void driver_forget(struct driver *d, uint64_t epoch, uint64_t below, const uint64_t *open,
                   size_t n);
void driver_resolve(struct driver *d, struct tx_id id, bool commit);

/* Brings transaction `seq` into a state: it writes key "k<seq>" to "v<seq>" with a list of members
 * a and b. */
struct tx_id driver_make_working(struct driver *d, uint64_t seq);
struct tx_id driver_make_preparing(struct driver *d, uint64_t seq);
struct tx_id driver_make_prepared(struct driver *d, uint64_t seq);
struct tx_id driver_make_committed(struct driver *d, uint64_t seq);
struct tx_id driver_make_heuristic(struct driver *d, uint64_t seq, bool commit);
struct tx_id driver_make_tombstone(struct driver *d, uint64_t seq);
void driver_make_forgotten(struct driver *d, uint64_t below);

/* What was sent, noted and appended since the last driver_clear(). */
void driver_clear(struct driver *d);
size_t driver_count(const struct driver *d, enum tx_msg_type type);
/* How many inquiries went to that address. */
size_t driver_asked(const struct driver *d, const char *address);
/* The newest of its type; fails the test when there is none. */
const struct tx_msg *driver_last(const struct driver *d, enum tx_msg_type type);
const struct part_peer *driver_last_to(const struct driver *d, enum tx_msg_type type);
bool driver_noted(const struct driver *d, enum part_action_type type, const char *part);
size_t driver_records(const struct driver *d, enum txlog_type type);
/* The committed value of a key; NULL when absent. In the driver's arena. */
const char *driver_value(struct driver *d, const char *key);
struct part_stats driver_stats(const struct driver *d);
void driver_decode(const struct driver *d, uint64_t lsn, struct tx_arena *arena,
                   struct txlog_record *record);

/* Assertions that say what was expected. */
void expect_state(const struct driver *d, struct tx_id id, const char *state);
void expect_vote(const struct driver *d, struct tx_id id, enum tx_vote vote);
void expect_no(const struct driver *d, struct tx_id id, enum tx_reason reason);
void expect_answer(const struct driver *d, struct tx_id id, enum tx_state state);
void expect_ack(const struct driver *d, struct tx_id id, enum tx_heuristic heuristic);
void expect_silence(const struct driver *d);
void expect_operated(const struct driver *d, enum tx_reason reason);
void expect_error(const struct driver *d, enum tx_error error, enum tx_reason reason);
void expect_alarms(const struct driver *d, uint64_t n);

#endif
