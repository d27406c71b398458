/* What txbench prints. */
#ifndef ASSENT_CLIENT_BENCH_REPORT_H
#define ASSENT_CLIENT_BENCH_REPORT_H

#include "client/bench_load.h"
#include "client/bench_verify.h"

struct bench_result {
    double seconds; /* from the first transaction to the last answer within the time of the load */
    struct bench_counts counts;
    struct histogram latencies;
    bool bank; /* there are accounts: the next three count */
    int64_t sum_before;
    int64_t sum_after;
    size_t missing;      /* accounts that are absent at the end */
    const char *history; /* the file; NULL: none */
    uint64_t history_txs;
};

uint64_t bench_aborted(const struct bench_counts *counts);
/* One line for people while the load runs. */
void bench_report_progress(FILE *out, double seconds, const struct bench_counts *counts,
                           uint64_t committed_last_second, bool terminal);
void bench_report(const struct bench_result *result, bool json);
void bench_report_verdict(const struct bench_verdict *verdict, int64_t sum, int64_t expected_sum,
                          size_t missing, bool json);

#endif
