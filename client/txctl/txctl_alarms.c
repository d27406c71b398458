/* txctl alarms: those that any daemon keeps, the newest first. */
#include "client/cli.h"
#include "client/txctl/tx_text.h"
#include "client/txctl/txctl.h"
#include "client/txctl/txctl_nodes.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct kept {
    const struct txctl_node *node;
    const txclient_alarm *alarm;
};

struct alarms {
    struct txctl_nodes nodes;
    txclient_alarms **lists; /* of each node */
    struct kept *items;
    size_t n, limit;
};

static int compare(const void *left, const void *right)
{
    const struct kept *a = left;
    const struct kept *b = right;
    if (a->alarm->time_ms != b->alarm->time_ms) {
        return a->alarm->time_ms > b->alarm->time_ms ? -1 : 1;
    }
    if (a->node != b->node) {
        return a->node < b->node ? -1 : 1;
    }
    return a->alarm->number > b->alarm->number ? -1 : 1;
}

static int out_of_memory(void)
{
    (void)fputs("txctl: out of memory\n", stderr);
    return EX_OSERR;
}

static int collect(struct alarms *alarms)
{
    for (size_t i = 0; i < alarms->nodes.n; i++) {
        const txclient_alarm *alarm;
        for (size_t j = 0;
             alarms->lists[i] != NULL && (alarm = txclient_alarms_at(alarms->lists[i], j)) != NULL;
             j++) {
            struct kept *items = reallocarray(alarms->items, alarms->n + 1, sizeof *items);
            if (items == NULL) {
                return out_of_memory();
            }
            alarms->items = items;
            items[alarms->n++] = (struct kept){&alarms->nodes.items[i], alarm};
        }
    }
    if (alarms->n > 1) {
        qsort(alarms->items, alarms->n, sizeof *alarms->items, compare);
    }
    return 0;
}

static int ask_all(txclient *client, struct alarms *alarms)
{
    alarms->lists = (txclient_alarms **)calloc(alarms->nodes.n + 1, sizeof *alarms->lists);
    if (alarms->lists == NULL) {
        return out_of_memory();
    }
    for (size_t i = 0; i < alarms->nodes.n; i++) {
        struct txctl_node *node = &alarms->nodes.items[i];
        if (node->status != NULL && txclient_alarms_ask(client, node->address, alarms->limit + 1,
                                                        &alarms->lists[i]) != TXCLIENT_OK) {
            alarms->lists[i] = NULL;
            txclient_node_free(&node->status);
            node->problem = strdup(txclient_detail(client)->text);
            alarms->nodes.silent_n++;
            if (node->problem == NULL) {
                return out_of_memory();
            }
        }
    }
    return collect(alarms);
}

static void print_all(const struct alarms *alarms)
{
    char time[TX_TIME_TEXT];
    for (size_t i = 0; i < alarms->n && i < alarms->limit; i++) {
        const struct kept *kept = &alarms->items[i];
        txctl_line(stdout, 0, "%s  %s  %s%s%s", tx_time_text(kept->alarm->time_ms, time),
                   kept->node->name, kept->alarm->tx, kept->alarm->tx[0] != '\0' ? ": " : "",
                   kept->alarm->text);
    }
    if (alarms->n == 0) {
        (void)puts("no daemon that answers keeps an alarm");
    } else if (alarms->n > alarms->limit) {
        (void)printf("and older ones: --limit shows more than %zu\n", alarms->limit);
    }
    txctl_nodes_print_silent(&alarms->nodes, stdout);
}

static void json_all(const struct alarms *alarms)
{
    struct json json;
    json_init(&json, stdout);
    json_object_begin(&json);
    txctl_nodes_json(&alarms->nodes, &json);
    json_member_array_begin(&json, "alarms");
    for (size_t i = 0; i < alarms->n && i < alarms->limit; i++) {
        const struct kept *kept = &alarms->items[i];
        json_object_begin(&json);
        json_member(&json, "node", kept->node->name);
        json_member_u64(&json, "number", kept->alarm->number);
        json_member_u64(&json, "time_ms", kept->alarm->time_ms);
        if (kept->alarm->tx[0] != '\0') {
            json_member(&json, "id", kept->alarm->tx);
        }
        json_member(&json, "text", kept->alarm->text);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    (void)putchar('\n');
}

int txctl_alarms(txclient *client, size_t limit, char **words, int words_n, bool as_json)
{
    struct alarms alarms = {.limit = limit};
    int result = txctl_nodes_find(client, words, words_n, &alarms.nodes);
    if (result == 0) {
        result = ask_all(client, &alarms);
    }
    if (result == 0) {
        (as_json ? json_all : print_all)(&alarms);
        result = txctl_nodes_exit(&alarms.nodes);
    }
    for (size_t i = 0; alarms.lists != NULL && i < alarms.nodes.n; i++) {
        txclient_alarms_free(&alarms.lists[i]);
    }
    free((void *)alarms.lists);
    free(alarms.items);
    txctl_nodes_deinit(&alarms.nodes);
    return result;
}
