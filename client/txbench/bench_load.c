/* Clients and what they count. */
#include "client/txbench/bench_load.h"

#include "client/txbench/bench_accounts.h"
#include "client/txbench/bench_draw.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sysexits.h>
#include <time.h>

#define NAP_US 20000u /* between two looks at whether the load goes on */

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

bool bench_load_interrupted(void)
{
    return interrupted != 0;
}

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

uint64_t bench_random(struct bench_client *client)
{
    return bench_draw_next(&client->random);
}

txclient_begin_options bench_terms(const struct bench_client *client)
{
    return (txclient_begin_options){.size = sizeof(txclient_begin_options),
                                    .commit_mode = client->load->options->commit_mode};
}

/* ---- what came of it ---- */

static bool measured(const struct bench_client *client)
{
    return client->begun_us >= client->load->measured_us;
}

static struct bench_counts *counts_of(struct bench_client *client)
{
    return measured(client) ? &client->counts : &client->warmup;
}

static void count_commit(struct bench_client *client)
{
    count(&counts_of(client)->committed);
    if (measured(client)) {
        uint64_t now_us = bench_now_us();
        uint64_t took_us = now_us - client->begun_us;
        histogram_record(&client->latencies, took_us);
        bench_series_record(&client->series, now_us - client->load->measured_us, took_us);
    }
}

void bench_count(struct bench_client *client, txclient_status status)
{
    bench_count_as(client, status, txclient_detail(client->client)->reason);
}

void bench_count_as(struct bench_client *client, txclient_status status, txclient_reason reason)
{
    struct bench_counts *counts = counts_of(client);
    switch (status) {
    case TXCLIENT_OK:
        count_commit(client);
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
    case TXCLIENT_EBUSY:
        count(&counts->failed);
        break;
    }
    if (client->flight != NULL) {
        client->resume_us = bench_now_us() + BENCH_PAUSE_MS * UINT64_C(1000);
    } else if (client->load->options->rate == 0) { /* else the rate is pause enough */
        bench_sleep_ms(BENCH_PAUSE_MS);
    }
}

txclient_bytes bench_shot_key(const struct bench_client *client, const char *key)
{
    bool members_decide = client->load->options->commit_mode == TXCLIENT_COMMIT_PARTICIPANTS;
    return txclient_str(members_decide ? "" : key);
}

uint64_t bench_count_unknown(struct bench_client *client)
{
    count(&counts_of(client)->unknown);
    return bench_now_us() + client->load->options->settle_ms * UINT64_C(1000);
}

void bench_count_settled(struct bench_client *client, txclient_status status)
{
    struct bench_counts *counts = counts_of(client);
    if (status == TXCLIENT_OK) {
        count(&counts->settled_committed);
        count_commit(client);
    } else if (status == TXCLIENT_ABORTED) {
        count(&counts->settled_aborted);
    } else {
        count(&counts->never_settled);
        client->lost++;
    }
}

txclient_status bench_settle(struct bench_client *client,
                             txclient_status (*ask)(struct bench_client *client, void *arg),
                             void *arg)
{
    uint64_t until_us = bench_count_unknown(client);
    txclient_status status = TXCLIENT_UNKNOWN;
    bool asks = ask != NULL;
    while (asks) {
        status = ask(client, arg);
        asks = status != TXCLIENT_OK && status != TXCLIENT_ABORTED && bench_now_us() < until_us;
        if (asks) {
            bench_sleep_ms(BENCH_PAUSE_MS);
        }
    }
    bench_count_settled(client, status);
    return status;
}

/* ---- the loops ---- */

bool bench_load_stopped(const struct bench_load *load)
{
    return atomic_load(&load->broken) != 0 || interrupted != 0;
}

static void run_one(struct bench_client *client, uint64_t begun_us)
{
    const struct bench_work *work = client->load->work;
    client->begun_us = begun_us;
    work->run(client, work->arg);
}

static void closed_loop(struct bench_client *client)
{
    struct bench_load *load = client->load;
    for (uint64_t now_us = bench_now_us(); now_us < load->end_us && !bench_load_stopped(load);
         now_us = bench_now_us()) {
        run_one(client, now_us);
    }
}

/* Waits in pieces, for an interrupt of the program reaches one thread only. */
static void wait_until_us(struct bench_load *load, uint64_t due_us)
{
    for (uint64_t now_us = bench_now_us(); now_us < due_us && !bench_load_stopped(load);
         now_us = bench_now_us()) {
        uint64_t left_us = due_us - now_us < NAP_US ? due_us - now_us : NAP_US;
        struct timespec left = {.tv_nsec = (long)left_us * 1000};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &left, NULL);
    }
}

void bench_count_overdue(struct bench_client *client, uint64_t due_us, uint64_t now_us)
{
    client->begun_us = due_us;
    if (measured(client)) {
        count(&client->counts.overdue);
        histogram_record(&client->latencies, now_us - due_us);
    }
}

static void open_loop(struct bench_client *client)
{
    struct bench_load *load = client->load;
    for (;;) {
        uint64_t due_us = bench_pace_due_us(&load->pace, atomic_fetch_add(&load->next, 1));
        if (due_us >= load->end_us) {
            return;
        }
        wait_until_us(load, due_us);
        uint64_t now_us = bench_now_us();
        if (now_us < due_us) {
            return; /* interrupted before it was due */
        }
        if (now_us >= load->end_us || bench_load_stopped(load)) {
            bench_count_overdue(client, due_us, now_us < load->end_us ? now_us : load->end_us);
        } else {
            run_one(client, due_us);
        }
    }
}

static void *client_main(void *arg)
{
    struct bench_client *client = arg;
    if (client->load->options->rate > 0) {
        open_loop(client);
    } else {
        closed_loop(client);
    }
    (void)atomic_fetch_sub(&client->load->running, 1);
    return NULL;
}

/* ---- all of them ---- */

static int prepare_client(struct bench_client *client)
{
    const struct bench_work *work = client->load->work;
    client->client = client->load->handles[client->number % client->load->handles_n];
    client->batch = txclient_batch_new();
    client->own = work->own_new != NULL ? work->own_new(work->arg) : NULL;
    if (client->batch == NULL || (work->own_new != NULL && client->own == NULL)) {
        (void)fputs("txbench: out of memory\n", stderr);
        return EX_OSERR;
    }
    return 0;
}

unsigned bench_handles(const struct bench_options *options)
{
    unsigned n = options->handles > 0 ? options->handles : options->clients;
    n = n < options->clients ? n : options->clients;
    /* Every second client's is another one. */
    bool odd = options->other_config != NULL && n % 2 == 1 && n < options->clients;
    return odd ? n + 1 : n;
}

static int open_handles(struct bench_load *load)
{
    const struct bench_options *options = load->options;
    unsigned n = bench_handles(options);
    load->handles = (txclient **)calloc(n, sizeof(txclient *));
    if (load->handles == NULL) {
        (void)fputs("txbench: out of memory\n", stderr);
        return EX_OSERR;
    }
    int result = 0;
    for (load->handles_n = 0; result == 0 && load->handles_n < n;) {
        struct cli_place place = options->place;
        if (options->other_config != NULL && load->handles_n % 2 == 1) {
            place = (struct cli_place){.config = options->other_config};
        }
        result = cli_open(&place, &load->handles[load->handles_n]);
        load->handles_n += result == 0 ? 1 : 0;
    }
    return result;
}

bool bench_load_run_number(uint64_t *run)
{
    if (getrandom(run, sizeof *run, 0) != sizeof *run) {
        (void)fputs("txbench: the kernel gives no random numbers\n", stderr);
        return false;
    }
    return true;
}

static int prepare_clients(struct bench_load *load)
{
    uint64_t seed = 0;
    if (!bench_load_run_number(&load->run) || !bench_load_run_number(&seed)) {
        return EX_OSERR;
    }
    load->clients = calloc(load->options->clients, sizeof *load->clients);
    if (load->clients == NULL) {
        (void)fputs("txbench: out of memory\n", stderr);
        return EX_OSERR;
    }
    int result = open_handles(load);
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
        txclient_batch_free(&load->clients[i].batch);
        free(load->clients[i].course);
        if (load->work->own_free != NULL) {
            load->work->own_free(load->clients[i].own);
        }
    }
    free(load->clients);
    load->clients = NULL;
    for (unsigned i = 0; i < load->handles_n; i++) {
        txclient_close(&load->handles[i]);
    }
    free((void *)load->handles);
    load->handles = NULL;
    load->handles_n = 0;
}

static void set_times(struct bench_load *load)
{
    uint64_t length_us = (uint64_t)(load->options->seconds * 1e6);
    load->pace = (struct bench_pace){.start_us = bench_now_us(), .rate = load->options->rate};
    load->measured_us = load->pace.start_us + (uint64_t)(load->options->warmup * 1e6);
    load->end_us = load->measured_us + length_us;
    for (unsigned i = 0; i < load->options->clients; i++) {
        bench_series_init(&load->clients[i].series, length_us);
    }
}

/* 0, or errno with none running. */
static int start_threads(struct bench_load *load)
{
    unsigned n = load->options->clients;
    atomic_store(&load->running, n);
    for (unsigned i = 0; i < n; i++) {
        int error = pthread_create(&load->clients[i].thread, NULL, client_main, &load->clients[i]);
        if (error != 0) {
            atomic_store(&load->broken, error);
            while (i-- > 0) {
                (void)pthread_join(load->clients[i].thread, NULL);
            }
            return error;
        }
    }
    return 0;
}

static void join_threads(struct bench_load *load)
{
    for (unsigned i = 0; i < load->options->clients; i++) {
        (void)pthread_join(load->clients[i].thread, NULL);
    }
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
    set_times(load);
    int error = options->async ? bench_flights_start(load) : start_threads(load);
    if (error != 0) {
        (void)fprintf(stderr, "txbench: cannot start a thread: %s\n", strerrordesc_np(error));
        free_clients(load);
        return EX_OSERR;
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

void bench_counts_add(struct bench_counts *to, const struct bench_counts *from)
{
    add(&to->committed, &from->committed);
    for (size_t reason = 0; reason < BENCH_REASONS; reason++) {
        add(&to->aborted[reason], &from->aborted[reason]);
    }
    add(&to->unknown, &from->unknown);
    add(&to->settled_committed, &from->settled_committed);
    add(&to->settled_aborted, &from->settled_aborted);
    add(&to->never_settled, &from->never_settled);
    add(&to->unreachable, &from->unreachable);
    add(&to->timed_out, &from->timed_out);
    add(&to->refused, &from->refused);
    add(&to->failed, &from->failed);
    add(&to->overdue, &from->overdue);
}

void bench_load_counts(struct bench_load *load, struct bench_counts *counts, bool warmup)
{
    *counts = (struct bench_counts){0};
    for (unsigned i = 0; i < load->options->clients; i++) {
        const struct bench_client *client = &load->clients[i];
        bench_counts_add(counts, warmup ? &client->warmup : &client->counts);
    }
}

static void merge(struct bench_load *load, struct bench_measure *measure)
{
    struct bench_counts warmup;
    bench_load_counts(load, &warmup, true);
    bench_load_counts(load, &measure->counts, false);
    measure->warmup_committed = atomic_load(&warmup.committed);
    bench_series_init(&measure->series, (uint64_t)(load->options->seconds * 1e6));
    for (unsigned i = 0; i < load->options->clients; i++) {
        histogram_merge(&measure->latencies, &load->clients[i].latencies);
        bench_series_merge(&measure->series, &load->clients[i].series);
    }
}

bool bench_load_finish(struct bench_load *load, struct bench_measure *measure)
{
    if (load->options->async) {
        bench_flights_join(load);
    } else {
        join_threads(load);
    }
    uint64_t now_us =
        bench_now_us(); /* of a load that an interrupt has ended in its warm-up: 0 s */
    merge(load, measure);
    measure->seconds = now_us > load->measured_us ? (double)(now_us - load->measured_us) / 1e6 : 0;
    int error = atomic_load(&load->broken);
    if (error != 0) {
        (void)fprintf(stderr, "txbench: cannot write a file: %s\n", strerrordesc_np(error));
    }
    free_clients(load);
    return error == 0;
}
