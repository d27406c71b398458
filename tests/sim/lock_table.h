/* A lock table of its own, for the calls of the lock manager that no daemon makes so far: one lock
 * released before the others, a request withdrawn. */
#ifndef ASSENT_TESTS_SIM_LOCK_TABLE_H
#define ASSENT_TESTS_SIM_LOCK_TABLE_H

#include "sim.h"

/* So many random calls, most of them correct in any order; the invariants hold all the time. Draws
 * from the stream of the locks alone. */
void sim_lock_table(struct sim *sim, uint64_t calls);

#endif
