#include "common/transport.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/transport_internal.h"
#include "common/transport_socket.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Taken before the loop gets its turn again: frames, and messages in them (but frames stay whole).
 * What a pass brings forth leaves at its end, so a pass must not grow without bounds. */
#define DRAIN_MAX          256u
#define DRAIN_MESSAGES_MAX 512u

/* ---------------------------------------------------------------- complaints */

void transport_complain(struct transport *t, uint64_t peer, const char *peer_text, const char *what,
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
    transport_complain(t, tx_bytes_hash(id, 0), hex, what, why_text);
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

static void drop_malformed(struct transport *t, struct tx_bytes id, const char *why_text)
{
    t->stats.malformed++;
    complain_of_frame(t, id, "malformed frame dropped", why_text);
}

/* The name of a daemon, in memory of the caller's. */
static const char *name_of(const struct tx_envelope *from, char out[TX_NAME_MAX + 1])
{
    if (from->role == TX_ROLE_COORDINATOR) {
        (void)snprintf(out, TX_NAME_MAX + 1, "%" PRIu32, from->coordinator);
    } else {
        (void)snprintf(out, TX_NAME_MAX + 1, "%s", from->name.s);
    }
    return out;
}

/* Of this cluster, and nothing in it that its sender may not send? */
static bool is_welcome(struct transport *t, struct tx_bytes id, const struct tx_frame *frame)
{
    const struct tx_envelope *from = &frame->envelope;
    struct tx_why why;
    char name[TX_NAME_MAX + 1];

    if (strcmp(from->cluster, t->envelope.cluster) != 0) {
        (void)tx_why(&why, TX_ECLUSTER, "it belongs to cluster \"%s\", this one is \"%s\"",
                     from->cluster, t->envelope.cluster);
    } else if (from->generation != t->envelope.generation && from->role != TX_ROLE_CLIENT) {
        (void)tx_why(&why, TX_ECLUSTER,
                     "%s %s is of generation %" PRIu64 " of the cluster, this one of %" PRIu64
                     ": one of them comes from a backup, or from before one",
                     tx_role_name(from->role), name_of(from, name), from->generation,
                     t->envelope.generation);
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
        t->stats.in_by[frame.messages[i].type]++;
        t->receive(t->arg, client, &frame.envelope, &frame.messages[i]);
    }
}

static void take_message(void *arg, struct tx_bytes id, struct tx_bytes body, size_t bodies)
{
    struct transport *t = arg;

    t->stats.frames_in++;
    if (bodies == 1) {
        take_frame(t, id, body);
    } else {
        drop_malformed(t, id, "it is not a message of exactly one part");
    }
}

static void on_readable(void *arg)
{
    struct transport *t = arg;
    const uint64_t messages_before = t->stats.messages_in;
    unsigned taken = 0;

    while (taken < DRAIN_MAX && t->stats.messages_in - messages_before < DRAIN_MESSAGES_MAX &&
           transport_socket_receive(t->router, take_message, t)) {
        taken++;
    }
    if (taken > 0 && t->received_all != NULL) {
        t->received_all(t->arg);
    }
}

static void flush_after_pass(void *arg)
{
    transport_flush(arg);
}

/* ------------------------------------------------------------------ lifetime */

enum tx_error transport_new(const struct transport_options *options, struct loop *loop,
                            transport_receive *receive, void (*received_all)(void *arg), void *arg,
                            struct transport **out, struct tx_why *why)
{
    struct transport *t = calloc(1, sizeof(*t));
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
    error = transport_router_new(options->listen, t->message_max, &t->router, &t->envelope.address,
                                 why);
    if (error == TX_OK && (loop_add_socket(loop, t->router, on_readable, t) != TX_OK ||
                           loop_add_after(loop, flush_after_pass, t) != TX_OK)) {
        error = tx_why(why, TX_ENOMEM, "no memory for a transport");
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
        transport_flush(t);
        loop_remove_socket(t->loop, t->router);
        loop_remove_after(t->loop, t);
    }
    while (t->destinations_n > 0) {
        transport_destination_destroy(&t->destinations[--t->destinations_n]);
    }
    transport_socket_close(&t->router);
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

void transport_set_cut(struct transport *t, uint64_t cut)
{
    TX_ASSERT(cut >= t->envelope.cut);
    t->envelope.cut = cut;
}

struct transport_stats transport_stats(const struct transport *t)
{
    return t->stats;
}
