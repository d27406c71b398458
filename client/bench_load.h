/* The load: clients that transfer between accounts, whatever happens to the daemons meanwhile. */
#ifndef ASSENT_CLIENT_BENCH_LOAD_H
#define ASSENT_CLIENT_BENCH_LOAD_H

#include "client/bench_accounts.h"
#include "client/bench_ledger.h"
#include "client/cli.h"
#include "client/histogram.h"

#include <stdatomic.h>
#include <stdio.h>

#define BENCH_REASONS (TXCLIENT_REASON_OPERATOR + 1)

/* What has happened; written by one client, read by anyone meanwhile. */
struct bench_counts {
    _Atomic uint64_t committed; /* at once or found out later */
    _Atomic uint64_t aborted[BENCH_REASONS];
    _Atomic uint64_t unknown; /* each of them is settled by one of the next three */
    _Atomic uint64_t settled_committed;
    _Atomic uint64_t settled_aborted;
    _Atomic uint64_t never_settled;
    _Atomic uint64_t unreachable; /* no connection: nothing was sent */
    _Atomic uint64_t timed_out;   /* no answer to a begin */
    _Atomic uint64_t refused;
    _Atomic uint64_t failed; /* anything else */
};

struct bench_options {
    struct cli_place place;
    unsigned clients;
    double seconds;
    uint32_t settle_ms; /* an unknown outcome is asked for so long */
    bool interactive;
    bool record;
    FILE *acked;     /* NULL: none */
    FILE *attempted; /* NULL: none */
};

struct bench_client; /* one thread with its handle */

struct bench_load {
    const struct bench_options *options;
    const struct bench_accounts *accounts;
    struct bench_client *clients;
    uint64_t started_us;
    uint64_t end_us;
    uint64_t run; /* random: no two runs name a transfer alike */
    atomic_uint running;
    atomic_int broken; /* errno when a ledger cannot be written: the load makes no sense any more */
};

/* Starts the clients. 0, or the exit status after a complaint on stderr. */
int bench_load_start(struct bench_load *load, const struct bench_options *options,
                     const struct bench_accounts *accounts);
/* Are there clients that have not ended? They end by themselves when the time is over and what was
 * unknown is settled or given up. */
bool bench_load_running(struct bench_load *load);
/* Adds up what all clients have counted so far. */
void bench_load_counts(struct bench_load *load, struct bench_counts *counts);
/* Waits for the clients and merges their latencies; false when a ledger could not be written. */
bool bench_load_finish(struct bench_load *load, struct histogram *latencies);

#endif
