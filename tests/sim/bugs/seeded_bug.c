/* Which mistakes the cores make in this run. */
#include "common/seeded_bug.h"

#include "common/assert.h"

bool tx_seeded_bugs[TX_BUGS_N];
int tx_asserts_ignored = 0;
