/* The locks that a participant has held, as lines of a history: see participant/part_trace.h. Only
 * daemons with crash points write them. */
#ifndef ASSENT_TESTS_INTEGRATION_LOCK_LINES_H
#define ASSENT_TESTS_INTEGRATION_LOCK_LINES_H

#include "tests/integration/cluster.h"

#include <stdint.h>
#include <stdio.h>

/* Can the daemons of this build do it? */
bool lock_lines_possible(void);
/* From its next start on. */
void lock_lines_wanted(const struct cluster *cluster, struct daemon *daemon);
/* Appends what a stopped daemon has written, but for a line that a kill has cut off; gives how many
 * lines. */
uint64_t lock_lines_append(FILE *out, const struct daemon *daemon);

#endif
