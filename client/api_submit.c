/* One-shot transactions. */
#include "client/client_shell.h"

#include <string.h>

/* The participants of a batch, for the reference. */
static size_t members_of(const struct tx_op *ops, size_t ops_n, struct tx_member *members)
{
    size_t n = 0;
    for (size_t i = 0; i < ops_n; i++) {
        size_t at = 0;
        while (at < n && !tx_name_equal(&members[at].name, &ops[i].participant)) {
            at++;
        }
        if (at == TX_MEMBERS_MAX) {
            return TX_MEMBERS_MAX + 1;
        }
        if (at == n) {
            members[n++] = (struct tx_member){.name = ops[i].participant};
        }
    }
    return n;
}

static txclient_status check(struct client_detail *detail, const txclient_batch *batch,
                             const txclient_submit_options *options)
{
    struct tx_member members[TX_MEMBERS_MAX];
    if (batch->failed != TXCLIENT_OK) {
        return client_fail(detail, batch->failed, "%s", batch->why.text);
    }
    if (batch->n == 0) {
        return client_fail(detail, TXCLIENT_EINVAL, "the batch is empty");
    }
    if (options->idempotency_key.len > TX_IDEMPOTENCY_KEY_MAX) {
        return client_fail(detail, TXCLIENT_ELIMIT,
                           "an idempotency key has at most %u bytes, not %zu",
                           TX_IDEMPOTENCY_KEY_MAX, options->idempotency_key.len);
    }
    if (options->idempotency_key.len > 0 && options->idempotency_key.data == NULL) {
        return client_fail(detail, TXCLIENT_EINVAL, "the idempotency key is NULL");
    }
    if (batch->n > TX_MEMBERS_MAX && members_of(batch->ops, batch->n, members) > TX_MEMBERS_MAX) {
        return client_fail(detail, TXCLIENT_ELIMIT, "a transaction uses at most %u participants",
                           TX_MEMBERS_MAX);
    }
    txclient_status status =
        client_check_isolation(detail, CLIENT_ISOLATION(options, txclient_submit_options));
    return status != TXCLIENT_OK
               ? status
               : client_check_commit_mode(detail,
                                          CLIENT_COMMIT_MODE(options, txclient_submit_options));
}

/* Something was sent, and what became of it is not known. */
static txclient_status note_unknown(struct client_detail *detail, bool keyed, const char *why)
{
    return client_fail(detail, TXCLIENT_UNKNOWN,
                       "it is not known whether the transaction has committed "
                       "(%.200s); %s",
                       why,
                       keyed ? "submit it again with the same idempotency key to find out"
                             : "without an idempotency key there is no way to find out");
}

static txclient_status report(struct client_submit *submit)
{
    struct client_detail *detail = submit->flow.detail;
    struct client_acks *acks = &submit->flow.client->acks;
    const struct client_outcome *outcome = &submit->outcome;
    detail->shown.results_lost = outcome->results_lost;
    switch (outcome->outcome) {
    case TX_OUTCOME_COMMITTED:
        client_acks_add(acks, outcome->id);
        return TXCLIENT_OK;
    case TX_OUTCOME_ABORTED:
        client_acks_add(acks, outcome->id);
        return client_fail_aborted(detail, outcome->reason, &outcome->who,
                                   tx_bytes_str(outcome->text.text));
    case TX_OUTCOME_UNKNOWN:
    case TX_OUTCOMES_N:
        break;
    }
    return note_unknown(detail, submit->keyed,
                        outcome->text.text[0] != '\0' ? outcome->text.text
                                                      : "the coordinator cannot tell");
}

static void submitted(struct client_flow *flow, enum tx_error error)
{
    struct client_submit *submit = (struct client_submit *)flow;
    const struct client_reply *reply = &flow->reply;
    if (error == TX_OK && !reply->refused) {
        struct tx_member members[TX_MEMBERS_MAX];
        client_detail_reference(flow->detail, submit->outcome.id, members,
                                members_of(submit->ops, submit->ops_n, members));
        client_flow_over(flow, report(submit));
        return;
    }
    txclient_status status = client_fail_call(flow, error);
    /* A refusal says what became of one copy. When there were several, another may have been taken.
     */
    bool definite = reply->sent == 0 || (reply->refused && reply->sent == 1);
    if (!definite) {
        struct tx_why cause = flow->detail->text;
        status = note_unknown(flow->detail, submit->keyed, cause.text);
    }
    client_flow_over(flow, status);
}

void client_submit_start(struct client_submit *submit, const txclient_submit_options *options)
{
    struct txclient *client = submit->flow.client;
    uint64_t req = client_pending_next_req(&client->pending);
    struct tx_msg msg = {
        .type = TX_MSG_SUBMIT,
        .submit = {
            .req = req,
            .key = tx_bytes(options->idempotency_key.data, options->idempotency_key.len),
            .timeout_ms = options->timeout_ms,
            .lock_timeout_ms = options->lock_timeout_ms,
            .isolation = (enum tx_isolation)CLIENT_ISOLATION(options, txclient_submit_options),
            .ops = submit->ops,
            .ops_n = submit->ops_n,
            .mode = (enum tx_commit_mode)CLIENT_COMMIT_MODE(options, txclient_submit_options)}};
    /* The votes' own time-out must come first, or every late vote would be an unknown outcome. */
    uint64_t wait_ms = options->timeout_ms > 0
                           ? options->timeout_ms + client->settings.request_timeout_ms
                           : client->settings.commit_timeout_ms;
    submit->keyed = options->idempotency_key.len > 0;
    struct client_call call = {.to = client->coordinator,
                               .msg = &msg,
                               .req = req,
                               .answer = TX_MSG_OUTCOME,
                               .timeout_us = wait_ms * CLIENT_MS,
                               .once = !submit->keyed,
                               .take = client_take_outcome,
                               .arg = &submit->outcome};
    client_flow_go(&submit->flow, &call, submitted);
}

static const txclient_submit_options no_options = {.size = sizeof no_options};

txclient_status txclient_submit(txclient *client, const txclient_batch *batch,
                                const txclient_submit_options *options, txclient_value *values)
{
    options = options != NULL ? options : &no_options;
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    tx_arena_reset(&self->values);
    txclient_status status = check(&self->detail, batch, options);
    if (status == TXCLIENT_OK) {
        struct client_submit submit = {.ops = batch->ops, .ops_n = batch->n};
        for (size_t i = 0; values != NULL && i < batch->n; i++) {
            values[i] = (txclient_value){.data = ""};
        }
        submit.outcome = (struct client_outcome){
            .arena = &self->values, .ops = batch->ops, .values = values, .values_n = batch->n};
        client_flow_init(&submit.flow, client, &self->detail, self);
        client_submit_start(&submit, options);
        status = client_flow_wait(&submit.flow);
    }
    client_unlock(client);
    return status;
}

txclient_status txclient_submit_async(txclient *client, const txclient_batch *batch,
                                      const txclient_submit_options *options, txclient_done done,
                                      void *arg)
{
    options = options != NULL ? options : &no_options;
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    txclient_status status = check(&self->detail, batch, options);
    struct client_task *task = NULL;
    if (status == TXCLIENT_OK) {
        task = client_task_new(client, self, NULL, done, arg, &status);
    }
    if (task != NULL) {
        struct client_submit *submit = &task->u.submit;
        submit->ops = client_task_ops(task, batch, false);
        submit->ops_n = batch->n;
        submit->outcome = (struct client_outcome){.arena = &task->arena,
                                                  .ops = submit->ops,
                                                  .values = task->values,
                                                  .values_n = batch->n};
        if (submit->ops == NULL) {
            client_flow_over(&submit->flow,
                             client_fail(&task->detail, TXCLIENT_ENOMEM, "out of memory"));
        } else {
            client_submit_start(submit, options);
        }
        status = client_task_accept(task, self);
    }
    client_unlock(client);
    return status;
}
