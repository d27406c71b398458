/* Values against their limits. */
#include "check_bounds.h"

#include "id_table.h"

#include <inttypes.h>

/* Of the many times that something was too large, the worst is reported for each node. */
void check_bounds(const struct history *history, struct check_report *report)
{
    struct tx_arena arena = {0};
    const struct history_bound **over =
        check_alloc(&arena, history->bounds_n, sizeof(const struct history_bound *));
    size_t over_n = 0;

    report->looked += history->bounds_n;
    for (size_t i = 0; i < history->bounds_n; i++) {
        const struct history_bound *bound = &history->bounds[i];
        size_t at = 0;

        if (bound->value <= bound->limit)
            continue;
        while (at < over_n && (over[at]->node != bound->node || over[at]->what != bound->what))
            at++;
        if (at == over_n)
            over[over_n++] = bound;
        else if (bound->value > over[at]->value)
            over[at] = bound;
    }
    for (size_t i = 0; i < over_n; i++)
        check_found(report, "over-limit",
                    "%s: %s is %" PRIu64 " at %" PRIu64 ", the limit is %" PRIu64,
                    history_text(history, over[i]->node), history_text(history, over[i]->what),
                    over[i]->value, over[i]->time_ns, over[i]->limit);
    tx_arena_deinit(&arena);
}
