/* Choosing the two accounts of a transfer, for the workloads that transfer. */
#ifndef ASSENT_CLIENT_BENCH_TRANSFER_H
#define ASSENT_CLIENT_BENCH_TRANSFER_H

#include "client/txbench/bench_accounts.h"
#include "client/txbench/bench_load.h"

#define BENCH_AMOUNT_MAX 100u /* of a transfer */

/* Two random accounts at different participants, unless there is one participant only. */
void bench_choose_accounts(struct bench_client *client, const struct bench_accounts *accounts,
                           size_t *from, size_t *to);

#endif
