#include "expected.h"

#include <stddef.h>

/* Seeds draw what these need too seldom for a search to be short. */
#define LATE_ACROSS_STARTS                                                                         \
    "reorder=1 very_late_percent=10 very_late_us=6000000 crash=10 fault_txs=4"
#define OLD_DISKS "old_disk=4 fault_txs=10 crash=4"
#define LOST_OUTCOMES                                                                              \
    "coordinators=1 participants=2 clients=4 fault_txs=3 crash=10 partition=5 loss_percent=25 "    \
    "sync_us=400000 lazy_us=500000 old_disk=0 resolve=0"

/* Members that settle what an earlier start of their coordinator has left, and marks right after.
 */
#define MEMBERS_SETTLE                                                                             \
    "mode=2 asks_percent=0 lost_txs=0 coordinators=1 participants=2 clients=6 fault_txs=2 "        \
    "crash=20 partition=0 loss_percent=10 sync_us=200000 lazy_us=800000 retention_us=1000 "        \
    "inquiry_us=20000 resolve=0 old_disk=0 copy_txs=0"
#define MEMBERS_ON_OLD_DISKS                                                                       \
    OLD_DISKS " mode=2 asks_percent=0 lost_txs=0 echo_frames=64 echo_percent=12 loss_percent=8"

#define SCANS       "scans_percent=60 levels_percent=0 participants=2 clients=10 think_us=3000"
#define SCANS_BELOW "scans_percent=60 levels_percent=90"
#define LISTS_BELOW                                                                                \
    "scans_percent=10 levels_percent=90 lists_percent=80 participants=2 clients=12 think_us=2000"

/* Members of two that are lost to one another until somebody tells them where they are. */
#define MOVES                                                                                      \
    "move=20 fault_txs=6 crash=10 coordinators=2 mode=2 asks_percent=0 old_disk=0 copy_txs=0 "     \
    "resolve=0 liar=0"

/* Nothing that would keep a cluster from being rebuilt. */
#define CUTS "cut_txs=4 old_disk=0 resolve=0"

/* A participant that comes back without its newest records, among others that forget soon. */
#define LOSSES                                                                                     \
    "rejoin_txs=40 retention_us=100000 participants=3 coordinators=1 fault_txs=8 crash=10 "        \
    "inquiry_us=20000"

#define ROW(name, all, no_assertion, no_alarm, options)                                            \
    [TX_BUG_##name] = {.by = {all, no_assertion, no_alarm}, .set = (options)}

const struct expected bugs_expected[TX_BUGS_N] = {
    ROW(ACK_BEFORE_DURABLE, "alarm,atomicity", "alarm,atomicity", "atomicity", NULL),
    ROW(VOTE_BEFORE_DURABLE, "assertion", "alarm,atomicity", "atomicity", NULL),
    ROW(COMMIT_BEFORE_DURABLE, "assertion", "atomicity", "atomicity", NULL),
    ROW(ONE_PHASE_BEFORE_DURABLE, "assertion", "atomicity", "atomicity", NULL),
    ROW(PRESUME_ABORT_WHILE_ACTIVE, "alarm", "alarm", "atomicity", NULL),
    ROW(NO_EPOCH_FENCE, "old copy", "old copy", "old copy", NULL),
    ROW(GO_ON_AFTER_FENCED, "old copy", "old copy", "old copy", NULL),
    ROW(NO_INCARNATION_CHECK, "alarm", "alarm", "atomicity", LATE_ACROSS_STARTS),
    ROW(EARLY_READ_RELEASE, "bank,append", "bank,append", "bank,append", NULL),
    ROW(FORGET_BEFORE_ACKS, "alarm", "alarm", "atomicity", NULL),
    /* The next start refuses the log, and does not come up: anybody can see that. */
    ROW(LOG_CUT_TOO_EARLY, "recovery", "recovery", "recovery", NULL),
    ROW(INQUIRY_FROM_LOST_MEMORY, "atomicity", "atomicity", "atomicity", NULL),
    ROW(ABORTED_FOR_UNKNOWN, "atomicity", "atomicity", "atomicity", NULL),
    ROW(NOT_FOUND_IS_SUCCESS, "assertion", "atomicity", "atomicity", NULL),
    ROW(WOUND_PREPARED, "alarm", "alarm", "atomicity", NULL),
    ROW(NO_RELOCK, "bank,append", "bank,append", "bank,append", NULL),
    ROW(PREPARE_AFTER_COMMIT, "alarm", "alarm", "atomicity,bank,append", NULL),
    ROW(TOMBSTONE_FORGOTTEN, "alarm", "alarm", "atomicity", NULL),
    ROW(VOTE_NOT_BOUND, "settled", "settled", "settled", NULL),
    ROW(STEP_RUNS_TWICE, "bank", "bank", "bank", NULL),
    ROW(KEY_RUNS_TWICE, "assertion", "client", "client", NULL),
    ROW(READ_ONLY_PROVES, "alarm", "alarm", "atomicity", NULL),
    ROW(SHARED_BESIDE_EXCLUSIVE, "locks", "locks", "locks", NULL),
    ROW(UNLOCK_AT_PREPARE, "assertion", "bank,append", "bank,append", NULL),
    ROW(REGRESSION_UNNOTICED, "old copy", "old copy", "old copy", NULL),
    /* A good participant is in quarantine until its next WELCOME: work is aborted, and no promise
     * broken. */
    ROW(LATE_WELCOME_BELIEVED, "alarm", "alarm", NULL, NULL),
    ROW(LINEAGE_NOT_COMPARED, "old copy", "old copy", "old copy", NULL),
    /* Starts leave gaps, so that nobody comes to the number of another; without lists, for what was
     * read at the twin is stale all the same. */
    ROW(LIFE_NOT_CHECKED, "atomicity", "atomicity", "atomicity",
        OLD_DISKS " twins=2 old_coordinators=0 lists_percent=0"),
    ROW(EVIDENCE_IGNORED, "alarm,atomicity", "alarm,atomicity", "atomicity",
        OLD_DISKS " echo_frames=64 echo_percent=12 loss_percent=8"),
    ROW(WANTED_IGNORED, "waits", "waits", "waits", NULL),
    ROW(MARK_BEFORE_OUTCOME, "assertion", "atomicity", "atomicity", LOST_OUTCOMES),
    ROW(OLD_MARK_NOT_LOGGED, "atomicity", "atomicity", "atomicity",
        LOST_OUTCOMES " retention_us=300000"),
    ROW(ABORT_ALONE_ON_TIMEOUT, "rule", "rule", "atomicity", NULL),
    ROW(PRESUME_ABORT_OF_MEMBERS, "rule", "rule", "atomicity", NULL),
    ROW(OLD_MARK_UNASKED, "rule,alarm", "rule,alarm", "atomicity", MEMBERS_SETTLE),
    ROW(MODE_NOT_KEPT, "rule", "rule", "atomicity", NULL),
    ROW(REFUSAL_FORGOTTEN, "rule", "rule", "atomicity", NULL),
    ROW(COMMITTED_FORGOTTEN_EARLY, "alarm", "alarm", "atomicity", NULL),
    ROW(FACTS_OF_ANOTHER_START, "rule,alarm", "rule,alarm", "atomicity", MEMBERS_ON_OLD_DISKS),
    ROW(FACT_BEFORE_DURABLE, "rule", "rule", "atomicity", MEMBERS_SETTLE),
    ROW(YES_OF_SOME, "rule", "rule", "atomicity", NULL),
    ROW(UNSETTLED_IN_MEMORY, "rule", "rule", "atomicity", MEMBERS_SETTLE),
    ROW(SCAN_UNLOCKED, "append,rows", "append,rows", "append,rows", NULL),
    ROW(SCAN_NOT_READ_AGAIN, "append,rows", "append,rows", "append,rows", NULL),
    ROW(COMMITS_NOT_COUNTED, "append,rows", "append,rows", "append,rows", SCANS " store_us=20000"),
    ROW(CUT_TOO_SHORT, "append", "append", "append", SCANS),
    ROW(CUT_AT_WRONG_END, "append", "append", "append", SCANS),
    /* Who has voted reads no more: only another member that still does can make a circle of it, and
     * seldom does. The locks that are gone are seen at once. */
    ROW(RANGE_NOT_RECORDED, "locks", "locks", "locks", NULL),
    ROW(ROWS_NOT_LOCKED, "append", "append", "append", SCANS_BELOW),
    ROW(READ_BEFORE_DURABLE, "append", "append", "append",
        "scans_percent=60 levels_percent=70 coordinators=1 participants=2 clients=12 "
        "think_us=2000 sync_us=20000 lazy_us=200000 crash=20 fault_txs=4 partition=0 resolve=0 "
        "old_disk=0 mode=1 asks_percent=0 lost_txs=0"),
    ROW(CUT_TAKEN_LATE, "rebuilt", "rebuilt", "rebuilt", CUTS),
    ROW(CUT_NOT_PASSED_ON, "rebuilt", "rebuilt", "rebuilt", CUTS),
    ROW(CUT_UNSTAMPED_AFTER_START, "rebuilt", "rebuilt", "rebuilt", CUTS),
    ROW(CUT_NOT_RESTATED, "cut", "cut", "cut", CUTS),
    ROW(CUT_TOLD_BEFORE_DURABLE, "cut", "cut", "cut", CUTS),
    ROW(PLACES_IGNORED, "settled", "settled", "settled", MOVES),
    ROW(ANYBODY_IS_MEANT, "alarm", "alarm", "settled", MOVES),
    ROW(LOSS_SAYS_NO, "rule,atomicity", "rule,atomicity", "atomicity", LOSSES),
    ROW(PRESUMED_IN_LOSS, "rule,atomicity", "rule,atomicity", "atomicity", LOSSES),
    ROW(LOSS_ACKNOWLEDGED, "atomicity", "atomicity", "atomicity", LOSSES),
    ROW(READ_GIVES_UP_LOCK, "append", "append", "append", LISTS_BELOW),
};
