/* Exponential back-off with jitter, bounded by attempts and time. */
#include "client/client_retry.h"

#include "common/assert.h"

bool client_retry_again(struct client_retry *retry, uint64_t now_us, uint64_t random,
                        uint64_t *wait_us)
{
    TX_ASSERT(retry->attempts < retry->attempts_max);
    retry->attempts++;
    uint64_t whole =
        retry->backoff_us < retry->backoff_max_us ? retry->backoff_us : retry->backoff_max_us;
    /* Those that collided would collide again if all of them waited equally long. */
    uint64_t wait = whole - random % (whole / 2 + 1);
    if (retry->attempts == retry->attempts_max || now_us >= retry->deadline_us ||
        wait >= retry->deadline_us - now_us) {
        return false;
    }
    if (retry->backoff_us < retry->backoff_max_us) {
        retry->backoff_us *= 2;
    }
    *wait_us = wait;
    return true;
}
