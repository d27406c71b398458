#include "common/transport.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/complaints.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "common/outbox.h"
#include "common/transport_address.h"

#include <czmq.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_MAX 256u /* frames taken before the loop gets its turn again */
#define DESTINATIONS_MAX                                                                           \
    256u                      /* a message can name any address: the least recently used one goes  \
                               */
#define QUEUE_FRAMES     1000 /* of the ROUTER, for each peer, either way */
#define AWAY_FRAMES      256  /* of a DEALER, which also keeps them while the peer is away */
#define LINGER_MS        1000
#define LINGER_OUSTED_MS 100 /* of a DEALER that made room: they must not pile up */
#define HANDSHAKE_MS     5000
#define HEARTBEAT_MS     1000 /* notices a peer that is gone without a word; decides nothing */
#define SILENCE_MS       3000
#define RECONNECT_MIN_MS 20
#define RECONNECT_MAX_MS 200

/* A routing id that ZeroMQ made: a zero byte and a number. A client that chooses its own is
 * refused. As a transport_client it has a bit above its 40 bits, so that it is never 0. */
#define ROUTING_ID_LEN 5u
#define CLIENT_MARK    (UINT64_C(1) << 40)

struct destination {
    struct tx_address address;
    uint64_t hash;
    uint64_t used; /* a count of uses, for the least recent one */
    void *dealer;
    struct outbox box;
};

struct transport {
    struct loop *loop;
    transport_receive *receive;
    void (*received_all)(void *arg);
    void *arg;
    struct tx_envelope envelope;
    size_t message_max;
    void *router;
    struct tx_arena arena;
    struct destination *destinations[DESTINATIONS_MAX];
    size_t destinations_n;
    uint64_t uses;
    struct outbox_clients clients;
    struct complaints complaints;
    struct transport_stats stats;
};

/* ------------------------------------------------------------------ sockets */

static void set_int(void *sock, int option, int value)
{
    const int rc = zmq_setsockopt(sock, option, &value, sizeof(value));

    TX_ASSERT(rc == 0);
}

static void close_socket(void **sock)
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

static void *new_dealer(const struct transport *t, const struct transport_address *address)
{
    void *sock = new_socket(ZMQ_DEALER, t->message_max, address->ipv6);

    if (sock == NULL) {
        return NULL;
    }
    set_int(sock, ZMQ_SNDHWM, AWAY_FRAMES);
    set_int(sock, ZMQ_RCVHWM, 1); /* daemons answer to our ROUTER; nothing is read here */
    set_int(sock, ZMQ_RECONNECT_IVL, RECONNECT_MIN_MS);
    set_int(sock, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    if (zmq_connect(sock, address->endpoint) != 0) {
        close_socket(&sock);
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

static enum tx_error bind_router(struct transport *t, const char *listen, struct tx_why *why)
{
    struct transport_address address;
    char bound[TX_ADDRESS_MAX + 1];
    size_t bound_size = sizeof(bound);
    enum tx_error error = transport_address_parse(listen, true, &address, why);

    if (error == TX_OK && address.path != NULL) {
        error = transport_path_check(address.path, why);
    }
    if (error != TX_OK) {
        return error;
    }
    t->router = new_socket(ZMQ_ROUTER, t->message_max, address.ipv6);
    if (t->router == NULL) {
        return tx_why(why, TX_ENOMEM, "%s: no memory or descriptors for a socket", listen);
    }
    set_int(t->router, ZMQ_SNDHWM, QUEUE_FRAMES);
    set_int(t->router, ZMQ_RCVHWM, QUEUE_FRAMES);
    set_int(t->router, ZMQ_ROUTER_MANDATORY, 1);
    set_int(t->router, ZMQ_ROUTER_HANDOVER, 0);
    if (zmq_bind(t->router, address.endpoint) != 0) {
        return bind_error(listen, zmq_errno(), why);
    }
    if (zmq_getsockopt(t->router, ZMQ_LAST_ENDPOINT, bound, &bound_size) != 0) {
        return bind_error(listen, zmq_errno(), why);
    }
    return tx_address_set(&t->envelope.address, tx_bytes_str(bound));
}

/* ---------------------------------------------------------------- complaints */

static void complain(struct transport *t, uint64_t peer, const char *peer_text, const char *what,
                     const char *why_text)
{
    uint64_t silent;

    if (complaints_allow(&t->complaints, peer, clock_now_us(), &silent)) {
        LOG_WARN(what, "peer=%s why=%s silent=%" PRIu64, peer_text, LOG_Q(tx_bytes_str(why_text)),
                 silent);
    }
}

/* About a frame that is dropped. Names the routing id in hexadecimal, as much of it as fits. */
static void complain_of_frame(struct transport *t, struct tx_bytes id, const char *what,
                              const char *why_text)
{
    char hex[2 * 32 + 1] = "-";

    for (size_t i = 0; i < id.len && i < 32; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", id.data[i]);
    }
    complain(t, tx_bytes_hash(id, 0), hex, what, why_text);
}

/* ----------------------------------------------------------------- receiving */

static transport_client client_of(struct tx_bytes id)
{
    uint64_t number = 0;

    if (id.len != ROUTING_ID_LEN || id.data[0] != 0) {
        return 0;
    }
    for (size_t i = 0; i < id.len; i++) {
        number = number << 8 | id.data[i];
    }
    return number | CLIENT_MARK;
}

static void id_of(transport_client client, uint8_t id[ROUTING_ID_LEN])
{
    for (size_t i = ROUTING_ID_LEN; i-- > 0; client >>= 8) {
        id[i] = (uint8_t)client;
    }
}

static void drop_malformed(struct transport *t, struct tx_bytes id, const char *why_text)
{
    t->stats.malformed++;
    complain_of_frame(t, id, "malformed frame dropped", why_text);
}

/* Of this cluster, and nothing in it that its sender may not send? */
static bool is_welcome(struct transport *t, struct tx_bytes id, const struct tx_frame *frame)
{
    const struct tx_envelope *from = &frame->envelope;
    struct tx_why why;

    if (strcmp(from->cluster, t->envelope.cluster) != 0) {
        (void)tx_why(&why, TX_ECLUSTER, "it belongs to cluster \"%s\", this one is \"%s\"",
                     from->cluster, t->envelope.cluster);
    } else {
        size_t i = 0;

        while (i < frame->messages_n &&
               tx_msg_allowed(frame->messages[i].type, from->role, t->envelope.role)) {
            i++;
        }
        if (i == frame->messages_n) {
            return true;
        }
        (void)tx_why(&why, TX_EINVAL, "a %s may not send %s to a %s", tx_role_name(from->role),
                     tx_msg_name(frame->messages[i].type), tx_role_name(t->envelope.role));
    }
    t->stats.foreign++;
    complain_of_frame(t, id, "foreign frame dropped", why.text);
    return false;
}

static void take_frame(struct transport *t, struct tx_bytes id, struct tx_bytes bytes)
{
    const transport_client client = client_of(id);
    struct tx_frame frame;
    struct tx_why why = {.text = ""};

    if (client == 0) {
        drop_malformed(t, id, "its sender chose a routing id of its own");
        return;
    }
    tx_arena_reset(&t->arena);
    if (tx_frame_decode(bytes, t->message_max, &t->arena, &frame, &why) != TX_OK) {
        drop_malformed(t, id, why.text);
        return;
    }
    if (!is_welcome(t, id, &frame)) {
        return;
    }
    for (size_t i = 0; i < frame.messages_n; i++) {
        t->stats.messages_in++;
        t->receive(t->arg, client, &frame.envelope, &frame.messages[i]);
    }
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

/* Takes one frame, if there is one. ZeroMQ hands over all parts of a message or none. */
static bool receive_one(struct transport *t)
{
    void *socket = t->router;
    zmq_msg_t id, body;
    size_t bodies = 0;
    bool more;

    (void)zmq_msg_init(&id);
    (void)zmq_msg_init(&body);
    more = receive_part(socket, &id);
    if (more) {
        t->stats.frames_in++;
        more = zmq_msg_more(&id) != 0;
        while (more && receive_part(socket, &body)) {
            bodies++;
            more = zmq_msg_more(&body) != 0;
        }
        if (bodies == 1) {
            take_frame(t, view(&id), view(&body));
        } else {
            drop_malformed(t, view(&id), "it is not a message of exactly one part");
        }
        more = true;
    }
    (void)zmq_msg_close(&body);
    (void)zmq_msg_close(&id);
    return more;
}

static int on_readable(zloop_t *zloop, zmq_pollitem_t *item, void *arg)
{
    struct transport *t = arg;
    unsigned taken = 0;

    (void)zloop;
    (void)item;
    while (taken < DRAIN_MAX && receive_one(t)) {
        taken++;
    }
    if (taken > 0 && t->received_all != NULL) {
        t->received_all(t->arg);
    }
    transport_flush(t);
    return loop_verdict(t->loop);
}

/* ------------------------------------------------------------------- sending */

/* Before a death at "send:...:after". A frame that zmq_send() has taken may still be with ZeroMQ's
 * own thread and would die with it. Closing the sockets and ending the context waits until that
 * thread has given everything to the kernel, which delivers it whatever becomes of the process;
 * LINGER bounds the wait when a peer is away. */
static void let_leave(void *arg)
{
    struct transport *t = arg;

    for (size_t i = 0; i < t->destinations_n; i++) {
        close_socket(&t->destinations[i]->dealer);
    }
    close_socket(&t->router);
    zsys_shutdown();
}

static void pass_crash_points(struct transport *t, const struct outbox *box, bool sent)
{
    for (size_t i = 0; i < box->types.len; i++) {
        const char *name = tx_msg_name((enum tx_msg_type)box->types.data[i]);

        if (sent) {
            crash_point_after("send", name, "after", let_leave, t);
        } else {
            crash_point("send", name, "before");
        }
    }
}

/* 0, or the error number. */
static int send_part(void *socket, struct tx_bytes bytes, int flags)
{
    int rc;

    do {
        rc = zmq_send(socket, bytes.data, bytes.len, flags | ZMQ_DONTWAIT);
    } while (rc < 0 && zmq_errno() == EINTR);
    return rc < 0 ? zmq_errno() : 0;
}

/* Sends the box's frame, after the routing id if there is one, and empties the box. */
static int send_box(struct transport *t, struct outbox *box, void *socket, struct tx_bytes id)
{
    const size_t count = outbox_count(box);
    int error = 0;

    pass_crash_points(t, box, false);
    if (id.len > 0) {
        error = send_part(socket, id, ZMQ_SNDMORE);
    }
    if (error == 0) {
        error = send_part(socket, outbox_frame(box), 0);
    }
    if (error == 0) {
        t->stats.frames_out++;
        t->stats.messages_out += count;
        pass_crash_points(t, box, true);
    } else {
        t->stats.dropped += count;
    }
    outbox_clear(box);
    return error;
}

static void send_destination(struct transport *t, struct destination *d)
{
    const int error = send_box(t, &d->box, d->dealer, tx_bytes(NULL, 0));

    if (error != 0) {
        complain(t, d->hash, d->address.s, "messages to a daemon dropped",
                 error == EAGAIN ? "its queue is full: it is away or does not keep up"
                                 : zmq_strerror(error));
    }
}

/* A client that is gone needs no answer; one that does not read what it asked for gets none. */
static void send_client(struct transport *t, struct outbox *box, transport_client client)
{
    uint8_t id[ROUTING_ID_LEN];

    id_of(client, id);
    (void)send_box(t, box, t->router, tx_bytes(id, sizeof(id)));
}

static void flush_clients(struct transport *t)
{
    for (unsigned i = 0; i < t->clients.n; i++) {
        if (outbox_count(&t->clients.boxes[i]) > 0) {
            send_client(t, &t->clients.boxes[i], t->clients.numbers[i]);
        }
    }
    outbox_clients_clear(&t->clients);
}

static void drop_message(struct transport *t, const struct tx_msg *msg, enum tx_error error)
{
    const struct tx_id tx = tx_msg_tx(msg);

    t->stats.dropped++;
    log_line(LOG_ERROR_LEVEL, tx_id_valid(tx) ? &tx : NULL, "message dropped, it cannot be sent",
             "message=%s why=\"%s\" message_max=%zu", tx_msg_name(msg->type), tx_error_text(error),
             t->message_max);
}

static void destination_destroy(struct destination **d_p)
{
    close_socket(&(*d_p)->dealer);
    outbox_deinit(&(*d_p)->box);
    free(*d_p);
    *d_p = NULL;
}

/* The place for a new destination: a free one, or that of the least recently used. */
static struct destination **free_place(struct transport *t)
{
    struct destination **oldest = &t->destinations[0];

    if (t->destinations_n < DESTINATIONS_MAX) {
        return &t->destinations[t->destinations_n++];
    }
    for (size_t i = 1; i < t->destinations_n; i++) {
        if (t->destinations[i]->used < (*oldest)->used) {
            oldest = &t->destinations[i];
        }
    }
    if (outbox_count(&(*oldest)->box) > 0) {
        send_destination(t, *oldest);
    }
    set_int((*oldest)->dealer, ZMQ_LINGER, LINGER_OUSTED_MS);
    destination_destroy(oldest);
    return oldest;
}

static struct destination *add_destination(struct transport *t, const struct tx_address *address,
                                           uint64_t hash)
{
    struct transport_address parsed;
    struct tx_why why = {.text = "no memory or descriptors for a socket"};
    struct destination *d = NULL;

    if (transport_address_parse(address->s, false, &parsed, &why) == TX_OK) {
        d = calloc(1, sizeof(*d));
    }
    if (d != NULL) {
        d->dealer = new_dealer(t, &parsed);
    }
    if (d == NULL || d->dealer == NULL) {
        free(d);
        complain(t, hash, LOG_Q(tx_bytes_str(address->s)), "messages to a daemon dropped",
                 why.text);
        return NULL;
    }
    d->address = *address;
    d->hash = hash;
    *free_place(t) = d;
    return d;
}

static struct destination *get_destination(struct transport *t, const struct tx_address *address)
{
    const uint64_t hash = tx_bytes_hash(tx_bytes_str(address->s), 0);

    for (size_t i = 0; i < t->destinations_n; i++) {
        struct destination *d = t->destinations[i];

        if (d->hash == hash && strcmp(d->address.s, address->s) == 0) {
            return d;
        }
    }
    return add_destination(t, address, hash);
}

void transport_send(struct transport *t, const struct tx_address *address, const struct tx_msg *msg)
{
    struct destination *d = get_destination(t, address);
    enum tx_error error;

    if (d == NULL) {
        t->stats.dropped++;
        return;
    }
    d->used = ++t->uses;
    error = outbox_add(&d->box, &t->envelope, msg, t->message_max);
    if (error == TX_ELIMIT && outbox_count(&d->box) > 0) {
        send_destination(t, d);
        error = outbox_add(&d->box, &t->envelope, msg, t->message_max);
    }
    if (error != TX_OK) {
        drop_message(t, msg, error);
    }
}

void transport_reply(struct transport *t, transport_client client, const struct tx_msg *msg)
{
    struct outbox *box;
    enum tx_error error;

    if (client == 0) {
        return;
    }
    box = outbox_clients_get(&t->clients, client);
    if (box == NULL) {
        flush_clients(t);
        box = outbox_clients_get(&t->clients, client);
    }
    TX_ASSERT(box != NULL);
    error = outbox_add(box, &t->envelope, msg, t->message_max);
    if (error == TX_ELIMIT && outbox_count(box) > 0) {
        send_client(t, box, client);
        error = outbox_add(box, &t->envelope, msg, t->message_max);
    }
    if (error != TX_OK) {
        drop_message(t, msg, error);
    }
}

void transport_flush(struct transport *t)
{
    for (size_t i = 0; i < t->destinations_n; i++) {
        if (outbox_count(&t->destinations[i]->box) > 0) {
            send_destination(t, t->destinations[i]);
        }
    }
    flush_clients(t);
}

/* ------------------------------------------------------------------ lifetime */

enum tx_error transport_new(const struct transport_options *options, struct loop *loop,
                            transport_receive *receive, void (*received_all)(void *arg), void *arg,
                            struct transport **out, struct tx_why *why)
{
    struct transport *t = calloc(1, sizeof(*t));
    zmq_pollitem_t item = {.events = ZMQ_POLLIN};
    enum tx_error error;

    TX_ASSERT(receive != NULL);
    if (t == NULL) {
        return tx_why(why, TX_ENOMEM, "no memory for a transport");
    }
    t->loop = loop;
    t->receive = receive;
    t->received_all = received_all;
    t->arg = arg;
    t->envelope = options->envelope;
    t->message_max = options->message_max == 0 ? TX_MESSAGE_MAX : options->message_max;
    error = bind_router(t, options->listen, why);
    if (error == TX_OK) {
        item.socket = t->router;
        if (zloop_poller(loop_zloop(loop), &item, on_readable, t) != 0) {
            error = tx_why(why, TX_ENOMEM, "no memory for a transport");
        } else {
            zloop_poller_set_tolerant(loop_zloop(loop), &item);
        }
    }
    *out = t;
    if (error != TX_OK) {
        transport_destroy(out);
    }
    return error;
}

void transport_destroy(struct transport **t_p)
{
    struct transport *t = *t_p;

    if (t == NULL) {
        return;
    }
    *t_p = NULL;
    if (t->router != NULL) {
        zmq_pollitem_t item = {.socket = t->router};

        transport_flush(t);
        zloop_poller_end(loop_zloop(t->loop), &item);
    }
    while (t->destinations_n > 0) {
        destination_destroy(&t->destinations[--t->destinations_n]);
    }
    close_socket(&t->router);
    outbox_clients_deinit(&t->clients);
    tx_arena_deinit(&t->arena);
    free(t);
}

const char *transport_endpoint(const struct transport *t)
{
    return t->envelope.address.s;
}

void transport_set_start(struct transport *t, uint64_t start)
{
    transport_flush(t);
    t->envelope.start = start;
    /* A writer carries the envelope that it was made with. */
    for (size_t i = 0; i < t->destinations_n; i++) {
        outbox_deinit(&t->destinations[i]->box);
    }
    outbox_clients_deinit(&t->clients);
}

struct transport_stats transport_stats(const struct transport *t)
{
    return t->stats;
}
