/* Lock modes: which conflict, and what two of them held together amount to.
 *
 * The conflict table is the only table: join, cover and intention follow from it, and a test
 * derives them once more by another way for all pairs. */
#ifndef ASSENT_LOCKMGR_LOCK_MODE_H
#define ASSENT_LOCKMGR_LOCK_MODE_H

#include "common/assert.h"
#include "common/op.h"

/* The table; use the functions below. One more, for where assertions do not end the program: the
 * simulator with mistakes in it. */
extern const unsigned char lock_mode_conflict_sets[TX_LOCK_MODES_N + 1];

/* A set of modes: the bit 1 << mode stands for a mode. */
static inline unsigned lock_mode_bit(enum tx_lock_mode mode)
{
    TX_ASSERT((unsigned)mode < TX_LOCK_MODES_N);
    return 1u << mode;
}

/* The modes that `mode` conflicts with, as a set. */
static inline unsigned lock_mode_conflict_set(enum tx_lock_mode mode)
{
    TX_ASSERT((unsigned)mode < TX_LOCK_MODES_N);
    return lock_mode_conflict_sets[mode];
}

/* Do two transactions conflict when one holds `a` and the other `b`? Symmetric; NONE conflicts with
 * nothing. */
static inline bool lock_mode_conflicts(enum tx_lock_mode a, enum tx_lock_mode b)
{
    return (lock_mode_conflict_set(a) & lock_mode_bit(b)) != 0;
}

/* Does holding `a` give everything that `b` gives? */
static inline bool lock_mode_covers(enum tx_lock_mode a, enum tx_lock_mode b)
{
    return (lock_mode_conflict_set(b) & ~lock_mode_conflict_set(a)) == 0;
}

/* Where neither covers the other. */
enum tx_lock_mode lock_mode_join_of_two(enum tx_lock_mode a, enum tx_lock_mode b);

/* The least mode whose conflicts contain those of both: what a holder of `a` must hold to have `b`
 * too. */
static inline enum tx_lock_mode lock_mode_join(enum tx_lock_mode a, enum tx_lock_mode b)
{
    if (lock_mode_covers(a, b)) {
        return a;
    }
    return lock_mode_covers(b, a) ? b : lock_mode_join_of_two(a, b);
}

/* Does holding `a` on a keyspace (or the store) give `b` on everything in it?
 * It does when whatever conflicts with `b` below needs an intention above that conflicts with `a`.
 * Under S, U and SIX nobody else has IX: others have S below at most. */
static inline bool lock_mode_covers_below(enum tx_lock_mode a, enum tx_lock_mode b)
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

/* The mode that every ancestor must be held in, at least, below which `mode` is held: IS or IX
 * (NONE for NONE). */
static inline enum tx_lock_mode lock_mode_intention(enum tx_lock_mode mode)
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

#endif
