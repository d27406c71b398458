/* What must hold when a run is over: see the functions. Each broken promise is printed. */
#ifndef ASSENT_TESTS_SIM_CHECK_H
#define ASSENT_TESTS_SIM_CHECK_H

#include "sim.h"

void sim_check(struct sim *sim);

#endif
