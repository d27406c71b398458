/* One-shot transactions. */
#include "client/client_shell.h"

#include <string.h>

/* The participants of a batch, for the reference. */
static size_t members_of(const txclient_batch *batch, struct tx_member *members)
{
    size_t n = 0;
    for (size_t i = 0; i < batch->n; i++) {
        size_t at = 0;
        while (at < n && !tx_name_equal(&members[at].name, &batch->ops[i].participant)) {
            at++;
        }
        if (at == TX_MEMBERS_MAX) {
            return TX_MEMBERS_MAX + 1;
        }
        if (at == n) {
            members[n++] = (struct tx_member){.name = batch->ops[i].participant};
        }
    }
    return n;
}

static txclient_status check(txclient *client, const txclient_batch *batch,
                             const txclient_submit_options *options)
{
    if (batch->failed != TXCLIENT_OK) {
        return client_fail(client, batch->failed, "%s", batch->why.text);
    }
    if (batch->n == 0) {
        return client_fail(client, TXCLIENT_EINVAL, "the batch is empty");
    }
    if (options->idempotency_key.len > TX_IDEMPOTENCY_KEY_MAX) {
        return client_fail(client, TXCLIENT_ELIMIT,
                           "an idempotency key has at most %u bytes, not %zu",
                           TX_IDEMPOTENCY_KEY_MAX, options->idempotency_key.len);
    }
    if (options->idempotency_key.len > 0 && options->idempotency_key.data == NULL) {
        return client_fail(client, TXCLIENT_EINVAL, "the idempotency key is NULL");
    }
    return client_check_isolation(client, CLIENT_ISOLATION(options, txclient_submit_options));
}

/* Something was sent, and what became of it is not known. */
static txclient_status note_unknown(txclient *client, bool keyed, const char *why)
{
    return client_fail(client, TXCLIENT_UNKNOWN,
                       "it is not known whether the transaction has committed "
                       "(%.200s); %s",
                       why,
                       keyed ? "submit it again with the same idempotency key to find out"
                             : "without an idempotency key there is no way to find out");
}

static txclient_status report(txclient *client, const struct client_outcome *outcome, bool keyed)
{
    client->detail.shown.results_lost = outcome->results_lost;
    switch (outcome->outcome) {
    case TX_OUTCOME_COMMITTED:
        client_acks_add(&client->acks, outcome->id);
        return TXCLIENT_OK;
    case TX_OUTCOME_ABORTED:
        client_acks_add(&client->acks, outcome->id);
        return client_fail_aborted(client, outcome->reason, &outcome->who,
                                   tx_bytes_str(outcome->text.text));
    case TX_OUTCOME_UNKNOWN:
    case TX_OUTCOMES_N:
        break;
    }
    return note_unknown(client, keyed,
                        outcome->text.text[0] != '\0' ? outcome->text.text
                                                      : "the coordinator cannot tell");
}

static txclient_status submit(txclient *client, const txclient_batch *batch,
                              const txclient_submit_options *options,
                              struct client_outcome *outcome)
{
    bool keyed = options->idempotency_key.len > 0;
    uint64_t req = client_pending_next_req(&client->pending);
    struct tx_msg msg = {
        .type = TX_MSG_SUBMIT,
        .submit = {.req = req,
                   .key = tx_bytes(options->idempotency_key.data, options->idempotency_key.len),
                   .timeout_ms = options->timeout_ms,
                   .lock_timeout_ms = options->lock_timeout_ms,
                   .isolation =
                       (enum tx_isolation)CLIENT_ISOLATION(options, txclient_submit_options),
                   .ops = batch->ops,
                   .ops_n = batch->n}};
    /* The votes' own time-out must come first, or every late vote would be an unknown outcome. */
    uint64_t wait_ms = options->timeout_ms > 0
                           ? options->timeout_ms + client->settings.request_timeout_ms
                           : client->settings.commit_timeout_ms;
    struct client_call call = {.to = client->coordinator,
                               .msg = &msg,
                               .req = req,
                               .answer = TX_MSG_OUTCOME,
                               .timeout_us = wait_ms * CLIENT_MS,
                               .once = !keyed,
                               .take = client_take_outcome,
                               .arg = outcome};
    struct client_reply reply;
    enum tx_error error = client_call(client, &call, &reply);
    if (error == TX_OK && !reply.refused) {
        struct tx_member members[TX_MEMBERS_MAX];
        client_detail_reference(client, outcome->id, members, members_of(batch, members));
        return report(client, outcome, keyed);
    }
    txclient_status status = client_fail_call(client, &call, error, &reply);
    /* A refusal says what became of one copy. When there were several, another may have been taken.
     */
    bool definite = reply.sent == 0 || (reply.refused && reply.sent == 1);
    if (definite) {
        return status;
    }
    struct tx_why cause = client->detail.text;
    return note_unknown(client, keyed, cause.text);
}

txclient_status txclient_submit(txclient *client, const txclient_batch *batch,
                                const txclient_submit_options *options, txclient_value *values)
{
    static const txclient_submit_options none = {.size = sizeof none};
    options = options != NULL ? options : &none;
    client_detail_clear(client);
    tx_arena_reset(&client->values);
    txclient_status status = check(client, batch, options);
    if (status != TXCLIENT_OK) {
        return status;
    }
    struct tx_member members[TX_MEMBERS_MAX];
    if (members_of(batch, members) > TX_MEMBERS_MAX) {
        return client_fail(client, TXCLIENT_ELIMIT, "a transaction uses at most %u participants",
                           TX_MEMBERS_MAX);
    }
    if (values != NULL) {
        for (size_t i = 0; i < batch->n; i++) {
            values[i] = (txclient_value){.data = ""};
        }
    }
    struct client_outcome outcome = {
        .arena = &client->values, .ops = batch->ops, .values = values, .values_n = batch->n};
    return submit(client, batch, options, &outcome);
}
