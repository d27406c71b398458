/* txctl's transactions of one's own: exec, get, outcome, shell. */
#include "client/txctl/txctl_args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

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

static error_t parse_tx_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    switch (key) {
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
        arguments->submit.lock_timeout_ms = txctl_parse_seconds(state, arg);
        return 0;
    case 't':
        arguments->submit.timeout_ms = arguments->wait_ms = txctl_parse_seconds(state, arg);
        return 0;
    default:
        return txctl_parse_common(key, state);
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

static const struct argp exec_argp = {
    .options = exec_options,
    .parser = parse_tx_option,
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
    .children = txctl_place_child};
static const struct argp get_argp = {.options = get_options,
                                     .parser = parse_tx_option,
                                     .args_doc = "PARTICIPANT/KEYSPACE/KEY",
                                     .doc = "Prints the value of a key, as it is.",
                                     .children = txctl_place_child};
static const struct argp outcome_argp = {
    .options = outcome_options,
    .parser = parse_tx_option,
    .args_doc = "ID",
    .doc =
        "Says what became of a transaction. ID: 1-7-42, or 1-7-42@a,b with its participants, with "
        "which more can be found out.",
    .children = txctl_place_child};

/* ---- operations ---- */

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

/* ---- commands ---- */

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

static int outcome(txclient *client, struct arguments *arguments)
{
    return txctl_outcome(client, arguments->words[0], arguments->wait_ms, arguments->place.json);
}

/* ---- shell ---- */

static error_t parse_shell_option(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    if (key == 'k') {
        ((struct arguments *)state->input)->keep_going = true;
        return 0;
    }
    return txctl_parse_common(key, state);
}

static const struct argp_option shell_options[] = {
    {"keep-going", 'k', NULL, 0, "a script goes on after an error", 0}, {0}};
static const struct argp shell_argp = {
    .options = shell_options,
    .parser = parse_shell_option,
    .doc = "Runs transactions interactively: begin, operations as for exec, commit or abort; an "
           "operation outside of a transaction is one by itself. \"help\" says more. From anything "
           "but a terminal it reads a script, which ends at the first error.",
    .children = txctl_place_child};

static int shell(txclient *client, struct arguments *arguments)
{
    return txctl_shell(client, arguments->keep_going);
}

/* An operation may hold "--min" and "-5": nothing behind its first word is an option of txctl. */
const struct txctl_command txctl_cmd_exec = {.name = "exec",
                                             .argp = &exec_argp,
                                             .flags = ARGP_IN_ORDER,
                                             .words_max = INT32_MAX,
                                             .run = command_exec};
const struct txctl_command txctl_cmd_get = {
    .name = "get", .argp = &get_argp, .words_min = 1, .words_max = 1, .run = command_get};
const struct txctl_command txctl_cmd_outcome = {
    .name = "outcome", .argp = &outcome_argp, .words_min = 1, .words_max = 1, .call = outcome};
const struct txctl_command txctl_cmd_shell = {.name = "shell", .argp = &shell_argp, .call = shell};
