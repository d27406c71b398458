/* Lock modes: the conflict table, and what follows from it. */
#include "lockmgr/lock_mode.h"

#include "common/assert.h"

#define BIT(mode) (1u << (mode))

/* Gray's table with the update mode, which lets readers in that came before it (and later ones
 * too), but no second updater. */
const unsigned char lock_mode_conflict_sets[TX_LOCK_MODES_N + 1] = {
    [TX_LOCK_NONE] = 0,
    [TX_LOCK_IS] = BIT(TX_LOCK_X),
    [TX_LOCK_IX] = BIT(TX_LOCK_S) | BIT(TX_LOCK_U) | BIT(TX_LOCK_SIX) | BIT(TX_LOCK_X),
    [TX_LOCK_S] = BIT(TX_LOCK_IX) | BIT(TX_LOCK_SIX) | BIT(TX_LOCK_X),
    [TX_LOCK_U] = BIT(TX_LOCK_IX) | BIT(TX_LOCK_U) | BIT(TX_LOCK_SIX) | BIT(TX_LOCK_X),
    [TX_LOCK_SIX] =
        BIT(TX_LOCK_IX) | BIT(TX_LOCK_S) | BIT(TX_LOCK_U) | BIT(TX_LOCK_SIX) | BIT(TX_LOCK_X),
    [TX_LOCK_X] = BIT(TX_LOCK_IS) | BIT(TX_LOCK_IX) | BIT(TX_LOCK_S) | BIT(TX_LOCK_U) |
                  BIT(TX_LOCK_SIX) | BIT(TX_LOCK_X),
};

enum tx_lock_mode lock_mode_join_of_two(enum tx_lock_mode a, enum tx_lock_mode b)
{
    /* The enum lists a mode after every mode that it covers, so the first that covers both is the
     * least. X covers everything. */
    enum tx_lock_mode join = b;
    while (!lock_mode_covers(join, a) || !lock_mode_covers(join, b)) {
        join++;
    }
    TX_ASSERT(join <= TX_LOCK_X);
    return join;
}
