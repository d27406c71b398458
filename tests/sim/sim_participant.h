/* The shell around a participant's core and the built-in store, on virtual time and disk. */
#ifndef ASSENT_TESTS_SIM_SIM_PARTICIPANT_H
#define ASSENT_TESTS_SIM_SIM_PARTICIPANT_H

#include "participant/part_core.h"
#include "sim.h"

/* For the start that the node has got. */
struct part_options sim_participant_options(const struct sim *sim, size_t node);
/* False: it died before its START was durable. */
bool sim_participant_start(struct sim *sim, size_t node);
/* The store is done with the call of this number. */
void sim_participant_stored(struct sim *sim, size_t node, uint64_t number);
/* Drops everything that is not on disk. */
void sim_participant_stop(struct sim *sim, size_t node);
void sim_participant_step(struct sim *sim, size_t node, const struct part_event *event);
const struct part_core *sim_participant_core(const struct sim_node *node);

#endif
