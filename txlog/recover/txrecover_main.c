/* txrecover: reads the directory of a stopped daemon. txrecover(1) is its manual. */
#include "txlog/recover/recover_options.h"
#include "txlog/recover/txrecover.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum option_key { KEY_FROM = 256, KEY_TO, KEY_TX, KEY_INTO, KEY_UNTIL, KEY_PARTIAL };

struct arguments {
    struct txrecover_options options;
    const char *command;
    char **words; /* behind the command */
    int words_n;
};

/* ---- options ---- */

static void parse_lsn(const char *option, const char *text, struct tx_lsn *lsn,
                      const struct argp_state *state)
{
    struct tx_why why;
    if (recover_parse_lsn(text, lsn, &why) != TX_OK)
        argp_error(state, "%s: %s", option, why.text);
}

static void parse_tx(const char *text, struct txrecover_options *options,
                     const struct argp_state *state)
{
    struct tx_why why;
    options->one_tx = true;
    if (recover_parse_id(text, &options->tx, &why) != TX_OK)
        argp_error(state, "--tx: %s", why.text);
}

static error_t parse_directory(char *arg, struct txrecover_options *options,
                               const struct argp_state *state)
{
    if (options->directory != NULL)
        argp_error(state, "one directory at a time: there is %s already, and then %s",
                   options->directory, arg);
    options->directory = arg;
    return 0;
}

static error_t parse_end(const struct txrecover_options *options, const struct argp_state *state)
{
    if (options->directory == NULL)
        argp_error(state, "the data directory of a daemon is missing");
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct txrecover_options *options = state->input;
    switch (key) {
    case 'j':
        options->json = true;
        return 0;
    case KEY_FROM:
        parse_lsn("--from", arg, &options->from, state);
        return 0;
    case KEY_TO:
        parse_lsn("--to", arg, &options->to, state);
        return 0;
    case KEY_TX:
        parse_tx(arg, options, state);
        return 0;
    case KEY_INTO:
        options->into = arg;
        return 0;
    case KEY_UNTIL:
        parse_lsn("--until", arg, &options->until, state);
        return 0;
    case KEY_PARTIAL:
        options->partial = true;
        return 0;
    case ARGP_KEY_ARG:
        return parse_directory(arg, options, state);
    case ARGP_KEY_END:
        return parse_end(options, state);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_replay(int key, char *arg, struct argp_state *state)
{
    const struct txrecover_options *options = state->input;
    if (key == ARGP_KEY_END && options->directory != NULL && options->into == NULL)
        argp_error(state, "--into is missing: the directory to build");
    return parse_option(key, arg, state);
}

#define OPTION_JSON(text)                                                                          \
    {                                                                                              \
        "json", 'j', NULL, 0, text, 0                                                              \
    }

static const struct argp_option json_options[] = {OPTION_JSON("write one JSON object"), {0}};
static const struct argp_option log_options[] = {
    {"from", KEY_FROM, "LSN", 0, "begin at this record", 0},
    {"to", KEY_TO, "LSN", 0, "end at this record", 0},
    {"tx", KEY_TX, "ID", 0, "only this transaction, and what the log proves of it", 0},
    OPTION_JSON("write one JSON object a line"),
    {0}};
static const struct argp_option replay_options[] = {
    {"into", KEY_INTO, "NEWDIR", 0, "the directory to build; new or empty", 0},
    {"until", KEY_UNTIL, "LSN", 0, "end with this record", 0},
    {"partial", KEY_PARTIAL, NULL, 0, "go on although the beginning of the log was removed", 0},
    {0}};

/* ---- commands ---- */

static const struct command {
    const char *name;
    struct argp argp;
    int (*run)(const struct txrecover_options *options);
} commands[] = {
    {"summary",
     {json_options, parse_option, "DIR", "Says whose log it is and what it holds.", 0, 0, 0},
     txrecover_summary},
    {"log",
     {log_options, parse_option, "DIR", "Shows the records, one a line.", 0, 0, 0},
     txrecover_log},
    {"verify",
     {NULL, parse_option, "DIR", "Reads everything and says whether it is sound.", 0, 0, 0},
     txrecover_verify},
    {"indoubt",
     {json_options, parse_option, "DIR",
      "Shows the transactions that are in doubt, or decided and not yet acknowledged by all, and "
      "who can settle them.",
      0, 0, 0},
     txrecover_indoubt},
    {"replay",
     {replay_options, parse_replay, "DIR",
      "Rebuilds a participant's directory from its log, and compares the data.", 0, 0, 0},
     txrecover_replay},
};

/* ---- main ---- */

static error_t parse_global(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        arguments->command = arg;
        arguments->words = state->argv + state->next;
        arguments->words_n = state->argc - state->next;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a command is missing: summary, log, verify, indoubt or replay");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp global_argp = {
    .parser = parse_global,
    .args_doc = "COMMAND [OPTION...] DIR",
    .doc = "Reads the data directory of a stopped daemon and changes nothing in it.\v"
           "Commands: summary, log, verify, indoubt, replay; \"txrecover COMMAND --help\" says "
           "more.\n"
           "Exit status: 0; 64 wrong usage, 65 damaged, 66 no such directory, 69 in use, 71 out "
           "of memory, 73 cannot create, 74 input or output error."};

static int run_command(const struct command *command, struct arguments *arguments)
{
    /* argp wants a program's name in front, and shows it in its messages. */
    char name[32];
    (void)snprintf(name, sizeof name, "txrecover %s", command->name);
    char **argv = arguments->words - 1;
    argv[0] = name;
    error_t error =
        argp_parse(&command->argp, arguments->words_n + 1, argv, 0, NULL, &arguments->options);
    return error != 0 ? EX_OSERR : command->run(&arguments->options);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    argp_err_exit_status = EX_USAGE;
    argp_program_version = "txrecover " ASSENT_VERSION;
    if (argp_parse(&global_argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments) != 0)
        return EX_OSERR;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(arguments.command, commands[i].name) != 0)
            continue;
        int status = run_command(&commands[i], &arguments);
        if (fflush(stdout) == 0 && ferror(stdout) == 0)
            return status;
        (void)fprintf(stderr, "txrecover: cannot write: %s\n", strerrordesc_np(errno));
        return EX_IOERR;
    }
    (void)fprintf(stderr,
                  "txrecover: unknown command \"%s\"; there are summary, log, verify, indoubt and "
                  "replay\n",
                  arguments.command);
    return EX_USAGE;
}
