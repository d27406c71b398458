/* txctl status: the coordinator, then every participant that it knows. */
#include "client/cli.h"
#include "common/json.h"
#include "client/txctl/txctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* ---- for people ---- */

static void print_age(uint64_t ms)
{
    if (ms < 1000) {
        (void)printf("%" PRIu64 " ms", ms);
    } else if (ms < UINT64_C(120000)) {
        (void)printf("%" PRIu64 ".%" PRIu64 " s", ms / 1000, ms % 1000 / 100);
    } else {
        (void)printf("%" PRIu64 " min", ms / 60000);
    }
}

static void print_peers(const txclient_node *node)
{
    const txclient_node_peer *peer;
    for (size_t i = 0; (peer = txclient_node_peer_at(node, i)) != NULL; i++) {
        (void)printf("  sees %-16s %-12s start %-6" PRIu64 " silent ", peer->name, peer->state,
                     peer->start);
        print_age(peer->silent_ms);
        (void)printf("  %s\n", peer->address);
    }
}

static void print_txs(const txclient_node *node)
{
    const txclient_node_tx *tx;
    for (size_t i = 0; (tx = txclient_node_tx_at(node, i)) != NULL; i++) {
        (void)printf("  transaction %-16s %-12s age ", tx->id, tx->state);
        print_age(tx->age_ms);
        (void)printf("%s%s\n", tx->detail[0] != '\0' ? "  " : "", tx->detail);
    }
}

static void print_node(const char *name, const char *address, const txclient_node *node,
                       const char *problem)
{
    (void)printf("%s%s%s\n", name, address[0] != '\0' ? "  " : "", address);
    if (node == NULL) {
        (void)printf("  unreachable: %s\n", problem);
        return;
    }
    const txclient_node_field *field;
    for (size_t i = 0; (field = txclient_node_field_at(node, i)) != NULL; i++) {
        (void)printf("%s%s=%s", i % 6 == 0 ? (i == 0 ? "  " : "\n  ") : "  ", field->name,
                     field->text);
    }
    (void)putchar('\n');
    print_peers(node);
    print_txs(node);
}

/* ---- for programs ---- */

static void json_peers(struct json *json, const txclient_node *node)
{
    const txclient_node_peer *peer;
    json_key(json, "peers");
    json_array_begin(json);
    for (size_t i = 0; (peer = txclient_node_peer_at(node, i)) != NULL; i++) {
        json_object_begin(json);
        json_member(json, "name", peer->name);
        json_member(json, "address", peer->address);
        json_member(json, "state", peer->state);
        json_member_u64(json, "start", peer->start);
        json_member_u64(json, "silent_ms", peer->silent_ms);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_txs(struct json *json, const txclient_node *node)
{
    const txclient_node_tx *tx;
    json_key(json, "transactions");
    json_array_begin(json);
    for (size_t i = 0; (tx = txclient_node_tx_at(node, i)) != NULL; i++) {
        json_object_begin(json);
        json_member(json, "id", tx->id);
        json_member(json, "state", tx->state);
        json_member_u64(json, "age_ms", tx->age_ms);
        json_member(json, "detail", tx->detail);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_node(struct json *json, const char *name, const char *address,
                      const txclient_node *node, const char *problem)
{
    json_object_begin(json);
    json_member(json, "name", name);
    json_member(json, "address", address);
    json_key(json, "reachable");
    json_bool(json, node != NULL);
    if (node == NULL) {
        json_member(json, "text", problem);
    } else {
        const txclient_node_field *field;
        json_key(json, "fields");
        json_object_begin(json);
        for (size_t i = 0; (field = txclient_node_field_at(node, i)) != NULL; i++) {
            json_member(json, field->name, field->text);
        }
        json_object_end(json);
        json_peers(json, node);
        json_txs(json, node);
    }
    json_object_end(json);
}

/* ---- the command ---- */

static void show(struct json *json, const char *name, const char *address,
                 const txclient_node *node, const char *problem)
{
    if (json != NULL) {
        json_node(json, name, address, node, problem);
    } else {
        print_node(name, address, node, problem);
    }
}

static void show_participants(txclient *client, const txclient_node *coordinator, struct json *json)
{
    const txclient_node_peer *peer;
    for (size_t i = 0; (peer = txclient_node_peer_at(coordinator, i)) != NULL; i++) {
        txclient_node *node = NULL;
        char name[64];
        txclient_status status = txclient_inspect(client, peer->address, &node);
        (void)snprintf(name, sizeof name, "participant %s", peer->name);
        show(json, name, peer->address, status == TXCLIENT_OK ? node : NULL,
             txclient_detail(client)->text);
        txclient_node_free(&node);
    }
}

int txctl_status(txclient *client, bool as_json)
{
    txclient_node *coordinator = NULL;
    txclient_status status = txclient_inspect(client, NULL, &coordinator);
    struct json writer;
    struct json *json = as_json ? &writer : NULL;
    json_init(&writer, stdout);
    if (as_json) {
        json_object_begin(json);
        json_key(json, "nodes");
        json_array_begin(json);
    }
    show(json, "coordinator", "", coordinator, txclient_detail(client)->text);
    if (coordinator != NULL) {
        show_participants(client, coordinator, json);
    }
    if (as_json) {
        json_array_end(json);
        json_object_end(json);
        (void)putchar('\n');
    }
    txclient_node_free(&coordinator);
    return status == TXCLIENT_OK ? 0 : cli_exit_status(status);
}
