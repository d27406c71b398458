/* Lists the accounts whose names begin with what is given, and what is in them; then closes those
 * that are empty, if nobody has opened one meanwhile.
 *
 *     cc scan.c $(pkg-config --cflags --libs txclient) -o scan
 *     ./scan client.conf al */
#include <txclient.h>

#include <stdio.h>

/* The rows come page by page, each under a lock: nobody can change or add an account in the range
 * until the transaction is over. */
static txclient_status close_empty(txclient_tx *tx, void *arg)
{
    txclient_range range = txclient_prefix("a", "accounts", (const char *)arg);
    txclient_cursor *cursor = NULL;
    txclient_row row;
    bool found = true;
    txclient_status status = txclient_scan(tx, &range, NULL, &cursor);
    while (status == TXCLIENT_OK && found) {
        status = txclient_scan_next(cursor, &row, &found);
        if (status == TXCLIENT_OK && found && row.value.len == 1 &&
            memcmp(row.value.data, "0", 1) == 0) {
            txclient_address at = {"a", "accounts", row.key};
            status = txclient_delete(tx, at, NULL);
        }
    }
    txclient_scan_close(&cursor);
    return status;
}

/* A list for people need not hold anybody up: three accounts a transaction, at read committed. */
static txclient_status list(txclient *client, const char *prefix)
{
    txclient_submit_options options = {.size = sizeof options,
                                       .isolation = TXCLIENT_READ_COMMITTED};
    txclient_range range = txclient_prefix("a", "accounts", prefix);
    txclient_batch *batch = txclient_batch_new();
    txclient_status status = batch != NULL ? TXCLIENT_OK : TXCLIENT_ENOMEM;
    for (bool more = true; status == TXCLIENT_OK && more;) {
        txclient_value value;
        txclient_row row;
        txclient_batch_clear(batch);
        (void)txclient_batch_scan(batch, &range, 3, false);
        status = txclient_submit(client, batch, &options, &value);
        if (status == TXCLIENT_OK) {
            txclient_rows rows = txclient_rows_of(&value);
            while (txclient_rows_next(&rows, &row)) {
                (void)printf("%.*s has %.*s\n", (int)row.key.len, (const char *)row.key.data,
                             (int)row.value.len, (const char *)row.value.data);
            }
            /* The rest begins behind the last row, whose bytes live until the next submit. */
            more = txclient_rows_more(&value, &range, false, &range);
        }
    }
    txclient_batch_free(&batch);
    return status;
}

int main(int argc, char **argv)
{
    txclient *client = NULL;
    txclient_why why;
    char nothing[] = "";
    char *prefix = argc > 2 ? argv[2] : nothing;

    if (txclient_open_file(argc > 1 ? argv[1] : "client.conf", &client, &why) != TXCLIENT_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 64;
    }
    txclient_status status = list(client, prefix);
    if (status == TXCLIENT_OK) {
        status = txclient_run(client, NULL, close_empty, prefix);
    }
    if (status != TXCLIENT_OK) {
        (void)fprintf(stderr, "%s\n", txclient_detail(client)->text);
    }
    txclient_close(&client);
    return status == TXCLIENT_OK ? 0 : 1;
}
