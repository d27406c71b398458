/* The transfers of txbench, made of what others offer.
 *
 *     peer_load KIND --at WHERE [--at WHERE] [--accounts N] [--clients N] [--seconds S]
 *               [--decisions FILE]
 *     peer_load --kinds
 *
 * A client is a thread with a session of its own that waits for each transfer. Prints one JSON line
 * when, and only when, the books hold exactly the transfers that were told to be committed. */
#include "tests/bench/peers/decision_log.h"
#include "tests/bench/peers/peer.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define CLIENTS_MAX  1024u
#define ACCOUNTS_MAX 10000000u

static const struct peer_kind *const kinds[] = {
    &peer_rocksdb,
#ifdef WITH_POSTGRESQL
    &peer_postgresql,
#endif
#ifdef WITH_MARIADB
    &peer_mariadb,
#endif
#ifdef WITH_ETCD
    &peer_etcd,       &peer_etcd_blind,
#endif
};

struct options {
    const struct peer_kind *kind;
    struct peer_place place;
    unsigned clients;
    double seconds;
    const char *decisions;
};

struct client {
    pthread_t thread;
    const struct options *options;
    unsigned number;
    struct load_result result;
};

static pthread_barrier_t everybody_is_connected;
static uint64_t run; /* makes the ids of this run its own */
static uint64_t end_ns;
static atomic_bool broken;

static void make_transfer(struct client *client, uint64_t *random, uint64_t n,
                          struct peer_transfer *transfer)
{
    unsigned accounts = client->options->place.accounts;
    transfer->from = (unsigned)(load_random(random) % accounts);
    transfer->to = (unsigned)(load_random(random) % accounts);
    transfer->amount = (int64_t)(load_random(random) % LOAD_AMOUNT_MAX) + 1;
    (void)snprintf(transfer->id, sizeof transfer->id, "%" PRIx64 "-%u-%" PRIu64, run,
                   client->number, n);
}

static void record(struct load_result *result, const struct peer_transfer *transfer,
                   enum peer_outcome outcome, uint64_t took_ns)
{
    switch (outcome) {
    case PEER_COMMITTED:
        histogram_record(&result->latencies_us, took_ns / 1000);
        result->committed++;
        result->moved += transfer->amount;
        return;
    case PEER_ABORTED:
        result->aborted++;
        return;
    case PEER_BROKEN:
        atomic_store(&broken, true);
        return;
    }
}

static void *play(void *arg)
{
    struct client *client = arg;
    const struct peer_kind *kind = client->options->kind;
    void *session = kind->session_new();
    if (session == NULL) {
        atomic_store(&broken, true);
    }
    (void)pthread_barrier_wait(&everybody_is_connected);
    (void)pthread_barrier_wait(&everybody_is_connected); /* the end is known */
    uint64_t random = run + client->number;
    uint64_t n = 0;
    for (uint64_t now = load_now_ns(); now < end_ns && !atomic_load(&broken);) {
        struct peer_transfer transfer;
        make_transfer(client, &random, n++, &transfer);
        enum peer_outcome outcome = kind->transfer(session, &transfer);
        uint64_t then = load_now_ns();
        record(&client->result, &transfer, outcome, then - now);
        now = then;
    }
    if (session != NULL) {
        kind->session_destroy(&session);
    }
    return NULL;
}

/* False when a session or a transfer broke. */
static bool load(const struct options *options, struct load_result *result)
{
    static struct client *clients;
    clients = calloc(options->clients, sizeof *clients);
    if (clients == NULL) {
        return false;
    }
    (void)pthread_barrier_init(&everybody_is_connected, NULL, options->clients + 1);
    for (unsigned i = 0; i < options->clients; i++) {
        clients[i].options = options;
        clients[i].number = i;
        int error = pthread_create(&clients[i].thread, NULL, play, &clients[i]);
        if (error != 0) { /* those that are there wait for one that never comes */
            (void)fprintf(stderr, "peer_load: thread %u: %s\n", i, strerror(error));
            exit(1);
        }
    }
    (void)pthread_barrier_wait(&everybody_is_connected);
    uint64_t start_ns = load_now_ns();
    end_ns = start_ns + (uint64_t)(options->seconds * 1e9);
    (void)pthread_barrier_wait(&everybody_is_connected);
    for (unsigned i = 0; i < options->clients; i++) {
        (void)pthread_join(clients[i].thread, NULL);
        load_merge(result, &clients[i].result);
    }
    result->seconds = (double)(load_now_ns() - start_ns) / 1e9;
    free(clients);
    return !atomic_load(&broken);
}

static void usage(void)
{
    (void)fprintf(stderr, "usage: peer_load KIND --at WHERE [--at WHERE] [--accounts N] "
                          "[--clients N] [--seconds S] [--decisions FILE]\n"
                          "       peer_load --kinds\n");
    exit(EX_USAGE);
}

static double number(const char *text, double min, double max)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= min && value <= max)) {
        (void)fprintf(stderr, "peer_load: \"%s\" is no number from %.3g to %.0f\n", text, min, max);
        usage();
    }
    return value;
}

static void list_kinds(void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        (void)printf("%s\n", kinds[i]->name);
    }
}

static void parse(int argc, char **argv, struct options *options)
{
    static const struct option longs[] = {{"kinds", no_argument, NULL, 'k'},
                                          {"at", required_argument, NULL, 'a'},
                                          {"accounts", required_argument, NULL, 'm'},
                                          {"clients", required_argument, NULL, 'n'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"decisions", required_argument, NULL, 'd'},
                                          {0}};
    unsigned places = 0;
    for (int key; (key = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (key == 'k') {
            list_kinds();
            exit(0);
        } else if (key == 'a' && places < 2) {
            options->place.where[places++] = optarg;
        } else if (key == 'm') {
            options->place.accounts = (unsigned)number(optarg, 1, ACCOUNTS_MAX);
        } else if (key == 'n') {
            options->clients = (unsigned)number(optarg, 1, CLIENTS_MAX);
        } else if (key == 's') {
            options->seconds = number(optarg, 0.001, 86400);
        } else if (key == 'd') {
            options->decisions = optarg;
        } else {
            usage();
        }
    }
    for (size_t i = 0; optind < argc && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(argv[optind], kinds[i]->name) == 0) {
            options->kind = kinds[i];
        }
    }
    if (options->kind == NULL || optind + 1 != argc || places == 0 ||
        options->kind->decisions != (options->decisions != NULL)) {
        usage();
    }
}

int main(int argc, char **argv)
{
    static struct load_result result;
    struct options options = {.place = {.accounts = 100000}, .clients = 1, .seconds = 5};
    parse(argc, argv, &options);
    run = load_now_ns() ^ ((uint64_t)getpid() << 48);
    if ((options.decisions != NULL && !decision_log_open(options.decisions)) ||
        !options.kind->open(&options.place)) {
        return 1;
    }
    bool good = load(&options, &result) && options.kind->check(&result);
    options.kind->close();
    decision_log_close();
    if (!good) {
        (void)fprintf(stderr, "peer_load: %s: this run is void\n", options.kind->name);
        return 1;
    }
    load_print(&result, options.clients);
    return 0;
}
