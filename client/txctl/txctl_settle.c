/* txctl resolve, txctl forget: what a person decides, after he has seen what the daemons know. */
#include "client/cli.h"
#include "client/txctl/tx_text.h"
#include "client/txctl/txctl.h"
#include "client/txctl/txctl_evidence.h"
#include "client/txctl/txctl_targets.h"
#include "common/ids.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* What a decision would be. */
enum verdict {
    VERDICT_RIGHT, /* what has been decided, or what follows from the votes */
    VERDICT_OPEN,  /* nobody knows: it may turn out to be damage */
    VERDICT_WRONG, /* the other one has been decided */
};

/* One command at work. */
struct settling {
    txclient *client;
    const char *tx;
    const struct txctl_settle_options *options;
    const char *operator_name; /* static, or the options' */
    struct txctl_nodes nodes;
    struct evidence evidence;
    struct json *json; /* NULL: for people */
    size_t targets_n, done_n;
};

/* ---- who decides ---- */

static int set_operator(struct settling *settling)
{
    struct tx_name checked;
    settling->operator_name = txctl_operator(settling->options->operator_name);
    if (tx_name_set(&checked, tx_bytes_str(settling->operator_name)) != TX_OK) {
        (void)fprintf(stderr,
                      "txctl: \"%s\" is no name of an operator; one has 1 to %u letters, digits, "
                      "'-', '_' and '.'\n",
                      settling->operator_name, TX_NAME_MAX);
        return EX_USAGE;
    }
    return 0;
}

static int check(struct settling *settling)
{
    struct tx_id id;
    if (tx_id_parse(settling->tx, &id) != TX_OK) {
        (void)fprintf(stderr, "txctl: \"%s\" is no transaction id, as 1-7-42\n", settling->tx);
        return EX_USAGE;
    }
    return set_operator(settling);
}

static int gather(struct settling *settling, char **words, int words_n)
{
    const txclient_txs_query query = {
        .size = sizeof query, .tx = settling->tx, .rows_max = TXCTL_TXNS_MAX};
    int result = check(settling);
    if (result == 0) {
        result = txctl_nodes_find(settling->client, words, words_n, &settling->nodes);
    }
    if (result == 0) {
        txctl_nodes_ask(settling->client, &query, &settling->nodes);
    }
    const char *at = settling->options->at;
    if (result == 0 && at != NULL && txctl_nodes_named(&settling->nodes, at) == NULL) {
        (void)fprintf(stderr, "txctl: no daemon \"%s\" is known; there are", at);
        for (size_t i = 0; i < settling->nodes.n; i++) {
            (void)fprintf(stderr, "%s %s", i > 0 ? "," : "", settling->nodes.items[i].name);
        }
        (void)fputc('\n', stderr);
        return EX_USAGE;
    }
    return result;
}

/* ---- what is to be done where ---- */

static bool is_target(const struct settling *settling, const struct txctl_node *node, bool resolve)
{
    const txclient_tx_row *row = txctl_node_row(node, settling->tx);
    const char *at = settling->options->at;
    if (node->coordinator || row == NULL ||
        (at != NULL && strcmp(node->name, at) != 0 && strcmp(node->address, at) != 0)) {
        return false;
    }
    return resolve ? strcmp(row->state, "prepared") == 0 : row->decided && !row->put_aside;
}

static size_t count_targets(struct settling *settling, bool resolve)
{
    settling->targets_n = 0;
    for (size_t i = 0; i < settling->nodes.n; i++) {
        settling->targets_n += is_target(settling, &settling->nodes.items[i], resolve);
    }
    return settling->targets_n;
}

static enum verdict judge(const struct settling *settling)
{
    const bool commit = settling->options->commit;
    switch (settling->evidence.outcome) {
    case EVIDENCE_COMMITTED:
        return commit ? VERDICT_RIGHT : VERDICT_WRONG;
    case EVIDENCE_ABORTED:
        return commit ? VERDICT_WRONG : VERDICT_RIGHT;
    case EVIDENCE_OPEN:
    case EVIDENCE_UNKNOWN:
        break;
    }
    return VERDICT_OPEN;
}

static const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_RIGHT] = "right", [VERDICT_OPEN] = "open", [VERDICT_WRONG] = "damage"};
    return names[verdict];
}

static void verdict_text(const struct settling *settling, enum verdict verdict, char *out,
                         size_t out_size)
{
    const struct evidence *evidence = &settling->evidence;
    const char *what = settling->options->commit ? "committing" : "aborting";
    if (verdict == VERDICT_RIGHT) {
        (void)snprintf(out, out_size, "%s: %s it here is right", evidence->reason, what);
    } else if (verdict == VERDICT_WRONG) {
        (void)snprintf(out, out_size, "%s: %s it here WILL be damage", evidence->reason, what);
    } else if (evidence->other[0] != '\0' && evidence->other_commit != settling->options->commit) {
        (void)snprintf(out, out_size,
                       "%s; an operator has %s it at %s: %s it here WILL make the two differ",
                       evidence->reason, evidence->other_commit ? "committed" : "aborted",
                       evidence->other, what);
    } else {
        (void)snprintf(out, out_size,
                       "%s: %s it here may turn out to be damage, when the decision is the other "
                       "one",
                       evidence->reason, what);
    }
}

/* ---- asking ---- */

static bool says_yes(void)
{
    char answer[16] = "";
    (void)fputs("Go on? Type yes: ", stdout);
    (void)fflush(stdout);
    return fgets(answer, sizeof answer, stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

/* 0 when it may be done. */
int txctl_confirm(bool yes, bool json)
{
    if (yes) {
        return 0;
    }
    if (json || isatty(STDIN_FILENO) == 0) {
        (void)fputs("txctl: nothing was done: there is no terminal to ask at; give --yes\n",
                    stderr);
        return EX_USAGE;
    }
    if (!says_yes()) {
        (void)fputs("txctl: nothing was done\n", stderr);
        return CLI_ABORTED;
    }
    return 0;
}

/* ---- doing ---- */

static void show_done(struct settling *settling, const struct txctl_node *node,
                      txclient_status status, const char *what)
{
    const char *problem = txclient_detail(settling->client)->text;
    settling->done_n += status == TXCLIENT_OK;
    if (settling->json != NULL) {
        json_object_begin(settling->json);
        json_member(settling->json, "node", node->name);
        json_member_bool(settling->json, "done", status == TXCLIENT_OK);
        if (status != TXCLIENT_OK) {
            json_member(settling->json, "text", problem);
        }
        json_object_end(settling->json);
    } else if (status == TXCLIENT_OK) {
        txctl_line(stdout, 0, "%s at %s by operator %s", what, node->name, settling->operator_name);
    } else {
        txctl_line(stdout, 0, "not done at %s: %s", node->name, problem);
    }
}

static void do_all(struct settling *settling, bool resolve)
{
    const struct txctl_settle_options *options = settling->options;
    if (settling->json != NULL) {
        json_member_array_begin(settling->json, "done");
    }
    for (size_t i = 0; i < settling->nodes.n; i++) {
        const struct txctl_node *node = &settling->nodes.items[i];
        if (!is_target(settling, node, resolve)) {
            continue;
        }
        txclient_status status =
            resolve ? txclient_resolve(settling->client, node->address, settling->tx,
                                       options->commit, settling->operator_name)
                    : txclient_put_aside(settling->client, node->address, settling->tx,
                                         options->force, settling->operator_name);
        show_done(settling, node, status,
                  !resolve          ? "put aside"
                  : options->commit ? "committed"
                                    : "aborted");
    }
    if (settling->json != NULL) {
        json_array_end(settling->json);
    }
}

static int exit_of(const struct settling *settling)
{
    return settling->done_n == settling->targets_n ? 0
           : settling->done_n > 0                  ? EX_UNAVAILABLE
                                                   : CLI_ABORTED;
}

/* ---- resolve ---- */

static void show_verdict(const struct settling *settling, enum verdict verdict, const char *text)
{
    if (settling->json == NULL) {
        txctl_line(stdout, 0, "What the daemons know of %s:", settling->tx);
        evidence_print(&settling->nodes, settling->tx, stdout);
        txctl_line(stdout, 0, "%s.", text);
        return;
    }
    json_member(settling->json, "id", settling->tx);
    json_member(settling->json, "decision", settling->options->commit ? "commit" : "abort");
    json_member(settling->json, "operator", settling->operator_name);
    txctl_nodes_json(&settling->nodes, settling->json);
    evidence_json(&settling->nodes, settling->tx, settling->json);
    json_member(settling->json, "outcome", evidence_outcome_name(settling->evidence.outcome));
    json_member(settling->json, "verdict", verdict_name(verdict));
    json_member(settling->json, "text", text);
}

static int resolve(struct settling *settling)
{
    char text[700];
    evidence_judge(settling->client, &settling->nodes, settling->tx, &settling->evidence);
    enum verdict verdict = judge(settling);
    verdict_text(settling, verdict, text, sizeof text);
    show_verdict(settling, verdict, text);
    if (count_targets(settling, true) == 0) {
        (void)fprintf(stderr, "txctl: nothing was done: %s is not in doubt at %s\n", settling->tx,
                      settling->options->at != NULL ? settling->options->at
                                                    : "any participant that answers");
        return CLI_ABORTED;
    }
    if (verdict == VERDICT_WRONG && !settling->options->force) {
        (void)fputs("txctl: nothing was done: that is provably wrong; --force does it all the "
                    "same\n",
                    stderr);
        return CLI_ABORTED;
    }
    int result = txctl_confirm(settling->options->yes, settling->json != NULL);
    if (result == 0) {
        do_all(settling, true);
        result = exit_of(settling);
    }
    return result;
}

/* ---- forget ---- */

static int forget(struct settling *settling)
{
    if (settling->json == NULL) {
        evidence_print(&settling->nodes, settling->tx, stdout);
    } else {
        json_member(settling->json, "id", settling->tx);
        json_member(settling->json, "operator", settling->operator_name);
        txctl_nodes_json(&settling->nodes, settling->json);
        evidence_json(&settling->nodes, settling->tx, settling->json);
    }
    if (count_targets(settling, false) == 0) {
        (void)fprintf(
            stderr, "txctl: nothing was done: no operator's decision on %s is kept at %s\n",
            settling->tx,
            settling->options->at != NULL ? settling->options->at : "any participant that answers");
        return CLI_ABORTED;
    }
    do_all(settling, false);
    return exit_of(settling);
}

/* ---- the commands ---- */

static int run(struct settling *settling, char **words, int words_n, bool as_json,
               int (*command)(struct settling *settling))
{
    struct json json;
    int result = gather(settling, words, words_n);
    if (result == 0 && as_json) {
        json_init(&json, stdout);
        settling->json = &json;
        json_object_begin(&json);
    }
    if (result == 0) {
        result = command(settling);
    }
    if (settling->json != NULL) {
        json_object_end(&json);
        (void)putchar('\n');
    }
    txctl_nodes_deinit(&settling->nodes);
    return result;
}

int txctl_resolve(txclient *client, const char *tx, const struct txctl_settle_options *options,
                  char **words, int words_n, bool json)
{
    struct settling settling = {.client = client, .tx = tx, .options = options};
    if (options->commit == options->abort) {
        (void)fputs("txctl: resolve takes one of --commit and --abort\n", stderr);
        return EX_USAGE;
    }
    return run(&settling, words, words_n, json, resolve);
}

int txctl_forget(txclient *client, const char *tx, const struct txctl_settle_options *options,
                 char **words, int words_n, bool json)
{
    struct settling settling = {.client = client, .tx = tx, .options = options};
    return run(&settling, words, words_n, json, forget);
}
