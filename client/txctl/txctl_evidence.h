/* What the daemons of a cluster know of one transaction, and what follows from that. */
#ifndef ASSENT_CLIENT_TXCTL_EVIDENCE_H
#define ASSENT_CLIENT_TXCTL_EVIDENCE_H

#include "client/txctl/txctl_nodes.h"

enum evidence_outcome {
    EVIDENCE_UNKNOWN, /* nobody who answers can tell */
    EVIDENCE_OPEN,    /* its coordinator lives and has not decided yet */
    EVIDENCE_COMMITTED,
    EVIDENCE_ABORTED,
};

struct evidence {
    enum evidence_outcome
        outcome;       /* that of its coordinator, or of its members where they decide */
    char reason[400];  /* why, in one sentence */
    char against[400]; /* what proves the contrary: then the outcome is unknown */
    char members[600]; /* "a,b", as far as anybody names them; else empty */
    char other[64];    /* a participant where an operator has decided; empty: none */
    bool other_commit; /* what he has decided there */
};

/* Judges what the nodes have answered for this id (txctl_nodes_ask() with it). A coordinator that
 * has answered is asked for the outcome as well, which makes members that are not prepared refuse,
 * unless `client` is NULL. */
void evidence_judge(txclient *client, const struct txctl_nodes *nodes, const char *tx,
                    struct evidence *evidence);

/* "committed", "aborted", "open", "unknown". Static. */
const char *evidence_outcome_name(enum evidence_outcome outcome);

/* What each node has said, for people and for programs ("known", a list). */
void evidence_print(const struct txctl_nodes *nodes, const char *tx, FILE *out);
void evidence_json(const struct txctl_nodes *nodes, const char *tx, struct json *json);

#endif
