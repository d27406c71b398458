/* Interactive transactions: begin and the operations. */
#include "client/client_shell.h"

#include "client/client_reference.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Between two attempts at a participant that does not know the coordinator yet. */
#define INTRODUCTION_PAUSE_MS 50u

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

static void tx_free(txclient_tx **tx)
{
    client_tx_deinit(&(*tx)->core);
    tx_arena_deinit(&(*tx)->values);
    tx_buf_deinit(&(*tx)->reference);
    free(*tx);
    *tx = NULL;
}

/* A second BEGIN that was sent because the first one's answer was late begins another transaction;
 * the one that nobody uses ends at the coordinator's idle limit. */
txclient_status client_begin(txclient *client, uint64_t lock_timeout_ms,
                             txclient_isolation isolation, struct tx_age age, txclient_tx **out)
{
    if (client_check_isolation(client, isolation) != TXCLIENT_OK) {
        return TXCLIENT_EINVAL;
    }
    txclient_tx *tx = calloc(1, sizeof *tx);
    if (tx == NULL) {
        return client_fail(client, TXCLIENT_ENOMEM, "out of memory");
    }
    tx->client = client;
    tx->lock_timeout_ms = lock_timeout_ms;
    tx->isolation = (enum tx_isolation)isolation;
    uint64_t req = client_pending_next_req(&client->pending);
    struct tx_msg msg = {.type = TX_MSG_BEGIN, .begin = {.req = req, .age = age}};
    struct client_call call = {.to = client->coordinator,
                               .msg = &msg,
                               .req = req,
                               .answer = TX_MSG_BEGUN,
                               .timeout_us = client->settings.request_timeout_ms * CLIENT_MS,
                               .take = take_begun,
                               .arg = tx};
    struct client_reply reply;
    enum tx_error error = client_call(client, &call, &reply);
    if (error != TX_OK || reply.refused) {
        tx_free(&tx);
        return client_fail_call(client, &call, error, &reply);
    }
    tx_link(tx);
    client_detail_reference(client, tx->core.id, NULL, 0);
    *out = tx;
    return TXCLIENT_OK;
}

txclient_status txclient_begin(txclient *client, const txclient_begin_options *options,
                               txclient_tx **tx)
{
    *tx = NULL;
    client_detail_clear(client);
    uint64_t lock_timeout_ms = options != NULL ? options->lock_timeout_ms : 0;
    txclient_isolation isolation = CLIENT_ISOLATION(options, txclient_begin_options);
    return client_begin(client, lock_timeout_ms, isolation, (struct tx_age){0}, tx);
}

void txclient_tx_close(txclient_tx **tx)
{
    if (*tx == NULL) {
        return;
    }
    if ((*tx)->client != NULL && (*tx)->core.state == CLIENT_TX_OPEN) {
        (void)txclient_abort(*tx);
    }
    client_cursors_orphan(*tx);
    tx_unlink(*tx);
    tx_free(tx);
}

const char *txclient_tx_reference(txclient_tx *tx)
{
    struct tx_member members[TX_MEMBERS_MAX];
    client_tx_members(&tx->core, members);
    tx_buf_clear(&tx->reference);
    client_reference_print(tx->core.id, members, tx->core.used_n, &tx->reference);
    return tx->reference.failed ? NULL : (const char *)tx->reference.data;
}

/* ---- operations ---- */

txclient_status client_tx_usable(txclient_tx *tx)
{
    if (tx->client == NULL) {
        return TXCLIENT_ESTATE;
    }
    client_detail_clear(tx->client);
    switch (tx->core.state) {
    case CLIENT_TX_OPEN:
        return TXCLIENT_OK;
    case CLIENT_TX_ABORTED:
        if (tx->core.reason != TX_REASON_CLIENT) {
            return client_fail_aborted(tx->client, tx->core.reason, &tx->core.who,
                                       tx_bytes_str(tx->core.text.text));
        }
        break;
    case CLIENT_TX_COMMITTING:
    case CLIENT_TX_UNKNOWN:
    case CLIENT_TX_COMMITTED:
        break;
    }
    return client_fail(tx->client, TXCLIENT_ESTATE,
                       "the transaction has been committed or aborted already");
}

/* An answer to one OPERATE, and where its values go. */
struct operating {
    txclient_tx *tx;
    struct client_node *node;
    const struct tx_op *ops;
    size_t ops_n;
    txclient_value *values;
};

static enum tx_error take_operated(void *arg, const struct tx_msg *answer)
{
    struct operating *operating = arg;
    enum tx_error error = client_tx_operated(&operating->tx->core, operating->node,
                                             &answer->operated, operating->ops_n);
    if (error == TX_OK && operating->values != NULL) {
        error = client_copy_values(&operating->tx->values, operating->ops, answer->operated.results,
                                   operating->ops_n, operating->values);
    }
    return error;
}

/* The reason of an abort that a failed OPERATE leads to. */
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

/* Whatever the participant has done or not, this transaction must not commit: a step is missing.
 * Only what has never left this process leaves the transaction as it was. */
static txclient_status abort_after(struct operating *operating, const struct client_call *call,
                                   enum tx_error error, const struct client_reply *reply)
{
    txclient_tx *tx = operating->tx;
    struct client_node *node = operating->node;
    if (reply->sent == 0 && (error == TX_ELIMIT || error == TX_ENOMEM)) {
        client_tx_unstep(&tx->core, node, operating->ops_n);
        return client_fail_call(tx->client, call, error, reply);
    }
    if (tx->core.state == CLIENT_TX_OPEN) {
        (void)client_fail_call(tx->client, call, error, reply);
        struct tx_why cause = tx->client->detail.text;
        if (error == TX_ENODE) {
            (void)tx_why(&cause, TX_OK, "it has restarted since an earlier operation");
        }
        (void)txclient_abort(tx);
        tx->core.reason = abort_reason(error, reply);
        tx->core.who = node->member.name;
        tx->core.text = cause;
        client_detail_clear(tx->client);
    }
    if (error == TX_ENOMEM) {
        return client_fail(tx->client, TXCLIENT_ENOMEM,
                           "out of memory; the transaction is aborted");
    }
    return client_fail_aborted(tx->client, tx->core.reason, &tx->core.who,
                               tx_bytes_str(tx->core.text.text));
}

/* A participant takes no operation before the transaction's coordinator has introduced itself
 * there, which it does a moment after either has started. Nothing was done: the same step may be
 * sent again. */
static bool not_introduced_yet(enum tx_error error, const struct client_reply *reply)
{
    return error == TX_OK && reply->refused && reply->refusal == TX_EUNREACHABLE;
}

static txclient_status operate_at(struct operating *operating, struct client_channel *channel)
{
    txclient_tx *tx = operating->tx;
    txclient *client = tx->client;
    uint64_t req = client_pending_next_req(&client->pending);
    struct tx_msg msg = {.type = TX_MSG_OPERATE,
                         .operate = {.req = req,
                                     .id = tx->core.id,
                                     .token = tx->core.token,
                                     .age = tx->core.age,
                                     .step = operating->node->steps,
                                     .lock_timeout_ms = (uint32_t)tx->lock_timeout_ms,
                                     .isolation = tx->isolation,
                                     .ops = operating->ops,
                                     .ops_n = operating->ops_n}};
    uint64_t timeout_ms = client->settings.request_timeout_ms + tx->lock_timeout_ms;
    struct client_call call = {.to = channel,
                               .msg = &msg,
                               .req = req,
                               .answer = TX_MSG_OPERATED,
                               .id = tx->core.id,
                               .timeout_us = timeout_ms * CLIENT_MS,
                               .take = take_operated,
                               .arg = operating};
    struct client_reply reply;
    uint64_t until_us = client_now_us() + call.timeout_us;
    enum tx_error error = client_call(client, &call, &reply);
    while (not_introduced_yet(error, &reply) && client_now_us() < until_us) {
        client_sleep_us(INTRODUCTION_PAUSE_MS * CLIENT_MS);
        call.req = msg.operate.req = client_pending_next_req(&client->pending);
        error = client_call(client, &call, &reply);
    }
    if (error != TX_OK || reply.refused) {
        return abort_after(operating, &call, error, &reply);
    }
    return TXCLIENT_OK;
}

struct client_node *client_find_node(txclient_tx *tx, const struct tx_name *name)
{
    struct client_node *node = client_tx_node(&tx->core, name);
    if (node == NULL) {
        (void)client_fail(tx->client, TXCLIENT_EINVAL,
                          "the coordinator knows no participant \"%s\"", name->s);
    }
    return node;
}

txclient_status client_execute(txclient_tx *tx, const struct tx_op *ops, size_t ops_n,
                               txclient_value *values)
{
    txclient *client = tx->client;
    struct client_node *node = client_find_node(tx, &ops[0].participant);
    if (node == NULL) {
        return TXCLIENT_EINVAL;
    }
    struct tx_why why;
    struct client_channel *channel = NULL;
    enum tx_error error = client_channel_get(client, &node->member.address, &channel, &why);
    if (error == TX_OK) {
        error = client_tx_step(&tx->core, node, ops_n, &why);
    }
    if (error != TX_OK) {
        return client_fail(client, client_status_of(error), "%s", why.text);
    }
    client_detail_reference(client, tx->core.id, &node->member, 1);
    struct operating operating = {
        .tx = tx, .node = node, .ops = ops, .ops_n = ops_n, .values = values};
    return operate_at(&operating, channel);
}

txclient_status txclient_execute(txclient_tx *tx, const txclient_batch *batch,
                                 txclient_value *values)
{
    txclient_status status = client_tx_usable(tx);
    if (status != TXCLIENT_OK) {
        return status;
    }
    if (batch->failed != TXCLIENT_OK) {
        return client_fail(tx->client, batch->failed, "%s", batch->why.text);
    }
    if (batch->n == 0) {
        return client_fail(tx->client, TXCLIENT_EINVAL, "the batch is empty");
    }
    for (size_t i = 1; i < batch->n; i++) {
        if (!tx_name_equal(&batch->ops[i].participant, &batch->ops[0].participant)) {
            return client_fail(tx->client, TXCLIENT_EINVAL,
                               "the batch names two participants, %s and %s",
                               batch->ops[0].participant.s, batch->ops[i].participant.s);
        }
    }
    return client_execute(tx, batch->ops, batch->n, values);
}

/* `op` holds what its type alone has: value, delta, bounds, mode. */
static txclient_status operate(txclient_tx *tx, struct tx_op op, enum tx_op_type type,
                               const txclient_address *at, txclient_value *value)
{
    txclient_status status = client_tx_usable(tx);
    if (status != TXCLIENT_OK) {
        return status;
    }
    struct tx_why why;
    enum tx_error error = client_op_fill(&op, type, at, &why);
    if (error != TX_OK) {
        return client_fail(tx->client, client_status_of(error), "%s", why.text);
    }
    return client_execute(tx, &op, 1, value);
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
        return client_fail(tx->client, TXCLIENT_EPROTOCOL,
                           "the participant %s gave a counter that is no number", at.participant);
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
