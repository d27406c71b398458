/* The event loop of a daemon: descriptors, sockets of a transport, one timer, signals. On czmq's zloop. */
#ifndef ASSENT_COMMON_LOOP_H
#define ASSENT_COMMON_LOOP_H

#include "common/error.h"

#include <signal.h>
#include <stdint.h>

struct loop;

/* Call first of all in main(), before any thread or socket: blocks the signals that the loop reads through a signalfd (SIGINT,
 * SIGTERM, SIGHUP), ignores SIGPIPE, and keeps czmq from installing handlers of its own. */
void loop_prepare_process(void);

enum tx_error loop_new(struct loop **loop, struct tx_why *why) TX_MUST_CHECK;
void loop_destroy(struct loop **loop);

/* Calls `ready` whenever the descriptor is readable. */
enum tx_error loop_add_fd(struct loop *loop, int fd, void (*ready)(void *arg), void *arg) TX_MUST_CHECK;
/* Calls `got` with each of the prepared signals that arrives. */
enum tx_error loop_on_signal(struct loop *loop, void (*got)(void *arg, int signal_number), void *arg) TX_MUST_CHECK;
/* Calls `fire` once at `at_us` (clock_now_us); UINT64_MAX disarms. The latest call counts; cheap when the time moves later. */
void loop_timer(struct loop *loop, uint64_t at_us, void (*fire)(void *arg), void *arg);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* For transport.c: the zloop underneath. */
void *loop_zloop(struct loop *loop);

#endif
