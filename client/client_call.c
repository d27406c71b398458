/* Threads and their turns: who sends, receives and waits for all of a handle, and who waits for
 * that one. */
#include "client/client_shell.h"

#include "common/assert.h"

#include <stdlib.h>
#include <time.h>

/* ---- the threads of a handle ---- */

static struct client_thread **bucket_of(struct txclient *client, pthread_t self)
{
    /* An address; those of stacks differ in the bits above a page's. 2^64 by the golden ratio. */
    uint64_t mixed = (uint64_t)(uintptr_t)self * UINT64_C(0x9e3779b97f4a7c15);
    return &client->threads[(mixed >> 32) % CLIENT_THREAD_BUCKETS];
}

static struct client_thread *thread_find(struct txclient *client, pthread_t self)
{
    struct client_thread *thread = *bucket_of(client, self);
    while (thread != NULL && pthread_equal(thread->self, self) == 0) {
        thread = thread->next;
    }
    return thread;
}

static bool wake_init(pthread_cond_t *wake)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(wake, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return made;
}

static struct client_thread *thread_new(struct txclient *client, pthread_t self)
{
    struct client_thread *thread = calloc(1, sizeof *thread);
    if (thread == NULL || !wake_init(&thread->wake)) {
        free(thread);
        return NULL;
    }
    struct client_thread **bucket = bucket_of(client, self);
    thread->self = self;
    client_detail_init(&thread->detail);
    thread->next = *bucket;
    *bucket = thread;
    return thread;
}

void client_threads_free(struct txclient *client)
{
    for (size_t i = 0; i < CLIENT_THREAD_BUCKETS; i++) {
        while (client->threads[i] != NULL) {
            struct client_thread *thread = client->threads[i];
            client->threads[i] = thread->next;
            (void)pthread_cond_destroy(&thread->wake);
            client_detail_deinit(&thread->detail);
            tx_arena_deinit(&thread->values);
            free(thread);
        }
    }
}

void client_lock(struct txclient *client)
{
    (void)pthread_mutex_lock(&client->lock);
}

void client_unlock(struct txclient *client)
{
    /* Whoever is woken wants the lock first of all, so it is released before. The threads' memory
     * stays as long as the handle. */
    struct client_thread *woken[CLIENT_WOKEN_MAX];
    size_t woken_n = client->woken_n;
    for (size_t i = 0; i < woken_n; i++) {
        woken[i] = client->woken[i];
    }
    client->woken_n = 0;
    (void)pthread_mutex_unlock(&client->lock);
    for (size_t i = 0; i < woken_n; i++) {
        (void)pthread_cond_signal(&woken[i]->wake);
    }
}

struct client_thread *client_enter(struct txclient *client)
{
    client_lock(client);
    struct client_thread *thread = thread_find(client, pthread_self());
    if (thread == NULL) {
        thread = thread_new(client, pthread_self());
    }
    if (thread == NULL) {
        client_unlock(client);
        return NULL;
    }
    client_detail_clear(&thread->detail);
    return thread;
}

struct client_thread *client_thread_self(struct txclient *client)
{
    return thread_find(client, pthread_self());
}

const txclient_detail_data *txclient_detail(const txclient *handle)
{
    static const txclient_detail_data nothing = {.participant = "", .text = "", .reference = ""};
    txclient *client = (txclient *)(uintptr_t)handle;
    client_lock(client);
    struct client_thread *thread = thread_find(client, pthread_self());
    client_unlock(client);
    return thread != NULL ? &thread->detail.shown : &nothing;
}

/* ---- sending ---- */

/* As many acknowledgements as fit. */
static size_t add_acks(struct txclient *client)
{
    size_t n = 0;
    while (n < client->acks.n) {
        struct tx_msg ack = {.type = TX_MSG_OUTCOME_ACK, .id = {client->acks.ids[n]}};
        if (tx_frame_writer_add(client->frame, &ack, client->settings.message_max) != TX_OK) {
            break;
        }
        n++;
    }
    return n;
}

static bool add_request(struct txclient *client, const struct client_request *request)
{
    struct tx_encoded message = {tx_buf_view(&request->message), request->objects};
    return tx_frame_writer_add_encoded(client->frame, message, client->settings.message_max) ==
           TX_OK;
}

/* Everything that is queued for a daemon leaves in one frame, if it fits. True: there is more. */
static bool send_frame(struct txclient *client, struct client_channel *channel, uint64_t now_us)
{
    tx_frame_writer_clear(client->frame);
    const struct client_request *end = channel->queue.first;
    while (end != NULL && add_request(client, end)) {
        end = end->next;
    }
    if (end == channel->queue.first) {
        return false; /* no memory; a request by itself fits: that was seen when it was made */
    }
    size_t acks = channel == client->coordinator ? add_acks(client) : 0;
    if (client_channel_send(channel, tx_frame_writer_finish(client->frame)) != TX_OK) {
        return false;
    }
    client_acks_drop(&client->acks, acks);
    while (channel->queue.first != end) {
        struct client_request *request = channel->queue.first;
        client_queue_remove(&channel->queue, request);
        client_pending_sent(&client->pending, request, now_us);
    }
    return channel->queue.first != NULL;
}

void client_send_queued(struct txclient *client)
{
    uint64_t now_us = client_now_us();
    for (size_t i = 0; i < client->channels_n; i++) {
        struct client_channel *channel = client->channels[i];
        while (channel->queue.first != NULL && !channel->blocked &&
               send_frame(client, channel, now_us)) {
        }
    }
}

/* ---- what has come ---- */

static void request_over(struct txclient *client, struct client_request *request,
                         enum tx_error error, const struct tx_msg *answer)
{
    struct client_queue *queue = request->channel != NULL ? &request->channel->queue : NULL;
    client_pending_remove(&client->pending, request, queue);
    request->done(request, error, answer);
}

static void take_answer(struct txclient *client, struct client_channel *channel,
                        const struct tx_msg *msg)
{
    struct client_request *request = client_pending_answered(&client->pending, channel, msg);
    if (request != NULL) {
        request_over(client, request, TX_OK, msg);
    }
}

static enum tx_error unanswered(const struct client_request *request)
{
    return request->sent > 0 || request->channel == NULL ? TX_ETIMEOUT : TX_EUNREACHABLE;
}

static void take_time(struct txclient *client)
{
    uint64_t now_us = client_now_us();
    struct client_request *request;
    bool again;
    while ((request = client_pending_due(&client->pending, now_us, &again)) != NULL) {
        if (!again) {
            request_over(client, request, unanswered(request), NULL);
        } else if (!request->queued) {
            client_queue_put(&request->channel->queue, request);
        }
    }
}

void client_give_up(struct txclient *client)
{
    struct client_request *request;
    while ((request = client_pending_any(&client->pending)) != NULL) {
        request_over(client, request, unanswered(request), NULL);
    }
}

/* ---- turns ---- */

/* Is there something to do without waiting for it? */
static bool busy(const struct txclient *client)
{
    bool more = client->kicked;
    for (size_t i = 0; i < client->channels_n && !more; i++) {
        const struct client_channel *channel = client->channels[i];
        more = channel->check || (channel->queue.first != NULL && !channel->blocked);
    }
    return more;
}

void client_pump(struct txclient *client, uint64_t until_us)
{
    TX_ASSERT(client->led);
    client_send_queued(client);
    bool taken = client_channels_receive(client, take_answer);
    if (!taken) {
        uint64_t next_us = client_pending_next(&client->pending);
        next_us = next_us < until_us ? next_us : until_us;
        client_channels_wait(client, busy(client) ? 0 : next_us);
        (void)client_channels_receive(client, take_answer);
    }
    take_time(client);
}

void client_wake(struct txclient *client, struct client_thread *thread)
{
    if (!thread->following) {
        return; /* it is awake, and looks before it sleeps */
    }
    if (client->woken_n == CLIENT_WOKEN_MAX) {
        (void)pthread_cond_signal(&thread->wake);
        return;
    }
    client->woken[client->woken_n++] = thread;
}

/* May return for no reason: the caller looks again. */
void client_follow(struct txclient *client, struct client_thread *self, uint64_t until_us)
{
    if (client->woken_n > 0) { /* whoever waits here must not keep others from being woken */
        client_unlock(client);
        client_lock(client);
        return;
    }
    self->following = true;
    self->previous_follower = NULL;
    self->next_follower = client->followers;
    if (self->next_follower != NULL) {
        self->next_follower->previous_follower = self;
    }
    client->followers = self;
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000u),
                             .tv_nsec = (long)(until_us % 1000000u) * 1000};
    if (until_us == CLIENT_NEVER) {
        (void)pthread_cond_wait(&self->wake, &client->lock);
    } else {
        (void)pthread_cond_timedwait(&self->wake, &client->lock, &until);
    }
    *(self->previous_follower != NULL ? &self->previous_follower->next_follower
                                      : &client->followers) = self->next_follower;
    if (self->next_follower != NULL) {
        self->next_follower->previous_follower = self->previous_follower;
    }
    self->following = false;
}

void client_hand_over(struct txclient *client)
{
    if (client->led) {
        return;
    }
    if (client->followers != NULL) {
        client_wake(client, client->followers);
    } else if (client->polled && client->in_flight > 0) {
        client_channels_settle(client);
    }
}
