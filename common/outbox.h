/* Messages that wait for the flush: one frame under way for one receiver, and a bounded table of
 * such boxes for clients. Knows frames, not sockets. */
#ifndef ASSENT_COMMON_OUTBOX_H
#define ASSENT_COMMON_OUTBOX_H

#include "common/wire.h"

/* All zero is a valid empty box. */
struct outbox {
    struct tx_frame_writer *writer; /* NULL until the first message */
    struct tx_buf types;            /* of the messages, a byte each; kept only for crash points */
};

/* Appends. TX_ELIMIT when it does not fit any more (send what is there and try again) or, when the
 * box is empty, never will; TX_ENOMEM. */
enum tx_error outbox_add(struct outbox *box, const struct tx_envelope *envelope,
                         const struct tx_msg *msg, size_t frame_max) TX_MUST_CHECK;
size_t outbox_count(const struct outbox *box);
/* The frame, which carries `cut` (struct tx_envelope), borrowed until the next call on this box. */
struct tx_bytes outbox_frame(struct outbox *box, uint64_t cut);
/* After the frame is sent or dropped. Gives large memory back. */
void outbox_clear(struct outbox *box);
void outbox_deinit(struct outbox *box);

#define OUTBOX_CLIENTS_MAX 512u
#define OUTBOX_SLOTS       1024u /* a power of two, at least twice OUTBOX_CLIENTS_MAX */

/* Boxes by client number; those with messages are the first `n`. All zero is a valid
 * empty table. */
struct outbox_clients {
    struct outbox boxes[OUTBOX_CLIENTS_MAX];
    uint64_t numbers[OUTBOX_CLIENTS_MAX];
    uint16_t slots[OUTBOX_SLOTS]; /* open addressing; 1 + index, 0 is free */
    unsigned n;
};

/* The client's box; NULL when it has none and the table is full (flush first). `number` is
 * not 0. */
struct outbox *outbox_clients_get(struct outbox_clients *clients, uint64_t number);
/* Forgets every client. Call when the boxes are empty. */
void outbox_clients_clear(struct outbox_clients *clients);
void outbox_clients_deinit(struct outbox_clients *clients);

#endif
