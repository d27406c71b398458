/* The sockets of a handle: plain ZeroMQ in a context of its own. */
#include "client/client_shell.h"

#include "common/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <zmq.h>

#define CHANNELS_MAX         512u
#define HIGH_WATER           1000
#define LINGER_MS            1000
#define RECONNECT_MS         50
#define RECONNECT_MAX_MS     1000
#define HEARTBEAT_MS         1000
#define HEARTBEAT_TIMEOUT_MS 3000
#define HANDSHAKE_MS         5000

uint64_t client_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

enum tx_error client_random(void *out, size_t len)
{
    uint8_t *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno != EINTR) {
            return TX_EIO;
        }
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
    return TX_OK;
}

void client_sleep_us(uint64_t us)
{
    struct timespec left = {.tv_sec = (time_t)(us / 1000000u),
                            .tv_nsec = (long)(us % 1000000u) * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
}

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* IMMEDIATE is what makes "nothing was sent" a fact: a frame is queued for a finished connection
 * only, so that it can neither wait for a daemon that comes back nor reach a restarted one by
 * surprise. */
static bool set_options(void *socket, uint64_t message_max)
{
    int64_t frame_max = (int64_t)message_max;
    return set_int(socket, ZMQ_IMMEDIATE, 1) && set_int(socket, ZMQ_LINGER, LINGER_MS) &&
           set_int(socket, ZMQ_SNDHWM, HIGH_WATER) && set_int(socket, ZMQ_RCVHWM, HIGH_WATER) &&
           set_int(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
           set_int(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) &&
           set_int(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) &&
           set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
           set_int(socket, ZMQ_HEARTBEAT_TTL, HEARTBEAT_TIMEOUT_MS) &&
           set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) && set_int(socket, ZMQ_IPV6, 1) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0;
}

static enum tx_error channel_connect(struct txclient *client, struct client_channel *channel,
                                     struct tx_why *why)
{
    channel->socket = zmq_socket(client->context, ZMQ_DEALER);
    if (channel->socket == NULL || !set_options(channel->socket, client->settings.message_max)) {
        enum tx_error error = errno == ENOMEM ? TX_ENOMEM : TX_EIO;
        return tx_why(why, error, "cannot make a socket: %s", zmq_strerror(errno));
    }
    if (zmq_connect(channel->socket, channel->address.s) != 0) {
        char shown[TX_ADDRESS_MAX + 1];
        return tx_why(why, TX_EADDRESS, "cannot use the address \"%s\": %s",
                      tx_bytes_print(tx_bytes_str(channel->address.s), shown, sizeof shown),
                      zmq_strerror(errno));
    }
    return TX_OK;
}

static void channel_destroy(struct client_channel **channel)
{
    if (*channel != NULL) {
        if ((*channel)->socket != NULL) {
            (void)zmq_close((*channel)->socket);
        }
        free(*channel);
        *channel = NULL;
    }
}

/* Room for one more channel, and for polling it. */
static enum tx_error channels_reserve(struct txclient *client)
{
    struct client_channel **channels =
        reallocarray(client->channels, client->channels_n + 1, sizeof(struct client_channel *));
    if (channels == NULL) {
        return TX_ENOMEM;
    }
    client->channels = channels;
    void *items = reallocarray(client->poll_items, client->channels_n + 1, sizeof(zmq_pollitem_t));
    if (items == NULL) {
        return TX_ENOMEM;
    }
    client->poll_items = items;
    return TX_OK;
}

static enum tx_error channel_open(struct txclient *client, const struct tx_address *address,
                                  struct client_channel **out, struct tx_why *why)
{
    if (client->channels_n == CHANNELS_MAX) {
        return tx_why(why, TX_ELIMIT, "a handle talks to at most %u daemons", CHANNELS_MAX);
    }
    if (strncmp(address->s, "tcp://", 6) != 0 && strncmp(address->s, "ipc://", 6) != 0) {
        char shown[TX_ADDRESS_MAX + 1];
        return tx_why(why, TX_EADDRESS, "\"%s\" is no address; one begins with tcp:// or ipc://",
                      tx_bytes_print(tx_bytes_str(address->s), shown, sizeof shown));
    }
    enum tx_error error = channels_reserve(client);
    struct client_channel *channel = error == TX_OK ? calloc(1, sizeof *channel) : NULL;
    if (channel == NULL) {
        return tx_why(why, TX_ENOMEM, "out of memory");
    }
    channel->address = *address;
    error = channel_connect(client, channel, why);
    if (error != TX_OK) {
        channel_destroy(&channel);
        return error;
    }
    client->channels[client->channels_n++] = channel;
    *out = channel;
    return TX_OK;
}

enum tx_error client_channel_get(struct txclient *client, const struct tx_address *address,
                                 struct client_channel **channel, struct tx_why *why)
{
    for (size_t i = 0; i < client->channels_n; i++) {
        if (strcmp(client->channels[i]->address.s, address->s) == 0) {
            *channel = client->channels[i];
            return TX_OK;
        }
    }
    return channel_open(client, address, channel, why);
}

enum tx_error client_channels_open(struct txclient *client, struct tx_why *why)
{
    client->context = zmq_ctx_new();
    if (client->context == NULL) {
        return tx_why(why, errno == ENOMEM ? TX_ENOMEM : TX_EIO, "cannot start ZeroMQ: %s",
                      zmq_strerror(errno));
    }
    return TX_OK;
}

void client_channels_close(struct txclient *client)
{
    for (size_t i = 0; i < client->channels_n; i++) {
        channel_destroy(&client->channels[i]);
    }
    free(client->channels);
    free(client->poll_items);
    client->channels = NULL;
    client->poll_items = NULL;
    client->channels_n = 0;
    while (client->context != NULL && zmq_ctx_term(client->context) != 0 && errno == EINTR) {
    }
    client->context = NULL;
}

enum tx_error client_channel_send(struct client_channel *channel, struct tx_bytes frame)
{
    int sent;
    do {
        sent = zmq_send(channel->socket, frame.data, frame.len, ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    channel->blocked = sent < 0;
    return sent < 0 ? TX_EBUSY : TX_OK;
}

/* Milliseconds from now until then, rounded up, so that waking never comes too early. */
static long wait_ms(uint64_t until_us)
{
    uint64_t now_us = client_now_us();
    if (until_us <= now_us) {
        return 0;
    }
    uint64_t ms = (until_us - now_us + CLIENT_MS - 1) / CLIENT_MS;
    return ms < 60000 ? (long)ms : 60000;
}

void client_channels_wait(struct txclient *client, uint64_t until_us)
{
    zmq_pollitem_t *items = client->poll_items;
    TX_ASSERT(client->channels_n > 0);
    for (size_t i = 0; i < client->channels_n; i++) {
        const struct client_channel *channel = client->channels[i];
        items[i] =
            (zmq_pollitem_t){.socket = channel->socket,
                             .events = (short)(ZMQ_POLLIN | (channel->blocked ? ZMQ_POLLOUT : 0))};
    }
    /* A signal ends the wait early, and the caller looks at its clock and waits again. */
    (void)zmq_poll(items, (int)client->channels_n, wait_ms(until_us));
}

/* Is this a frame that the daemon may send us? Notes why not. */
static bool decode(struct txclient *client, zmq_msg_t *body, struct tx_frame *frame)
{
    struct tx_bytes bytes = tx_bytes(zmq_msg_data(body), zmq_msg_size(body));
    tx_arena_reset(&client->received);
    if (tx_frame_decode(bytes, client->settings.message_max, &client->received, frame,
                        &client->unreadable) != TX_OK) {
        return false;
    }
    if (strcmp(frame->envelope.cluster, client->envelope.cluster) != 0) {
        (void)tx_why(&client->unreadable, TX_ECLUSTER,
                     "the daemon belongs to the cluster \"%s\", not \"%s\"",
                     frame->envelope.cluster, client->envelope.cluster);
        return false;
    }
    return true;
}

void client_channel_receive(struct txclient *client, struct client_channel *channel,
                            void (*take)(struct txclient *client, struct client_channel *channel,
                                         const struct tx_msg *msg))
{
    zmq_msg_t part;
    (void)zmq_msg_init(&part);
    for (;;) {
        struct tx_frame frame;
        int got = zmq_msg_recv(&part, channel->socket, ZMQ_DONTWAIT);
        if (got < 0 && errno != EINTR) {
            break;
        }
        if (got < 0 || !decode(client, &part, &frame)) {
            continue;
        }
        for (size_t i = 0; i < frame.messages_n; i++) {
            const struct tx_msg *msg = &frame.messages[i];
            if (tx_msg_allowed(msg->type, frame.envelope.role, TX_ROLE_CLIENT)) {
                take(client, channel, msg);
            }
        }
    }
    (void)zmq_msg_close(&part);
}
