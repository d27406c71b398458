/* What one transaction of a client does: the kinds of work, as operations. */
#ifndef ASSENT_TESTS_SIM_PLAN_H
#define ASSENT_TESTS_SIM_PLAN_H

#include "sim.h"

enum plan_kind {
    PLAN_ADD,   /* a transfer with counters */
    PLAN_WRITE, /* a transfer that reads both accounts, then writes them */
    PLAN_TOTAL, /* reads all accounts: their sum is zero in every committed transaction */
};

struct plan {
    enum plan_kind kind;
    bool submit, keyed, aborts;
    unsigned from, to; /* participants */
    unsigned from_account, to_account;
    int64_t amount;
    char key[32]; /* idempotency key; each may take effect once */
    unsigned steps;
    /* what a run of it has read */
    int64_t sum;
    int64_t balance[2];
    char names[SIM_ACCOUNTS][8];
    char texts[2][24];
};

#define PLAN_OPS_MAX (SIM_ACCOUNTS * SIM_PARTICIPANTS_MAX + 1)

void plan_draw(struct plan *plan, struct sim *sim, uint64_t serial);
/* The operations of a step from 0, which borrow from the plan, and their participant. */
size_t plan_step(struct plan *plan, unsigned step, struct tx_op *ops, unsigned *participant);
/* All of them, for a SUBMIT. */
size_t plan_all(struct plan *plan, const struct sim *sim, struct tx_op *ops);
/* Takes in what a step read; false: it is not what the plan allows. */
bool plan_read(struct plan *plan, unsigned step, const struct tx_result *results, size_t n);
/* Forgets what was read, for the next attempt. */
void plan_again(struct plan *plan);

#endif
