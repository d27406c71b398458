/* What a handle knows about its last call, in words. */
#include "client/client_shell.h"

#include "client/client_reference.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static void detail_point(struct client_detail *detail)
{
    bool known = detail->reference.len > 0 && !detail->reference.failed;
    detail->shown.participant = detail->participant.s;
    detail->shown.text = detail->text.text;
    detail->shown.reference = known ? (const char *)detail->reference.data : "";
}

void client_detail_init(struct client_detail *detail)
{
    detail->reference = (struct tx_buf){0};
    client_detail_clear(detail);
}

void client_detail_clear(struct client_detail *detail)
{
    detail->shown = (txclient_detail_data){.status = TXCLIENT_OK};
    detail->participant.s[0] = '\0';
    detail->text.text[0] = '\0';
    tx_buf_clear(&detail->reference);
    detail_point(detail);
}

void client_detail_deinit(struct client_detail *detail)
{
    tx_buf_deinit(&detail->reference);
}

void client_detail_move(struct client_detail *to, struct client_detail *from)
{
    tx_buf_deinit(&to->reference);
    *to = *from;
    from->reference = (struct tx_buf){0};
    detail_point(to);
    detail_point(from);
}

txclient_status client_fail(struct client_detail *detail, txclient_status status,
                            const char *format, ...)
{
    detail->shown.status = status;
    va_list args;
    va_start(args, format);
    int written = vsnprintf(detail->text.text, sizeof detail->text.text, format, args);
    va_end(args);
    if (written < 0) {
        (void)snprintf(detail->text.text, sizeof detail->text.text, "%s",
                       txclient_status_text(status));
    }
    return status;
}

txclient_status client_fail_aborted(struct client_detail *detail, enum tx_reason reason,
                                    const struct tx_name *who, struct tx_bytes text)
{
    detail->shown.reason = (txclient_reason)reason;
    detail->participant = who != NULL ? *who : (struct tx_name){0};
    bool named = detail->participant.s[0] != '\0';
    return client_fail(detail, TXCLIENT_ABORTED, "aborted%s%s (%s)%s%.*s", named ? " by " : "",
                       detail->participant.s, tx_reason_name(reason), text.len > 0 ? ": " : "",
                       (int)text.len, (const char *)text.data);
}

txclient_status client_status_of(enum tx_error error)
{
    switch (error) {
    case TX_OK:
        return TXCLIENT_OK;
    case TX_ENOMEM:
        return TXCLIENT_ENOMEM;
    case TX_EINVAL:
    case TX_EADDRESS:
    case TX_ENOTFOUND:
        return TXCLIENT_EINVAL;
    case TX_ELIMIT:
        return TXCLIENT_ELIMIT;
    case TX_EUNREACHABLE:
        return TXCLIENT_EUNREACHABLE;
    case TX_ETIMEOUT:
        return TXCLIENT_ETIMEOUT;
    case TX_ESTATE:
        return TXCLIENT_ESTATE;
    case TX_EFORMAT:
    case TX_EVERSION:
    case TX_ECLUSTER:
    case TX_ENODE:
    case TX_ETOKEN:
    case TX_EUNKNOWN:
        return TXCLIENT_EPROTOCOL;
    case TX_EEXIST:
    case TX_EIO:
    case TX_ECORRUPT:
    case TX_EGAP:
    case TX_ELOST:
    case TX_EBUSY:
    case TX_EFULL:
    case TX_EACCESS:
    case TX_ERRORS_N:
        return TXCLIENT_ESYSTEM;
    }
    return TXCLIENT_ESYSTEM;
}

static txclient_status fail_unanswered(struct client_flow *flow, enum tx_error error)
{
    const struct txclient *client = flow->client;
    const struct client_channel *channel = flow->call.to;
    const char *address = channel->address.s;
    uint64_t waited_ms = flow->call.timeout_us / CLIENT_MS;
    uint64_t connect_ms = client->settings.connect_timeout_ms;
    if (client->closing) {
        return client_fail(flow->detail, client_status_of(error),
                           "the handle was closed before %s has answered", address);
    }
    if (channel->unreadable_us != 0 && channel->unreadable_us >= flow->asked_us) {
        return client_fail(flow->detail, TXCLIENT_EPROTOCOL, "%s sends what cannot be used: %.300s",
                           address, channel->unreadable.text);
    }
    if (error == TX_EUNREACHABLE) {
        return client_fail(flow->detail, TXCLIENT_EUNREACHABLE,
                           "no connection to %s within %" PRIu64
                           " ms; is the daemon running, and the address right?",
                           address, waited_ms < connect_ms ? waited_ms : connect_ms);
    }
    return client_fail(flow->detail, TXCLIENT_ETIMEOUT,
                       "no answer from %s within %" PRIu64
                       " ms; is it overloaded, or is it a daemon of another cluster than \"%s\"?",
                       address, waited_ms, client->settings.cluster);
}

txclient_status client_fail_call(struct client_flow *flow, enum tx_error error)
{
    const struct client_reply *reply = &flow->reply;
    if (error == TX_EUNREACHABLE || error == TX_ETIMEOUT) {
        return fail_unanswered(flow, error);
    }
    if (error == TX_ELIMIT) {
        return client_fail(flow->detail, TXCLIENT_ELIMIT,
                           "the request is larger than a frame may be (%" PRIu64 " bytes)",
                           flow->client->settings.message_max);
    }
    if (error != TX_OK) {
        return client_fail(flow->detail, client_status_of(error), "%s", tx_error_text(error));
    }
    flow->detail->shown.reason = (txclient_reason)reply->reason;
    return client_fail(flow->detail, TXCLIENT_EREFUSED, "%s refused: %s%s%.300s",
                       flow->call.to->address.s,
                       reply->reason != TX_REASON_NONE ? tx_reason_name(reply->reason)
                                                       : tx_error_text(reply->refusal),
                       reply->text.text[0] != '\0' ? ": " : "", reply->text.text);
}

void client_detail_reference(struct client_detail *detail, struct tx_id id,
                             const struct tx_member *members, size_t members_n)
{
    tx_buf_clear(&detail->reference);
    client_reference_print(id, members, members_n, &detail->reference);
    detail_point(detail);
}
