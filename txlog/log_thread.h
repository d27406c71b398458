/* What the threads beside a daemon's loop have in common: the log writer's, a backup's. */
#ifndef ASSENT_TXLOG_LOG_THREAD_H
#define ASSENT_TXLOG_LOG_THREAD_H

#include <pthread.h>
#include <stdint.h>

/* Starts a thread that takes no signals: they are the loop's. Gives what pthread_create() gives. */
int log_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);

/* A mutex, and a condition whose times are of CLOCK_MONOTONIC. */
void log_thread_sync(pthread_mutex_t *mutex, pthread_cond_t *changed);

/* Waits for the condition until a time of clock_now_us() at the latest. Locked. */
void log_thread_wait(pthread_cond_t *changed, pthread_mutex_t *mutex, uint64_t until_us);

/* Puts the calling thread behind all others, for processor and disk: what the transactions do goes
 * first. */
void log_thread_step_back(void);

#endif
