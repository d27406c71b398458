/* A store that takes its time, and that undoes what it does not like: as a database behind the
 * resource-manager interface (participant/rm.h) may. The built-in store does the work, when the
 * call is due. */
#ifndef ASSENT_TESTS_SIM_STORE_H
#define ASSENT_TESTS_SIM_STORE_H

#include "participant/part_core.h"
#include "participant/rm.h"
#include "sim.h"

struct sim_store;

/* NULL when the options have a store that answers at once. */
struct sim_store *sim_store_new(struct sim *sim, size_t node);
void sim_store_destroy(struct sim_store **store);
/* EXECUTE or PREPARE: SIM_EVENT_STORE tells when it is over. */
void sim_store_call(struct sim_store *store, struct rm *rm, const struct part_action *action);
/* The call with this number is over: what the core is told of it, valid until the next one. */
struct part_event sim_store_answer(struct sim_store *store, struct rm *rm, uint64_t number);

#endif
