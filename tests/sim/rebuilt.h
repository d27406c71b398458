/* A cluster that is rebuilt from a cut: every daemon's log up to its position there, on a disk of
 * its own, and the data that these records make. It starts in the place of the first one, which
 * has come to its end, and goes on with clients and faults of its own until it is at rest. Then
 * every checker looks at both lives as one history: what the clients of the first were told before
 * the cut was begun must be there, and nothing may be half there. */
#ifndef ASSENT_TESTS_SIM_REBUILT_H
#define ASSENT_TESTS_SIM_REBUILT_H

#include "sim.h"

/* The disks of a cluster that is rebuilt, before anybody starts; nothing for any other. */
void sim_rebuilt_disks(struct sim *sim);
/* At the end of a run that has broken nothing. */
void sim_rebuilt(struct sim *sim);

#endif
