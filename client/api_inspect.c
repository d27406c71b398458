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

static void copy_txs(struct txclient_node *node, const struct tx_msg_status *status, bool *failed)
{
    for (size_t i = 0; i < status->txs_n; i++) {
        const struct tx_status_tx *tx = &status->txs[i];
        node->txs[i] =
            (txclient_node_tx){.id = client_copy_id(&node->arena, tx->id, failed),
                               .state = client_copy_text(&node->arena, tx->state, failed),
                               .detail = client_copy_text(&node->arena, tx->detail, failed),
                               .age_ms = tx->age_ms};
    }
}

static void copy_peers(struct txclient_node *node, const struct tx_msg_status *status, bool *failed)
{
    for (size_t i = 0; i < status->peers_n; i++) {
        const struct tx_status_peer *peer = &status->peers[i];
        node->peers[i] =
            (txclient_node_peer){.name = client_copy_text(&node->arena, peer->name, failed),
                                 .address = client_copy_text(&node->arena, peer->address, failed),
                                 .state = client_copy_text(&node->arena, peer->state, failed),
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
        node->fields[i].name = client_copy_text(&node->arena, status->fields[i].name, &failed);
        node->fields[i].text = client_copy_text(&node->arena, status->fields[i].text, &failed);
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
    struct client_channel *channel;
    txclient_status status = client_channel_at(client, self, address, &channel);
    if (status != TXCLIENT_OK) {
        return status;
    }
    txclient_node *node = calloc(1, sizeof *node);
    if (node == NULL) {
        return client_fail(&self->detail, TXCLIENT_ENOMEM, "out of memory");
    }
    status = inspect(client, self, channel, node);
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
