/* Pays one to each of many accounts at participant "b", out of one at "a": a thousand transactions,
 * a hundred of them in flight at a time, from a single thread.
 *
 *     cc async.c $(pkg-config --cflags --libs txclient) -o async
 *     ./async client.conf */
#include <txclient.h>

#include <stdio.h>

#define PAYMENTS  1000
#define IN_FLIGHT 100

struct payments {
    unsigned begun, committed, failed, unknown;
};

/* Called from within txclient_process() or txclient_close(), once for each. */
static void paid(void *arg, const txclient_result *result)
{
    struct payments *payments = arg;
    if (result->status == TXCLIENT_OK) {
        payments->committed++;
    } else if (result->status == TXCLIENT_UNKNOWN) {
        payments->unknown++; /* not to be done again: the same key would find out */
    } else {
        payments->failed++;
        (void)fprintf(stderr, "%s\n", result->detail->text);
    }
}

static txclient_status pay(txclient *client, txclient_batch *batch, struct payments *payments)
{
    char name[32];
    (void)snprintf(name, sizeof name, "payment-%u", payments->begun);
    txclient_submit_options options = {.size = sizeof options,
                                       .idempotency_key = txclient_str(name)};
    txclient_batch_clear(batch);
    (void)txclient_batch_add(batch, txclient_at("a", "accounts", "purse"), -1, NULL, NULL);
    (void)txclient_batch_add(batch, txclient_at("b", "accounts", name), 1, NULL, NULL);
    txclient_status status = txclient_submit_async(client, batch, &options, paid, payments);
    payments->begun += status == TXCLIENT_OK ? 1 : 0;
    return status;
}

int main(int argc, char **argv)
{
    txclient *client = NULL;
    txclient_batch *batch = txclient_batch_new();
    struct payments payments = {0};
    txclient_why why;

    if (batch == NULL ||
        txclient_open_file(argc > 1 ? argv[1] : "client.conf", &client, &why) != TXCLIENT_OK) {
        (void)fprintf(stderr, "%s\n", batch == NULL ? "out of memory" : why.text);
        return 64;
    }
    txclient_status status = TXCLIENT_OK;
    while (status == TXCLIENT_OK && (payments.begun < PAYMENTS || txclient_in_flight(client) > 0)) {
        while (status == TXCLIENT_OK && payments.begun < PAYMENTS &&
               txclient_in_flight(client) < IN_FLIGHT) {
            status = pay(client, batch, &payments);
        }
        (void)txclient_process(client, -1); /* or 0, after poll() on txclient_fd() */
    }
    if (status != TXCLIENT_OK) {
        (void)fprintf(stderr, "%s\n", txclient_detail(client)->text);
    }
    txclient_close(&client); /* calls back what is still in flight */
    txclient_batch_free(&batch);
    (void)printf("%u committed, %u failed, %u unknown\n", payments.committed, payments.failed,
                 payments.unknown);
    return payments.committed == PAYMENTS ? 0 : 1;
}
