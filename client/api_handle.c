/* Opening and closing a handle. */
#include "client/client_shell.h"

#include <stdlib.h>
#include <string.h>

static txclient_status fail_open(txclient_why *out, txclient_status status, const char *text)
{
    if (out != NULL) {
        size_t len = strnlen(text, sizeof out->text - 1);
        memcpy(out->text, text, len);
        out->text[len] = '\0';
    }
    return status;
}

/* What needs the settings: the envelope, the writer, the channel to the coordinator. */
static enum tx_error handle_start(struct txclient *client, struct tx_why *why)
{
    client->envelope = (struct tx_envelope){.role = TX_ROLE_CLIENT, .name = client->settings.name};
    memcpy(client->envelope.cluster, client->settings.cluster, sizeof client->envelope.cluster);
    client->writer = tx_frame_writer_new(&client->envelope);
    if (client->writer == NULL) {
        return tx_why(why, TX_ENOMEM, "out of memory");
    }
    enum tx_error error = client_channels_open(client, why);
    if (error != TX_OK) {
        return error;
    }
    return client_channel_get(client, &client->settings.coordinator, &client->coordinator, why);
}

static txclient_status handle_open(const struct client_settings *settings, txclient **out,
                                   txclient_why *why_out)
{
    struct txclient *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return fail_open(why_out, TXCLIENT_ENOMEM, "out of memory");
    }
    client->settings = *settings;
    client_detail_clear(client);
    struct tx_why why;
    enum tx_error error = handle_start(client, &why);
    if (error != TX_OK) {
        txclient_close(&client);
        return fail_open(why_out, client_status_of(error), why.text);
    }
    *out = client;
    return TXCLIENT_OK;
}

txclient_status txclient_open_file(const char *file, txclient **client, txclient_why *why)
{
    struct client_settings settings;
    struct tx_why text;
    *client = NULL;
    enum tx_error error = client_settings_read(&settings, file, &text);
    if (error != TX_OK) {
        return fail_open(why, error == TX_ENOMEM ? TXCLIENT_ENOMEM : TXCLIENT_ECONFIG, text.text);
    }
    return handle_open(&settings, client, why);
}

/* A field exists when the caller's struct is large enough to hold it: an older program has a
 * smaller one. */
#define GIVEN(options, field)                                                                      \
    ((options)->size >= offsetof(txclient_options, field) + sizeof(options)->field)

static enum tx_error take_options(struct client_settings *settings, const txclient_options *options,
                                  struct tx_why *why)
{
    if (GIVEN(options, request_timeout_ms) && options->request_timeout_ms != 0) {
        settings->request_timeout_ms = options->request_timeout_ms;
    }
    if (GIVEN(options, commit_timeout_ms) && options->commit_timeout_ms != 0) {
        settings->commit_timeout_ms = options->commit_timeout_ms;
    }
    if (GIVEN(options, resend_ms) && options->resend_ms != 0) {
        settings->resend_ms = options->resend_ms;
    }
    if (GIVEN(options, connect_timeout_ms) && options->connect_timeout_ms != 0) {
        settings->connect_timeout_ms = options->connect_timeout_ms;
    }
    if (GIVEN(options, message_max) && options->message_max != 0) {
        settings->message_max = options->message_max;
    }
    if (GIVEN(options, name) && options->name != NULL) {
        return client_settings_set_name(settings, options->name, why);
    }
    return TX_OK;
}

txclient_status txclient_open(const char *cluster, const char *coordinator,
                              const txclient_options *options, txclient **client, txclient_why *why)
{
    struct client_settings settings;
    struct tx_why text;
    *client = NULL;
    client_settings_init(&settings);
    enum tx_error error = client_settings_set_cluster(&settings, cluster, &text);
    if (error == TX_OK) {
        error = client_settings_set_coordinator(&settings, coordinator, &text);
    }
    if (error == TX_OK && options != NULL) {
        error = take_options(&settings, options, &text);
    }
    if (error == TX_OK) {
        error = client_settings_check(&settings, &text);
    }
    if (error != TX_OK) {
        return fail_open(why, TXCLIENT_EINVAL, text.text);
    }
    return handle_open(&settings, client, why);
}

/* Told without waiting: whom it does not reach finds out through the idle limit. */
static void orphan_transactions(struct txclient *client)
{
    while (client->txs != NULL) {
        txclient_tx *tx = client->txs;
        if (tx->core.state == CLIENT_TX_OPEN) {
            (void)txclient_abort(tx);
        }
        client->txs = tx->next;
        tx->next = NULL;
        tx->previous = NULL;
        tx->client = NULL;
    }
}

void txclient_close(txclient **handle)
{
    struct txclient *client = *handle;
    if (client == NULL) {
        return;
    }
    *handle = NULL;
    orphan_transactions(client);
    if (client->coordinator != NULL) {
        client_flush_acks(client);
    }
    client_pending_deinit(&client->pending);
    client_channels_close(client);
    if (client->writer != NULL) {
        tx_frame_writer_destroy(&client->writer);
    }
    tx_arena_deinit(&client->received);
    tx_arena_deinit(&client->values);
    tx_buf_deinit(&client->detail.reference);
    free(client);
}
