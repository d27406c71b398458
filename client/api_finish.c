/* The end of a transaction: commit, abort, and what became of it. */
#include "client/client_shell.h"

#include "client/client_reference.h"

#include <stdlib.h>

/* An abort is certain without an answer; this is how long a daemon may take to hear of it. */
#define ABORT_WAIT_MS 1000u

enum tx_error client_take_outcome(void *arg, const struct tx_msg *answer)
{
    struct client_outcome *outcome = arg;
    const struct tx_msg_outcome *msg = &answer->outcome;
    outcome->id = msg->id;
    outcome->outcome = msg->outcome;
    outcome->reason = msg->reason;
    outcome->who = msg->who;
    outcome->results_lost = msg->results_lost;
    (void)tx_why(&outcome->text, TX_OK, "%.*s", (int)msg->text.len, (const char *)msg->text.data);
    if (outcome->values == NULL || msg->outcome != TX_OUTCOME_COMMITTED) {
        return TX_OK;
    }
    if (msg->results_lost || msg->results_n != outcome->values_n) {
        outcome->results_lost = true;
        return TX_OK;
    }
    /* The outcome stands even if there is no memory for the values, or if they are nonsense. */
    outcome->results_lost = client_copy_values(outcome->arena, outcome->ops, msg->results,
                                               msg->results_n, outcome->values) != TX_OK;
    return TX_OK;
}

static enum tx_error finish_call(struct txclient *client, struct client_call *call,
                                 struct tx_msg *msg, struct client_reply *reply)
{
    call->to = client->coordinator;
    call->msg = msg;
    call->req = client_pending_next_req(&client->pending);
    msg->finish.req = call->req;
    call->answer = TX_MSG_OUTCOME;
    call->id = msg->finish.id;
    call->take = client_take_outcome;
    return client_call(client, call, reply);
}

enum tx_error client_finish_call(struct txclient *client, enum tx_msg_type type,
                                 const struct tx_msg_finish *finish, uint64_t timeout_us,
                                 struct client_outcome *outcome, struct client_reply *reply)
{
    struct tx_msg msg = {.type = type, .finish = *finish};
    struct client_call call = {.timeout_us = timeout_us, .arg = outcome};
    outcome->outcome = TX_OUTCOME_UNKNOWN;
    return finish_call(client, &call, &msg, reply);
}

enum tx_error client_ask_outcome(struct txclient *client, const struct tx_msg_finish *finish,
                                 uint64_t until_us, struct client_outcome *outcome,
                                 struct client_reply *reply)
{
    uint64_t pause_us = client->settings.resend_ms * CLIENT_MS;
    uint64_t request_us = client->settings.request_timeout_ms * CLIENT_MS;
    for (;;) {
        uint64_t now_us = client_now_us();
        uint64_t left_us = until_us > now_us ? until_us - now_us : 0;
        uint64_t wait_us = left_us == 0 || left_us > request_us ? request_us : left_us;
        enum tx_error error =
            client_finish_call(client, TX_MSG_OUTCOME_REQUEST, finish, wait_us, outcome, reply);
        bool definite = error == TX_OK && !reply->refused && outcome->outcome != TX_OUTCOME_UNKNOWN;
        bool hopeless = error != TX_OK && error != TX_EUNREACHABLE && error != TX_ETIMEOUT;
        now_us = client_now_us();
        if (definite || hopeless || now_us >= until_us || until_us - now_us <= pause_us) {
            return error;
        }
        client_sleep_us(pause_us);
        pause_us = pause_us * 2 < CLIENT_RESEND_MAX_US ? pause_us * 2 : CLIENT_RESEND_MAX_US;
    }
}

/* ---- a transaction of this handle ---- */

static txclient_status note_committed(txclient_tx *tx)
{
    client_tx_committed(&tx->core);
    client_acks_add(&tx->client->acks, tx->core.id);
    return TXCLIENT_OK;
}

static txclient_status note_aborted(txclient_tx *tx, const struct client_outcome *outcome)
{
    const struct tx_name *who = outcome->who.s[0] != '\0' ? &outcome->who : NULL;
    client_tx_aborted(&tx->core, outcome->reason, who, tx_bytes_str(outcome->text.text));
    client_acks_add(&tx->client->acks, tx->core.id);
    return client_fail_aborted(tx->client, outcome->reason, who, tx_bytes_str(outcome->text.text));
}

static txclient_status note_unknown(txclient_tx *tx, const char *why)
{
    client_tx_unknown(&tx->core);
    return client_fail(
        tx->client, TXCLIENT_UNKNOWN,
        "it is not known whether %s has committed; ask for its outcome again%s%.300s",
        tx->client->detail.shown.reference, why[0] != '\0' ? ": " : "", why);
}

static txclient_status note_outcome(txclient_tx *tx, const struct client_outcome *outcome)
{
    switch (outcome->outcome) {
    case TX_OUTCOME_COMMITTED:
        return note_committed(tx);
    case TX_OUTCOME_ABORTED:
        return note_aborted(tx, outcome);
    case TX_OUTCOME_UNKNOWN:
    case TX_OUTCOMES_N:
        break;
    }
    return note_unknown(tx, outcome->text.text);
}

static struct tx_msg_finish finish_of(const txclient_tx *tx, struct tx_member *members)
{
    client_tx_members(&tx->core, members);
    return (struct tx_msg_finish){.id = tx->core.id,
                                  .token = tx->core.token,
                                  .members = members,
                                  .members_n = tx->core.used_n};
}

/* The commit was refused, so that it is not under way: an abort settles it, and its answer is the
 * truth in any case. A copy that was sent before may have been taken, though: hence the question,
 * not a guess. */
static txclient_status settle_refused(txclient_tx *tx, const struct tx_msg_finish *finish,
                                      const struct client_reply *refusal)
{
    struct client_outcome outcome = {0};
    struct client_reply reply;
    enum tx_error error =
        client_finish_call(tx->client, TX_MSG_ABORT_REQUEST, finish,
                           tx->client->settings.request_timeout_ms * CLIENT_MS, &outcome, &reply);
    if (error != TX_OK || reply.refused || outcome.outcome == TX_OUTCOME_UNKNOWN) {
        return note_unknown(tx, refusal->text.text);
    }
    if (outcome.outcome == TX_OUTCOME_ABORTED && outcome.reason == TX_REASON_CLIENT) {
        outcome.reason = refusal->reason != TX_REASON_NONE ? refusal->reason : TX_REASON_REFUSED;
        outcome.text = refusal->text;
    }
    return note_outcome(tx, &outcome);
}

/* So that nobody's locks wait for the idle limit. Not more than a word: it may get lost. */
static void tell_abort(txclient_tx *tx, const struct tx_msg_finish *finish)
{
    txclient *client = tx->client;
    struct client_outcome outcome = {0};
    struct client_reply reply;
    uint64_t wait_ms = client->settings.request_timeout_ms;
    wait_ms = wait_ms < ABORT_WAIT_MS ? wait_ms : ABORT_WAIT_MS;
    enum tx_error error = client_finish_call(client, TX_MSG_ABORT_REQUEST, finish,
                                             wait_ms * CLIENT_MS, &outcome, &reply);
    if (error == TX_OK && !reply.refused && outcome.outcome == TX_OUTCOME_ABORTED) {
        client_acks_add(&client->acks, tx->core.id);
    }
}

static txclient_status commit_members(txclient_tx *tx, const struct tx_msg_finish *finish)
{
    txclient *client = tx->client;
    struct client_outcome outcome = {0};
    struct client_reply reply;
    client_tx_commit(&tx->core);
    enum tx_error error =
        client_finish_call(client, TX_MSG_COMMIT_REQUEST, finish,
                           client->settings.commit_timeout_ms * CLIENT_MS, &outcome, &reply);
    if (error == TX_OK && reply.refused) {
        return settle_refused(tx, finish, &reply);
    }
    if (error == TX_OK && outcome.outcome != TX_OUTCOME_UNKNOWN) {
        return note_outcome(tx, &outcome);
    }
    if (reply.sent == 0) {
        /* Nobody was asked to commit, and nobody will be. */
        if (error == TX_ENOMEM) {
            tell_abort(tx, finish);
        }
        outcome = (struct client_outcome){.reason = TX_REASON_UNREACHABLE};
        (void)tx_why(&outcome.text, TX_OK, "the commit could not be sent: %s",
                     tx_error_text(error));
        return note_aborted(tx, &outcome);
    }
    return client_tx_find_out(tx, 0);
}

txclient_status client_tx_find_out(txclient_tx *tx, uint64_t until_us)
{
    struct tx_member members[TX_MEMBERS_MAX];
    struct tx_msg_finish finish = finish_of(tx, members);
    struct client_outcome outcome = {0};
    struct client_reply reply;
    client_detail_reference(tx->client, tx->core.id, members, finish.members_n);
    enum tx_error error = client_ask_outcome(tx->client, &finish, until_us, &outcome, &reply);
    if (error != TX_OK || reply.refused) {
        return note_unknown(tx, error != TX_OK ? tx_error_text(error) : reply.text.text);
    }
    return note_outcome(tx, &outcome);
}

txclient_status txclient_commit(txclient_tx *tx)
{
    if (tx->client == NULL) {
        return TXCLIENT_ESTATE;
    }
    struct tx_member members[TX_MEMBERS_MAX];
    struct tx_msg_finish finish = finish_of(tx, members);
    client_detail_clear(tx->client);
    client_detail_reference(tx->client, tx->core.id, members, finish.members_n);
    switch (tx->core.state) {
    case CLIENT_TX_OPEN:
        return commit_members(tx, &finish);
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

txclient_status txclient_abort(txclient_tx *tx)
{
    if (tx->client == NULL) {
        return TXCLIENT_ESTATE;
    }
    txclient *client = tx->client;
    client_detail_clear(client);
    if (tx->core.state == CLIENT_TX_ABORTED) {
        return TXCLIENT_OK;
    }
    if (tx->core.state != CLIENT_TX_OPEN) {
        return client_fail(client, TXCLIENT_ESTATE,
                           "the transaction has been committed already, "
                           "or its commit has been asked for");
    }
    struct tx_member members[TX_MEMBERS_MAX];
    struct tx_msg_finish finish = finish_of(tx, members);
    client_detail_reference(client, tx->core.id, members, finish.members_n);
    tell_abort(tx, &finish);
    /* Certain in any case: nobody has asked for the commit of this transaction, and now nobody can.
     */
    client_tx_aborted(&tx->core, TX_REASON_CLIENT, NULL, tx_bytes_str(""));
    return TXCLIENT_OK;
}

/* ---- any transaction ---- */

static txclient_status report_outcome(txclient *client, const struct client_outcome *outcome)
{
    switch (outcome->outcome) {
    case TX_OUTCOME_COMMITTED:
        return TXCLIENT_OK;
    case TX_OUTCOME_ABORTED:
        return client_fail_aborted(client, outcome->reason, &outcome->who,
                                   tx_bytes_str(outcome->text.text));
    case TX_OUTCOME_UNKNOWN:
    case TX_OUTCOMES_N:
        break;
    }
    return client_fail(client, TXCLIENT_UNKNOWN, "the coordinator cannot tell%s%.400s",
                       outcome->text.text[0] != '\0' ? ": " : "", outcome->text.text);
}

txclient_status txclient_outcome(txclient *client, const char *reference, uint32_t wait_ms)
{
    struct client_reference parsed;
    struct tx_why why;
    /* First of all: the text may be the detail's own. */
    enum tx_error error = client_reference_parse(reference, &parsed, &why);
    client_detail_clear(client);
    if (error != TX_OK) {
        return client_fail(client, TXCLIENT_EINVAL, "%s", why.text);
    }
    client_detail_reference(client, parsed.id, parsed.members, parsed.members_n);
    struct tx_msg_finish finish = {
        .id = parsed.id, .members = parsed.members, .members_n = parsed.members_n};
    struct client_outcome outcome = {0};
    struct client_reply reply;
    uint64_t until_us = wait_ms > 0 ? client_now_us() + (uint64_t)wait_ms * CLIENT_MS : 0;
    error = client_ask_outcome(client, &finish, until_us, &outcome, &reply);
    if (error == TX_OK && !reply.refused) {
        return report_outcome(client, &outcome);
    }
    struct client_call call = {.to = client->coordinator,
                               .timeout_us = client->settings.request_timeout_ms * CLIENT_MS};
    txclient_status status = client_fail_call(client, &call, error, &reply);
    if (status == TXCLIENT_ETIMEOUT) {
        client->detail.shown.status = TXCLIENT_UNKNOWN;
        return TXCLIENT_UNKNOWN;
    }
    return status;
}
