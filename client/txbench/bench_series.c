/* Slots of time, and their plot. */
#include "client/txbench/bench_series.h"

#include "common/assert.h"

#include <stdlib.h>

#define ROWS 8u

void bench_series_init(struct bench_series *series, uint64_t length_us)
{
    *series = (struct bench_series){0};
    series->width_us = (length_us + BENCH_SERIES_SLOTS - 1) / BENCH_SERIES_SLOTS;
    if (series->width_us < BENCH_SERIES_WIDTH_US) {
        series->width_us = BENCH_SERIES_WIDTH_US;
    }
    series->n = (size_t)((length_us + series->width_us - 1) / series->width_us);
    series->n = series->n > 0 ? series->n : 1;
    TX_ASSERT(series->n <= BENCH_SERIES_SLOTS);
}

void bench_series_record(struct bench_series *series, uint64_t at_us, uint64_t latency_us)
{
    uint64_t slot = at_us / series->width_us;
    if (slot >= series->n) {
        return;
    }
    series->slots[slot].committed++;
    if (latency_us > series->slots[slot].slowest_us) {
        series->slots[slot].slowest_us = latency_us;
    }
}

void bench_series_merge(struct bench_series *into, const struct bench_series *from)
{
    TX_ASSERT(into->width_us == from->width_us && into->n == from->n);
    for (size_t i = 0; i < into->n; i++) {
        into->slots[i].committed += from->slots[i].committed;
        if (from->slots[i].slowest_us > into->slots[i].slowest_us) {
            into->slots[i].slowest_us = from->slots[i].slowest_us;
        }
    }
}

double bench_series_rate(const struct bench_series *series, size_t i)
{
    TX_ASSERT(i < series->n);
    return (double)series->slots[i].committed * 1e6 / (double)series->width_us;
}

/* ---- the plot ---- */

static double largest(const double *values, size_t n)
{
    double top = 0;
    for (size_t i = 0; i < n; i++) {
        top = values[i] > top ? values[i] : top;
    }
    return top;
}

/* A column reaches into a row when its value is above the middle of the row; the lowest row shows
 * everything that is not 0. */
static void plot(FILE *out, const char *title, const double *values, size_t n, double seconds)
{
    double top = largest(values, n);
    double row_height = top / ROWS;
    (void)fprintf(out, "%s\n", title);
    for (unsigned row = ROWS; row-- > 0;) {
        double least = row == 0 ? 0 : row_height * (row + 0.5);
        if (row == ROWS - 1 || row == 0) {
            (void)fprintf(out, "%10.1f |", row == 0 ? 0.0 : top);
        } else {
            (void)fprintf(out, "%10s |", "");
        }
        for (size_t i = 0; i < n; i++) {
            (void)fputc(values[i] > least ? '#' : ' ', out);
        }
        (void)fputc('\n', out);
    }
    (void)fprintf(out, "%10s +", "");
    for (size_t i = 0; i < n; i++) {
        (void)fputc('-', out);
    }
    (void)fprintf(out, " %.1f s\n", seconds);
}

void bench_series_print(FILE *out, const struct bench_series *series)
{
    double values[BENCH_SERIES_SLOTS];
    double seconds = (double)series->n * (double)series->width_us / 1e6;
    for (size_t i = 0; i < series->n; i++) {
        values[i] = bench_series_rate(series, i);
    }
    plot(out, "committed a second", values, series->n, seconds);
    for (size_t i = 0; i < series->n; i++) {
        values[i] = (double)series->slots[i].slowest_us / 1000.0;
    }
    plot(out, "slowest transaction (ms)", values, series->n, seconds);
}

/* ---- repetitions ---- */

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

double bench_median(double *values, size_t n)
{
    if (n == 0) {
        return 0;
    }
    qsort(values, n, sizeof *values, compare);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
