/* Threads beside the loop. */
#include "txlog/log_thread.h"

#include "common/assert.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NICE         19
#define IOPRIO_CLASS (2 << 13) /* best effort ... */
#define IOPRIO_LEVEL 7         /* ... behind everybody else */

int log_thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(thread, NULL, run, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

void log_thread_sync(pthread_mutex_t *mutex, pthread_cond_t *changed)
{
    pthread_condattr_t attributes;
    int result = pthread_mutex_init(mutex, NULL);
    TX_ASSERT(result == 0);
    result = pthread_condattr_init(&attributes);
    TX_ASSERT(result == 0);
    result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    TX_ASSERT(result == 0);
    result = pthread_cond_init(changed, &attributes);
    TX_ASSERT(result == 0);
    (void)pthread_condattr_destroy(&attributes);
}

void log_thread_wait(pthread_cond_t *changed, pthread_mutex_t *mutex, uint64_t until_us)
{
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000u),
                             .tv_nsec = (long)(until_us % 1000000u) * 1000};
    int result = pthread_cond_timedwait(changed, mutex, &until);
    TX_ASSERT(result == 0 || result == ETIMEDOUT);
}

void log_thread_step_back(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    (void)syscall(SYS_ioprio_set, 1, 0, IOPRIO_CLASS | IOPRIO_LEVEL);
}
