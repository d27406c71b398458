/* What goes wrong, besides the network's daily losses: one fault after so many transactions. */
#ifndef ASSENT_TESTS_SIM_FAULTS_H
#define ASSENT_TESTS_SIM_FAULTS_H

#include "sim.h"

const char *sim_fault_name(enum sim_fault fault);
/* Draws when the next one comes: counted in transactions, so that a slow cluster is not buried. */
void sim_faults_next(struct sim *sim);
/* SIM_EVENT_FAULT: draws one and does it. */
void sim_fault(struct sim *sim);
/* SIM_EVENT_MEND: one that lasted for a while is over. */
void sim_fault_mend(struct sim *sim, const struct sim_event *event);
/* All that last are over. */
void sim_faults_heal(struct sim *sim);
/* A daemon that is asked to leave does so as soon as it is idle, or when its time is over. */
void sim_drain_step(struct sim *sim, size_t node);

/* A node sends this: now and then it dies right after it, where little else would notice that. */
void sim_fault_aim(struct sim *sim, size_t node, const struct tx_msg *msg);

#endif
