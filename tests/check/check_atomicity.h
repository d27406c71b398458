/* All or nothing, in the durable records of all nodes and in what clients were told. */
#ifndef ASSENT_TESTS_CHECK_CHECK_ATOMICITY_H
#define ASSENT_TESTS_CHECK_CHECK_ATOMICITY_H

#include "check.h"

void check_atomicity(const struct history *history, struct check_report *report);

#endif
