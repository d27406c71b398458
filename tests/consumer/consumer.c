/* Moves an amount from participant "a" to participant "b" and reads both sides again, in another
 * transaction: what a program that links an installed libtxclient must be able to do.
 *
 *     cc consumer.c $(pkg-config --cflags --libs txclient) -o consumer
 *     ./consumer client.conf AMOUNT
 *
 * Prints "VERSION A B": the version of the library and both sums. Exit status 1 when anything
 * fails. */
#include <txclient.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static txclient_status move(txclient_tx *tx, void *arg)
{
    int64_t amount = *(int64_t *)arg;
    txclient_status status =
        txclient_add(tx, txclient_at("a", "sums", "out"), -amount, NULL, NULL, NULL);

    if (status == TXCLIENT_OK)
        status = txclient_add(tx, txclient_at("b", "sums", "in"), amount, NULL, NULL, NULL);
    return status;
}

static txclient_status read_both(txclient_tx *tx, void *arg)
{
    int64_t *sums = arg;
    txclient_status status =
        txclient_add(tx, txclient_at("a", "sums", "out"), 0, NULL, NULL, &sums[0]);

    if (status == TXCLIENT_OK)
        status = txclient_add(tx, txclient_at("b", "sums", "in"), 0, NULL, NULL, &sums[1]);
    return status;
}

int main(int argc, char **argv)
{
    txclient *client = NULL;
    txclient_why why = {.text = ""};
    int64_t sums[2] = {0, 0};

    if (argc != 3) {
        (void)fprintf(stderr, "usage: consumer FILE AMOUNT\n");
        return 1;
    }
    int64_t amount = strtoll(argv[2], NULL, 10);
    if (txclient_open_file(argv[1], &client, &why) != TXCLIENT_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    txclient_status status = txclient_run(client, NULL, move, &amount);
    if (status == TXCLIENT_OK)
        status = txclient_run(client, NULL, read_both, sums);
    if (status == TXCLIENT_OK)
        (void)printf("%s %" PRId64 " %" PRId64 "\n", txclient_version(), sums[0], sums[1]);
    else
        (void)fprintf(stderr, "%s\n", txclient_detail(client)->text);
    txclient_close(&client);
    return status == TXCLIENT_OK ? 0 : 1;
}
