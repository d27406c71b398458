/* Transfers. */
#include "client/bench_transfer.h"

#include <errno.h>
#include <inttypes.h>

struct work {
    const struct bench_transfers *transfers;
    struct bench_transfer transfer;
    char amount[32];
    char from_key[BENCH_ACCOUNT_KEY_MAX];
    char to_key[BENCH_ACCOUNT_KEY_MAX];
    txclient_address from;
    txclient_address to;
    txclient_address from_record;
    txclient_address to_record;
    char reference[TXCLIENT_PARTICIPANTS_MAX * (TXCLIENT_NAME_MAX + 1) + 64];
};

void bench_choose_accounts(struct bench_client *client, const struct bench_accounts *accounts,
                           size_t *from, size_t *to)
{
    *from = (size_t)(bench_random(client) % accounts->n);
    do {
        *to = (size_t)(bench_random(client) % accounts->n);
    } while (*to == *from || (accounts->participants_n > 1 &&
                              *to % accounts->participants_n == *from % accounts->participants_n));
}

static void make_work(struct bench_client *c, const struct bench_transfers *transfers,
                      struct work *work)
{
    size_t from;
    size_t to;
    bench_choose_accounts(c, transfers->accounts, &from, &to);
    *work = (struct work){.transfers = transfers};
    struct bench_transfer *transfer = &work->transfer;
    work->from = bench_account(transfers->accounts, from, work->from_key);
    work->to = bench_account(transfers->accounts, to, work->to_key);
    transfer->amount = (int64_t)(1 + bench_random(c) % BENCH_AMOUNT_MAX);
    (void)snprintf(work->amount, sizeof work->amount, "%" PRId64, transfer->amount);
    (void)snprintf(transfer->id, sizeof transfer->id, "%016" PRIx64 "-%u-%" PRIu64, c->load->run,
                   c->number, c->begun++);
    (void)snprintf(transfer->from, sizeof transfer->from, "%s", work->from.participant);
    (void)snprintf(transfer->to, sizeof transfer->to, "%s", work->to.participant);
    work->from_record = txclient_at(work->from.participant, BENCH_TRANSFERS_SPACE, transfer->id);
    work->to_record = txclient_at(work->to.participant, BENCH_TRANSFERS_SPACE, transfer->id);
}

static const int64_t floor_of_accounts = 0;

static void fill_batch(struct bench_client *c, const struct work *work)
{
    txclient_bytes amount = txclient_str(work->amount);
    txclient_batch_clear(c->batch);
    (void)txclient_batch_add(c->batch, work->from, -work->transfer.amount, &floor_of_accounts,
                             NULL);
    (void)txclient_batch_add(c->batch, work->to, work->transfer.amount, NULL, NULL);
    if (work->transfers->record) {
        /* Inserts: running the same transfer twice would abort, and be seen. */
        (void)txclient_batch_insert(c->batch, work->from_record, amount);
        (void)txclient_batch_insert(c->batch, work->to_record, amount);
    }
}

static txclient_status submit(struct bench_client *c, const struct work *work)
{
    txclient_submit_options options = {.size = sizeof options,
                                       .idempotency_key = txclient_str(work->transfer.id)};
    return txclient_submit(c->client, c->batch, &options, NULL);
}

static txclient_status operate(txclient_tx *tx, const struct work *work)
{
    txclient_bytes amount = txclient_str(work->amount);
    txclient_status status =
        txclient_add(tx, work->from, -work->transfer.amount, &floor_of_accounts, NULL, NULL);
    if (status == TXCLIENT_OK) {
        status = txclient_add(tx, work->to, work->transfer.amount, NULL, NULL, NULL);
    }
    if (status == TXCLIENT_OK && work->transfers->record) {
        status = txclient_insert(tx, work->from_record, amount);
        if (status == TXCLIENT_OK) {
            status = txclient_insert(tx, work->to_record, amount);
        }
    }
    return status;
}

static txclient_status interact(struct bench_client *c, struct work *work)
{
    txclient_tx *tx = NULL;
    txclient_status status = txclient_begin(c->client, NULL, &tx);
    if (status != TXCLIENT_OK) {
        return status;
    }
    status = operate(tx, work);
    if (status == TXCLIENT_OK) {
        status = txclient_commit(tx);
        (void)snprintf(work->reference, sizeof work->reference, "%s",
                       txclient_detail(c->client)->reference);
    }
    /* Nothing is left to abort after an operation that failed, so that the detail stays. */
    txclient_tx_close(&tx);
    return status;
}

/* ---- what came of it ---- */

static bool append(struct bench_client *c, FILE *file, const struct work *work)
{
    if (file != NULL && !bench_ledger_append(file, &work->transfer)) {
        atomic_store(&c->load->broken, errno);
        return false;
    }
    return true;
}

/* A submit with the same key runs nothing twice. */
static txclient_status ask(struct bench_client *c, void *arg)
{
    const struct work *work = arg;
    return work->transfers->interactive ? txclient_outcome(c->client, work->reference, 1000)
                                        : submit(c, work);
}

void bench_transfer_run(struct bench_client *c, void *arg)
{
    const struct bench_transfers *transfers = arg;
    struct work work;
    make_work(c, transfers, &work);
    if (!append(c, transfers->attempted, &work)) {
        return;
    }
    uint64_t begin_us = bench_now_us();
    fill_batch(c, &work);
    txclient_status status = transfers->interactive ? interact(c, &work) : submit(c, &work);
    if (status != TXCLIENT_UNKNOWN) {
        bench_count(c, status, bench_now_us() - begin_us);
    } else {
        status = bench_settle(c, ask, &work);
        if (status != TXCLIENT_OK && status != TXCLIENT_ABORTED) {
            (void)fprintf(stderr, "txbench: transfer %s: %s\n", work.transfer.id,
                          txclient_detail(c->client)->text);
        }
    }
    if (status == TXCLIENT_OK) {
        (void)append(c, transfers->acked, &work);
    }
}
