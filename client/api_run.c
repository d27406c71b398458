/* The retry helper. */
#include "client/client_shell.h"

#include "client/client_retry.h"

/* Exchanges what the thread's last call has said. */
static void swap_detail(txclient *client, struct client_detail *other)
{
    client_lock(client);
    struct client_thread *self = client_thread_self(client);
    if (self != NULL) {
        struct client_detail kept;
        client_detail_init(&kept);
        client_detail_move(&kept, &self->detail);
        client_detail_move(&self->detail, other);
        client_detail_move(other, &kept);
    }
    client_unlock(client);
}

/* One attempt. `age`: in, of the first attempt; out, of this one when it is the first. */
static txclient_status attempt(txclient *client, const txclient_retry_options *options,
                               struct tx_age *age, uint64_t until_us, txclient_work work, void *arg)
{
    txclient_tx *tx = NULL;
    struct client_terms terms = {.lock_timeout_ms = options != NULL ? options->lock_timeout_ms : 0,
                                 .isolation = CLIENT_ISOLATION(options, txclient_retry_options),
                                 .commit_mode = CLIENT_COMMIT_MODE(options, txclient_retry_options),
                                 .age = *age};
    txclient_status status = client_begin_on(client, &terms, &tx);
    if (status != TXCLIENT_OK) {
        return status;
    }
    *age = age->counter == 0 ? tx->core.age : *age;
    status = work(tx, arg);
    if (status == TXCLIENT_OK) {
        status = txclient_commit(tx);
        if (status == TXCLIENT_UNKNOWN) {
            status = client_tx_find_out(tx, until_us);
        }
    }
    if (tx->core.state == CLIENT_TX_OPEN) {
        /* The detail of what made `work` give up is worth more to the caller than that of the
         * abort. */
        struct client_detail kept = {0};
        swap_detail(client, &kept);
        (void)txclient_abort(tx);
        swap_detail(client, &kept);
        client_detail_deinit(&kept);
    }
    txclient_tx_close(&tx);
    return status;
}

/* Could the same work succeed now, and is it certain that it has had no effect? */
static bool worth_retrying(const txclient *client, txclient_status status)
{
    const txclient_detail_data *detail = txclient_detail(client);
    bool undone = status == TXCLIENT_ABORTED || status == TXCLIENT_EREFUSED;
    if (undone && detail->status == status) {
        return txclient_reason_transient(detail->reason);
    }
    /* Nothing but begin gives these: an operation without an answer aborts its transaction. */
    return status == TXCLIENT_EUNREACHABLE || status == TXCLIENT_ETIMEOUT;
}

static txclient_status no_random(txclient *client)
{
    struct client_thread *self = client_enter(client);
    if (self != NULL) {
        (void)client_fail(&self->detail, TXCLIENT_ESYSTEM, "the kernel gives no random numbers");
        client_unlock(client);
    }
    return TXCLIENT_ESYSTEM;
}

static struct client_retry retry_of(const txclient_retry_options *options)
{
    static const txclient_retry_options none = {.size = sizeof none};
    options = options != NULL ? options : &none;
    uint64_t time_ms = options->time_max_ms > 0 ? options->time_max_ms : 60000;
    uint64_t backoff_ms = options->backoff_ms > 0 ? options->backoff_ms : 5;
    uint64_t backoff_max_ms = options->backoff_max_ms > 0 ? options->backoff_max_ms : 1000;
    return (struct client_retry){.attempts_max =
                                     options->attempts_max > 0 ? options->attempts_max : 20,
                                 .deadline_us = client_now_us() + time_ms * CLIENT_MS,
                                 .backoff_us = backoff_ms * CLIENT_MS,
                                 .backoff_max_us = backoff_max_ms * CLIENT_MS};
}

txclient_status txclient_run(txclient *client, const txclient_retry_options *options,
                             txclient_work work, void *arg)
{
    struct client_retry retry = retry_of(options);
    struct tx_age age = {0};
    for (;;) {
        txclient_status status = attempt(client, options, &age, retry.deadline_us, work, arg);
        uint64_t random = 0;
        uint64_t wait_us = 0;
        if (!worth_retrying(client, status)) {
            return status;
        }
        if (client_random(&random, sizeof random) != TX_OK) {
            return no_random(client);
        }
        if (!client_retry_again(&retry, client_now_us(), random, &wait_us)) {
            return status;
        }
        client_sleep_us(wait_us);
    }
}
