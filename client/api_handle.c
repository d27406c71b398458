/* Opening and closing a handle. */
#include "client/client_shell.h"
#include "client/txclient_admin.h"

#include "common/assert.h"

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
    client->frame = tx_frame_writer_new(&client->envelope);
    if (client->writer == NULL || client->frame == NULL) {
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
    client->poll_fd = -1;
    client->kick_fd = -1;
    client->timer_fd = -1;
    (void)pthread_mutex_init(&client->lock, NULL); /* cannot fail without attributes */
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
    if (GIVEN(options, in_flight_max) && options->in_flight_max != 0) {
        settings->in_flight_max = options->in_flight_max;
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

/* ---- closing ---- */

#define FAREWELL_US (1000u * CLIENT_MS) /* for daemons to hear of what is aborted */

/* Tells the coordinator of everything that is still open, all at once. */
static void abort_open(struct txclient *client)
{
    for (txclient_tx *tx = client->txs; tx != NULL; tx = tx->next) {
        txclient_status status;
        if (tx->core.state != CLIENT_TX_OPEN) {
            continue;
        }
        /* Without memory it is not told: it finds out through its idle limit. */
        struct client_task *task = client_task_new(client, NULL, tx, NULL, NULL, &status);
        if (task != NULL) {
            client_abort_start(&task->u.finish, tx);
            (void)client_task_accept(task, NULL);
        }
    }
    uint64_t until_us = client_now_us() + FAREWELL_US;
    while (client->farewells > 0 && client_now_us() < until_us) {
        client_pump(client, until_us);
    }
}

/* Nothing is sent any more, and everything that was under way ends: as without an answer. */
static void end_all(struct txclient *client)
{
    client->closing = true;
    client_give_up(client);
    while (client_tasks_deliver(client) > 0 || client->done != NULL) {
    }
    TX_ASSERT(client->in_flight == 0 && client->farewells == 0);
}

static void orphan_transactions(struct txclient *client)
{
    while (client->txs != NULL) {
        txclient_tx *tx = client->txs;
        client->txs = tx->next;
        tx->next = NULL;
        tx->previous = NULL;
        tx->client = NULL;
    }
}

/* A hint that may be lost: the coordinator's retention time covers it. */
static void flush_acks(struct txclient *client)
{
    tx_frame_writer_clear(client->frame);
    bool fits = true;
    for (size_t i = 0; fits && i < client->acks.n; i++) {
        struct tx_msg ack = {.type = TX_MSG_OUTCOME_ACK, .id = {client->acks.ids[i]}};
        fits = tx_frame_writer_add(client->frame, &ack, client->settings.message_max) == TX_OK;
    }
    if (tx_frame_writer_count(client->frame) > 0) {
        enum tx_error sent =
            client_channel_send(client->coordinator, tx_frame_writer_finish(client->frame));
        (void)sent;
    }
}

void txclient_close(txclient **handle)
{
    struct txclient *client = *handle;
    if (client == NULL) {
        return;
    }
    *handle = NULL;
    client_lock(client);
    TX_ASSERT(!client->led && client->followers == NULL); /* nobody else uses it any more */
    client->led = true;
    if (client->coordinator != NULL) {
        abort_open(client);
        end_all(client);
        orphan_transactions(client);
        flush_acks(client);
    }
    client_unlock(client);
    client_tasks_deinit(client);
    client_pending_deinit(&client->pending);
    client_channels_close(client);
    if (client->writer != NULL) {
        tx_frame_writer_destroy(&client->writer);
    }
    if (client->frame != NULL) {
        tx_frame_writer_destroy(&client->frame);
    }
    tx_arena_deinit(&client->received);
    client_threads_free(client);
    (void)pthread_mutex_destroy(&client->lock);
    free(client);
}

/* ---- where the daemons are ---- */

const char *txclient_participant_address(const txclient *client, size_t i)
{
    return i < client->settings.participants_n ? client->settings.participants[i].s : NULL;
}

const char *txclient_coordinator_address(const txclient *client)
{
    return client->settings.coordinator.s;
}
