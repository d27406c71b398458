/* The table of requests that wait for an answer. */
#include "client/client_pending.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

uint64_t client_pending_next_req(struct client_pending *pending)
{
    return ++pending->last_req;
}

static enum tx_error pending_reserve(struct client_pending *pending)
{
    if (pending->n < pending->capacity) {
        return TX_OK;
    }
    size_t capacity = pending->capacity > 0 ? pending->capacity * 2 : 4;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    struct client_request **items = reallocarray(pending->items, capacity, sizeof *items);
    if (items == NULL) {
        return TX_ENOMEM;
    }
    pending->items = items;
    pending->capacity = capacity;
    return TX_OK;
}

enum tx_error client_pending_add(struct client_pending *pending, struct client_request **request)
{
    TX_ASSERT((*request)->req == pending->last_req);
    TX_ASSERT(pending->n == 0 || pending->items[pending->n - 1]->req < (*request)->req);
    enum tx_error error = pending_reserve(pending);
    if (error == TX_OK) {
        pending->items[pending->n++] = *request;
        *request = NULL;
    }
    return error;
}

/* The number of the request that a message answers; 0, which no request has, when it answers none.
 */
static uint64_t answer_req(const struct tx_msg *msg)
{
    /* A daemon may send a client nothing else; what it must not send is dropped before. */
    if (msg->type == TX_MSG_BEGUN) {
        return msg->begun.req;
    }
    if (msg->type == TX_MSG_OUTCOME) {
        return msg->outcome.req;
    }
    if (msg->type == TX_MSG_OPERATED) {
        return msg->operated.req;
    }
    if (msg->type == TX_MSG_STATUS) {
        return msg->status.req;
    }
    if (msg->type == TX_MSG_LOCKS) {
        return msg->locks.req;
    }
    return msg->type == TX_MSG_ERROR ? msg->error.req : 0;
}

static size_t pending_find(const struct client_pending *pending, uint64_t req)
{
    size_t low = 0;
    size_t high = pending->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pending->items[middle]->req < req) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct client_request *pending_take(struct client_pending *pending, size_t at)
{
    struct client_request *request = pending->items[at];
    pending->n--;
    memmove(&pending->items[at], &pending->items[at + 1],
            (pending->n - at) * sizeof(struct client_request *));
    return request;
}

static bool request_fits(const struct client_request *request, const struct client_channel *channel,
                         const struct tx_msg *answer)
{
    if (request->channel != channel) {
        return false;
    }
    if (answer->type == TX_MSG_ERROR) {
        return true;
    }
    return answer->type == request->answer &&
           (request->id.seq == 0 || tx_id_equal(request->id, tx_msg_tx(answer)));
}

struct client_request *client_pending_answered(struct client_pending *pending,
                                               const struct client_channel *channel,
                                               const struct tx_msg *answer)
{
    uint64_t req = answer_req(answer);
    size_t at = pending_find(pending, req);
    if (at == pending->n || pending->items[at]->req != req ||
        !request_fits(pending->items[at], channel, answer)) {
        return NULL;
    }
    return pending_take(pending, at);
}

/* A request that has never left does not wait for the answer's time. */
static uint64_t request_deadline(const struct client_request *request)
{
    bool connecting = request->sent == 0 && request->connect_by_us < request->deadline_us;
    return connecting ? request->connect_by_us : request->deadline_us;
}

struct client_request *client_pending_expired(struct client_pending *pending, uint64_t now_us)
{
    for (size_t i = 0; i < pending->n; i++) {
        if (request_deadline(pending->items[i]) <= now_us) {
            return pending_take(pending, i);
        }
    }
    return NULL;
}

void client_request_sent(struct client_request *request, uint64_t now_us)
{
    request->sent++;
    if (request->interval_us == 0) {
        request->send_at_us = CLIENT_NEVER;
        return;
    }
    request->send_at_us = now_us + request->interval_us;
    uint64_t doubled = request->interval_us * 2;
    if (doubled <= CLIENT_RESEND_MAX_US) {
        request->interval_us = doubled;
    }
}

uint64_t client_pending_next(const struct client_pending *pending, uint64_t now_us)
{
    uint64_t next = CLIENT_NEVER;
    for (size_t i = 0; i < pending->n; i++) {
        const struct client_request *request = pending->items[i];
        uint64_t deadline_us = request_deadline(request);
        next = deadline_us < next ? deadline_us : next;
        if (request->send_at_us > now_us && request->send_at_us < next) {
            next = request->send_at_us;
        }
    }
    return next;
}

void client_request_destroy(struct client_request **request)
{
    if (*request != NULL) {
        tx_buf_deinit(&(*request)->frame);
        free(*request);
        *request = NULL;
    }
}

void client_pending_deinit(struct client_pending *pending)
{
    for (size_t i = 0; i < pending->n; i++) {
        client_request_destroy(&pending->items[i]);
    }
    free(pending->items);
    *pending = (struct client_pending){0};
}
