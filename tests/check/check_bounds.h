/* Logs and tables stay within their limits. */
#ifndef ASSENT_TESTS_CHECK_CHECK_BOUNDS_H
#define ASSENT_TESTS_CHECK_CHECK_BOUNDS_H

#include "check.h"

void check_bounds(const struct history *history, struct check_report *report);

#endif
