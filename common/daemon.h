/* What the main() of every daemon begins and ends with: the command line, the configuration file,
 * and exit statuses after <sysexits.h>. docs/operations.md lists both for users.
 *
 *   PROGRAM --config FILE [--check-config | --print-config]
 *   PROGRAM --help | --usage | --version */
#ifndef ASSENT_COMMON_DAEMON_H
#define ASSENT_COMMON_DAEMON_H

#include "common/config.h"

struct daemon_program {
    const char *name;        /* "txcoordinator" */
    const char *description; /* one paragraph for --help */
    const struct config_schema *schema;
    /* What one key alone cannot tell, checked after the file is read; NULL: nothing. A text is put
     * behind "FILE: ". */
    enum tx_error (*check)(const void *config, struct tx_why *why);
};

/* Reads the command line and the configuration. True: run. False: leave with `status`, everything
 * is said (--check-config and --print-config end so as well). A usage error leaves by itself with
 * EX_USAGE (64); a configuration error gives EX_CONFIG (78). */
bool daemon_begin(const struct daemon_program *program, int argc, char **argv, void *config,
                  int *status) TX_MUST_CHECK;

/* The exit status for what stopped the daemon; 0 for TX_OK. */
int daemon_exit_status(enum tx_error error);

/* "0.1.0" */
const char *daemon_version(void);

#endif
