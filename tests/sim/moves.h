/* Participants that move to another address: a new one, or those of two the other way round, so
 * that somebody else is where a member is looked for. */
#ifndef ASSENT_TESTS_SIM_MOVES_H
#define ASSENT_TESTS_SIM_MOVES_H

#include "sim.h"

/* Stops it, and perhaps another one, and gives them other addresses. Each coordinator starts again
 * some time after that, with them in its configuration; where two change places, all coordinators
 * are stopped with them, as docs/operations.md has it. */
void sim_move(struct sim *sim, size_t node);
/* A coordinator that does not know of all moves starts again, now. */
void sim_moves_tell(struct sim *sim, size_t node);
/* Who has that address now; SIM_NOBODY: nobody. */
size_t sim_moves_find(const struct sim *sim, const struct tx_address *address);

#endif
