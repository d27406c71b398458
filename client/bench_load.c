/* Clients that transfer. */
#include "client/bench_load.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sysexits.h>

#define AMOUNT_MAX 100u
#define PAUSE_MS   50u

struct bench_client {
    struct bench_load *load;
    pthread_t thread;
    unsigned number;
    txclient *client;
    txclient_batch *batch;
    uint64_t random;
    uint64_t transfers;
    struct bench_counts counts;
    struct histogram
        latencies; /* of transfers that committed with a definite answer at once, in us */
};

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* SplitMix64 (Steele, Lea, Flood): good enough to choose accounts. */
static uint64_t next_random(struct bench_client *c)
{
    c->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = c->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- one transfer ---- */

struct work {
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

/* Two accounts at different participants, unless there is one participant only. */
static void choose(struct bench_client *c, size_t *from, size_t *to)
{
    const struct bench_accounts *accounts = c->load->accounts;
    *from = (size_t)(next_random(c) % accounts->n);
    do {
        *to = (size_t)(next_random(c) % accounts->n);
    } while (*to == *from || (accounts->participants_n > 1 &&
                              *to % accounts->participants_n == *from % accounts->participants_n));
}

static void make_work(struct bench_client *c, struct work *work)
{
    size_t from;
    size_t to;
    choose(c, &from, &to);
    *work = (struct work){0};
    struct bench_transfer *transfer = &work->transfer;
    work->from = bench_account(c->load->accounts, from, work->from_key);
    work->to = bench_account(c->load->accounts, to, work->to_key);
    transfer->amount = (int64_t)(1 + next_random(c) % AMOUNT_MAX);
    (void)snprintf(work->amount, sizeof work->amount, "%" PRId64, transfer->amount);
    (void)snprintf(transfer->id, sizeof transfer->id, "%016" PRIx64 "-%u-%" PRIu64, c->load->run,
                   c->number, c->transfers++);
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
    if (c->load->options->record) {
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

static txclient_status operate(struct bench_client *c, txclient_tx *tx, const struct work *work)
{
    txclient_bytes amount = txclient_str(work->amount);
    txclient_status status =
        txclient_add(tx, work->from, -work->transfer.amount, &floor_of_accounts, NULL, NULL);
    if (status == TXCLIENT_OK) {
        status = txclient_add(tx, work->to, work->transfer.amount, NULL, NULL, NULL);
    }
    if (status == TXCLIENT_OK && c->load->options->record) {
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
    status = operate(c, tx, work);
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

static void acknowledge(struct bench_client *c, const struct work *work)
{
    count(&c->counts.committed);
    FILE *acked = c->load->options->acked;
    if (acked != NULL && !bench_ledger_append(acked, &work->transfer)) {
        atomic_store(&c->load->broken, errno);
    }
}

/* Asks until the outcome is known. A submit with the same key runs nothing twice. */
static txclient_status settle(struct bench_client *c, const struct work *work)
{
    uint64_t until_us = bench_now_us() + c->load->options->settle_ms * UINT64_C(1000);
    txclient_status status;
    for (;;) {
        status = c->load->options->interactive ? txclient_outcome(c->client, work->reference, 1000)
                                               : submit(c, work);
        if (status == TXCLIENT_OK || status == TXCLIENT_ABORTED || bench_now_us() >= until_us) {
            return status;
        }
        bench_sleep_ms(PAUSE_MS);
    }
}

static void note_unknown(struct bench_client *c, const struct work *work)
{
    count(&c->counts.unknown);
    txclient_status status = settle(c, work);
    if (status == TXCLIENT_OK) {
        count(&c->counts.settled_committed);
        acknowledge(c, work);
    } else if (status == TXCLIENT_ABORTED) {
        count(&c->counts.settled_aborted);
    } else {
        count(&c->counts.never_settled);
        (void)fprintf(stderr, "txbench: transfer %s: %s\n", work->transfer.id,
                      txclient_detail(c->client)->text);
    }
}

static void note(struct bench_client *c, const struct work *work, txclient_status status,
                 uint64_t took_us)
{
    txclient_reason reason = txclient_detail(c->client)->reason;
    switch (status) {
    case TXCLIENT_OK:
        histogram_record(&c->latencies, took_us);
        acknowledge(c, work);
        return;
    case TXCLIENT_ABORTED:
        count(&c->counts.aborted[reason < BENCH_REASONS ? reason : TXCLIENT_REASON_NONE]);
        return;
    case TXCLIENT_UNKNOWN:
        note_unknown(c, work);
        return;
    case TXCLIENT_EUNREACHABLE:
        count(&c->counts.unreachable);
        break;
    case TXCLIENT_ETIMEOUT:
        count(&c->counts.timed_out);
        break;
    case TXCLIENT_EREFUSED:
        count(&c->counts.refused);
        break;
    case TXCLIENT_EINVAL:
    case TXCLIENT_ELIMIT:
    case TXCLIENT_ENOMEM:
    case TXCLIENT_ECONFIG:
    case TXCLIENT_ESTATE:
    case TXCLIENT_EPROTOCOL:
    case TXCLIENT_ESYSTEM:
        count(&c->counts.failed);
        break;
    }
    bench_sleep_ms(PAUSE_MS);
}

static void *client_main(void *arg)
{
    struct bench_client *c = arg;
    const struct bench_options *options = c->load->options;
    while (bench_now_us() < c->load->end_us && atomic_load(&c->load->broken) == 0) {
        struct work work;
        make_work(c, &work);
        if (options->attempted != NULL &&
            !bench_ledger_append(options->attempted, &work.transfer)) {
            atomic_store(&c->load->broken, errno);
            break;
        }
        uint64_t begin_us = bench_now_us();
        fill_batch(c, &work);
        txclient_status status = options->interactive ? interact(c, &work) : submit(c, &work);
        note(c, &work, status, bench_now_us() - begin_us);
    }
    (void)atomic_fetch_sub(&c->load->running, 1);
    return NULL;
}

/* ---- all of them ---- */

static int prepare_clients(struct bench_load *load)
{
    uint64_t seed = 0;
    if (getrandom(&load->run, sizeof load->run, 0) != sizeof load->run ||
        getrandom(&seed, sizeof seed, 0) != sizeof seed) {
        (void)fputs("txbench: the kernel gives no random numbers\n", stderr);
        return EX_OSERR;
    }
    load->clients = calloc(load->options->clients, sizeof *load->clients);
    if (load->clients == NULL) {
        (void)fputs("txbench: out of memory\n", stderr);
        return EX_OSERR;
    }
    int result = 0;
    for (unsigned i = 0; result == 0 && i < load->options->clients; i++) {
        struct bench_client *c = &load->clients[i];
        c->load = load;
        c->number = i;
        c->random = seed ^ ((uint64_t)i << 32);
        c->batch = txclient_batch_new();
        result = c->batch != NULL ? cli_open(&load->options->place, &c->client) : EX_OSERR;
    }
    return result;
}

static void free_clients(struct bench_load *load)
{
    for (unsigned i = 0; load->clients != NULL && i < load->options->clients; i++) {
        txclient_close(&load->clients[i].client);
        txclient_batch_free(&load->clients[i].batch);
    }
    free(load->clients);
    load->clients = NULL;
}

int bench_load_start(struct bench_load *load, const struct bench_options *options,
                     const struct bench_accounts *accounts)
{
    *load = (struct bench_load){.options = options, .accounts = accounts};
    int result = prepare_clients(load);
    if (result != 0) {
        free_clients(load);
        return result;
    }
    load->started_us = bench_now_us();
    load->end_us = load->started_us + (uint64_t)(options->seconds * 1e6);
    atomic_store(&load->running, options->clients);
    for (unsigned i = 0; i < options->clients; i++) {
        int error = pthread_create(&load->clients[i].thread, NULL, client_main, &load->clients[i]);
        if (error != 0) {
            (void)fprintf(stderr, "txbench: cannot start a thread: %s\n", strerrordesc_np(error));
            atomic_store(&load->broken, error);
            while (i-- > 0) {
                (void)pthread_join(load->clients[i].thread, NULL);
            }
            free_clients(load);
            return EX_OSERR;
        }
    }
    return 0;
}

bool bench_load_running(struct bench_load *load)
{
    return atomic_load(&load->running) > 0;
}

static void add(_Atomic uint64_t *to, const _Atomic uint64_t *from)
{
    atomic_fetch_add_explicit(to, atomic_load_explicit(from, memory_order_relaxed),
                              memory_order_relaxed);
}

void bench_load_counts(struct bench_load *load, struct bench_counts *counts)
{
    *counts = (struct bench_counts){0};
    for (unsigned i = 0; i < load->options->clients; i++) {
        const struct bench_counts *from = &load->clients[i].counts;
        add(&counts->committed, &from->committed);
        for (size_t reason = 0; reason < BENCH_REASONS; reason++) {
            add(&counts->aborted[reason], &from->aborted[reason]);
        }
        add(&counts->unknown, &from->unknown);
        add(&counts->settled_committed, &from->settled_committed);
        add(&counts->settled_aborted, &from->settled_aborted);
        add(&counts->never_settled, &from->never_settled);
        add(&counts->unreachable, &from->unreachable);
        add(&counts->timed_out, &from->timed_out);
        add(&counts->refused, &from->refused);
        add(&counts->failed, &from->failed);
    }
}

bool bench_load_finish(struct bench_load *load, struct histogram *latencies)
{
    for (unsigned i = 0; i < load->options->clients; i++) {
        (void)pthread_join(load->clients[i].thread, NULL);
        histogram_merge(latencies, &load->clients[i].latencies);
    }
    int error = atomic_load(&load->broken);
    if (error != 0) {
        (void)fprintf(stderr, "txbench: cannot write a file of transfers: %s\n",
                      strerrordesc_np(error));
    }
    free_clients(load);
    return error == 0;
}
