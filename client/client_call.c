/* One request and its answer: sent, sent again, waited for, matched by number. */
#include "client/client_shell.h"

#include <stdlib.h>

/* What a blocking call waits for. Lives on the caller's stack until `over`. */
struct waiter {
    const struct client_call *call;
    struct client_reply *reply;
    enum tx_error error;
    bool over;
};

static void waiter_done(void *arg, enum tx_error error, const struct tx_msg *answer, unsigned sent)
{
    struct waiter *waiter = arg;
    struct client_reply *reply = waiter->reply;
    waiter->over = true;
    waiter->error = error;
    reply->sent = sent;
    if (error != TX_OK) {
        return;
    }
    if (answer->type == TX_MSG_ERROR) {
        reply->refused = true;
        reply->refusal = answer->error.error;
        reply->reason = answer->error.reason;
        (void)tx_why(&reply->text, TX_OK, "%.*s", (int)answer->error.text.len,
                     (const char *)answer->error.text.data);
        return;
    }
    waiter->error = waiter->call->take(waiter->call->arg, answer);
}

/* ---- frames ---- */

/* The request, and behind it the acknowledgements that fit. */
static enum tx_error frame_make(struct txclient *client, const struct client_call *call,
                                struct tx_buf *frame)
{
    size_t frame_max = client->settings.message_max;
    tx_frame_writer_clear(client->writer);
    enum tx_error error = tx_frame_writer_add(client->writer, call->msg, frame_max);
    if (error != TX_OK) {
        tx_frame_writer_clear(client->writer);
        return error;
    }
    size_t acks = 0;
    while (call->to == client->coordinator && acks < client->acks.n) {
        struct tx_msg ack = {.type = TX_MSG_OUTCOME_ACK, .id = {client->acks.ids[acks]}};
        if (tx_frame_writer_add(client->writer, &ack, frame_max) != TX_OK) {
            break;
        }
        acks++;
    }
    client_acks_drop(&client->acks, acks);
    tx_buf_append(frame, tx_frame_writer_finish(client->writer));
    tx_frame_writer_clear(client->writer);
    return frame->failed ? TX_ENOMEM : TX_OK;
}

void client_flush_acks(struct txclient *client)
{
    tx_frame_writer_clear(client->writer);
    bool fits = true;
    for (size_t i = 0; fits && i < client->acks.n; i++) {
        struct tx_msg ack = {.type = TX_MSG_OUTCOME_ACK, .id = {client->acks.ids[i]}};
        fits = tx_frame_writer_add(client->writer, &ack, client->settings.message_max) == TX_OK;
    }
    if (tx_frame_writer_count(client->writer) > 0) {
        /* A hint that may be lost: the coordinator's retention time covers it. */
        enum tx_error sent =
            client_channel_send(client->coordinator, tx_frame_writer_finish(client->writer));
        (void)sent;
    }
    client->acks.n = 0;
    tx_frame_writer_clear(client->writer);
}

/* ---- the pump: everything that may happen to any request of the handle ---- */

static void send_due(struct txclient *client, uint64_t now_us)
{
    for (size_t i = 0; i < client->pending.n; i++) {
        struct client_request *request = client->pending.items[i];
        if (request->send_at_us <= now_us &&
            client_channel_send(request->channel, tx_buf_view(&request->frame)) == TX_OK) {
            client_request_sent(request, now_us);
        }
    }
}

static void take_answer(struct txclient *client, struct client_channel *channel,
                        const struct tx_msg *msg)
{
    struct client_request *request = client_pending_answered(&client->pending, channel, msg);
    if (request != NULL) {
        request->done(request->arg, TX_OK, msg, request->sent);
        client_request_destroy(&request);
    }
}

static void expire(struct txclient *client)
{
    uint64_t now_us = client_now_us();
    struct client_request *request;
    while ((request = client_pending_expired(&client->pending, now_us)) != NULL) {
        request->channel->blocked = false;
        request->done(request->arg, request->sent > 0 ? TX_ETIMEOUT : TX_EUNREACHABLE, NULL,
                      request->sent);
        client_request_destroy(&request);
    }
}

static void pump(struct txclient *client)
{
    uint64_t now_us = client_now_us();
    send_due(client, now_us);
    client_channels_wait(client, client_pending_next(&client->pending, now_us));
    for (size_t i = 0; i < client->channels_n; i++) {
        client_channel_receive(client, client->channels[i], take_answer);
    }
    expire(client);
}

/* ---- the call ---- */

static enum tx_error request_make(struct txclient *client, struct waiter *waiter,
                                  struct client_request **out)
{
    const struct client_call *call = waiter->call;
    struct client_request *request = calloc(1, sizeof *request);
    if (request == NULL) {
        return TX_ENOMEM;
    }
    uint64_t now_us = client_now_us();
    request->req = call->req;
    request->answer = call->answer;
    request->id = call->id;
    request->channel = call->to;
    request->deadline_us = now_us + call->timeout_us;
    request->connect_by_us = now_us + client->settings.connect_timeout_ms * CLIENT_MS;
    request->send_at_us = now_us;
    request->interval_us = call->once ? 0 : client->settings.resend_ms * CLIENT_MS;
    request->done = waiter_done;
    request->arg = waiter;
    enum tx_error error = frame_make(client, call, &request->frame);
    if (error != TX_OK) {
        client_request_destroy(&request);
    }
    *out = request;
    return error;
}

enum tx_error client_call(struct txclient *client, const struct client_call *call,
                          struct client_reply *reply)
{
    struct waiter waiter = {.call = call, .reply = reply};
    struct client_request *request = NULL;
    *reply = (struct client_reply){0};
    client->unreadable.text[0] = '\0';
    enum tx_error error = request_make(client, &waiter, &request);
    if (error == TX_OK) {
        error = client_pending_add(&client->pending, &request);
    }
    if (error != TX_OK) {
        client_request_destroy(&request);
        return error;
    }
    while (!waiter.over) {
        pump(client);
    }
    return waiter.error;
}
