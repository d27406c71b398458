/* Whether and when a piece of work is to run again. Pure. */
#ifndef ASSENT_CLIENT_CLIENT_RETRY_H
#define ASSENT_CLIENT_CLIENT_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct client_retry {
    uint32_t attempts_max; /* at least 1 */
    uint64_t deadline_us;  /* nothing is begun after it */
    uint64_t backoff_us;   /* before the second attempt; doubles */
    uint64_t backoff_max_us;
    uint32_t attempts; /* that have failed so far */
};

/* Notes that an attempt has failed without effect. True: run again after `wait_us`, which is drawn
 * between a half and the whole of the present back-off with `random` (any number, from a good
 * source). */
bool client_retry_again(struct client_retry *retry, uint64_t now_us, uint64_t random,
                        uint64_t *wait_us);

#endif
