/* Interactive transactions: begin, the single operations, and the transaction itself. */
#include "client/client_shell.h"

#include "client/client_reference.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- begin ---- */

static enum tx_error take_begun(void *arg, const struct tx_msg *answer)
{
    txclient_tx *tx = arg;
    return client_tx_init(&tx->core, &answer->begun);
}

static void tx_link(txclient_tx *tx)
{
    tx->next = tx->client->txs;
    if (tx->next != NULL) {
        tx->next->previous = tx;
    }
    tx->client->txs = tx;
}

static void tx_unlink(txclient_tx *tx)
{
    if (tx->next != NULL) {
        tx->next->previous = tx->previous;
    }
    if (tx->previous != NULL) {
        tx->previous->next = tx->next;
    } else if (tx->client != NULL) {
        tx->client->txs = tx->next;
    }
}

void client_tx_free(txclient_tx *tx)
{
    client_tx_deinit(&tx->core);
    tx_arena_deinit(&tx->values);
    tx_buf_deinit(&tx->reference);
    free(tx);
}

static void begun(struct client_flow *flow, enum tx_error error)
{
    struct client_begin *begin = (struct client_begin *)flow;
    if (error != TX_OK || flow->reply.refused) {
        client_tx_free(begin->tx);
        begin->tx = NULL;
        client_flow_over(flow, client_fail_call(flow, error));
        return;
    }
    tx_link(begin->tx);
    client_detail_reference(flow->detail, begin->tx->core.id, NULL, 0);
    client_flow_over(flow, TXCLIENT_OK);
}

/* A second BEGIN that was sent because the first one's answer was late begins another transaction;
 * the one that nobody uses ends at the coordinator's idle limit. */
void client_begin_start(struct client_begin *begin, const struct client_terms *terms)
{
    struct client_flow *flow = &begin->flow;
    struct txclient *client = flow->client;
    begin->tx = NULL;
    if (client_check_isolation(flow->detail, terms->isolation) != TXCLIENT_OK ||
        client_check_commit_mode(flow->detail, terms->commit_mode) != TXCLIENT_OK) {
        client_flow_over(flow, TXCLIENT_EINVAL);
        return;
    }
    txclient_tx *tx = calloc(1, sizeof *tx);
    if (tx == NULL) {
        client_flow_over(flow, client_fail(flow->detail, TXCLIENT_ENOMEM, "out of memory"));
        return;
    }
    tx->client = client;
    tx->lock_timeout_ms = terms->lock_timeout_ms;
    tx->isolation = (enum tx_isolation)terms->isolation;
    tx->commit_mode = (enum tx_commit_mode)terms->commit_mode;
    begin->tx = tx;
    uint64_t req = client_pending_next_req(&client->pending);
    struct tx_msg msg = {.type = TX_MSG_BEGIN, .begin = {.req = req, .age = terms->age}};
    struct client_call call = {.to = client->coordinator,
                               .msg = &msg,
                               .req = req,
                               .answer = TX_MSG_BEGUN,
                               .timeout_us = client->settings.request_timeout_ms * CLIENT_MS,
                               .take = take_begun,
                               .arg = tx};
    client_flow_go(flow, &call, begun);
}

txclient_status client_begin_on(txclient *client, const struct client_terms *terms,
                                txclient_tx **tx)
{
    *tx = NULL;
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    struct client_begin begin;
    client_flow_init(&begin.flow, client, &self->detail, self);
    client_begin_start(&begin, terms);
    txclient_status status = client_flow_wait(&begin.flow);
    *tx = begin.tx;
    client_unlock(client);
    return status;
}

static struct client_terms terms_of(const txclient_begin_options *options)
{
    return (struct client_terms){.lock_timeout_ms = options != NULL ? options->lock_timeout_ms : 0,
                                 .isolation = CLIENT_ISOLATION(options, txclient_begin_options),
                                 .commit_mode =
                                     CLIENT_COMMIT_MODE(options, txclient_begin_options)};
}

txclient_status txclient_begin(txclient *client, const txclient_begin_options *options,
                               txclient_tx **tx)
{
    struct client_terms terms = terms_of(options);
    return client_begin_on(client, &terms, tx);
}

txclient_status txclient_begin_async(txclient *client, const txclient_begin_options *options,
                                     txclient_done done, void *arg)
{
    struct client_terms terms = terms_of(options);
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    txclient_status status = TXCLIENT_OK;
    struct client_task *task = client_task_new(client, self, NULL, done, arg, &status);
    if (task != NULL) {
        client_begin_start(&task->u.begin, &terms);
        status = client_task_accept(task, self);
    }
    client_unlock(client);
    return status;
}

/* ---- the transaction ---- */

static void close_locked(txclient_tx *tx)
{
    client_cursors_orphan(tx);
    tx_unlink(tx);
    tx->next = NULL;
    tx->previous = NULL;
    tx->closed = true;
    if (tx->tasks == 0) {
        client_tx_free(tx);
    }
}

void txclient_tx_close(txclient_tx **closed)
{
    txclient_tx *tx = *closed;
    if (tx == NULL) {
        return;
    }
    *closed = NULL;
    txclient *client = tx->client;
    if (client == NULL) {
        close_locked(tx); /* nobody else knows it any more */
        return;
    }
    client_lock(client);
    bool open = tx->core.state == CLIENT_TX_OPEN && tx->commit == NULL;
    client_unlock(client);
    if (open) {
        (void)txclient_abort(tx);
    }
    client_lock(client);
    close_locked(tx);
    client_unlock(client);
}

const char *txclient_tx_reference(txclient_tx *tx)
{
    struct tx_member members[TX_MEMBERS_MAX];
    txclient *client = tx->client;
    if (client != NULL) {
        client_lock(client);
    }
    client_tx_members(&tx->core, members);
    tx_buf_clear(&tx->reference);
    client_reference_print(tx->core.id, members, tx->core.used_n, &tx->reference);
    const char *text = tx->reference.failed ? NULL : (const char *)tx->reference.data;
    if (client != NULL) {
        client_unlock(client);
    }
    return text;
}

txclient_status client_tx_usable(txclient_tx *tx, struct client_detail *detail)
{
    switch (tx->core.state) {
    case CLIENT_TX_OPEN:
        if (tx->commit == NULL) {
            return TXCLIENT_OK;
        }
        break;
    case CLIENT_TX_ABORTED:
        if (tx->core.reason != TX_REASON_CLIENT) {
            return client_fail_aborted(detail, tx->core.reason, &tx->core.who,
                                       tx_bytes_str(tx->core.text.text));
        }
        break;
    case CLIENT_TX_COMMITTING:
    case CLIENT_TX_UNKNOWN:
    case CLIENT_TX_COMMITTED:
        break;
    }
    return client_fail(detail, TXCLIENT_ESTATE,
                       "the transaction has been committed or aborted already");
}

/* ---- operations ---- */

txclient_status client_execute(txclient_tx *tx, struct client_thread *self, const struct tx_op *ops,
                               size_t ops_n, txclient_value *values)
{
    struct client_operation operation;
    client_flow_init(&operation.flow, tx->client, &self->detail, self);
    client_operation_start(&operation, tx, ops, ops_n, values);
    return client_flow_wait(&operation.flow);
}

/* May this batch be a step? */
static txclient_status check_batch(txclient_tx *tx, const txclient_batch *batch,
                                   struct client_detail *detail)
{
    txclient_status status = client_tx_usable(tx, detail);
    if (status != TXCLIENT_OK) {
        return status;
    }
    if (batch->failed != TXCLIENT_OK) {
        return client_fail(detail, batch->failed, "%s", batch->why.text);
    }
    if (batch->n == 0) {
        return client_fail(detail, TXCLIENT_EINVAL, "the batch is empty");
    }
    for (size_t i = 1; i < batch->n; i++) {
        if (!tx_name_equal(&batch->ops[i].participant, &batch->ops[0].participant)) {
            return client_fail(detail, TXCLIENT_EINVAL,
                               "the batch names two participants, %s and %s",
                               batch->ops[0].participant.s, batch->ops[i].participant.s);
        }
    }
    return TXCLIENT_OK;
}

txclient_status txclient_execute(txclient_tx *tx, const txclient_batch *batch,
                                 txclient_value *values)
{
    txclient *client = tx->client;
    struct client_thread *self = client != NULL ? client_enter(client) : NULL;
    if (self == NULL) {
        return client != NULL ? TXCLIENT_ENOMEM : TXCLIENT_ESTATE;
    }
    txclient_status status = check_batch(tx, batch, &self->detail);
    if (status == TXCLIENT_OK) {
        status = client_execute(tx, self, batch->ops, batch->n, values);
    }
    client_unlock(client);
    return status;
}

txclient_status txclient_execute_async(txclient_tx *tx, const txclient_batch *batch,
                                       txclient_done done, void *arg)
{
    txclient *client = tx->client;
    struct client_thread *self = client != NULL ? client_enter(client) : NULL;
    if (self == NULL) {
        return client != NULL ? TXCLIENT_ENOMEM : TXCLIENT_ESTATE;
    }
    txclient_status status = check_batch(tx, batch, &self->detail);
    struct client_task *task = NULL;
    if (status == TXCLIENT_OK) {
        task = client_task_new(client, self, tx, done, arg, &status);
    }
    if (task != NULL) {
        const struct tx_op *ops = client_task_ops(task, batch, true);
        if (ops == NULL) {
            client_flow_over(&task->u.flow,
                             client_fail(&task->detail, TXCLIENT_ENOMEM, "out of memory"));
        } else {
            client_operation_start(&task->u.operation, tx, ops, batch->n, task->values);
        }
        status = client_task_accept(task, self);
    }
    client_unlock(client);
    return status;
}

/* `op` holds what its type alone has: value, delta, bounds, mode. */
static txclient_status operate(txclient_tx *tx, struct tx_op op, enum tx_op_type type,
                               const txclient_address *at, txclient_value *value)
{
    txclient *client = tx->client;
    struct client_thread *self = client != NULL ? client_enter(client) : NULL;
    if (self == NULL) {
        return client != NULL ? TXCLIENT_ENOMEM : TXCLIENT_ESTATE;
    }
    struct tx_why why;
    txclient_status status = client_tx_usable(tx, &self->detail);
    if (status == TXCLIENT_OK) {
        enum tx_error error = client_op_fill(&op, type, at, &why);
        status = error == TX_OK
                     ? client_execute(tx, self, &op, 1, value)
                     : client_fail(&self->detail, client_status_of(error), "%s", why.text);
    }
    client_unlock(client);
    return status;
}

txclient_status txclient_get(txclient_tx *tx, txclient_address at, txclient_value *value)
{
    return operate(tx, (struct tx_op){0}, TX_OP_GET, &at, value);
}

txclient_status txclient_get_for_update(txclient_tx *tx, txclient_address at, txclient_value *value)
{
    return operate(tx, (struct tx_op){0}, TX_OP_GET_FOR_UPDATE, &at, value);
}

static struct tx_op with_value(txclient_bytes value)
{
    return (struct tx_op){.value = tx_bytes(value.data, value.len)};
}

txclient_status txclient_put(txclient_tx *tx, txclient_address at, txclient_bytes value)
{
    return operate(tx, with_value(value), TX_OP_PUT, &at, NULL);
}

txclient_status txclient_insert(txclient_tx *tx, txclient_address at, txclient_bytes value)
{
    return operate(tx, with_value(value), TX_OP_INSERT, &at, NULL);
}

txclient_status txclient_delete(txclient_tx *tx, txclient_address at, bool *was_there)
{
    txclient_value value = {0};
    txclient_status status = operate(tx, (struct tx_op){0}, TX_OP_DELETE, &at, &value);
    if (status == TXCLIENT_OK && was_there != NULL) {
        *was_there = value.found;
    }
    return status;
}

/* A counter is a signed decimal number of at most 64 bits. */
static bool parse_counter(const txclient_value *value, int64_t *out)
{
    char text[32];
    char *end = NULL;
    if (value->len == 0 || value->len >= sizeof text) {
        return false;
    }
    memcpy(text, value->data, value->len);
    text[value->len] = '\0';
    intmax_t number = strtoimax(text, &end, 10);
    *out = (int64_t)number;
    return *end == '\0';
}

txclient_status txclient_add(txclient_tx *tx, txclient_address at, int64_t delta,
                             const int64_t *min, const int64_t *max, int64_t *value)
{
    struct tx_op op = {.delta = delta,
                       .has_min = min != NULL,
                       .min = min != NULL ? *min : 0,
                       .has_max = max != NULL,
                       .max = max != NULL ? *max : 0};
    txclient_value text = {0};
    int64_t number = 0;
    txclient_status status = operate(tx, op, TX_OP_ADD, &at, &text);
    if (status != TXCLIENT_OK || value == NULL) {
        return status;
    }
    if (!parse_counter(&text, &number)) {
        struct client_thread *self = client_enter(tx->client);
        if (self == NULL) {
            return TXCLIENT_EPROTOCOL;
        }
        status = client_fail(&self->detail, TXCLIENT_EPROTOCOL,
                             "the participant %s gave a counter that is no number", at.participant);
        client_unlock(tx->client);
        return status;
    }
    *value = number;
    return TXCLIENT_OK;
}

txclient_status txclient_check(txclient_tx *tx, txclient_address at, txclient_bytes expected)
{
    return operate(tx, with_value(expected), TX_OP_CHECK, &at, NULL);
}

txclient_status txclient_check_absent(txclient_tx *tx, txclient_address at)
{
    return operate(tx, (struct tx_op){.absent = true}, TX_OP_CHECK, &at, NULL);
}

txclient_status txclient_lock(txclient_tx *tx, txclient_address at, txclient_lock_mode mode)
{
    return operate(tx, (struct tx_op){.mode = (enum tx_lock_mode)mode}, TX_OP_LOCK, &at, NULL);
}
