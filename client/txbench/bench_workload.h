/* A workload: what the transactions of a load do, and what must hold before and behind it. Each is
 * one file with one of these structs; the driver (bench_load.h, bench_run.h) knows nothing else of
 * it. */
#ifndef ASSENT_CLIENT_BENCH_WORKLOAD_H
#define ASSENT_CLIENT_BENCH_WORKLOAD_H

#include "client/txbench/bench_load.h"
#include "common/json.h"

#include <argp.h>

#define BENCH_PATIENCE_MS 60000u /* for creating, adding up and verifying */

/* Every function but those of the transactions is called from one thread, and returns 0 or the exit
 * status after a complaint on stderr, unless it says otherwise. `state` is zeroed memory of
 * `state_size` bytes. */
struct bench_workload {
    const char *name;
    const char *doc;                   /* for --help */
    const struct argp_option *options; /* beside those of every load */
    size_t state_size;
    bool interactive; /* runs one-shot or, with --interactive, interactively */
    /* The defaults of the options. */
    void (*init)(void *state);
    /* As a parser of argp; ARGP_ERR_UNKNOWN for what is not among `options`. */
    error_t (*parse)(void *state, int key, char *arg, struct argp_state *argp);
    /* Do the options go together? NULL: always. Nothing is sent. */
    int (*check)(void *state);
    /* Makes what the transactions need; asks the cluster. */
    int (*setup)(void *state, txclient *client);
    /* The transactions, as bench_steps.h runs them: these four of struct bench_work. */
    bool (*make)(struct bench_client *client, void *state, struct bench_plan *plan);
    void (*over)(struct bench_client *client, void *state, const struct bench_end *end);
    void *(*own_new)(void *state);
    void (*own_free)(void *own);
    /* After the last load: whether all holds. 0 also when it does not: `holds` says so. */
    int (*verify)(void *state, txclient *client, bool *holds);
    /* What setup and verify found: lines for people, and members of the open JSON object. */
    void (*print)(const void *state, FILE *out);
    void (*json)(const void *state, struct json *json);
    /* Frees what setup made, also after a failure of it. False after a complaint: a file could not
     * be written. */
    bool (*deinit)(void *state);
};

extern const struct bench_workload bench_workload_transfer;
extern const struct bench_workload bench_workload_append;
extern const struct bench_workload bench_workload_ycsb;
extern const struct bench_workload bench_workload_smallbank;
extern const struct bench_workload bench_workload_tpcb;

/* Prints "txbench: WHAT: why" with the handle's sentence, and gives the exit status. */
int bench_complain(const txclient *client, const char *what, txclient_status status);

#endif
