/* Numbers on the command line. */
#include "client/txbench/bench_args.h"

#include <errno.h>
#include <stdlib.h>

double bench_arg_number(struct argp_state *state, const char *arg, double min, double max)
{
    char *end = NULL;
    errno = 0;
    double value = strtod(arg, &end);
    if (errno != 0 || end == arg || *end != '\0' || !(value >= min && value <= max)) {
        argp_error(state, "\"%s\" is no number from %.15g to %.15g", arg, min, max);
        return min;
    }
    return value;
}

uint64_t bench_arg_count(struct argp_state *state, const char *arg, uint64_t min, uint64_t max)
{
    double value = bench_arg_number(state, arg, (double)min, (double)max);
    uint64_t whole = (uint64_t)value;
    if (value > (double)whole) {
        argp_error(state, "\"%s\" is no whole number", arg);
    }
    return whole;
}

int64_t bench_arg_money(struct argp_state *state, const char *arg)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(arg, &end, 10);
    if (errno != 0 || end == arg || *end != '\0') {
        argp_error(state, "\"%s\" is no whole number", arg);
    }
    return value;
}
