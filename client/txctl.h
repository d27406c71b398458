/* txctl's commands. Each gets a handle and gives the exit status. */
#ifndef ASSENT_CLIENT_TXCTL_H
#define ASSENT_CLIENT_TXCTL_H

#include "client/exec_parse.h"
#include "client/txclient.h"

/* exec: `key`, `timeout_ms` and `isolation` as of txclient_submit(). */
int txctl_exec(txclient *client, const struct exec_script *script, const char *key,
               uint32_t timeout_ms, txclient_isolation isolation, bool json);
/* get: the value of one key, as it is. */
int txctl_get(txclient *client, const struct exec_script *script, txclient_isolation isolation,
              bool json);
/* outcome: of a reference, waited for. */
int txctl_outcome(txclient *client, const char *reference, uint32_t wait_ms, bool json);
/* status: the coordinator and every participant that it knows. */
int txctl_status(txclient *client, bool json);

#endif
