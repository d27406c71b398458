/* The frame check and the frame decoder. What the decoder takes, the encoder can write again, and
 * that decodes and encodes to the same bytes; what it takes the check has passed. */
#include "fuzz.h"

#include "common/assert.h"
#include "common/wire.h"

#include <stdlib.h>
#include <string.h>

/* All messages of the frame, in the encoder's own form. False when they do not fit. */
static bool encode(const struct tx_frame *frame, struct tx_buf *out)
{
    struct tx_frame_writer *writer = tx_frame_writer_new(&frame->envelope);
    enum tx_error error = TX_OK;
    TX_ASSERT(writer != NULL);
    for (size_t i = 0; i < frame->messages_n && error == TX_OK; i++) {
        error = tx_frame_writer_add(writer, &frame->messages[i], TX_MESSAGE_MAX);
        TX_ASSERT(error == TX_OK || error == TX_ELIMIT);
    }
    if (error == TX_OK)
        tx_buf_append(out, tx_frame_writer_finish(writer));
    TX_ASSERT(!out->failed);
    tx_frame_writer_destroy(&writer);
    return error == TX_OK;
}

static void check_round_trip(const struct tx_frame *frame)
{
    struct tx_buf first = {0};
    struct tx_buf second = {0};
    struct tx_arena arena = {0};
    struct tx_frame again;
    if (encode(frame, &first)) {
        struct tx_why why = {{0}};
        enum tx_error error =
            tx_frame_decode(tx_buf_view(&first), TX_MESSAGE_MAX, &arena, &again, &why);
        TX_ASSERT(error == TX_OK && again.messages_n == frame->messages_n);
        bool encoded = encode(&again, &second);
        TX_ASSERT(encoded && tx_bytes_equal(tx_buf_view(&first), tx_buf_view(&second)));
    }
    tx_buf_deinit(&first);
    tx_buf_deinit(&second);
    tx_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tx_bytes bytes = tx_bytes(data, size);
    struct tx_arena arena = {0};
    struct tx_frame frame;
    struct tx_why why = {{0}};
    enum tx_error checked = tx_frame_check(bytes, TX_MESSAGE_MAX, &why);
    TX_ASSERT(checked == TX_OK || why.text[0] != '\0');
    enum tx_error error = tx_frame_decode(bytes, TX_MESSAGE_MAX, &arena, &frame, &why);
    TX_ASSERT(error == TX_OK || (why.text[0] != '\0' && frame.messages_n == 0));
    TX_ASSERT(error != TX_OK || checked == TX_OK);
    if (error == TX_OK && frame.messages_n > 0)
        check_round_trip(&frame);
    tx_arena_deinit(&arena);
    return 0;
}
