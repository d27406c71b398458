#include "common/complaints.h"

#include "common/assert.h"

/* The peer's entry, or else the one that may be given to it: the one whose interval ended first. */
static struct complaint *find(struct complaints *complaints, uint64_t peer)
{
    struct complaint *oldest = &complaints->at[0];

    for (unsigned i = 0; i < COMPLAINTS_PEERS; i++) {
        struct complaint *at = &complaints->at[i];

        if (at->next_us != 0 && at->peer == peer) {
            return at;
        }
        if (at->next_us < oldest->next_us) {
            oldest = at;
        }
    }
    return oldest;
}

bool complaints_allow(struct complaints *complaints, uint64_t peer, uint64_t now_us,
                      uint64_t *silent)
{
    struct complaint *at = find(complaints, peer);
    const bool mine = at->next_us != 0 && at->peer == peer;

    TX_ASSERT(silent != NULL);
    if (now_us < at->next_us) {
        if (mine) {
            at->silent++;
        }
        return false;
    }
    *silent = mine ? at->silent : 0;
    *at = (struct complaint){.peer = peer, .next_us = now_us + COMPLAINTS_INTERVAL_US};
    return true;
}
