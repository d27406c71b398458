/* The range of a scan: from the caller's bounds and prefix to the two ends that travel; and the
 * rows that come back, held against it. Pure. */
#ifndef ASSENT_CLIENT_CLIENT_RANGE_H
#define ASSENT_CLIENT_CLIENT_RANGE_H

#include "client/txclient.h"
#include "common/op.h"

/* Where ends that have to be made are kept. */
struct client_range_room {
    uint8_t from[TX_BOUND_MAX];
    uint8_t to[TX_BOUND_MAX];
};

/* Fills type, participant, space and both ends of a SCAN. The ends are the caller's bytes or lie in
 * `room`. TX_EINVAL, TX_ELIMIT with a text; whether the range is empty is for tx_op_validate() to
 * say. */
enum tx_error client_range_fill(struct tx_op *op, const txclient_range *range,
                                struct client_range_room *room, struct tx_why *why) TX_MUST_CHECK;

/* Makes the range of a SCAN what is left of it behind a row, in its direction. The new end lies in
 * `room`, or is the row's key. False: nothing can be left, and the ends of `op` must
 * not be used any more. */
bool client_range_advance(struct tx_op *op, struct tx_bytes last_key,
                          struct client_range_room *room);

/* Are these the rows of this SCAN? In its range and its order, each once, no more than its limit,
 * and at least one when there is said to be more. `last`: the key of the last one, empty for none;
 * it borrows from the result. */
bool client_rows_fit(const struct tx_op *op, const struct tx_result *result, struct tx_bytes *last);

#endif
