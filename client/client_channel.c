/* The sockets of a handle: plain ZeroMQ in a context of its own. */
#include "client/client_shell.h"

#include "common/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define CHANNELS_MAX         512u
#define HIGH_WATER           1000
#define LINGER_MS            1000
#define RECONNECT_MS         50
#define RECONNECT_MAX_MS     1000
#define HEARTBEAT_MS         1000
#define HEARTBEAT_TIMEOUT_MS 3000
#define HANDSHAKE_MS         5000
#define EVENTS_MAX           16
#define FRAMES_MAX           64 /* taken from a channel before the others have their turn */

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
 * surprise. Its price: what has arrived and has not been read when the connection ends is lost
 * (libzmq then ends the pipe from the reader's side, 4.3.4), so that a daemon's last answers may
 * have to be asked for again. */
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

/* Room for one more channel. */
static enum tx_error channels_reserve(struct txclient *client)
{
    struct client_channel **channels = reallocarray(
        (void *)client->channels, client->channels_n + 1, sizeof(struct client_channel *));
    if (channels == NULL) {
        return TX_ENOMEM;
    }
    client->channels = channels;
    return TX_OK;
}

/* The socket's own descriptor becomes readable when its state may have changed, and says so once:
 * from then on the socket must be asked until it has nothing more (`check`). */
static enum tx_error channel_watch(struct txclient *client, struct client_channel *channel,
                                   struct tx_why *why)
{
    int fd = -1;
    size_t size = sizeof fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = channel};
    if (zmq_getsockopt(channel->socket, ZMQ_FD, &fd, &size) != 0 ||
        epoll_ctl(client->poll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        return tx_why(why, TX_EIO, "cannot wait for %s: %s", channel->address.s,
                      zmq_strerror(errno));
    }
    channel->check = true;
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
    if (error == TX_OK) {
        error = channel_watch(client, channel, why);
    }
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

static bool watch(struct txclient *client, int *fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    return *fd >= 0 && epoll_ctl(client->poll_fd, EPOLL_CTL_ADD, *fd, &event) == 0;
}

enum tx_error client_channels_open(struct txclient *client, struct tx_why *why)
{
    client->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    client->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    client->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (client->poll_fd < 0 || !watch(client, &client->kick_fd) ||
        !watch(client, &client->timer_fd)) {
        return tx_why(why, TX_EIO, "cannot make a descriptor: %s", strerrordesc_np(errno));
    }
    client->context = zmq_ctx_new();
    if (client->context == NULL) {
        return tx_why(why, errno == ENOMEM ? TX_ENOMEM : TX_EIO, "cannot start ZeroMQ: %s",
                      zmq_strerror(errno));
    }
    return TX_OK;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

void client_channels_close(struct txclient *client)
{
    for (size_t i = 0; i < client->channels_n; i++) {
        channel_destroy(&client->channels[i]);
    }
    free((void *)client->channels);
    client->channels = NULL;
    client->channels_n = 0;
    while (client->context != NULL && zmq_ctx_term(client->context) != 0 && errno == EINTR) {
    }
    client->context = NULL;
    close_fd(&client->timer_fd);
    close_fd(&client->kick_fd);
    close_fd(&client->poll_fd);
}

enum tx_error client_channel_send(struct client_channel *channel, struct tx_bytes frame)
{
    int sent;
    do {
        sent = zmq_send(channel->socket, frame.data, frame.len, ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    channel->blocked = sent < 0;
    channel->check = true; /* sending may have seen what the descriptor then says no more */
    return sent < 0 ? TX_EBUSY : TX_OK;
}

/* ---- waiting ---- */

/* Milliseconds from now until then, rounded up, so that waking never comes too early. */
static int wait_ms(uint64_t until_us)
{
    uint64_t now_us = client_now_us();
    if (until_us <= now_us) {
        return 0;
    }
    uint64_t ms = (until_us - now_us + CLIENT_MS - 1) / CLIENT_MS;
    return ms < 60000 ? (int)ms : 60000;
}

void client_kick(struct txclient *client)
{
    static const uint64_t one = 1;
    if (!client->kicked) {
        client->kicked = true;
        ssize_t written = write(client->kick_fd, &one, sizeof one);
        TX_ASSERT(written == sizeof one);
    }
}

/* What has woken somebody has done its work. */
static void take_kick(struct txclient *client)
{
    uint64_t count;
    if (client->kicked) {
        ssize_t got = read(client->kick_fd, &count, sizeof count);
        TX_ASSERT(got == sizeof count);
        client->kicked = false;
    }
    if (client->timer_at_us != 0 && client->timer_at_us <= client_now_us()) {
        (void)!read(client->timer_fd, &count, sizeof count);
        client->timer_at_us = 0;
    }
}

void client_channels_wait(struct txclient *client, uint64_t until_us)
{
    struct epoll_event events[EVENTS_MAX];
    int timeout_ms = wait_ms(until_us);
    int n;
    if (timeout_ms > 0) {
        client->sleeping = true;
        client_unlock(client);
        /* A signal ends the wait early, and the caller looks at its clock and waits again. */
        n = epoll_wait(client->poll_fd, events, EVENTS_MAX, timeout_ms);
        client_lock(client);
        client->sleeping = false;
    } else {
        n = epoll_wait(client->poll_fd, events, EVENTS_MAX, 0);
    }
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr != NULL) {
            ((struct client_channel *)events[i].data.ptr)->check = true;
        }
    }
    take_kick(client);
}

static uint32_t events_of(const struct client_channel *channel)
{
    int events = 0;
    size_t size = sizeof events;
    (void)zmq_getsockopt(channel->socket, ZMQ_EVENTS, &events, &size);
    return (uint32_t)events;
}

/* The timer is moved only to an earlier time: one that comes too early is harmless, and setting it
 * for every request would not be. */
static void arm_timer(struct txclient *client)
{
    uint64_t at_us = client_pending_next(&client->pending);
    if (at_us == CLIENT_NEVER || (client->timer_at_us != 0 && client->timer_at_us <= at_us)) {
        return;
    }
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at_us / 1000000u),
                                           .tv_nsec = (long)(at_us % 1000000u) * 1000 + 1}};
    if (timerfd_settime(client->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0) {
        client->timer_at_us = at_us;
    }
}

void client_channels_settle(struct txclient *client)
{
    bool more = client->done != NULL;
    for (size_t i = 0; i < client->channels_n; i++) {
        struct client_channel *channel = client->channels[i];
        if (channel->check) {
            uint32_t events = events_of(channel);
            channel->check = false;
            channel->blocked = channel->blocked && (events & ZMQ_POLLOUT) == 0;
            channel->check = (events & ZMQ_POLLIN) != 0;
        }
        more = more || channel->check || (!channel->blocked && channel->queue.first != NULL);
    }
    if (more) {
        client_kick(client);
    }
    arm_timer(client);
}

/* ---- receiving ---- */

/* Is this a frame that the daemon may send us? Notes why not. */
static bool decode(struct txclient *client, struct client_channel *channel, zmq_msg_t *body,
                   struct tx_frame *frame)
{
    struct tx_bytes bytes = tx_bytes(zmq_msg_data(body), zmq_msg_size(body));
    struct tx_why why;
    bool usable = true;
    tx_arena_reset(&client->received);
    if (tx_frame_decode(bytes, client->settings.message_max, &client->received, frame, &why) !=
        TX_OK) {
        usable = false;
    } else if (strcmp(frame->envelope.cluster, client->envelope.cluster) != 0) {
        (void)tx_why(&why, TX_ECLUSTER, "the daemon belongs to the cluster \"%s\", not \"%s\"",
                     frame->envelope.cluster, client->envelope.cluster);
        usable = false;
    }
    if (!usable) {
        client_lock(client);
        channel->unreadable = why;
        channel->unreadable_us = client_now_us();
        client_unlock(client);
    }
    return usable;
}

/* Until there is nothing more, or it is the others' turn. True: messages were taken. */
static bool receive(struct txclient *client, struct client_channel *channel,
                    void (*take)(struct txclient *client, struct client_channel *channel,
                                 const struct tx_msg *msg))
{
    bool taken = false;
    zmq_msg_t part;
    (void)zmq_msg_init(&part);
    for (unsigned frames = 0; frames < FRAMES_MAX; frames++) {
        struct tx_frame frame;
        client_unlock(client);
        int got = zmq_msg_recv(&part, channel->socket, ZMQ_DONTWAIT);
        int error = got < 0 ? errno : 0;
        bool usable = got >= 0 && decode(client, channel, &part, &frame);
        client_lock(client);
        if (got < 0 && error != EINTR) {
            channel->check = false;
            break;
        }
        for (size_t i = 0; usable && i < frame.messages_n; i++) {
            const struct tx_msg *msg = &frame.messages[i];
            if (tx_msg_allowed(msg->type, frame.envelope.role, TX_ROLE_CLIENT)) {
                take(client, channel, msg);
                taken = true;
            }
        }
    }
    (void)zmq_msg_close(&part);
    return taken;
}

bool client_channels_receive(struct txclient *client,
                             void (*take)(struct txclient *client, struct client_channel *channel,
                                          const struct tx_msg *msg))
{
    bool taken = false;
    for (size_t i = 0; i < client->channels_n; i++) {
        struct client_channel *channel = client->channels[i];
        if (!channel->check) {
            continue;
        }
        taken = receive(client, channel, take) || taken;
        if (channel->blocked) {
            uint32_t events = events_of(channel);
            channel->blocked = (events & ZMQ_POLLOUT) == 0;
            channel->check = channel->check || (events & ZMQ_POLLIN) != 0;
        }
    }
    return taken;
}
