/* The asynchronous loops: one thread for each handle, with all its clients' transactions in flight
 * at once. */
#include "client/txbench/bench_load.h"

#include "client/txbench/bench_accounts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define TURN_US 20000u /* between two looks at whether the load goes on */

/* A thread, its handle, and which of its clients have nothing to do. */
struct bench_flight {
    struct bench_load *load;
    txclient *client;
    pthread_t thread;
    struct bench_client *idle;
    struct bench_client *pausing;
    unsigned under_way;     /* those that pause, too */
    uint64_t due_us;        /* of an open loop: of the next transaction; 0: not taken yet */
    struct pollfd readable; /* of an open loop: there is something to process */
};

void bench_over(struct bench_client *client)
{
    struct bench_flight *flight = client->flight;
    client->next = flight->idle;
    flight->idle = client;
    flight->under_way--;
}

void bench_pause(struct bench_client *client, uint32_t wait_ms,
                 void (*resume)(struct bench_client *client))
{
    struct bench_flight *flight = client->flight;
    client->resume_us = wait_ms > 0 ? bench_now_us() + wait_ms * UINT64_C(1000) : 0;
    client->resume = resume;
    client->next = flight->pausing;
    flight->pausing = client;
}

/* Goes on with those whose pause is over. One that pauses again from there is not looked at before
 * the next time. */
static void resume_all(struct bench_flight *flight)
{
    struct bench_client *client = flight->pausing;
    uint64_t now_us = client != NULL ? bench_now_us() : 0;
    flight->pausing = NULL;
    while (client != NULL) {
        struct bench_client *next = client->next;
        if (client->resume_us <= now_us) {
            client->resume(client);
        } else {
            client->next = flight->pausing;
            flight->pausing = client;
        }
        client = next;
    }
}

/* How long to wait at most, so that nobody pauses for longer than was asked for. */
static uint64_t until_resumed_us(const struct bench_flight *flight, uint64_t wait_us)
{
    uint64_t now_us = flight->pausing != NULL ? bench_now_us() : 0;
    for (const struct bench_client *client = flight->pausing; client != NULL;
         client = client->next) {
        uint64_t left_us = client->resume_us > now_us ? client->resume_us - now_us : 0;
        if (client->resume_us != 0 && left_us < wait_us) {
            wait_us = left_us;
        }
    }
    return wait_us;
}

static void sleep_us(struct pollfd *fd, uint64_t us)
{
    struct timespec time = {.tv_sec = (time_t)(us / 1000000),
                            .tv_nsec = (long)(us % 1000000) * 1000};
    (void)ppoll(fd, fd != NULL ? 1 : 0, &time, NULL);
}

/* Takes what has arrived; waits for it, `wait_us` at most. An open loop has to wake between two
 * milliseconds, which is finer than txclient_process() waits: it waits for the descriptor. */
static void take(struct bench_flight *flight, uint64_t wait_us)
{
    txclient *client = flight->client;
    wait_us = until_resumed_us(flight, wait_us);
    if (txclient_in_flight(client) == 0) {
        sleep_us(NULL, wait_us);
    } else if (flight->load->options->rate == 0) {
        (void)txclient_process(client, (int)((wait_us + 999) / 1000));
    } else if (txclient_process(client, 0) == 0) {
        sleep_us(&flight->readable, wait_us);
        (void)txclient_process(client, 0);
    }
}

static void start_one(struct bench_flight *flight, uint64_t begun_us)
{
    const struct bench_work *work = flight->load->work;
    struct bench_client *client = flight->idle;
    flight->idle = client->next;
    flight->under_way++;
    client->begun_us = begun_us;
    work->start(client, work->arg);
}

/* Begins with all that are idle and need not wait. How long to wait then, in us. */
static uint64_t start_closed(struct bench_flight *flight)
{
    struct bench_client *waiting = NULL;
    uint64_t now_us = bench_now_us();
    while (flight->idle != NULL) {
        if (flight->idle->resume_us <= now_us) {
            start_one(flight, now_us);
            continue;
        }
        struct bench_client *client = flight->idle;
        flight->idle = client->next;
        client->next = waiting;
        waiting = client;
    }
    flight->idle = waiting;
    return TURN_US;
}

/* Begins with what is due, as long as somebody is idle. How long to wait then, in us. */
static uint64_t start_open(struct bench_flight *flight)
{
    struct bench_load *load = flight->load;
    while (flight->idle != NULL) {
        uint64_t now_us = bench_now_us();
        if (flight->due_us == 0) {
            flight->due_us = bench_pace_due_us(&load->pace, atomic_fetch_add(&load->next, 1));
        }
        if (flight->due_us > now_us) {
            uint64_t left_us = flight->due_us - now_us;
            return left_us < TURN_US ? left_us : TURN_US;
        }
        if (flight->due_us >= load->end_us) {
            return TURN_US;
        }
        uint64_t due_us = flight->due_us;
        flight->due_us = 0;
        start_one(flight, due_us);
    }
    return TURN_US;
}

/* What was due in an open loop, and will not be begun. */
static void count_the_rest(struct bench_flight *flight)
{
    struct bench_load *load = flight->load;
    uint64_t now_us = bench_now_us();
    now_us = now_us < load->end_us ? now_us : load->end_us;
    for (;;) {
        uint64_t due_us = flight->due_us != 0
                              ? flight->due_us
                              : bench_pace_due_us(&load->pace, atomic_fetch_add(&load->next, 1));
        flight->due_us = 0;
        if (due_us >= now_us) {
            return;
        }
        bench_count_overdue(flight->idle, due_us, now_us);
    }
}

static void *flight_main(void *arg)
{
    struct bench_flight *flight = arg;
    struct bench_load *load = flight->load;
    bool open = load->options->rate > 0;
    if (open) {
        flight->readable = (struct pollfd){.fd = txclient_fd(flight->client), .events = POLLIN};
    }
    while (bench_now_us() < load->end_us && !bench_load_stopped(load)) {
        resume_all(flight);
        take(flight, open ? start_open(flight) : start_closed(flight));
    }
    while (flight->under_way > 0) {
        resume_all(flight);
        take(flight, TURN_US);
    }
    if (open) {
        count_the_rest(flight);
    }
    (void)atomic_fetch_sub(&load->running, 1);
    return NULL;
}

static void join(struct bench_load *load, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        (void)pthread_join(load->flights[i].thread, NULL);
    }
    free(load->flights);
    load->flights = NULL;
}

void bench_flights_join(struct bench_load *load)
{
    join(load, load->handles_n);
}

int bench_flights_start(struct bench_load *load)
{
    load->flights = calloc(load->handles_n, sizeof *load->flights);
    if (load->flights == NULL) {
        return ENOMEM;
    }
    for (unsigned i = 0; i < load->handles_n; i++) {
        load->flights[i] = (struct bench_flight){.load = load, .client = load->handles[i]};
    }
    for (unsigned i = 0; i < load->options->clients; i++) {
        struct bench_flight *flight = &load->flights[i % load->handles_n];
        load->clients[i].flight = flight;
        load->clients[i].next = flight->idle;
        flight->idle = &load->clients[i];
    }
    atomic_store(&load->running, load->handles_n);
    for (unsigned i = 0; i < load->handles_n; i++) {
        int error = pthread_create(&load->flights[i].thread, NULL, flight_main, &load->flights[i]);
        if (error != 0) {
            atomic_store(&load->broken, error);
            join(load, i);
            return error;
        }
    }
    return 0;
}
