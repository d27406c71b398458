#include "client/txctl/txctl_nodes.h"

#include "client/cli.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* ---- finding them ---- */

static int out_of_memory(void)
{
    (void)fputs("txctl: out of memory\n", stderr);
    return EX_OSERR;
}

static bool is_known(const struct txctl_nodes *nodes, const char *name, const char *address)
{
    for (size_t i = 0; i < nodes->n; i++) {
        if (strcmp(nodes->items[i].address, address) == 0 ||
            strcmp(nodes->items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int add(struct txctl_nodes *nodes, const char *name, const char *address, bool coordinator)
{
    if (address[0] == '\0' || is_known(nodes, name, address)) {
        return 0;
    }
    struct txctl_node *items = reallocarray(nodes->items, nodes->n + 1, sizeof *items);
    if (items == NULL) {
        return out_of_memory();
    }
    nodes->items = items;
    struct txctl_node *node = &items[nodes->n++];
    *node = (struct txctl_node){
        .name = strdup(name), .address = strdup(address), .coordinator = coordinator};
    return node->name != NULL && node->address != NULL ? 0 : out_of_memory();
}

/* Where to begin. */
static int add_known(txclient *client, char **words, int words_n, struct txctl_nodes *nodes)
{
    const char *address = txclient_coordinator_address(client);
    int result = add(nodes, "coordinator", address, true);
    for (size_t i = 0; result == 0 && (address = txclient_participant_address(client, i)) != NULL;
         i++) {
        result = add(nodes, address, address, false);
    }
    for (int i = 0; i < words_n && result == 0; i++) {
        result = add(nodes, words[i], words[i], false);
    }
    return result;
}

static int rename_node(struct txctl_node *node, const char *name)
{
    char *copy = strdup(name);
    if (copy == NULL) {
        return out_of_memory();
    }
    free(node->name);
    node->name = copy;
    return 0;
}

/* It has said who it is. */
static int take_name(struct txctl_node *node)
{
    const char *role = txclient_node_get(node->status, "role");
    const char *name = txclient_node_get(node->status, "name");
    const char *id = txclient_node_get(node->status, "id");
    char text[40];
    node->coordinator = role != NULL && strcmp(role, "coordinator") == 0;
    if (node->coordinator && id != NULL) {
        node->id = (uint32_t)strtoul(id, NULL, 10);
        (void)snprintf(text, sizeof text, "coordinator %" PRIu32, node->id);
        return rename_node(node, text);
    }
    return name != NULL ? rename_node(node, name) : 0;
}

/* ---- asking several at once ---- */

/* Those from `next` on, up to `end`, shared by threads: who is silent makes nobody else wait. */
struct round {
    txclient *client;
    const txclient_txs_query *query;
    struct txctl_nodes *nodes;
    void (*ask)(const struct round *round, struct txctl_node *node);
    atomic_size_t next;
    size_t end;
};

static void *work(void *arg)
{
    struct round *round = arg;
    size_t at;
    while ((at = atomic_fetch_add(&round->next, 1)) < round->end) {
        round->ask(round, &round->nodes->items[at]);
    }
    return NULL;
}

/* Where no thread can be had, those that there are ask one after the other. */
static void work_all(struct round *round)
{
    pthread_t threads[TXCTL_AT_ONCE];
    size_t n = 0, wanted = round->end - atomic_load(&round->next);
    while (n + 1 < wanted && n < TXCTL_AT_ONCE - 1 &&
           pthread_create(&threads[n], NULL, work, round) == 0) {
        n++;
    }
    (void)work(round);
    while (n > 0) {
        (void)pthread_join(threads[--n], NULL);
    }
}

/* What the calling thread's last call has failed with. */
static void set_problem(txclient *client, struct txctl_node *node)
{
    free(node->problem);
    node->problem = strdup(txclient_detail(client)->text);
}

static void ask_status(const struct round *round, struct txctl_node *node)
{
    if (txclient_inspect(round->client, node->address, &node->status) != TXCLIENT_OK) {
        set_problem(round->client, node);
    }
}

/* Adds whom it names. The list may move. */
static int take_status(struct txctl_nodes *nodes, size_t at)
{
    struct txctl_node *node = &nodes->items[at];
    const txclient_node_peer *peer;
    if (node->status == NULL) {
        nodes->silent_n++;
        return node->problem != NULL ? 0 : out_of_memory();
    }
    int result = take_name(node);
    const txclient_node *status = node->status;
    bool coordinator = node->coordinator;
    for (size_t i = 0; result == 0 && (peer = txclient_node_peer_at(status, i)) != NULL; i++) {
        result = add(nodes, peer->name, peer->address, !coordinator);
    }
    return result;
}

/* A participant in doubt knows the other members, which nobody else may name while its coordinator
 * is silent. */
static int add_members(txclient *client, struct txctl_nodes *nodes, size_t at)
{
    const txclient_txs_query query = {.size = sizeof query, .in_doubt = true};
    const txclient_tx_row *row;
    txclient_txs *txs = NULL;
    int result = 0;
    if (nodes->items[at].status == NULL || nodes->items[at].coordinator ||
        txclient_txs_ask(client, nodes->items[at].address, &query, &txs) != TXCLIENT_OK) {
        return 0; /* whoever asks it for more will hear why not */
    }
    for (size_t i = 0; result == 0 && (row = txclient_txs_at(txs, i)) != NULL; i++) {
        for (size_t j = 0; result == 0 && j < row->members_n; j++) {
            result = add(nodes, row->members[j].name, row->members[j].address, false);
        }
    }
    txclient_txs_free(&txs);
    return result;
}

/* One that was found by its address, and is silent, may have a name by now. */
static int name_silent(struct txctl_nodes *nodes)
{
    int result = 0;
    for (size_t i = 0; i < nodes->n; i++) {
        const txclient_node_peer *peer;
        for (size_t j = 0; nodes->items[i].status != NULL &&
                           (peer = txclient_node_peer_at(nodes->items[i].status, j)) != NULL;
             j++) {
            for (size_t k = 0; k < nodes->n && result == 0; k++) {
                struct txctl_node *node = &nodes->items[k];
                if (node->status == NULL && strcmp(node->address, peer->address) == 0) {
                    result = rename_node(node, peer->name);
                }
            }
        }
    }
    return result;
}

int txctl_nodes_find(txclient *client, char **words, int words_n, struct txctl_nodes *nodes)
{
    *nodes = (struct txctl_nodes){0};
    int result = add_known(client, words, words_n, nodes);
    for (size_t i = 0; result == 0 && i < nodes->n;) {
        struct round round = {
            .client = client, .nodes = nodes, .ask = ask_status, .next = i, .end = nodes->n};
        work_all(&round);
        for (; result == 0 && i < round.end; i++) {
            result = take_status(nodes, i);
            if (result == 0 && nodes->silent_n > 0) {
                result = add_members(client, nodes, i);
            }
        }
    }
    return result == 0 ? name_silent(nodes) : result;
}

static void ask_txs(const struct round *round, struct txctl_node *node)
{
    txclient_txs_free(&node->txs);
    if (node->status != NULL &&
        txclient_txs_ask(round->client, node->address, round->query, &node->txs) != TXCLIENT_OK) {
        txclient_node_free(&node->status);
        set_problem(round->client, node);
    }
}

void txctl_nodes_ask(txclient *client, const txclient_txs_query *query, struct txctl_nodes *nodes)
{
    struct round round = {
        .client = client, .query = query, .nodes = nodes, .ask = ask_txs, .end = nodes->n};
    work_all(&round);
    nodes->silent_n = 0;
    for (size_t i = 0; i < nodes->n; i++) {
        nodes->silent_n += nodes->items[i].status == NULL;
    }
}

void txctl_nodes_deinit(struct txctl_nodes *nodes)
{
    for (size_t i = 0; i < nodes->n; i++) {
        free(nodes->items[i].name);
        free(nodes->items[i].address);
        free(nodes->items[i].problem);
        txclient_node_free(&nodes->items[i].status);
        txclient_txs_free(&nodes->items[i].txs);
    }
    free(nodes->items);
    *nodes = (struct txctl_nodes){0};
}

const struct txctl_node *txctl_nodes_named(const struct txctl_nodes *nodes, const char *name)
{
    for (size_t i = 0; i < nodes->n; i++) {
        if (strcmp(nodes->items[i].name, name) == 0 || strcmp(nodes->items[i].address, name) == 0) {
            return &nodes->items[i];
        }
    }
    return NULL;
}

size_t txctl_node_rows(const struct txctl_node *node)
{
    size_t n = 0;
    while (node->txs != NULL && txclient_txs_at(node->txs, n) != NULL) {
        n++;
    }
    return n;
}

const txclient_tx_row *txctl_node_row(const struct txctl_node *node, const char *tx)
{
    const txclient_tx_row *row;
    for (size_t i = 0; node->txs != NULL && (row = txclient_txs_at(node->txs, i)) != NULL; i++) {
        if (strcmp(row->tx, tx) == 0) {
            return row;
        }
    }
    return NULL;
}

int txctl_nodes_exit(const struct txctl_nodes *nodes)
{
    return nodes->silent_n > 0 ? EX_UNAVAILABLE : 0;
}

/* ---- showing them ---- */

void txctl_nodes_print_silent(const struct txctl_nodes *nodes, FILE *out)
{
    for (size_t i = 0; i < nodes->n; i++) {
        const struct txctl_node *node = &nodes->items[i];
        if (node->status == NULL) {
            txctl_line(out, 2, "%s at %s does not answer: %s", node->name, node->address,
                       node->problem);
        }
    }
}

void txctl_node_json_begin(const struct txctl_node *node, struct json *json)
{
    json_object_begin(json);
    json_member(json, "name", node->name);
    json_member(json, "role", node->coordinator ? "coordinator" : "participant");
    json_member(json, "address", node->address);
    json_member_bool(json, "reachable", node->status != NULL);
}

void txctl_nodes_json(const struct txctl_nodes *nodes, struct json *json)
{
    json_member_array_begin(json, "nodes");
    for (size_t i = 0; i < nodes->n; i++) {
        const struct txctl_node *node = &nodes->items[i];
        txctl_node_json_begin(node, json);
        if (node->status == NULL) {
            json_member(json, "text", node->problem);
        }
        json_object_end(json);
    }
    json_array_end(json);
}

void txctl_wrap(FILE *out, unsigned column, unsigned indent, const char *text)
{
    unsigned at = column;
    bool first = true;
    for (const char *word = text; *word != '\0';) {
        unsigned len = (unsigned)strcspn(word, " ");
        if (!first && at + 1 + len > TXCTL_COLUMNS) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        (void)fprintf(out, "%s%.*s", first ? "" : " ", (int)len, word);
        at += len + !first;
        first = false;
        word += len;
        word += *word == ' ';
    }
    (void)fputc('\n', out);
}

void txctl_cell(FILE *out, unsigned width, const char *text)
{
    size_t len = strlen(text);
    if (len > width) {
        (void)fprintf(out, "%.*s~", (int)width - 1, text);
    } else {
        (void)fprintf(out, "%-*s", (int)width, text);
    }
}

void txctl_line(FILE *out, unsigned indent, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)fprintf(out, "%*s", (int)indent, "");
    txctl_wrap(out, indent, indent + 2, text);
}
