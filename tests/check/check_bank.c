/* Sums of balances. */
#include "check_bank.h"

#include "id_table.h"
#include "witness.h"

#include <inttypes.h>

static void check_balances(const struct history *history, struct check_report *report)
{
    int64_t sum = 0;
    bool overflow = false;

    if (!history->final || history->balances_n == 0)
        return;
    for (size_t i = 0; i < history->balances_n; i++)
        overflow |= __builtin_add_overflow(sum, history->balances[i].number, &sum);
    report->looked += history->balances_n;
    if (overflow || sum != history->bank_total)
        check_found(report, "bank-total",
                    "%zu balances add up to %s%" PRId64 ", and must add up to %" PRId64,
                    history->balances_n, overflow ? "a sum beyond 64 bits, wrapped to " : "", sum,
                    history->bank_total);
}

/* What a transaction read last of each account. False when one of its reads gave nothing. */
static bool add_up(const struct history_tx *tx, uint32_t *seen, uint32_t stamp, int64_t *sum)
{
    bool overflow = false;

    *sum = 0;
    for (uint32_t i = tx->ops_n; i-- > 0;) {
        const struct history_op *op = &tx->ops[i];

        if (op->type != HISTORY_GET)
            continue;
        if (!op->known)
            return false;
        if (seen[op->key] != stamp)
            overflow |= __builtin_add_overflow(*sum, op->number, sum);
        seen[op->key] = stamp;
    }
    return !overflow;
}

static void found_reading(const struct history *history, struct check_report *report,
                          const struct history_tx *tx, int64_t sum)
{
    struct witness witness = {0};
    char name[WITNESS_NAME];

    witness_add(&witness, "%s read every account, %" PRId64 " together instead of %" PRId64 ":",
                witness_name(tx, name), sum, history->bank_total);
    for (uint32_t i = 0; i < tx->ops_n; i++)
        if (tx->ops[i].type == HISTORY_GET)
            witness_add(&witness, "\n  %s: %" PRId64, history_text(history, tx->ops[i].key),
                        tx->ops[i].number);
    check_found(report, "read-total", "%s", witness.text);
}

void check_bank(const struct history *history, struct check_report *report)
{
    struct tx_arena arena = {0};
    uint32_t *seen;

    if (!history->bank_checked)
        return;
    check_balances(history, report);
    seen = check_alloc(&arena, history_texts(history), sizeof *seen);
    for (uint32_t i = 0; i < history->txs_n; i++) {
        const struct history_tx *tx = &history->txs[i];
        int64_t sum;

        if (!tx->reads_all || tx->outcome != TX_OUTCOME_COMMITTED || !add_up(tx, seen, i + 1, &sum))
            continue;
        report->looked++;
        if (sum != history->bank_total)
            found_reading(history, report, tx, sum);
    }
    tx_arena_deinit(&arena);
}
