/* Transactions of workloads as lists of steps, in any manner: as one batch (one-shot) or step by
 * step (interactive), blocking or asynchronous. A workload says what is to be done (`make` of
 * struct bench_work) and is told what came of it (`over`); the driver runs it, counts it, and asks
 * for an outcome that is unknown. */
#ifndef ASSENT_CLIENT_BENCH_STEPS_H
#define ASSENT_CLIENT_BENCH_STEPS_H

#include "client/txbench/bench_load.h"

#define BENCH_STEPS_MAX 2000u /* of a transaction */

enum bench_step_type {
    BENCH_STEP_GET,
    BENCH_STEP_GET_FOR_UPDATE,
    BENCH_STEP_PUT,
    BENCH_STEP_INSERT,
    BENCH_STEP_ADD,
    BENCH_STEP_SCAN, /* from the key on */
};

/* What it points to is borrowed until the transaction is over. */
struct bench_step {
    enum bench_step_type type;
    txclient_address at;
    txclient_bytes value; /* PUT, INSERT */
    int64_t delta;        /* ADD */
    const int64_t *floor; /* ADD; NULL: none */
    uint32_t rows;        /* SCAN: at most, 1 to TXCLIENT_SCAN_ROWS_MAX */
};

/* Told of every record that was read, key and value; both are borrowed for the call. */
typedef void bench_see(void *arg, txclient_bytes key, txclient_bytes value);

#define BENCH_ROUND_MAX 8u /* steps of a round, in a plan of several */

/* What follows a round of steps. */
enum bench_next {
    BENCH_NEXT_ROUND,  /* the steps that the plan has now */
    BENCH_NEXT_COMMIT, /* no more */
    BENCH_NEXT_ABORT,  /* the client thinks better of it */
};

/* What a transaction does. */
struct bench_plan {
    const struct bench_step *steps; /* 1 to BENCH_STEPS_MAX; of the first round, if several */
    size_t n;
    /* NULL: that is all. Else the transaction is interactive in either mode: told what the steps
     * gave, a value for each, of which those of reads live until `over`. */
    enum bench_next (*next)(struct bench_plan *plan, const txclient_value *values);
    /* May be NULL. An interactive transaction calls it also when it aborts later. */
    bench_see *see;
    void *arg; /* for `see` and `next` */
    /* The idempotency key of a one-shot transaction, at most TXCLIENT_IDEMPOTENCY_KEY_MAX
     * characters; left empty, the driver makes one for what writes. */
    char key[TXCLIENT_IDEMPOTENCY_KEY_MAX + 1];
    bool keyed; /* the key travels whoever is to decide; else as bench_shot_key() says */
    bool tells; /* `over` is told reference and values */
};

/* What came of it. */
struct bench_end {
    txclient_status status;       /* OK: committed. ABORTED: no effect. Else: not served, or lost */
    bool asked;                   /* the outcome was unknown at first */
    bool lost;                    /* and never found out */
    const char *reference;        /* maybe empty; borrowed, as the values */
    const txclient_value *values; /* one for each step of a one-shot one that committed, unless they
                                     are lost: then NULL */
};

/* What no other transaction of any load is called. */
void bench_steps_key(struct bench_client *client, char key[TXCLIENT_IDEMPOTENCY_KEY_MAX + 1]);

/* `run` and `start` of struct bench_work, for workloads that have `make` and `over`. An
 * asynchronous transaction that is interactive has all steps of a round under way at once, those at
 * one participant in one message and in their order, and behind the last round its commit. */
void bench_steps_run(struct bench_client *client, void *arg);
void bench_steps_start(struct bench_client *client, void *arg);

/* ---- for the two drivers ---- */

#define BENCH_REFERENCE_MAX (TXCLIENT_PARTICIPANTS_MAX * (TXCLIENT_NAME_MAX + 1) + 64)

/* Adds a step to a batch, where a failure sticks. */
void bench_step_add(txclient_batch *batch, const struct bench_step *step);
/* Fills the client's batch with all steps of a one-shot plan, and gives it a key if it writes.
 * True: it may be sent again while its outcome is unknown, for it reads only or its key travels. */
bool bench_shot_fill(struct bench_client *client, struct bench_plan *plan);
/* How a one-shot plan is submitted; what it points to is the plan's. */
txclient_submit_options bench_shot_options(const struct bench_client *client,
                                           const struct bench_plan *plan);
/* Is it run as an interactive transaction? */
bool bench_plan_interacts(const struct bench_client *client, const struct bench_plan *plan);
/* Shows what a step has read to the plan's `see`, which is there. */
void bench_step_see(const struct bench_plan *plan, size_t i, const txclient_value *value);

#endif
