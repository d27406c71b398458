/* txctl cut: takes a cut, and shows where it lies in the log of every daemon. */
#include "client/cli.h"
#include "client/cut_take.h"
#include "client/txctl/txctl.h"
#include "client/txctl/txctl_targets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

static void show(const char *name, const char *address, const txclient_cut *cut, struct json *json)
{
    char text[32] = "";
    time_t seconds = (time_t)(cut->time_ms / 1000);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    if (json == NULL) {
        (void)printf("%-16s %12" PRIu64 " %16" PRIu64 "  %s  %s\n", name, cut->taken, cut->lsn,
                     text, address);
        return;
    }
    json_object_begin(json);
    json_member(json, "name", name);
    json_member(json, "address", address);
    json_member_u64(json, "taken", cut->taken);
    json_member_u64(json, "lsn", cut->lsn);
    json_member_u64(json, "time_ms", cut->time_ms);
    json_object_end(json);
}

/* The exit status. */
static int show_target(txclient *client, const struct txctl_target *target, uint64_t number,
                       uint32_t wait_ms, struct json *json)
{
    txclient_cut cut;
    txclient_status status = txclient_cut_ask(client, target->address, number, wait_ms, &cut);
    if (status == TXCLIENT_OK) {
        show(target->name, target->address, &cut, json);
        return 0;
    }
    (void)fprintf(stderr, "txctl: no position of %s in cut %" PRIu64 ": %s\n", target->name, number,
                  txclient_detail(client)->text);
    return cli_exit_status(status);
}

static int show_all(txclient *client, const struct txctl_targets *targets, const txclient_cut *own,
                    uint32_t wait_ms, struct json *json)
{
    int result = 0;
    if (json != NULL) {
        json_object_begin(json);
        json_member_u64(json, "cut", own->number);
        json_member_array_begin(json, "nodes");
    } else {
        (void)printf("cut %" PRIu64 "\n%-16s %12s %16s  %-20s  %s\n", own->number, "node", "taken",
                     "lsn", "at", "address");
    }
    show("coordinator", "", own, json);
    for (size_t i = 0; i < targets->n; i++) {
        int one = show_target(client, &targets->items[i], own->number, wait_ms, json);
        result = result == 0 ? one : result;
    }
    if (json != NULL) {
        json_array_end(json);
        json_member_bool(json, "complete", result == 0);
        json_object_end(json);
        (void)putchar('\n');
    }
    return result;
}

/* The participants that the coordinator knows, then what else is named. */
static int find_targets(txclient *client, char **words, int words_n, struct txctl_targets *targets)
{
    struct txctl_targets named = {0};
    int result = txctl_targets_find(client, NULL, 0, targets);
    if (result == 0 && words_n > 0) {
        result = txctl_targets_find(client, words, words_n, &named);
    }
    for (size_t i = 0; i < named.n && result == 0; i++) {
        result = txctl_targets_add(targets, named.items[i].name, named.items[i].address);
    }
    txctl_targets_deinit(&named);
    return result;
}

static txclient_status take(txclient *client, const struct txctl_targets *targets,
                            txclient_cut *cut)
{
    const char **addresses = calloc(targets->n + 1, sizeof *addresses);
    if (addresses == NULL) {
        return TXCLIENT_ENOMEM;
    }
    for (size_t i = 0; i < targets->n; i++) {
        addresses[i] = targets->items[i].address;
    }
    txclient_status status = cut_take(client, addresses, targets->n, cut);
    free(addresses);
    return status;
}

int txctl_cut(txclient *client, char **words, int words_n, uint32_t wait_ms, bool as_json)
{
    struct txctl_targets targets = {0};
    struct json writer;
    txclient_cut own;
    json_init(&writer, stdout);
    int result = find_targets(client, words, words_n, &targets);
    if (result == 0) {
        txclient_status status = take(client, &targets, &own);
        if (status != TXCLIENT_OK) {
            cli_complain(client);
            result = cli_exit_status(status);
        } else {
            result = show_all(client, &targets, &own, wait_ms, as_json ? &writer : NULL);
        }
    }
    txctl_targets_deinit(&targets);
    return result;
}
