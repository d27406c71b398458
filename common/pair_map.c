#include "common/pair_map.h"

#include "common/assert.h"

#include <stdlib.h>

#define FIRST_SLOTS 64u

/* Where the pair is, or the free slot where it belongs. */
static size_t find_slot(const struct pair_map *map, uint64_t a, uint64_t b)
{
    size_t at = pair_map_hash(a, b) & map->mask;
    while (map->slots[at].value != NULL && (map->slots[at].b != b || map->slots[at].a != a)) {
        at = (at + 1) & map->mask;
    }
    return at;
}

static void grow(struct pair_map *map)
{
    const struct pair_map old = *map;
    const size_t slots = old.slots != NULL ? (old.mask + 1) * 2 : FIRST_SLOTS;
    map->slots = tx_xcalloc(slots, sizeof *map->slots);
    map->mask = slots - 1;
    for (size_t i = 0; old.slots != NULL && i <= old.mask; i++) {
        const struct pair_map_slot *slot = &old.slots[i];
        if (slot->value != NULL) {
            map->slots[find_slot(map, slot->a, slot->b)] = *slot;
        }
    }
    free(old.slots);
}

void pair_map_add(struct pair_map *map, uint64_t a, uint64_t b, void *value)
{
    TX_ASSERT(value != NULL);
    if (map->slots == NULL || map->n * 5 > map->mask * 2) {
        grow(map);
    }
    struct pair_map_slot *slot = &map->slots[find_slot(map, a, b)];
    TX_ASSERT(slot->value == NULL);
    *slot = (struct pair_map_slot){.a = a, .b = b, .value = value};
    map->n++;
}

/* Those behind the gap that could not be where they belong move up, until a free slot is met: then
 * every search still ends where it should. */
void pair_map_remove(struct pair_map *map, uint64_t a, uint64_t b)
{
    TX_ASSERT(map->n > 0);
    size_t gap = find_slot(map, a, b);
    TX_ASSERT(map->slots[gap].value != NULL);
    for (size_t at = (gap + 1) & map->mask; map->slots[at].value != NULL;
         at = (at + 1) & map->mask) {
        const struct pair_map_slot *slot = &map->slots[at];
        const size_t home = pair_map_hash(slot->a, slot->b) & map->mask;
        if (((at - home) & map->mask) >= ((at - gap) & map->mask)) {
            map->slots[gap] = *slot;
            gap = at;
        }
    }
    map->slots[gap].value = NULL;
    map->n--;
}

void pair_map_deinit(struct pair_map *map)
{
    free(map->slots);
    *map = (struct pair_map){0};
}

void pair_map_check(const struct pair_map *map)
{
    size_t n = 0;
    for (size_t i = 0; map->slots != NULL && i <= map->mask; i++) {
        const struct pair_map_slot *slot = &map->slots[i];
        if (slot->value != NULL) {
            TX_ASSERT(find_slot(map, slot->a, slot->b) == i);
            n++;
        }
    }
    TX_ASSERT(n == map->n);
    TX_ASSERT(map->slots == NULL || n * 5 <= (map->mask + 1) * 2 + 5);
}
