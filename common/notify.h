/* What a daemon tells its service manager: systemd, by the messages of sd_notify(3). Whoever runs
 * without one (no NOTIFY_SOCKET) says nothing, and every function is a no-op then.
 *
 *     STATUS, EXTEND_TIMEOUT_USEC   while it opens and reads its log, which may take long
 *     READY                         once its socket takes connections and the loop begins
 *     WATCHDOG                      from the loop, twice in the time that the manager allows
 *     RELOADING, READY              around a reload
 *     STOPPING, EXTEND_TIMEOUT_USEC when it has been asked to leave, and while it drains
 *
 * A text is one line; a line break in it becomes a blank. The calls may block while the manager
 * does not read. */
#ifndef ASSENT_COMMON_NOTIFY_H
#define ASSENT_COMMON_NOTIFY_H

#include "common/error.h"

#include <stdint.h>

/* Each word about a start or an end prolongs the manager's patience to so much from then on. */
#define NOTIFY_PATIENCE_MS 120000u

/* It starts, and is about to do or in the middle of what the text says. */
void notify_starting(const char *format, ...) TX_PRINTF(1, 2);
/* It serves; with the last status, at first NOTIFY_SERVING. */
void notify_ready(void);
#define NOTIFY_SERVING "serving"
/* What it is about, if that is more than that it serves; from notify_ready() on. */
void notify_status(const char *format, ...) TX_PRINTF(1, 2);
/* It begins to read its configuration again; notify_ready() tells that it has. */
void notify_reloading(void);
/* It has been asked to leave and will have done so within `within_ms`, beside closing its log. */
void notify_stopping(uint64_t within_ms);

/* Half of the time after which the manager ends a daemon that has not called notify_alive(), in
 * microseconds; 0 when it does not watch. */
uint64_t notify_watchdog_us(void);
void notify_alive(void);

#endif
