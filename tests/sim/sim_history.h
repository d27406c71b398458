/* The history of a run (tests/check/history.h): written down as it happens, completed at its end.
 */
#ifndef ASSENT_TESTS_SIM_SIM_HISTORY_H
#define ASSENT_TESTS_SIM_SIM_HISTORY_H

#include "plan.h"

/* One attempt at a transaction, as its client saw it. UINT64_MAX for `completed`: never. */
struct sim_attempt {
    size_t client;
    const struct plan *plan;
    struct tx_id id;
    enum tx_outcome outcome;
    uint64_t invoked, completed;
    bool may_stay_unknown;
};

void sim_history_tx(struct sim *sim, const struct sim_attempt *attempt);
/* A key, as the history names it; and an operation on an account. */
uint32_t sim_history_key(struct sim *sim, const struct plan_op *op);
struct history_op sim_history_bank(struct sim *sim, const struct plan_op *op);
/* What a client heard that asked again. */
void sim_history_told(struct sim *sim, struct tx_id id, enum tx_outcome outcome);
/* Locks and sizes of a node at this moment. */
void sim_history_look(struct sim *sim, size_t node);
/* Records, balances, and how each node stands. */
void sim_history_end(struct sim *sim);

#endif
