// The public header from C++: it compiles, and links with C names.
#include "txclient.h"

#include <cstring>

static txclient_status work(txclient_tx *tx, void *arg)
{
    txclient_value value;
    int64_t floor = 0;
    static_cast<void>(arg);
    static_cast<void>(txclient_get(tx, txclient_at("a", "s", "k"), &value));
    return txclient_add(tx, txclient_at("a", "s", "k"), -1, &floor, nullptr, nullptr);
}

static void done(void *arg, const txclient_result *result)
{
    *static_cast<txclient_status *>(arg) = result->tx == nullptr ? result->status : TXCLIENT_OK;
}

int main()
{
    txclient *client = nullptr;
    txclient_why why;
    txclient_options options = {};
    options.size = sizeof options;
    options.connect_timeout_ms = 50;
    if (txclient_open("c", "nowhere", &options, &client, &why) != TXCLIENT_EINVAL ||
        std::strstr(why.text, "nowhere") == nullptr) {
        return 1;
    }
    txclient_batch *batch = txclient_batch_new();
    txclient_status status = txclient_batch_put(batch, txclient_at("a", "s", "k"), txclient_str("v"));
    txclient_range range = txclient_prefix("a", "s", "k");
    txclient_row row;
    txclient_value value = {};
    if (status == TXCLIENT_OK) {
        status = txclient_batch_scan(batch, &range, 10, false);
    }
    value.data = "";
    txclient_rows rows = txclient_rows_of(&value);
    if (txclient_rows_next(&rows, &row) || txclient_rows_more(&value, &range, false, nullptr)) {
        return 1;
    }
    txclient_batch_free(&batch);
    if (status != TXCLIENT_OK ||
        txclient_open("c", "tcp://127.0.0.1:1", &options, &client, &why) != TXCLIENT_OK) {
        return 1;
    }
    txclient_retry_options retry = {};
    retry.size = sizeof retry;
    retry.attempts_max = 1;
    retry.isolation = TXCLIENT_READ_COMMITTED;
    status = txclient_run(client, &retry, work, nullptr);
    if (status != TXCLIENT_EUNREACHABLE) {
        return 1;
    }
    status = txclient_begin_async(client, nullptr, done, &status);
    while (status == TXCLIENT_OK && txclient_in_flight(client) > 0) {
        static_cast<void>(txclient_process(client, -1));
    }
    bool readable = txclient_fd(client) >= 0;
    txclient_close(&client);
    return readable && status == TXCLIENT_EUNREACHABLE ? 0 : 1;
}
