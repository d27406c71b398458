/* One participant loses its disk, comes back with what it had at an earlier moment and the loss
 * declared, and is let in again by an operator (docs/protocol.md, "A loss that is declared").
 *
 * Less can be promised of such a run than of others: what is lost is lost, and whoever has read it
 * goes on. So it has checks of its own: all others and the clients agree on every outcome; the
 * restored participant contradicts nobody; and of each commit that it lacks it is in doubt, or an
 * alarm names it, or it had acknowledged it before. */
#ifndef ASSENT_TESTS_SIM_REJOIN_H
#define ASSENT_TESTS_SIM_REJOIN_H

#include "sim.h"

/* Does a participant lose its disk in this run? */
bool sim_rejoins(const struct sim *sim);
/* What cannot go together with that is taken out of the options. */
void sim_rejoin_begin(struct sim *sim);
/* Between two events: takes the backup, loses the disk, lets it in again, each in its time. */
void sim_rejoin_look(struct sim *sim);
/* Is this alarm one that has to come? */
bool sim_rejoin_explains(const struct sim *sim, size_t node, struct tx_bytes text);
/* The end of the run. */
void sim_rejoin_check(struct sim *sim);

#endif
