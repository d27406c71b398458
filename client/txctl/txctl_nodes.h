/* The daemons of a cluster, all that can be found, for commands that ask every one of them.
 *
 * The coordinator knows the participants, and a participant the coordinators that have introduced
 * themselves to it: the handle's coordinator, the participants that its configuration names and the
 * addresses given are asked, all at once; whom they name, next, and so on. When somebody is silent,
 * the members of what participants are in doubt about are added, too. So the coordinator may be
 * gone, and several silent ones take no longer than one. */
#ifndef ASSENT_CLIENT_TXCTL_NODES_H
#define ASSENT_CLIENT_TXCTL_NODES_H

#include "client/txclient_admin.h"
#include "common/json.h"

#include <stdio.h>

#define TXCTL_COLUMNS 100u
#define TXCTL_AT_ONCE 32u /* daemons that are asked at the same time */

struct txctl_node {
    char *name; /* "a", "coordinator 1"; the address, until it has said who it is */
    char *address;
    bool coordinator;
    uint32_t id;           /* a coordinator: its number; 0: not known */
    txclient_node *status; /* NULL: it does not answer, and `problem` says why */
    txclient_txs *txs;     /* of the command that asked for them; NULL: none */
    char *problem;
};

struct txctl_nodes {
    struct txctl_node *items; /* coordinators and participants as they were found */
    size_t n;
    size_t silent_n; /* that do not answer */
};

/* Finds and asks them. `words` are further addresses of daemons. Complains on standard error and
 * gives the exit status, 0 when OK: that somebody does not answer is no failure here. */
int txctl_nodes_find(txclient *client, char **words, int words_n, struct txctl_nodes *nodes);
/* Asks each that answers for its transactions; one that does not any more becomes silent. */
void txctl_nodes_ask(txclient *client, const txclient_txs_query *query, struct txctl_nodes *nodes);
void txctl_nodes_deinit(struct txctl_nodes *nodes);
/* The one of this name; NULL when there is none. */
const struct txctl_node *txctl_nodes_named(const struct txctl_nodes *nodes, const char *name);

/* The row of a transaction at a node; NULL when there is none. */
const txclient_tx_row *txctl_node_row(const struct txctl_node *node, const char *tx);
/* Its number of rows. */
size_t txctl_node_rows(const struct txctl_node *node);

/* EX_UNAVAILABLE when somebody does not answer, else 0. */
int txctl_nodes_exit(const struct txctl_nodes *nodes);
/* For people: those that do not answer, a line each. For programs: "nodes", a list of all. */
void txctl_nodes_print_silent(const struct txctl_nodes *nodes, FILE *out);
void txctl_nodes_json(const struct txctl_nodes *nodes, struct json *json);
/* Begins the object of one: who it is, and whether it answers. */
void txctl_node_json_begin(const struct txctl_node *node, struct json *json);

/* Writes the words with `indent` blanks in front of every line but the first, which begins in
 * column `column`; no line is longer than TXCTL_COLUMNS unless a word is. Ends the line. */
void txctl_wrap(FILE *out, unsigned column, unsigned indent, const char *text);
/* Writes the text in `width` columns, cut with "~" at its end when it is longer. */
void txctl_cell(FILE *out, unsigned width, const char *text);
/* What `indent`, `format` and so on give, wrapped. */
__attribute__((format(printf, 3, 4))) void txctl_line(FILE *out, unsigned indent,
                                                      const char *format, ...);

#endif
