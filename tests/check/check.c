/* The table of the checkers, and how they report. */
#include "check.h"

#include "check_append.h"
#include "check_atomicity.h"
#include "check_bank.h"
#include "check_bounds.h"
#include "check_covered.h"
#include "check_locks.h"
#include "check_settled.h"

#include <stdarg.h>
#include <stdio.h>

#define WITNESS_MAX 8192 /* a longer witness is cut: nobody reads a cycle of a hundred edges */

const struct check checks[] = {
    {"check_atomicity", "transactions", check_atomicity},
    {"check_bank", "balances and readings of the whole bank", check_bank},
    {"check_append", "reads and appends of lists", check_append},
    {"check_locks", "moments with a list of locks", check_locks},
    {"check_covered", "writes where every change of locks is known", check_covered},
    {"check_settled", "nodes and unknown outcomes", check_settled},
    {"check_bounds", "values with a limit", check_bounds},
};
const size_t checks_n = sizeof checks / sizeof checks[0];

void check_found(struct check_report *report, const char *name, const char *format, ...)
{
    char witness[WITNESS_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(witness, sizeof witness, format, args);
    va_end(args);
    report->found++;
    report->anomaly(report->arg, name, witness);
}

size_t check_all(const struct history *history, struct check_report *report)
{
    size_t before = report->found;

    for (size_t i = 0; i < checks_n; i++)
        checks[i].run(history, report);
    return report->found - before;
}
