/* A damaged disk: before it starts, a node is now and then shown a changed copy of its log, as a
 * disk that has rotted would show it. It must refuse, with an error that names the place, or come
 * to a state that passes its own checks. Nothing that it does then counts; then it starts with its
 * true log, as a daemon does whose directory was restored. */
#ifndef ASSENT_TESTS_SIM_ROT_H
#define ASSENT_TESTS_SIM_ROT_H

#include "sim.h"

/* Before the node starts; and at the end, as before a start that does not come. Draws from a stream
 * of its own: the run stays as it is. */
void sim_rot(struct sim *sim, size_t node);

#endif
