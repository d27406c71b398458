/* txctl's positions and copies of the whole cluster: cut, backup. */
#include "client/txctl/txctl_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* ---- cut ---- */

static error_t parse_cut_option(int key, char *arg, struct argp_state *state)
{
    if (key == 't') {
        ((struct arguments *)state->input)->wait_ms = txctl_parse_seconds(state, arg);
        return 0;
    }
    return txctl_parse_common(key, state);
}

static const struct argp_option cut_options[] = {
    {"wait", 't', "SECONDS", 0, "wait at most so long for the position of each daemon", 0}, {0}};

static const struct argp cut_argp = {
    .options = cut_options,
    .parser = parse_cut_option,
    .args_doc = "[ADDRESS...]",
    .doc = "Takes a cut: a position in the log of every daemon, such that no transaction is half "
           "within them. Shows the positions at the coordinator, at the participants that it "
           "knows, and at the daemons named besides, as other coordinators.",
    .children = txctl_place_child};

static int cut(txclient *client, struct arguments *arguments)
{
    return txctl_cut(client, arguments->words, arguments->words_n, arguments->wait_ms,
                     arguments->place.json);
}

/* ---- backup ---- */

static error_t parse_backup_option(int key, char *arg, struct argp_state *state)
{
    struct txctl_backup_options *backup = &((struct arguments *)state->input)->backup;
    char *end = NULL;
    switch (key) {
    case 'I':
        backup->into = arg;
        return 0;
    case 'F':
        backup->full = true;
        return 0;
    case 'S':
        backup->sample = (unsigned)strtoul(arg, &end, 10);
        if (*arg < '1' || *arg > '9' || (*end != '\0' && strcmp(end, "%") != 0) ||
            backup->sample > 100) {
            argp_error(state, "\"%s\" is no part of a hundred, as 10%%", arg);
        }
        return 0;
    case 'P':
        backup->patience_ms = txctl_parse_seconds(state, arg);
        return 0;
    default:
        return txctl_parse_common(key, state);
    }
}

static const struct argp_option backup_options[] = {
    {"into", 'I', "DIR", 0, "the repository; made where there is none", 0},
    {"full", 'F', NULL, 0, "read and write everything, whatever earlier backups hold", 0},
    {"sample", 'S', "N%", 0, "verify: read so much of it, drawn at random; default 100%", 0},
    {"patience", 'P', "SECONDS", 0,
     "a daemon gives the backup up when it hears nothing for so long; default 30", 0},
    {0}};

static const struct argp backup_argp = {
    .options = backup_options,
    .parser = parse_backup_option,
    .args_doc = "--into DIR\nlist DIR\nverify DIR [NAME]\nkeep DIR N",
    .doc = "Backs up the whole cluster while it runs, into a repository that every daemon sees "
           "under the same path; or shows the backups in one, checks them, or removes all but the "
           "newest N.\vtxrecover restore brings a backup back.",
    .children = txctl_place_child};

/* The words that stand behind list, verify and keep. */
static int backup_words(const struct arguments *arguments, int words_min, int words_max)
{
    if (arguments->words_n - 1 >= words_min && arguments->words_n - 1 <= words_max) {
        return 0;
    }
    (void)fprintf(stderr, "txctl: backup %s: wrong number of arguments; see txctl backup --help\n",
                  arguments->words[0]);
    return EX_USAGE;
}

static int command_backup_in(const struct arguments *arguments)
{
    char **words = arguments->words;
    const bool json = arguments->place.json;
    int result = EX_USAGE;
    if (strcmp(words[0], "list") == 0) {
        result = backup_words(arguments, 1, 1);
        return result != 0 ? result : txctl_backup_list(words[1], json);
    }
    if (strcmp(words[0], "verify") == 0) {
        result = backup_words(arguments, 1, 2);
        return result != 0 ? result
                           : txctl_backup_verify(words[1], arguments->words_n > 2 ? words[2] : NULL,
                                                 arguments->backup.sample, json);
    }
    if (strcmp(words[0], "keep") == 0) {
        result = backup_words(arguments, 2, 2);
        return result != 0 ? result : txctl_backup_keep(words[1], words[2], json);
    }
    (void)fprintf(stderr,
                  "txctl: backup: \"%s\" is nothing that it does; there are list, verify "
                  "and keep\n",
                  words[0]);
    return result;
}

static int backup(txclient *client, struct arguments *arguments)
{
    return txctl_backup(client, &arguments->backup, arguments->place.json);
}

static int command_backup(struct arguments *arguments)
{
    if (arguments->words_n > 0) {
        return command_backup_in(arguments);
    }
    if (arguments->backup.into == NULL) {
        (void)fputs("txctl: backup: --into is missing: the repository to back up into\n", stderr);
        return EX_USAGE;
    }
    return txctl_with_client(arguments, backup);
}

const struct txctl_command txctl_cmd_cut = {
    .name = "cut", .argp = &cut_argp, .words_max = TXCTL_NAMES_MAX, .call = cut};
const struct txctl_command txctl_cmd_backup = {
    .name = "backup", .argp = &backup_argp, .words_max = 3, .run = command_backup};
