/* The shell around a coordinator's core, on virtual time and disk. */
#ifndef ASSENT_TESTS_SIM_SIM_COORDINATOR_H
#define ASSENT_TESTS_SIM_SIM_COORDINATOR_H

#include "coordinator/coord_core.h"
#include "sim.h"

/* A core as that of the node, for this start. */
struct coord_core *sim_coordinator_core_new(const struct sim *sim, size_t node, uint64_t epoch,
                                            uint64_t life);
/* False: it died before its START was durable. */
bool sim_coordinator_start(struct sim *sim, size_t node);
/* Drops everything that is not on disk. */
void sim_coordinator_stop(struct sim *sim, size_t node);
void sim_coordinator_step(struct sim *sim, size_t node, struct coord_event *event);
const struct coord_core *sim_coordinator_core(const struct sim_node *node);

#endif
