/* Seeded bugs: real mistakes of commit protocols, which the simulator has to find.
 *
 * TX_SEEDED_BUG(NAME) stands where the mistake would be made. It is the constant false, and leaves
 * no code and no symbol behind, but in the second build of the cores that the test program
 * txsim_bugs is linked with. Nothing that is installed can be built with a mistake in it.
 *
 * A new rule of the protocol gets an entry here and a place in the code: a simulator that does not
 * notice that the rule is broken does not check it. */
#ifndef ASSENT_COMMON_SEEDED_BUG_H
#define ASSENT_COMMON_SEEDED_BUG_H

#include <stdbool.h>

/* X(NAME, WITH, what is done wrong, who does it right by which rule, or got it wrong and where)
 *
 * WITH is the mistake itself; or another one, when it takes away a second line of defence, which
 * nothing reaches as long as the first one holds. */
#define TX_SEEDED_BUGS(X)                                                                          \
    X(ACK_BEFORE_DURABLE, ACK_BEFORE_DURABLE,                                                      \
      "a participant acknowledges COMMIT before its COMMITTED record is durable",                  \
      "acknowledged before the flush: several Jepsen reports")                                     \
    X(VOTE_BEFORE_DURABLE, VOTE_BEFORE_DURABLE,                                                    \
      "a participant votes YES before its PREPARED record is durable",                             \
      "the write-ahead rule of two-phase commit (Gray, Notes on Data Base Operating Systems, "     \
      "1978)")                                                                                     \
    X(COMMIT_BEFORE_DURABLE, COMMIT_BEFORE_DURABLE,                                                \
      "client and participants hear of a commit before the COMMIT record is durable",              \
      "presumed abort forces this record alone (Mohan, Lindsay, Obermarck 1986)")                  \
    X(ONE_PHASE_BEFORE_DURABLE, ONE_PHASE_BEFORE_DURABLE,                                          \
      "a one-phase commit is reported before its only record is durable",                          \
      "acknowledged before the flush: several Jepsen reports")                                     \
    X(PRESUME_ABORT_WHILE_ACTIVE, PRESUME_ABORT_WHILE_ACTIVE,                                      \
      "an inquiry about a transaction that collects votes is told ABORT",                          \
      "recovery racing live prepares: citus #1030 and #2095, btm #53")                             \
    X(NO_EPOCH_FENCE, NO_EPOCH_FENCE,                                                              \
      "a participant goes on answering a coordinator of a lower epoch",                            \
      "a slow prepare that outlives the recovery scan: greenplum #10393")                          \
    X(GO_ON_AFTER_FENCED, GO_ON_AFTER_FENCED, "a coordinator that was told FENCED goes on",        \
      "two of one id at work: zombie producers, Kafka KIP-98")                                     \
    X(NO_INCARNATION_CHECK, NO_INCARNATION_CHECK,                                                  \
      "work of an earlier start of a participant counts as that of this one",                      \
      "work lost in a restart and prepared all the same: the fences of docs/protocol.md")          \
    X(EARLY_READ_RELEASE, EARLY_READ_RELEASE,                                                      \
      "a reader of a one-shot drops out at prepare, while others still lock",                      \
      "breaks two-phase locking (Eswaran, Gray, Lorie, Traiger 1976)")                             \
    X(FORGET_BEFORE_ACKS, FORGET_BEFORE_ACKS, "a decision ends with its first acknowledgement",    \
      "presumed abort remembers until all have acknowledged (Mohan, Lindsay, Obermarck 1986)")     \
    X(LOG_CUT_TOO_EARLY, LOG_CUT_TOO_EARLY,                                                        \
      "a snapshot leaves out decisions that have not been delivered",                              \
      "the log is cut in front of what still needs it; the contrary of citus #7246")               \
    X(INQUIRY_FROM_LOST_MEMORY, INQUIRY_FROM_LOST_MEMORY,                                          \
      "after a restart, what one member has committed in one phase is presumed aborted unasked",   \
      "answered from a memory that the restart has lost")                                          \
    X(ABORTED_FOR_UNKNOWN, ABORTED_FOR_UNKNOWN,                                                    \
      "a client hears ABORTED of what is merely not known any more",                               \
      "said to have failed after it had committed: jetcd, cockroach #103817")                      \
    X(NOT_FOUND_IS_SUCCESS, VOTE_BEFORE_DURABLE,                                                   \
      "COMMIT of a transaction that is not known is acknowledged",                                 \
      "\"not found\" at commit taken for success: several transaction managers")                   \
    X(WOUND_PREPARED, WOUND_PREPARED, "an older transaction wounds one that has voted",            \
      "who has voted may not abort on its own (Gray 1978; Rosenkrantz, Stearns, Lewis 1978)")      \
    X(NO_RELOCK, NO_RELOCK,                                                                        \
      "a participant that restarts does not take the locks of prepared transactions",              \
      "PREPARED holds the locks, and recovery takes them before anybody is served (R*, ARIES)")    \
    X(PREPARE_AFTER_COMMIT, PREPARE_AFTER_COMMIT,                                                  \
      "a late duplicate of PREPARE runs again after the end",                                      \
      "a late duplicate re-locked a key after the commit: tikv #11187")                            \
    X(TOMBSTONE_FORGOTTEN, TOMBSTONE_FORGOTTEN,                                                    \
      "a tombstone goes and nothing stays that refuses a late PREPARE",                            \
      "a late duplicate runs after the abort: tikv #11187")                                        \
    X(VOTE_NOT_BOUND, VOTE_NOT_BOUND,                                                              \
      "votes and acknowledgements count for whatever has their number now",                        \
      "a late message hit a later transaction: Kafka KIP-890")                                     \
    X(STEP_RUNS_TWICE, STEP_RUNS_TWICE, "a repeated step is executed again",                       \
      "a retry did the work twice: jetcd, cockroach #103817")                                      \
    X(KEY_RUNS_TWICE, KEY_RUNS_TWICE, "a repeated idempotency key begins a second transaction",    \
      "a retry after an unknown outcome did the work twice: jetcd, cockroach #103817")             \
    X(READ_ONLY_PROVES, READ_ONLY_PROVES,                                                          \
      "\"nothing known here\" from a member that only read is taken for a NO",                     \
      "who has dropped out and restarted knows nothing: read-only optimisation of R*")             \
    X(SHARED_BESIDE_EXCLUSIVE, SHARED_BESIDE_EXCLUSIVE,                                            \
      "a shared lock is granted beside an exclusive one",                                          \
      "the compatibility matrix (Gray, Lorie, Putzolu, Traiger 1976)")                             \
    X(UNLOCK_AT_PREPARE, UNLOCK_AT_PREPARE, "locks of writers are released at prepare",            \
      "strict two-phase locking ends with the decision (Gray 1978)")                               \
    X(REGRESSION_UNNOTICED, REGRESSION_UNNOTICED,                                                  \
      "a participant that comes back with an old disk is believed",                                \
      "a restored node with no defined behaviour: testing notes of several systems")               \
    X(LATE_WELCOME_BELIEVED, LATE_WELCOME_BELIEVED,                                                \
      "a WELCOME that acknowledgements have overtaken counts",                                     \
      "an error of this project's own, found by its simulator")                                    \
    X(LINEAGE_NOT_COMPARED, LINEAGE_NOT_COMPARED,                                                  \
      "an old copy whose numbers have overtaken those of the original passes",                     \
      "docs/protocol.md, Old copies: \"its numbers are beyond those of the original\"")            \
    X(LIFE_NOT_CHECKED, LIFE_NOT_CHECKED,                                                          \
      "frames of an old copy that has come to the number of the original count as its own",        \
      "docs/protocol.md, Words: \"one epoch or incarnation with two lives\"")                      \
    X(EVIDENCE_IGNORED, EVIDENCE_IGNORED,                                                          \
      "an old copy of a member says NO although the inquiry proves that it is one",                \
      "docs/protocol.md, Old copies: \"must not take a NO from an old copy\"")                     \
    X(WANTED_IGNORED, WANTED_IGNORED,                                                              \
      "a prepared one-shot goes on although an older transaction waits for it",                    \
      "docs/protocol.md, Preparing and prepared: \"no circle lasts\"")                             \
    X(REFUSAL_FORGOTTEN, REFUSAL_FORGOTTEN,                                                        \
      "a restart forgets that a member has refused what the members decide, and it prepares",      \
      "docs/protocol.md, The rule: \"it has refused and will never prepare\"")                     \
    X(COMMITTED_FORGOTTEN_EARLY, COMMITTED_FORGOTTEN_EARLY,                                        \
      "a commit that the members decided is forgotten when durable, before the mark passes it",    \
      "docs/protocol.md, Forgetting: a member in doubt would be told NO")                          \
    X(FACTS_OF_ANOTHER_START, EVIDENCE_IGNORED,                                                    \
      "what a start of a member before the one that PREPARE names says counts as a fact",          \
      "docs/protocol.md, Participant: \"no start before the one that PREPARE names\"")             \
    X(FACT_BEFORE_DURABLE, FACT_BEFORE_DURABLE,                                                    \
      "a start of a member says PREPARED too early to one resolver, and the next NO to another",   \
      "docs/protocol.md, The rule: \"its PREPARED is durable\"")                                   \
    X(YES_OF_SOME, YES_OF_SOME,                                                                    \
      "a member in doubt commits when another one is prepared, whatever the others are",           \
      "docs/protocol.md, The rule: \"the PREPARED record of every member\"")                       \
    X(UNSETTLED_IN_MEMORY, UNSETTLED_IN_MEMORY,                                                    \
      "a commit that is not durable yet does not keep the epoch from being forgotten",             \
      "docs/protocol.md, Forgetting: \"committed and not durably so\"")                            \
    X(MARK_BEFORE_OUTCOME, MARK_BEFORE_OUTCOME,                                                    \
      "the mark passes a one-phase commit whose OUTCOME is not durable",                           \
      "docs/protocol.md, The mark: \"when its OUTCOME is durable\"")                               \
    X(OLD_MARK_NOT_LOGGED, OLD_MARK_NOT_LOGGED,                                                    \
      "marks of older epochs are sent without a FORGET record",                                    \
      "docs/protocol.md, The mark: \"after a FORGET record that says so is durable\"")             \
    X(ABORT_ALONE_ON_TIMEOUT, ABORT_ALONE_ON_TIMEOUT,                                              \
      "the coordinator aborts on its own what its members decide, when a vote is late",            \
      "docs/protocol.md, mode D: \"never aborts alone\"")                                          \
    X(PRESUME_ABORT_OF_MEMBERS, PRESUME_ABORT_OF_MEMBERS,                                          \
      "after a restart, what its members decide is presumed aborted for lack of a record",         \
      "docs/protocol.md, mode D: \"nothing may be presumed\"; presumed abort needs a decision "    \
      "record")                                                                                    \
    X(OLD_MARK_UNASKED, OLD_MARK_UNASKED,                                                          \
      "marks of older epochs are sent without every participant's word that nothing is unsettled", \
      "docs/protocol.md, mode D, Forgetting: \"nothing of those epochs is unsettled there\"")      \
    X(MODE_NOT_KEPT, MODE_NOT_KEPT,                                                                \
      "a PREPARE that is sent again says that the coordinator decides what its members do",        \
      "docs/protocol.md, mode D: \"that never changes for its id\"")                               \
    X(SCAN_UNLOCKED, SCAN_UNLOCKED, "a scan locks no range",                                       \
      "phantoms: predicate locks (Eswaran, Gray, Lorie, Traiger 1976)")                            \
    X(SCAN_NOT_READ_AGAIN, SCAN_NOT_READ_AGAIN,                                                    \
      "a scan that waited for its lock gives what it read before the wait",                        \
      "participant/README.md, Scans: \"Otherwise it reads again under the lock\"")                 \
    X(COMMITS_NOT_COUNTED, COMMITS_NOT_COUNTED,                                                    \
      "a scan gives what it read before its lock, although something was committed meanwhile",     \
      "participant/README.md, Scans: \"nothing was committed since the read was asked for\"")      \
    X(CUT_TOO_SHORT, CUT_TOO_SHORT,                                                                \
      "a scan that stops at its limit leaves its last row out of the lock",                        \
      "next-key locking covers the last key read (ARIES/KVL, Mohan 1990)")                         \
    X(CUT_AT_WRONG_END, CUT_AT_WRONG_END,                                                          \
      "a scan backwards that stops at its limit keeps the range in front of it locked",            \
      "an error of this project's own making: the bounds of a cut range, the other way round")     \
    X(RANGE_NOT_RECORDED, RANGE_NOT_RECORDED,                                                      \
      "ranges are left out of PREPARED, and a restart does not take them again",                   \
      "PREPARED holds the locks, and recovery takes them before anybody is served (R*, ARIES)")    \
    X(ROWS_NOT_LOCKED, ROWS_NOT_LOCKED,                                                            \
      "the rows of a scan at repeatable read are not locked when their range is given up",         \
      "degree 2.99 (Gray, Reuter, Transaction Processing, 1993)")                                  \
    X(READ_BEFORE_DURABLE, READ_BEFORE_DURABLE,                                                    \
      "what was read without a lock is told before the commit that wrote it is durable",           \
      "an error of this project's own, found by its simulator: nothing uncommitted is ever read")  \
    X(READ_GIVES_UP_LOCK, READ_GIVES_UP_LOCK,                                                      \
      "a read at read committed gives up the lock that an earlier operation needs",                \
      "participant/README.md: \"unless the transaction has had a lock there before\"")             \
    X(CUT_TAKEN_LATE, CUT_TAKEN_LATE,                                                              \
      "a cut is taken when the message that brought its number has been worked off",               \
      "first the local snapshot, then the red message (Lai, Yang 1987)")                           \
    X(CUT_NOT_PASSED_ON, CUT_NOT_PASSED_ON,                                                        \
      "who has taken a cut because a message said so goes on stamping the number before",          \
      "everything that is sent after the snapshot is red (Lai, Yang 1987)")                        \
    X(CUT_UNSTAMPED_AFTER_START, CUT_UNSTAMPED_AFTER_START,                                        \
      "after a restart, frames carry no number until the next cut is taken",                       \
      "the colour is a part of the state that a restart recovers: docs/protocol.md")               \
    X(CUT_NOT_RESTATED, CUT_NOT_RESTATED,                                                          \
      "a snapshot leaves out the cuts, so that a later start takes the same one again",            \
      "what is cut off in front of a snapshot must stand in it: docs/protocol.md")                 \
    X(CUT_TOLD_BEFORE_DURABLE, CUT_TOLD_BEFORE_DURABLE,                                            \
      "a position in a cut is told before its CUT record is durable",                              \
      "acknowledged before the flush: several Jepsen reports")                                     \
    X(PLACES_IGNORED, PLACES_IGNORED,                                                              \
      "members in doubt ask one another at the addresses of PREPARED alone",                       \
      "docs/protocol.md, Where members are: \"at each of the addresses\"")                         \
    X(ANYBODY_IS_MEANT, ANYBODY_IS_MEANT,                                                          \
      "an inquiry for another participant is taken for one's own",                                 \
      "docs/protocol.md, Where members are: \"whoever is not meant says nothing\"")                \
    X(LOSS_SAYS_NO, LOSS_SAYS_NO,                                                                  \
      "a restored participant says NO of what it may have promised in its loss",                   \
      "docs/protocol.md, A loss that is declared: \"it cannot say\"")                              \
    X(PRESUMED_IN_LOSS, PRESUMED_IN_LOSS,                                                          \
      "a restored participant believes the NO of who has forgotten a commit with it",              \
      "docs/protocol.md, A loss that is declared: \"nobody's lack of memory\"")                    \
    X(LOSS_ACKNOWLEDGED, LOSS_ACKNOWLEDGED,                                                        \
      "a restored participant acknowledges the commit of what it has lost as if it had it",        \
      "docs/protocol.md, A loss that is declared: \"an alarm names it\"")

#ifdef ASSENT_SEEDED_BUGS

#define TX_SEEDED_BUG_ENUM(name, with, what, source) TX_BUG_##name,
enum tx_seeded_bug { TX_SEEDED_BUGS(TX_SEEDED_BUG_ENUM) TX_BUGS_N };
#undef TX_SEEDED_BUG_ENUM

extern bool tx_seeded_bugs[TX_BUGS_N]; /* those that are made in this run */

#define TX_SEEDED_BUG(name) (tx_seeded_bugs[TX_BUG_##name])

#else

#define TX_SEEDED_BUG(name) false

#endif

#endif
