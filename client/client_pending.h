/* Requests that wait for an answer: matched by their number, sent again when their time comes,
 * given up at their deadline. Pure: the caller tells the time and does the sending. The blocking
 * calls have one request at a time; nothing here depends on that.
 *
 * Times are microseconds of one monotonic clock. */
#ifndef ASSENT_CLIENT_CLIENT_PENDING_H
#define ASSENT_CLIENT_CLIENT_PENDING_H

#include "common/msg.h"

#define CLIENT_NEVER UINT64_MAX
/* Intervals between two copies of a request double up to this. */
#define CLIENT_RESEND_MAX_US (5u * 1000u * 1000u)

struct client_channel;

/* Called once, with the request out of the table. TX_OK: `answer` is the answer, borrowed for the
 * call. TX_EUNREACHABLE: never sent. TX_ETIMEOUT: sent, and not answered. `sent`: how many copies.
 */
typedef void client_done(void *arg, enum tx_error error, const struct tx_msg *answer,
                         unsigned sent);

struct client_request {
    uint64_t req;
    enum tx_msg_type answer;        /* the type that answers it; ERROR does too */
    struct tx_id id;                /* of the transaction the answer must speak of; all zero: any */
    struct client_channel *channel; /* the daemon; opaque here */
    struct tx_buf frame;            /* sent as it is, each time */
    uint64_t deadline_us;
    uint64_t connect_by_us; /* given up then when no copy has left */
    uint64_t send_at_us;    /* CLIENT_NEVER: not again */
    uint64_t interval_us;   /* until the copy after the next; 0: send once only */
    unsigned sent;
    client_done *done;
    void *arg;
};

/* The requests in ascending order of `req`. All zero is a valid empty table. */
struct client_pending {
    struct client_request **items;
    size_t n;
    size_t capacity;
    uint64_t last_req;
};

/* The number for the next request. */
uint64_t client_pending_next_req(struct client_pending *pending);
/* Adds a request whose number came from the call before. Takes the ownership of `*request` and sets
 * it to NULL on success. TX_ENOMEM. */
enum tx_error client_pending_add(struct client_pending *pending,
                                 struct client_request **request) TX_MUST_CHECK;
/* Takes the request out that this answer from this channel belongs to; NULL when there is none: a
 * late or foreign answer. The request is the caller's. */
struct client_request *client_pending_answered(struct client_pending *pending,
                                               const struct client_channel *channel,
                                               const struct tx_msg *answer);
/* Takes out one request whose deadline has come; NULL when there is none. The request is the
 * caller's. */
struct client_request *client_pending_expired(struct client_pending *pending, uint64_t now_us);
/* Notes that a copy has left. */
void client_request_sent(struct client_request *request, uint64_t now_us);
/* When there is something to do next: a deadline, or a copy to send whose time is still to come
 * (one whose time has come waits for its socket). CLIENT_NEVER for an empty table. */
uint64_t client_pending_next(const struct client_pending *pending, uint64_t now_us);

void client_request_destroy(struct client_request **request);
/* Frees what is left, without calling anybody. */
void client_pending_deinit(struct client_pending *pending);

#endif
