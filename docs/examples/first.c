/* Moves 30 from Alice's account at participant "a" to Bob's at participant "b": on both sides or on
 * none.
 *
 *     cc first.c $(pkg-config --cflags --libs txclient) -o first
 *     ./first client.conf */
#include <txclient.h>

#include <inttypes.h>
#include <stdio.h>

/* The work of one transaction. It may run several times, and has no effect but through `tx`. */
static txclient_status transfer(txclient_tx *tx, void *arg)
{
    int64_t *left = arg;
    int64_t floor = 0; /* the account must not go below this */
    txclient_status status =
        txclient_add(tx, txclient_at("a", "accounts", "alice"), -30, &floor, NULL, left);
    if (status == TXCLIENT_OK) {
        status = txclient_add(tx, txclient_at("b", "accounts", "bob"), 30, NULL, NULL, NULL);
    }
    return status;
}

/* Gives Alice 100, unless she has an account already. */
static txclient_status open_account(txclient *client)
{
    txclient_batch *batch = txclient_batch_new();
    if (batch == NULL) {
        return TXCLIENT_ENOMEM;
    }
    /* A failure of an operation sticks to its batch, and shows at the submit. */
    (void)txclient_batch_insert(batch, txclient_at("a", "accounts", "alice"), txclient_str("100"));
    txclient_status status = txclient_submit(client, batch, NULL, NULL);
    txclient_batch_free(&batch);
    if (status == TXCLIENT_ABORTED && txclient_detail(client)->reason == TXCLIENT_REASON_EXISTS) {
        status = TXCLIENT_OK;
    }
    return status;
}

int main(int argc, char **argv)
{
    txclient *client = NULL;
    txclient_why why;
    int64_t left = 0;

    if (txclient_open_file(argc > 1 ? argv[1] : "client.conf", &client, &why) != TXCLIENT_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 64;
    }
    txclient_status status = open_account(client);
    if (status == TXCLIENT_OK) {
        status = txclient_run(client, NULL, transfer, &left);
    }
    const txclient_detail_data *detail = txclient_detail(client);
    if (status == TXCLIENT_OK) {
        (void)printf("committed %s; Alice has %" PRId64 " left\n", detail->reference, left);
    } else if (status == TXCLIENT_UNKNOWN) {
        /* It may have committed. Do not do it again: keep the reference, and ask later. */
        (void)printf("unknown %s: %s\n", detail->reference, detail->text);
    } else {
        (void)printf("nothing was moved: %s\n", detail->text);
    }
    txclient_close(&client);
    return status == TXCLIENT_OK ? 0 : 1;
}
