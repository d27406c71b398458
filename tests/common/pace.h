/* How much a test does, and how patient it is. Both are set for valgrind, under which everything
 * takes some forty times as long (scripts/soak); without them a test does all of its work at its
 * own pace. */
#ifndef ASSENT_TESTS_COMMON_PACE_H
#define ASSENT_TESTS_COMMON_PACE_H

#include <stdlib.h>

static inline unsigned long pace_number(const char *name)
{
    const char *text = getenv(name);
    unsigned long n = text != NULL ? strtoul(text, NULL, 10) : 1;
    return n > 0 ? n : 1;
}

/* ASSENT_TEST_SHARE=N: of what is done many times, an N-th. */
static inline unsigned long pace_share(void)
{
    return pace_number("ASSENT_TEST_SHARE");
}

/* How often, for what is done `n` times: at least so often as the test's own checks need. */
static inline unsigned long pace_count(unsigned long n, unsigned long least)
{
    unsigned long share = n / pace_share();
    return share > least ? share : least;
}

/* ASSENT_TEST_PATIENCE=N: times that a test sets, and that decide what happens in it, are N times
 * as long. */
static inline unsigned pace_ms(unsigned ms)
{
    return ms * (unsigned)pace_number("ASSENT_TEST_PATIENCE");
}

#endif
