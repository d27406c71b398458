/* A hash table from transaction ids to small numbers. */
#include "id_table.h"

#include "common/assert.h"

void *check_alloc(struct tx_arena *arena, size_t count, size_t bytes)
{
    void *memory = tx_arena_alloc(arena, count, bytes);

    TX_ASSERT(memory != NULL);
    return memory;
}

void id_table_init(struct id_table *table, struct tx_arena *arena, size_t max)
{
    TX_ASSERT(max < UINT32_MAX / 4);
    *table = (struct id_table){.max = (uint32_t)max, .slots_n = 16};
    while (table->slots_n < max * 2)
        table->slots_n *= 2;
    table->ids = check_alloc(arena, max, sizeof *table->ids);
    table->slots = check_alloc(arena, table->slots_n, sizeof *table->slots);
}

static uint32_t *slot_of(const struct id_table *table, struct tx_id id)
{
    size_t mask = table->slots_n - 1;
    size_t at = (size_t)tx_id_hash(id) & mask;

    while (table->slots[at] != 0 && !tx_id_equal(table->ids[table->slots[at] - 1], id))
        at = (at + 1) & mask;
    return &table->slots[at];
}

uint32_t id_table_add(struct id_table *table, struct tx_id id)
{
    uint32_t *slot = slot_of(table, id);

    if (*slot == 0) {
        TX_ASSERT(table->n < table->max);
        table->ids[table->n++] = id;
        *slot = table->n;
    }
    return *slot - 1;
}

uint32_t id_table_find(const struct id_table *table, struct tx_id id)
{
    uint32_t found = *slot_of(table, id);

    return found == 0 ? ID_TABLE_NONE : found - 1;
}
