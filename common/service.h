/* What a running daemon does besides its protocol: watch the free disk space, drain on SIGTERM,
 * leave on SIGINT, tell the service manager what it is about and that its loop turns (notify.h). */
#ifndef ASSENT_COMMON_SERVICE_H
#define ASSENT_COMMON_SERVICE_H

#include "common/loop.h"

#include <stdbool.h>

struct service;

struct service_options {
    const char *directory; /* its file system is watched; borrowed */
    uint64_t disk_reserve; /* bytes; 0: free space is measured, and never too low */
    uint64_t drain_ms;     /* open work has so long to finish after SIGTERM */
    /* Free space has fallen below the reserve (`low`), or is above it again. */
    void (*disk)(void *arg, bool low, uint64_t free_bytes);
    /* Take no new work from now on. */
    void (*drain)(void *arg);
    /* Is there nothing left to finish? */
    bool (*idle)(void *arg);
    /* SIGHUP. */
    void (*reload)(void *arg);
    /* The core's timer has come. */
    void (*tick)(void *arg);
    void *arg;
};

/* Takes over the signals and the timer of the loop. */
enum tx_error service_new(const struct service_options *options, struct loop *loop,
                          struct service **service, struct tx_why *why) TX_MUST_CHECK;
void service_destroy(struct service **service);

/* The core wants its tick at this time (clock_now_us); UINT64_MAX for never. Call it after every
 * step. */
void service_tick_at(struct service *service, uint64_t at_us);

/* Other values from now on, as service_options has them. */
void service_set(struct service *service, uint64_t disk_reserve, uint64_t drain_ms);

/* The last measured free space of the directory's file system, in bytes. */
uint64_t service_disk_free(const struct service *service);
bool service_draining(const struct service *service);

#endif
