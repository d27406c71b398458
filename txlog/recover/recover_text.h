/* Records, times and names as people read them. */
#ifndef ASSENT_TXLOG_RECOVER_TEXT_H
#define ASSENT_TXLOG_RECOVER_TEXT_H

#include "txlog/record.h"

#include <stdio.h>

#define RECOVER_TIME_TEXT 32

/* "2026-11-21T10:00:00.123Z" */
const char *recover_time(uint64_t unix_ms, char out[RECOVER_TIME_TEXT]);

/* "a (incarnation 3), b (incarnation 2, read-only)", with addresses when wanted. */
void recover_text_members(FILE *out, const struct tx_member *members, size_t n, bool addresses);
/* "X t/alice, S t"; a long list is cut. */
void recover_text_locks(FILE *out, const struct txlog_lock *locks, size_t n);
/* "put t/alice = 100, delete t/bob"; a long list is cut. */
void recover_text_redo(FILE *out, struct tx_bytes redo);
/* What is particular to its type, in words; nothing for ABORTED. */
void recover_text_fields(FILE *out, const struct txlog_record *record);
/* One line with its newline: LSN, time, start, type, transaction, fields. */
void recover_text_record(FILE *out, const struct txlog_record *record);

#endif
