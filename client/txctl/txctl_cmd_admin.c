/* txctl's administration of the daemons: drain, undrain, log-level, reload. */
#include "client/txctl/txctl_args.h"

static error_t parse_admin_option(int key, char *arg, struct argp_state *state)
{
    struct txctl_admin_options *admin = &((struct arguments *)state->input)->admin;
    switch (key) {
    case 'o':
        admin->operator_name = arg;
        return 0;
    case 'w':
        admin->wait = true;
        return 0;
    case 't':
        admin->wait_ms = txctl_parse_seconds(state, arg);
        return 0;
    default:
        return txctl_parse_common(key, state);
    }
}

#define OPERATOR_OPTION                                                                            \
    {                                                                                              \
        "operator", 'o', "NAME", 0,                                                                \
            "who asks, for the audit log of the daemon; default: the user's name", 0               \
    }
static const struct argp_option admin_options[] = {OPERATOR_OPTION, {0}};
static const struct argp_option drain_options[] = {
    {"wait", 'w', NULL, 0, "come back when no transaction is open there any more", 0},
    {"timeout", 't', "SECONDS", 0, "wait at most so long, then leave with exit status 75", 0},
    OPERATOR_OPTION,
    {0}};
#define NODE_DOC                                                                                   \
    " NODE is coordinator, the name of a participant as the coordinator knows it, or the address " \
    "of a daemon, as tcp://127.0.0.1:7401."

static const struct argp drain_argp = {
    .options = drain_options,
    .parser = parse_admin_option,
    .args_doc = "NODE",
    .doc = "Has a daemon refuse new transactions and finish the open ones, until undrain or a "
           "restart." NODE_DOC,
    .children = txctl_place_child};
static const struct argp undrain_argp = {.options = admin_options,
                                         .parser = parse_admin_option,
                                         .args_doc = "NODE",
                                         .doc = "Has a drained daemon take new transactions "
                                                "again." NODE_DOC,
                                         .children = txctl_place_child};
static const struct argp log_level_argp = {
    .options = admin_options,
    .parser = parse_admin_option,
    .args_doc = "NODE [LEVEL]",
    .doc = "Shows or sets the least level that a daemon logs: debug, info, warn or error, until a "
           "reload or a restart." NODE_DOC,
    .children = txctl_place_child};
static const struct argp reload_argp = {.options = admin_options,
                                        .parser = parse_admin_option,
                                        .args_doc = "NODE",
                                        .doc = "Has a daemon read its configuration file again, "
                                               "as SIGHUP does." NODE_DOC,
                                        .children = txctl_place_child};

static int admin(txclient *client, struct arguments *arguments, txclient_admin_verb verb)
{
    arguments->admin.verb = verb;
    arguments->admin.node = arguments->words[0];
    arguments->admin.argument = arguments->words_n > 1 ? arguments->words[1] : NULL;
    return txctl_admin(client, &arguments->admin, arguments->place.json);
}

static int drain(txclient *client, struct arguments *arguments)
{
    return admin(client, arguments, TXCLIENT_ADMIN_DRAIN);
}

static int undrain(txclient *client, struct arguments *arguments)
{
    return admin(client, arguments, TXCLIENT_ADMIN_UNDRAIN);
}

static int log_level(txclient *client, struct arguments *arguments)
{
    return admin(client, arguments, TXCLIENT_ADMIN_LOG_LEVEL);
}

static int reload(txclient *client, struct arguments *arguments)
{
    return admin(client, arguments, TXCLIENT_ADMIN_RELOAD);
}

const struct txctl_command txctl_cmd_drain = {
    .name = "drain", .argp = &drain_argp, .words_min = 1, .words_max = 1, .call = drain};
const struct txctl_command txctl_cmd_undrain = {
    .name = "undrain", .argp = &undrain_argp, .words_min = 1, .words_max = 1, .call = undrain};
const struct txctl_command txctl_cmd_log_level = {.name = "log-level",
                                                  .argp = &log_level_argp,
                                                  .words_min = 1,
                                                  .words_max = 2,
                                                  .call = log_level};
const struct txctl_command txctl_cmd_reload = {
    .name = "reload", .argp = &reload_argp, .words_min = 1, .words_max = 1, .call = reload};
