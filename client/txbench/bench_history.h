/* A history in a file: what clients asked for and were told, one JSON object a line. The form is
 * specified in tests/check/README.md, and its checker is the program txcheck of the tests.
 *
 * Lines may be written by several threads. They are flushed when the file is closed: a program that
 * is killed leaves a history without its end. */
#ifndef ASSENT_CLIENT_BENCH_HISTORY_H
#define ASSENT_CLIENT_BENCH_HISTORY_H

#include "client/txclient.h"

#include <stdatomic.h>
#include <stdio.h>

enum bench_op_type { BENCH_APPEND, BENCH_READ, BENCH_ADD, BENCH_GET };

#define BENCH_KEY_MAX 48 /* of the keys that the benches make, with NUL */

/* One operation, as it was executed. */
struct bench_op {
    enum bench_op_type type;
    const char *participant;
    const char *space;
    char key[BENCH_KEY_MAX];
    int64_t number;       /* APPEND: the element; ADD: the delta */
    bool known;           /* READ, GET: something came back */
    txclient_value value; /* READ: numbers with single blanks between them; GET: one number */
};

struct bench_tx {
    uint64_t process;
    uint64_t invoked_ns;
    uint64_t completed_ns;   /* unused when the outcome is unknown */
    txclient_status outcome; /* OK, ABORTED, else unknown */
    const char *reference;   /* "1-7-42@a,b" or empty: its part before the '@' is the id */
    const struct bench_op *ops;
    size_t ops_n;
    bool reads_all; /* the GETs are all accounts of the bank */
};

struct bench_history {
    FILE *file;
    const char *name;
    _Atomic uint64_t txs; /* lines of transactions so far */
};

/* Makes the file anew and writes its first line. `bank_total` may be NULL: there is no bank. False
 * after a complaint on stderr. */
bool bench_history_open(struct bench_history *history, const char *name, const int64_t *bank_total);
/* False after a complaint when anything could not be written. */
bool bench_history_close(struct bench_history *history);

/* Monotonic nanoseconds. */
uint64_t bench_history_now(void);

/* Is the value a list, as the benches write it? An absent one is an empty list. */
bool bench_list_valid(const txclient_value *value);

/* The lines. Each does nothing when the history has no file. */
void bench_history_tx(struct bench_history *history, const struct bench_tx *tx);
void bench_history_told(struct bench_history *history, const char *reference,
                        txclient_status outcome);
void bench_history_balance(struct bench_history *history, const char *participant,
                           const char *space, const char *key, int64_t balance);

#endif
