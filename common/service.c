#include "common/service.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/notify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* How often free space is measured, and a draining daemon asks whether it is idle. */
#define WATCH_US (1000u * 1000u)
#define DRAIN_US (20u * 1000u)

struct service {
    struct service_options options;
    struct loop *loop;
    uint64_t tick_at_us;
    uint64_t watch_at_us;
    uint64_t beat_us; /* the service manager hears of us so often; 0: it does not watch */
    uint64_t beat_at_us;
    uint64_t drain_until_us; /* 0: not draining */
    uint64_t drain_at_us;
    uint64_t disk_free;
    bool disk_low;
};

static void arm(struct service *service);

static void watch_disk(struct service *service)
{
    struct statvfs stat;
    bool low;

    if (statvfs(service->options.directory, &stat) != 0)
        return;
    service->disk_free = (uint64_t)stat.f_bavail * stat.f_frsize;
    low = service->disk_free < service->options.disk_reserve;
    if (low == service->disk_low)
        return;
    service->disk_low = low;
    if (low) {
        notify_status("new transactions are refused: %s has %" PRIu64 " bytes of free space, less "
                      "than storage.disk_reserve",
                      service->options.directory, service->disk_free);
        LOG_WARN("disk space is below the reserve: new transactions are refused",
                 "directory=%s free_bytes=%" PRIu64 " reserve_bytes=%" PRIu64,
                 service->options.directory, service->disk_free, service->options.disk_reserve);
    } else {
        notify_status("%s", NOTIFY_SERVING);
        LOG_INFO("disk space is above the reserve again", "directory=%s free_bytes=%" PRIu64,
                 service->options.directory, service->disk_free);
    }
    service->options.disk(service->options.arg, low, service->disk_free);
}

static void drain_step(struct service *service, uint64_t now)
{
    if (service->options.idle(service->options.arg)) {
        LOG_INFO("drained, leaving", "%s", "");
        loop_stop(service->loop);
    } else if (now >= service->drain_until_us) {
        LOG_WARN("drain time is over, leaving with transactions open", "%s", "");
        loop_stop(service->loop);
    } else {
        service->drain_at_us = now + DRAIN_US;
    }
}

static void fire(void *arg)
{
    struct service *service = arg;
    uint64_t now = clock_now_us();

    if (service->beat_us != 0 && now >= service->beat_at_us) {
        service->beat_at_us = now + service->beat_us;
        notify_alive();
    }
    if (now >= service->watch_at_us) {
        service->watch_at_us = now + WATCH_US;
        watch_disk(service);
    }
    if (service->drain_until_us != 0 && now >= service->drain_at_us)
        drain_step(service, now);
    if (now >= service->tick_at_us) {
        service->tick_at_us = UINT64_MAX;
        service->options.tick(service->options.arg);
    }
    arm(service);
}

static void arm(struct service *service)
{
    uint64_t at = service->tick_at_us;

    if (service->watch_at_us < at)
        at = service->watch_at_us;
    if (service->drain_until_us != 0 && service->drain_at_us < at)
        at = service->drain_at_us;
    if (service->beat_us != 0 && service->beat_at_us < at)
        at = service->beat_at_us;
    loop_timer(service->loop, at, fire, service);
}

static void reload(struct service *service)
{
    /* A daemon that leaves has told so, and cannot be reloading as well. */
    const bool leaving = service->drain_until_us != 0;

    if (!leaving)
        notify_reloading();
    service->options.reload(service->options.arg);
    if (!leaving)
        notify_ready();
}

static void drain(struct service *service)
{
    uint64_t now = clock_now_us();

    LOG_INFO("SIGTERM: finishing what is open", "drain_ms=%" PRIu64, service->options.drain_ms);
    notify_stopping(service->options.drain_ms);
    service->drain_until_us = now + service->options.drain_ms * 1000u;
    service->drain_at_us = now;
    service->options.drain(service->options.arg);
    arm(service);
}

static void got_signal(void *arg, int signal_number)
{
    struct service *service = arg;

    if (signal_number == SIGHUP) {
        reload(service);
    } else if (signal_number == SIGTERM && service->drain_until_us == 0) {
        drain(service);
    } else {
        LOG_INFO("leaving at once", "signal=%d", signal_number);
        notify_stopping(0);
        loop_stop(service->loop);
    }
}

enum tx_error service_new(const struct service_options *options, struct loop *loop,
                          struct service **service, struct tx_why *why)
{
    struct service *made = calloc(1, sizeof *made);
    enum tx_error error;

    TX_ASSERT(options->tick != NULL && options->idle != NULL && options->drain != NULL);
    TX_ASSERT(options->disk != NULL && options->reload != NULL);
    if (made == NULL)
        return tx_why(why, TX_ENOMEM, "out of memory");
    made->options = *options;
    made->loop = loop;
    made->tick_at_us = UINT64_MAX;
    made->beat_us = notify_watchdog_us();
    error = loop_on_signal(loop, got_signal, made);
    if (error != TX_OK) {
        free(made);
        return tx_why(why, error, "cannot receive signals: %s", tx_error_text(error));
    }
    arm(made);
    *service = made;
    return TX_OK;
}

void service_destroy(struct service **service)
{
    free(*service);
    *service = NULL;
}

void service_tick_at(struct service *service, uint64_t at_us)
{
    if (at_us == service->tick_at_us)
        return;
    service->tick_at_us = at_us;
    arm(service);
}

void service_set(struct service *service, uint64_t disk_reserve, uint64_t drain_ms)
{
    bool was_low = service->disk_low;

    service->options.disk_reserve = disk_reserve;
    service->options.drain_ms = drain_ms;
    if (disk_reserve == 0 && was_low) { /* nothing is watched any more */
        service->disk_low = false;
        service->options.disk(service->options.arg, false, service->disk_free);
    }
    service->watch_at_us = 0;
    arm(service);
}

uint64_t service_disk_free(const struct service *service)
{
    return service->disk_free;
}

bool service_draining(const struct service *service)
{
    return service->drain_until_us != 0;
}
