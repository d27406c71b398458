/* The participant's shell: performs what the core asks for, and tells it what happened.
 *
 * One I/O thread runs the loop, the core and the resource manager; the log writer is the only other
 * thread. */
#ifndef ASSENT_PARTICIPANT_PART_SHELL_H
#define ASSENT_PARTICIPANT_PART_SHELL_H

#include "participant/part_config.h"

struct part_shell;

/* Opens the log, recovers, and binds. The text of a failure names the file, directory
 * or address. */
enum tx_error part_shell_new(const struct part_config *config, struct part_shell **shell,
                             struct tx_why *why) TX_MUST_CHECK;

/* Serves until a signal ends it (TX_OK) or it cannot go on (with a text). */
enum tx_error part_shell_run(struct part_shell *shell, struct tx_why *why) TX_MUST_CHECK;

void part_shell_destroy(struct part_shell **shell);

#endif
