/* The table of requests that wait for an answer. */
#include "client/client_pending.h"

#include "common/assert.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 16u

uint64_t client_pending_next_req(struct client_pending *pending)
{
    return ++pending->last_req;
}

/* ---- by number ---- */

/* Numbers count upwards, so that their low bits spread them evenly. */
static size_t slot_of(const struct client_pending *pending, uint64_t req)
{
    size_t mask = pending->capacity - 1;
    size_t at = (size_t)req & mask;
    while (pending->slots[at] != NULL && pending->slots[at]->req != req) {
        at = (at + 1) & mask;
    }
    return at;
}

/* Leaves no gap that a search for one behind it would stop at. */
static void slot_clear(struct client_pending *pending, size_t at)
{
    size_t mask = pending->capacity - 1;
    size_t gap = at;
    pending->slots[gap] = NULL;
    for (at = (at + 1) & mask; pending->slots[at] != NULL; at = (at + 1) & mask) {
        size_t home = (size_t)pending->slots[at]->req & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            pending->slots[gap] = pending->slots[at];
            pending->slots[at] = NULL;
            gap = at;
        }
    }
}

/* ---- by time ---- */

static void heap_set(struct client_pending *pending, size_t at, struct client_request *request)
{
    pending->heap[at] = request;
    request->place = at;
}

static void heap_up(struct client_pending *pending, size_t at)
{
    struct client_request *request = pending->heap[at];
    while (at > 0 && pending->heap[(at - 1) / 2]->due_us > request->due_us) {
        heap_set(pending, at, pending->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_set(pending, at, request);
}

static void heap_down(struct client_pending *pending, size_t at)
{
    struct client_request *request = pending->heap[at];
    for (size_t child = 2 * at + 1; child < pending->n; child = 2 * at + 1) {
        if (child + 1 < pending->n &&
            pending->heap[child + 1]->due_us < pending->heap[child]->due_us) {
            child++;
        }
        if (pending->heap[child]->due_us >= request->due_us) {
            break;
        }
        heap_set(pending, at, pending->heap[child]);
        at = child;
    }
    heap_set(pending, at, request);
}

/* A request that has never left does not wait for the answer's time. */
static uint64_t due_of(const struct client_request *request)
{
    uint64_t due_us = request->deadline_us;
    if (request->channel != NULL && request->sent == 0 && request->connect_by_us < due_us) {
        due_us = request->connect_by_us;
    }
    return request->send_at_us < due_us ? request->send_at_us : due_us;
}

static void heap_move(struct client_pending *pending, struct client_request *request)
{
    request->due_us = due_of(request);
    heap_up(pending, request->place);
    heap_down(pending, request->place);
}

/* ---- the table ---- */

static enum tx_error reserve(struct client_pending *pending)
{
    if (2 * (pending->n + 1) <= pending->capacity) {
        return TX_OK;
    }
    size_t capacity = pending->capacity > 0 ? 2 * pending->capacity : CAPACITY_MIN;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    struct client_request **heap = reallocarray(pending->heap, capacity, sizeof *heap);
    if (heap == NULL) {
        return TX_ENOMEM;
    }
    pending->heap = heap;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    struct client_request **slots = calloc(capacity, sizeof *slots);
    if (slots == NULL) {
        return TX_ENOMEM;
    }
    free(pending->slots);
    pending->slots = slots;
    pending->capacity = capacity;
    for (size_t i = 0; i < pending->n; i++) {
        slots[slot_of(pending, pending->heap[i]->req)] = pending->heap[i];
    }
    return TX_OK;
}

enum tx_error client_pending_add(struct client_pending *pending, struct client_request *request)
{
    TX_ASSERT(!request->added && !request->queued);
    TX_ASSERT(request->req > 0 && request->req <= pending->last_req);
    enum tx_error error = reserve(pending);
    if (error != TX_OK) {
        return error;
    }
    size_t slot = slot_of(pending, request->req);
    TX_ASSERT(pending->slots[slot] == NULL);
    pending->slots[slot] = request;
    request->send_at_us = CLIENT_NEVER;
    request->due_us = due_of(request);
    request->added = true;
    heap_set(pending, pending->n++, request);
    heap_up(pending, request->place);
    return TX_OK;
}

void client_pending_remove(struct client_pending *pending, struct client_request *request,
                           struct client_queue *queue)
{
    TX_ASSERT(request->added);
    TX_ASSERT(pending->heap[request->place] == request);
    slot_clear(pending, slot_of(pending, request->req));
    size_t place = request->place;
    struct client_request *last = pending->heap[--pending->n];
    if (last != request) {
        heap_set(pending, place, last);
        heap_up(pending, last->place);
        heap_down(pending, last->place);
    }
    request->added = false;
    if (request->queued) {
        TX_ASSERT(queue != NULL);
        client_queue_remove(queue, request);
    }
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
    if (msg->type == TX_MSG_CUT) {
        return msg->cut.req;
    }
    if (msg->type == TX_MSG_TXS) {
        return msg->txs.req;
    }
    if (msg->type == TX_MSG_ALARMS) {
        return msg->alarms.req;
    }

    if (msg->type == TX_MSG_BACKUP) {
        return msg->backup.req;
    }
    return msg->type == TX_MSG_ERROR ? msg->error.req : 0;
}

static bool request_fits(const struct client_request *request, const struct client_channel *channel,
                         const struct tx_msg *answer)
{
    if (channel == NULL || request->channel != channel) {
        return false;
    }
    if (answer->type == TX_MSG_ERROR) {
        return true;
    }
    return answer->type == request->answer &&
           (request->id.seq == 0 || tx_id_equal(request->id, tx_msg_tx(answer)));
}

struct client_request *client_pending_answered(const struct client_pending *pending,
                                               const struct client_channel *channel,
                                               const struct tx_msg *answer)
{
    uint64_t req = answer_req(answer);
    if (req == 0 || pending->n == 0) {
        return NULL;
    }
    struct client_request *request = pending->slots[slot_of(pending, req)];
    return request != NULL && request_fits(request, channel, answer) ? request : NULL;
}

struct client_request *client_pending_due(struct client_pending *pending, uint64_t now_us,
                                          bool *again)
{
    *again = false;
    if (pending->n == 0 || pending->heap[0]->due_us > now_us) {
        return NULL;
    }
    struct client_request *request = pending->heap[0];
    uint64_t send_at_us = request->send_at_us;
    request->send_at_us = CLIENT_NEVER;
    if (due_of(request) > now_us) {
        TX_ASSERT(send_at_us <= now_us);
        heap_move(pending, request);
        *again = true;
    }
    return request;
}

void client_pending_sent(struct client_pending *pending, struct client_request *request,
                         uint64_t now_us)
{
    TX_ASSERT(request->added && request->channel != NULL);
    request->sent++;
    request->send_at_us = CLIENT_NEVER;
    if (request->interval_us > 0) {
        request->send_at_us = now_us + request->interval_us;
        uint64_t doubled = request->interval_us * 2;
        request->interval_us = doubled <= CLIENT_RESEND_MAX_US ? doubled : request->interval_us;
    }
    heap_move(pending, request);
}

uint64_t client_pending_next(const struct client_pending *pending)
{
    return pending->n > 0 ? pending->heap[0]->due_us : CLIENT_NEVER;
}

struct client_request *client_pending_any(const struct client_pending *pending)
{
    return pending->n > 0 ? pending->heap[0] : NULL;
}

bool client_pending_check(const struct client_pending *pending)
{
    bool holds = pending->capacity == 0 || 2 * pending->n <= pending->capacity;
    for (size_t i = 0; holds && i < pending->n; i++) {
        const struct client_request *request = pending->heap[i];
        holds = request->added && request->place == i && request->due_us == due_of(request) &&
                pending->slots[slot_of(pending, request->req)] == request &&
                (i == 0 || pending->heap[(i - 1) / 2]->due_us <= request->due_us);
    }
    return holds;
}

void client_pending_deinit(struct client_pending *pending)
{
    TX_ASSERT(pending->n == 0);
    free((void *)pending->slots);
    free((void *)pending->heap);
    *pending = (struct client_pending){0};
}

/* ---- queues ---- */

void client_queue_put(struct client_queue *queue, struct client_request *request)
{
    TX_ASSERT(!request->queued);
    request->queued = true;
    request->next = NULL;
    request->previous = queue->last;
    if (queue->last != NULL) {
        queue->last->next = request;
    } else {
        queue->first = request;
    }
    queue->last = request;
}

void client_queue_remove(struct client_queue *queue, struct client_request *request)
{
    TX_ASSERT(request->queued);
    *(request->previous != NULL ? &request->previous->next : &queue->first) = request->next;
    *(request->next != NULL ? &request->next->previous : &queue->last) = request->previous;
    request->queued = false;
}
