/* The client's bookkeeping of one interactive transaction: which participants it has used, with
 * which steps, in which incarnation, and whether it wrote there. Pure: no clock, no sockets.
 *
 *     OPEN --commit--> COMMITTING --outcome--> COMMITTED | ABORTED
 *       |                  |
 *       |                  +--no outcome--> UNKNOWN --found out--> COMMITTED | ABORTED
 *       +--operation failed, no answer, abort--> ABORTED
 *
 * A transaction that leaves OPEN for ABORTED has never asked for its commit, so that ABORTED is
 * certain. */
#ifndef ASSENT_CLIENT_CLIENT_TX_H
#define ASSENT_CLIENT_CLIENT_TX_H

#include "common/msg.h"

enum client_tx_state {
    CLIENT_TX_OPEN,
    CLIENT_TX_COMMITTING,
    CLIENT_TX_UNKNOWN,
    CLIENT_TX_COMMITTED,
    CLIENT_TX_ABORTED,
};

/* A participant of the cluster, as BEGUN named it, and what this transaction did there. */
struct client_node {
    struct tx_member
        member;     /* incarnation: of the first answer; read_only is set when a list is made */
    uint32_t steps; /* OPERATEs made so far; 0: not used */
    bool answered;  /* the incarnation is known */
    bool wrote;
};

struct client_tx {
    enum client_tx_state state;
    struct tx_id id;
    struct tx_age age;
    struct tx_token token;
    struct client_node *nodes;
    size_t nodes_n;
    size_t used_n; /* nodes with steps */
    size_t ops_n;  /* operations so far */
    /* ABORTED */
    enum tx_reason reason;
    struct tx_name who;
    struct tx_why text;
};

/* Takes what BEGUN says. TX_ENOMEM. */
enum tx_error client_tx_init(struct client_tx *tx, const struct tx_msg_begun *begun) TX_MUST_CHECK;
void client_tx_deinit(struct client_tx *tx);

/* The participant of this name; NULL when the cluster has none. Borrowed from `tx`. */
struct client_node *client_tx_node(struct client_tx *tx, const struct tx_name *name);

/* Opens the next step at a node, for `ops_n` operations. TX_ELIMIT with a text, and nothing has
 * changed. */
enum tx_error client_tx_step(struct client_tx *tx, struct client_node *node, size_t ops_n,
                             struct tx_why *why) TX_MUST_CHECK;

/* Takes back the step that was opened last, which has not left this process. */
void client_tx_unstep(struct client_tx *tx, struct client_node *node, size_t ops_n);

/* Takes the answer to a step that is open at `node`. TX_OK: done. TX_ESTATE: the participant has
 * undone the transaction, which is ABORTED now. Nothing has changed, and the caller must abort, for
 * TX_ENODE (it is not the incarnation that did the earlier steps: they are lost) and TX_EFORMAT
 * (the answer does not fit). */
enum tx_error client_tx_operated(struct client_tx *tx, struct client_node *node, uint32_t step,
                                 const struct tx_msg_operated *msg, size_t ops_n) TX_MUST_CHECK;

/* The nodes used, with the read_only mark where nothing was written. `members` has room for used_n.
 */
void client_tx_members(const struct client_tx *tx, struct tx_member *members);

/* Moves the state; the moves of the diagram alone are allowed. `who` may be NULL. */
void client_tx_commit(struct client_tx *tx);
void client_tx_unknown(struct client_tx *tx);
void client_tx_committed(struct client_tx *tx);
void client_tx_aborted(struct client_tx *tx, enum tx_reason reason, const struct tx_name *who,
                       struct tx_bytes text);

#endif
