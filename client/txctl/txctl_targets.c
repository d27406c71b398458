#include "client/txctl/txctl_targets.h"

#include "client/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static int out_of_memory(void)
{
    (void)fputs("txctl: out of memory\n", stderr);
    return EX_OSERR;
}

int txctl_targets_add(struct txctl_targets *targets, const char *name, const char *address)
{
    struct txctl_target *items =
        reallocarray(targets->items, targets->n + 1, sizeof *targets->items);
    if (items == NULL) {
        return out_of_memory();
    }
    targets->items = items;
    struct txctl_target *target = &items[targets->n++];
    *target = (struct txctl_target){strdup(name), strdup(address)};
    return target->name != NULL && target->address != NULL ? 0 : out_of_memory();
}

static int unknown(const txclient_node *coordinator, const char *name)
{
    const txclient_node_peer *peer;
    (void)fprintf(stderr, "txctl: the coordinator knows no participant \"%s\"; it knows", name);
    for (size_t i = 0; (peer = txclient_node_peer_at(coordinator, i)) != NULL; i++) {
        (void)fprintf(stderr, "%s %s", i > 0 ? "," : "", peer->name);
    }
    (void)fputc('\n', stderr);
    return EX_USAGE;
}

static int add_named(struct txctl_targets *targets, const txclient_node *coordinator,
                     const char *name)
{
    const txclient_node_peer *peer;
    for (size_t i = 0; (peer = txclient_node_peer_at(coordinator, i)) != NULL; i++) {
        if (strcmp(peer->name, name) == 0) {
            return txctl_targets_add(targets, name, peer->address);
        }
    }
    return unknown(coordinator, name);
}

static int add_all(struct txctl_targets *targets, const txclient_node *coordinator)
{
    const txclient_node_peer *peer;
    int result = 0;
    for (size_t i = 0; result == 0 && (peer = txclient_node_peer_at(coordinator, i)) != NULL; i++) {
        result = txctl_targets_add(targets, peer->name, peer->address);
    }
    return result;
}

static bool is_address(const char *word)
{
    return strstr(word, "://") != NULL;
}

int txctl_targets_find(txclient *client, char **words, int words_n, struct txctl_targets *targets)
{
    txclient_node *coordinator = NULL;
    bool named = words_n == 0;
    int result = 0;
    *targets = (struct txctl_targets){0};
    for (int i = 0; i < words_n; i++) {
        named = named || !is_address(words[i]);
    }
    if (named) {
        txclient_status status = txclient_inspect(client, NULL, &coordinator);
        if (status != TXCLIENT_OK) {
            cli_complain(client);
            return cli_exit_status(status);
        }
    }
    if (words_n == 0) {
        result = add_all(targets, coordinator);
    }
    for (int i = 0; i < words_n && result == 0; i++) {
        result = is_address(words[i]) ? txctl_targets_add(targets, words[i], words[i])
                                      : add_named(targets, coordinator, words[i]);
    }
    txclient_node_free(&coordinator);
    return result;
}

void txctl_targets_deinit(struct txctl_targets *targets)
{
    for (size_t i = 0; i < targets->n; i++) {
        free(targets->items[i].name);
        free(targets->items[i].address);
    }
    free(targets->items);
    *targets = (struct txctl_targets){0};
}

void txctl_targets_begin(struct json *json)
{
    if (json != NULL) {
        json_object_begin(json);
        json_member_array_begin(json, "participants");
    }
}

void txctl_target_begin(const struct txctl_target *target, struct json *json)
{
    if (json != NULL) {
        json_object_begin(json);
        json_member(json, "name", target->name);
        json_member(json, "address", target->address);
    } else if (strcmp(target->name, target->address) == 0) {
        (void)printf("participant at %s\n", target->address);
    } else {
        (void)printf("participant %s  %s\n", target->name, target->address);
    }
}

void txctl_target_reached(bool reached, const char *problem, struct json *json)
{
    if (json != NULL) {
        json_member_bool(json, "reachable", reached);
        if (!reached) {
            json_member(json, "text", problem);
        }
    } else if (!reached) {
        (void)printf("  unreachable: %s\n", problem);
    }
}

void txctl_target_end(struct json *json)
{
    if (json != NULL) {
        json_object_end(json);
    }
}
