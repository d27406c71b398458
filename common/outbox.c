#include "common/outbox.h"

#include "common/assert.h"
#include "common/crash_point.h"

/* A box that has held a larger frame gives the memory back. */
#define KEEP_MAX ((size_t)64 * 1024)

enum tx_error outbox_add(struct outbox *box, const struct tx_envelope *envelope,
                         const struct tx_msg *msg, size_t frame_max)
{
    enum tx_error error;

    if (box->writer == NULL) {
        box->writer = tx_frame_writer_new(envelope);
        if (box->writer == NULL) {
            return TX_ENOMEM;
        }
    }
    error = tx_frame_writer_add(box->writer, msg, frame_max);
    if (error == TX_OK && crash_point_armed()) {
        tx_buf_u8(&box->types, (uint8_t)msg->type);
    }
    return error;
}

size_t outbox_count(const struct outbox *box)
{
    return box->writer == NULL ? 0 : tx_frame_writer_count(box->writer);
}

struct tx_bytes outbox_frame(struct outbox *box, uint64_t cut)
{
    TX_ASSERT(outbox_count(box) > 0);
    tx_frame_writer_set_cut(box->writer, cut);
    return tx_frame_writer_finish(box->writer);
}

void outbox_clear(struct outbox *box)
{
    tx_buf_clear(&box->types);
    if (box->writer == NULL) {
        return;
    }
    if (outbox_count(box) > 0 && tx_frame_writer_finish(box->writer).len > KEEP_MAX) {
        tx_frame_writer_destroy(&box->writer);
    } else {
        tx_frame_writer_clear(box->writer);
    }
}

void outbox_deinit(struct outbox *box)
{
    tx_buf_deinit(&box->types);
    if (box->writer != NULL) {
        tx_frame_writer_destroy(&box->writer);
    }
}

/* The slot that holds the client, or the free one where it belongs. */
static uint16_t *find_slot(struct outbox_clients *clients, uint64_t number)
{
    /* Routing ids count upwards; the multiplier (2^64 by the golden ratio) spreads them. */
    uint64_t at = (number * UINT64_C(0x9e3779b97f4a7c15)) >> 32;

    for (;; at++) {
        uint16_t *slot = &clients->slots[at & (OUTBOX_SLOTS - 1)];

        if (*slot == 0 || clients->numbers[*slot - 1] == number) {
            return slot;
        }
    }
}

struct outbox *outbox_clients_get(struct outbox_clients *clients, uint64_t number)
{
    uint16_t *slot = find_slot(clients, number);

    TX_ASSERT(number != 0);
    TX_ASSERT(clients->n <= OUTBOX_CLIENTS_MAX);
    if (*slot == 0) {
        if (clients->n == OUTBOX_CLIENTS_MAX) {
            return NULL;
        }
        clients->numbers[clients->n] = number;
        clients->n++;
        *slot = (uint16_t)clients->n;
    }
    return &clients->boxes[*slot - 1];
}

void outbox_clients_clear(struct outbox_clients *clients)
{
    /* Last in, first out: then no search runs into a gap that an earlier removal has left. */
    while (clients->n > 0) {
        TX_ASSERT(outbox_count(&clients->boxes[clients->n - 1]) == 0);
        *find_slot(clients, clients->numbers[clients->n - 1]) = 0;
        clients->n--;
    }
}

void outbox_clients_deinit(struct outbox_clients *clients)
{
    for (unsigned i = 0; i < OUTBOX_CLIENTS_MAX; i++) {
        outbox_deinit(&clients->boxes[i]);
    }
}
