/* Cuts of the cluster: a coordinator takes one, every daemon tells its position. */
#include "client/client_shell.h"

static enum tx_error take_cut(void *arg, const struct tx_msg *answer)
{
    txclient_cut *cut = arg;
    *cut = (txclient_cut){.number = answer->cut.number,
                          .taken = answer->cut.taken,
                          .lsn = answer->cut.lsn.n,
                          .time_ms = answer->cut.time_ms};
    return TX_OK;
}

static txclient_status ask(txclient *client, const char *address, struct tx_msg_cut_request request,
                           uint64_t timeout_ms, txclient_cut *cut)
{
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    struct client_channel *channel;
    txclient_status status = client_channel_at(client, self, address, &channel);
    if (status == TXCLIENT_OK) {
        request.req = client_pending_next_req(&client->pending);
        struct tx_msg msg = {.type = TX_MSG_CUT_REQUEST, .cut_request = request};
        struct client_call call = {.to = channel,
                                   .msg = &msg,
                                   .req = request.req,
                                   .answer = TX_MSG_CUT,
                                   .timeout_us = timeout_ms * CLIENT_MS,
                                   .take = take_cut,
                                   .arg = cut};
        status = client_call(client, self, &call, NULL);
    }
    client_unlock(client);
    return status;
}

txclient_status txclient_cut_begin(txclient *client, const char *address, txclient_cut *cut)
{
    *cut = (txclient_cut){0};
    return ask(client, address, (struct tx_msg_cut_request){.begin = true},
               client->settings.request_timeout_ms, cut);
}

txclient_status txclient_cut_ask(txclient *client, const char *address, uint64_t number,
                                 uint32_t wait_ms, txclient_cut *cut)
{
    *cut = (txclient_cut){0};
    return ask(client, address, (struct tx_msg_cut_request){.number = number},
               wait_ms > 0 ? wait_ms : client->settings.request_timeout_ms, cut);
}
