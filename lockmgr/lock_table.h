/* A hash table with chains inside its entries, which grows a little with every insertion.
 *
 * An entry begins with a struct lock_link. The table compares nothing: its user walks the one chain
 * that can hold what it looks for. While the table grows, entries stand in the old or in the new
 * array of chains; every insertion moves a few old chains, so that no single one pays for the
 * whole. */
#ifndef ASSENT_LOCKMGR_LOCK_TABLE_H
#define ASSENT_LOCKMGR_LOCK_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct lock_link {
    struct lock_link *next;
};

struct lock_table {
    struct lock_link **chains;
    size_t chains_n; /* a power of two, or 0 before the first entry */
    struct lock_link **old;
    size_t old_n;   /* 0: not growing */
    size_t moved_n; /* the first chains of `old` are empty by now */
    size_t entries_n;
    uint32_t (*hash)(const struct lock_link *entry);
};

void lock_table_init(struct lock_table *table, uint32_t (*hash)(const struct lock_link *entry));
/* The table must be empty. */
void lock_table_deinit(struct lock_table *table);

/* The first entry of the chain that holds every entry of this hash, among others; NULL
 * when empty. */
static inline struct lock_link *lock_table_chain(const struct lock_table *table, uint32_t hash)
{
    if (table->old_n > 0 && (hash & (table->old_n - 1)) >= table->moved_n) {
        return table->old[hash & (table->old_n - 1)];
    }
    return table->chains_n == 0 ? NULL : table->chains[hash & (table->chains_n - 1)];
}
/* `hash`: the entry's. */
void lock_table_insert(struct lock_table *table, struct lock_link *entry, uint32_t hash);
/* The entry must be in the table. */
void lock_table_remove(struct lock_table *table, struct lock_link *entry, uint32_t hash);

/* Calls `visit` for every entry, in the order of the chains, which depends on hashes and history
 * but not on addresses. */
void lock_table_each(const struct lock_table *table,
                     void (*visit)(void *arg, const struct lock_link *entry), void *arg);

#endif
