/* Lock modes: the conflict table, and what follows from it. */
#include "lockmgr/lock_mode.h"

#include "common/assert.h"

#define BIT(mode) (1u << (mode))

/* Gray's table with the update mode, which lets readers in that came before it (and later ones
 * too), but no second updater. */
const unsigned char lock_mode_conflict_sets[TX_LOCK_MODES_N] = {
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

enum tx_lock_mode lock_mode_join(enum tx_lock_mode a, enum tx_lock_mode b)
{
    if (lock_mode_covers(a, b)) {
        return a;
    }
    /* The enum lists a mode after every mode that it covers, so the first that covers both is the
     * least. X covers everything. */
    enum tx_lock_mode join = b;
    while (!lock_mode_covers(join, a) || !lock_mode_covers(join, b)) {
        join++;
    }
    TX_ASSERT(join <= TX_LOCK_X);
    return join;
}

/* It does when whatever conflicts with `b` below needs an intention above that conflicts with `a`.
 * Under S, U and SIX nobody else has IX: others have S below at most. */
bool lock_mode_covers_below(enum tx_lock_mode a, enum tx_lock_mode b)
{
    switch (a) {
    case TX_LOCK_X:
        return true;
    case TX_LOCK_S:
    case TX_LOCK_U:
    case TX_LOCK_SIX:
        return b == TX_LOCK_IS || b == TX_LOCK_S || (b == TX_LOCK_U && a != TX_LOCK_S);
    case TX_LOCK_NONE:
    case TX_LOCK_IS:
    case TX_LOCK_IX:
    case TX_LOCK_MODES_N:
        break;
    }
    return false;
}

enum tx_lock_mode lock_mode_intention(enum tx_lock_mode mode)
{
    switch (mode) {
    case TX_LOCK_NONE:
        return TX_LOCK_NONE;
    case TX_LOCK_IS:
    case TX_LOCK_S:
        return TX_LOCK_IS;
    case TX_LOCK_IX:
    case TX_LOCK_U:
    case TX_LOCK_SIX:
    case TX_LOCK_X:
        return TX_LOCK_IX;
    case TX_LOCK_MODES_N:
        break;
    }
    TX_ASSERT((unsigned)mode < TX_LOCK_MODES_N);
    return TX_LOCK_NONE;
}
