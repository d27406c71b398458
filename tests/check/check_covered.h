/* Checks that whoever wrote had the lock for it. See README.md. */
#ifndef ASSENT_TESTS_CHECK_CHECK_COVERED_H
#define ASSENT_TESTS_CHECK_CHECK_COVERED_H

#include "check.h"

void check_covered(const struct history *history, struct check_report *report);

#endif
