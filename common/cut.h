/* Cuts: a log position at every node, such that no transaction is half within them.
 *
 * A cut has a number. Every frame of a daemon carries the highest number that its sender has taken,
 * and a daemon that receives a higher one than its own takes that cut first: it appends a CUT
 * record, whose LSN is its position, and only then looks at the message. So nothing that a node did
 * behind its position is known to anybody before his (Lai and Yang, On Distributed Snapshots,
 * Information Processing Letters 25, 1987: messages are white or red). docs/protocol.md, "The
 * consistent cut", has the proof.
 *
 * A node may have missed a number: its position is then that of the first cut with a higher one,
 * which is as good, since it knew of no message of the one that it missed. */
#ifndef ASSENT_COMMON_CUT_H
#define ASSENT_COMMON_CUT_H

#include "common/ids.h"
#include "common/error.h"

struct tx_msg;

/* The highest number. So far away that nobody comes there by counting. */
#define TX_CUT_LAST (UINT64_C(1) << 56)
/* A number that is further ahead of one's own is nobody's: numbers are counted, and so many cuts
 * cannot be missed. Whoever sends it is lying or broken; the frame is dropped. */
#define TX_CUT_AHEAD_MAX (UINT64_C(1) << 32)

struct tx_cut {
    uint64_t number; /* from 1 */
    struct tx_lsn lsn;
    uint64_t time_ms; /* wall clock when it was taken, Unix milliseconds; for people */
};

/* The newest cuts of a node, ascending. All zero is empty. */
struct tx_cuts {
    struct tx_cut items[TX_CUTS_KEPT];
    size_t n;
};

/* The highest number that was taken; 0: none. */
uint64_t tx_cuts_last(const struct tx_cuts *cuts);
/* Adds the next one; the oldest goes when there are too many. False, and nothing is added, when its
 * number or its LSN does not follow the others, or the number is above TX_CUT_LAST. */
bool tx_cuts_add(struct tx_cuts *cuts, struct tx_cut cut) TX_MUST_CHECK;
/* Takes up the cut of a CUT record that stands at `at` in the log; `restating`: within a snapshot,
 * which repeats what is known. TX_ECORRUPT, with a text, when it does not follow the others. */
enum tx_error tx_cuts_recover(struct tx_cuts *cuts, struct tx_cut cut, struct tx_lsn at,
                              bool restating, struct tx_why *why) TX_MUST_CHECK;
/* What stands for the cut with that number here: the first one with that number or a higher one.
 * NULL: it was not taken yet, or is forgotten. */
const struct tx_cut *tx_cuts_find(const struct tx_cuts *cuts, uint64_t number);
/* Is it so old that this node may have dropped it? Its log may still show it. */
bool tx_cuts_forgotten(const struct tx_cuts *cuts, uint64_t number);

/* Somebody who waits until a cut is durable here. */
struct tx_cut_asker {
    uint64_t client; /* the shell's number for it */
    uint64_t req;
    uint64_t number;
};
/* In the order of their asking. All zero is empty. */
struct tx_cut_askers {
    struct tx_cut_asker items[TX_CUT_ASKERS_MAX];
    size_t n;
};
/* True when there was no room: the one who has waited longest gives its place away, and is in
 * `given_up`. */
bool tx_cut_askers_add(struct tx_cut_askers *askers, struct tx_cut_asker asker,
                       struct tx_cut_asker *given_up) TX_MUST_CHECK;
/* Takes out the first one whose cut lies at or below `durable`, with that cut; false: none. */
bool tx_cut_askers_take(struct tx_cut_askers *askers, const struct tx_cuts *cuts,
                        struct tx_lsn durable, struct tx_cut_asker *asker,
                        struct tx_cut *cut) TX_MUST_CHECK;

/* The CUT message for it; a cut that is all zero says that none has been taken. */
void tx_cut_answer(struct tx_cut_asker asker, struct tx_cut cut, struct tx_msg *answer);

/* Numbers and positions ascend, none lies behind `last`, and nobody waits for what is durable. A
 * broken one stops the process. For tests. */
void tx_cuts_check(const struct tx_cuts *cuts, const struct tx_cut_askers *askers,
                   struct tx_lsn durable, struct tx_lsn last);

/* May somebody ask for the cut with that number? TX_ENOTFOUND when it is forgotten, TX_EINVAL when
 * nobody can ever have given that number; with a text for him. */
enum tx_error tx_cut_may_ask(const struct tx_cuts *cuts, uint64_t number,
                             struct tx_why *why) TX_MUST_CHECK;

/* What the number in a frame means to somebody whose own is `own`. */
enum tx_cut_stamp {
    TX_CUT_KNOWN,
    TX_CUT_NEWER,      /* take it, then go on with the message */
    TX_CUT_IMPOSSIBLE, /* drop the message */
};
enum tx_cut_stamp tx_cut_judge(uint64_t own, uint64_t stamp);

#endif
