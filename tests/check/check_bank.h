/* Transfers neither make nor lose money. */
#ifndef ASSENT_TESTS_CHECK_CHECK_BANK_H
#define ASSENT_TESTS_CHECK_CHECK_BANK_H

#include "check.h"

void check_bank(const struct history *history, struct check_report *report);

#endif
