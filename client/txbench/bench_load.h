/* The load: clients that run one transaction after the other, whatever happens to the daemons
 * meanwhile. What a transaction does is the business of a struct bench_work, which comes from a
 * workload (bench_workload.h); this file has the threads, the times, the counters and the patience.
 *
 * In a closed loop each client begins the next transaction when its last one is over. In an open
 * one (`rate`) transactions are due at fixed times (bench_pace.h), and whichever client is free
 * takes the next; latencies count from when it was due, also where all clients were busy then. What
 * is due and not begun when the time is over is `overdue`, and counts in the latencies with the
 * time that it had waited until then: too little, but not nothing. */
#ifndef ASSENT_CLIENT_BENCH_LOAD_H
#define ASSENT_CLIENT_BENCH_LOAD_H

#include "client/txbench/bench_pace.h"
#include "client/txbench/bench_series.h"
#include "client/cli.h"
#include "client/txbench/histogram.h"

#include <pthread.h>
#include <stdatomic.h>

#define BENCH_REASONS (TXCLIENT_REASON_LOCK_CONFLICT + 1)

struct bench_flight;
struct bench_course;
struct bench_end;
struct bench_plan;

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
    _Atomic uint64_t failed;  /* anything else */
    _Atomic uint64_t overdue; /* of an open loop: never begun */
};

struct bench_options {
    struct cli_place place;
    const char *other_config; /* every second client's configuration file; NULL: the same */
    unsigned clients;
    unsigned handles; /* that the clients share; 0: each has its own */
    bool async;       /* a thread for each handle, with its clients in flight */
    double warmup;    /* seconds of load before those that count */
    double seconds;   /* that count */
    double rate;      /* transactions a second, all clients together; 0: a closed loop */
    bool interactive;
    txclient_commit_mode commit_mode;
    uint32_t settle_ms; /* an unknown outcome is asked for so long */
};

/* One thread, or one of the transactions that an asynchronous thread has in flight; the members are
 * its own, but for the handle and the counters. */
struct bench_client {
    struct bench_load *load;
    pthread_t thread; /* of those that have one */
    unsigned number;
    txclient *client;
    struct bench_flight *flight; /* NULL: blocking */
    struct bench_client *next;   /* of a flight's that have nothing to do, or that pause */
    uint64_t resume_us;          /* and have not, or do, before then */
    void (*resume)(struct bench_client *client); /* of one that pauses */
    struct bench_course *course; /* of an asynchronous transaction; its driver's, freed here */
    txclient_batch *batch;
    uint64_t random;
    uint64_t begun;    /* transactions, for those who number them */
    void *own;         /* as the work made it */
    uint64_t begun_us; /* when the transaction that runs was due, or began in a closed loop */
    uint64_t lost;     /* transactions whose outcome was never found out */
    struct bench_counts counts;
    struct bench_counts warmup; /* of transactions of the warm-up */
    struct histogram latencies; /* of transactions that committed, in us */
    struct bench_series series; /* of the same */
};

struct bench_work {
    /* Runs one transaction and counts it with bench_count() and bench_settle(). */
    void (*run)(struct bench_client *client, void *arg);
    /* Begins one and returns; when it is over and counted, bench_over() is called, once. NULL:
     * there is no such way. */
    void (*start)(struct bench_client *client, void *arg);
    /* For those that leave both to bench_steps.h: says what the next transaction does. False: none,
     * `load->broken` says why. */
    bool (*make)(struct bench_client *client, void *arg, struct bench_plan *plan);
    /* Told, once for each that was made, what came of it, when it has been counted. */
    void (*over)(struct bench_client *client, void *arg, const struct bench_end *end);
    /* What a client keeps from one transaction to the next; both may be NULL. */
    void *(*own_new)(void *arg);
    void (*own_free)(void *own);
    void *arg;
};

struct bench_load {
    const struct bench_options *options;
    const struct bench_work *work;
    struct bench_client *clients;
    txclient **handles;
    unsigned handles_n;
    struct bench_flight *flights; /* one for each handle, when asynchronous */
    struct bench_pace pace;       /* of an open loop */
    _Atomic uint64_t next;        /* transaction that is due */
    uint64_t measured_us;         /* what begins from here on counts */
    uint64_t end_us;
    uint64_t run; /* random: no two runs name a thing alike */
    atomic_uint running;
    atomic_int broken; /* errno when a file cannot be written: the load makes no sense any more */
};

/* A random number that no other run has. False after a complaint on stderr. */
bool bench_load_run_number(uint64_t *run);

/* From now on SIGINT and SIGTERM end the load early, with its summary; the second one ends the
 * program as if nothing had been said. */
void bench_load_catch_signals(void);

/* How many handles the clients share. */
unsigned bench_handles(const struct bench_options *options);
/* Starts the clients. 0, or the exit status after a complaint on stderr. */
int bench_load_start(struct bench_load *load, const struct bench_options *options,
                     const struct bench_work *work);
/* Are there clients that have not ended? They end by themselves when the time is over and what was
 * unknown is settled or given up. */
bool bench_load_running(struct bench_load *load);
/* What one load gave. */
struct bench_measure {
    double seconds; /* from the end of the warm-up to the last answer */
    struct bench_counts counts;
    uint64_t warmup_committed;
    struct histogram latencies;
    struct bench_series series;
};

void bench_counts_add(struct bench_counts *to, const struct bench_counts *from);
/* Adds up what all clients have counted so far, of the warm-up while that lasts. */
void bench_load_counts(struct bench_load *load, struct bench_counts *counts, bool warmup);
/* Waits for the clients and merges what they have; false after a complaint when a file could not be
 * written. */
bool bench_load_finish(struct bench_load *load, struct bench_measure *measure);
/* Has somebody interrupted the program? */
bool bench_load_interrupted(void);

/* ---- for the loops, here and in bench_async.c ---- */

/* Should no transaction begin any more, whatever the time? */
bool bench_load_stopped(const struct bench_load *load);
/* One that was due, and never begun. */
void bench_count_overdue(struct bench_client *client, uint64_t due_us, uint64_t now_us);
/* Starts a thread for each handle; `load->flights` is theirs. 0, or errno with none running. */
int bench_flights_start(struct bench_load *load);
void bench_flights_join(struct bench_load *load);

/* ---- for the work ---- */

uint64_t bench_random(struct bench_client *client);
/* What an interactive transaction begins with. */
txclient_begin_options bench_terms(const struct bench_client *client);
/* Counts what a call gave, whose detail the handle still has; pauses after what was not served, in
 * a closed loop. TXCLIENT_UNKNOWN is bench_settle()'s. The latency of a commit counts from the
 * client's `begun_us`. */
void bench_count(struct bench_client *client, txclient_status status);
/* The same of a call that gave its reason in another place. */
void bench_count_as(struct bench_client *client, txclient_status status, txclient_reason reason);
/* An asynchronous transaction is over: its client is free for the next one. */
void bench_over(struct bench_client *client);
/* An asynchronous transaction goes on with `resume`, called from the loop and not from here, when
 * `wait_ms` have passed; 0: after what is under way has had a turn. */
void bench_pause(struct bench_client *client, uint32_t wait_ms,
                 void (*resume)(struct bench_client *client));
/* What a one-shot transaction that writes takes for an idempotency key: none where the members are
 * to decide, for a key is kept by the coordinator's decision. Without one it may be sent once
 * only. */
txclient_bytes bench_shot_key(const struct bench_client *client, const char *key);
/* Counts an unknown outcome and calls `ask` until it knows or the patience is over; NULL: nobody
 * can be asked. */
txclient_status bench_settle(struct bench_client *client,
                             txclient_status (*ask)(struct bench_client *client, void *arg),
                             void *arg);
/* The same for those that ask by themselves, asynchronously: counts the unknown outcome, and gives
 * the time (bench_now_us()) from which on it is given up. */
uint64_t bench_count_unknown(struct bench_client *client);
/* Counts what was found out of it: TXCLIENT_OK, TXCLIENT_ABORTED, or anything else when it was
 * given up. */
void bench_count_settled(struct bench_client *client, txclient_status status);
#define BENCH_PAUSE_MS 50u /* between two questions */

#endif
