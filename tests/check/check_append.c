/* Lists that are only appended to: each part of the check has a file of its own, see append.h. */
#include "check_append.h"

#include "append.h"

void check_append(const struct history *history, struct check_report *report)
{
    struct append_books books = {.history = history, .report = report};

    TX_ASSERT(history->txs_n < UINT32_MAX / 8);
    graph_init(&books.graph, (uint32_t)history->txs_n);
    append_collect(&books);
    append_order(&books);
    append_real_time(&books);
    graph_finish(&books.graph);
    append_cycles(&books);
    graph_deinit(&books.graph);
    tx_arena_deinit(&books.arena);
}
