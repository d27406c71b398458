/* What transactions have read and appended, for the history: reads that were locked to the end
 * belong to the transaction. All others prove less, each for itself, as the isolation level has it;
 * docs/testing.md says what. */
#ifndef ASSENT_TESTS_SIM_SIM_READS_H
#define ASSENT_TESTS_SIM_SIM_READS_H

#include "sim_history.h"

/* Adds the transaction to the history. `tx` has everything but its operations on lists and rows. */
void sim_reads_add(struct sim *sim, const struct sim_attempt *attempt, struct history_tx *tx);

#endif
