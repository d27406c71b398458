/* The accounts: their places, creating them, adding them up. */
#include "client/txbench/bench_accounts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CHUNK         200u /* accounts in one transaction */
#define PAUSE_MS      100u
#define PAUSE_LONG_MS 500u

uint64_t bench_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void bench_sleep_ms(uint32_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000u, .tv_nsec = (long)(ms % 1000u) * 1000000};
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &left, NULL);
}

static txclient_status take_participants(struct bench_accounts *accounts, const txclient_node *node)
{
    size_t n = 0;
    while (txclient_node_peer_at(node, n) != NULL) {
        n++;
    }
    accounts->participants = calloc(n > 0 ? n : 1, sizeof *accounts->participants);
    if (accounts->participants == NULL) {
        return TXCLIENT_ENOMEM;
    }
    for (; accounts->participants_n < n; accounts->participants_n++) {
        char *name = strdup(txclient_node_peer_at(node, accounts->participants_n)->name);
        if (name == NULL) {
            return TXCLIENT_ENOMEM;
        }
        accounts->participants[accounts->participants_n] = name;
    }
    return n > 0 ? TXCLIENT_OK : TXCLIENT_EINVAL;
}

txclient_status bench_accounts_init(struct bench_accounts *accounts, txclient *client, size_t n,
                                    int64_t balance)
{
    *accounts = (struct bench_accounts){.n = n, .balance = balance};
    txclient_node *node = NULL;
    txclient_status status = txclient_inspect(client, NULL, &node);
    if (status == TXCLIENT_OK) {
        status = take_participants(accounts, node);
    }
    txclient_node_free(&node);
    return status;
}

void bench_accounts_deinit(struct bench_accounts *accounts)
{
    for (size_t i = 0; i < accounts->participants_n; i++) {
        free(accounts->participants[i]);
    }
    free(accounts->participants);
    *accounts = (struct bench_accounts){0};
}

size_t bench_put_number(char *text, uint64_t number, unsigned digits)
{
    char reversed[20];
    size_t n = 0;
    while (number > 0 || n < digits) {
        reversed[n++] = (char)('0' + number % 10);
        number /= 10;
    }
    for (size_t i = 0; i < n; i++) {
        text[i] = reversed[n - 1 - i];
    }
    text[n] = '\0';
    return n;
}

txclient_address bench_account(const struct bench_accounts *accounts, size_t i,
                               char key[BENCH_ACCOUNT_KEY_MAX])
{
    memcpy(key, "account-", 8);
    (void)bench_put_number(key + 8, i, 6);
    return txclient_at(accounts->participants[i % accounts->participants_n], BENCH_ACCOUNTS_SPACE,
                       key);
}

bool bench_may_pass(const txclient *client, txclient_status status)
{
    switch (status) {
    case TXCLIENT_ABORTED:
    case TXCLIENT_EREFUSED:
        return txclient_reason_transient(txclient_detail(client)->reason);
    case TXCLIENT_OK:
        return txclient_detail(client)->results_lost;
    case TXCLIENT_UNKNOWN:
    case TXCLIENT_EUNREACHABLE:
    case TXCLIENT_ETIMEOUT:
        return true;
    case TXCLIENT_EINVAL:
    case TXCLIENT_ELIMIT:
    case TXCLIENT_ENOMEM:
    case TXCLIENT_ECONFIG:
    case TXCLIENT_ESTATE:
    case TXCLIENT_EPROTOCOL:
    case TXCLIENT_ESYSTEM:
    case TXCLIENT_EBUSY:
        break;
    }
    return false;
}

txclient_status bench_read(txclient *client, const txclient_batch *batch, txclient_value *values,
                           uint32_t patience_ms)
{
    uint64_t until_us = bench_now_us() + (uint64_t)patience_ms * 1000u;
    for (;;) {
        txclient_status status = txclient_submit(client, batch, NULL, values);
        if (!bench_may_pass(client, status) || bench_now_us() >= until_us) {
            return status;
        }
        bench_sleep_ms(PAUSE_MS);
    }
}

/* Accounts at one participant, read together: first, first + step, ... */
struct chunk {
    size_t first;
    size_t n;
    txclient_value values[CHUNK];
};

static txclient_status chunk_read(const struct bench_accounts *accounts, txclient *client,
                                  txclient_batch *batch, uint32_t patience_ms, struct chunk *chunk)
{
    txclient_batch_clear(batch);
    chunk->n = 0;
    for (size_t i = chunk->first; i < accounts->n && chunk->n < CHUNK;
         i += accounts->participants_n) {
        char key[BENCH_ACCOUNT_KEY_MAX];
        (void)txclient_batch_get(batch, bench_account(accounts, i, key));
        chunk->n++;
    }
    return bench_read(client, batch, chunk->values, patience_ms);
}

/* Inserts what the chunk lacks; gives how many that are. Whether it succeeded shows at the next
 * read. */
static size_t chunk_fill(const struct bench_accounts *accounts, txclient *client,
                         txclient_batch *batch, const struct chunk *chunk, txclient_status *status)
{
    char balance[32];
    (void)snprintf(balance, sizeof balance, "%" PRId64, accounts->balance);
    txclient_batch_clear(batch);
    for (size_t i = 0; i < chunk->n; i++) {
        char key[BENCH_ACCOUNT_KEY_MAX];
        if (!chunk->values[i].found) {
            (void)txclient_batch_insert(
                batch, bench_account(accounts, chunk->first + i * accounts->participants_n, key),
                txclient_str(balance));
        }
    }
    size_t missing = txclient_batch_count(batch);
    *status = missing > 0 ? txclient_submit(client, batch, NULL, NULL) : TXCLIENT_OK;
    return missing;
}

static txclient_status chunk_create(const struct bench_accounts *accounts, txclient *client,
                                    txclient_batch *batch, uint32_t patience_ms,
                                    struct chunk *chunk)
{
    uint64_t until_us = bench_now_us() + (uint64_t)patience_ms * 1000u;
    for (;;) {
        txclient_status status = chunk_read(accounts, client, batch, patience_ms, chunk);
        if (status != TXCLIENT_OK || chunk_fill(accounts, client, batch, chunk, &status) == 0) {
            return status;
        }
        /* EXISTS: somebody else creates them too. */
        bool exists =
            status == TXCLIENT_ABORTED && txclient_detail(client)->reason == TXCLIENT_REASON_EXISTS;
        if (status == TXCLIENT_OK) {
            return status;
        }
        if ((!exists && !bench_may_pass(client, status)) || bench_now_us() >= until_us) {
            return status;
        }
        bench_sleep_ms(PAUSE_LONG_MS);
    }
}

/* Calls `visit` for all accounts, chunk by chunk. */
static txclient_status
for_chunks(const struct bench_accounts *accounts, txclient *client, uint32_t patience_ms,
           txclient_status (*visit)(const struct bench_accounts *accounts, txclient *client,
                                    txclient_batch *batch, uint32_t patience_ms,
                                    struct chunk *chunk, void *arg),
           void *arg)
{
    txclient_batch *batch = txclient_batch_new();
    struct chunk *chunk = calloc(1, sizeof *chunk);
    txclient_status status = batch != NULL && chunk != NULL ? TXCLIENT_OK : TXCLIENT_ENOMEM;
    size_t step = CHUNK * accounts->participants_n;
    for (size_t side = 0; side < accounts->participants_n && side < accounts->n; side++) {
        for (size_t i = side; status == TXCLIENT_OK && i < accounts->n; i += step) {
            chunk->first = i;
            status = visit(accounts, client, batch, patience_ms, chunk, arg);
        }
    }
    free(chunk);
    txclient_batch_free(&batch);
    return status;
}

static txclient_status visit_create(const struct bench_accounts *accounts, txclient *client,
                                    txclient_batch *batch, uint32_t patience_ms,
                                    struct chunk *chunk, void *arg)
{
    (void)arg;
    return chunk_create(accounts, client, batch, patience_ms, chunk);
}

txclient_status bench_accounts_create(const struct bench_accounts *accounts, txclient *client,
                                      uint32_t patience_ms)
{
    return for_chunks(accounts, client, patience_ms, visit_create, NULL);
}

struct adding {
    int64_t sum;
    size_t missing;
};

static txclient_status visit_add(const struct bench_accounts *accounts, txclient *client,
                                 txclient_batch *batch, uint32_t patience_ms, struct chunk *chunk,
                                 void *arg)
{
    struct adding *adding = arg;
    txclient_status status = chunk_read(accounts, client, batch, patience_ms, chunk);
    for (size_t i = 0; status == TXCLIENT_OK && i < chunk->n; i++) {
        char text[32] = {0};
        size_t len = chunk->values[i].len < sizeof text ? chunk->values[i].len : sizeof text - 1;
        memcpy(text, chunk->values[i].data, len);
        adding->missing += chunk->values[i].found ? 0 : 1;
        adding->sum += strtoll(text, NULL, 10);
    }
    return status;
}

txclient_status bench_accounts_sum(const struct bench_accounts *accounts, txclient *client,
                                   uint32_t patience_ms, int64_t *sum, size_t *missing)
{
    struct adding adding = {0};
    txclient_status status = for_chunks(accounts, client, patience_ms, visit_add, &adding);
    *sum = adding.sum;
    *missing = adding.missing;
    return status;
}
