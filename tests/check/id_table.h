/* Transactions by their id, numbered from 0 in the order in which they were first seen. */
#ifndef ASSENT_TESTS_CHECK_ID_TABLE_H
#define ASSENT_TESTS_CHECK_ID_TABLE_H

#include "common/ids.h"

#define ID_TABLE_NONE UINT32_MAX

struct id_table {
    struct tx_id *ids;
    uint32_t n, max;
    uint32_t *slots; /* open addressing: number + 1; 0 is empty */
    size_t slots_n;
};

/* For at most `max` ids. The memory is the arena's. */
void id_table_init(struct id_table *table, struct tx_arena *arena, size_t max);
/* The number of the id, which gets one when it has none. */
uint32_t id_table_add(struct id_table *table, struct tx_id id);
/* ID_TABLE_NONE when it was never added. */
uint32_t id_table_find(const struct id_table *table, struct tx_id id);

/* Zeroed memory that the checkers need for one run; running out ends the program. */
void *check_alloc(struct tx_arena *arena, size_t count, size_t bytes)
    __attribute__((returns_nonnull));

#endif
