/* Lock modes: which conflict, and what two of them held together amount to.
 *
 * The conflict table is the only table: join, cover and intention follow from it, and a test
 * derives them once more by another way for all pairs. */
#ifndef ASSENT_LOCKMGR_LOCK_MODE_H
#define ASSENT_LOCKMGR_LOCK_MODE_H

#include "common/op.h"

/* A set of modes: the bit 1 << mode stands for a mode. */
unsigned lock_mode_bit(enum tx_lock_mode mode);

/* The modes that `mode` conflicts with, as a set. */
unsigned lock_mode_conflict_set(enum tx_lock_mode mode);

/* Do two transactions conflict when one holds `a` and the other `b`? Symmetric; NONE conflicts with
 * nothing. */
bool lock_mode_conflicts(enum tx_lock_mode a, enum tx_lock_mode b);

/* The least mode whose conflicts contain those of both: what a holder of `a` must hold to have `b`
 * too. */
enum tx_lock_mode lock_mode_join(enum tx_lock_mode a, enum tx_lock_mode b);

/* Does holding `a` give everything that `b` gives? */
bool lock_mode_covers(enum tx_lock_mode a, enum tx_lock_mode b);

/* Does holding `a` on a keyspace (or the store) give `b` on everything in it? */
bool lock_mode_covers_below(enum tx_lock_mode a, enum tx_lock_mode b);

/* The mode that every ancestor must be held in, at least, below which `mode` is held: IS or IX
 * (NONE for NONE). */
enum tx_lock_mode lock_mode_intention(enum tx_lock_mode mode);

#endif
