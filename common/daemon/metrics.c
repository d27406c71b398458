#include "common/daemon/metrics.h"

#include "common/assert.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* The upper bounds of histograms: powers of two. Seconds from 16 microseconds to 67 seconds;
 * numbers 1, 3, 7 ... 4095. Times are cut to whole microseconds, so that those counted below a
 * power of two are the ones that lasted less. */
#define SECONDS_BIT_FIRST 4u
#define SECONDS_BIT_LAST  26u
#define NUMBERS_BIT_FIRST 1u
#define NUMBERS_BIT_LAST  12u

static const char *type_of(enum metric_kind kind)
{
    static const char *const types[METRIC_KINDS_N] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_COUNTER_SECONDS] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_GAUGE_SECONDS] = "gauge",
        [METRIC_INFO] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
        [METRIC_HISTOGRAM_SECONDS] = "histogram",
    };

    TX_ASSERT(kind < METRIC_KINDS_N);
    return types[kind];
}

static void print_seconds(uint64_t us, FILE *out)
{
    fprintf(out, "%" PRIu64 ".%06" PRIu64, us / 1000000u, us % 1000000u);
}

/* "{label="value"", without its closing brace; nothing without a label. */
static void print_label(const char *label, const char *value, FILE *out)
{
    if (label != NULL)
        fprintf(out, "{%s=\"%s\"", label, value);
}

static void write_number(const struct metric *metric, const char *value_of_label, uint64_t value,
                         FILE *out)
{
    fputs(metric->name, out);
    print_label(metric->label, value_of_label, out);
    fputs(metric->label != NULL ? "} " : " ", out);
    if (metric->kind == METRIC_COUNTER_SECONDS || metric->kind == METRIC_GAUGE_SECONDS)
        print_seconds(value, out);
    else
        fprintf(out, "%" PRIu64, value);
    fputc('\n', out);
}

static void write_bucket(const struct metric *metric, const char *value_of_label, FILE *out)
{
    fprintf(out, "%s_bucket", metric->name);
    print_label(metric->label, value_of_label, out);
    fputs(metric->label != NULL ? ",le=\"" : "{le=\"", out);
}

static void write_end(const struct metric *metric, const char *value_of_label, const char *part,
                      FILE *out)
{
    fprintf(out, "%s_%s", metric->name, part);
    print_label(metric->label, value_of_label, out);
    fputs(metric->label != NULL ? "} " : " ", out);
}

static void write_histogram(const struct metric *metric, const char *value_of_label,
                            const struct tx_times *times, FILE *out)
{
    const bool seconds = metric->kind == METRIC_HISTOGRAM_SECONDS;
    const unsigned first = seconds ? SECONDS_BIT_FIRST : NUMBERS_BIT_FIRST;
    const unsigned last = seconds ? SECONDS_BIT_LAST : NUMBERS_BIT_LAST;
    uint64_t below = 0;

    for (unsigned bit = 0; bit <= last; bit++) {
        if (bit >= first) {
            write_bucket(metric, value_of_label, out);
            if (seconds)
                print_seconds(UINT64_C(1) << bit, out);
            else
                fprintf(out, "%" PRIu64, (UINT64_C(1) << bit) - 1);
            fprintf(out, "\"} %" PRIu64 "\n", below);
        }
        below += tx_times_of_power(times, bit);
    }
    write_bucket(metric, value_of_label, out);
    fprintf(out, "+Inf\"} %" PRIu64 "\n", times->total);
    write_end(metric, value_of_label, "sum", out);
    if (seconds)
        print_seconds(times->sum, out);
    else
        fprintf(out, "%" PRIu64, times->sum);
    fputc('\n', out);
    write_end(metric, value_of_label, "count", out);
    fprintf(out, "%" PRIu64 "\n", times->total);
}

static void write_sample(const struct metric *metric, const void *values, unsigned i, FILE *out)
{
    const char *label = metric->label_value != NULL ? metric->label_value(i) : NULL;
    const char *base = (const char *)values + metric->offset;

    if (metric->label_value != NULL && label == NULL)
        return;
    switch (metric->kind) {
    case METRIC_COUNTER:
    case METRIC_COUNTER_SECONDS:
    case METRIC_GAUGE:
    case METRIC_GAUGE_SECONDS:
        write_number(metric, label, ((const uint64_t *)(const void *)base)[i], out);
        return;
    case METRIC_INFO:
        if (*(const char *const *)(const void *)base != NULL)
            fprintf(out, "%s{%s} 1\n", metric->name, *(const char *const *)(const void *)base);
        return;
    case METRIC_HISTOGRAM:
    case METRIC_HISTOGRAM_SECONDS:
        write_histogram(metric, label, ((const struct tx_times *const *)(const void *)base)[i],
                        out);
        return;
    case METRIC_KINDS_N:
        return;
    }
}

void metrics_write(const struct metric_table *table, const void *values, FILE *out)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct metric *metric = &table->metrics[i];
        const size_t n = metric->label_value != NULL ? metric->n : 1;

        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                type_of(metric->kind));
        for (unsigned k = 0; k < n; k++)
            write_sample(metric, values, k, out);
    }
}

void metrics_print(const struct metric_table *table, FILE *out)
{
    for (size_t i = 0; i < table->n; i++) {
        const struct metric *metric = &table->metrics[i];

        fprintf(out, "| `%s` | %s | %s | %s |\n", metric->name, type_of(metric->kind),
                metric->label != NULL ? metric->label : "", metric->help);
    }
}

void metric_label_add(char *out, size_t out_size, const char *name, const char *value)
{
    char piece[512];
    size_t n =
        (size_t)snprintf(piece, sizeof piece / 2, "%s%s=\"", out[0] != '\0' ? "," : "", name);

    for (const char *c = value; *c != '\0' && n < sizeof piece - 4; c++) {
        if (*c == '\\' || *c == '"')
            piece[n++] = '\\';
        if ((unsigned char)*c >= ' ')
            piece[n++] = *c;
    }
    piece[n++] = '"';
    piece[n] = '\0';
    if (strlen(out) + n < out_size)
        memcpy(out + strlen(out), piece, n + 1);
}
