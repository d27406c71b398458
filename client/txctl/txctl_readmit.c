/* txctl readmit: a participant that was restored alone comes back, with its loss declared. */
#include "client/cli.h"
#include "client/txctl/txctl.h"
#include "client/txctl/txctl_nodes.h"
#include "client/txctl/txctl_targets.h"
#include "common/json.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct readmitting {
    txclient *client;
    const char *participant;
    const char *operator_name;
    struct txctl_nodes nodes;
    struct json *json; /* NULL: for people */
    size_t asked, willing, done;
};

/* Does this coordinator keep it out? */
static bool is_out(const struct readmitting *readmitting, const struct txctl_node *node)
{
    const txclient_node_peer *peer;
    for (size_t i = 0; node->coordinator && node->status != NULL &&
                       (peer = txclient_node_peer_at(node->status, i)) != NULL;
         i++) {
        if (strcmp(peer->name, readmitting->participant) == 0) {
            return strcmp(peer->state, "quarantined") == 0;
        }
    }
    return false;
}

static void show(struct readmitting *readmitting, const struct txctl_node *node,
                 txclient_status status, const char *call)
{
    const char *text = txclient_detail(readmitting->client)->text;
    if (readmitting->json == NULL) {
        (void)printf("%s at %s:\n", node->name, node->address);
        bool in = status == TXCLIENT_OK && strcmp(call, "readmit") == 0;
        txctl_line(stdout, 2, "%s%s", in ? "let in: " : "", text);
        return;
    }
    json_object_begin(readmitting->json);
    json_member(readmitting->json, "coordinator", node->name);
    json_member(readmitting->json, "call", call);
    json_member_bool(readmitting->json, "done", status == TXCLIENT_OK);
    json_member(readmitting->json, "text", text);
    json_object_end(readmitting->json);
}

/* At all that keep it out; what a coordinator has answered is shown. Gives how many did it. */
static size_t at_all(struct readmitting *readmitting, txclient_admin_verb verb)
{
    size_t n = 0;
    for (size_t i = 0; i < readmitting->nodes.n; i++) {
        const struct txctl_node *node = &readmitting->nodes.items[i];
        if (!is_out(readmitting, node)) {
            continue;
        }
        txclient_status status =
            txclient_admin(readmitting->client, node->address, verb, readmitting->operator_name,
                           readmitting->participant);
        show(readmitting, node, status, verb == TXCLIENT_ADMIN_LOSS ? "loss" : "readmit");
        n += status == TXCLIENT_OK;
        readmitting->asked += verb == TXCLIENT_ADMIN_LOSS;
    }
    return n;
}

static int finish(const struct readmitting *readmitting)
{
    if (readmitting->asked == 0) {
        (void)fprintf(stderr,
                      "txctl: no coordinator that answers has participant %s in quarantine: there "
                      "is nothing to do\n",
                      readmitting->participant);
        return EX_USAGE;
    }
    if (readmitting->done < readmitting->asked) {
        (void)fprintf(stderr, "txctl: %zu of %zu coordinators do not let it in\n",
                      readmitting->asked - readmitting->done, readmitting->asked);
        return CLI_ABORTED;
    }
    return txctl_nodes_exit(&readmitting->nodes);
}

static int readmit(struct readmitting *readmitting, const struct txctl_settle_options *options)
{
    int result = 0;
    readmitting->willing = at_all(readmitting, TXCLIENT_ADMIN_LOSS);
    if (readmitting->json == NULL) {
        txctl_nodes_print_silent(&readmitting->nodes, stdout);
    }
    if (readmitting->willing > 0) {
        if (readmitting->json == NULL) {
            txctl_line(stdout, 0,
                       "What is lost stays lost: others may have read it, and go on with that. "
                       "Where it is in doubt with what it has left, an operator may have to decide "
                       "(txctl indoubt); alarms name the commits that it lacks.");
        }
        result = txctl_confirm(options->yes, readmitting->json != NULL);
    }
    if (result == 0 && readmitting->willing > 0) {
        readmitting->done = at_all(readmitting, TXCLIENT_ADMIN_READMIT);
    }
    return result;
}

int txctl_readmit(txclient *client, const char *participant,
                  const struct txctl_settle_options *options, char **words, int words_n,
                  bool as_json)
{
    struct json json;
    struct readmitting readmitting = {.client = client,
                                      .participant = participant,
                                      .operator_name = txctl_operator(options->operator_name),
                                      .json = as_json ? &json : NULL};
    int result = txctl_nodes_find(client, words, words_n, &readmitting.nodes);
    if (as_json) {
        json_init(&json, stdout);
        json_object_begin(&json);
        json_member(&json, "participant", participant);
        json_member_array_begin(&json, "answers");
    }
    if (result == 0) {
        result = readmit(&readmitting, options);
    }
    if (as_json) {
        json_array_end(&json);
        json_object_end(&json);
        (void)putchar('\n');
    }
    if (result == 0) {
        result = finish(&readmitting);
    }
    txctl_nodes_deinit(&readmitting.nodes);
    return result;
}
