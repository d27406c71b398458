/* The redo of the key-value store, and its data keys: what can be read is what would be written. */
#include "fuzz.h"

#include "common/assert.h"
#include "txlog/redo.h"

struct copy {
    struct tx_buf bytes;
    uint32_t count;
};

static enum tx_error count_write(void *arg, const struct redo_write *write)
{
    struct copy *copy = arg;
    TX_ASSERT(!write->deleted || write->value.len == 0);
    copy->count++;
    return TX_OK;
}

static enum tx_error copy_write(void *arg, const struct redo_write *write)
{
    struct copy *copy = arg;
    redo_add(&copy->bytes, write);
    return TX_OK;
}

static void redo(struct tx_bytes bytes)
{
    struct copy copy = {{0}, 0};
    enum tx_error error = redo_each(bytes, count_write, &copy);
    TX_ASSERT(error == TX_OK || error == TX_ECORRUPT);
    if (error == TX_OK && bytes.len > 0) {
        redo_begin(&copy.bytes, copy.count);
        error = redo_each(bytes, copy_write, &copy);
        TX_ASSERT(error == TX_OK && !copy.bytes.failed);
        TX_ASSERT(tx_bytes_equal(tx_buf_view(&copy.bytes), bytes));
    }
    tx_buf_deinit(&copy.bytes);
}

static void data_key(struct tx_bytes bytes)
{
    struct tx_bytes space;
    struct tx_bytes key;
    struct tx_buf again = {0};
    enum tx_error error = redo_data_key_parse(bytes, &space, &key);
    TX_ASSERT(error == TX_OK || error == TX_ECORRUPT);
    if (error == TX_OK) {
        redo_data_key(space, key, &again);
        TX_ASSERT(tx_bytes_equal(tx_buf_view(&again), bytes));
    }
    tx_buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    redo(tx_bytes(data, size));
    data_key(tx_bytes(data, size));
    return 0;
}
