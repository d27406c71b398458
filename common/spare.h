/* Spare pieces: memory of things of one size that are gone, kept for the next of them.
 *
 * Where many things of a kind live for a moment, malloc's own list of free pieces is too short, and
 * what lies behind it takes hundreds of instructions. A spare list takes a few. It is bounded, so
 * that a crowd does not keep its memory for ever. Under AddressSanitizer it keeps nothing: what is
 * used after it has gone shall be found. One thread. */
#ifndef ASSENT_COMMON_SPARE_H
#define ASSENT_COMMON_SPARE_H

#include "common/assert.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define TX_SPARE_NONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TX_SPARE_NONE 1
#endif
#endif
#ifndef TX_SPARE_NONE
#define TX_SPARE_NONE 0
#endif

struct tx_spare_piece {
    struct tx_spare_piece *next;
};

/* All zero is a valid empty list. */
struct tx_spare {
    struct tx_spare_piece *first;
    size_t n;
};

/* A piece of `bytes` bytes, which is the same number at every call with this list; its content is
 * anything. Never NULL. */
static inline void *tx_spare_take(struct tx_spare *spare, size_t bytes)
{
    struct tx_spare_piece *piece = spare->first;
    if (piece == NULL)
        return tx_xmalloc(bytes);
    spare->first = piece->next;
    spare->n--;
    return piece;
}

/* Gives back what tx_spare_take() of this list gave; at most `max` pieces are kept. */
static inline void tx_spare_give(struct tx_spare *spare, void *memory, size_t max)
{
    struct tx_spare_piece *piece = memory;
    if (TX_SPARE_NONE || spare->n >= max) {
        free(piece);
        return;
    }
    piece->next = spare->first;
    spare->first = piece;
    spare->n++;
}

static inline void tx_spare_deinit(struct tx_spare *spare)
{
    while (spare->first != NULL)
        free(tx_spare_take(spare, 0));
}

#endif
