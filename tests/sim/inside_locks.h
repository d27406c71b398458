/* Locks inside of a participant that no name alone shows: ranges against keys, and what a restart
 * has to take again. */
#ifndef ASSENT_TESTS_SIM_INSIDE_LOCKS_H
#define ASSENT_TESTS_SIM_INSIDE_LOCKS_H

#include "sim.h"

/* No key that somebody may write lies in a range that somebody else has locked. */
void inside_locks_ranges(struct sim *sim, size_t node);
/* Before a participant stops: what the prepared transactions hold. */
void inside_locks_keep(struct sim *sim, size_t node);
/* When it has read its log: do they hold that again? Those that are still prepared. */
void inside_locks_compare(struct sim *sim, size_t node);

#endif
