/* What the random tests of check_append share: a generator of numbers, transactions that are put
 * together operation by operation, and a run of the checker. */
#ifndef ASSENT_TESTS_CHECK_RANDOM_LISTS_H
#define ASSENT_TESTS_CHECK_RANDOM_LISTS_H

#include "check.h"

#define LISTS_KEYS_MAX 8
#define LISTS_OPS_MAX  8
#define LISTS_LIST_MAX 128

struct random {
    uint64_t state;
};

uint64_t random_next(struct random *random);
/* From 0 to below `n`. */
unsigned random_below(struct random *random, unsigned n);
bool random_percent(struct random *random, unsigned percent);

/* A list's content. */
struct list {
    int64_t elements[LISTS_LIST_MAX];
    uint32_t n;
};

/* A transaction whose operations may still be changed; keys are small numbers. */
struct draft_op {
    bool append;
    unsigned key;
    int64_t element;
    struct list list; /* what a read gave */
};

struct draft {
    uint64_t invoked_ns, completed_ns;
    enum tx_outcome outcome;
    struct draft_op ops[LISTS_OPS_MAX];
    unsigned ops_n;
};

/* Empties the history and fills it with these. */
void drafts_to_history(const struct draft *drafts, size_t n, struct history *history);

/* What the checker finds; the name of the last anomaly in `name`. */
size_t count_anomalies(const struct history *history, const char **name);

/* Prints the history as a file. */
void print_history(const struct history *history);

/* The cases [from, to) to run: all of them, or the one in ASSENT_TEST_SEED. */
struct cases {
    uint64_t from, to;
};
struct cases cases_chosen(uint64_t n);

#endif
