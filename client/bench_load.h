/* The load: clients that run one transaction after the other, whatever happens to the daemons
 * meanwhile. What a transaction does is the business of a struct bench_work (bench_transfer.h,
 * bench_append.h); this file has the threads, the counters and the patience. */
#ifndef ASSENT_CLIENT_BENCH_LOAD_H
#define ASSENT_CLIENT_BENCH_LOAD_H

#include "client/cli.h"
#include "client/histogram.h"

#include <pthread.h>
#include <stdatomic.h>

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
    const char *other_config; /* every second client's configuration file; NULL: the same */
    unsigned clients;
    double seconds;
    uint32_t settle_ms; /* an unknown outcome is asked for so long */
};

/* One thread with its handle; the members are its own, but for the counters. */
struct bench_client {
    struct bench_load *load;
    pthread_t thread;
    unsigned number;
    txclient *client;
    txclient_batch *batch;
    uint64_t random;
    uint64_t begun; /* transactions, for those who number them */
    void *own;      /* as the work made it */
    struct bench_counts counts;
    struct histogram
        latencies; /* of transactions that committed with a definite answer at once, in us */
};

struct bench_work {
    /* Runs one transaction and counts it with bench_count() and bench_settle(). */
    void (*run)(struct bench_client *client, void *arg);
    /* What a client keeps from one transaction to the next; both may be NULL. */
    void *(*own_new)(void *arg);
    void (*own_free)(void *own);
    void *arg;
};

struct bench_load {
    const struct bench_options *options;
    const struct bench_work *work;
    struct bench_client *clients;
    uint64_t started_us;
    uint64_t end_us;
    uint64_t run; /* random: no two runs name a thing alike */
    atomic_uint running;
    atomic_int broken; /* errno when a file cannot be written: the load makes no sense any more */
};

/* From now on SIGINT and SIGTERM end the load early, with its summary; the second one ends the
 * program as if nothing had been said. */
void bench_load_catch_signals(void);

/* Starts the clients. 0, or the exit status after a complaint on stderr. */
int bench_load_start(struct bench_load *load, const struct bench_options *options,
                     const struct bench_work *work);
/* Are there clients that have not ended? They end by themselves when the time is over and what was
 * unknown is settled or given up. */
bool bench_load_running(struct bench_load *load);
/* Adds up what all clients have counted so far. */
void bench_load_counts(struct bench_load *load, struct bench_counts *counts);
/* Waits for the clients and merges their latencies; false when a file could not be written. */
bool bench_load_finish(struct bench_load *load, struct histogram *latencies);

/* ---- for the work ---- */

uint64_t bench_random(struct bench_client *client);
/* Counts what a call gave, whose detail the handle still has; pauses after what was not served.
 * TXCLIENT_UNKNOWN is bench_settle()'s. `took_us` goes into the latencies. */
void bench_count(struct bench_client *client, txclient_status status, uint64_t took_us);
/* Counts an unknown outcome and calls `ask` until it knows or the patience is over. */
txclient_status bench_settle(struct bench_client *client,
                             txclient_status (*ask)(struct bench_client *client, void *arg),
                             void *arg);

#endif
