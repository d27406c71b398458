/* Transactions that take locks as such, of every mode and at every level, and do little besides. */
#ifndef ASSENT_TESTS_SIM_PLAN_LOCKS_H
#define ASSENT_TESTS_SIM_PLAN_LOCKS_H

#include "plan.h"

/* Draws from a stream of its own: without this kind a run stays as it is. */
void plan_locks_draw(struct plan *plan, struct sim *sim);
/* One of its operations, ready to send, which borrows from the plan. */
struct tx_op plan_locks_op(struct plan *plan, const struct plan_op *from);

#endif
