/* Frames over ZeroMQ. */
#include "tests/bench/skeleton/skeleton.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

void skeleton_fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "skeleton: %s: %s\n", what, why);
    exit(1);
}

static void *new_socket(void *context, int type)
{
    int unlimited = 0;
    int linger_ms = 1000;
    void *socket = zmq_socket(context, type);
    if (socket == NULL || zmq_setsockopt(socket, ZMQ_SNDHWM, &unlimited, sizeof unlimited) != 0 ||
        zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof unlimited) != 0 ||
        zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms) != 0) {
        skeleton_fail("socket", zmq_strerror(zmq_errno()));
    }
    return socket;
}

void *skeleton_listen(void *context, int type, char *at)
{
    size_t len = 128;
    void *socket = new_socket(context, type);
    if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, at, &len) != 0) {
        skeleton_fail("listen", zmq_strerror(zmq_errno()));
    }
    return socket;
}

void *skeleton_connect(void *context, const char *at)
{
    void *socket = new_socket(context, ZMQ_DEALER);
    if (zmq_connect(socket, at) != 0) {
        skeleton_fail(at, zmq_strerror(zmq_errno()));
    }
    return socket;
}

void skeleton_add(struct frame *frame, const struct message *message, enum skeleton_type type)
{
    if (frame->n == SKELETON_FRAME_MAX) {
        skeleton_fail("frame", "full");
    }
    frame->messages[frame->n] = *message;
    frame->messages[frame->n++].type = type;
}

void skeleton_send(void *socket, struct frame *frame, const unsigned char *peer, size_t peer_len)
{
    if (frame->n > 0 &&
        ((peer != NULL && zmq_send(socket, peer, peer_len, ZMQ_SNDMORE) < 0) ||
         zmq_send(socket, frame->messages, frame->n * sizeof frame->messages[0], 0) < 0)) {
        skeleton_fail("send", zmq_strerror(zmq_errno()));
    }
    frame->n = 0;
}

size_t skeleton_receive(void *socket, struct message *messages, bool wait)
{
    size_t room = SKELETON_FRAME_MAX * sizeof *messages;
    int len;
    do {
        len = zmq_recv(socket, messages, room, wait ? 0 : ZMQ_DONTWAIT);
    } while (len < 0 && zmq_errno() == EINTR);
    if (len < 0 && zmq_errno() == EAGAIN) {
        return 0;
    }
    if (len <= 0 || (size_t)len > room || (size_t)len % sizeof *messages != 0) {
        skeleton_fail("receive", len < 0 ? zmq_strerror(zmq_errno()) : "no whole messages");
    }
    return (size_t)len / sizeof *messages;
}
