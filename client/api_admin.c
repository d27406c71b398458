/* What an operator asks of a daemon. */
#include "client/client_shell.h"

_Static_assert(TXCLIENT_ADMIN_DRAIN == (int)TX_ADMIN_DRAIN &&
                   TXCLIENT_ADMIN_UNDRAIN == (int)TX_ADMIN_UNDRAIN &&
                   TXCLIENT_ADMIN_LOG_LEVEL == (int)TX_ADMIN_LOG_LEVEL &&
                   TXCLIENT_ADMIN_RELOAD == (int)TX_ADMIN_RELOAD &&
                   TXCLIENT_ADMIN_LOSS == (int)TX_ADMIN_LOSS &&
                   TXCLIENT_ADMIN_READMIT == (int)TX_ADMIN_READMIT,
               "the public verbs are those of the wire");

/* An answer other than ERROR cannot come: the request names no other. */
static enum tx_error take_nothing(void *arg, const struct tx_msg *answer)
{
    (void)arg;
    (void)answer;
    return TX_EFORMAT;
}

static txclient_status send_request(txclient *client, struct client_thread *self,
                                    struct client_channel *channel,
                                    struct tx_msg_admin_request request)
{
    request.req = client_pending_next_req(&client->pending);
    struct tx_msg msg = {.type = TX_MSG_ADMIN_REQUEST, .admin_request = request};
    /* Once: each copy that arrives stands in the audit log. */
    struct client_call call = {.to = channel,
                               .msg = &msg,
                               .req = request.req,
                               .answer = TX_MSG_ERROR,
                               .timeout_us = client->settings.request_timeout_ms * CLIENT_MS,
                               .once = true,
                               .take = take_nothing};
    struct client_reply reply;
    txclient_status status = client_call(client, self, &call, &reply);
    if (reply.refused && reply.refusal == TX_OK) {
        return client_fail(&self->detail, TXCLIENT_OK, "%s", reply.text.text);
    }
    return status;
}

static txclient_status fill_request(struct client_detail *detail, txclient_admin_verb verb,
                                    const char *operator_name, const char *argument,
                                    struct tx_msg_admin_request *request)
{
    *request = (struct tx_msg_admin_request){.verb = (enum tx_admin_verb)verb};
    if ((unsigned)verb >= TX_ADMIN_VERBS_N) {
        return client_fail(detail, TXCLIENT_EINVAL, "%u is no administrative call", (unsigned)verb);
    }
    if (operator_name == NULL ||
        tx_name_set(&request->operator_name, tx_bytes_str(operator_name)) != TX_OK) {
        return client_fail(detail, TXCLIENT_EINVAL,
                           "\"%.80s\" is no operator's name: 1 to %u letters, digits, '-', '_' "
                           "and '.'",
                           operator_name != NULL ? operator_name : "", TX_NAME_MAX);
    }
    request->text = tx_bytes_str(argument != NULL ? argument : "");
    if (request->text.len > TX_TEXT_MAX) {
        return client_fail(detail, TXCLIENT_EINVAL, "an argument has at most %u bytes",
                           TX_TEXT_MAX);
    }
    return TXCLIENT_OK;
}

static txclient_status admin(txclient *client, struct client_thread *self, const char *address,
                             const struct tx_msg_admin_request *request)
{
    struct client_channel *channel;
    txclient_status status = client_channel_at(client, self, address, &channel);
    if (status != TXCLIENT_OK) {
        return status;
    }
    return send_request(client, self, channel, *request);
}

txclient_status txclient_admin(txclient *client, const char *address, txclient_admin_verb verb,
                               const char *operator_name, const char *argument)
{
    struct tx_msg_admin_request request;
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    txclient_status status = fill_request(&self->detail, verb, operator_name, argument, &request);
    if (status == TXCLIENT_OK) {
        status = admin(client, self, address, &request);
    }
    client_unlock(client);
    return status;
}
