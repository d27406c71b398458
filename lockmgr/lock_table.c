/* A hash table with chains inside its entries, which grows a little with every insertion. */
#include "lockmgr/lock_table.h"

#include "common/assert.h"

#include <stdlib.h>

#define CHAINS_FIRST 64u
#define MOVES_PER_STEP                                                                             \
    4u /* with 1 the old array would be empty just in time for the next growth                     \
        */

void lock_table_init(struct lock_table *table, uint32_t (*hash)(const struct lock_link *entry))
{
    TX_ASSERT(hash != NULL);
    *table = (struct lock_table){.hash = hash};
}

void lock_table_deinit(struct lock_table *table)
{
    TX_ASSERT(table->entries_n == 0);
    free(table->chains);
    free(table->old);
    *table = (struct lock_table){0};
}

static struct lock_link **chain_of(const struct lock_table *table, uint32_t hash)
{
    if (table->old_n > 0) {
        size_t at = hash & (table->old_n - 1);
        if (at >= table->moved_n) {
            return &table->old[at];
        }
    }
    return &table->chains[hash & (table->chains_n - 1)];
}

static void push(struct lock_link **chain, struct lock_link *entry)
{
    entry->next = *chain;
    *chain = entry;
}

static void grow_begin(struct lock_table *table)
{
    TX_ASSERT(table->old_n == 0);
    size_t chains_n = table->chains_n == 0 ? CHAINS_FIRST : 2 * table->chains_n;
    table->old = table->chains;
    table->old_n = table->chains_n;
    table->moved_n = 0;
    table->chains = tx_xcalloc(chains_n, sizeof(struct lock_link *));
    table->chains_n = chains_n;
}

static void grow_step(struct lock_table *table)
{
    for (size_t i = 0; i < MOVES_PER_STEP && table->moved_n < table->old_n; i++) {
        struct lock_link *entry = table->old[table->moved_n];
        table->moved_n++;
        while (entry != NULL) {
            struct lock_link *next = entry->next;
            push(&table->chains[table->hash(entry) & (table->chains_n - 1)], entry);
            entry = next;
        }
    }
    if (table->moved_n == table->old_n) {
        free(table->old);
        table->old = NULL;
        table->old_n = 0;
        table->moved_n = 0;
    }
}

void lock_table_insert(struct lock_table *table, struct lock_link *entry, uint32_t hash)
{
    if (table->old_n > 0) {
        grow_step(table);
    }
    if (table->entries_n >= table->chains_n) {
        grow_begin(table);
    }
    push(chain_of(table, hash), entry);
    table->entries_n++;
}

void lock_table_remove(struct lock_table *table, struct lock_link *entry, uint32_t hash)
{
    TX_ASSERT(table->entries_n > 0);
    struct lock_link **at = chain_of(table, hash);
    while (*at != entry) {
        TX_ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = entry->next;
    entry->next = NULL;
    table->entries_n--;
}

static void each_chain(struct lock_link *const *chains, size_t from, size_t to,
                       void (*visit)(void *arg, const struct lock_link *entry), void *arg)
{
    for (size_t i = from; i < to; i++) {
        for (const struct lock_link *entry = chains[i]; entry != NULL; entry = entry->next) {
            visit(arg, entry);
        }
    }
}

void lock_table_each(const struct lock_table *table,
                     void (*visit)(void *arg, const struct lock_link *entry), void *arg)
{
    TX_ASSERT(visit != NULL);
    each_chain(table->old, table->moved_n, table->old_n, visit, arg);
    each_chain(table->chains, 0, table->chains_n, visit, arg);
}
