/* Looking recorded transfers up by name. */
#include "client/txbench/bench_verify.h"

#include <inttypes.h>
#include <string.h>

#define CHUNK     100u /* transfers in one transaction */
#define PRINT_MAX 200u /* lines; the numbers count all */

static bool holds(const txclient_value *value, int64_t amount)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%" PRId64, amount);
    return value->len == (size_t)len && memcmp(value->data, text, value->len) == 0;
}

static void complain(FILE *out, const struct bench_verdict *verdict,
                     const struct bench_transfer *transfer, const char *what, const char *where)
{
    if (verdict->lost + verdict->half + verdict->wrong <= PRINT_MAX) {
        (void)fprintf(out, "transfer %s (%" PRId64 " from %s to %s): %s%s\n", transfer->id,
                      transfer->amount, transfer->from, transfer->to, what, where);
    }
}

static void judge(const struct bench_transfer *transfer, const txclient_value sides[2], bool acked,
                  FILE *out, struct bench_verdict *verdict)
{
    verdict->checked++;
    if (sides[0].found != sides[1].found) {
        verdict->half++;
        complain(out, verdict, transfer,
                 acked ? "acknowledged, but not there at " : "not there at ",
                 sides[0].found ? transfer->to : transfer->from);
    } else if (!sides[0].found && acked) {
        verdict->lost++;
        complain(out, verdict, transfer, "acknowledged, but on neither side", "");
    } else if (sides[0].found) {
        bool from_holds = holds(&sides[0], transfer->amount);
        if (!from_holds || !holds(&sides[1], transfer->amount)) {
            verdict->wrong++;
            complain(out, verdict, transfer, "another amount at ",
                     from_holds ? transfer->to : transfer->from);
        }
    }
}

static txclient_status verify_chunk(txclient *client, txclient_batch *batch,
                                    const struct bench_transfer *transfers, size_t n, bool acked,
                                    uint32_t patience_ms, FILE *out, struct bench_verdict *verdict)
{
    txclient_value values[2 * CHUNK];
    txclient_batch_clear(batch);
    for (size_t i = 0; i < n; i++) {
        const struct bench_transfer *transfer = &transfers[i];
        (void)txclient_batch_get(batch,
                                 txclient_at(transfer->from, BENCH_TRANSFERS_SPACE, transfer->id));
        (void)txclient_batch_get(batch,
                                 txclient_at(transfer->to, BENCH_TRANSFERS_SPACE, transfer->id));
    }
    txclient_status status = bench_read(client, batch, values, patience_ms);
    for (size_t i = 0; status == TXCLIENT_OK && i < n; i++) {
        judge(&transfers[i], &values[2 * i], acked, out, verdict);
    }
    return status;
}

txclient_status bench_verify(txclient *client, const struct bench_ledger *ledger, bool acked,
                             uint32_t patience_ms, FILE *out, struct bench_verdict *verdict)
{
    txclient_batch *batch = txclient_batch_new();
    txclient_status status = batch != NULL ? TXCLIENT_OK : TXCLIENT_ENOMEM;
    for (size_t i = 0; status == TXCLIENT_OK && i < ledger->n; i += CHUNK) {
        size_t n = ledger->n - i < CHUNK ? ledger->n - i : CHUNK;
        status =
            verify_chunk(client, batch, &ledger->items[i], n, acked, patience_ms, out, verdict);
    }
    txclient_batch_free(&batch);
    return status;
}
