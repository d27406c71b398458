/* Lineage: which starts a node has had, as proof that its log goes on from the one that others
 * know.
 *
 * A copy of a data directory counts on from where it was taken: after a few starts its epoch (or
 * incarnation) and its log position are beyond those of the original, and numbers alone cannot tell
 * it from the original. So every start draws a life at random, which its START record keeps; the
 * last starts travel in HELLO and WELCOME; and a peer that durably knows a position of the node
 * compares: the start that it knows must be among them, with that life, and the position must lie
 * before the next start. Where nobody has heard the lineage, the position travels instead, with
 * INQUIRE, and its receiver compares with its own starts. */
#ifndef ASSENT_COMMON_LINEAGE_H
#define ASSENT_COMMON_LINEAGE_H

#include "common/ids.h"

/* A place in the log of a node: which start of it wrote there. All zero: none. */
struct tx_position {
    uint64_t start; /* epoch or incarnation */
    uint64_t life;  /* random, of that start */
    struct tx_lsn lsn;
};

/* The last starts of a node, oldest first; `lsn` is that of the START record. All zero is empty. */
struct tx_lineage {
    struct tx_position starts[TX_LINEAGE_MAX];
    size_t n;
};

/* Adds the next start; the oldest one goes when there are too many. False, and nothing is added,
 * when it does not follow the others. */
bool tx_lineage_add(struct tx_lineage *lineage, struct tx_position start) TX_MUST_CHECK;

/* Takes over what somebody else has kept, a log or a peer. False, and nothing is taken, when it is
 * no lineage: too many or none, or not ascending. */
bool tx_lineage_set(struct tx_lineage *lineage, const struct tx_position *starts,
                    size_t n) TX_MUST_CHECK;

/* Do all of its starts come before that one, and before that place in the log? */
bool tx_lineage_before(const struct tx_lineage *lineage, uint64_t start, struct tx_lsn lsn);

/* Does the lineage prove that its node has never been at that position? Then it is another copy
 * than the one that was. A position before the oldest start that it remembers cannot be judged by
 * its life, and passes when its LSN is before that start. */
bool tx_lineage_denies(const struct tx_lineage *lineage, struct tx_position known);

#endif
