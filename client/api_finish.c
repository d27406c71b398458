/* The end of a transaction: commit, abort, and what became of it. */
#include "client/client_shell.h"

#include "client/client_reference.h"
#include "common/assert.h"

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
    outcome->text.text[0] = '\0';
    if (msg->text.len > 0) { /* seldom, and formatting is not free */
        (void)tx_why(&outcome->text, TX_OK, "%.*s", (int)msg->text.len,
                     (const char *)msg->text.data);
    }
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

static struct client_finish *finish_of(struct client_flow *flow)
{
    return (struct client_finish *)flow;
}

/* COMMIT_REQUEST, ABORT_REQUEST or OUTCOME_REQUEST of a transaction, or of one by its name. */
static enum tx_error ask(struct client_flow *flow, enum tx_msg_type type, const txclient_tx *tx,
                         const struct client_reference *reference, uint64_t timeout_us,
                         struct client_outcome *outcome,
                         void (*next)(struct client_flow *flow, enum tx_error error))
{
    struct txclient *client = flow->client;
    struct tx_member members[TX_MEMBERS_MAX];
    struct tx_msg msg = {.type = type};
    msg.finish.req = client_pending_next_req(&client->pending);
    if (tx != NULL) {
        client_tx_members(&tx->core, members);
        msg.finish.id = tx->core.id;
        msg.finish.token = tx->core.token;
        msg.finish.members = members;
        msg.finish.members_n = tx->core.used_n;
        msg.finish.mode = tx->commit_mode;
    } else {
        msg.finish.id = reference->id;
        msg.finish.members = reference->members;
        msg.finish.members_n = reference->members_n;
    }
    struct client_call call = {.to = client->coordinator,
                               .msg = &msg,
                               .req = msg.finish.req,
                               .answer = TX_MSG_OUTCOME,
                               .id = msg.finish.id,
                               .timeout_us = timeout_us,
                               .take = client_take_outcome,
                               .arg = outcome};
    *outcome = (struct client_outcome){.outcome = TX_OUTCOME_UNKNOWN};
    return client_flow_ask(flow, &call, next);
}

static void finish_go(struct client_finish *finish, enum tx_msg_type type, uint64_t timeout_us,
                      void (*next)(struct client_flow *flow, enum tx_error error))
{
    enum tx_error error =
        ask(&finish->flow, type, finish->tx, finish->reference, timeout_us, &finish->outcome, next);
    if (error != TX_OK) {
        next(&finish->flow, error);
    }
}

static void finish_init(struct client_finish *finish, txclient_tx *tx)
{
    finish->tx = tx;
    finish->reference = NULL;
    finish->outcome = (struct client_outcome){.outcome = TX_OUTCOME_UNKNOWN};
    finish->refusal.text[0] = '\0';
    finish->refusal_reason = TX_REASON_NONE;
    finish->until_us = 0;
    finish->pause_us = 0;
    finish->known = NULL;
}

/* ---- asking what became of one ---- */

static void ask_outcome(struct client_finish *finish);

static void pause_over(struct client_flow *flow, enum tx_error error)
{
    (void)error;
    ask_outcome(finish_of(flow));
}

/* Asks again, at growing intervals, until it is definite or `until_us` has come. */
static void outcome_answered(struct client_flow *flow, enum tx_error error)
{
    struct client_finish *finish = finish_of(flow);
    bool definite =
        error == TX_OK && !flow->reply.refused && finish->outcome.outcome != TX_OUTCOME_UNKNOWN;
    bool hopeless = error != TX_OK && error != TX_EUNREACHABLE && error != TX_ETIMEOUT;
    uint64_t now_us = client_now_us();
    uint64_t pause_us = finish->pause_us;
    if (definite || hopeless || flow->client->closing || now_us >= finish->until_us ||
        finish->until_us - now_us <= pause_us) {
        finish->known(finish, error);
        return;
    }
    finish->pause_us = pause_us * 2 < CLIENT_RESEND_MAX_US ? pause_us * 2 : CLIENT_RESEND_MAX_US;
    client_flow_pause(flow, pause_us, pause_over);
}

static void ask_outcome(struct client_finish *finish)
{
    uint64_t request_us = finish->flow.client->settings.request_timeout_ms * CLIENT_MS;
    uint64_t now_us = client_now_us();
    uint64_t left_us = finish->until_us > now_us ? finish->until_us - now_us : 0;
    uint64_t wait_us = left_us == 0 || left_us > request_us ? request_us : left_us;
    finish_go(finish, TX_MSG_OUTCOME_REQUEST, wait_us, outcome_answered);
}

static void find_out(struct client_finish *finish, uint64_t until_us,
                     void (*known)(struct client_finish *finish, enum tx_error error))
{
    finish->until_us = until_us;
    finish->pause_us = finish->flow.client->settings.resend_ms * CLIENT_MS;
    finish->known = known;
    ask_outcome(finish);
}

/* ---- a transaction of this handle ---- */

static void over_committed(struct client_finish *finish)
{
    client_tx_committed(&finish->tx->core);
    client_acks_add(&finish->flow.client->acks, finish->tx->core.id);
    client_flow_over(&finish->flow, TXCLIENT_OK);
}

static void over_aborted(struct client_finish *finish)
{
    const struct client_outcome *outcome = &finish->outcome;
    txclient_tx *tx = finish->tx;
    const struct tx_name *who = outcome->who.s[0] != '\0' ? &outcome->who : NULL;
    client_tx_aborted(&tx->core, outcome->reason, who, tx_bytes_str(outcome->text.text));
    client_acks_add(&finish->flow.client->acks, tx->core.id);
    client_flow_over(&finish->flow, client_fail_aborted(finish->flow.detail, outcome->reason, who,
                                                        tx_bytes_str(outcome->text.text)));
}

static void over_unknown(struct client_finish *finish, const char *why)
{
    struct client_detail *detail = finish->flow.detail;
    client_tx_unknown(&finish->tx->core);
    client_flow_over(
        &finish->flow,
        client_fail(detail, TXCLIENT_UNKNOWN,
                    "it is not known whether %s has committed; ask for its outcome again%s%.300s",
                    detail->shown.reference, why[0] != '\0' ? ": " : "", why));
}

static void over_as_told(struct client_finish *finish)
{
    switch (finish->outcome.outcome) {
    case TX_OUTCOME_COMMITTED:
        over_committed(finish);
        return;
    case TX_OUTCOME_ABORTED:
        over_aborted(finish);
        return;
    case TX_OUTCOME_UNKNOWN:
    case TX_OUTCOMES_N:
        break;
    }
    over_unknown(finish, finish->outcome.text.text);
}

static void found_out(struct client_finish *finish, enum tx_error error)
{
    if (error != TX_OK || finish->flow.reply.refused) {
        over_unknown(finish, error != TX_OK ? tx_error_text(error) : finish->flow.reply.text.text);
        return;
    }
    over_as_told(finish);
}

void client_find_out_start(struct client_finish *finish, txclient_tx *tx, uint64_t until_us)
{
    struct tx_member members[TX_MEMBERS_MAX];
    finish_init(finish, tx);
    client_tx_members(&tx->core, members);
    client_detail_reference(finish->flow.detail, tx->core.id, members, tx->core.used_n);
    find_out(finish, until_us, found_out);
}

/* The commit was refused, so that it is not under way: an abort settles it, and its answer is the
 * truth in any case. A copy that was sent before may have been taken, though: hence the question,
 * not a guess. */
static void refused_settled(struct client_flow *flow, enum tx_error error)
{
    struct client_finish *finish = finish_of(flow);
    struct client_outcome *outcome = &finish->outcome;
    if (error != TX_OK || flow->reply.refused || outcome->outcome == TX_OUTCOME_UNKNOWN) {
        over_unknown(finish, finish->refusal.text);
        return;
    }
    if (outcome->outcome == TX_OUTCOME_ABORTED && outcome->reason == TX_REASON_CLIENT) {
        outcome->reason =
            finish->refusal_reason != TX_REASON_NONE ? finish->refusal_reason : TX_REASON_REFUSED;
        outcome->text = finish->refusal;
    }
    over_as_told(finish);
}

static void over_unsent(struct client_finish *finish, enum tx_error error)
{
    finish->outcome = (struct client_outcome){.reason = TX_REASON_UNREACHABLE};
    (void)tx_why(&finish->outcome.text, TX_OK, "the commit could not be sent: %s",
                 tx_error_text(error));
    over_aborted(finish);
}

static void unsent_told(struct client_flow *flow, enum tx_error error)
{
    (void)error;
    over_unsent(finish_of(flow), TX_ENOMEM);
}

static void commit_answered(struct client_flow *flow, enum tx_error error)
{
    struct client_finish *finish = finish_of(flow);
    struct txclient *client = flow->client;
    if (error == TX_OK && flow->reply.refused) {
        finish->refusal = flow->reply.text;
        finish->refusal_reason = flow->reply.reason;
        finish_go(finish, TX_MSG_ABORT_REQUEST, client->settings.request_timeout_ms * CLIENT_MS,
                  refused_settled);
    } else if (error == TX_OK && finish->outcome.outcome != TX_OUTCOME_UNKNOWN) {
        over_as_told(finish);
    } else if (flow->reply.sent > 0) {
        find_out(finish, 0, found_out);
    } else if (error == TX_ENOMEM) {
        /* Nobody was asked to commit, and nobody will be. */
        client_tell_abort(flow, finish->tx, &finish->outcome, unsent_told);
    } else {
        over_unsent(finish, error);
    }
}

void client_commit_go(struct client_finish *finish)
{
    struct tx_member members[TX_MEMBERS_MAX];
    txclient_tx *tx = finish->tx;
    TX_ASSERT(tx->operations == NULL); /* no step is without its answer */
    client_tx_members(&tx->core, members);
    client_detail_reference(finish->flow.detail, tx->core.id, members, tx->core.used_n);
    client_tx_commit(&tx->core);
    finish_go(finish, TX_MSG_COMMIT_REQUEST,
              finish->flow.client->settings.commit_timeout_ms * CLIENT_MS, commit_answered);
}

void client_commit_start(struct client_finish *finish, txclient_tx *tx)
{
    struct client_flow *flow = &finish->flow;
    finish_init(finish, tx);
    txclient_status status = client_tx_usable(tx, flow->detail);
    if (status != TXCLIENT_OK) {
        struct tx_member members[TX_MEMBERS_MAX];
        client_tx_members(&tx->core, members);
        client_detail_reference(flow->detail, tx->core.id, members, tx->core.used_n);
        client_flow_over(flow, status);
    } else if (tx->operations != NULL) {
        tx->commit = finish;
    } else {
        client_commit_go(finish);
    }
}

/* An abort is certain without an answer; this is only so that nobody's locks wait for the idle
 * limit. Not more than a word: it may get lost. */
void client_tell_abort(struct client_flow *flow, const txclient_tx *tx,
                       struct client_outcome *outcome,
                       void (*next)(struct client_flow *flow, enum tx_error error))
{
    uint64_t wait_ms = flow->client->settings.request_timeout_ms;
    wait_ms = wait_ms < ABORT_WAIT_MS ? wait_ms : ABORT_WAIT_MS;
    enum tx_error error =
        ask(flow, TX_MSG_ABORT_REQUEST, tx, NULL, wait_ms * CLIENT_MS, outcome, next);
    if (error != TX_OK) {
        next(flow, error);
    }
}

static void abort_told(struct client_flow *flow, enum tx_error error)
{
    struct client_finish *finish = finish_of(flow);
    if (error == TX_OK && !flow->reply.refused && finish->outcome.outcome == TX_OUTCOME_ABORTED) {
        client_acks_add(&flow->client->acks, finish->tx->core.id);
    }
    client_flow_over(flow, TXCLIENT_OK);
}

void client_abort_start(struct client_finish *finish, txclient_tx *tx)
{
    struct client_flow *flow = &finish->flow;
    finish_init(finish, tx);
    if (tx->core.state == CLIENT_TX_ABORTED) {
        client_flow_over(flow, TXCLIENT_OK);
        return;
    }
    bool own = flow->task != NULL && flow->task->done == NULL; /* the handle is being closed */
    if (tx->core.state != CLIENT_TX_OPEN || (tx->commit != NULL && !own)) {
        client_flow_over(flow, client_fail(flow->detail, TXCLIENT_ESTATE,
                                           "the transaction has been committed already, "
                                           "or its commit has been asked for"));
        return;
    }
    struct tx_member members[TX_MEMBERS_MAX];
    client_tx_members(&tx->core, members);
    client_detail_reference(flow->detail, tx->core.id, members, tx->core.used_n);
    /* Certain in any case: nobody has asked for the commit of this transaction, and now nobody can.
     */
    client_tx_aborted(&tx->core, TX_REASON_CLIENT, NULL, tx_bytes_str(""));
    client_operations_drop(tx, NULL);
    client_tell_abort(flow, tx, &finish->outcome, abort_told);
}

/* Locks the transaction's handle; NULL when there is none any more, or no memory. */
static struct client_thread *enter_tx(txclient_tx *tx, txclient_status *status)
{
    struct client_thread *self = tx->client != NULL ? client_enter(tx->client) : NULL;
    *status = self != NULL ? TXCLIENT_OK : tx->client != NULL ? TXCLIENT_ENOMEM : TXCLIENT_ESTATE;
    return self;
}

static txclient_status finish_blocking(txclient_tx *tx,
                                       void (*start)(struct client_finish *finish, txclient_tx *tx))
{
    struct client_finish finish;
    txclient_status status;
    txclient *client = tx->client;
    struct client_thread *self = enter_tx(tx, &status);
    if (self != NULL) {
        client_flow_init(&finish.flow, client, &self->detail, self);
        start(&finish, tx);
        status = client_flow_wait(&finish.flow);
        client_unlock(client);
    }
    return status;
}

txclient_status txclient_commit(txclient_tx *tx)
{
    return finish_blocking(tx, client_commit_start);
}

txclient_status txclient_abort(txclient_tx *tx)
{
    return finish_blocking(tx, client_abort_start);
}

static txclient_status finish_async(txclient_tx *tx,
                                    void (*start)(struct client_finish *finish, txclient_tx *tx),
                                    txclient_done done, void *arg)
{
    txclient_status status;
    txclient *client = tx->client;
    struct client_thread *self = enter_tx(tx, &status);
    if (self != NULL) {
        struct client_task *task = client_task_new(client, self, tx, done, arg, &status);
        if (task != NULL) {
            start(&task->u.finish, tx);
            status = client_task_accept(task, self);
        }
        client_unlock(client);
    }
    return status;
}

txclient_status txclient_commit_async(txclient_tx *tx, txclient_done done, void *arg)
{
    return finish_async(tx, client_commit_start, done, arg);
}

txclient_status txclient_abort_async(txclient_tx *tx, txclient_done done, void *arg)
{
    return finish_async(tx, client_abort_start, done, arg);
}

txclient_status client_tx_find_out(txclient_tx *tx, uint64_t until_us)
{
    struct client_finish finish;
    txclient_status status;
    txclient *client = tx->client;
    struct client_thread *self = enter_tx(tx, &status);
    if (self != NULL) {
        client_flow_init(&finish.flow, client, &self->detail, self);
        client_find_out_start(&finish, tx, until_us);
        status = client_flow_wait(&finish.flow);
        client_unlock(client);
    }
    return status;
}

/* ---- any transaction ---- */

static txclient_status report_outcome(struct client_detail *detail,
                                      const struct client_outcome *outcome)
{
    switch (outcome->outcome) {
    case TX_OUTCOME_COMMITTED:
        return TXCLIENT_OK;
    case TX_OUTCOME_ABORTED:
        return client_fail_aborted(detail, outcome->reason, &outcome->who,
                                   tx_bytes_str(outcome->text.text));
    case TX_OUTCOME_UNKNOWN:
    case TX_OUTCOMES_N:
        break;
    }
    return client_fail(detail, TXCLIENT_UNKNOWN, "the coordinator cannot tell%s%.400s",
                       outcome->text.text[0] != '\0' ? ": " : "", outcome->text.text);
}

static void outcome_known(struct client_finish *finish, enum tx_error error)
{
    struct client_flow *flow = &finish->flow;
    txclient_status status = error == TX_OK && !flow->reply.refused
                                 ? report_outcome(flow->detail, &finish->outcome)
                                 : client_fail_call(flow, error);
    /* That nobody has answered says nothing of the transaction. */
    client_flow_over(flow, status == TXCLIENT_ETIMEOUT ? TXCLIENT_UNKNOWN : status);
}

void client_outcome_start(struct client_finish *finish, const struct client_reference *reference,
                          uint32_t wait_ms)
{
    finish_init(finish, NULL);
    finish->reference = reference;
    client_detail_reference(finish->flow.detail, reference->id, reference->members,
                            reference->members_n);
    find_out(finish, wait_ms > 0 ? client_now_us() + (uint64_t)wait_ms * CLIENT_MS : 0,
             outcome_known);
}

txclient_status txclient_outcome(txclient *client, const char *reference, uint32_t wait_ms)
{
    struct client_reference parsed;
    struct tx_why why;
    /* First of all: the text may be the detail's own. */
    enum tx_error error = client_reference_parse(reference, &parsed, &why);
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    txclient_status status;
    if (error != TX_OK) {
        status = client_fail(&self->detail, TXCLIENT_EINVAL, "%s", why.text);
    } else {
        struct client_finish finish;
        client_flow_init(&finish.flow, client, &self->detail, self);
        client_outcome_start(&finish, &parsed, wait_ms);
        status = client_flow_wait(&finish.flow);
    }
    client_unlock(client);
    return status;
}

txclient_status txclient_outcome_async(txclient *client, const char *reference, uint32_t wait_ms,
                                       txclient_done done, void *arg)
{
    struct client_reference parsed;
    struct tx_why why;
    enum tx_error error = client_reference_parse(reference, &parsed, &why);
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    txclient_status status = TXCLIENT_OK;
    struct client_task *task = NULL;
    if (error != TX_OK) {
        status = client_fail(&self->detail, TXCLIENT_EINVAL, "%s", why.text);
    } else {
        task = client_task_new(client, self, NULL, done, arg, &status);
    }
    if (task != NULL) {
        struct tx_bytes bytes = tx_bytes((const uint8_t *)&parsed, sizeof parsed);
        const struct client_reference *kept =
            (const struct client_reference *)(uintptr_t)tx_arena_copy(&task->arena, bytes).data;
        if (kept == NULL) {
            client_flow_over(&task->u.flow,
                             client_fail(&task->detail, TXCLIENT_ENOMEM, "out of memory"));
        } else {
            client_outcome_start(&task->u.finish, kept, wait_ms);
        }
        status = client_task_accept(task, self);
    }
    client_unlock(client);
    return status;
}
