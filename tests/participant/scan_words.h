/* Words for tests of scans and isolation levels. */
#ifndef ASSENT_TESTS_PARTICIPANT_SCAN_WORDS_H
#define ASSENT_TESTS_PARTICIPANT_SCAN_WORDS_H

#include "part_driver.h"

/* A committed transaction (1) has written the keys a, b, d and e, each with its own letter in
 * capitals. */
struct driver *driver_with_data(const struct part_options *options);
/* One operation, as step `step` of client 1. */
void driver_scans(struct driver *d, uint64_t seq, uint32_t step, struct tx_op op);
/* One operation that is committed at once. */
void commit_one(struct driver *d, uint64_t seq, enum tx_op_type type, const char *key,
                const char *value);
void commit_prepared(struct driver *d, uint64_t seq);
/* The rows as "a=A b=B", and "+" behind when there may be more; of the newest OPERATED, which has
 * one result. */
void expect_result(const struct tx_result *result, const char *expected);
void expect_rows(const struct driver *d, const char *expected);
/* All locks of a transaction but intentions, in the lock manager's order: "x s/b, s s/a..e". */
void expect_locks(const struct driver *d, uint64_t seq, const char *expected);
/* So many transactions wait for a lock. */
void expect_waiting(const struct driver *d, size_t n);

#endif
