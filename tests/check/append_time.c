/* Real time as edges: a chain of moments, each of which leads to the next. What completed leads to
 * a moment, and moments lead to what was invoked after them; so the number of edges is linear. */
#include "append.h"

#include "id_table.h"

#include <stdlib.h>

/* What happens at the same time happens in this order, which is that of append_precedes(). */
enum moment_kind { ENDS, BEGINS_AND_ENDS, ENDED_AT_ONCE, BEGINS };

struct moment {
    uint64_t time;
    enum moment_kind kind;
    uint32_t tx;
};

bool append_precedes(const struct history_tx *a, const struct history_tx *b)
{
    if (a->completed_ns == HISTORY_NEVER)
        return false;
    if (a->completed_ns == b->invoked_ns)
        return a->invoked_ns < a->completed_ns || b->invoked_ns < b->completed_ns;
    return a->completed_ns < b->invoked_ns;
}

static int compare(const void *left, const void *right)
{
    const struct moment *a = left, *b = right;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return (a->kind > b->kind) - (a->kind < b->kind);
}

static uint32_t find_moments(const struct append_books *books, struct moment *moments)
{
    const struct history *history = books->history;
    uint32_t n = 0;

    for (uint32_t i = 0; i < history->txs_n; i++) {
        const struct history_tx *tx = &history->txs[i];
        bool at_once = tx->invoked_ns == tx->completed_ns;

        if (!books->takes_part[i])
            continue;
        moments[n++] = (struct moment){tx->invoked_ns, at_once ? BEGINS_AND_ENDS : BEGINS, i};
        if (tx->completed_ns != HISTORY_NEVER)
            moments[n++] = (struct moment){tx->completed_ns, at_once ? ENDED_AT_ONCE : ENDS, i};
    }
    return n;
}

static void add(struct append_books *books, uint32_t from, uint32_t to, enum graph_kind kind)
{
    graph_add(
        &books->graph,
        (struct graph_edge){
            .from = from, .to = to, .kind = kind, .before = APPEND_NONE, .after = APPEND_NONE});
}

void append_real_time(struct append_books *books)
{
    struct moment *moments =
        check_alloc(&books->arena, (size_t)books->history->txs_n * 2, sizeof *moments);
    uint32_t n = find_moments(books, moments);
    uint32_t helper = APPEND_NONE;
    bool used = true; /* something was invoked after this moment: a later one needs its own */

    qsort(moments, n, sizeof *moments, compare);
    for (uint32_t i = 0; i < n; i++) {
        if (moments[i].kind == BEGINS || moments[i].kind == BEGINS_AND_ENDS) {
            used = true;
            if (helper != APPEND_NONE)
                add(books, helper, moments[i].tx, GRAPH_ON);
            continue;
        }
        if (used) {
            uint32_t next = graph_helper(&books->graph);

            if (helper != APPEND_NONE)
                add(books, helper, next, GRAPH_ON);
            helper = next;
            used = false;
        }
        add(books, moments[i].tx, helper, GRAPH_RT);
    }
}
