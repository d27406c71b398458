/* The books of a bank. */
#include "client/txbench/bench_money.h"

void bench_money_book(struct bench_money *money, txclient_status status, bool lost, int64_t amount)
{
    if (status == TXCLIENT_OK) {
        (void)atomic_fetch_add(&money->change, amount);
        (void)atomic_fetch_add(&money->committed, 1);
    } else if (lost) {
        (void)atomic_fetch_add(amount < 0 ? &money->less : &money->more, amount);
        (void)atomic_fetch_add(&money->lost, 1);
    }
}

bool bench_money_allows(const struct bench_money *money, int64_t change)
{
    int64_t known = atomic_load(&money->change);
    return change >= known + atomic_load(&money->less) &&
           change <= known + atomic_load(&money->more);
}
