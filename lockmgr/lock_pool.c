/* A pool: pieces of one size, cut from blocks, with a free list. */
#include "lockmgr/lock_pool.h"

#include "common/assert.h"

#include <stdint.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)32 * 1024)

struct lock_pool_block {
    struct lock_pool_block *next;
    uint64_t space[];
};

struct lock_pool_free {
    struct lock_pool_free *next;
};

static size_t block_pieces(const struct lock_pool *pool)
{
    return (BLOCK_BYTES - sizeof(struct lock_pool_block)) / pool->piece_size;
}

void lock_pool_init(struct lock_pool *pool, size_t piece_size)
{
    TX_ASSERT(piece_size % sizeof(uint64_t) == 0);
    TX_ASSERT(piece_size >= sizeof(struct lock_pool_free) && piece_size <= BLOCK_BYTES / 8);
    *pool = (struct lock_pool){.piece_size = piece_size};
}

void lock_pool_deinit(struct lock_pool *pool)
{
    TX_ASSERT(pool->used_n == 0);
    while (pool->blocks != NULL) {
        struct lock_pool_block *block = pool->blocks;
        pool->blocks = block->next;
        free(block);
    }
    *pool = (struct lock_pool){0};
}

void *lock_pool_take(struct lock_pool *pool)
{
    pool->used_n++;
    if (pool->free != NULL) {
        struct lock_pool_free *piece = pool->free;
        pool->free = piece->next;
        return piece;
    }
    if (pool->uncut_n == 0) {
        struct lock_pool_block *block = tx_xmalloc(BLOCK_BYTES);
        block->next = pool->blocks;
        pool->blocks = block;
        pool->uncut_n = block_pieces(pool);
    }
    size_t at = (block_pieces(pool) - pool->uncut_n) * (pool->piece_size / sizeof(uint64_t));
    pool->uncut_n--;
    return &pool->blocks->space[at];
}

void lock_pool_give(struct lock_pool *pool, void *piece)
{
    TX_ASSERT(piece != NULL && pool->used_n > 0);
    struct lock_pool_free *freed = piece;
    freed->next = pool->free;
    pool->free = freed;
    pool->used_n--;
}
