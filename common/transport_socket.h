/* The sockets of the transport: how they are made, and what goes through them, as bytes. Beside
 * loop.c the only file that knows ZeroMQ. A socket is a pointer that only these functions and
 * loop_add_socket() look behind. */
#ifndef ASSENT_COMMON_TRANSPORT_SOCKET_H
#define ASSENT_COMMON_TRANSPORT_SOCKET_H

#include "common/bytes.h"
#include "common/transport_address.h"

/* Listens; `bound` is where, with the port that the kernel chose. Errors as of transport_new(). */
enum tx_error transport_router_new(const char *listen, size_t message_max, void **router,
                                   struct tx_address *bound, struct tx_why *why) TX_MUST_CHECK;
/* Connects in the background. NULL when there is no memory, descriptor or socket left. */
void *transport_dealer_new(const struct transport_address *address, size_t message_max);
/* What was sent still has its linger time to leave. NULL is nothing to close. */
void transport_socket_close(void **socket);
/* One that is closed to make room for another has less of it. */
void transport_socket_hurry(void *socket);
/* After all are closed: waits until the kernel has what was sent, for their linger time at most. */
void transport_sockets_end(void);

/* A message: the routing id of its sender and the last of its `bodies` further parts. Borrowed
 * until it returns. */
typedef void transport_socket_take(void *arg, struct tx_bytes id, struct tx_bytes body,
                                   size_t bodies);
/* Takes one message, if there is one. ZeroMQ hands over all parts of a message or none. */
bool transport_socket_receive(void *socket, transport_socket_take *take, void *arg);

/* A part of a message, never waiting; `more` parts follow. 0, or the error number. */
int transport_socket_send(void *socket, struct tx_bytes bytes, bool more);
const char *transport_socket_error(int error);

#endif
