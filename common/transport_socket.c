#include "common/transport_socket.h"

#include "common/assert.h"

#include <czmq.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_FRAMES 1000 /* of the ROUTER, for each peer, either way */
/* Of a DEALER, which also keeps them while the peer is away. A pass of the loop makes one for each
 * receiver, however many transactions are under way; for a peer that is there and does not keep up
 * the kernel's buffers and its own queue come on top. */
#define AWAY_FRAMES      256
#define BACKLOG          4096 /* connections not yet accepted: as many clients may begin at once */
#define LINGER_MS        1000
#define LINGER_OUSTED_MS 100 /* of a DEALER that made room: they must not pile up */
#define HANDSHAKE_MS     5000
#define HEARTBEAT_MS     1000 /* notices a peer that is gone without a word; decides nothing */
#define SILENCE_MS       3000
#define RECONNECT_MIN_MS 20
#define RECONNECT_MAX_MS 200

static void set_int(void *sock, int option, int value)
{
    const int rc = zmq_setsockopt(sock, option, &value, sizeof(value));

    TX_ASSERT(rc == 0);
}

void transport_socket_close(void **sock)
{
    if (*sock != NULL) {
        const int rc = zmq_close(*sock);

        TX_ASSERT(rc == 0);
        *sock = NULL;
    }
}

/* What both kinds of socket need. Frames up to twice the limit are let in, to be counted and
 * complained of. NULL when there is no memory, descriptor or socket left, which a peer that names
 * many addresses can bring about: zsock_new() would end the process. */
static void *new_socket(int type, size_t message_max, bool ipv6)
{
    const int64_t size_max = (int64_t)message_max * 2;
    void *sock = zmq_socket(zsys_init(), type);
    int rc;

    if (sock == NULL) {
        return NULL;
    }
    rc = zmq_setsockopt(sock, ZMQ_MAXMSGSIZE, &size_max, sizeof(size_max));
    TX_ASSERT(rc == 0);
    set_int(sock, ZMQ_IPV6, ipv6);
    set_int(sock, ZMQ_LINGER, LINGER_MS);
    set_int(sock, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    set_int(sock, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
    set_int(sock, ZMQ_HEARTBEAT_TIMEOUT, SILENCE_MS);
    set_int(sock, ZMQ_HEARTBEAT_TTL, SILENCE_MS);
    return sock;
}

void *transport_dealer_new(const struct transport_address *address, size_t message_max)
{
    void *sock = new_socket(ZMQ_DEALER, message_max, address->ipv6);

    if (sock == NULL) {
        return NULL;
    }
    set_int(sock, ZMQ_SNDHWM, AWAY_FRAMES);
    set_int(sock, ZMQ_RCVHWM, 1); /* daemons answer to our ROUTER; nothing is read here */
    set_int(sock, ZMQ_RECONNECT_IVL, RECONNECT_MIN_MS);
    set_int(sock, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    if (zmq_connect(sock, address->endpoint) != 0) {
        transport_socket_close(&sock);
    }
    return sock;
}

static enum tx_error bind_error(const char *listen, int error, struct tx_why *why)
{
    if (error == EADDRINUSE) {
        return tx_why(why, TX_EBUSY,
                      "%s is in use by another process; stop it, or choose another address",
                      listen);
    }
    if (error == EACCES || error == EPERM) {
        return tx_why(why, TX_EACCESS, "%s: no permission to listen there", listen);
    }
    return tx_why(why, TX_EADDRESS, "%s: cannot listen there: %s", listen, zmq_strerror(error));
}

/* Binds, and says in `bound` where. */
static enum tx_error bind_there(void *router, const char *listen, const char *endpoint,
                                struct tx_address *bound, struct tx_why *why)
{
    char text[TX_ADDRESS_MAX + 1];
    size_t text_size = sizeof(text);

    if (zmq_bind(router, endpoint) != 0) {
        return bind_error(listen, zmq_errno(), why);
    }
    if (zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, text, &text_size) != 0) {
        return bind_error(listen, zmq_errno(), why);
    }
    return tx_address_set(bound, tx_bytes_str(text));
}

/* ZeroMQ would do it as well, but where it cannot, it says that the address is in use. */
static enum tx_error remove_old_socket(const char *path, struct tx_why *why)
{
    if (unlink(path) == 0 || errno == ENOENT) {
        return TX_OK;
    }
    return tx_why(why, errno == EACCES || errno == EPERM ? TX_EACCESS : TX_EADDRESS,
                  "%s: cannot remove the socket of a process that is gone: %s", path,
                  strerror(errno));
}

enum tx_error transport_router_new(const char *listen, size_t message_max, void **router,
                                   struct tx_address *bound, struct tx_why *why)
{
    struct transport_address address;
    enum tx_error error = transport_address_parse(listen, true, &address, why);

    *router = NULL;
    if (error == TX_OK && address.path != NULL) {
        error = transport_path_check(address.path, why);
        if (error == TX_OK) {
            error = remove_old_socket(address.path, why);
        }
    }
    if (error != TX_OK) {
        return error;
    }
    *router = new_socket(ZMQ_ROUTER, message_max, address.ipv6);
    if (*router == NULL) {
        return tx_why(why, TX_ENOMEM, "%s: no memory or descriptors for a socket", listen);
    }
    set_int(*router, ZMQ_BACKLOG, BACKLOG);
    set_int(*router, ZMQ_SNDHWM, QUEUE_FRAMES);
    set_int(*router, ZMQ_RCVHWM, QUEUE_FRAMES);
    set_int(*router, ZMQ_ROUTER_MANDATORY, 1);
    set_int(*router, ZMQ_ROUTER_HANDOVER, 0);
    error = bind_there(*router, listen, address.endpoint, bound, why);
    if (error != TX_OK) {
        transport_socket_close(router);
    }
    return error;
}

static bool receive_part(void *socket, zmq_msg_t *part)
{
    int rc;

    do {
        rc = zmq_msg_recv(part, socket, ZMQ_DONTWAIT);
    } while (rc < 0 && zmq_errno() == EINTR);
    return rc >= 0;
}

static struct tx_bytes view(zmq_msg_t *part)
{
    return tx_bytes(zmq_msg_data(part), zmq_msg_size(part));
}

bool transport_socket_receive(void *socket, transport_socket_take *take, void *arg)
{
    zmq_msg_t id, body;
    size_t bodies = 0;
    bool more, received;

    (void)zmq_msg_init(&id);
    (void)zmq_msg_init(&body);
    received = receive_part(socket, &id);
    if (received) {
        more = zmq_msg_more(&id) != 0;
        while (more && receive_part(socket, &body)) {
            bodies++;
            more = zmq_msg_more(&body) != 0;
        }
        take(arg, view(&id), view(&body), bodies);
    }
    (void)zmq_msg_close(&body);
    (void)zmq_msg_close(&id);
    return received;
}

static int try_send(void *socket, struct tx_bytes bytes, int flags)
{
    int rc;

    do {
        rc = zmq_send(socket, bytes.data, bytes.len, flags);
    } while (rc < 0 && zmq_errno() == EINTR);
    return rc < 0 ? zmq_errno() : 0;
}

/* A queue that was full may have been emptied without the socket knowing: ZeroMQ looks at what its
 * own thread says only every so many cycles, a millisecond or so, unless it is asked for events. */
int transport_socket_send(void *socket, struct tx_bytes bytes, bool more)
{
    const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
    int error = try_send(socket, bytes, flags);
    int events = 0;
    size_t size = sizeof(events);

    if (error == EAGAIN && zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 &&
        (events & ZMQ_POLLOUT) != 0) {
        error = try_send(socket, bytes, flags);
    }
    return error;
}

const char *transport_socket_error(int error)
{
    return zmq_strerror(error);
}

void transport_socket_hurry(void *socket)
{
    set_int(socket, ZMQ_LINGER, LINGER_OUSTED_MS);
}

void transport_sockets_end(void)
{
    zsys_shutdown();
}
