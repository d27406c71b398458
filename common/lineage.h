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

/* The highest start that another one can follow. */
#define TX_START_LAST (UINT64_MAX - (UINT64_C(1) << 30))

/* The number of the start after one with the number `last` (0: none, and it is 1). A copy of a
 * directory goes on from the same number, and must not come to the numbers of the original: it
 * would give the same transaction ids, and a client could not tell what the one has read from what
 * the other has. So each start leaves out as many numbers, up to 2^30, as its life says. */
uint64_t tx_start_after(uint64_t last, uint64_t life);

/* Does the lineage prove that its node never had a start of that number? A number before the oldest
 * start that it remembers passes. */
bool tx_lineage_lacks(const struct tx_lineage *lineage, uint64_t start);

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

/* A declared loss: what this node wrote behind `lsn`, in starts up to `start`, may be gone. All
 * zero: none. Such a start is gone for good, and every later one has a higher number. */
struct tx_loss {
    struct tx_lsn lsn;
    uint64_t start;
};

/* So far above the last start that is known lies the end of a loss: more starts than a node makes
 * between a backup and its loss, each of which leaves out up to 2^30 numbers. */
#define TX_LOSS_STARTS (UINT64_C(1) << 44)

/* May what the node did in that start be in the loss? 0 is a start that nobody can name: it may. */
bool tx_loss_holds(const struct tx_loss *loss, uint64_t start);

/* Is that position one which the loss has taken away, of the same log as what is left? The lineage
 * is that of what is left. */
bool tx_loss_explains(const struct tx_loss *loss, const struct tx_lineage *lineage,
                      struct tx_position known);

#endif
