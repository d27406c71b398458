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
/* outcome: of a reference, waited for. */
int txctl_outcome(txclient *client, const char *reference, uint32_t wait_ms, bool json);
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
/* status: the coordinator and every participant that it knows. */
int txctl_status(txclient *client, bool json);

#endif
