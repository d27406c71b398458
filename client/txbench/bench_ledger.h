/* Files of transfers: one line each, "ID FROM TO AMOUNT" (FROM and TO are participants). A line is
 * complete when its newline is there: a last line without one is what a killed process left, and is
 * not counted.
 *
 * In the system, a recorded transfer is the key ID in the keyspace "transfers" of both
 * participants, with the amount as its value. */
#ifndef ASSENT_CLIENT_BENCH_LEDGER_H
#define ASSENT_CLIENT_BENCH_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BENCH_TRANSFERS_SPACE "transfers"
#define BENCH_ID_MAX          63u /* characters of a transfer's id */
#define BENCH_NAME_MAX        31u /* of a participant's name */

struct bench_transfer {
    char id[BENCH_ID_MAX + 1];
    char from[BENCH_NAME_MAX + 1];
    char to[BENCH_NAME_MAX + 1];
    int64_t amount;
};

/* Appends a line and flushes it. False with errno when it cannot be written. May be called by
 * several threads. */
bool bench_ledger_append(FILE *file, const struct bench_transfer *transfer);

struct bench_ledger {
    struct bench_transfer *items;
    size_t n;
    size_t capacity;
};

/* Reads a file. False with a text "FILE:LINE: ..." that fits into `why`. */
bool bench_ledger_read(struct bench_ledger *ledger, const char *file, char *why, size_t why_size);
void bench_ledger_deinit(struct bench_ledger *ledger);

#endif
