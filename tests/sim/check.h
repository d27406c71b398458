/* What must hold when a run is over: see the functions. Each broken promise is printed. */
#ifndef ASSENT_TESTS_SIM_CHECK_H
#define ASSENT_TESTS_SIM_CHECK_H

#include "sim.h"

/* Nothing is open, locked, in doubt or down, and no client has anything left to do. */
bool sim_at_rest(const struct sim *sim);
void sim_check(struct sim *sim);

#endif
