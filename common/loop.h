/* The event loop of a daemon: descriptors, sockets of a transport, one timer, signals. On epoll.
 *
 * It goes in passes. A pass serves every socket that has something to receive and every descriptor
 * that is ready, then calls what was added with loop_add_after(): whatever a pass has brought forth
 * can leave there together. It sleeps only when there is nothing to serve. */
#ifndef ASSENT_COMMON_LOOP_H
#define ASSENT_COMMON_LOOP_H

#include "common/error.h"

#include <signal.h>
#include <stdint.h>

struct loop;

/* Call first of all in main(), before any thread or socket: blocks the signals that the loop reads
 * through a signalfd (SIGINT, SIGTERM, SIGHUP), ignores SIGPIPE, keeps czmq from installing
 * handlers of its own, and keeps memory that was freed for the next use. */
void loop_prepare_process(void);

enum tx_error loop_new(struct loop **loop, struct tx_why *why) TX_MUST_CHECK;
/* After the transports on it. czmq's context goes with the process: it is closed at exit() and
 * waits there for what the sockets still linger on (1 s at most). */
void loop_destroy(struct loop **loop);

/* Calls `ready` whenever the descriptor is readable, for as long as the loop exists. */
enum tx_error loop_add_fd(struct loop *loop, int fd, void (*ready)(void *arg),
                          void *arg) TX_MUST_CHECK;
/* The same for a socket of ZeroMQ, until it is removed, which comes before it is closed. */
enum tx_error loop_add_socket(struct loop *loop, void *socket, void (*ready)(void *arg),
                              void *arg) TX_MUST_CHECK;
void loop_remove_socket(struct loop *loop, void *socket);
/* Calls `after` at the end of every pass, in the order of these calls, until loop_remove_after()
 * with the same `arg`. TX_ENOMEM. */
enum tx_error loop_add_after(struct loop *loop, void (*after)(void *arg), void *arg) TX_MUST_CHECK;
void loop_remove_after(struct loop *loop, void *arg);
/* Calls `got` with each of the prepared signals that arrives. Once per loop. */
enum tx_error loop_on_signal(struct loop *loop, void (*got)(void *arg, int signal_number),
                             void *arg) TX_MUST_CHECK;
/* Calls `fire` once at `at_us` (clock_now_us), never earlier; at the next pass when that is past
 * already; UINT64_MAX disarms. The latest call counts; cheap when the time moves later. */
void loop_timer(struct loop *loop, uint64_t at_us, void (*fire)(void *arg), void *arg);

/* Runs until loop_stop(); may be called again afterwards. */
void loop_run(struct loop *loop);
/* From a callback: the loop ends once that returns. */
void loop_stop(struct loop *loop);

#endif
