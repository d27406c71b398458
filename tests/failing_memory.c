#include "tests/failing_memory.h"

#include <errno.h>
#include <stdlib.h>

/* The names that the linker's --wrap option gives. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

static _Thread_local bool is_armed;
static _Thread_local enum failing_memory failing_how;
static _Thread_local unsigned long failing_n, calls, failures;

static bool fails(void)
{
    if (!is_armed) {
        return false;
    }
    calls++;
    if (failing_how == FAILING_ALONE ? calls != failing_n : calls < failing_n) {
        return false;
    }
    failures++;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(old, count, size);
}

void failing_memory_arm(unsigned long n, enum failing_memory how)
{
    failing_n = n;
    failing_how = how;
    calls = 0;
    failures = 0;
    is_armed = true;
}

bool failing_memory_set(bool armed)
{
    bool was = is_armed;
    is_armed = armed;
    return was;
}

unsigned long failing_memory_failures(void)
{
    return failures;
}
