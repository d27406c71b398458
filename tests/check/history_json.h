/* Histories as files: one JSON object on each line, in the form that README.md specifies. */
#ifndef ASSENT_TESTS_CHECK_HISTORY_JSON_H
#define ASSENT_TESTS_CHECK_HISTORY_JSON_H

#include "history.h"

#include <stdio.h>

/* Told about every line that was read; all zero: nobody is. */
struct history_progress {
    void (*line)(void *arg, uint64_t lines, uint64_t bytes);
    void *arg;
};

/* Adds what the file holds to an empty history. TX_EFORMAT: `why` names the file, the line, the
 * member, and what was expected there. TX_EIO: it could not be read. `name` is what the file is
 * called in such a text. */
enum tx_error history_read(struct history *history, FILE *in, const char *name,
                           const struct history_progress *progress,
                           struct tx_why *why) TX_MUST_CHECK;

/* Writes it, so that reading gives the same history. TX_EINVAL: a number beyond 2^63 - 1, which the
 * form does not have. TX_EIO: it could not be written. */
enum tx_error history_write(const struct history *history, FILE *out) TX_MUST_CHECK;

/* Single lines, for those who write while they run. The first line must be that of `meta`, which
 * has the members source, bank_checked, bank_total and final of the history. */
void history_write_meta(const struct history *history, FILE *out);
void history_write_tx(const struct history *history, const struct history_tx *tx, FILE *out);

#endif
