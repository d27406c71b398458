/* Writes and the locks that cover them. Two-phase locking rests on it (Eswaran, Gray, Lorie,
 * Traiger: The Notions of Consistency and Predicate Locks in a Database System, 1976), and
 * incompatible locks cannot show that one was never taken.
 *
 * Judged are the nodes whose lines of locks are there for every change. */
#include "check_covered.h"

#include "id_table.h"

#include <stdlib.h>
#include <string.h>

/* It has held the resource exclusively. */
struct exclusive {
    uint32_t node, resource;
    struct tx_id id;
};

struct resource {
    const char *text;
    uint32_t number;
};

struct books {
    bool *every; /* by text: a node that is judged */
    struct exclusive *held;
    size_t held_n;
    struct resource *resources; /* that somebody has held, in the order of their texts */
    size_t resources_n;
};

static int compare_exclusive(const void *a, const void *b)
{
    const struct exclusive *x = a, *y = b;

    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    if (x->resource != y->resource)
        return x->resource < y->resource ? -1 : 1;
    return tx_id_compare(x->id, y->id);
}

static int compare_resource(const void *a, const void *b)
{
    return strcmp(((const struct resource *)a)->text, ((const struct resource *)b)->text);
}

/* ---- what was held ---- */

static void take_line(const struct history *history, struct books *books,
                      const struct history_locks *locks, bool *seen)
{
    books->every[locks->node] = true;
    for (uint32_t i = 0; i < locks->held_n; i++) {
        const struct history_lock *lock = &locks->held[i];

        if (lock->mode != TX_LOCK_X)
            continue;
        books->held[books->held_n++] = (struct exclusive){locks->node, lock->resource, lock->id};
        if (!seen[lock->resource])
            books->resources[books->resources_n++] =
                (struct resource){history_text(history, lock->resource), lock->resource};
        seen[lock->resource] = true;
    }
}

static void fill(const struct history *history, struct books *books, struct tx_arena *arena)
{
    uint32_t texts = history_texts(history);
    bool *seen = check_alloc(arena, texts, sizeof *seen);
    size_t most = 0;

    for (size_t i = 0; i < history->locks_n; i++)
        most += history->locks[i].every ? history->locks[i].held_n : 0;
    *books = (struct books){.every = check_alloc(arena, texts, sizeof *books->every),
                            .held = check_alloc(arena, most, sizeof *books->held),
                            .resources = check_alloc(arena, texts, sizeof *books->resources)};
    for (size_t i = 0; i < history->locks_n; i++)
        if (history->locks[i].every)
            take_line(history, books, &history->locks[i], seen);
    if (books->held_n > 0)
        qsort(books->held, books->held_n, sizeof *books->held, compare_exclusive);
    if (books->resources_n > 0)
        qsort(books->resources, books->resources_n, sizeof *books->resources, compare_resource);
}

/* ---- what was written ---- */

/* A key is a node, a slash, and the name of the resource there. */
static bool covered(const struct history *history, const struct books *books, uint32_t key,
                    struct tx_id id)
{
    uint32_t node = history_participant(history, key);
    struct resource wanted = {.text =
                                  history_text(history, key) + strlen(history_text(history, node))};
    const struct resource *resource;
    struct exclusive exclusive = {.node = node, .id = id};

    wanted.text += *wanted.text == '/';
    if (books->resources_n == 0)
        return false;
    resource =
        bsearch(&wanted, books->resources, books->resources_n, sizeof wanted, compare_resource);
    if (resource == NULL)
        return false;
    exclusive.resource = resource->number;
    return bsearch(&exclusive, books->held, books->held_n, sizeof exclusive, compare_exclusive) !=
           NULL;
}

static void check_tx(const struct history *history, struct check_report *report,
                     const struct books *books, const struct history_tx *tx)
{
    char id[TX_ID_TEXT];

    for (uint32_t i = 0; i < tx->ops_n; i++) {
        const struct history_op *op = &tx->ops[i];

        if ((op->type != HISTORY_APPEND && op->type != HISTORY_ADD) ||
            !books->every[history_participant(history, op->key)])
            continue;
        report->looked++;
        if (!covered(history, books, op->key, tx->id))
            check_found(report, "unlocked-write",
                        "%s committed and wrote %s, and never held it in mode X",
                        tx_id_print(tx->id, id), history_text(history, op->key));
    }
}

void check_covered(const struct history *history, struct check_report *report)
{
    struct tx_arena arena = {0};
    struct books books;

    fill(history, &books, &arena);
    for (size_t i = 0; i < history->txs_n; i++) {
        const struct history_tx *tx = &history->txs[i];

        if (tx->outcome == TX_OUTCOME_COMMITTED && tx_id_valid(tx->id))
            check_tx(history, report, &books, tx);
    }
    tx_arena_deinit(&arena);
}
