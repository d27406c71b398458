/* What the checkers have in common: how an anomaly is reported. Each checker has a header of its
 * own with one function of the type check_function. */
#ifndef ASSENT_TESTS_CHECK_CHECK_H
#define ASSENT_TESTS_CHECK_CHECK_H

#include "history.h"

#include "common/assert.h"

/* Called for every anomaly: its name as in README.md, and the witness in one or more lines of text,
 * without a newline at the end. Both are borrowed for the call. */
struct check_report {
    void (*anomaly)(void *arg, const char *name, const char *witness);
    void *arg;
    size_t found;
    size_t looked; /* at so many items; 0: there was nothing that could be judged */
};

typedef void check_function(const struct history *history, struct check_report *report);

/* Formats the witness and reports; counts it in `report->found`. */
void check_found(struct check_report *report, const char *name, const char *format, ...)
    TX_PRINTF(3, 4);

/* All checkers, in the order of README.md. */
struct check {
    const char *name;
    const char *items; /* what it counts in `looked` */
    check_function *run;
};
extern const struct check checks[];
extern const size_t checks_n;

/* Runs them all; the number of anomalies. */
size_t check_all(const struct history *history, struct check_report *report);

#endif
