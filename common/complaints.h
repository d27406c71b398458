/* Complaints about peers, at most one line for each peer in an interval. What a peer sends must not
 * be able to fill a disk with log lines: the table is bounded, and while it is full of recent peers
 * a new one gets no line at all. */
#ifndef ASSENT_COMMON_COMPLAINTS_H
#define ASSENT_COMMON_COMPLAINTS_H

#include <stdbool.h>
#include <stdint.h>

#define COMPLAINTS_PEERS       64u
#define COMPLAINTS_INTERVAL_US (UINT64_C(10) * 1000 * 1000)

struct complaint {
    uint64_t peer;
    uint64_t next_us; /* 0: the entry is free */
    uint64_t silent;  /* complaints without a line since the last line */
};

/* All zero is a valid empty table. */
struct complaints {
    struct complaint at[COMPLAINTS_PEERS];
};

/* May a line about the peer (any number that stands for it) be written at `now_us`? If so, `silent`
 * is how many complaints about it have passed without one. */
bool complaints_allow(struct complaints *complaints, uint64_t peer, uint64_t now_us,
                      uint64_t *silent);

#endif
