/* txctl: operates a running cluster from the command line. txctl(1) is its manual. */
#include "client/txctl/txctl_args.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const struct txctl_command *const commands[] = {
    &txctl_cmd_exec,    &txctl_cmd_get,     &txctl_cmd_outcome,   &txctl_cmd_status,
    &txctl_cmd_locks,   &txctl_cmd_waits,   &txctl_cmd_backup,    &txctl_cmd_cut,
    &txctl_cmd_drain,   &txctl_cmd_undrain, &txctl_cmd_log_level, &txctl_cmd_reload,
    &txctl_cmd_top,     &txctl_cmd_shell,   &txctl_cmd_txns,      &txctl_cmd_indoubt,
    &txctl_cmd_resolve, &txctl_cmd_forget,  &txctl_cmd_alarms,    &txctl_cmd_readmit,
};

/* "exec, get, ..." */
static const char *command_names(void)
{
    static char names[512];
    char *at = names;
    if (names[0] == '\0') {
        for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
            at += snprintf(at, sizeof names - (size_t)(at - names), "%s%s", i > 0 ? ", " : "",
                           commands[i]->name);
        }
    }
    return names;
}

/* The list of commands goes into the help where "COMMANDS" stands. */
static char *fill_in_commands(int key, const char *text, void *input)
{
    char *filled = NULL;
    const char *place =
        key == ARGP_KEY_HELP_POST_DOC && text != NULL ? strstr(text, "COMMANDS") : NULL;
    (void)input;
    if (place != NULL && asprintf(&filled, "%.*s%s%s", (int)(place - text), text, command_names(),
                                  place + strlen("COMMANDS")) >= 0) {
        return filled;
    }
    return (char *)(uintptr_t)text;
}

static error_t parse_global(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->place;
        return 0;
    case ARGP_KEY_ARG:
        arguments->command = arg;
        arguments->words = state->argv + state->next;
        arguments->words_n = state->argc - state->next;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a command is missing; there are %s", command_names());
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp global_argp = {
    .parser = parse_global,
    .args_doc = "COMMAND [ARGUMENT...]",
    .doc =
        "Operates a running cluster: runs transactions, finds out outcomes, shows what the daemons "
        "do, and administers them.\vCommands: COMMANDS; \"txctl COMMAND --help\" says more.\n"
        "Exit status: 0 committed, 1 aborted, 2 unknown, 3 the key of get is absent, 64 wrong "
        "usage, 69 unreachable.",
    .children = txctl_place_child,
    .help_filter = fill_in_commands};

static bool are_addresses(char *const *words, int n)
{
    for (int i = 0; i < n; i++) {
        if (strstr(words[i], "://") == NULL) {
            (void)fprintf(stderr,
                          "txctl: \"%s\" is no address of a daemon; one looks like "
                          "tcp://127.0.0.1:7410 or ipc:///path\n",
                          words[i]);
            return false;
        }
    }
    return true;
}

static int run_command(const struct txctl_command *command, struct arguments *arguments)
{
    /* argp wants a program's name in front, and shows it in its messages. */
    char name[32];
    (void)snprintf(name, sizeof name, "txctl %s", command->name);
    int argc = arguments->words_n + 1;
    char **argv = arguments->words - 1;
    argv[0] = name;
    arguments->words_n = 0;
    error_t error = argp_parse(command->argp, argc, argv, command->flags, NULL, arguments);
    if (error != 0) {
        return EX_OSERR;
    }
    if (arguments->words_n < command->words_min || arguments->words_n > command->words_max) {
        argp_help(command->argp, stderr, ARGP_HELP_SEE | ARGP_HELP_USAGE, name);
        return EX_USAGE;
    }
    const int first = command->words_min;
    if (command->addresses &&
        !are_addresses(arguments->words + first, arguments->words_n - first)) {
        return EX_USAGE;
    }
    return command->call != NULL ? txctl_with_client(arguments, command->call)
                                 : command->run(arguments);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.locks = {.limit = TXCTL_ROWS_DEFAULT},
                                  .top = {.interval = 2.0},
                                  .txns = {.limit = TXCTL_ROWS_DEFAULT},
                                  .alarms_limit = TXCTL_ROWS_DEFAULT,
                                  .backup = {.sample = 100},
                                  .submit = {.size = sizeof(txclient_submit_options)}};
    cli_init();
    if (argp_parse(&global_argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments) != 0) {
        return EX_OSERR;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(arguments.command, commands[i]->name) == 0) {
            int result = run_command(commands[i], &arguments);
            if (fflush(stdout) != 0 || ferror(stdout)) {
                (void)fprintf(stderr, "txctl: cannot write: %s\n", strerrordesc_np(errno));
                return EX_IOERR;
            }
            return result;
        }
    }
    (void)fprintf(stderr, "txctl: unknown command \"%s\"; there are %s\n", arguments.command,
                  command_names());
    return EX_USAGE;
}
