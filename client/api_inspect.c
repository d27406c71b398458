/* What a daemon says of itself, copied out of its STATUS. */
#include "client/client_shell.h"

#include <stdlib.h>
#include <string.h>

struct txclient_node {
    struct tx_arena arena; /* everything else is in it */
    txclient_node_field *fields;
    size_t fields_n;
    txclient_node_tx *txs;
    size_t txs_n;
    txclient_node_peer *peers;
    size_t peers_n;
};

/* A string in the arena. Bytes that cannot stand in a C string end it early. */
static const char *text_of(struct txclient_node *node, struct tx_bytes bytes, bool *failed)
{
    char *text = tx_arena_alloc(&node->arena, bytes.len + 1, 1);
    if (text == NULL) {
        *failed = true;
        return "";
    }
    if (bytes.len > 0) {
        memcpy(text, bytes.data, bytes.len);
    }
    return text;
}

static void copy_txs(struct txclient_node *node, const struct tx_msg_status *status, bool *failed)
{
    for (size_t i = 0; i < status->txs_n; i++) {
        const struct tx_status_tx *tx = &status->txs[i];
        char id[TX_ID_TEXT];
        node->txs[i] =
            (txclient_node_tx){.id = text_of(node, tx_bytes_str(tx_id_print(tx->id, id)), failed),
                               .state = text_of(node, tx->state, failed),
                               .detail = text_of(node, tx->detail, failed),
                               .age_ms = tx->age_ms};
    }
}

static void copy_peers(struct txclient_node *node, const struct tx_msg_status *status, bool *failed)
{
    for (size_t i = 0; i < status->peers_n; i++) {
        const struct tx_status_peer *peer = &status->peers[i];
        node->peers[i] = (txclient_node_peer){.name = text_of(node, peer->name, failed),
                                              .address = text_of(node, peer->address, failed),
                                              .state = text_of(node, peer->state, failed),
                                              .start = peer->start,
                                              .silent_ms = peer->silent_ms};
    }
}

static enum tx_error take_status(void *arg, const struct tx_msg *answer)
{
    struct txclient_node *node = arg;
    const struct tx_msg_status *status = &answer->status;
    bool failed = false;
    node->fields = tx_arena_alloc(&node->arena, status->fields_n, sizeof *node->fields);
    node->txs = tx_arena_alloc(&node->arena, status->txs_n, sizeof *node->txs);
    node->peers = tx_arena_alloc(&node->arena, status->peers_n, sizeof *node->peers);
    if (node->fields == NULL || node->txs == NULL || node->peers == NULL) {
        return TX_ENOMEM;
    }
    node->fields_n = status->fields_n;
    node->txs_n = status->txs_n;
    node->peers_n = status->peers_n;
    for (size_t i = 0; i < status->fields_n; i++) {
        node->fields[i].name = text_of(node, status->fields[i].name, &failed);
        node->fields[i].text = text_of(node, status->fields[i].text, &failed);
    }
    copy_txs(node, status, &failed);
    copy_peers(node, status, &failed);
    return failed ? TX_ENOMEM : TX_OK;
}

static txclient_status inspect(txclient *client, struct client_thread *self,
                               struct client_channel *channel, txclient_node *node)
{
    uint64_t req = client_pending_next_req(&client->pending);
    struct tx_msg msg = {.type = TX_MSG_STATUS_REQUEST, .status_request = {.req = req}};
    struct client_call call = {.to = channel,
                               .msg = &msg,
                               .req = req,
                               .answer = TX_MSG_STATUS,
                               .timeout_us = client->settings.request_timeout_ms * CLIENT_MS,
                               .take = take_status,
                               .arg = node};
    return client_call(client, self, &call, NULL);
}

static txclient_status inspect_at(txclient *client, struct client_thread *self, const char *address,
                                  txclient_node **out)
{
    struct client_channel *channel = client->coordinator;
    struct tx_address parsed = {0};
    struct tx_why why;
    if (address != NULL) {
        enum tx_error error = tx_address_set(&parsed, tx_bytes_str(address));
        if (error != TX_OK) {
            return client_fail(&self->detail, TXCLIENT_EINVAL,
                               "an address has at most %u characters", TX_ADDRESS_MAX);
        }
        error = client_channel_get(client, &parsed, &channel, &why);
        if (error != TX_OK) {
            return client_fail(&self->detail, client_status_of(error), "%s", why.text);
        }
    }
    txclient_node *node = calloc(1, sizeof *node);
    if (node == NULL) {
        return client_fail(&self->detail, TXCLIENT_ENOMEM, "out of memory");
    }
    txclient_status status = inspect(client, self, channel, node);
    if (status != TXCLIENT_OK) {
        txclient_node_free(&node);
    }
    *out = node;
    return status;
}

txclient_status txclient_inspect(txclient *client, const char *address, txclient_node **out)
{
    *out = NULL;
    struct client_thread *self = client_enter(client);
    if (self == NULL) {
        return TXCLIENT_ENOMEM;
    }
    txclient_status status = inspect_at(client, self, address, out);
    client_unlock(client);
    return status;
}

void txclient_node_free(txclient_node **node)
{
    if (*node != NULL) {
        tx_arena_deinit(&(*node)->arena);
        free(*node);
        *node = NULL;
    }
}

const txclient_node_field *txclient_node_field_at(const txclient_node *node, size_t i)
{
    return i < node->fields_n ? &node->fields[i] : NULL;
}

const txclient_node_tx *txclient_node_tx_at(const txclient_node *node, size_t i)
{
    return i < node->txs_n ? &node->txs[i] : NULL;
}

const txclient_node_peer *txclient_node_peer_at(const txclient_node *node, size_t i)
{
    return i < node->peers_n ? &node->peers[i] : NULL;
}

const char *txclient_node_get(const txclient_node *node, const char *name)
{
    for (size_t i = 0; i < node->fields_n; i++) {
        if (strcmp(node->fields[i].name, name) == 0) {
            return node->fields[i].text;
        }
    }
    return NULL;
}
