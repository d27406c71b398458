#include "fuzz_wire.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

void fuzz_receive(struct tx_bytes frame, fuzz_receiver *receiver, void *arg)
{
    /* A block of exactly its size, so that a read beyond it is noticed. */
    uint8_t *copy = tx_xmalloc(frame.len > 0 ? frame.len : 1);
    struct tx_arena arena = {0};
    struct tx_frame decoded;
    struct tx_why why = {{0}};
    if (frame.len > 0)
        memcpy(copy, frame.data, frame.len);
    enum tx_error error =
        tx_frame_decode(tx_bytes(copy, frame.len), TX_MESSAGE_MAX, &arena, &decoded, &why);
    for (size_t i = 0; error == TX_OK && i < decoded.messages_n; i++)
        receiver(arg, &decoded.envelope, &decoded.messages[i]);
    TX_ASSERT(error == TX_OK || why.text[0] != '\0');
    tx_arena_deinit(&arena);
    free(copy);
}

/* False when the message cannot be encoded. The frame is the caller's to free. */
static bool encode(const struct tx_envelope *from, const struct tx_msg *msg, struct tx_buf *frame)
{
    struct tx_frame_writer *writer = tx_frame_writer_new(from);
    TX_ASSERT(writer != NULL);
    bool done = tx_frame_writer_add(writer, msg, TX_MESSAGE_MAX) == TX_OK;
    if (done)
        tx_buf_append(frame, tx_frame_writer_finish(writer));
    TX_ASSERT(!frame->failed);
    tx_frame_writer_destroy(&writer);
    return done;
}

void fuzz_send(const struct tx_envelope *from, const struct tx_msg *msg, fuzz_receiver *receiver,
               void *arg)
{
    struct tx_buf frame = {0};
    if (encode(from, msg, &frame))
        fuzz_receive(tx_buf_view(&frame), receiver, arg);
    tx_buf_deinit(&frame);
}

static void count(void *arg, const struct tx_envelope *envelope, const struct tx_msg *msg)
{
    (void)envelope;
    (void)msg;
    ++*(size_t *)arg;
}

void fuzz_check_sent(const struct tx_envelope *from, enum tx_role to, const struct tx_msg *msg)
{
    struct tx_buf frame = {0};
    size_t received = 0;
    TX_ASSERT(tx_msg_allowed(msg->type, from->role, to));
    bool encoded = encode(from, msg, &frame);
    TX_ASSERT(encoded);
    fuzz_receive(tx_buf_view(&frame), count, &received);
    TX_ASSERT(received == 1);
    tx_buf_deinit(&frame);
}
