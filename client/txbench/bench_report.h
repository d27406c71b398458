/* What txbench prints. */
#ifndef ASSENT_CLIENT_BENCH_REPORT_H
#define ASSENT_CLIENT_BENCH_REPORT_H

#include "client/txbench/bench_workload.h"
#include "client/txbench/bench_verify.h"

#define BENCH_REPETITIONS_MAX 100u

struct bench_result {
    const struct bench_workload *workload;
    const void *state; /* of the workload */
    const struct bench_options *options;
    const struct bench_measure *measures; /* one for each repetition */
    size_t measures_n;                    /* at least 1 */
    bool plot;
};

uint64_t bench_aborted(const struct bench_counts *counts);
/* One line for people while the load runs. */
void bench_report_progress(FILE *out, double seconds, const struct bench_counts *counts,
                           uint64_t committed_last_second, bool terminal);
/* The summary. Counts are of all repetitions together, rates and latencies medians over them. */
void bench_report(const struct bench_result *result, bool json);
void bench_report_verdict(const struct bench_verdict *verdict, int64_t sum, int64_t expected_sum,
                          size_t missing, bool json);

#endif
