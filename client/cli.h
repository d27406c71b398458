/* What txctl and txbench share: where the cluster is, and exit statuses. */
#ifndef ASSENT_CLIENT_CLI_H
#define ASSENT_CLIENT_CLI_H

#include "client/txclient.h"

#include <argp.h>

/* Beside those of <sysexits.h>. */
enum cli_exit {
    CLI_COMMITTED = 0,
    CLI_ABORTED = 1,
    CLI_UNKNOWN = 2,
    CLI_ABSENT = 3, /* txctl get: there is no such key */
};

/* Where the cluster is. Options go before the environment, and that before the default file. */
struct cli_place {
    const char *config; /* --config; ASSENT_CONFIG; CLI_CONFIG_DEFAULT if it exists */
    const char *cluster;
    const char *coordinator;
    bool json;
};

#define CLI_CONFIG_DEFAULT "/etc/assent/client.conf"

/* --config, --cluster, --coordinator and --json; its input is a struct cli_place. */
extern const struct argp cli_place_argp;

/* Opens the client of that place. Prints what is wrong to stderr and gives the exit status; 0 when
 * OK. */
int cli_open(const struct cli_place *place, txclient **client);

/* The exit status for what a call gave. */
int cli_exit_status(txclient_status status);
/* Prints "PROGRAM: text" of the handle's last call to stderr. */
void cli_complain(const txclient *client);

/* argp's behaviour for both programs: EX_USAGE for wrong arguments, the version of the library. */
void cli_init(void);

#endif
