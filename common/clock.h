/* Clocks and randomness of the runtime. The cores never call these. */
#ifndef ASSENT_COMMON_CLOCK_H
#define ASSENT_COMMON_CLOCK_H

#include "common/ids.h"

/* Monotonic, microseconds. */
uint64_t clock_now_us(void);
/* Wall clock, Unix milliseconds; for people and log lines. */
uint64_t clock_wall_ms(void);
/* Fills with bytes of the kernel's random source; TX_EIO when it gives none, with
 * the reason in errno. */
enum tx_error clock_random(void *out, size_t len) TX_MUST_CHECK;

#endif
