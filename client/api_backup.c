/* One step of a backup at one daemon. */
#include "client/client_shell.h"

#include <stdio.h>
#include <string.h>

static void copy_text(char *out, size_t out_size, struct tx_bytes text)
{
    const size_t len = text.len < out_size ? text.len : out_size - 1;
    if (len > 0) {
        memcpy(out, text.data, len);
    }
    out[len] = '\0';
}

static enum tx_error take_backup(void *arg, const struct tx_msg *answer)
{
    txclient_backup_progress *progress = arg;
    const struct tx_msg_backup *backup = &answer->backup;
    *progress = (txclient_backup_progress){.bytes = backup->bytes,
                                           .done = backup->done,
                                           .stored = backup->stored,
                                           .checkpoint = backup->checkpoint.n};
    copy_text(progress->state, sizeof progress->state,
              tx_bytes_str(tx_backup_state_name(backup->state)));
    copy_text(progress->node, sizeof progress->node, backup->node);
    copy_text(progress->text, sizeof progress->text, backup->text);
    return TX_OK;
}

static txclient_status fill_request(struct client_detail *detail,
                                    const txclient_backup_order *order,
                                    struct tx_msg_backup_request *request)
{
    if (order->size < sizeof *order) {
        return client_fail(detail, TXCLIENT_EINVAL, "the size of the order is not set");
    }
    if (order->name == NULL || strlen(order->name) > TX_BACKUP_NAME_MAX) {
        return client_fail(detail, TXCLIENT_EINVAL, "the name of a backup has 1 to %u bytes",
                           TX_BACKUP_NAME_MAX);
    }
    if (order->directory != NULL && strlen(order->directory) > TX_BACKUP_PATH_MAX) {
        return client_fail(detail, TXCLIENT_EINVAL, "the path of a repository has at most %u bytes",
                           TX_BACKUP_PATH_MAX);
    }
    if ((unsigned)order->step >= TX_BACKUP_STEPS_N) {
        return client_fail(detail, TXCLIENT_EINVAL, "there is no such step of a backup");
    }
    *request = (struct tx_msg_backup_request){
        .step = (enum tx_backup_step)order->step,
        .name = tx_bytes_str(order->name),
        .directory = tx_bytes_str(order->directory != NULL ? order->directory : ""),
        .full = order->full,
        .patience_ms = order->patience_ms,
        .cut = order->cut,
        .lsn = {order->lsn}};
    return TXCLIENT_OK;
}

static txclient_status ask(txclient *client, struct client_thread *self, const char *address,
                           const txclient_backup_order *order, txclient_backup_progress *progress)
{
    struct client_channel *channel;
    struct tx_msg msg = {.type = TX_MSG_BACKUP_REQUEST};
    txclient_status status = fill_request(&self->detail, order, &msg.backup_request);
    if (status == TXCLIENT_OK) {
        status = client_channel_at(client, self, address, &channel);
    }
    if (status != TXCLIENT_OK) {
        return status;
    }
    msg.backup_request.req = client_pending_next_req(&client->pending);
    struct client_call call = {.to = channel,
                               .msg = &msg,
                               .req = msg.backup_request.req,
                               .answer = TX_MSG_BACKUP,
                               .timeout_us = client->settings.request_timeout_ms * CLIENT_MS,
                               .take = take_backup,
                               .arg = progress};
    return client_call(client, self, &call, NULL);
}

txclient_status txclient_backup_ask(txclient *client, const char *address,
                                    const txclient_backup_order *order,
                                    txclient_backup_progress *progress)
{
    *progress = (txclient_backup_progress){0};
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    txclient_status status = ask(client, self, address, order, progress);
    client_unlock(client);
    return status;
}
