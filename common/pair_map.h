/* A map from two numbers to a pointer: transactions by epoch and sequence, by client and request.
 *
 * Open addressing with linear probing, at most two fifths full; a removal closes the gap, so that
 * nothing is left behind. A look-up that finds touches one place in the table, and what is found
 * not at all. There is no order in it: whoever has to go through all keeps a list of his own. */
#ifndef ASSENT_COMMON_PAIR_MAP_H
#define ASSENT_COMMON_PAIR_MAP_H

#include "common/bytes.h"

struct pair_map_slot {
    uint64_t a, b;
    void *value; /* NULL: free */
};

/* All zero is a valid empty map. */
struct pair_map {
    struct pair_map_slot *slots;
    size_t mask; /* slots less one; their number is a power of two */
    size_t n;
};

/* The same on every machine and in every run. Eight numbers in a row lie beside one another: what
 * began together is looked up together, in few lines of the cache, however large the map is. Every
 * other slot is left free for another eight, so that a search ends where they would be. */
static inline size_t pair_map_hash(uint64_t a, uint64_t b)
{
    const uint64_t group =
        tx_hash_fold(a ^ UINT64_C(0x9e3779b97f4a7c15), (b >> 3) ^ UINT64_C(0xbb67ae8584caa73b));
    return (size_t)(group << 4 | (b & 7) << 1);
}

/* NULL when there is none. */
static inline void *pair_map_find(const struct pair_map *map, uint64_t a, uint64_t b)
{
    if (map->n == 0) {
        return NULL;
    }
    for (size_t at = pair_map_hash(a, b);; at++) {
        const struct pair_map_slot *slot = &map->slots[at & map->mask];
        if (slot->value == NULL || (slot->b == b && slot->a == a)) {
            return slot->value;
        }
    }
}

/* A pair that is not in the map; `value` is not NULL. No memory stops the process. */
void pair_map_add(struct pair_map *map, uint64_t a, uint64_t b, void *value);
/* A pair that is in the map. */
void pair_map_remove(struct pair_map *map, uint64_t a, uint64_t b);
void pair_map_deinit(struct pair_map *map);
/* Stops the process when something that is in the map is not found, for tests. */
void pair_map_check(const struct pair_map *map);

#endif
