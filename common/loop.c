#include "common/loop.h"

#include "common/assert.h"
#include "common/clock.h"

#include <czmq.h>

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_MAX 16

/* Memory that is freed stays with the process up to here: a daemon will need as much again, and
 * each page that the kernel takes back and gives anew costs more than what is put there. */
#define KEEP_FREE_BYTES (64 * 1024 * 1024)
#define KEEP_PIECE      (32 * 1024 * 1024) /* the largest one that is not mapped for itself */
#define GROW_BYTES      (1024 * 1024)

/* A descriptor, a socket of ZeroMQ, or (neither of them) what is called after each pass. */
struct watch {
    void *socket; /* NULL for a descriptor */
    int fd;       /* a socket's own one, which says that its events are to be looked at */
    bool removed; /* its memory goes at the end of the pass */
    void (*ready)(void *arg);
    void *arg;
    struct watch *next;
};

struct loop {
    int epoll_fd;
    struct watch *fds;
    struct watch *sockets;
    struct watch *after; /* in the order in which they were added */
    bool stopping;

    int signal_fd; /* -1 until loop_on_signal() */
    void (*got_signal)(void *arg, int signal_number);
    void *signal_arg;

    /* The owner's wish, and when the timer's descriptor becomes ready: never later than the wish.
     * It is left where it is when the wish moves later, then finds nothing to do yet and is set
     * again. A descriptor, since epoll counts in milliseconds. */
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

    (void)mallopt(M_MMAP_THRESHOLD, KEEP_PIECE);
    (void)mallopt(M_TRIM_THRESHOLD, KEEP_FREE_BYTES);
    (void)mallopt(M_TOP_PAD, GROW_BYTES);
    prepared_signals(&set);
    rc = pthread_sigmask(SIG_BLOCK, &set, NULL);
    TX_ASSERT(rc == 0);
    rc = sigaction(SIGPIPE, &ignore, NULL);
    TX_ASSERT(rc == 0);
    /* Before anything else of czmq: it would install handlers at its first socket. */
    zsys_handler_set(NULL);
}

static void free_watches(struct watch **list)
{
    while (*list != NULL) {
        struct watch *watch = *list;

        *list = watch->next;
        free(watch);
    }
}

/* Appends, so that watches are served in the order in which they came. */
static struct watch *watch_new(struct watch **list, struct watch from)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    TX_ASSERT(from.ready != NULL);
    if (watch == NULL) {
        return NULL;
    }
    *watch = from;
    while (*list != NULL) {
        list = &(*list)->next;
    }
    *list = watch;
    return watch;
}

/* Callbacks may remove any watch of the pass under way, so nothing is freed before its end. */
static void sweep(struct watch **at)
{
    while (*at != NULL) {
        struct watch *watch = *at;

        if (watch->removed) {
            *at = watch->next;
            free(watch);
        } else {
            at = &watch->next;
        }
    }
}

static enum tx_error add(struct loop *loop, struct watch **list, struct watch from)
{
    struct watch *watch = watch_new(list, from);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};

    if (watch == NULL) {
        return TX_ENOMEM;
    }
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) != 0) {
        watch->removed = true;
        return TX_ENOMEM;
    }
    return TX_OK;
}

enum tx_error loop_add_fd(struct loop *loop, int fd, void (*ready)(void *arg), void *arg)
{
    TX_ASSERT(fd >= 0);
    return add(loop, &loop->fds, (struct watch){.fd = fd, .ready = ready, .arg = arg});
}

enum tx_error loop_add_socket(struct loop *loop, void *socket, void (*ready)(void *arg), void *arg)
{
    int fd = -1;
    size_t size = sizeof(fd);

    TX_ASSERT(socket != NULL);
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) != 0) {
        return TX_ENOMEM;
    }
    return add(loop, &loop->sockets,
               (struct watch){.socket = socket, .fd = fd, .ready = ready, .arg = arg});
}

void loop_remove_socket(struct loop *loop, void *socket)
{
    TX_ASSERT(socket != NULL);
    for (struct watch *watch = loop->sockets; watch != NULL; watch = watch->next) {
        if (watch->socket == socket && !watch->removed) {
            (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
            watch->removed = true;
        }
    }
}

enum tx_error loop_add_after(struct loop *loop, void (*after)(void *arg), void *arg)
{
    struct watch from = {.fd = -1, .ready = after, .arg = arg};

    return watch_new(&loop->after, from) != NULL ? TX_OK : TX_ENOMEM;
}

void loop_remove_after(struct loop *loop, void *arg)
{
    for (struct watch *watch = loop->after; watch != NULL; watch = watch->next) {
        watch->removed = watch->removed || watch->arg == arg;
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

/* Serves the sockets that have something to receive; was there one? ZeroMQ's descriptor only says
 * that something has happened, and any call on the socket may take that back: before the loop
 * sleeps, each socket is asked itself, and nothing is done with it between that and the sleep. */
static bool serve_sockets(struct loop *loop)
{
    bool served = false;

    for (struct watch *watch = loop->sockets; watch != NULL && !loop->stopping;
         watch = watch->next) {
        int events = 0;
        size_t size = sizeof(events);

        if (!watch->removed && zmq_getsockopt(watch->socket, ZMQ_EVENTS, &events, &size) == 0 &&
            (events & ZMQ_POLLIN) != 0) {
            watch->ready(watch->arg);
            served = true;
        }
    }
    return served;
}

/* Serves the descriptors that are ready; waits for one, or for a socket, if it may. */
static bool serve_fds(struct loop *loop, bool wait)
{
    struct epoll_event events[EVENTS_MAX];
    const int n = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, wait ? -1 : 0);

    TX_ASSERT(n >= 0 || errno == EINTR); /* a debugger */
    for (int i = 0; i < n && !loop->stopping; i++) {
        struct watch *watch = events[i].data.ptr;

        if (watch->socket == NULL && !watch->removed) {
            watch->ready(watch->arg);
        }
    }
    return n > 0;
}

static void finish_pass(struct loop *loop)
{
    for (struct watch *watch = loop->after; watch != NULL; watch = watch->next) {
        if (!watch->removed) {
            watch->ready(watch->arg);
        }
    }
    sweep(&loop->fds);
    sweep(&loop->sockets);
    sweep(&loop->after);
}

void loop_run(struct loop *loop)
{
    while (!loop->stopping) {
        const bool received = serve_sockets(loop);

        if (loop->stopping || serve_fds(loop, !received) || received) {
            finish_pass(loop);
        }
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
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->epoll_fd < 0 || loop->timer_fd < 0 ||
        loop_add_fd(loop, loop->timer_fd, on_timer_fd, loop) != TX_OK) {
        loop_destroy(&loop);
        return tx_why(why, TX_ENOMEM, "no memory or descriptors for an event loop");
    }
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
    free_watches(&loop->fds);
    free_watches(&loop->sockets);
    free_watches(&loop->after);
    if (loop->epoll_fd >= 0) {
        (void)close(loop->epoll_fd);
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
