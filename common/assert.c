/* The assertion hook, and allocation that ends the process instead of failing. */
#include "common/assert.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define ASSERT_TEXT_MAX 512
#define EXIT_OS_FAILURE 71 /* EX_OSERR of sysexits.h */

typedef void assert_hook(const char *text);

static _Atomic(assert_hook *) hook_current;

void tx_assert_hook_set(void (*hook)(const char *text))
{
    atomic_store(&hook_current, hook);
}

_Noreturn void tx_assert_failed(const char *condition, const char *file, int line,
                                const char *function)
{
    char text[ASSERT_TEXT_MAX];
    (void)snprintf(text, sizeof text, "assertion failed: %s (%s:%d, in %s)", condition, file, line,
                   function);
    /* The hook is taken away before it runs: an assertion that fails inside of it must not call it
     * again, for ever. */
    assert_hook *hook = atomic_exchange(&hook_current, NULL);
    if (hook != NULL) {
        hook(text);
    } else {
        (void)fprintf(stderr, "%s\n", text);
    }
    abort();
}

/* At once: to leave in order takes memory too, and a log that is not closed is replayed. */
_Noreturn void tx_memory_failed(const char *function)
{
    (void)fprintf(
        stderr,
        "out of memory (in %s): stopping; what was acknowledged is in the log, start again "
        "when there is memory\n",
        function);
    _Exit(EXIT_OS_FAILURE);
}

/* The C library may answer a request for nothing with NULL, which here means "no memory". */
static size_t at_least_one(size_t bytes)
{
    return bytes > 0 ? bytes : 1;
}

static void *or_stop(void *memory, const char *function)
{
    if (memory == NULL) {
        tx_memory_failed(function);
    }
    return memory;
}

void *tx_xmalloc(size_t bytes)
{
    return or_stop(malloc(at_least_one(bytes)), __func__);
}

void *tx_xcalloc(size_t count, size_t bytes)
{
    return or_stop(calloc(at_least_one(count), at_least_one(bytes)), __func__);
}

void *tx_xrealloc(void *old, size_t bytes)
{
    return or_stop(realloc(old, at_least_one(bytes)), __func__);
}
