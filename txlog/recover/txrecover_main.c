/* txrecover: reads the directory of a stopped daemon. txrecover(1) is its manual. */
#include "common/clock.h"
#include "txlog/recover/recover_options.h"
#include "txlog/recover/txrecover.h"

#include <argp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum option_key {
    KEY_FROM = 256,
    KEY_TO,
    KEY_TX,
    KEY_INTO,
    KEY_UNTIL,
    KEY_UNTIL_TIME,
    KEY_OUTPUT,
    KEY_OPERATOR,
    KEY_UNDO_FILE,
    KEY_PARTIAL,
    KEY_PROGRESS,
    KEY_NODE,
    KEY_GENERATION,
    KEY_ALONE,
    KEY_INCARNATION,
    KEY_ARCHIVE,
    KEY_UNTIL_CUT,
    KEY_UNTIL_END
};

struct arguments {
    struct txrecover_options options;
    const char *command;
    char **words; /* behind the command */
    int words_n;
};

#define COMMANDS                                                                                   \
    "summary, log, explain, verify, indoubt, export, replay, plan, apply, undo, restore, rejoin, " \
    "archive"

#define DIRECTORIES_MAX 128

/* Those of the commands that look at several. */
static const char *directories[DIRECTORIES_MAX];

/* ---- options ---- */

static void parse_lsn(const char *option, const char *text, struct tx_lsn *lsn,
                      const struct argp_state *state)
{
    struct tx_why why;
    if (recover_parse_lsn(text, lsn, &why) != TX_OK)
        argp_error(state, "%s: %s", option, why.text);
}

/* From 1 on. */
static bool parse_number(const char *text, uint64_t *number)
{
    char *end = NULL;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *text >= '1' && *text <= '9' && *end == '\0';
}

static void parse_tx(const char *text, struct txrecover_options *options,
                     const struct argp_state *state)
{
    struct tx_why why;
    options->one_tx = true;
    if (recover_parse_id(text, &options->tx, &why) != TX_OK)
        argp_error(state, "--tx: %s", why.text);
}

static void parse_until_time(const char *text, struct txrecover_options *options,
                             const struct argp_state *state)
{
    struct tx_why why;
    options->until_time = true;
    if (recover_parse_time(text, clock_wall_ms(), &options->until_ms, &why) != TX_OK)
        argp_error(state, "--until-time: %s", why.text);
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
    case KEY_OUTPUT:
        options->output = arg;
        return 0;
    case KEY_OPERATOR:
        options->operator_name = arg;
        return 0;
    case KEY_UNDO_FILE:
        options->undo_file = arg;
        return 0;
    case KEY_UNTIL_TIME:
        parse_until_time(arg, options, state);
        return 0;
    case KEY_PARTIAL:
        options->partial = true;
        return 0;
    case KEY_PROGRESS:
        options->progress = true;
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
    if (key == ARGP_KEY_END && options->until.n != 0 && options->until_time)
        argp_error(state, "--until and --until-time: there is one end only");
    return parse_option(key, arg, state);
}

static error_t parse_rejoin(int key, char *arg, struct argp_state *state)
{
    struct txrecover_options *options = state->input;
    switch (key) {
    case KEY_ALONE:
        options->alone = true;
        return 0;
    case KEY_INCARNATION:
        if (!parse_number(arg, &options->incarnation))
            argp_error(state, "--incarnation: \"%s\" is none; it is a number from 1", arg);
        return 0;
    case ARGP_KEY_END:
        if (options->incarnation > 0 && !options->alone)
            argp_error(state, "--incarnation belongs to --alone");
        return parse_option(key, arg, state);
    default:
        return parse_option(key, arg, state);
    }
}

static void parse_until_cut(const char *text, struct txrecover_options *options,
                            const struct argp_state *state)
{
    if (!parse_number(text, &options->until_cut))
        argp_error(state, "--until-cut: \"%s\" is no cut; cuts are numbered from 1", text);
}

static void check_restore(const struct txrecover_options *options, const struct argp_state *state)
{
    int ends = (options->until_cut != 0) + options->until_time + options->until_end;
    if (options->directory == NULL)
        argp_error(state, "the repository of backups is missing");
    if (options->into == NULL)
        argp_error(state, "--into is missing: the directory to restore into");
    if (ends > 1)
        argp_error(state, "--until-time, --until-cut and --until-end: there is one end only");
    if (ends > 0 && options->archive == NULL)
        argp_error(state, "--archive is missing: what lies behind a backup stands in an archive");
    if (options->until_end && options->node == NULL)
        argp_error(state, "--until-end is for one node, with --node: the ends of several logs are "
                          "not of one moment");
}

/* DIR [NAME], where DIR is a repository of backups. */
static error_t parse_restore(int key, char *arg, struct argp_state *state)
{
    struct txrecover_options *options = state->input;
    switch (key) {
    case KEY_NODE:
        options->node = arg;
        return 0;
    case KEY_GENERATION:
        if (!parse_number(arg, &options->generation) || options->generation > INT64_MAX)
            argp_error(state,
                       "--generation: \"%s\" is none; it is what the restore of another "
                       "node has printed",
                       arg);
        return 0;
    case ARGP_KEY_ARG:
        if (options->directory == NULL || options->backup != NULL)
            return parse_option(key, arg, state);
        options->backup = arg;
        return 0;
    case KEY_ARCHIVE:
        options->archive = arg;
        return 0;
    case KEY_UNTIL_CUT:
        parse_until_cut(arg, options, state);
        return 0;
    case KEY_UNTIL_END:
        options->until_end = true;
        return 0;
    case ARGP_KEY_END:
        check_restore(options, state);
        return 0;
    default:
        return parse_option(key, arg, state);
    }
}

static error_t parse_several(int key, char *arg, struct argp_state *state)
{
    struct txrecover_options *options = state->input;
    if (key != ARGP_KEY_ARG)
        return parse_option(key, arg, state);
    if (options->directories_n == DIRECTORIES_MAX)
        argp_error(state, "more than %d directories", DIRECTORIES_MAX);
    directories[options->directories_n++] = arg;
    options->directories = directories;
    options->directory = directories[0];
    return 0;
}

static void check_archive(const struct txrecover_options *options, bool add,
                          const struct argp_state *state)
{
    if (options->action == NULL)
        argp_error(state, "what to do is missing: list, verify, add");
    if (options->directories_n == 0)
        argp_error(state, "the directory of the archive is missing");
    if (add && options->directories_n < 2)
        argp_error(state, "the data directories whose logs are to be added are missing");
    if (add && options->json)
        argp_error(state, "add writes no JSON; archive list --json shows what there is then");
}

/* list|verify DIR, add DIR DATADIR... */
static error_t parse_archive(int key, char *arg, struct argp_state *state)
{
    struct txrecover_options *options = state->input;
    if (key == ARGP_KEY_ARG && options->action == NULL) {
        options->action = arg;
        if (strcmp(arg, "list") != 0 && strcmp(arg, "verify") != 0 && strcmp(arg, "add") != 0)
            argp_error(state, "\"%s\" is nothing to do with an archive: list, verify, add", arg);
        return 0;
    }
    bool add = options->action != NULL && strcmp(options->action, "add") == 0;
    if (key == ARGP_KEY_END)
        check_archive(options, add, state);
    if (key == ARGP_KEY_ARG && !add && options->directories_n > 0)
        argp_error(state, "one archive at a time: there is %s already, and then %s",
                   options->directory, arg);
    return parse_several(key, arg, state);
}

static error_t parse_explain(int key, char *arg, struct argp_state *state)
{
    struct txrecover_options *options = state->input;
    struct tx_why why;
    if (key == ARGP_KEY_ARG && !options->one_tx) {
        options->one_tx = true;
        if (recover_parse_id(arg, &options->tx, &why) != TX_OK)
            argp_error(state, "%s", why.text);
        return 0;
    }
    if (key == ARGP_KEY_END && !options->one_tx)
        argp_error(state, "the id of a transaction is missing, and the directories behind it");
    return parse_several(key, arg, state);
}

/* One file, in the place of the directory. */
static error_t parse_file(int key, char *arg, struct argp_state *state)
{
    const struct txrecover_options *options = state->input;
    if (key == ARGP_KEY_END && options->directory == NULL)
        argp_error(state, "the file is missing");
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
#define OPTION_PROGRESS                                                                            \
    {                                                                                              \
        "progress", KEY_PROGRESS, NULL, 0, "say how far it is, also without a terminal", 0         \
    }

static const struct argp_option verify_options[] = {
    OPTION_JSON("write one JSON object"), OPTION_PROGRESS, {0}};
static const struct argp_option export_options[] = {
    {"from", KEY_FROM, "LSN", 0, "begin at this record", 0},
    {"to", KEY_TO, "LSN", 0, "end at this record", 0},
    {"tx", KEY_TX, "ID", 0, "only this transaction", 0},
    OPTION_JSON("as always: it writes nothing else"),
    {0}};
static const struct argp_option plan_options[] = {
    {"output", KEY_OUTPUT, "FILE", 0, "write it to this new file, not to standard output", 0},
    OPTION_JSON("as always: it writes nothing else"),
    {0}};
static const struct argp_option apply_options[] = {
    {"operator", KEY_OPERATOR, "NAME", 0, "who decides, as it is recorded; default: $LOGNAME", 0},
    {"undo-file", KEY_UNDO_FILE, "UNDOFILE", 0, "what to give to undo; default: FILE.undo", 0},
    OPTION_JSON("write one JSON object a line"),
    {0}};
static const struct argp_option undo_options[] = {OPTION_JSON("write one JSON object a line"), {0}};
static const struct argp_option replay_options[] = {
    {"into", KEY_INTO, "NEWDIR", 0, "the directory to build; new or empty", 0},
    {"until", KEY_UNTIL, "LSN", 0, "end with this record", 0},
    {"until-time", KEY_UNTIL_TIME, "TIME", 0,
     "end before the first record that was written later: 2026-11-21T10:00:00Z, or \"5m ago\"", 0},
    {"partial", KEY_PARTIAL, NULL, 0, "go on although the beginning of the log was removed", 0},
    OPTION_PROGRESS,
    OPTION_JSON("write one JSON object"),
    {0}};

static const struct argp_option restore_options[] = {
    {"into", KEY_INTO, "TARGET", 0,
     "the directory to restore into: each node's below it, or with --node itself", 0},
    {"node", KEY_NODE, "NODE", 0, "only this one: participant-a, a, coordinator-1", 0},
    {"generation", KEY_GENERATION, "N", 0,
     "as the restore of another node has printed, for nodes that are restored one by one", 0},
    {"archive", KEY_ARCHIVE, "ARCHIVE", 0,
     "go on from the backup to a later point, with the logs archived there; by default to the "
     "newest cut that all nodes reach",
     0},
    {"until-time", KEY_UNTIL_TIME, "TIME", 0,
     "to the newest cut that is not later: 2026-11-21T10:00:00Z, or \"5m ago\"", 0},
    {"until-cut", KEY_UNTIL_CUT, "N", 0, "to this cut", 0},
    {"until-end", KEY_UNTIL_END, NULL, 0,
     "with --node: all that is archived of it, which is no state of the whole cluster", 0},
    OPTION_JSON("write one JSON object"),
    {0}};

static const struct argp_option rejoin_options[] = {
    {"alone", KEY_ALONE, NULL, 0,
     "a participant, into the cluster that has gone on: declares what it has lost", 0},
    {"incarnation", KEY_INCARNATION, "N", 0,
     "with --alone: it has been at this one, as txctl readmit says", 0},
    {0}};
static const struct argp_option archive_options[] = {
    OPTION_PROGRESS, OPTION_JSON("write one JSON object"), {0}};

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
    {"explain",
     {json_options, parse_explain, "ID DIR...",
      "Tells the story of one transaction over the directories of several nodes, and what they "
      "prove of it.\vExit status: 0 committed, 1 aborted, 2 in doubt, 3 a contradiction, 4 "
      "unknown; else as of all commands.",
      0, 0, 0},
     txrecover_explain},
    {"verify",
     {verify_options, parse_several, "DIR...",
      "Reads everything and says whether it is sound; of several nodes also whether each has what "
      "the others know of it.",
      0, 0, 0},
     txrecover_verify},
    {"indoubt",
     {json_options, parse_option, "DIR",
      "Shows the transactions that are in doubt, or decided and not yet acknowledged by all, and "
      "who can settle them.",
      0, 0, 0},
     txrecover_indoubt},
    {"export",
     {export_options, parse_option, "DIR",
      "Writes the records as JSON, one object a line, with all of their fields.", 0, 0, 0},
     txrecover_export},
    {"plan",
     {plan_options, parse_several, "DIR...",
      "Writes what it would decide at stopped participants, as the logs of all nodes prove it.", 0,
      0, 0},
     txrecover_plan},
    {"apply",
     {apply_options, parse_file, "FILE",
      "Carries out a plan, when nothing has changed since it was made.", 0, 0, 0},
     txrecover_apply},
    {"undo",
     {undo_options, parse_file, "UNDOFILE",
      "Takes back what apply has done, as long as none of the daemons has been started.", 0, 0, 0},
     txrecover_undo},
    {"replay",
     {replay_options, parse_replay, "DIR",
      "Rebuilds a directory from its log, and compares the data.", 0, 0, 0},
     txrecover_replay},
    {"restore",
     {restore_options, parse_restore, "DIR [NAME]",
      "Restores a backup (the newest, unless one is named) out of the repository DIR. What "
      "comes of it is fenced: see rejoin.",
      0, 0, 0},
     txrecover_restore},
    {"archive",
     {archive_options, parse_archive, "list|verify DIR\nadd DIR DATADIR...",
      "Shows what an archive of logs has of each node; reads and checks all of it; adds to it what "
      "the logs of stopped daemons hold behind it.",
      0, 0, 0},
     txrecover_archive},
    {"rejoin",
     {rejoin_options, parse_rejoin, "DIR",
      "Lets a restored directory be used by its daemon, as a member of the restored cluster. "
      "Nodes of the former cluster refuse it, and it refuses them. With --alone a participant goes "
      "back into the cluster that has gone on, and what it has lost is declared.",
      0, 0, 0},
     txrecover_rejoin},
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
        argp_error(state, "a command is missing: " COMMANDS "");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp global_argp = {
    .parser = parse_global,
    .args_doc = "COMMAND [OPTION...] DIR",
    .doc = "Reads the data directories of stopped daemons; apply and undo alone change anything in "
           "them.\v"
           "Commands: " COMMANDS "; \"txrecover COMMAND --help\" says "
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
    (void)fprintf(stderr, "txrecover: unknown command \"%s\"; there are " COMMANDS "\n",
                  arguments.command);
    return EX_USAGE;
}
