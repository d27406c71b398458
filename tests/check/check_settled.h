/* After the faults are over nothing is left open, locked, in doubt or unknown. */
#ifndef ASSENT_TESTS_CHECK_CHECK_SETTLED_H
#define ASSENT_TESTS_CHECK_CHECK_SETTLED_H

#include "check.h"

void check_settled(const struct history *history, struct check_report *report);

#endif
