/* Metrics in the text format of Prometheus (0.0.4), described by tables.
 *
 * A table is the only place that knows a metric: its name, type, labels and meaning. It drives what
 * is served and what `--print-metrics` prints, with which docs/metrics.md is compared. A metric's
 * value is read from a structure that is filled when somebody asks. */
#ifndef ASSENT_COMMON_DAEMON_METRICS_H
#define ASSENT_COMMON_DAEMON_METRICS_H

#include "common/times.h"

#include <stddef.h>
#include <stdio.h>

enum metric_kind {
    METRIC_COUNTER,           /* uint64_t */
    METRIC_COUNTER_SECONDS,   /* uint64_t microseconds */
    METRIC_GAUGE,             /* uint64_t */
    METRIC_GAUGE_SECONDS,     /* uint64_t microseconds */
    METRIC_INFO,              /* const char *: the labels; NULL: the metric has no sample now */
    METRIC_HISTOGRAM,         /* const struct tx_times *: numbers */
    METRIC_HISTOGRAM_SECONDS, /* const struct tx_times *: microseconds */
    METRIC_KINDS_N
};

struct metric {
    const char *name; /* "assent_log_records_total" */
    enum metric_kind kind;
    size_t offset;     /* of the value, or of the first one of an array, in the structure */
    const char *label; /* of an array; else NULL. INFO: the names of its labels */
    size_t n;          /* elements of the array */
    const char *(*label_value)(unsigned i); /* of an element; NULL: leave that one out */
    const char *help;
};

/* A row of a table for a value that is one field of `type`. */
#define METRIC_ONE(type, name, kind, field, help)                                                  \
    {                                                                                              \
        name, kind, offsetof(type, field), NULL, 1, NULL, help                                     \
    }

struct metric_table {
    const struct metric *metrics;
    size_t n;
};

/* The samples of one table, read from `values`, with HELP and TYPE. */
void metrics_write(const struct metric_table *table, const void *values, FILE *out);

/* One row of docs/metrics.md for each metric: name, type, labels, meaning. */
void metrics_print(const struct metric_table *table, FILE *out);

/* Appends `name="value"`, escaped, behind a comma when something stands in `out` already; what does
 * not fit is left out. For METRIC_INFO. */
void metric_label_add(char *out, size_t out_size, const char *name, const char *value);

#endif
