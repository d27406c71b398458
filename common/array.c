#include "common/array.h"

#include "common/assert.h"

#include <stdlib.h>

void *tx_array_room(void *items, size_t n, size_t *capacity, size_t size, size_t first)
{
    TX_ASSERT(n <= *capacity && size > 0 && first > 0);
    if (n < *capacity) {
        return items;
    }
    const size_t wanted = *capacity > 0 ? 2 * *capacity : first;
    void *grown = reallocarray(items, wanted, size);
    if (grown != NULL) {
        *capacity = wanted;
    }
    return grown;
}
