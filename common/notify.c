#include "common/notify.h"

#include "common/assert.h"
#include "common/clock.h"
#include "common/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define MESSAGE_SIZE 768u

static char status[MESSAGE_SIZE] = "STATUS=" NOTIFY_SERVING;

static void send_message(const char *message)
{
    static bool complained;
    const int rc = sd_notify(0, message);

    if (rc < 0 && !complained) {
        complained = true;
        LOG_WARN("the service manager cannot be told anything", "error=\"%s\"", strerror(-rc));
    }
}

/* The rest of a message, "STATUS=" and the text; a text that is too long is cut. */
static void add_status(char *message, size_t used, const char *format, va_list args)
    TX_PRINTF(3, 0);

static void add_status(char *message, size_t used, const char *format, va_list args)
{
    char *text = message + used + sizeof "STATUS=" - 1;

    TX_ASSERT(text < message + MESSAGE_SIZE);
    (void)memcpy(message + used, "STATUS=", sizeof "STATUS=" - 1);
    (void)vsnprintf(text, MESSAGE_SIZE - (size_t)(text - message), format, args);
    for (; *text != '\0'; text++)
        if (*text == '\n')
            *text = ' ';
}

void notify_starting(const char *format, ...)
{
    char message[MESSAGE_SIZE];
    const int used =
        snprintf(message, sizeof message, "EXTEND_TIMEOUT_USEC=%u000\n", NOTIFY_PATIENCE_MS);
    va_list args;

    TX_ASSERT(used > 0);
    va_start(args, format);
    add_status(message, (size_t)used, format, args);
    va_end(args);
    send_message(message);
}

void notify_status(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_status(status, 0, format, args);
    va_end(args);
    send_message(status);
}

void notify_ready(void)
{
    char message[MESSAGE_SIZE + 16];

    (void)snprintf(message, sizeof message, "READY=1\n%s", status);
    send_message(message);
}

void notify_reloading(void)
{
    char message[MESSAGE_SIZE];

    (void)snprintf(message, sizeof message,
                   "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reading its configuration",
                   clock_now_us());
    send_message(message);
}

void notify_stopping(uint64_t within_ms)
{
    char message[MESSAGE_SIZE];

    (void)snprintf(message, sizeof message,
                   "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64 "000\nSTATUS=leaving",
                   within_ms + NOTIFY_PATIENCE_MS);
    send_message(message);
}

uint64_t notify_watchdog_us(void)
{
    uint64_t usec = 0;

    return sd_watchdog_enabled(0, &usec) > 0 ? usec / 2u : 0;
}

void notify_alive(void)
{
    send_message("WATCHDOG=1");
}
