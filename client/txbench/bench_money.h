/* By how much the money of a bank must have changed: what the transactions added that are known to
 * have committed, and what those may have added whose outcome was never found out. */
#ifndef ASSENT_CLIENT_BENCH_MONEY_H
#define ASSENT_CLIENT_BENCH_MONEY_H

#include "client/txbench/bench_load.h"

struct bench_money {
    _Atomic int64_t change;
    _Atomic int64_t less; /* may have been taken on top of it; 0 or below */
    _Atomic int64_t more;
    _Atomic uint64_t committed;
    _Atomic uint64_t lost;
};

/* Books what came of a transaction that adds `amount` to all accounts together; `lost`: that was
 * never found out. */
void bench_money_book(struct bench_money *money, txclient_status status, bool lost, int64_t amount);
/* May the sum have changed by so much? */
bool bench_money_allows(const struct bench_money *money, int64_t change);

#endif
