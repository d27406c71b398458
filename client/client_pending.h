/* Requests that wait for an answer: matched by their number, sent again when their time comes,
 * given up at their deadline; and the queues in which those stand that are to be sent. Pure: the
 * caller tells the time and does the sending. A request lies in its owner's memory and is found
 * by number and by time alike in as many steps as the logarithm of their count, or fewer.
 *
 *     added, and put into its channel's queue --> sent --> answered
 *                      ^                           | |
 *                      +---- a copy is due --------+ +--> given up
 *
 * Times are microseconds of one monotonic clock. */
#ifndef ASSENT_CLIENT_CLIENT_PENDING_H
#define ASSENT_CLIENT_CLIENT_PENDING_H

#include "common/msg.h"

#define CLIENT_NEVER UINT64_MAX
/* Intervals between two copies of a request double up to this. */
#define CLIENT_RESEND_MAX_US (5u * 1000u * 1000u)

struct client_channel;
struct client_request;

/* Called once, with the request out of the table. TX_OK: `answer` is the answer, borrowed for the
 * call. TX_EUNREACHABLE: never sent. TX_ETIMEOUT: sent, and not answered, or a timer's time. */
typedef void client_done(struct client_request *request, enum tx_error error,
                         const struct tx_msg *answer);

struct client_request {
    uint64_t req;
    enum tx_msg_type answer;        /* the type that answers it; ERROR does too */
    struct tx_id id;                /* of the transaction the answer must speak of; all zero: any */
    struct client_channel *channel; /* the daemon, opaque here; NULL: a timer, never sent */
    struct tx_buf message;          /* encoded; sent as it is, each time */
    size_t objects;                 /* of msgpack in it */
    uint64_t deadline_us;
    uint64_t connect_by_us; /* given up then when no copy has left */
    uint64_t interval_us;   /* until the copy after the next; 0: send once only */
    unsigned sent;
    client_done *done;
    void *arg;
    /* The table's own: */
    uint64_t send_at_us; /* the next copy; CLIENT_NEVER: none, or it stands in the queue */
    uint64_t due_us;     /* when to look at it */
    size_t place;        /* in the heap */
    bool added, queued;
    struct client_request *next, *previous; /* in its queue */
};

/* Requests to send, in their order. All zero is a valid empty queue. */
struct client_queue {
    struct client_request *first, *last;
};

/* All zero is a valid empty table. */
struct client_pending {
    struct client_request **slots; /* by number; open addressing */
    struct client_request **heap;  /* by due_us */
    size_t capacity; /* of both: a power of two, at least twice as many as there are */
    size_t n;
    uint64_t last_req;
};

/* The number for the next request. */
uint64_t client_pending_next_req(struct client_pending *pending);
/* Adds a request that is about to be queued (or a timer). TX_ENOMEM. */
enum tx_error client_pending_add(struct client_pending *pending,
                                 struct client_request *request) TX_MUST_CHECK;
/* Takes a request out, of its queue too if it is given: it may be NULL. */
void client_pending_remove(struct client_pending *pending, struct client_request *request,
                           struct client_queue *queue);
/* The request that this answer from this channel belongs to; NULL when there is none: a late or
 * foreign answer. It stays in the table. */
struct client_request *client_pending_answered(const struct client_pending *pending,
                                               const struct client_channel *channel,
                                               const struct tx_msg *answer);
/* A request whose time has come; NULL when there is none. `again`: its next copy is due, to be
 * queued; else it is to be given up, and taken out by the caller. */
struct client_request *client_pending_due(struct client_pending *pending, uint64_t now_us,
                                          bool *again);
/* Notes that a copy has left. */
void client_pending_sent(struct client_pending *pending, struct client_request *request,
                         uint64_t now_us);
/* When there is something to do next. CLIENT_NEVER for an empty table. */
uint64_t client_pending_next(const struct client_pending *pending);
/* One of them; NULL when there is none. */
struct client_request *client_pending_any(const struct client_pending *pending);
/* Does all agree? For tests. */
bool client_pending_check(const struct client_pending *pending);
/* Frees the table, which must be empty. */
void client_pending_deinit(struct client_pending *pending);

/* At the end; not while it stands there already. */
void client_queue_put(struct client_queue *queue, struct client_request *request);
void client_queue_remove(struct client_queue *queue, struct client_request *request);

#endif
