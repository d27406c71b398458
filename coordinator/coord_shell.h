/* The coordinator's shell: performs what the core asks for, and tells it what happened.
 *
 * One I/O thread runs the loop and the core. The other threads are the log writer, one while a
 * backup is taken of it, and one that takes backups of the cluster by a schedule. */
#ifndef ASSENT_COORDINATOR_COORD_SHELL_H
#define ASSENT_COORDINATOR_COORD_SHELL_H

#include "coordinator/coord_config.h"

struct coord_shell;

/* Opens the log, recovers, and binds. The text of a failure names the file, directory
 * or address. */
enum tx_error coord_shell_new(const struct coord_config *config, struct coord_shell **shell,
                              struct tx_why *why) TX_MUST_CHECK;

/* Serves until a signal ends it (TX_OK) or it cannot go on (with a text). */
enum tx_error coord_shell_run(struct coord_shell *shell, struct tx_why *why) TX_MUST_CHECK;

void coord_shell_destroy(struct coord_shell **shell);

#endif
