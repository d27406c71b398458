/* Strict serializability of lists that are only appended to, after Adya's anomalies; see README.md.
 */
#ifndef ASSENT_TESTS_CHECK_CHECK_APPEND_H
#define ASSENT_TESTS_CHECK_CHECK_APPEND_H

#include "check.h"

void check_append(const struct history *history, struct check_report *report);

#endif
