/* One transaction before the directories of several nodes: what explain and plan have in common. */
#ifndef ASSENT_TXLOG_RECOVER_EXPLAIN_H
#define ASSENT_TXLOG_RECOVER_EXPLAIN_H

#include "txlog/recover/recover_case.h"
#include "txlog/recover/recover_node.h"

/* What the judge is told of a node; `out` borrows from the nodes. */
void recover_case_node(const struct recover_node *nodes, size_t n, size_t i, struct case_node *out);

/* "a: its log ends at LSN 900, and coordinator 1 had known it up to LSN 1000 in start 3 (END, LSN
 * 55): 100 records are lost". Empty when nobody has known more. */
void recover_denial_text(const struct recover_node *nodes, size_t n,
                         const struct recover_node *node, char *out, size_t size);

#endif
