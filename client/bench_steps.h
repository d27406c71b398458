/* Transactions of workloads, in either mode: a list of steps as one batch (one-shot) or one by one
 * (interactive); or a function on a transaction that has begun, for those that decide by what they
 * read. Counts what comes of it, and asks for outcomes that are unknown. */
#ifndef ASSENT_CLIENT_BENCH_STEPS_H
#define ASSENT_CLIENT_BENCH_STEPS_H

#include "client/bench_load.h"

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

/* Runs the steps, 1 to BENCH_STEPS_MAX, as one transaction. `see` may be NULL; an interactive one
 * calls it also when it aborts later. TXCLIENT_OK: committed. TXCLIENT_ABORTED: no effect. All
 * else: not served, or not found out; `bench_client.lost` grows with the latter. */
txclient_status bench_steps_run(struct bench_client *client, const struct bench_step *steps,
                                size_t n, bench_see *see, void *arg);

/* Begins a transaction, calls `work` with it and commits when that gives TXCLIENT_OK. Returns what
 * bench_steps_run() does. */
txclient_status bench_interact(struct bench_client *client, txclient_work work, void *arg);

#endif
