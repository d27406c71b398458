/* An array that grows by doubling, for those who keep items, number and capacity themselves. */
#ifndef ASSENT_COMMON_ARRAY_H
#define ASSENT_COMMON_ARRAY_H

#include "common/error.h"

#include <stddef.h>

/* Room for one more item of `size` bytes behind the `n` that there are: the items, moved when
 * `capacity` was reached, which is then twice what it was, or `first`. NULL without memory: then
 * all is as before. */
void *tx_array_room(void *items, size_t n, size_t *capacity, size_t size,
                    size_t first) TX_MUST_CHECK;

#endif
