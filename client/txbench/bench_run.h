/* Runs a workload: its preparation, the repetitions of the load, and what must hold behind them. */
#ifndef ASSENT_CLIENT_BENCH_RUN_H
#define ASSENT_CLIENT_BENCH_RUN_H

#include "client/txbench/bench_workload.h"

struct bench_run_options {
    struct bench_options load;
    unsigned repetitions; /* 1 to BENCH_REPETITIONS_MAX */
    bool plot;
};

/* Parses `words` (the program's name, then the options) as those of the workload, runs it, and
 * prints the summary. `options` has the defaults. The exit status: 0 all holds, 1 it does not, else
 * why it could not be run. */
int bench_run(const struct bench_workload *workload, struct bench_run_options *options, int words_n,
              char **words);

#endif
