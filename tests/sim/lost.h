/* A coordinator that is lost with transactions in flight. It stays away until the members have
 * settled, among themselves, all that they decide; those of the other mode wait for it. Then it
 * comes back after all, so that whatever else is promised can be checked at the end. */
#ifndef ASSENT_TESTS_SIM_LOST_H
#define ASSENT_TESTS_SIM_LOST_H

#include "sim.h"

/* Before an event: is it time to lose one? */
void sim_lost_take(struct sim *sim);
/* It stays away. */
bool sim_lost_is(const struct sim *sim, size_t node);
/* The faults after that are over. */
bool sim_lost_long(const struct sim *sim);
/* When everything else has healed, at every look: have the members settled it? */
void sim_lost_look(struct sim *sim);

#endif
