/* txctl's views of what the daemons do: status, alarms, locks, waits, top. */
#include "client/txctl/txctl_args.h"

#include <string.h>

/* ---- status, alarms ---- */

static error_t parse_alarms(int key, char *arg, struct argp_state *state)
{
    if (key == 'n') {
        ((struct arguments *)state->input)->alarms_limit =
            txctl_parse_count(state, arg, TXCTL_TXNS_MAX);
        return 0;
    }
    return txctl_parse_common(key, state);
}

static error_t parse_status(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    if (key == 'v') {
        ((struct arguments *)state->input)->verbose = true;
        return 0;
    }
    return txctl_parse_common(key, state);
}

static const struct argp_option alarms_options[] = {
    {"limit", 'n', "N", 0, "so many alarms, the newest; default 1000", 0}, {0}};
static const struct argp_option status_options[] = {
    {"verbose", 'v', NULL, 0, "also all that the daemons say of themselves", 0}, {0}};

static const struct argp alarms_argp = {
    .options = alarms_options,
    .parser = parse_alarms,
    .args_doc = "[ADDRESS...]",
    .doc = "Shows the alarms that the daemons keep, the newest first.\v" TXCTL_NODES_DOC,
    .children = txctl_place_child};
static const struct argp status_argp = {
    .options = status_options,
    .parser = parse_status,
    .args_doc = "[ADDRESS...]",
    .doc =
        "Shows how every daemon fares, and why. Exit status: 0 OK, 1 WARN, 2 BAD, 69 when nobody "
        "answers.\v" TXCTL_NODES_DOC,
    .children = txctl_place_child};

static int alarms(txclient *client, struct arguments *arguments)
{
    return txctl_alarms(client, arguments->alarms_limit, arguments->words, arguments->words_n,
                        arguments->place.json);
}

static int status(txclient *client, struct arguments *arguments)
{
    return txctl_status(client, arguments->verbose, arguments->words, arguments->words_n,
                        arguments->place.json);
}

/* ---- locks, waits ---- */

static error_t parse_locks_option(int key, char *arg, struct argp_state *state)
{
    static const char *const sorts[] = {[TXCTL_LOCKS_BY_TX] = "tx",
                                        [TXCTL_LOCKS_BY_SPACE] = "space",
                                        [TXCTL_LOCKS_BY_WAIT] = "wait"};
    struct txctl_locks_options *locks = &((struct arguments *)state->input)->locks;
    switch (key) {
    case 's':
        locks->space = arg;
        return 0;
    case 'T':
        locks->tx = arg;
        return 0;
    case 'w':
        locks->waiting = true;
        return 0;
    case 'n':
        locks->limit = txctl_parse_count(state, arg, TXCLIENT_LOCK_ROWS_MAX);
        return 0;
    case 'o':
        for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
            if (strcmp(arg, sorts[i]) == 0) {
                locks->sort = (enum txctl_locks_sort)i;
                return 0;
            }
        }
        argp_error(state, "\"%s\" is no order; there are tx, space and wait", arg);
        return 0;
    default:
        return txctl_parse_common(key, state);
    }
}

static const struct argp_option locks_options[] = {
    {"space", 's', "NAME", 0, "only what lies in this keyspace", 0},
    {"tx", 'T', "ID", 0, "only the locks of this transaction", 0},
    {"waiting", 'w', NULL, 0, "only what is waited for", 0},
    {"sort", 'o', "ORDER", 0, "tx (as transactions began; the default), space or wait", 0},
    {"limit", 'n', "N", 0, "so many locks of each participant; default 1000", 0},
    {0}};

static const struct argp locks_argp = {
    .options = locks_options,
    .parser = parse_locks_option,
    .args_doc = "[PARTICIPANT...]",
    .doc = "Shows the locks that are held and waited for. A participant is named as the "
           "coordinator knows it, or by its address, as tcp://127.0.0.1:7401, for which no "
           "coordinator is needed; default: all.",
    .children = txctl_place_child};
static const struct argp waits_argp = {
    .parser = txctl_parse_no_options,
    .args_doc = "[PARTICIPANT...]",
    .doc = "Shows who waits for whom, as trees: below each transaction those that wait for it. "
           "Participants as for \"locks\".",
    .children = txctl_place_child};

static int locks(txclient *client, struct arguments *arguments)
{
    return txctl_locks(client, &arguments->locks, arguments->words, arguments->words_n,
                       arguments->place.json);
}

static int waits(txclient *client, struct arguments *arguments)
{
    return txctl_waits(client, arguments->words, arguments->words_n, arguments->place.json);
}

/* ---- top ---- */

static error_t parse_top_option(int key, char *arg, struct argp_state *state)
{
    struct txctl_top_options *top = &((struct arguments *)state->input)->top;
    switch (key) {
    case 'o':
        top->once = true;
        return 0;
    case 'i':
        top->interval = txctl_parse_seconds(state, arg) / 1000.0;
        if (top->interval < 0.1) {
            argp_error(state, "\"%s\" is below the shortest interval, 0.1 s", arg);
        }
        return 0;
    default:
        return txctl_parse_common(key, state);
    }
}

static const struct argp_option top_options[] = {
    {"once", 'o', NULL, 0, "write one frame as text and leave", 0},
    {"interval", 'i', "SECONDS", 0, "ask each daemon so often; default 2", 0},
    {0}};
static const struct argp top_argp = {
    .options = top_options,
    .parser = parse_top_option,
    .doc = "Shows live what the daemons do: rates, syncs, locks, open transactions, the longest "
           "first. Keys: q leaves, s sorts, n chooses a node, arrows scroll, h helps.",
    .children = txctl_place_child};

static int top(txclient *client, struct arguments *arguments)
{
    return txctl_top(client, &arguments->top, arguments->place.json);
}

const struct txctl_command txctl_cmd_status = {.name = "status",
                                               .argp = &status_argp,
                                               .words_max = TXCTL_NAMES_MAX,
                                               .addresses = true,
                                               .call = status};
const struct txctl_command txctl_cmd_alarms = {.name = "alarms",
                                               .argp = &alarms_argp,
                                               .words_max = TXCTL_NAMES_MAX,
                                               .addresses = true,
                                               .call = alarms};
const struct txctl_command txctl_cmd_locks = {
    .name = "locks", .argp = &locks_argp, .words_max = TXCTL_NAMES_MAX, .call = locks};
const struct txctl_command txctl_cmd_waits = {
    .name = "waits", .argp = &waits_argp, .words_max = TXCTL_NAMES_MAX, .call = waits};
const struct txctl_command txctl_cmd_top = {.name = "top", .argp = &top_argp, .call = top};
