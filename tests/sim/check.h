/* When a run is over, and what must hold then. */
#ifndef ASSENT_TESTS_SIM_CHECK_H
#define ASSENT_TESTS_SIM_CHECK_H

#include "sim.h"

/* Nothing is open, locked, in doubt or down, and no client has anything left to do. */
bool sim_at_rest(const struct sim *sim);
/* Completes the history, and gives it to the checkers of tests/check; each witness is printed. */
void sim_check(struct sim *sim);

#endif
