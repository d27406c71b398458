/* txctl's ways to see the transactions of the cluster and to settle them: txns, indoubt, resolve,
 * forget. */
#include "client/txctl/txctl_args.h"

#include "common/ids.h"

/* ---- txns, indoubt ---- */

static error_t parse_txns(int key, char *arg, struct argp_state *state)
{
    struct txctl_txns_options *txns = &((struct arguments *)state->input)->txns;
    struct tx_id id;
    switch (key) {
    case 'd':
        txns->in_doubt = true;
        return 0;
    case 'T':
        if (tx_id_parse(arg, &id) != TX_OK) {
            argp_error(state, "\"%s\" is no transaction id, as 1-7-42", arg);
        }
        txns->tx = arg;
        return 0;
    case 'O':
        txns->older_ms = txctl_parse_seconds(state, arg);
        return 0;
    case 'n':
        txns->limit = txctl_parse_count(state, arg, TXCTL_TXNS_MAX);
        return 0;
    default:
        return txctl_parse_common(key, state);
    }
}

#define TXNS_OPTIONS                                                                               \
    {"tx", 'T', "ID", 0, "only this transaction, also when it is over", 0},                        \
        {"older", 'O', "SECONDS", 0, "only what began so long ago, or longer", 0},                 \
        {"limit", 'n', "N", 0, "so many transactions, the oldest; default 1000", 0},               \
    {                                                                                              \
        0                                                                                          \
    }
static const struct argp_option txns_options[] = {
    {"in-doubt", 'd', NULL, 0, "only those that a participant may be in doubt about", 0},
    TXNS_OPTIONS};
static const struct argp_option indoubt_options[] = {TXNS_OPTIONS};

static const struct argp txns_argp = {
    .options = txns_options,
    .parser = parse_txns,
    .args_doc = "[ADDRESS...]",
    .doc =
        "Shows the open transactions of all daemons, the oldest first: age, state, participants, "
        "what each waits for.\v" TXCTL_NODES_DOC,
    .children = txctl_place_child};
static const struct argp indoubt_argp = {
    .options = indoubt_options,
    .parser = parse_txns,
    .args_doc = "[ADDRESS...]",
    .doc = "Shows the transactions in doubt: what each daemon knows, who is blocked behind them, "
           "what will settle them and when that is tried next.\v" TXCTL_NODES_DOC,
    .children = txctl_place_child};

static int txns(txclient *client, struct arguments *arguments)
{
    return txctl_txns(client, &arguments->txns, arguments->words, arguments->words_n,
                      arguments->place.json);
}

static int indoubt(txclient *client, struct arguments *arguments)
{
    return txctl_indoubt(client, &arguments->txns, arguments->words, arguments->words_n,
                         arguments->place.json);
}

/* ---- resolve, forget ---- */

static error_t parse_settle(int key, char *arg, struct argp_state *state)
{
    struct txctl_settle_options *settle = &((struct arguments *)state->input)->settle;
    switch (key) {
    case 'C' + 256:
        settle->commit = true;
        return 0;
    case 'A' + 256:
        settle->abort = true;
        return 0;
    case 'o':
        settle->operator_name = arg;
        return 0;
    case 'A':
        settle->at = arg;
        return 0;
    case 'y':
        settle->yes = true;
        return 0;
    case 'F':
        settle->force = true;
        return 0;
    default:
        return txctl_parse_common(key, state);
    }
}

#define OPERATOR_OPTION                                                                            \
    {                                                                                              \
        "operator", 'o', "NAME", 0, "who decides, for the records; default: the user", 0           \
    }
#define AT_OPTION                                                                                  \
    {                                                                                              \
        "at", 'A', "NAME", 0, "at this participant alone; default: at all where it can be done", 0 \
    }
static const struct argp_option resolve_options[] = {
    {"commit", 'C' + 256, NULL, 0, "commit it", 0},
    {"abort", 'A' + 256, NULL, 0, "abort it", 0},
    OPERATOR_OPTION,
    AT_OPTION,
    {"yes", 'y', NULL, 0, "do not ask", 0},
    {"force", 'F', NULL, 0, "also when it is provably wrong", 0},
    {0}};
static const struct argp_option forget_options[] = {
    OPERATOR_OPTION,
    AT_OPTION,
    {"force", 'F', NULL, 0, "also while the real decision is not known", 0},
    {0}};

static const struct argp resolve_argp = {
    .options = resolve_options,
    .parser = parse_settle,
    .args_doc = "ID --commit|--abort [ADDRESS...]",
    .doc =
        "Decides a transaction in doubt by hand. Shows first what the daemons know of it and "
        "what could go wrong. The decision is kept with name and time, and compared with the "
        "real one when that comes: OK or DAMAGE (txctl indoubt, txctl alarms).\v" TXCTL_NODES_DOC,
    .children = txctl_place_child};
static const struct argp forget_argp = {.options = forget_options,
                                        .parser = parse_settle,
                                        .args_doc = "ID [ADDRESS...]",
                                        .doc = "Says that what a decision by hand led to has been "
                                               "seen to: it is listed no longer.\v" TXCTL_NODES_DOC,
                                        .children = txctl_place_child};

static const struct argp_option readmit_options[] = {
    OPERATOR_OPTION, {"yes", 'y', NULL, 0, "do not ask", 0}, {0}};
static const struct argp readmit_argp = {
    .options = readmit_options,
    .parser = parse_settle,
    .args_doc = "PARTICIPANT [ADDRESS...]",
    .doc = "Lets a participant in again, at every coordinator where it is in quarantine, that was "
           "restored from a backup and has declared what it has lost (txrecover rejoin --alone). "
           "Shows first what that is.\v" TXCTL_NODES_DOC,
    .children = txctl_place_child};

static int resolve(txclient *client, struct arguments *arguments)
{
    return txctl_resolve(client, arguments->words[0], &arguments->settle, arguments->words + 1,
                         arguments->words_n - 1, arguments->place.json);
}

static int forget(txclient *client, struct arguments *arguments)
{
    return txctl_forget(client, arguments->words[0], &arguments->settle, arguments->words + 1,
                        arguments->words_n - 1, arguments->place.json);
}

static int readmit(txclient *client, struct arguments *arguments)
{
    return txctl_readmit(client, arguments->words[0], &arguments->settle, arguments->words + 1,
                         arguments->words_n - 1, arguments->place.json);
}

const struct txctl_command txctl_cmd_txns = {.name = "txns",
                                             .argp = &txns_argp,
                                             .words_max = TXCTL_NAMES_MAX,
                                             .addresses = true,
                                             .call = txns};
const struct txctl_command txctl_cmd_indoubt = {.name = "indoubt",
                                                .argp = &indoubt_argp,
                                                .words_max = TXCTL_NAMES_MAX,
                                                .addresses = true,
                                                .call = indoubt};
const struct txctl_command txctl_cmd_resolve = {.name = "resolve",
                                                .argp = &resolve_argp,
                                                .words_min = 1,
                                                .words_max = TXCTL_NAMES_MAX,
                                                .addresses = true,
                                                .call = resolve};
const struct txctl_command txctl_cmd_forget = {.name = "forget",
                                               .argp = &forget_argp,
                                               .words_min = 1,
                                               .words_max = TXCTL_NAMES_MAX,
                                               .addresses = true,
                                               .call = forget};
const struct txctl_command txctl_cmd_readmit = {.name = "readmit",
                                                .argp = &readmit_argp,
                                                .words_min = 1,
                                                .words_max = TXCTL_NAMES_MAX,
                                                .addresses = true,
                                                .call = readmit};
