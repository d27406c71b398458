#include "common/crash_point.h"

#ifdef ASSENT_CRASH_POINTS
#include "common/assert.h"
#include "common/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char place[128]; /* "" when none is chosen */
static atomic_long left;

static _Noreturn void refuse(const char *text)
{
    LOG_ERROR("ASSENT_CRASH_POINT is no crash point", "value=%s expected=\"KIND:NAME:WHEN[:N]\"",
              LOG_Q(tx_bytes_str(text)));
    abort();
}

/* Cuts "PLACE:N" at its third colon; N is 1 when it is not there. */
static void split(const char *text)
{
    char kind[8], what[64], when[8], rest[2];
    long n = 1;
    const int got = sscanf(text, "%7[a-z]:%63[A-Z_0-9]:%7[a-z]:%ld%1s", kind, what, when, &n, rest);
    size_t len;

    if ((got != 3 && got != 4) || n < 1) {
        refuse(text);
    }
    len = strlen(kind) + strlen(what) + strlen(when) + 2;
    if ((got == 3 && text[len] != '\0') ||
        (strcmp(kind, "log") != 0 && strcmp(kind, "send") != 0) ||
        (strcmp(when, "before") != 0 && strcmp(when, "after") != 0)) {
        refuse(text);
    }
    (void)snprintf(place, sizeof(place), "%s:%s:%s", kind, what, when);
    atomic_store(&left, n);
}

static void choose(void)
{
    const char *text = getenv("ASSENT_CRASH_POINT");

    if (text != NULL && text[0] != '\0') {
        split(text);
    }
}

int crash_point_armed(void)
{
    TX_ASSERT(pthread_once(&once, choose) == 0);
    return place[0] != '\0';
}

void crash_point_after(const char *kind, const char *what, const char *when,
                       void (*first)(void *arg), void *arg)
{
    char here[sizeof(place)];

    if (!crash_point_armed()) {
        return;
    }
    (void)snprintf(here, sizeof(here), "%s:%s:%s", kind, what, when);
    if (strcmp(here, place) != 0 || atomic_fetch_sub(&left, 1) != 1) {
        return;
    }
    LOG_INFO("dying at a crash point", "place=%s", place);
    if (first != NULL) {
        first(arg);
    }
    (void)kill(getpid(), SIGKILL);
    for (;;) {
        (void)pause(); /* until the signal arrives */
    }
}

void crash_point(const char *kind, const char *what, const char *when)
{
    crash_point_after(kind, what, when, NULL, NULL);
}
#endif
