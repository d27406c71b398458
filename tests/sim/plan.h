/* What one transaction of a client does: the kinds of work, as operations, and what they read.
 *
 * A bank, whose balances add up to zero, and lists of numbers that are only appended to. Some lists
 * are rows, which are scanned, too, and absent at first; and there are seats, of which few may be
 * taken. */
#ifndef ASSENT_TESTS_SIM_PLAN_H
#define ASSENT_TESTS_SIM_PLAN_H

#include "sim.h"

enum plan_kind {
    PLAN_ADD,    /* a transfer with counters */
    PLAN_WRITE,  /* a transfer that reads both accounts, then writes them */
    PLAN_TOTAL,  /* reads all accounts */
    PLAN_APPEND, /* reads one list or two, and writes them with an element more */
    PLAN_LISTS,  /* reads some lists */
    PLAN_LOCK,   /* takes locks of all modes and levels; plan_locks.h */
    PLAN_SCAN,   /* scans rows, and appends to some of them; plan_scan.h */
    PLAN_SEATS,  /* takes a seat when there is a free one, or leaves one; plan_seats.h */
};

enum plan_place { PLAN_BANK, PLAN_LIST, PLAN_ONCE, PLAN_LOCKED, PLAN_ROW, PLAN_SEAT };

/* A row that a scan has found. */
struct plan_row {
    unsigned item;
    const int64_t *list;
    uint32_t list_n;
};

/* What a scan asks for, and what came back. Items stand for keys, which are in their order. */
struct plan_span {
    unsigned from, to; /* exclusive */
    bool behind;       /* it begins right behind the key of the item before `from` */
    uint32_t limit;
    bool reverse;
    bool goes_on; /* where the scan `of` has stopped; not known before that has been read */
    /* what a run of it has read */
    unsigned begin, end; /* no further than here */
    bool more;
    struct plan_row *rows; /* in the order of the scan */
    uint32_t rows_n;
};

struct plan_op {
    enum tx_op_type type;
    enum plan_place place;
    unsigned participant, item;
    int64_t number; /* ADD: the delta; PUT: the change of the balance, or the new element */
    size_t of;      /* PUT: the operation that read what it changes. SCAN: see plan_span */
    unsigned span;  /* SCAN: of the plan's spans */
    bool has_min;   /* ADD */
    unsigned space; /* LOCK: which, 0 the store; item: a key of it from 1, 0 all of it */
    enum tx_lock_mode mode;
    /* what a run of it has read */
    bool known;
    int64_t balance;
    int64_t *list;
    uint32_t list_n;
};

#define PLAN_LOCKS_MAX 100u /* in a row */
#define PLAN_OPS_MAX   (PLAN_LOCKS_MAX + 2)
#define PLAN_STEPS_MAX 12u
#define PLAN_SPANS_MAX 8u

struct plan {
    enum plan_kind kind;
    bool submit, keyed, aborts;
    bool walks_away; /* says nothing any more instead of the last step */
    uint32_t lock_timeout_ms;
    enum tx_isolation isolation;
    char key[32]; /* idempotency key; each may take effect once */
    struct plan_op ops[PLAN_OPS_MAX];
    unsigned ops_n;
    unsigned step_at[PLAN_STEPS_MAX + 1]; /* the first operation of each step, and the end */
    unsigned steps;
    struct plan_span spans[PLAN_SPANS_MAX];
    unsigned spans_n;
    struct tx_arena arena; /* what was read, and texts to write */
};

/* ---- for the files that draw ---- */

struct plan_op *plan_add(struct plan *plan, enum tx_op_type type, enum plan_place place,
                         unsigned participant, unsigned item);
/* What was added since the last one is a step. */
void plan_end_step(struct plan *plan);
struct tx_bytes plan_account(unsigned item);
/* Memory of the plan, until plan_again(). */
void *plan_alloc(struct plan *plan, size_t n, size_t size);
/* A list as the store keeps it, and that list with an element more. */
int64_t *plan_list_read(struct plan *plan, struct tx_bytes value, uint32_t *n);
struct tx_bytes plan_list_text(struct plan *plan, const int64_t *list, uint32_t n, int64_t more);

/* ---- for clients ---- */

/* All zero is a valid plan before the first drawing. */
void plan_draw(struct plan *plan, struct sim *sim, uint64_t serial);
void plan_deinit(struct plan *plan);
/* Forgets what was read, and takes new elements, for the next attempt. */
void plan_again(struct plan *plan, struct sim *sim);
unsigned plan_step_participant(const struct plan *plan, unsigned step);
/* The operations of a step from 0, which borrow from the plan. */
size_t plan_step(struct plan *plan, unsigned step, struct tx_op *ops);
/* All of them, for a SUBMIT. */
size_t plan_all(struct plan *plan, const struct sim *sim, struct tx_op *ops);
/* Takes in what a step, or all of them, has read. */
void plan_read(struct plan *plan, unsigned step, const struct tx_result *results, size_t n);
void plan_read_all(struct plan *plan, const struct tx_result *results, size_t n);
/* A bit for each participant where it writes. */
unsigned plan_writes(const struct plan *plan);

#endif
