/* Whether what was acknowledged is there, and nothing is there by half. */
#ifndef ASSENT_CLIENT_BENCH_VERIFY_H
#define ASSENT_CLIENT_BENCH_VERIFY_H

#include "client/txbench/bench_accounts.h"
#include "client/txbench/bench_ledger.h"

#include <stdio.h>

struct bench_verdict {
    size_t checked; /* transfers looked at */
    size_t lost;    /* acknowledged, and not on both sides */
    size_t half;    /* on one side only */
    size_t wrong;   /* on both sides with an amount that is not theirs */
};

/* Looks at both sides of every transfer of the list; prints those that are wrong to `out`, by name.
 * With `acked` each must be on both sides; without, on both or on none. Adds to `verdict`. */
txclient_status bench_verify(txclient *client, const struct bench_ledger *ledger, bool acked,
                             uint32_t patience_ms, FILE *out, struct bench_verdict *verdict);

#endif
