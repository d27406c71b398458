/* Transactions that scan ranges of rows, and the isolation levels of all transactions.
 *
 * A row is a list that is only appended to, and absent before its first element. Only a few rows
 * are in use at a time, and from time to time the next one comes: so there are always some that
 * nobody has written yet. */
#ifndef ASSENT_TESTS_SIM_PLAN_SCAN_H
#define ASSENT_TESTS_SIM_PLAN_SCAN_H

#include "plan.h"

/* All of these draw from a stream of their own: without scans and levels a run stays as it is. */
enum tx_isolation plan_scan_level(struct sim *sim);
/* A transaction of the kind PLAN_SCAN or PLAN_SEATS. */
void plan_scan_draw(struct plan *plan, struct sim *sim);
/* One of its operations on rows, ready to send, which borrows from the plan. */
struct tx_op plan_scan_op(struct plan *plan, const struct plan_op *from);
/* Takes in what a SCAN has read, of rows or seats. */
void plan_scan_read(struct plan *plan, struct plan_op *op, const struct tx_result *result);
/* The range of a SCAN, when it can be known. */
struct tx_op plan_scan_range(struct plan *plan, const struct plan_op *from, const char *space);
/* No row from this one on has been written. */
unsigned plan_scan_top(const struct sim *sim);

#endif
