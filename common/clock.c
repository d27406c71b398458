#include "common/clock.h"

#include "common/assert.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

static struct timespec now(clockid_t which)
{
    struct timespec t;
    const int rc = clock_gettime(which, &t);

    TX_ASSERT(rc == 0);
    TX_ASSERT(t.tv_sec >= 0);
    return t;
}

uint64_t clock_now_us(void)
{
    const struct timespec t = now(CLOCK_MONOTONIC);

    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t clock_wall_ms(void)
{
    const struct timespec t = now(CLOCK_REALTIME);

    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

enum tx_error clock_random(void *out, size_t len)
{
    uint8_t *at = out;

    TX_ASSERT(out != NULL || len == 0);
    while (len > 0) {
        const ssize_t got = getrandom(at, len, 0);

        if (got > 0) {
            at += got;
            len -= (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            return TX_EIO;
        }
    }
    return TX_OK;
}
