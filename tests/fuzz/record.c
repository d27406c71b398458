/* The decoder of log records, on the bytes as they are and with the checksum that they should have:
 * without that nothing behind the checksum would ever be reached. What decodes encodes to the very
 * same bytes. */
#include "fuzz.h"

#include "common/assert.h"
#include "txlog/record.h"

#include <string.h>

static void decode(struct tx_bytes stored)
{
    struct tx_arena arena = {0};
    struct tx_buf again = {0};
    struct txlog_record record;
    struct txlog_front front;
    struct tx_why why = {{0}};
    enum tx_error front_error = txlog_record_front(stored, &front, &why);
    TX_ASSERT(front_error == TX_OK || why.text[0] != '\0');
    enum tx_error error = txlog_record_decode(stored, &arena, &record, &why);
    TX_ASSERT(error == TX_OK || why.text[0] != '\0');
    TX_ASSERT(error == TX_OK || error == TX_ECORRUPT || error == TX_EVERSION);
    if (error == TX_OK) {
        TX_ASSERT(front_error == TX_OK && front.type == record.type);
        TX_ASSERT(front.lsn.n == record.lsn.n && front.start == record.start);
        error = txlog_record_encode(&record, &again);
        TX_ASSERT(error == TX_OK && tx_bytes_equal(tx_buf_view(&again), stored));
        (void)txlog_record_tx(&record);
    }
    tx_buf_deinit(&again);
    tx_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    decode(tx_bytes(data, size));
    if (size > 4) {
        struct tx_buf mended = {0};
        tx_buf_u32(&mended, tx_crc32c(0, tx_bytes(data + 4, size - 4)));
        tx_buf_append(&mended, tx_bytes(data + 4, size - 4));
        TX_ASSERT(!mended.failed);
        decode(tx_buf_view(&mended));
        tx_buf_deinit(&mended);
    }
    return 0;
}
