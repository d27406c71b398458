/* A plan: what is in doubt in the directories of stopped participants, and what the directories of
 * all nodes prove about it. An action decides one transaction at one participant, as an operator
 * would, and only ever as the evidence does. */
#ifndef ASSENT_TXLOG_RECOVER_PLAN_H
#define ASSENT_TXLOG_RECOVER_PLAN_H

#include "txlog/recover/recover_case.h"
#include "txlog/recover/recover_node.h"

struct recover_fact {
    size_t node;
    enum case_fact fact;
    struct tx_lsn lsn; /* of the record that says so; 0: that there is none says so */
};

/* One transaction in doubt at one participant. */
struct recover_step {
    size_t node; /* the participant */
    struct tx_id tx;
    struct tx_lsn prepared; /* its PREPARED there */
    bool decided;           /* an action; else nothing can be done, and `reason` says why */
    bool commit;
    enum case_verdict verdict;
    char reason[1000], rule[200];
    struct recover_fact *facts; /* of its coordinator and its members, as far as they are here */
    size_t facts_n;
};

struct recover_plan {
    struct recover_node *nodes;
    size_t nodes_n;
    struct recover_step *steps;
    size_t steps_n;
};

/* Reads all of it; damage goes to stderr. 0, or the exit status after a complaint: a directory is
 * in use, of another cluster, given twice, or a mere checkpoint. recover_plan_deinit() has to
 * follow. */
int recover_plan_make(struct recover_plan *plan, const char *const *directories,
                      size_t n) TX_MUST_CHECK;
void recover_plan_deinit(struct recover_plan *plan);
/* How many steps are actions; at `node`, or anywhere when it is SIZE_MAX. */
size_t recover_plan_actions(const struct recover_plan *plan, size_t node);

#endif
