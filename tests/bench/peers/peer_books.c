/* Is the money still there? */
#include "tests/bench/peers/peer.h"

#include <inttypes.h>
#include <stdio.h>

bool peer_books_sound(const struct peer_books *books, const struct peer_place *place)
{
    bool complete = books->accounts[0] == place->accounts && books->accounts[1] == place->accounts;
    bool sum = books->sums[0] + books->sums[1] == 2 * PEER_BALANCE * (int64_t)place->accounts;
    if (!complete || !sum || books->in_doubt != 0) {
        (void)fprintf(stderr,
                      "peer_load: unsound before the load: %" PRIu64 " and %" PRIu64
                      " accounts of %u, sums %" PRId64 " and %" PRId64 ", %" PRIu64 " in doubt\n",
                      books->accounts[0], books->accounts[1], place->accounts, books->sums[0],
                      books->sums[1], books->in_doubt);
        return false;
    }
    return true;
}

bool peer_books_agree(const struct peer_books *before, const struct peer_books *after,
                      const struct load_result *done)
{
    if (after->sums[0] != before->sums[0] - done->moved ||
        after->sums[1] != before->sums[1] + done->moved ||
        after->accounts[0] != before->accounts[0] || after->accounts[1] != before->accounts[1] ||
        after->in_doubt != 0) {
        (void)fprintf(stderr,
                      "peer_load: %" PRIu64 " transfers of %" PRId64 " in all were committed, "
                      "but the sums went from %" PRId64 " and %" PRId64 " to %" PRId64
                      " and %" PRId64 "; %" PRIu64 " in doubt\n",
                      done->committed, done->moved, before->sums[0], before->sums[1],
                      after->sums[0], after->sums[1], after->in_doubt);
        return false;
    }
    return true;
}
