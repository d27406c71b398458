/* How things stood at the end. */
#include "check_settled.h"

#include "id_table.h"
#include "witness.h"

#include <inttypes.h>

static void check_end(const struct history *history, struct check_report *report,
                      const struct history_end *end)
{
    const char *node = history_text(history, end->node);

    if (end->prepared > 0)
        check_found(report, "in-doubt", "%s: %" PRIu64 " in doubt at the end", node, end->prepared);
    if (end->working + end->preparing + end->open > 0)
        check_found(report, "open-transaction",
                    "%s: %" PRIu64 " working, %" PRIu64 " preparing, %" PRIu64 " open at the end",
                    node, end->working, end->preparing, end->open);
    if (end->locks + end->waiting > 0)
        check_found(report, "held-lock",
                    "%s: %" PRIu64 " locks held and %" PRIu64 " awaited at the end", node,
                    end->locks, end->waiting);
    if (end->alarms > 0)
        check_found(report, "alarm", "%s: %" PRIu64 " alarms", node, end->alarms);
}

static void check_unknown(const struct history *history, struct check_report *report,
                          const struct id_table *answered)
{
    for (size_t i = 0; i < history->txs_n; i++) {
        const struct history_tx *tx = &history->txs[i];
        char name[WITNESS_NAME];

        if (tx->outcome != TX_OUTCOME_UNKNOWN || tx->may_stay_unknown)
            continue;
        report->looked++;
        if (!tx_id_valid(tx->id) || id_table_find(answered, tx->id) == ID_TABLE_NONE)
            check_found(report, "unknown-outcome",
                        "process %" PRIu64 " never heard what became of %s", tx->process,
                        witness_name(tx, name));
    }
}

void check_settled(const struct history *history, struct check_report *report)
{
    struct tx_arena arena = {0};
    struct id_table answered;

    if (!history->final)
        return;
    id_table_init(&answered, &arena, history->told_n);
    for (size_t i = 0; i < history->told_n; i++)
        if (history->told[i].outcome != TX_OUTCOME_UNKNOWN)
            (void)id_table_add(&answered, history->told[i].id);
    report->looked += history->ends_n;
    for (size_t i = 0; i < history->ends_n; i++)
        check_end(history, report, &history->ends[i]);
    check_unknown(history, report, &answered);
    tx_arena_deinit(&arena);
}
