/* txctl's commands. Each gets a handle and gives the exit status. */
#ifndef ASSENT_CLIENT_TXCTL_H
#define ASSENT_CLIENT_TXCTL_H

#include "client/txctl/exec_parse.h"
#include "client/txclient.h"

/* exec: a one-shot; `options` as of txclient_submit(). */
int txctl_exec(txclient *client, const struct exec_script *script,
               const txclient_submit_options *options, bool json);
/* get: the value of one key, as it is. */
int txctl_get(txclient *client, const struct exec_script *script,
              const txclient_submit_options *options, bool json);
/* A line, or several, for the result of an operation; none for one that has none. */
void txctl_print_result(const struct exec_op *op, const txclient_value *value);
/* shell: reads commands and operations from standard input; with `keep_going`, a script goes on
 * after an error. */
int txctl_shell(txclient *client, bool keep_going);
/* outcome: of a reference, waited for. */
int txctl_outcome(txclient *client, const char *reference, uint32_t wait_ms, bool json);
/* The same when the coordinator has given `status`, which is no outcome: what others prove. */
int txctl_outcome_of_nodes(txclient *client, const char *reference, txclient_status status,
                           bool json);
enum txctl_locks_sort {
    TXCTL_LOCKS_BY_TX,    /* as the participant lists them */
    TXCTL_LOCKS_BY_SPACE, /* by keyspace, then by key */
    TXCTL_LOCKS_BY_WAIT,  /* the longest wait first, then what is held */
};
struct txctl_locks_options {
    const char *space; /* only this keyspace; NULL: all */
    const char *tx;    /* only this transaction; NULL: all */
    bool waiting;      /* only those that are waited for */
    enum txctl_locks_sort sort;
    size_t limit; /* rows of each participant; 1..TXCLIENT_LOCK_ROWS_MAX */
};
/* locks: of the participants named, or of all that the coordinator knows. */
int txctl_locks(txclient *client, const struct txctl_locks_options *options, char **names,
                int names_n, bool json);
/* waits: who waits for whom, likewise. */
int txctl_waits(txclient *client, char **names, int names_n, bool json);
/* cut: takes one, and shows where it lies at each daemon: the coordinator, the participants that it
 * knows, and those that the words name besides. Waits up to `wait_ms` for each (0: the handle's
 * request timeout). */
int txctl_cut(txclient *client, char **words, int words_n, uint32_t wait_ms, bool json);
struct txctl_backup_options {
    const char *into;     /* the repository to back up into */
    bool full;            /* take nothing over from earlier backups */
    unsigned sample;      /* verify: percent of the blobs */
    uint32_t patience_ms; /* of the daemons; 0: theirs */
};
/* backup: of the whole cluster, with no word; or list DIR, verify DIR [NAME], keep DIR N. Opens a
 * client only for the first. */
int txctl_backup(txclient *client, const struct txctl_backup_options *options, bool json);
int txctl_backup_list(const char *directory, bool json);
int txctl_backup_verify(const char *directory, const char *name, unsigned sample, bool json);
int txctl_backup_keep(const char *directory, const char *count, bool json);
struct txctl_admin_options {
    txclient_admin_verb verb;
    const char *operator_name; /* NULL: who runs this */
    const char *node;          /* "coordinator", a participant's name, or an address */
    const char *argument;      /* log-level; may be NULL */
    bool wait;                 /* drain: until nothing is open there */
    uint32_t wait_ms;          /* at most; 0: for ever */
};
/* drain, undrain, log-level, reload. */
int txctl_admin(txclient *client, const struct txctl_admin_options *options, bool json);
struct txctl_top_options {
    bool once;       /* one frame as text, after two answers of each daemon */
    double interval; /* seconds between two questions to a daemon */
};
/* top: a live screen. Does not return when all went well: the process ends. */
int txctl_top(txclient *client, const struct txctl_top_options *options, bool json);
/* txns, indoubt */
struct txctl_txns_options {
    bool in_doubt;     /* txns: only those that a member may be in doubt about */
    const char *tx;    /* only this one; NULL: all */
    uint64_t older_ms; /* only those that began so long ago, or longer */
    size_t limit;      /* transactions shown; 1..TXCTL_TXNS_MAX */
};
#define TXCTL_TXNS_MAX 10000u
/* txns: what is open at every daemon that can be found, joined by id. The words are addresses of
 * further daemons. */
int txctl_txns(txclient *client, const struct txctl_txns_options *options, char **words,
               int words_n, bool json);
/* indoubt: what is in doubt, with whom it blocks and what will settle it. */
int txctl_indoubt(txclient *client, const struct txctl_txns_options *options, char **words,
                  int words_n, bool json);

/* resolve, forget */
struct txctl_settle_options {
    bool commit, abort;        /* resolve: one of them */
    const char *operator_name; /* NULL: the user's */
    const char *at;            /* at this participant alone; NULL: wherever it can be done */
    bool yes;                  /* do not ask */
    bool force;                /* also what is refused otherwise */
};
/* resolve: an operator's decision on a transaction in doubt. */
int txctl_resolve(txclient *client, const char *tx, const struct txctl_settle_options *options,
                  char **words, int words_n, bool json);
/* forget: an operator has seen to what such a decision led to. */
int txctl_forget(txclient *client, const char *tx, const struct txctl_settle_options *options,
                 char **words, int words_n, bool json);

/* Asks at the terminal unless `yes`; 0 when it may be done, else the exit status, and it is said.
 */
int txctl_confirm(bool yes, bool json);
/* readmit: all coordinators that can be found let the participant in again. */
int txctl_readmit(txclient *client, const char *participant,
                  const struct txctl_settle_options *options, char **words, int words_n, bool json);

/* alarms: those that any daemon keeps, the newest first, at most `limit`. */
int txctl_alarms(txclient *client, size_t limit, char **words, int words_n, bool json);

/* status: the health of every daemon that can be found; `verbose`: with all that they say. */
int txctl_status(txclient *client, bool verbose, char **words, int words_n, bool json);

#endif
