/* The arguments of txctl's commands: what each command fills, and how a word is read. */
#ifndef ASSENT_CLIENT_TXCTL_ARGS_H
#define ASSENT_CLIENT_TXCTL_ARGS_H

#include "client/cli.h"
#include "client/txctl/txctl.h"

#include <argp.h>

#define TXCTL_NAMES_MAX    1024 /* nodes named in one command */
#define TXCTL_ROWS_DEFAULT 1000

struct arguments {
    struct cli_place place;
    const char *command;
    const char *file;               /* exec --file */
    txclient_submit_options submit; /* exec, get */
    uint32_t wait_ms;               /* outcome --wait */
    struct txctl_locks_options locks;
    struct txctl_txns_options txns;
    struct txctl_settle_options settle;
    struct txctl_admin_options admin;
    struct txctl_backup_options backup;
    struct txctl_top_options top;
    bool keep_going; /* shell */
    size_t alarms_limit;
    bool verbose; /* status --verbose */
    char **words; /* the command's own arguments */
    int words_n;
};

/* The options of every command that say where the cluster is. */
extern const struct argp_child txctl_place_child[];

/* Each complains through argp about what it cannot read. Seconds become milliseconds. */
uint32_t txctl_parse_seconds(struct argp_state *state, const char *arg);
/* A number from 1 to `most`. */
size_t txctl_parse_count(struct argp_state *state, const char *arg, size_t most);

/* What every command takes: where the cluster is, and its own arguments. For the parser of a
 * command behind its own options; ARGP_ERR_UNKNOWN for what is none of these. */
error_t txctl_parse_common(int key, struct argp_state *state);
/* The same, as the whole parser of a command without options of its own. */
error_t txctl_parse_no_options(int key, char *arg, struct argp_state *state);

struct txctl_command {
    const char *name;
    const struct argp *argp;
    unsigned flags; /* of argp_parse */
    int words_min, words_max;
    bool addresses; /* the words behind `words_min` are addresses of daemons */
    /* One of the two, which gives the exit status; what went wrong is on stderr. `call` is given
     * the client of the place that the arguments name. */
    int (*call)(txclient *client, struct arguments *arguments);
    int (*run)(struct arguments *arguments);
};
/* Opens the client of the place that the arguments name, and gives it to `run`; what went wrong is
 * on stderr. The exit status. */
int txctl_with_client(struct arguments *arguments,
                      int (*run)(txclient *client, struct arguments *arguments));

/* What is said of addresses as words of a command. */
#define TXCTL_NODES_DOC                                                                            \
    "The coordinator is asked for the participants, those for further coordinators. ADDRESS: "     \
    "further daemons, as tcp://127.0.0.1:7410, for when the coordinator is gone; "                 \
    "\"participants\" "                                                                            \
    "in the configuration file names them once and for all."

/* txctl_cmd_tx.c: transactions of one's own */
extern const struct txctl_command txctl_cmd_exec, txctl_cmd_get, txctl_cmd_outcome, txctl_cmd_shell;
/* txctl_cmd_look.c: what the daemons do */
extern const struct txctl_command txctl_cmd_status, txctl_cmd_alarms, txctl_cmd_locks,
    txctl_cmd_waits, txctl_cmd_top;
/* txctl_cmd_settle.c: transactions of others */
extern const struct txctl_command txctl_cmd_txns, txctl_cmd_indoubt, txctl_cmd_resolve,
    txctl_cmd_forget, txctl_cmd_readmit;
/* txctl_cmd_admin.c: the daemons */
extern const struct txctl_command txctl_cmd_drain, txctl_cmd_undrain, txctl_cmd_log_level,
    txctl_cmd_reload;
/* txctl_cmd_save.c: cuts and backups */
extern const struct txctl_command txctl_cmd_cut, txctl_cmd_backup;

#endif
