/* Clients and what they count. */
#include "client/bench_load.h"

#include "client/bench_accounts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sysexits.h>

#define PAUSE_MS 50u

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void bench_load_catch_signals(void)
{
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* SplitMix64 (Steele, Lea, Flood): good enough to choose accounts. */
uint64_t bench_random(struct bench_client *client)
{
    client->random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = client->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- what came of it ---- */

void bench_count(struct bench_client *client, txclient_status status, uint64_t took_us)
{
    struct bench_counts *counts = &client->counts;
    txclient_reason reason = txclient_detail(client->client)->reason;
    switch (status) {
    case TXCLIENT_OK:
        histogram_record(&client->latencies, took_us);
        count(&counts->committed);
        return;
    case TXCLIENT_ABORTED:
        if (reason == TXCLIENT_REASON_NONE) {
            reason = TXCLIENT_REASON_CLIENT; /* nobody else has anything to say of it */
        }
        count(&counts->aborted[reason < BENCH_REASONS ? reason : TXCLIENT_REASON_NONE]);
        return;
    case TXCLIENT_EUNREACHABLE:
        count(&counts->unreachable);
        break;
    case TXCLIENT_ETIMEOUT:
        count(&counts->timed_out);
        break;
    case TXCLIENT_EREFUSED:
        count(&counts->refused);
        break;
    case TXCLIENT_UNKNOWN:
    case TXCLIENT_EINVAL:
    case TXCLIENT_ELIMIT:
    case TXCLIENT_ENOMEM:
    case TXCLIENT_ECONFIG:
    case TXCLIENT_ESTATE:
    case TXCLIENT_EPROTOCOL:
    case TXCLIENT_ESYSTEM:
        count(&counts->failed);
        break;
    }
    bench_sleep_ms(PAUSE_MS);
}

txclient_status bench_settle(struct bench_client *client,
                             txclient_status (*ask)(struct bench_client *client, void *arg),
                             void *arg)
{
    uint64_t until_us = bench_now_us() + client->load->options->settle_ms * UINT64_C(1000);
    count(&client->counts.unknown);
    for (;;) {
        txclient_status status = ask(client, arg);
        if (status == TXCLIENT_OK) {
            count(&client->counts.settled_committed);
            count(&client->counts.committed);
            return status;
        }
        if (status == TXCLIENT_ABORTED) {
            count(&client->counts.settled_aborted);
            return status;
        }
        if (bench_now_us() >= until_us) {
            count(&client->counts.never_settled);
            return status;
        }
        bench_sleep_ms(PAUSE_MS);
    }
}

static bool goes_on(struct bench_load *load)
{
    return bench_now_us() < load->end_us && atomic_load(&load->broken) == 0 && interrupted == 0;
}

static void *client_main(void *arg)
{
    struct bench_client *client = arg;
    const struct bench_work *work = client->load->work;
    while (goes_on(client->load)) {
        work->run(client, work->arg);
    }
    (void)atomic_fetch_sub(&client->load->running, 1);
    return NULL;
}

/* ---- all of them ---- */

static int prepare_client(struct bench_client *client)
{
    const struct bench_options *options = client->load->options;
    const struct bench_work *work = client->load->work;
    struct cli_place place = options->place;
    if (options->other_config != NULL && client->number % 2 == 1) {
        place = (struct cli_place){.config = options->other_config};
    }
    client->batch = txclient_batch_new();
    client->own = work->own_new != NULL ? work->own_new(work->arg) : NULL;
    if (client->batch == NULL || (work->own_new != NULL && client->own == NULL)) {
        (void)fputs("txbench: out of memory\n", stderr);
        return EX_OSERR;
    }
    return cli_open(&place, &client->client);
}

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
        load->clients[i].load = load;
        load->clients[i].number = i;
        load->clients[i].random = seed ^ ((uint64_t)i << 32);
        result = prepare_client(&load->clients[i]);
    }
    return result;
}

static void free_clients(struct bench_load *load)
{
    for (unsigned i = 0; load->clients != NULL && i < load->options->clients; i++) {
        txclient_close(&load->clients[i].client);
        txclient_batch_free(&load->clients[i].batch);
        if (load->work->own_free != NULL) {
            load->work->own_free(load->clients[i].own);
        }
    }
    free(load->clients);
    load->clients = NULL;
}

int bench_load_start(struct bench_load *load, const struct bench_options *options,
                     const struct bench_work *work)
{
    *load = (struct bench_load){.options = options, .work = work};
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
        (void)fprintf(stderr, "txbench: cannot write a file: %s\n", strerrordesc_np(error));
    }
    free_clients(load);
    return error == 0;
}
