/* Filling and reading keyspaces. */
#include "client/txbench/bench_space.h"

#include "client/txbench/bench_accounts.h"

#include <stdlib.h>

#define PAGE_ROWS 2000u
#define PAUSE_MS  200u

/* ---- filling ---- */

struct piece {
    const struct bench_filling *filling;
    txclient_batch *batch;
    size_t first;
    size_t n;
    txclient_value values[BENCH_FILL_MAX];
};

/* Puts all of the piece, or inserts what it lacks. */
static txclient_status write_piece(struct piece *piece, txclient *client)
{
    const struct bench_filling *filling = piece->filling;
    txclient_batch_clear(piece->batch);
    for (size_t i = 0; i < piece->n; i++) {
        char key[BENCH_RECORD_KEY_MAX];
        txclient_bytes value;
        txclient_address at = filling->make(filling->arg, piece->first + i, i, key, &value);
        if (filling->overwrite) {
            (void)txclient_batch_put(piece->batch, at, value);
        } else if (!piece->values[i].found) {
            (void)txclient_batch_insert(piece->batch, at, value);
        }
    }
    return txclient_batch_count(piece->batch) > 0
               ? txclient_submit(client, piece->batch, NULL, NULL)
               : TXCLIENT_OK;
}

static txclient_status read_piece(struct piece *piece, txclient *client, uint32_t patience_ms)
{
    const struct bench_filling *filling = piece->filling;
    txclient_batch_clear(piece->batch);
    for (size_t i = 0; i < piece->n; i++) {
        char key[BENCH_RECORD_KEY_MAX];
        txclient_bytes value;
        (void)txclient_batch_get(piece->batch,
                                 filling->make(filling->arg, piece->first + i, i, key, &value));
    }
    return bench_read(client, piece->batch, piece->values, patience_ms);
}

static txclient_status fill_piece(struct piece *piece, txclient *client, uint32_t patience_ms)
{
    uint64_t until_us = bench_now_us() + (uint64_t)patience_ms * 1000u;
    for (;;) {
        txclient_status status = TXCLIENT_OK;
        if (!piece->filling->overwrite) {
            status = read_piece(piece, client, patience_ms);
        }
        if (status != TXCLIENT_OK) {
            return status;
        }
        status = write_piece(piece, client);
        /* EXISTS: somebody else fills it too. */
        bool exists =
            status == TXCLIENT_ABORTED && txclient_detail(client)->reason == TXCLIENT_REASON_EXISTS;
        if (status == TXCLIENT_OK || (!exists && !bench_may_pass(client, status)) ||
            bench_now_us() >= until_us) {
            return status;
        }
        bench_sleep_ms(PAUSE_MS);
    }
}

txclient_status bench_space_fill(const struct bench_filling *filling, txclient *client,
                                 uint32_t patience_ms)
{
    struct piece *piece = calloc(1, sizeof *piece);
    txclient_batch *batch = txclient_batch_new();
    txclient_status status = piece != NULL && batch != NULL ? TXCLIENT_OK : TXCLIENT_ENOMEM;
    for (size_t i = 0; status == TXCLIENT_OK && i < filling->n; i += filling->together) {
        size_t left = filling->n - i;
        piece->filling = filling;
        piece->batch = batch;
        piece->first = i;
        piece->n = left < filling->together ? left : filling->together;
        status = fill_piece(piece, client, patience_ms);
    }
    txclient_batch_free(&batch);
    free(piece);
    return status;
}

/* ---- reading ---- */

txclient_status bench_space_read(txclient *client, const char *participant, const char *space,
                                 const char *prefix, uint32_t patience_ms,
                                 void (*see)(void *arg, txclient_bytes key, txclient_bytes value),
                                 void *arg)
{
    txclient_range range = txclient_prefix(participant, space, prefix);
    unsigned char from[TXCLIENT_KEY_MAX + 1]; /* the value that a rest borrows from goes away */
    txclient_batch *batch = txclient_batch_new();
    txclient_status status = batch != NULL ? TXCLIENT_OK : TXCLIENT_ENOMEM;
    for (bool more = true; status == TXCLIENT_OK && more;) {
        txclient_value value;
        txclient_range rest;
        txclient_row row;
        txclient_batch_clear(batch);
        (void)txclient_batch_scan(batch, &range, PAGE_ROWS, false);
        status = bench_read(client, batch, &value, patience_ms);
        if (status != TXCLIENT_OK) {
            break;
        }
        txclient_rows rows = txclient_rows_of(&value);
        while (txclient_rows_next(&rows, &row)) {
            see(arg, row.key, row.value);
        }
        more = txclient_rows_more(&value, &range, false, &rest);
        if (more) {
            memcpy(from, rest.from.data, rest.from.len);
            range = rest;
            range.from.data = from;
        }
    }
    txclient_batch_free(&batch);
    return status;
}

static void add_record(void *arg, txclient_bytes key, txclient_bytes value)
{
    struct bench_total *total = arg;
    char text[32] = {0};
    char *end = text;
    (void)key;
    total->n++;
    if (value.len > 0 && value.len < sizeof text) {
        memcpy(text, value.data, value.len);
        total->sum += strtoll(text, &end, 10);
    }
    total->wrong += end == text || *end != '\0' ? 1 : 0;
}

txclient_status bench_space_total(txclient *client, char *const *participants,
                                  size_t participants_n, const char *space, const char *prefix,
                                  uint32_t patience_ms, struct bench_total *total)
{
    txclient_status status = TXCLIENT_OK;
    for (size_t i = 0; status == TXCLIENT_OK && i < participants_n; i++) {
        status = bench_space_read(client, participants[i], space, prefix, patience_ms, add_record,
                                  total);
    }
    return status;
}
