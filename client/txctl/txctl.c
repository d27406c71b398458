/* txctl: operates a running cluster from the command line. txctl(1) is its manual. */
#include "client/txctl/txctl.h"

#include "client/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define TXCTL_NAMES_MAX     1024 /* participants named in one command */
#define LOCKS_LIMIT_DEFAULT 1000

struct arguments {
    struct cli_place place;
    const char *command;
    const char *file;               /* exec --file */
    txclient_submit_options submit; /* exec, get */
    uint32_t wait_ms;               /* outcome --wait */
    struct txctl_locks_options locks;
    char **words; /* the command's own arguments */
    int words_n;
};

static const struct argp_child place_child[] = {{&cli_place_argp, 0, NULL, 0}, {0}};

/* ---- arguments ---- */

static uint32_t parse_seconds(struct argp_state *state, const char *arg)
{
    char *end = NULL;
    errno = 0;
    double seconds = strtod(arg, &end);
    if (errno != 0 || end == arg || *end != '\0' || !(seconds >= 0.0 && seconds <= 86400.0)) {
        argp_error(state, "\"%s\" is no number of seconds from 0 to 86400", arg);
        return 0;
    }
    return (uint32_t)(seconds * 1000.0);
}

static size_t parse_count(struct argp_state *state, const char *arg)
{
    char *end = NULL;
    errno = 0;
    unsigned long count = strtoul(arg, &end, 10);
    if (errno != 0 || *arg < '0' || *arg > '9' || *end != '\0' || count < 1 ||
        count > TXCLIENT_LOCK_ROWS_MAX) {
        argp_error(state, "\"%s\" is no number from 1 to %u", arg, TXCLIENT_LOCK_ROWS_MAX);
        return 1;
    }
    return count;
}

static txclient_isolation parse_isolation(struct argp_state *state, const char *arg)
{
    txclient_isolation isolation = TXCLIENT_SERIALIZABLE;
    if (txclient_isolation_parse(arg, &isolation) != TXCLIENT_OK) {
        argp_error(state,
                   "\"%s\" is no isolation level; there are serializable, repeatable-read, "
                   "read-committed and read-uncommitted",
                   arg);
    }
    return isolation;
}

static error_t parse_command_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &arguments->place;
        return 0;
    case 'f':
        arguments->file = arg;
        return 0;
    case 'i':
        arguments->submit.isolation = parse_isolation(state, arg);
        return 0;
    case 'k':
        arguments->submit.idempotency_key = txclient_str(arg);
        return 0;
    case 'l':
        arguments->submit.lock_timeout_ms = parse_seconds(state, arg);
        return 0;
    case 't':
        arguments->submit.timeout_ms = arguments->wait_ms = parse_seconds(state, arg);
        return 0;
    case ARGP_KEY_ARGS:
        arguments->words = state->argv + state->next;
        arguments->words_n = state->argc - state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

#define ISOLATION_OPTION                                                                           \
    {                                                                                              \
        "isolation", 'i', "LEVEL", 0,                                                              \
            "serializable (the default), repeatable-read, read-committed or read-uncommitted", 0   \
    }
#define LOCK_TIMEOUT_OPTION                                                                        \
    {                                                                                              \
        "lock-timeout", 'l', "SECONDS", 0, "for each lock; by default the participants' own", 0    \
    }
static const struct argp_option exec_options[] = {
    {"file", 'f', "FILE", 0, "read the operations from FILE (-: standard input)", 0},
    {"key", 'k', "KEY", 0, "an idempotency key: the same key again runs nothing twice", 0},
    {"timeout", 't', "SECONDS", 0, "for the participants' votes", 0},
    ISOLATION_OPTION,
    LOCK_TIMEOUT_OPTION,
    {0}};
static const struct argp_option get_options[] = {ISOLATION_OPTION, LOCK_TIMEOUT_OPTION, {0}};
static const struct argp_option outcome_options[] = {
    {"wait", 't', "SECONDS", 0, "ask again until the answer is definite, at most so long", 0}, {0}};

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
        locks->limit = parse_count(state, arg);
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
        return parse_command_option(key, arg, state);
    }
}

static const struct argp_option locks_options[] = {
    {"space", 's', "NAME", 0, "only what lies in this keyspace", 0},
    {"tx", 'T', "ID", 0, "only the locks of this transaction", 0},
    {"waiting", 'w', NULL, 0, "only what is waited for", 0},
    {"sort", 'o', "ORDER", 0, "tx (as transactions began; the default), space or wait", 0},
    {"limit", 'n', "N", 0, "so many locks of each participant; default 1000", 0},
    {0}};

static const struct argp exec_argp = {
    .options = exec_options,
    .parser = parse_command_option,
    .args_doc = "[OPERATION...]",
    .doc =
        "Runs operations as one transaction. They come from the arguments, parted by \";\", from a "
        "file or from standard input, one a line. Options of exec stand in front of them.\v"
        "  get|get-for-update|delete PARTICIPANT/KEYSPACE/KEY\n"
        "  put|insert PARTICIPANT/KEYSPACE/KEY VALUE\n"
        "  add PARTICIPANT/KEYSPACE/KEY NUMBER [--min NUMBER] [--max NUMBER]\n"
        "  check PARTICIPANT/KEYSPACE/KEY VALUE|--absent\n"
        "  lock PARTICIPANT[/KEYSPACE[/KEY]] IS|IX|S|U|SIX|X\n"
        "  scan PARTICIPANT/KEYSPACE [FROM [TO]] [--prefix PREFIX] [--limit NUMBER] [--reverse]",
    .children = place_child};
static const struct argp get_argp = {.options = get_options,
                                     .parser = parse_command_option,
                                     .args_doc = "PARTICIPANT/KEYSPACE/KEY",
                                     .doc = "Prints the value of a key, as it is.",
                                     .children = place_child};
static const struct argp outcome_argp = {
    .options = outcome_options,
    .parser = parse_command_option,
    .args_doc = "ID",
    .doc =
        "Says what became of a transaction. ID: 1-7-42, or 1-7-42@a,b with its participants, with "
        "which more can be found out.",
    .children = place_child};
static const struct argp locks_argp = {
    .options = locks_options,
    .parser = parse_locks_option,
    .args_doc = "[PARTICIPANT...]",
    .doc = "Shows the locks that are held and waited for. A participant is named as the "
           "coordinator knows it, or by its address, as tcp://127.0.0.1:7401, for which no "
           "coordinator is needed; default: all.",
    .children = place_child};
static const struct argp waits_argp = {
    .parser = parse_command_option,
    .args_doc = "[PARTICIPANT...]",
    .doc = "Shows who waits for whom, as trees: below each transaction those that wait for it. "
           "Participants as for \"locks\".",
    .children = place_child};
static const struct argp status_argp = {
    .parser = parse_command_option,
    .doc = "Shows the daemons of the cluster and their open and in-doubt transactions.",
    .children = place_child};

/* ---- commands ---- */

/* All of a stream with a NUL behind; NULL with errno. */
static char *read_all(FILE *in, size_t *len)
{
    char *text = NULL;
    size_t capacity = 0;
    size_t used = 0;
    do {
        if (used + 1 >= capacity) {
            capacity = capacity > 0 ? capacity * 2 : 4096;
            char *grown = realloc(text, capacity);
            if (grown == NULL) {
                free(text);
                return NULL;
            }
            text = grown;
        }
        used += fread(text + used, 1, capacity - used - 1, in);
    } while (!feof(in) && !ferror(in));
    if (ferror(in)) {
        free(text);
        return NULL;
    }
    text[used] = '\0';
    *len = used;
    return text;
}

static char *read_file(const char *name, size_t *len)
{
    if (strcmp(name, "-") == 0) {
        return read_all(stdin, len);
    }
    FILE *in = fopen(name, "re");
    char *text = in != NULL ? read_all(in, len) : NULL;
    int error = errno;
    if (in != NULL) {
        (void)fclose(in);
    }
    errno = error;
    return text;
}

/* The arguments with a blank between. */
static char *join_words(const struct arguments *arguments, size_t *len)
{
    size_t size = 1;
    for (int i = 0; i < arguments->words_n; i++) {
        size += strlen(arguments->words[i]) + 1;
    }
    char *text = malloc(size);
    char *at = text;
    for (int i = 0; text != NULL && i < arguments->words_n; i++) {
        at = stpcpy(at, i > 0 ? " " : "");
        at = stpcpy(at, arguments->words[i]);
    }
    if (text != NULL) {
        *at = '\0';
        *len = (size_t)(at - text);
    }
    return text;
}

/* Reads and parses the operations; complains and gives the exit status, 0 when OK. */
static int load_script(const struct arguments *arguments, struct exec_script *script)
{
    const char *file = arguments->words_n > 0    ? NULL
                       : arguments->file != NULL ? arguments->file
                                                 : "-";
    const char *name = file == NULL ? "arguments" : strcmp(file, "-") == 0 ? "stdin" : file;
    size_t len = 0;
    char *text = file == NULL ? join_words(arguments, &len) : read_file(file, &len);
    if (text == NULL) {
        (void)fprintf(stderr, "txctl: %s: %s\n", name, strerrordesc_np(errno));
        return errno == ENOMEM ? EX_OSERR : EX_NOINPUT;
    }
    struct exec_error error;
    txclient_status status = exec_parse(text, len, script, &error);
    if (status == TXCLIENT_ENOMEM) {
        (void)fputs("txctl: out of memory\n", stderr);
    } else if (status != TXCLIENT_OK) {
        exec_error_print(&error, name, text, len, stderr);
    }
    free(text);
    return status == TXCLIENT_OK ? 0 : cli_exit_status(status);
}

static int command_exec(struct arguments *arguments)
{
    struct exec_script script = {0};
    txclient *client = NULL;
    if (arguments->words_n > 0 && arguments->file != NULL) {
        (void)fputs("txctl: operations come from arguments or from --file, not from both\n",
                    stderr);
        return EX_USAGE;
    }
    int result = load_script(arguments, &script);
    if (result == 0) {
        result = cli_open(&arguments->place, &client);
    }
    if (result == 0) {
        result = txctl_exec(client, &script, &arguments->submit, arguments->place.json);
    }
    txclient_close(&client);
    exec_script_deinit(&script);
    return result;
}

/* An address is what `exec` would take it for: "get ADDRESS" is parsed there. */
static int command_get(struct arguments *arguments)
{
    char *words[] = {(char *)"get", arguments->words[0]};
    struct arguments as_exec = {.words = words, .words_n = 2};
    struct exec_script script = {0};
    txclient *client = NULL;
    int result = load_script(&as_exec, &script);
    if (result == 0 && script.n != 1) {
        (void)fputs("txctl: get takes one address\n", stderr);
        result = EX_USAGE;
    }
    if (result == 0) {
        result = cli_open(&arguments->place, &client);
    }
    if (result == 0) {
        result = txctl_get(client, &script, &arguments->submit, arguments->place.json);
    }
    txclient_close(&client);
    exec_script_deinit(&script);
    return result;
}

static int command_outcome(struct arguments *arguments)
{
    txclient *client = NULL;
    int result = cli_open(&arguments->place, &client);
    if (result == 0) {
        result =
            txctl_outcome(client, arguments->words[0], arguments->wait_ms, arguments->place.json);
    }
    txclient_close(&client);
    return result;
}

static int command_status(struct arguments *arguments)
{
    txclient *client = NULL;
    int result = cli_open(&arguments->place, &client);
    if (result == 0) {
        result = txctl_status(client, arguments->place.json);
    }
    txclient_close(&client);
    return result;
}

static int command_locks(struct arguments *arguments)
{
    txclient *client = NULL;
    int result = cli_open(&arguments->place, &client);
    if (result == 0) {
        result = txctl_locks(client, &arguments->locks, arguments->words, arguments->words_n,
                             arguments->place.json);
    }
    txclient_close(&client);
    return result;
}

static int command_waits(struct arguments *arguments)
{
    txclient *client = NULL;
    int result = cli_open(&arguments->place, &client);
    if (result == 0) {
        result = txctl_waits(client, arguments->words, arguments->words_n, arguments->place.json);
    }
    txclient_close(&client);
    return result;
}

static const struct command {
    const char *name;
    const struct argp *argp;
    unsigned flags; /* of argp_parse */
    int words_min, words_max;
    int (*run)(struct arguments *arguments);
} commands[] = {
    /* An operation may hold "--min" and "-5": nothing behind its first word is an option of txctl.
     */
    {"exec", &exec_argp, ARGP_IN_ORDER, 0, INT32_MAX, command_exec},
    {"get", &get_argp, 0, 1, 1, command_get},
    {"outcome", &outcome_argp, 0, 1, 1, command_outcome},
    {"status", &status_argp, 0, 0, 0, command_status},
    {"locks", &locks_argp, 0, 0, TXCTL_NAMES_MAX, command_locks},
    {"waits", &waits_argp, 0, 0, TXCTL_NAMES_MAX, command_waits},
};

/* ---- main ---- */

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
        argp_error(state, "a command is missing: exec, get, outcome, status, locks or waits");
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
        "do.\vCommands: exec, get, outcome, status, locks, waits; \"txctl COMMAND --help\" says "
        "more.\n"
        "Exit status: 0 committed, 1 aborted, 2 unknown, 3 the key of get is absent, 64 wrong "
        "usage, 69 unreachable.",
    .children = place_child};

static int run_command(const struct command *command, struct arguments *arguments)
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
    return command->run(arguments);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.locks = {.limit = LOCKS_LIMIT_DEFAULT},
                                  .submit = {.size = sizeof(txclient_submit_options)}};
    cli_init();
    if (argp_parse(&global_argp, argc, argv, ARGP_IN_ORDER, NULL, &arguments) != 0) {
        return EX_OSERR;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(arguments.command, commands[i].name) == 0) {
            int result = run_command(&commands[i], &arguments);
            if (fflush(stdout) != 0 || ferror(stdout)) {
                (void)fprintf(stderr, "txctl: cannot write: %s\n", strerrordesc_np(errno));
                return EX_IOERR;
            }
            return result;
        }
    }
    (void)fprintf(stderr,
                  "txctl: unknown command \"%s\"; there are exec, get, outcome, status, "
                  "locks, waits\n",
                  arguments.command);
    return EX_USAGE;
}
