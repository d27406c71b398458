/* Flows: from a request to its answer, and on to the next. */
#include "client/client_shell.h"

#include "common/assert.h"

void client_flow_init(struct client_flow *flow, struct txclient *client,
                      struct client_detail *detail, struct client_thread *waiter)
{
    flow->client = client;
    flow->detail = detail;
    flow->task = NULL;
    flow->waiter = waiter;
    flow->over = false;
    flow->status = TXCLIENT_OK;
    flow->request = (struct client_request){0};
    flow->reply.sent = 0;
    flow->reply.refused = false;
    flow->reply.text.text[0] = '\0';
    flow->next = NULL;
}

static void flow_done(struct client_request *request, enum tx_error error,
                      const struct tx_msg *answer)
{
    struct client_flow *flow = request->arg;
    struct client_reply *reply = &flow->reply;
    reply->sent = request->sent;
    reply->refused = error == TX_OK && answer->type == TX_MSG_ERROR;
    reply->text.text[0] = '\0';
    if (reply->refused) {
        reply->refusal = answer->error.error;
        reply->reason = answer->error.reason;
        (void)tx_why(&reply->text, TX_OK, "%.*s", (int)answer->error.text.len,
                     (const char *)answer->error.text.data);
    } else if (error == TX_OK) {
        error = flow->call.take(flow->call.arg, answer);
    }
    flow->next(flow, error);
}

static enum tx_error encode(struct txclient *client, const struct tx_msg *msg,
                            struct client_request *request)
{
    tx_frame_writer_clear(client->writer);
    enum tx_error error = tx_frame_writer_add(client->writer, msg, client->settings.message_max);
    if (error != TX_OK) {
        return error;
    }
    struct tx_encoded encoded = tx_frame_writer_encoded(client->writer);
    tx_buf_clear(&request->message);
    tx_buf_append(&request->message, encoded.bytes);
    request->objects = encoded.objects;
    return request->message.failed ? TX_ENOMEM : TX_OK;
}

enum tx_error client_flow_try(struct client_flow *flow, const struct tx_msg *msg)
{
    return encode(flow->client, msg, &flow->request);
}

static void fill_request(struct client_flow *flow)
{
    const struct client_call *call = &flow->call;
    const struct client_settings *settings = &flow->client->settings;
    struct client_request *request = &flow->request;
    uint64_t now_us = client_now_us();
    flow->asked_us = now_us;
    request->req = call->req;
    request->answer = call->answer;
    request->id = call->id;
    request->channel = call->to;
    request->deadline_us = now_us + call->timeout_us;
    request->connect_by_us = now_us + settings->connect_timeout_ms * CLIENT_MS;
    request->interval_us = call->once ? 0 : settings->resend_ms * CLIENT_MS;
    request->sent = 0;
    request->done = flow_done;
    request->arg = flow;
}

enum tx_error client_flow_ask(struct client_flow *flow, const struct client_call *call,
                              void (*next)(struct client_flow *flow, enum tx_error error))
{
    struct txclient *client = flow->client;
    TX_ASSERT(!flow->over && !flow->request.added);
    flow->reply.sent = 0;
    flow->reply.refused = false;
    flow->reply.text.text[0] = '\0';
    flow->call = *call;
    flow->call.msg = NULL;
    flow->next = next;
    if (client->closing) {
        return TX_ESTATE;
    }
    enum tx_error error = encode(client, call->msg, &flow->request);
    if (error == TX_OK) {
        fill_request(flow);
        error = client_pending_add(&client->pending, &flow->request);
    }
    if (error == TX_OK) {
        client_queue_put(&call->to->queue, &flow->request);
        if (client->sleeping || (client->polled && !client->led && client->delivering == 0)) {
            client_kick(client);
        }
    }
    return error;
}

void client_flow_go(struct client_flow *flow, const struct client_call *call,
                    void (*next)(struct client_flow *flow, enum tx_error error))
{
    enum tx_error error = client_flow_ask(flow, call, next);
    if (error != TX_OK) {
        next(flow, error);
    }
}

void client_flow_pause(struct client_flow *flow, uint64_t us,
                       void (*next)(struct client_flow *flow, enum tx_error error))
{
    struct txclient *client = flow->client;
    TX_ASSERT(!flow->over && !flow->request.added);
    struct client_request *request = &flow->request;
    flow->call =
        (struct client_call){.req = client_pending_next_req(&client->pending), .timeout_us = us};
    fill_request(flow);
    flow->next = next;
    if (client->closing || client_pending_add(&client->pending, request) != TX_OK) {
        next(flow, TX_ETIMEOUT);
        return;
    }
    if (client->sleeping) {
        client_kick(client); /* it may sleep for longer than this */
    }
}

void client_flow_cancel(struct client_flow *flow)
{
    struct client_request *request = &flow->request;
    if (request->added) {
        client_pending_remove(&flow->client->pending, request,
                              request->channel != NULL ? &request->channel->queue : NULL);
    }
}

void client_flow_over(struct client_flow *flow, txclient_status status)
{
    TX_ASSERT(!flow->over && !flow->request.added);
    flow->over = true;
    flow->status = status;
    flow->detail->shown.status = status;
    tx_buf_deinit(&flow->request.message);
    if (flow->task != NULL) {
        client_task_over(flow->task);
    } else if (flow->waiter != NULL) {
        client_wake(flow->client, flow->waiter);
    }
}

txclient_status client_flow_wait(struct client_flow *flow)
{
    struct txclient *client = flow->client;
    while (!flow->over) {
        if (client->led) {
            client_follow(client, flow->waiter, CLIENT_NEVER);
            continue;
        }
        client->led = true;
        client_pump(client, CLIENT_NEVER);
        client->led = false;
    }
    client_hand_over(client);
    return flow->status;
}

/* ---- a call of one request ---- */

static void single_answered(struct client_flow *flow, enum tx_error error)
{
    bool done = error == TX_OK && !flow->reply.refused;
    client_flow_over(flow, done ? TXCLIENT_OK : client_fail_call(flow, error));
}

txclient_status client_call(struct txclient *client, struct client_thread *self,
                            const struct client_call *call, struct client_reply *reply)
{
    struct client_flow flow;
    client_flow_init(&flow, client, &self->detail, self);
    client_flow_go(&flow, call, single_answered);
    txclient_status status = client_flow_wait(&flow);
    if (reply != NULL) {
        *reply = flow.reply;
    }
    return status;
}
