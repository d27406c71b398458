/* No circle of waits lasts: "every wait across participants goes from a younger transaction to an
 * older one, or to one that is about to end" (docs/protocol.md). No participant sees the whole
 * circle, and a lock timeout that breaks it in the end would hide it; here all of them are seen at
 * once. Looked at in runs without faults, where nothing else makes anybody wait for long. */
#ifndef ASSENT_TESTS_SIM_WAITS_H
#define ASSENT_TESTS_SIM_WAITS_H

#include "sim.h"

/* After every event; it looks now and then. */
void sim_waits_look(struct sim *sim);

#endif
