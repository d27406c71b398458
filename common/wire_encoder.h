/* The values and lists that the encoders of messages put into a frame in the making. What goes
 * wrong is remembered by the writer and looked at once, when the message is complete. */
#ifndef ASSENT_COMMON_WIRE_ENCODER_H
#define ASSENT_COMMON_WIRE_ENCODER_H

#include "common/wire_internal.h"

/* ---- values ---- */

void wire_put_u64(struct tx_frame_writer *w, uint64_t value);
void wire_put_i64(struct tx_frame_writer *w, int64_t value);
void wire_put_bool(struct tx_frame_writer *w, bool value);
void wire_put_bytes(struct tx_frame_writer *w, struct tx_bytes bytes);
void wire_put_string(struct tx_frame_writer *w, const char *string);
/* Words for people: rather cut than refused by the receiver, together with all else in
 * the frame. */
void wire_put_text(struct tx_frame_writer *w, struct tx_bytes text);
/* The head of an array. */
void wire_put_array(struct tx_frame_writer *w, size_t count);
void wire_put_id(struct tx_frame_writer *w, struct tx_id id);
void wire_put_age(struct tx_frame_writer *w, struct tx_age age);
void wire_put_token(struct tx_frame_writer *w, const struct tx_token *token);

/* ---- lists ---- */

/* Has all so far fitted into the frame? A list that does not is left off at once. */
bool wire_put_fits(const struct tx_frame_writer *w);
void wire_put_members(struct tx_frame_writer *w, const struct tx_member *members, size_t n);
void wire_put_ops(struct tx_frame_writer *w, const struct tx_op *ops, size_t n);
void wire_put_results(struct tx_frame_writer *w, const struct tx_result *results, size_t n);
void wire_put_position(struct tx_frame_writer *w, struct tx_position position);
void wire_put_positions(struct tx_frame_writer *w, const struct tx_position *positions, size_t n);

/* ---- messages: by type, NULL for one of the other file ---- */

void wire_put_only_id(struct tx_frame_writer *w, const struct tx_msg *msg);

typedef void wire_put_message(struct tx_frame_writer *w, const struct tx_msg *msg);
/* Between clients and daemons: wire_encode_client.c. */
extern wire_put_message *const wire_client_putters[TX_MSG_TYPES_N];
/* Between coordinators and participants: wire_encode_peer.c. */
extern wire_put_message *const wire_peer_putters[TX_MSG_TYPES_N];

#endif
