/* txctl waits: who waits for whom, over all participants. */
#include "client/cli.h"
#include "client/txctl/lock_text.h"
#include "client/txctl/txctl.h"
#include "client/txctl/txctl_targets.h"
#include "client/txctl/wait_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

/* The waits of every participant, in the order of the targets; NULL where there is none. */
struct answers {
    const struct txctl_targets *targets;
    txclient_locks **lists;
    struct wait_tree *tree;
    size_t waits_n;
};

static txclient_locks *ask(txclient *client, const struct txctl_target *target)
{
    const txclient_locks_query query = {
        .size = sizeof query, .waiting = true, .rows_max = TXCLIENT_LOCK_ROWS_MAX};
    txclient_locks *locks = NULL;
    txclient_status status = txclient_locks_ask(client, target->address, &query, &locks);
    return status == TXCLIENT_OK ? locks : NULL;
}

/* Asks all of them, and says who has answered: people read of those that have not only. */
static void ask_all(txclient *client, struct answers *answers, struct json *json)
{
    for (size_t i = 0; i < answers->targets->n; i++) {
        const struct txctl_target *target = &answers->targets->items[i];
        answers->lists[i] = ask(client, target);
        bool reached = answers->lists[i] != NULL;
        if (json != NULL || !reached) {
            txctl_target_begin(target, json);
            txctl_target_reached(reached, txclient_detail(client)->text, json);
            txctl_target_end(json);
        }
    }
}

/* False when there is no memory. */
static bool add_all(struct answers *answers)
{
    bool fits = true;
    for (size_t i = 0; i < answers->targets->n; i++) {
        const txclient_lock_row *row;
        const txclient_locks *list = answers->lists[i];
        for (size_t j = 0; fits && list != NULL && (row = txclient_locks_at(list, j)) != NULL;
             j++) {
            fits = wait_tree_add(answers->tree, answers->targets->items[i].name, row);
            answers->waits_n++;
        }
    }
    return fits;
}

static void json_root(void *arg, const char *tx)
{
    json_string(arg, tx);
}

static bool show_json(const struct answers *answers, struct json *json)
{
    json_member_array_begin(json, "waits");
    for (size_t i = 0; i < answers->targets->n; i++) {
        const txclient_lock_row *row;
        const txclient_locks *list = answers->lists[i];
        for (size_t j = 0; list != NULL && (row = txclient_locks_at(list, j)) != NULL; j++) {
            lock_row_json(json, row, answers->targets->items[i].name);
        }
    }
    json_array_end(json);
    json_member_array_begin(json, "roots");
    bool fits = wait_tree_each_root(answers->tree, json_root, json);
    json_array_end(json);
    return fits;
}

static bool show(struct answers *answers, struct json *json)
{
    if (json != NULL) {
        return show_json(answers, json);
    }
    if (answers->waits_n == 0) {
        (void)puts("nobody waits for a lock");
        return true;
    }
    return wait_tree_draw(answers->tree, stdout);
}

static int show_all(txclient *client, const struct txctl_targets *targets, struct json *json)
{
    struct answers answers = {.targets = targets};
    answers.lists = (txclient_locks **)calloc(targets->n + 1, sizeof(txclient_locks *));
    answers.tree = wait_tree_new();
    bool fits = answers.lists != NULL && answers.tree != NULL;
    if (fits) {
        txctl_targets_begin(json);
        ask_all(client, &answers, json);
        if (json != NULL) {
            json_array_end(json);
        }
        fits = add_all(&answers) && show(&answers, json);
        if (json != NULL) {
            json_object_end(json);
            (void)putchar('\n');
        }
    }
    for (size_t i = 0; answers.lists != NULL && i < targets->n; i++) {
        txclient_locks_free(&answers.lists[i]);
    }
    free((void *)answers.lists);
    wait_tree_destroy(&answers.tree);
    if (!fits) {
        (void)fputs("txctl: out of memory\n", stderr);
    }
    return fits ? 0 : EX_OSERR;
}

int txctl_waits(txclient *client, char **names, int names_n, bool as_json)
{
    struct txctl_targets targets = {0};
    struct json writer;
    json_init(&writer, stdout);
    int result = txctl_targets_find(client, names, names_n, &targets);
    if (result == 0) {
        result = show_all(client, &targets, as_json ? &writer : NULL);
    }
    txctl_targets_deinit(&targets);
    return result;
}
