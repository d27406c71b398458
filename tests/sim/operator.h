/* An operator who decides transactions in doubt by hand, rightly or wrongly; and what that excuses
 * in the history: exactly the transactions that were decided so. */
#ifndef ASSENT_TESTS_SIM_OPERATOR_H
#define ASSENT_TESTS_SIM_OPERATOR_H

#include "sim.h"

/* Decides one of those that are in doubt at this participant; or tries it with any other one, which
 * must be refused. */
void sim_operator_resolve(struct sim *sim, size_t node);
/* Has an operator decided this one anywhere? */
bool sim_operator_decided(const struct sim *sim, struct tx_id id);
/* Has one that an operator has decided prepared to write this key? */
bool sim_operator_wrote(const struct sim *sim, const char *key);
/* At the end, before the records are read: which ones were really decided so. */
void sim_operator_collect(struct sim *sim);
/* And after that: a wrong decision must have been told as DAMAGE, a right one not; and the history
 * must not judge those transactions, nor money and lists after a wrong one. */
void sim_operator_end(struct sim *sim);

/* Asks the next daemon how it is. */
void sim_operator_watch(struct sim *sim);

#endif
