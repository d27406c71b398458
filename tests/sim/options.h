/* What a seed decides about its cluster and its faults before anything happens. Every option is a
 * whole number with a name, so that it can be printed, and set by hand (--set NAME=NUMBER). */
#ifndef ASSENT_TESTS_SIM_OPTIONS_H
#define ASSENT_TESTS_SIM_OPTIONS_H

#include "random.h"

#include <stddef.h>

#define SIM_COORDINATORS_MAX 3u
#define SIM_PARTICIPANTS_MAX 7u
#define SIM_CLIENTS_MAX      20u
#define SIM_ECHO_FRAMES_MAX  128u
#define SIM_RETAINED_MAX     100000u
#define SIM_FOREVER_US       UINT64_C(8640000000000) /* a hundred days */

/* name, meaning */
#define SIM_OPTIONS(X)                                                                             \
    X(coordinators, "1 to 3")                                                                      \
    X(participants, "2 to 7")                                                                      \
    X(clients, "3 to 20")                                                                          \
    X(transactions, "begun before everything heals")                                               \
    X(longest_us, "the faults end then; fewer transactions are broken")                            \
    X(think_us, "the longest pause of a client between transactions")                              \
    X(lists_percent, "of the transactions append to lists or read them; the others are a bank's")  \
    X(locks_percent, "of the transactions take locks as such, of all modes and levels")            \
    X(lock_calls, "to a lock table of its own, at the end: also those that no daemon makes")       \
    X(lock_policy, "of the participants: 0 wound-wait, 1 wait-die, 2 no-wait")                     \
    X(escalate_at, "keys of a transaction in a keyspace: the whole of it is tried; 0: never")      \
    X(loss_percent, "of the frames are lost")                                                      \
    X(duplicate_percent, "of the frames come twice")                                               \
    X(late_percent, "of the frames take up to delay_us")                                           \
    X(delay_us, "the longest way of a late frame")                                                 \
    X(reorder, "frames overtake each other")                                                       \
    X(very_late_percent, "of the frames take up to very_late_us, across restarts")                 \
    X(very_late_us, "the longest way of those")                                                    \
    X(echo_frames, "the latest frames to a node, of which some come again after its start")        \
    X(echo_percent, "of the frames make one of those to the same node come again")                 \
    X(aimed_percent, "of the votes of readers and of one-phase PREPAREs kill their sender soon")   \
    X(alone, "a frame for each message, instead of one for all of a step")                         \
    X(slow_link_us, "added on one way between two nodes")                                          \
    X(sync_us, "the longest sync")                                                                 \
    X(lazy_us, "how long a record waits for company that nobody waits for")                        \
    X(clock_us, "how far the clocks of the nodes are apart")                                       \
    X(fault_txs, "mean number of transactions between two faults; 0: none")                        \
    X(crash, "weight of: a node dies between two actions")                                         \
    X(partition, "weight of: some ways are cut for a while")                                       \
    X(write_error, "weight of: the next write of a log fails, and the daemon ends")                \
    X(disk_full, "weight of: a disk is at its reserve for a while")                                \
    X(clock_jump, "weight of: the clock of a node jumps ahead, by a day at most")                  \
    X(pause, "weight of: a node stands still for a while")                                         \
    X(drain, "weight of: a daemon is asked to leave")                                              \
    X(old_disk, "weight of: a node runs on an old image of its disk for a while")                  \
    X(old_coordinators, "1: coordinators too, not participants alone")                             \
    X(old_believed, "a copy is believed by who cannot know better: 1 HELLO + 2 WELCOME + 4 NO; "   \
                    "any of them may break promises, 0 never")                                     \
    X(twins,                                                                                       \
      "starts leave no gaps, a copy comes to the original's numbers and may break promises; "      \
      "1: coordinators + 2: participants")                                                         \
    X(copy_txs, "transactions before a disk is copied, which comes back at the end; 0: none")      \
    X(rot, "damaged copies of its log that a node is shown before a start, at most; 0: none")      \
    X(resolve, "weight of: an operator decides what is in doubt")                                  \
    X(move, "weight of: a participant moves to another address; the coordinators are told of it "  \
            "when they start again, after a while")                                                \
    X(start_crash_percent, "of the starts after a fault end before START is durable")              \
    X(retention_us, "of outcomes at a coordinator")                                                \
    X(snapshot_records, "records between two snapshots")                                           \
    X(retain_records, "of history behind a snapshot")                                              \
    X(retained_max, "outcomes kept at a coordinator")                                              \
    X(tombstones_max, "at a participant")                                                          \
    X(prepare_timeout_us, "from the first PREPARE to giving up")                                   \
    X(store_us, "the longest call of a store; 0: it answers at once")                              \
    X(store_refuses_percent, "of those calls are undone, or put off, by the store")                \
    X(liar, "1: a stranger and a client lie; 2: a node of the cluster, too; 0: nobody")            \
    X(lies_percent, "of the messages are followed by a lie")                                       \
    X(inquiry_us, "in doubt for longer: ask")                                                      \
    X(txs_max, "open transactions of a daemon; more are refused")                                  \
    X(locks_max, "at a participant")                                                               \
    X(check_stride, "steps of a core between two checks of its invariants")                        \
    X(scans_percent, "of the transactions scan ranges")                                            \
    X(levels_percent, "of the transactions are below serializable")                                \
    X(results_max, "bytes of the results of a step or a one-shot at a participant; 0: a message")  \
    X(looks_percent,                                                                               \
      "of the transactions, somebody looks at the locks of a participant before them")             \
    X(mode, "who decides commits by default: 0 as the coordinators have it, 1 coordinator, "       \
            "2 participants")                                                                      \
    X(asks_percent, "of the transactions ask for a mode of their own")                             \
    X(lost_txs, "transactions before a coordinator is lost until the members have settled; "       \
                "0: none")                                                                         \
    X(lost_us, "how long the faults go on then; fewer transactions are begun")                     \
    X(rejoin_txs,                                                                                  \
      "transactions before a participant is backed up, which loses its disk later and "            \
      "comes back; 0: none")                                                                       \
    X(cut_txs, "mean number of transactions between two cuts that clients ask for; 0: none")       \
    X(cut_every_us, "a coordinator takes a cut after so long without one; 0: never by itself")     \
    X(seats_level, "of those that take seats by what a scan says: any but 0, serializable, "       \
                   "breaks promises")

struct sim_options {
#define X(name, meaning) uint64_t name;
    SIM_OPTIONS(X)
#undef X
};

void sim_options_draw(struct sim_options *options, struct sim_random *random);
/* "name=number"; false when there is no such option or the number is not possible. */
bool sim_options_set(struct sim_options *options, const char *text);
/* All of them in lines that are not too long, each line with this before it. */
void sim_options_print(const struct sim_options *options, const char *before);
/* Names and meanings. */
void sim_options_help(void);

#endif
