/* Cuts under way: clients ask for them, at any moment of a run; what they are told must be in the
 * logs at the end. */
#ifndef ASSENT_TESTS_SIM_CUTS_H
#define ASSENT_TESTS_SIM_CUTS_H

#include "sim.h"

/* A transaction has begun: time for the next cut? */
void sim_cuts_due(struct sim *sim);
/* A client asks for a new cut: SIM_EVENT_CUT. */
void sim_cuts_ask(struct sim *sim, size_t client);
void sim_cuts_answered(struct sim *sim, size_t client, size_t from, const struct tx_msg_cut *cut);
/* A daemon writes a CUT record, which may still be lost. */
void sim_cuts_taken(struct sim *sim, const struct txlog_record *record);
/* When anybody has taken the cut that stands for that number first; UINT64_MAX: nobody. */
uint64_t sim_cuts_first_us(const struct sim *sim, uint64_t number);
/* The position of a node in that cut, as its log has it; 0: it never took it. */
struct tx_lsn sim_cuts_position(const struct sim_node *node, uint64_t number);
/* The end: numbers ascend in every log, and every position that a client was told is right. */
void sim_cuts_check(struct sim *sim);
void sim_cuts_deinit(struct sim *sim);

#endif
