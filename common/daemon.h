/* What the main() of every daemon begins and ends with: the command line, the configuration file,
 * and exit statuses after <sysexits.h>. docs/messages.md lists both for users.
 *
 *   PROGRAM --config FILE [--check-config | --print-config]
 *   PROGRAM --print-metrics
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
    size_t config_size; /* bytes of the configuration; for a reload */
    /* Writes every metric as a row of docs/metrics.md. */
    void (*print_metrics)(FILE *out);
};

/* Reads the command line and the configuration. True: run. False: leave with `status`, everything
 * is said (--check-config and --print-config end so as well). A usage error leaves by itself with
 * EX_USAGE (64); a configuration error gives EX_CONFIG (78). */
bool daemon_begin(const struct daemon_program *program, int argc, char **argv, void *config,
                  int *status) TX_MUST_CHECK;

/* Says in the log, and to the service manager, what has stopped the daemon, when that was an error;
 * gives the exit status. */
int daemon_end(enum tx_error error, const struct tx_why *why) TX_MUST_CHECK;
/* The configuration file that daemon_begin() has read; NULL before. */
const char *daemon_config_file(void);

/* The exit status for what stopped the daemon; 0 for TX_OK. */
int daemon_exit_status(enum tx_error error);

/* "0.1.0" */
const char *daemon_version(void);

#endif
