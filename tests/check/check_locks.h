/* Locks that exclude each other are not held together, and none outlives its transaction. */
#ifndef ASSENT_TESTS_CHECK_CHECK_LOCKS_H
#define ASSENT_TESTS_CHECK_CHECK_LOCKS_H

#include "check.h"

void check_locks(const struct history *history, struct check_report *report);

#endif
