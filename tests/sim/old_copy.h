/* A disk that is copied in the middle of a run, and takes the place of the newest one after its
 * end: what a backup that was put back, or a second machine with the same directory, looks like. */
#ifndef ASSENT_TESTS_SIM_OLD_COPY_H
#define ASSENT_TESTS_SIM_OLD_COPY_H

#include "sim.h"

/* Copies a disk when its time has come. */
void sim_old_copy_take(struct sim *sim);
/* After the checks of a run: a node starts on the copy. The others must notice: a participant is
 * quarantined by every coordinator, a coordinator is fenced. */
void sim_old_copy_return(struct sim *sim);

#endif
