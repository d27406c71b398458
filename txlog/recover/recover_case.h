/* One transaction before several nodes: what the log of each proves of it, and what follows from
 * all of them together by the rules of docs/protocol.md. Pure.
 *
 *   mode A   the COMMIT record of its coordinator is the decision; without one it is aborted
 *   mode D   committed when the PREPARED record of every member is durable
 *   one phase  the COMMITTED record of its only member
 *
 * A fact counts only where the log can be relied on: what an older image or a damaged log does not
 * hold proves nothing; what it holds was true. */
#ifndef ASSENT_TXLOG_RECOVER_CASE_H
#define ASSENT_TXLOG_RECOVER_CASE_H

#include "txlog/recover/recover_known.h"

/* What one node says of it: name, text */
#define CASE_FACTS(X)                                                                              \
    X(CASE_ABSENT, "directory not given")      /* nobody has asked it */                           \
    X(CASE_UNPROVEN, "nothing, unproven")      /* no record, and that proves nothing */            \
    X(CASE_NEVER, "nothing, and that is a no") /* it has never promised, or its promise is over */ \
    X(CASE_GONE, "finished and forgotten")     /* below the mark of its coordinator */             \
    X(CASE_PREPARED, "prepared")               /* in doubt */                                      \
    X(CASE_COMMITTED, "committed")             /* participant */                                   \
    X(CASE_ABORTED, "aborted")                 /* participant, after PREPARED */                   \
    X(CASE_BY_OPERATOR, "decided by an operator")                                                  \
    X(CASE_DECIDED, "decided to commit") /* coordinator: COMMIT, or OUTCOME of one phase */

enum case_fact {
#define X(name, text) name,
    CASE_FACTS(X)
#undef X
        CASE_FACTS_N
};
const char *case_fact_name(enum case_fact fact);

/* name, text */
#define CASE_VERDICTS(X)                                                                           \
    X(CASE_IS_COMMITTED, "committed")                                                              \
    X(CASE_IS_ABORTED, "aborted")                                                                  \
    X(CASE_IS_IN_DOUBT, "in doubt")           /* somebody is prepared, and nothing here decides */ \
    X(CASE_IS_CONTRADICTION, "contradiction") /* half done */                                      \
    X(CASE_IS_UNKNOWN, "unknown")             /* nothing here speaks of it */

enum case_verdict {
#define X(name, text) name,
    CASE_VERDICTS(X)
#undef X
        CASE_VERDICTS_N
};
const char *case_verdict_name(enum case_verdict verdict);

/* One node's log. Everything is borrowed. */
struct case_node {
    const char *name;
    struct recover_whom whom;
    const struct story *story;
    const struct tx_lineage *lineage;
    struct tx_lsn first; /* of its log */
    uint64_t start;      /* its newest one */
    bool damaged;        /* something of it cannot be read */
    bool older;          /* others have known more of it */
    struct tx_loss loss; /* declared of its log; all zero: none */
    bool copy;           /* a checkpoint: its node may have gone on */
};

struct recover_case {
    struct tx_id id;
    const struct case_node *nodes;
    size_t nodes_n;
    const struct tx_member *members; /* of a PREPARED, or else of the COMMIT; 0: no list is known */
    size_t members_n;
    bool prepared_list; /* the list is that of a PREPARED: it is whole */
};

enum case_fact recover_case_coordinator(const struct recover_case *c);
enum case_fact recover_case_member(const struct recover_case *c, const struct tx_name *name);

struct case_judgement {
    enum case_verdict verdict;
    char reason[1000]; /* sentences */
    char rule[200];    /* of docs/protocol.md */
};
void recover_case_judge(const struct recover_case *c, struct case_judgement *judgement);

#endif
