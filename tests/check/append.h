/* The parts of check_append, in the order in which they run: collect what was appended and read
 * (append_collect.c), find the order of each list's versions (append_versions.c), draw the graph of
 * dependencies while doing so (append_graph.h), and look for cycles in it (append_cycle.c). */
#ifndef ASSENT_TESTS_CHECK_APPEND_H
#define ASSENT_TESTS_CHECK_APPEND_H

#include "append_graph.h"
#include "check.h"

#define APPEND_NONE UINT32_MAX

struct append {
    uint32_t tx, key;
    int64_t element;
    uint32_t position; /* in the order of versions; APPEND_NONE: no read shows it */
    uint32_t stamp;    /* the last list that was searched for repetitions and held it */
    bool last;         /* the transaction's last one to this list */
    bool observed;     /* a committed transaction read it */
    bool repeated;     /* somebody else appended the same before: of no use */
    bool reported;
};

/* What a committed transaction saw of a list before it changed it itself. */
struct append_read {
    uint32_t tx, key;
    const int64_t *list;
    uint32_t n;
    uint32_t version; /* how long the list was; APPEND_NONE: fits into no order */
};

/* One list. Its appends and reads are the parts [first, first + n) of the books' `by_key` arrays.
 */
struct append_key {
    uint32_t appends_first, appends_n;
    uint32_t reads_first, reads_n;
    const int64_t *longest; /* of the reads so far */
    uint32_t longest_n;
    bool messy; /* reads contradict one another, or hold what they must not */
};

struct append_books {
    const struct history *history;
    struct check_report *report;
    struct tx_arena arena;
    struct append *appends;
    uint32_t appends_n;
    uint32_t *slots; /* open addressing by list and element: number of the append + 1 */
    size_t slots_n;
    struct append_read *reads;
    uint32_t reads_n;
    struct append_key *keys; /* by interned name */
    uint32_t *appends_by_key, *reads_by_key;
    bool *committed;   /* by transaction: says the client, or a read proves it */
    bool *aborted;     /* by transaction: for sure */
    bool *takes_part;  /* by transaction: committed, and it read or appended */
    bool *lost_update; /* by transaction: reported already */
    struct graph graph;
};

/* Finds everything that counts, and reports what is wrong within one transaction. */
void append_collect(struct append_books *books);
/* The append of this element; NULL when nobody did. */
struct append *append_find(const struct append_books *books, uint32_t key, int64_t element);
/* Did `a` complete before `b` was invoked? At the same nanosecond it did, but for two transactions
 * that took no time at all. */
bool append_precedes(const struct history_tx *a, const struct history_tx *b);

/* Orders the versions of every list, reports what contradicts any order, and adds the edges. */
void append_order(struct append_books *books);
/* Adds the edges of real time. */
void append_real_time(struct append_books *books);
/* Reports the cycles. */
void append_cycles(struct append_books *books);

#endif
