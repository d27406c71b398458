/* Numbers on txbench's command line. */
#ifndef ASSENT_CLIENT_BENCH_ARGS_H
#define ASSENT_CLIENT_BENCH_ARGS_H

#include <argp.h>
#include <stdint.h>

/* Each ends the program with a complaint and EX_USAGE when `arg` is none or out of bounds. */
double bench_arg_number(struct argp_state *state, const char *arg, double min, double max);
/* A whole number. */
uint64_t bench_arg_count(struct argp_state *state, const char *arg, uint64_t min, uint64_t max);
int64_t bench_arg_money(struct argp_state *state, const char *arg);

#endif
