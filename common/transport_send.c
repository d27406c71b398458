#include "common/assert.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "common/transport_address.h"
#include "common/transport_internal.h"
#include "common/transport_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void id_of(transport_client client, uint8_t id[ROUTING_ID_LEN])
{
    for (size_t i = ROUTING_ID_LEN; i-- > 0; client >>= 8) {
        id[i] = (uint8_t)client;
    }
}

/* Before a death at "send:...:after". A frame that zmq_send() has taken may still be with ZeroMQ's
 * own thread and would die with it. Closing the sockets and ending the context waits until that
 * thread has given everything to the kernel, which delivers it whatever becomes of the process;
 * LINGER bounds the wait when a peer is away. */
static void let_leave(void *arg)
{
    struct transport *t = arg;

    for (size_t i = 0; i < t->destinations_n; i++) {
        transport_socket_close(&t->destinations[i]->dealer);
    }
    transport_socket_close(&t->router);
    transport_sockets_end();
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

/* Sends the box's frame, after the routing id if there is one, and empties the box. */
static int send_box(struct transport *t, struct outbox *box, void *socket, struct tx_bytes id)
{
    const size_t count = outbox_count(box);
    int error = 0;

    pass_crash_points(t, box, false);
    if (id.len > 0) {
        error = transport_socket_send(socket, id, true);
    }
    if (error == 0) {
        error = transport_socket_send(socket, outbox_frame(box, t->envelope.cut), false);
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
        transport_complain(t, d->hash, d->address.s, "messages to a daemon dropped",
                           error == EAGAIN ? "its queue is full: it is away or does not keep up"
                                           : transport_socket_error(error));
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

static void queued(struct transport *t, const struct tx_msg *msg, enum tx_error error)
{
    if (error == TX_OK) {
        t->stats.out_by[msg->type]++;
    } else {
        drop_message(t, msg, error);
    }
}

void transport_destination_destroy(struct destination **d_p)
{
    transport_socket_close(&(*d_p)->dealer);
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
    transport_socket_hurry((*oldest)->dealer);
    transport_destination_destroy(oldest);
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
        d->dealer = transport_dealer_new(&parsed, t->message_max);
    }
    if (d == NULL || d->dealer == NULL) {
        free(d);
        transport_complain(t, hash, LOG_Q(tx_bytes_str(address->s)), "messages to a daemon dropped",
                           why.text);
        return NULL;
    }
    d->address = *address;
    d->hash = hash;
    *free_place(t) = d;
    return d;
}

/* Of an address, behind whose text all is zero: word by word, up to the one in which it ends. */
static uint64_t hash_of(const struct tx_address *address)
{
    uint64_t hash = 0;
    uint64_t word;

    for (size_t i = 0; i < sizeof(address->s); i += sizeof(word)) {
        memcpy(&word, address->s + i, sizeof(word));
        hash = tx_hash_fold(hash ^ UINT64_C(0x9e3779b97f4a7c15), word) + hash;
        if (address->s[i + sizeof(word) - 1] == '\0') {
            break;
        }
    }
    return hash;
}

static struct destination *get_destination(struct transport *t, const struct tx_address *address)
{
    const uint64_t hash = hash_of(address);
    struct destination **recent = &t->recent[hash % RECENT_MAX];

    if (*recent != NULL && (*recent)->hash == hash &&
        strcmp((*recent)->address.s, address->s) == 0) {
        return *recent;
    }
    for (size_t i = 0; i < t->destinations_n; i++) {
        struct destination *d = t->destinations[i];

        if (d->hash == hash && strcmp(d->address.s, address->s) == 0) {
            *recent = d;
            return d;
        }
    }
    memset(t->recent, 0, sizeof(t->recent)); /* one may have to go */
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
    queued(t, msg, error);
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
    queued(t, msg, error);
}

/* The clients come first: they wait for what they get here, and a daemon is told of an outcome that
 * is settled. */
void transport_flush(struct transport *t)
{
    flush_clients(t);
    for (size_t i = 0; i < t->destinations_n; i++) {
        if (outbox_count(&t->destinations[i]->box) > 0) {
            send_destination(t, t->destinations[i]);
        }
    }
}
