/* txctl status: how every daemon fares, and why. */
#include "client/cli.h"
#include "common/json.h"
#include "client/txctl/txctl.h"
#include "client/txctl/txctl_health.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

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

static void print_fields(const txclient_node *node)
{
    const txclient_node_field *field;
    for (size_t i = 0; (field = txclient_node_field_at(node, i)) != NULL; i++) {
        (void)printf("%s%s=%s", i % 6 == 0 ? (i == 0 ? "  " : "\n  ") : "  ", field->name,
                     field->text);
    }
    (void)putchar('\n');
}

/* All that a daemon says. */
static void print_whole(const struct txctl_node *node)
{
    (void)printf("%s%s  %s\n", node->coordinator ? "" : "participant ", node->name, node->address);
    if (node->status == NULL) {
        (void)printf("  unreachable: %s\n", node->problem);
        return;
    }
    print_fields(node->status);
    print_peers(node->status);
    print_txs(node->status);
}

static const char *state_of(const struct txctl_node *node)
{
    const char *state = node->status == NULL ? "silent"
                        : node->coordinator  ? txclient_node_get(node->status, "state")
                                             : txclient_node_get(node->status, "refusing");
    if (state == NULL || strcmp(state, "no") == 0) {
        return "serving";
    }
    return strcmp(state, "disk reserve reached") == 0 ? "disk-full" : state;
}

/* Open ones, and of them those that may be in doubt. */
static uint64_t count(const struct txctl_node *node, bool in_doubt)
{
    static const char *const fields[2][2][4] = {
        {{"working", "preparing", "prepared", "heuristic_open"},
         {"prepared", "heuristic_open", "", ""}},
        {{"active", "collecting", "deciding", "committed"}, {"deciding", "committed", "", ""}}};
    uint64_t n = 0;
    for (size_t i = 0; i < 4; i++) {
        n += health_number(node, fields[node->coordinator][in_doubt][i]);
    }
    return n;
}

static void print_row(const struct txctl_node *node, const struct health_report *report)
{
    txctl_cell(stdout, 16, node->name);
    (void)printf("  %-6s  %-9s", health_name(report->health), state_of(node));
    if (node->status == NULL) {
        (void)printf("  %5s  %5s  %6s  %5s  %6s  ", "-", "-", "-", "-", "-");
    } else {
        (void)printf("  %5" PRIu64 "  %5" PRIu64 "  %6" PRIu64 "  %5" PRIu64 "  %6" PRIu64 "  ",
                     count(node, false), count(node, true), health_number(node, "locks_held"),
                     health_number(node, "locks_waiting"), health_number(node, "alarms"));
    }
    txctl_cell(stdout, 24, node->address);
    (void)putchar('\n');
}

static void print_reasons(const struct txctl_node *node, const struct health_report *report)
{
    for (size_t i = 0; i < report->reasons_n; i++) {
        txctl_line(stdout, 0, "%s: %s: %s", health_name(report->health), node->name,
                   report->reasons[i]);
    }
}

/* ---- for programs ---- */

static void json_peers(struct json *json, const txclient_node *node)
{
    const txclient_node_peer *peer;
    json_member_array_begin(json, "peers");
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
    json_member_array_begin(json, "transactions");
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

static void json_fields(struct json *json, const txclient_node *node)
{
    const txclient_node_field *field;
    json_member_object_begin(json, "fields");
    for (size_t i = 0; (field = txclient_node_field_at(node, i)) != NULL; i++) {
        json_member(json, field->name, field->text);
    }
    json_object_end(json);
}

static void json_node(struct json *json, const struct txctl_node *node,
                      const struct health_report *report)
{
    txctl_node_json_begin(node, json);
    json_member(json, "health", health_name(report->health));
    json_member_array_begin(json, "reasons");
    for (size_t i = 0; i < report->reasons_n; i++) {
        json_string(json, report->reasons[i]);
    }
    json_array_end(json);
    if (node->status == NULL) {
        json_member(json, "text", node->problem);
    } else {
        json_fields(json, node->status);
        json_peers(json, node->status);
        json_txs(json, node->status);
    }
    json_object_end(json);
}

/* ---- the command ---- */

static void print_all(const struct txctl_nodes *nodes, const struct health_report *reports,
                      bool verbose)
{
    (void)printf("%-16s  %-6s  %-9s  %5s  %5s  %6s  %5s  %6s  %s\n", "NODE", "HEALTH", "STATE",
                 "OPEN", "DOUBT", "LOCKS", "WAITS", "ALARMS", "ADDRESS");
    for (size_t i = 0; i < nodes->n; i++) {
        print_row(&nodes->items[i], &reports[i]);
    }
    for (size_t i = 0; i < nodes->n; i++) {
        print_reasons(&nodes->items[i], &reports[i]);
    }
    for (size_t i = 0; verbose && i < nodes->n; i++) {
        print_whole(&nodes->items[i]);
    }
}

static void json_all(const struct txctl_nodes *nodes, const struct health_report *reports,
                     enum health worst)
{
    struct json json;
    json_init(&json, stdout);
    json_object_begin(&json);
    json_member(&json, "health", health_name(worst));
    json_member_array_begin(&json, "nodes");
    for (size_t i = 0; i < nodes->n; i++) {
        json_node(&json, &nodes->items[i], &reports[i]);
    }
    json_array_end(&json);
    json_object_end(&json);
    (void)putchar('\n');
}

static uint64_t wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int show(txclient *client, const struct txctl_nodes *nodes, bool verbose, bool as_json)
{
    enum health worst = HEALTH_OK;
    struct health_report *reports = calloc(nodes->n + 1, sizeof *reports);
    if (reports == NULL) {
        (void)fputs("txctl: out of memory\n", stderr);
        return EX_OSERR;
    }
    for (size_t i = 0; i < nodes->n; i++) {
        health_judge(client, &nodes->items[i], wall_ms(), &reports[i]);
        worst = reports[i].health > worst ? reports[i].health : worst;
    }
    if (as_json) {
        json_all(nodes, reports, worst);
    } else {
        print_all(nodes, reports, verbose);
    }
    free(reports);
    return nodes->silent_n == nodes->n ? EX_UNAVAILABLE : (int)worst;
}

int txctl_status(txclient *client, bool verbose, char **words, int words_n, bool as_json)
{
    struct txctl_nodes nodes;
    int result = txctl_nodes_find(client, words, words_n, &nodes);
    if (result == 0) {
        result = show(client, &nodes, verbose, as_json);
    }
    txctl_nodes_deinit(&nodes);
    return result;
}
