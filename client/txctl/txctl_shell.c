/* txctl shell: transactions by hand, or from a script. */
#include "client/cli.h"
#include "client/txctl/shell_line.h"
#include "client/txctl/shell_split.h"
#include "client/txctl/txctl.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define SPACES_MAX 64u
#define SPACE_SIZE 160u

struct shell {
    txclient *client;
    txclient_tx *tx;          /* NULL: none is open */
    char id[64];              /* of the transaction */
    char broken[600];         /* why it can only abort; empty: it can still commit */
    size_t operations;        /* done in it */
    struct shell_line *lines; /* NULL: a script */
    size_t line_number;
    bool leave;
    char prompt[128];
    txclient_node *coordinator;          /* for completion; NULL: not asked yet */
    char spaces[SPACES_MAX][SPACE_SIZE]; /* "a/accounts/", as they were used */
    size_t spaces_n;
};

typedef int shell_command(struct shell *shell, const char *argument);

/* What went wrong at the line at hand. */
static int complain(const struct shell *shell, int result, const char *text)
{
    if (shell->lines == NULL) {
        (void)fprintf(stderr, "stdin:%zu: %s\n", shell->line_number, text);
    } else {
        (void)fprintf(stderr, "%s\n", text);
    }
    return result;
}

static int complain_of_call(const struct shell *shell, txclient_status status)
{
    return complain(shell, cli_exit_status(status), txclient_detail(shell->client)->text);
}

/* ---- transactions ---- */

static void close_tx(struct shell *shell)
{
    txclient_tx_close(&shell->tx);
    shell->broken[0] = '\0';
    shell->operations = 0;
}

static int run_begin(struct shell *shell, const char *argument)
{
    txclient_begin_options options = {.size = sizeof options};
    char text[160];
    if (shell->tx != NULL) {
        (void)snprintf(text, sizeof text, "transaction %s is open: commit or abort it first",
                       shell->id);
        return complain(shell, EX_USAGE, text);
    }
    if (argument[0] != '\0' &&
        txclient_isolation_parse(argument, &options.isolation) != TXCLIENT_OK) {
        return complain(shell, EX_USAGE,
                        "begin takes an isolation level: serializable, repeatable-read, "
                        "read-committed or read-uncommitted");
    }
    txclient_status status = txclient_begin(shell->client, &options, &shell->tx);
    if (status != TXCLIENT_OK) {
        return complain_of_call(shell, status);
    }
    const char *reference = txclient_tx_reference(shell->tx);
    (void)snprintf(shell->id, sizeof shell->id, "%.*s", (int)strcspn(reference, "@"), reference);
    (void)printf("begun %s\n", shell->id);
    return 0;
}

static int run_commit(struct shell *shell, const char *argument)
{
    (void)argument;
    if (shell->tx == NULL) {
        return complain(shell, EX_USAGE, "no transaction is open: begin one");
    }
    if (shell->broken[0] != '\0') {
        int result = complain(shell, CLI_ABORTED, shell->broken);
        close_tx(shell);
        return result;
    }
    txclient_status status = txclient_commit(shell->tx);
    const txclient_detail_data *detail = txclient_detail(shell->client);
    if (status == TXCLIENT_OK) {
        (void)printf("committed %s\n", detail->reference);
    } else {
        (void)complain_of_call(shell, status);
    }
    if (status == TXCLIENT_UNKNOWN) {
        (void)printf("unknown %s: \"outcome %s\" asks again\n", detail->reference,
                     detail->reference);
    }
    close_tx(shell);
    return cli_exit_status(status);
}

static int run_abort(struct shell *shell, const char *argument)
{
    (void)argument;
    if (shell->tx == NULL) {
        return complain(shell, EX_USAGE, "no transaction is open");
    }
    if (shell->broken[0] == '\0' && txclient_abort(shell->tx) != TXCLIENT_OK) {
        (void)complain(shell, 0, txclient_detail(shell->client)->text);
    }
    (void)printf("aborted %s\n", shell->id);
    close_tx(shell);
    return 0;
}

/* ---- operations ---- */

/* "a/accounts/" of "a/accounts/alice". */
static void remember_space(struct shell *shell, const char *address)
{
    const char *slash = strchr(address, '/');
    const char *second = slash != NULL ? strchr(slash + 1, '/') : NULL;
    size_t len = second != NULL ? (size_t)(second - address) + 1 : 0;
    if (len == 0 || len >= SPACE_SIZE || shell->spaces_n == SPACES_MAX) {
        return;
    }
    for (size_t i = 0; i < shell->spaces_n; i++) {
        if (strncmp(shell->spaces[i], address, len) == 0 && shell->spaces[i][len] == '\0') {
            return;
        }
    }
    (void)snprintf(shell->spaces[shell->spaces_n++], SPACE_SIZE, "%.*s", (int)len, address);
}

static int run_in_tx(struct shell *shell, const struct exec_script *script)
{
    txclient_value value = {0};
    if (shell->broken[0] != '\0') {
        return complain(shell, CLI_ABORTED, shell->broken);
    }
    txclient_status status = txclient_execute(shell->tx, script->batch, &value);
    if (status == TXCLIENT_OK) {
        txctl_print_result(&script->ops[0], &value);
        shell->operations++;
        return 0;
    }
    if (status != TXCLIENT_EINVAL && status != TXCLIENT_ELIMIT) {
        (void)snprintf(shell->broken, sizeof shell->broken,
                       "transaction %s can only be aborted: %s", shell->id,
                       txclient_detail(shell->client)->text);
        return complain(shell, cli_exit_status(status), shell->broken);
    }
    return complain_of_call(shell, status); /* it can never run; nothing was done */
}

static int run_alone(struct shell *shell, const struct exec_script *script)
{
    txclient_value value = {0};
    txclient_status status = txclient_submit(shell->client, script->batch, NULL, &value);
    if (status != TXCLIENT_OK) {
        return complain_of_call(shell, status);
    }
    if (!txclient_detail(shell->client)->results_lost) {
        txctl_print_result(&script->ops[0], &value);
    }
    (void)printf("committed %s\n", txclient_detail(shell->client)->reference);
    return 0;
}

/* The statement stands `offset` bytes into its line. */
static int run_operation(struct shell *shell, const char *text, size_t len, size_t offset)
{
    struct exec_script script = {0};
    struct exec_error error;
    int result;
    txclient_status status = exec_parse(text, len, &script, &error);
    if (status == TXCLIENT_ENOMEM) {
        result = complain(shell, EX_OSERR, "out of memory");
    } else if (status != TXCLIENT_OK) {
        (void)fprintf(stderr, "%s:%zu:%zu: %s\n", shell->lines == NULL ? "stdin" : "shell",
                      shell->line_number, error.column + offset, error.text);
        result = cli_exit_status(status);
    } else {
        remember_space(shell, script.ops[0].address);
        result = shell->tx != NULL ? run_in_tx(shell, &script) : run_alone(shell, &script);
    }
    exec_script_deinit(&script);
    return result;
}

/* ---- other commands ---- */

static int run_status(struct shell *shell, const char *argument)
{
    txclient_node *node = NULL;
    const txclient_node_peer *peer;
    (void)argument;
    if (shell->tx == NULL) {
        (void)puts("no transaction is open");
    } else if (shell->broken[0] != '\0') {
        (void)printf("%s\n", shell->broken);
    } else {
        (void)printf("transaction %s is open, with %zu operation%s done\n", shell->id,
                     shell->operations, shell->operations == 1 ? "" : "s");
    }
    txclient_status status = txclient_inspect(shell->client, NULL, &node);
    if (status != TXCLIENT_OK) {
        return complain_of_call(shell, status);
    }
    const char *state = txclient_node_get(node, "state");
    (void)printf("coordinator: %s\n", state != NULL ? state : "?");
    for (size_t i = 0; (peer = txclient_node_peer_at(node, i)) != NULL; i++) {
        (void)printf("participant %s: %s\n", peer->name, peer->state);
    }
    txclient_node_free(&node);
    return 0;
}

static int run_outcome(struct shell *shell, const char *argument)
{
    if (argument[0] == '\0') {
        return complain(shell, EX_USAGE, "outcome takes an id, as 1-7-42 or 1-7-42@a,b");
    }
    int result = txctl_outcome(shell->client, argument, 0, false);
    return result == CLI_ABORTED ? 0 : result; /* which is what was asked for */
}

static int run_help(struct shell *shell, const char *argument)
{
    (void)shell;
    (void)argument;
    (void)puts(
        "begin [LEVEL]      begin a transaction; LEVEL: serializable (the default),\n"
        "                   repeatable-read, read-committed, read-uncommitted\n"
        "commit, abort      end it\n"
        "outcome ID         what became of a transaction\n"
        "status             the open transaction, and the daemons\n"
        "help, quit\n"
        "get|get-for-update|delete PARTICIPANT/KEYSPACE/KEY\n"
        "put|insert PARTICIPANT/KEYSPACE/KEY VALUE\n"
        "add PARTICIPANT/KEYSPACE/KEY NUMBER [--min NUMBER] [--max NUMBER]\n"
        "check PARTICIPANT/KEYSPACE/KEY VALUE|--absent\n"
        "lock PARTICIPANT[/KEYSPACE[/KEY]] IS|IX|S|U|SIX|X\n"
        "scan PARTICIPANT/KEYSPACE [FROM [TO]] [--prefix PREFIX] [--limit NUMBER] [--reverse]\n"
        "Outside of a transaction, an operation is one by itself. \";\" parts statements, \"#\"\n"
        "begins a comment. Tab completes, Ctrl-C drops the line, Ctrl-D leaves.");
    return 0;
}

static int run_quit(struct shell *shell, const char *argument)
{
    (void)argument;
    shell->leave = true;
    return 0;
}

static const struct {
    const char *name;
    shell_command *run;
} commands[] = {{"begin", run_begin},     {"commit", run_commit}, {"abort", run_abort},
                {"outcome", run_outcome}, {"status", run_status}, {"help", run_help},
                {"quit", run_quit},       {"exit", run_quit}};
#define COMMANDS_N (sizeof commands / sizeof commands[0])

static int run_statement(struct shell *shell, const char *line, size_t begin, size_t end)
{
    size_t len = end - begin;
    size_t word = 0;
    while (word < len && strchr(" \t", line[begin + word]) == NULL) {
        word++;
    }
    for (size_t i = 0; i < COMMANDS_N; i++) {
        if (strlen(commands[i].name) != word ||
            strncmp(commands[i].name, line + begin, word) != 0) {
            continue;
        }
        char argument[256];
        size_t at = begin + word + strspn(line + begin + word, " \t");
        (void)snprintf(argument, sizeof argument, "%.*s", (int)(end > at ? end - at : 0),
                       line + at);
        return commands[i].run(shell, argument);
    }
    return run_operation(shell, line + begin, len, begin);
}

/* The statements of a line, up to the first that fails. */
static int run_line(struct shell *shell, const char *line)
{
    size_t at = 0;
    size_t begin;
    size_t end;
    int result = 0;
    while (result == 0 && !shell->leave && shell_split_next(line, &at, &begin, &end)) {
        result = run_statement(shell, line, begin, end);
    }
    (void)fflush(stdout);
    return result;
}

/* ---- completion ---- */

static const char *const verbs[] = {"get", "get-for-update", "put",  "insert", "delete",
                                    "add", "check",          "lock", "scan"};
#define VERBS_N (sizeof verbs / sizeof verbs[0])

static const char *place_candidate(struct shell *shell, size_t i)
{
    static char text[64];
    const txclient_node_peer *peer;
    if (i < shell->spaces_n) {
        return shell->spaces[i];
    }
    if (shell->coordinator == NULL &&
        txclient_inspect(shell->client, NULL, &shell->coordinator) != TXCLIENT_OK) {
        return NULL;
    }
    peer = txclient_node_peer_at(shell->coordinator, i - shell->spaces_n);
    if (peer == NULL) {
        return NULL;
    }
    (void)snprintf(text, sizeof text, "%s/", peer->name);
    return text;
}

static const char *candidate(void *arg, size_t i, const char *line, size_t begin, size_t len)
{
    size_t at = begin;
    (void)len;
    while (at > 0 && (line[at - 1] == ' ' || line[at - 1] == '\t')) {
        at--;
    }
    if (at > 0 && line[at - 1] != ';') {
        return place_candidate(arg, i); /* behind a verb */
    }
    if (i < COMMANDS_N) {
        return commands[i].name;
    }
    return i - COMMANDS_N < VERBS_N ? verbs[i - COMMANDS_N] : NULL;
}

/* ---- lines ---- */

static const char *prompt(void *arg)
{
    struct shell *shell = arg;
    (void)snprintf(shell->prompt, sizeof shell->prompt, "assent%s%s%s> ",
                   shell->tx != NULL ? " " : "", shell->tx != NULL ? shell->id : "",
                   shell->broken[0] != '\0' ? " (can only abort)" : "");
    return shell->prompt;
}

/* What is open when the input ends has no effect. */
static int end_of_input(struct shell *shell, int result)
{
    if (shell->tx == NULL) {
        return result;
    }
    (void)fprintf(stderr, "the input ends: transaction %s is aborted\n", shell->id);
    (void)txclient_abort(shell->tx);
    close_tx(shell);
    return result != 0 || shell->lines != NULL ? result : CLI_ABORTED;
}

static int run_interactive(struct shell *shell)
{
    const char *line;
    (void)signal(SIGINT, SIG_IGN); /* while an operation runs: its lock timeout ends it */
    (void)puts("Type help for help.");
    (void)fflush(stdout);
    while (!shell->leave && (line = shell_line_read(shell->lines)) != NULL) {
        shell->line_number++;
        (void)run_line(shell, line);
    }
    if (!shell->leave) {
        (void)putchar('\n');
    }
    return end_of_input(shell, 0);
}

static int run_script(struct shell *shell, bool keep_going)
{
    char *line = NULL;
    size_t size = 0;
    int first = 0;
    while (!shell->leave && (first == 0 || keep_going) && getline(&line, &size, stdin) >= 0) {
        shell->line_number++;
        int result = run_line(shell, line);
        first = first != 0 ? first : result;
    }
    free(line);
    return end_of_input(shell, first);
}

int txctl_shell(txclient *client, bool keep_going)
{
    struct shell shell = {.client = client};
    struct shell_line_calls calls = {.prompt = prompt, .candidate = candidate, .arg = &shell};
    int result;
    if (isatty(STDIN_FILENO) != 0) {
        shell.lines = shell_line_new(&calls);
        if (shell.lines == NULL) {
            (void)fputs("txctl: this terminal cannot be used\n", stderr);
            return EX_OSERR;
        }
        result = run_interactive(&shell);
    } else {
        result = run_script(&shell, keep_going);
    }
    shell_line_destroy(&shell.lines);
    txclient_node_free(&shell.coordinator);
    return result;
}
