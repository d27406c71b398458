#include "common/loop.h"

#include "common/assert.h"
#include "common/clock.h"

#include <czmq.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct watch {
    struct loop *loop;
    void *socket; /* NULL for a descriptor */
    void (*ready)(void *arg);
    void *arg;
    struct watch *next;
};

struct loop {
    zloop_t *zloop;
    struct watch *watches;
    bool stopping;

    int signal_fd; /* -1 until loop_on_signal() */
    void (*got_signal)(void *arg, int signal_number);
    void *signal_arg;

    /* The owner's wish, and when the timer's descriptor becomes ready: never later than the wish.
     * It is left where it is when the wish moves later, then finds nothing to do yet and is set
     * again. A descriptor, since zloop's own timers are in milliseconds and count from its next
     * pass. */
    uint64_t fire_at_us; /* UINT64_MAX: never */
    uint64_t armed_us;   /* 0: not at all */
    int timer_fd;
    void (*fire)(void *arg);
    void *fire_arg;
};

static void prepared_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

void loop_prepare_process(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;
    int rc;

    prepared_signals(&set);
    rc = pthread_sigmask(SIG_BLOCK, &set, NULL);
    TX_ASSERT(rc == 0);
    rc = sigaction(SIGPIPE, &ignore, NULL);
    TX_ASSERT(rc == 0);
    /* Before anything else of czmq: it would install handlers at its first socket. */
    zsys_handler_set(NULL);
}

static int on_ready(zloop_t *zloop, zmq_pollitem_t *item, void *arg)
{
    struct watch *watch = arg;
    struct loop *loop = watch->loop;

    (void)zloop;
    (void)item;
    watch->ready(watch->arg);
    return loop->stopping ? -1 : 0;
}

static enum tx_error add(struct loop *loop, zmq_pollitem_t *item, void (*ready)(void *arg),
                         void *arg)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    TX_ASSERT(ready != NULL);
    if (watch == NULL) {
        return TX_ENOMEM;
    }
    *watch = (struct watch){loop, item->socket, ready, arg, loop->watches};
    if (zloop_poller(loop->zloop, item, on_ready, watch) != 0) {
        free(watch);
        return TX_ENOMEM;
    }
    /* Otherwise zloop forgets it at its first error, silently. */
    zloop_poller_set_tolerant(loop->zloop, item);
    loop->watches = watch;
    return TX_OK;
}

enum tx_error loop_add_fd(struct loop *loop, int fd, void (*ready)(void *arg), void *arg)
{
    zmq_pollitem_t item = {.fd = fd, .events = ZMQ_POLLIN};

    TX_ASSERT(fd >= 0);
    return add(loop, &item, ready, arg);
}

enum tx_error loop_add_socket(struct loop *loop, void *socket, void (*ready)(void *arg), void *arg)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    TX_ASSERT(socket != NULL);
    return add(loop, &item, ready, arg);
}

void loop_remove_socket(struct loop *loop, void *socket)
{
    zmq_pollitem_t item = {.socket = socket};
    struct watch **at = &loop->watches;

    TX_ASSERT(socket != NULL);
    while (*at != NULL && (*at)->socket != socket) {
        at = &(*at)->next;
    }
    zloop_poller_end(loop->zloop, &item);
    if (*at != NULL) {
        struct watch *watch = *at;

        *at = watch->next;
        free(watch);
    }
}

static void on_signal_fd(void *arg)
{
    struct loop *loop = arg;
    struct signalfd_siginfo info;

    while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        loop->got_signal(loop->signal_arg, (int)info.ssi_signo);
    }
}

enum tx_error loop_on_signal(struct loop *loop, void (*got)(void *arg, int signal_number),
                             void *arg)
{
    sigset_t set;

    TX_ASSERT(loop->signal_fd < 0);
    TX_ASSERT(got != NULL);
    prepared_signals(&set);
    loop->got_signal = got;
    loop->signal_arg = arg;
    loop->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (loop->signal_fd < 0) {
        return errno == ENOMEM ? TX_ENOMEM : TX_EIO;
    }
    return loop_add_fd(loop, loop->signal_fd, on_signal_fd, loop);
}

/* Sets the descriptor to an absolute time; 0 disarms. */
static void arm(struct loop *loop, uint64_t at_us)
{
    const struct itimerspec at = {.it_value = {.tv_sec = (time_t)(at_us / 1000000u),
                                               .tv_nsec = (long)(at_us % 1000000u) * 1000}};
    const int rc = timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);

    TX_ASSERT(rc == 0);
    loop->armed_us = at_us;
}

/* Makes the descriptor ready in time for `fire_at_us`, unless it will be already. */
static void arm_if_needed(struct loop *loop)
{
    const uint64_t year_us = UINT64_C(365) * 24 * 3600 * 1000000;
    uint64_t at_us = loop->fire_at_us;

    if (at_us == UINT64_MAX || (loop->armed_us != 0 && loop->armed_us <= at_us)) {
        return;
    }
    if (at_us > clock_now_us() + year_us) {
        at_us = clock_now_us() + year_us; /* what the kernel is sure to take; set again by then */
    }
    arm(loop, at_us == 0 ? 1 : at_us);
}

static void on_timer_fd(void *arg)
{
    struct loop *loop = arg;
    uint64_t times;

    if (read(loop->timer_fd, &times, sizeof(times)) != (ssize_t)sizeof(times)) {
        return; /* set anew since it became ready */
    }
    loop->armed_us = 0;
    if (clock_now_us() >= loop->fire_at_us) {
        loop->fire_at_us = UINT64_MAX;
        loop->fire(loop->fire_arg);
    }
    arm_if_needed(loop);
}

void loop_timer(struct loop *loop, uint64_t at_us, void (*fire)(void *arg), void *arg)
{
    TX_ASSERT(fire != NULL || at_us == UINT64_MAX);
    loop->fire_at_us = at_us;
    loop->fire = fire;
    loop->fire_arg = arg;
    arm_if_needed(loop);
}

void loop_run(struct loop *loop)
{
    while (!loop->stopping) {
        /* Returns when a handler said so, or when a poll was interrupted (a debugger). */
        (void)zloop_start(loop->zloop);
    }
    loop->stopping = false;
}

enum tx_error loop_new(struct loop **out, struct tx_why *why)
{
    struct loop *loop = calloc(1, sizeof(*loop));

    if (loop == NULL) {
        return tx_why(why, TX_ENOMEM, "no memory for an event loop");
    }
    loop->signal_fd = -1;
    loop->fire_at_us = UINT64_MAX;
    loop->zloop = zloop_new();
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->zloop == NULL || loop->timer_fd < 0 ||
        loop_add_fd(loop, loop->timer_fd, on_timer_fd, loop) != TX_OK) {
        loop_destroy(&loop);
        return tx_why(why, TX_ENOMEM, "no memory or descriptors for an event loop");
    }
    /* Signals come through loop_on_signal() alone. */
    zloop_set_nonstop(loop->zloop, true);
    *out = loop;
    return TX_OK;
}

void loop_destroy(struct loop **loop_p)
{
    struct loop *loop = *loop_p;

    if (loop == NULL) {
        return;
    }
    *loop_p = NULL;
    zloop_destroy(&loop->zloop);
    while (loop->watches != NULL) {
        struct watch *watch = loop->watches;

        loop->watches = watch->next;
        free(watch);
    }
    if (loop->timer_fd >= 0) {
        (void)close(loop->timer_fd);
    }
    if (loop->signal_fd >= 0) {
        (void)close(loop->signal_fd);
    }
    free(loop);
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}
