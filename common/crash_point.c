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

/* Skips whichever of two words the text begins with; NULL when it is neither. */
static const char *skip_word(const char *text, const char *a, const char *b)
{
    if (strncmp(text, a, strlen(a)) == 0) {
        return text + strlen(a);
    }
    return strncmp(text, b, strlen(b)) == 0 ? text + strlen(b) : NULL;
}

/* The end of "KIND:NAME:WHEN" in the text; NULL when it does not begin so. */
static const char *end_of_place(const char *text)
{
    static const char name_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    const char *at = skip_word(text, "log:", "send:");
    size_t len;

    if (at == NULL) {
        return NULL;
    }
    len = strspn(at, name_chars);
    return len == 0 || at[len] != ':' ? NULL : skip_word(at + len + 1, "before", "after");
}

/* Takes "PLACE" or "PLACE:N". */
static void split(const char *text)
{
    const char *end = end_of_place(text);
    char *rest = NULL;
    long n = 1;

    if (end == NULL || (size_t)(end - text) >= sizeof(place)) {
        refuse(text);
    }
    if (*end != '\0') {
        n = *end == ':' && end[1] >= '1' && end[1] <= '9' ? strtol(end + 1, &rest, 10) : 0;
        if (n < 1 || *rest != '\0') {
            refuse(text);
        }
    }
    memcpy(place, text, (size_t)(end - text));
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
