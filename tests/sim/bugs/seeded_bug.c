/* Which mistake the cores make in this run. */
#include "common/seeded_bug.h"

#include "common/assert.h"

enum tx_seeded_bug tx_seeded_bug = TX_BUG_NONE;
int tx_asserts_ignored = 0;
