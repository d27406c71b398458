/* One interactive transaction, as its client keeps it. */
#include "client/client_tx.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

enum tx_error client_tx_init(struct client_tx *tx, const struct tx_msg_begun *begun)
{
    *tx = (struct client_tx){
        .state = CLIENT_TX_OPEN, .id = begun->id, .age = begun->age, .token = begun->token};
    tx->nodes = calloc(begun->nodes_n > 0 ? begun->nodes_n : 1, sizeof *tx->nodes);
    if (tx->nodes == NULL) {
        return TX_ENOMEM;
    }
    tx->nodes_n = begun->nodes_n;
    for (size_t i = 0; i < begun->nodes_n; i++) {
        tx->nodes[i].member = begun->nodes[i];
    }
    return TX_OK;
}

void client_tx_deinit(struct client_tx *tx)
{
    free(tx->nodes);
    *tx = (struct client_tx){0};
}

struct client_node *client_tx_node(struct client_tx *tx, const struct tx_name *name)
{
    for (size_t i = 0; i < tx->nodes_n; i++) {
        if (tx_name_equal(&tx->nodes[i].member.name, name)) {
            return &tx->nodes[i];
        }
    }
    return NULL;
}

enum tx_error client_tx_step(struct client_tx *tx, struct client_node *node, size_t ops_n,
                             struct tx_why *why)
{
    TX_ASSERT(tx->state == CLIENT_TX_OPEN);
    TX_ASSERT(tx->ops_n <= TX_OPS_MAX);
    if (ops_n > TX_OPS_MAX - tx->ops_n) {
        return tx_why(why, TX_ELIMIT, "a transaction has at most %u operations", TX_OPS_MAX);
    }
    if (node->steps == 0 && tx->used_n == TX_MEMBERS_MAX) {
        return tx_why(why, TX_ELIMIT, "a transaction uses at most %u participants", TX_MEMBERS_MAX);
    }
    tx->used_n += node->steps == 0 ? 1 : 0;
    tx->ops_n += ops_n;
    node->steps++;
    return TX_OK;
}

void client_tx_unstep(struct client_tx *tx, struct client_node *node, size_t ops_n)
{
    TX_ASSERT(node->steps > 0);
    TX_ASSERT(tx->ops_n >= ops_n);
    node->steps--;
    tx->ops_n -= ops_n;
    tx->used_n -= node->steps == 0 ? 1 : 0;
}

enum tx_error client_tx_operated(struct client_tx *tx, struct client_node *node, uint32_t step,
                                 const struct tx_msg_operated *msg, size_t ops_n)
{
    TX_ASSERT(tx->state == CLIENT_TX_OPEN);
    TX_ASSERT(step > 0 && step <= node->steps);
    bool done = msg->reason == TX_REASON_NONE;
    if (msg->step != step || (done && msg->results_n != ops_n)) {
        return TX_EFORMAT;
    }
    if (!done) {
        client_tx_aborted(tx, msg->reason, &node->member.name, msg->text);
        return TX_ESTATE;
    }
    if (node->answered && msg->incarnation != node->member.incarnation) {
        return TX_ENODE;
    }
    node->answered = true;
    node->member.incarnation = msg->incarnation;
    node->wrote = node->wrote || msg->wrote;
    return TX_OK;
}

void client_tx_members(const struct client_tx *tx, struct tx_member *members)
{
    size_t n = 0;
    for (size_t i = 0; i < tx->nodes_n; i++) {
        const struct client_node *node = &tx->nodes[i];
        if (node->steps > 0) {
            TX_ASSERT(n < tx->used_n);
            members[n] = node->member;
            members[n].incarnation = node->answered ? node->member.incarnation : 0;
            members[n].read_only = !node->wrote;
            n++;
        }
    }
    TX_ASSERT(n == tx->used_n);
}

void client_tx_commit(struct client_tx *tx)
{
    TX_ASSERT(tx->state == CLIENT_TX_OPEN);
    tx->state = CLIENT_TX_COMMITTING;
}

void client_tx_unknown(struct client_tx *tx)
{
    TX_ASSERT(tx->state == CLIENT_TX_COMMITTING || tx->state == CLIENT_TX_UNKNOWN);
    tx->state = CLIENT_TX_UNKNOWN;
}

void client_tx_committed(struct client_tx *tx)
{
    TX_ASSERT(tx->state == CLIENT_TX_COMMITTING || tx->state == CLIENT_TX_UNKNOWN);
    tx->state = CLIENT_TX_COMMITTED;
}

void client_tx_aborted(struct client_tx *tx, enum tx_reason reason, const struct tx_name *who,
                       struct tx_bytes text)
{
    TX_ASSERT(tx->state != CLIENT_TX_COMMITTED && tx->state != CLIENT_TX_ABORTED);
    tx->state = CLIENT_TX_ABORTED;
    tx->reason = reason;
    tx->who = who != NULL ? *who : (struct tx_name){0};
    size_t len = text.len < sizeof tx->text.text - 1 ? text.len : sizeof tx->text.text - 1;
    if (len > 0) {
        memcpy(tx->text.text, text.data, len);
    }
    tx->text.text[len] = '\0';
}
