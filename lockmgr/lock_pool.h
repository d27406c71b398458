/* A pool: pieces of one size, cut from blocks, with a free list.
 *
 * Locks come and go by the million: a piece costs its size and nothing more, and taking one is a
 * few instructions. Blocks go back to the system only when the pool ends. */
#ifndef ASSENT_LOCKMGR_LOCK_POOL_H
#define ASSENT_LOCKMGR_LOCK_POOL_H

#include <stddef.h>

struct lock_pool_block;
struct lock_pool_free;

struct lock_pool {
    size_t piece_size; /* bytes; a multiple of 8 */
    struct lock_pool_block *blocks;
    struct lock_pool_free *free;
    size_t uncut_n; /* pieces never handed out at the end of the newest block */
    size_t used_n;
};

void lock_pool_init(struct lock_pool *pool, size_t piece_size);
/* Every piece must have been given back. */
void lock_pool_deinit(struct lock_pool *pool);

/* A piece with undefined content, aligned for pointers and 64-bit integers. */
void *lock_pool_take(struct lock_pool *pool);
void lock_pool_give(struct lock_pool *pool, void *piece);

#endif
