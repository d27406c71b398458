/* Begins interactive transactions and holds them open: what each of them costs the daemons, and
 * what they cost everybody else, is measured meanwhile by somebody else.
 *
 * usage: hold CONFIG TRANSACTIONS THREADS
 *   Each transaction writes one key of its own at two participants of the cluster, p1 and p2. When
 *   all are open, a line of JSON tells so: how many, in how many seconds, and the median time of
 *   begin and two writes together. Then it waits to be killed: its handles are not closed.
 * Exit status 1 when one of them cannot be opened. */
#include "client/txclient.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX      64u
#define TRANSACTIONS_MAX 1000000u
#define SPACE            "held"

struct holder {
    pthread_t thread;
    const char *config;
    uint64_t from, to; /* of the transactions */
    uint32_t *took_us; /* of all of them */
};

static atomic_bool failed;

static uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static txclient_status open_one(txclient *client, uint64_t i)
{
    char key[32];
    txclient_tx *tx = NULL;
    (void)snprintf(key, sizeof key, "key-%012" PRIu64, i);
    txclient_status status = txclient_begin(client, NULL, &tx);
    if (status == TXCLIENT_OK) {
        status = txclient_put(tx, txclient_at("p1", SPACE, key), txclient_str("held"));
    }
    if (status == TXCLIENT_OK) {
        status = txclient_put(tx, txclient_at("p2", SPACE, key), txclient_str("held"));
    }
    return status; /* it stays open: that is the point */
}

static void *hold(void *arg)
{
    struct holder *holder = arg;
    txclient *client = NULL;
    txclient_status status = txclient_open_file(holder->config, &client, NULL);
    for (uint64_t i = holder->from; i < holder->to && !atomic_load(&failed); i++) {
        uint64_t begun_us = now_us();
        status = status == TXCLIENT_OK ? open_one(client, i) : status;
        if (status != TXCLIENT_OK && !atomic_exchange(&failed, true)) {
            (void)fprintf(stderr, "hold: transaction %" PRIu64 ": %s\n", i,
                          client != NULL ? txclient_detail(client)->text
                                         : txclient_status_text(status));
        }
        holder->took_us[i] = (uint32_t)(now_us() - begun_us);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static bool hold_all(const char *config, uint64_t n, unsigned threads)
{
    static struct holder holders[THREADS_MAX];
    uint32_t *took_us = calloc(n, sizeof *took_us);
    uint64_t begun_us = now_us();
    unsigned started = 0;
    if (took_us == NULL) {
        return false;
    }
    for (; started < threads; started++) {
        struct holder *holder = &holders[started];
        *holder = (struct holder){.config = config,
                                  .from = n * started / threads,
                                  .to = n * (started + 1) / threads,
                                  .took_us = took_us};
        if (pthread_create(&holder->thread, NULL, hold, holder) != 0) {
            (void)fputs("hold: no more threads\n", stderr);
            atomic_store(&failed, true);
            break;
        }
    }
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(holders[i].thread, NULL);
    }
    double seconds = (double)(now_us() - begun_us) / 1e6;
    qsort(took_us, n, sizeof *took_us, compare);
    if (!atomic_load(&failed)) {
        (void)printf("{\"held\":%" PRIu64 ",\"seconds\":%.3f,\"p50\":%" PRIu32 "}\n", n, seconds,
                     took_us[n / 2]);
    }
    free(took_us);
    return fflush(stdout) == 0 && !atomic_load(&failed);
}

int main(int argc, char **argv)
{
    uint64_t n = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
    unsigned long threads = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (n < 1 || n > TRANSACTIONS_MAX || threads < 1 || threads > THREADS_MAX) {
        (void)fprintf(stderr, "usage: hold CONFIG TRANSACTIONS THREADS (up to %u, and %u)\n",
                      TRANSACTIONS_MAX, THREADS_MAX);
        return EX_USAGE;
    }
    if (!hold_all(argv[1], n, (unsigned)threads)) {
        return 1;
    }
    for (;;) {
        (void)pause();
    }
}
