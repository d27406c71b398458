/* Steps: operations of an interactive transaction at a participant, several under way at once.
 *
 *     PARKED --there is room--> SENT --answered--> over
 *        ^                       |  |
 *        +--"not yet"------------+  +--failed--> ABORTING --the coordinator knows--> over
 *
 * A participant does its steps in their order and refuses one that comes while it still waits for a
 * lock with the one before; a step behind a gap undoes the transaction. So two are on their way at
 * most: the second is either done after the first, or refused before the first is answered, and
 * then sent again. A third could arrive after the first is done and before the second comes again.
 */
#include "client/client_shell.h"

#include "common/assert.h"

/* Between two attempts at a participant that does not know the coordinator yet. */
#define INTRODUCTION_PAUSE_MS 50u
#define UNDER_WAY_MAX         2u

static struct client_operation *operation_of(struct client_flow *flow)
{
    return (struct client_operation *)flow;
}

/* ---- the transaction's list ---- */

static void list_add(struct client_operation *operation)
{
    txclient_tx *tx = operation->tx;
    operation->next = NULL;
    operation->previous = tx->operations_last;
    *(operation->previous != NULL ? &operation->previous->next : &tx->operations) = operation;
    tx->operations_last = operation;
}

static void list_remove(struct client_operation *operation)
{
    txclient_tx *tx = operation->tx;
    *(operation->previous != NULL ? &operation->previous->next : &tx->operations) = operation->next;
    *(operation->next != NULL ? &operation->next->previous : &tx->operations_last) =
        operation->previous;
}

static bool is_first(const struct client_operation *operation)
{
    const struct client_operation *at = operation->tx->operations;
    while (at != operation && at->node != operation->node) {
        at = at->next;
    }
    return at == operation;
}

static size_t on_their_way(const txclient_tx *tx, const struct client_node *node)
{
    size_t n = 0;
    for (const struct client_operation *at = tx->operations; at != NULL; at = at->next) {
        n += at->node == node && at->state == CLIENT_OPERATION_SENT ? 1 : 0;
    }
    return n;
}

static void operation_over(struct client_operation *operation, txclient_status status)
{
    list_remove(operation);
    client_flow_over(&operation->flow, status);
}

static txclient_status note_aborted(const txclient_tx *tx, struct client_detail *detail)
{
    return client_fail_aborted(detail, tx->core.reason, &tx->core.who,
                               tx_bytes_str(tx->core.text.text));
}

void client_operations_drop(txclient_tx *tx, const struct client_operation *but)
{
    TX_ASSERT(tx->core.state == CLIENT_TX_ABORTED);
    struct client_operation *next = NULL;
    for (struct client_operation *at = tx->operations; at != NULL; at = next) {
        next = at->next;
        if (at != but && at->state != CLIENT_OPERATION_ABORTING) {
            client_flow_cancel(&at->flow);
            operation_over(at, note_aborted(tx, at->flow.detail));
        }
    }
    if (tx->commit != NULL) {
        struct client_flow *flow = &tx->commit->flow;
        tx->commit = NULL;
        client_flow_over(flow, note_aborted(tx, flow->detail));
    }
}

/* ---- failures ---- */

static enum tx_reason abort_reason(enum tx_error error, const struct client_reply *reply)
{
    if (error == TX_EUNREACHABLE) {
        return TX_REASON_UNREACHABLE;
    }
    if (error == TX_ETIMEOUT) {
        return TX_REASON_TIMEOUT;
    }
    if (error == TX_ENODE) {
        return TX_REASON_RESTARTED;
    }
    if (!reply->refused) {
        return TX_REASON_REFUSED;
    }
    bool forgotten = reply->refusal == TX_EUNKNOWN || reply->refusal == TX_ESTATE;
    if (reply->reason == TX_REASON_NONE) {
        return forgotten ? TX_REASON_RESTARTED : TX_REASON_REFUSED;
    }
    return reply->reason;
}

static void operation_aborted(struct client_operation *operation)
{
    struct client_detail *detail = operation->flow.detail;
    operation_over(operation, operation->no_memory
                                  ? client_fail(detail, TXCLIENT_ENOMEM,
                                                "out of memory; the transaction is aborted")
                                  : note_aborted(operation->tx, detail));
}

static void abort_told(struct client_flow *flow, enum tx_error error)
{
    struct client_operation *operation = operation_of(flow);
    if (error == TX_OK && !flow->reply.refused &&
        operation->outcome.outcome == TX_OUTCOME_ABORTED) {
        client_acks_add(&flow->client->acks, operation->tx->core.id);
    }
    operation_aborted(operation);
}

/* Whatever the participant has done or not, this transaction must not commit: a step is missing. */
static void abort_after(struct client_operation *operation, enum tx_error error)
{
    txclient_tx *tx = operation->tx;
    struct client_flow *flow = &operation->flow;
    operation->no_memory = error == TX_ENOMEM;
    if (tx->core.state != CLIENT_TX_OPEN && tx->core.reason != TX_REASON_RESTARTED) {
        client_operations_drop(tx, operation);
        operation_aborted(operation); /* undone by the participant, which has told */
        return;
    }
    if (tx->core.state == CLIENT_TX_OPEN) {
        (void)client_fail_call(flow, error);
        struct tx_why cause = flow->detail->text;
        if (error == TX_ENODE) {
            (void)tx_why(&cause, TX_OK, "it has restarted since an earlier operation");
        }
        client_tx_aborted(&tx->core, abort_reason(error, &flow->reply),
                          &operation->node->member.name, tx_bytes_str(cause.text));
    } /* else it has restarted, and its word may come before its introduction and go unheard */
    operation->state = CLIENT_OPERATION_ABORTING;
    client_operations_drop(tx, operation);
    client_tell_abort(flow, tx, &operation->outcome, abort_told);
}

/* ---- sending ---- */

static enum tx_error take_operated(void *arg, const struct tx_msg *answer)
{
    struct client_operation *operation = arg;
    txclient_tx *tx = operation->tx;
    enum tx_error error = client_tx_operated(&tx->core, operation->node, operation->step,
                                             &answer->operated, operation->ops_n);
    if (error == TX_OK && operation->values != NULL) {
        error = client_copy_values(&tx->values, operation->ops, answer->operated.results,
                                   operation->ops_n, operation->values);
    }
    return error;
}

static void answered(struct client_flow *flow, enum tx_error error);

static struct tx_msg message_of(const struct client_operation *operation, uint64_t req)
{
    const txclient_tx *tx = operation->tx;
    return (struct tx_msg){.type = TX_MSG_OPERATE,
                           .operate = {.req = req,
                                       .id = tx->core.id,
                                       .token = tx->core.token,
                                       .age = tx->core.age,
                                       .step = operation->step,
                                       .lock_timeout_ms = (uint32_t)tx->lock_timeout_ms,
                                       .isolation = tx->isolation,
                                       .ops = operation->ops,
                                       .ops_n = operation->ops_n}};
}

static enum tx_error operation_ask(struct client_operation *operation)
{
    txclient_tx *tx = operation->tx;
    struct txclient *client = tx->client;
    struct client_channel *channel = NULL;
    struct tx_why why;
    enum tx_error error =
        client_channel_get(client, &operation->node->member.address, &channel, &why);
    if (error != TX_OK) {
        return error;
    }
    uint64_t req = client_pending_next_req(&client->pending);
    struct tx_msg msg = message_of(operation, req);
    uint64_t timeout_ms = client->settings.request_timeout_ms + tx->lock_timeout_ms;
    struct client_call call = {.to = channel,
                               .msg = &msg,
                               .req = req,
                               .answer = TX_MSG_OPERATED,
                               .id = tx->core.id,
                               .timeout_us = timeout_ms * CLIENT_MS,
                               .take = take_operated,
                               .arg = operation};
    if (operation->until_us == 0) {
        operation->until_us = client_now_us() + call.timeout_us;
    }
    operation->state = CLIENT_OPERATION_SENT;
    return client_flow_ask(&operation->flow, &call, answered);
}

static void ask_again(struct client_operation *operation)
{
    enum tx_error error = operation_ask(operation);
    if (error != TX_OK) {
        abort_after(operation, error);
    }
}

/* Sends what is parked at a participant, as far as there is room. */
static void unpark(txclient_tx *tx, struct client_node *node)
{
    struct client_operation *at = tx->operations;
    size_t room = UNDER_WAY_MAX;
    while (at != NULL && room > 0) {
        struct client_operation *next = at->next;
        if (at->node == node && at->state == CLIENT_OPERATION_PARKED) {
            if (on_their_way(tx, node) >= UNDER_WAY_MAX || (at->alone && !is_first(at))) {
                return;
            }
            room--;
            ask_again(at);
            if (tx->core.state != CLIENT_TX_OPEN) {
                return; /* that has failed, and the list is another */
            }
        }
        at = next;
    }
}

static void introduction_over(struct client_flow *flow, enum tx_error error)
{
    (void)error;
    ask_again(operation_of(flow));
}

/* A participant takes no operation before the transaction's coordinator has introduced itself
 * there, which it does a moment after either has started; and none while it waits with an earlier
 * one. Nothing was done: the same step may be sent again. */
static bool try_again(struct client_operation *operation)
{
    struct client_flow *flow = &operation->flow;
    const struct client_reply *reply = &flow->reply;
    bool busy = reply->refusal == TX_ESTATE && reply->reason == TX_REASON_NONE;
    bool early = reply->refusal == TX_EUNREACHABLE && client_now_us() < operation->until_us;
    if (!is_first(operation) && (busy || early)) {
        operation->state = CLIENT_OPERATION_PARKED;
        operation->alone = true;
        return true;
    }
    if (early) {
        client_flow_pause(flow, INTRODUCTION_PAUSE_MS * CLIENT_MS, introduction_over);
        return true;
    }
    return false;
}

static void answered(struct client_flow *flow, enum tx_error error)
{
    struct client_operation *operation = operation_of(flow);
    txclient_tx *tx = operation->tx;
    struct client_node *node = operation->node;
    if (error == TX_OK && flow->reply.refused && try_again(operation)) {
        return;
    }
    if (error != TX_OK || flow->reply.refused) {
        abort_after(operation, error);
        return;
    }
    operation_over(operation, TXCLIENT_OK);
    unpark(tx, node);
    if (tx->operations == NULL && tx->commit != NULL) {
        struct client_finish *commit = tx->commit;
        tx->commit = NULL;
        client_commit_go(commit);
    }
}

struct client_node *client_find_node(txclient_tx *tx, const struct tx_name *name,
                                     struct client_detail *detail)
{
    struct client_node *node = client_tx_node(&tx->core, name);
    if (node == NULL) {
        (void)client_fail(detail, TXCLIENT_EINVAL, "the coordinator knows no participant \"%s\"",
                          name->s);
    }
    return node;
}

/* The new one is at the end of the list. */
static enum tx_error send_or_park(struct client_operation *operation)
{
    txclient_tx *tx = operation->tx;
    const struct client_operation *at = tx->operations;
    while (at->node != operation->node || at->state != CLIENT_OPERATION_PARKED) {
        at = at->next;
    }
    if (at == operation && on_their_way(tx, operation->node) < UNDER_WAY_MAX) {
        return operation_ask(operation);
    }
    struct tx_msg msg = message_of(operation, UINT64_MAX);
    return client_flow_try(&operation->flow, &msg);
}

void client_operation_start(struct client_operation *operation, txclient_tx *tx,
                            const struct tx_op *ops, size_t ops_n, txclient_value *values)
{
    struct client_flow *flow = &operation->flow;
    struct client_node *node = client_find_node(tx, &ops[0].participant, flow->detail);
    if (node == NULL) {
        client_flow_over(flow, TXCLIENT_EINVAL);
        return;
    }
    struct tx_why why;
    struct client_channel *channel = NULL;
    enum tx_error error = client_channel_get(flow->client, &node->member.address, &channel, &why);
    if (error == TX_OK) {
        error = client_tx_step(&tx->core, node, ops_n, &why);
    }
    if (error != TX_OK) {
        client_flow_over(flow, client_fail(flow->detail, client_status_of(error), "%s", why.text));
        return;
    }
    client_detail_reference(flow->detail, tx->core.id, &node->member, 1);
    operation->tx = tx;
    operation->node = node;
    operation->step = node->steps;
    operation->state = CLIENT_OPERATION_PARKED;
    operation->alone = false;
    operation->no_memory = false;
    operation->until_us = 0;
    operation->ops = ops;
    operation->ops_n = ops_n;
    operation->values = values;
    list_add(operation);
    error = send_or_park(operation);
    if (error != TX_OK) {
        /* What has never left this process leaves the transaction as it was. */
        client_tx_unstep(&tx->core, node, ops_n);
        operation_over(operation, client_fail_call(flow, error));
    }
}
