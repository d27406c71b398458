/* The log of a stopped daemon as lines of a history (tests/check/README.md), so that the checkers
 * judge what real nodes made durable. */
#ifndef ASSENT_TESTS_INTEGRATION_RECORDS_H
#define ASSENT_TESTS_INTEGRATION_RECORDS_H

#include <stdint.h>
#include <stdio.h>

struct records {
    uint64_t lines;    /* records that decide, written */
    uint64_t retained; /* all that the log still has */
    uint64_t alarms;   /* ALARM records, which have no line of their own */
};

/* Writes a "record" line for each record that decides, and a "log" line when the log still has its
 * beginning. Fails the test when the log cannot be read whole. */
struct records records_write(FILE *out, const char *directory, const char *node);

#endif
