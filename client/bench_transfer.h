/* Transfers between accounts: the work of `txbench transfer`. */
#ifndef ASSENT_CLIENT_BENCH_TRANSFER_H
#define ASSENT_CLIENT_BENCH_TRANSFER_H

#include "client/bench_accounts.h"
#include "client/bench_ledger.h"
#include "client/bench_load.h"

#define BENCH_AMOUNT_MAX 100u /* of a transfer */

struct bench_transfers {
    const struct bench_accounts *accounts;
    bool interactive;
    bool record;
    FILE *acked;     /* NULL: none */
    FILE *attempted; /* NULL: none */
};

/* Runs one transfer; `arg` is a struct bench_transfers. */
void bench_transfer_run(struct bench_client *client, void *arg);

/* Two random accounts at different participants, unless there is one participant only. */
void bench_choose_accounts(struct bench_client *client, const struct bench_accounts *accounts,
                           size_t *from, size_t *to);

#endif
