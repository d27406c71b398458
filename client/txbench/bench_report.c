/* Progress, summary and verdict, for people and as JSON. */
#include "client/txbench/bench_report.h"

#include "common/json.h"

#include <inttypes.h>

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

uint64_t bench_aborted(const struct bench_counts *counts)
{
    uint64_t sum = 0;
    for (size_t reason = 0; reason < BENCH_REASONS; reason++) {
        sum += get(&counts->aborted[reason]);
    }
    return sum;
}

static uint64_t not_served(const struct bench_counts *counts)
{
    return get(&counts->unreachable) + get(&counts->timed_out) + get(&counts->refused) +
           get(&counts->failed);
}

void bench_report_progress(FILE *out, double seconds, const struct bench_counts *counts,
                           uint64_t committed_last_second, bool terminal)
{
    /* On a terminal the line replaces the one before it. */
    (void)fprintf(out,
                  "%s%6.1f s  %8" PRIu64 " committed (%6" PRIu64 "/s)  %" PRIu64
                  " aborted  %" PRIu64 " unknown  %" PRIu64 " not served%s",
                  terminal ? "\r\033[K" : "", seconds, get(&counts->committed),
                  committed_last_second, bench_aborted(counts), get(&counts->unknown),
                  not_served(counts), terminal ? "" : "\n");
    (void)fflush(out);
}

static double per_second(const struct bench_measure *measure)
{
    return measure->seconds > 0 ? (double)get(&measure->counts.committed) / measure->seconds : 0;
}

static const struct point {
    const char *name;
    const char *json;
    double fraction;
} points[] = {{"p50", "p50", 0.50},      {"p95", "p95", 0.95},         {"p99", "p99", 0.99},
              {"p99.9", "p99_9", 0.999}, {"p99.99", "p99_99", 0.9999}, {"max", "max", 1.0}};
#define POINTS (sizeof points / sizeof points[0])

/* Medians of all repetitions, and sums. */
struct summary {
    double seconds;
    struct bench_counts counts;
    uint64_t warmup_committed;
    double per_second;
    double latency_us[POINTS];
};

static void summarise(const struct bench_result *result, struct summary *summary)
{
    double values[BENCH_REPETITIONS_MAX];
    *summary = (struct summary){0};
    for (size_t i = 0; i < result->measures_n; i++) {
        const struct bench_measure *measure = &result->measures[i];
        summary->seconds += measure->seconds;
        summary->warmup_committed += measure->warmup_committed;
        bench_counts_add(&summary->counts, &measure->counts);
        values[i] = per_second(measure);
    }
    summary->per_second = bench_median(values, result->measures_n);
    for (size_t point = 0; point < POINTS; point++) {
        for (size_t i = 0; i < result->measures_n; i++) {
            values[i] =
                (double)histogram_quantile(&result->measures[i].latencies, points[point].fraction);
        }
        summary->latency_us[point] = bench_median(values, result->measures_n);
    }
}

/* ---- for people ---- */

static void print_aborts(const struct bench_counts *counts)
{
    (void)printf("aborted         %" PRIu64 "\n", bench_aborted(counts));
    for (size_t reason = 0; reason < BENCH_REASONS; reason++) {
        uint64_t n = get(&counts->aborted[reason]);
        if (n > 0) {
            (void)printf("  %-16s %" PRIu64 "\n", txclient_reason_name((txclient_reason)reason), n);
        }
    }
}

static void print_counts(const struct bench_counts *counts)
{
    print_aborts(counts);
    (void)printf("unknown         %" PRIu64 ", found out: %" PRIu64 " committed, %" PRIu64
                 " aborted; not found out: %" PRIu64 "\n",
                 get(&counts->unknown), get(&counts->settled_committed),
                 get(&counts->settled_aborted), get(&counts->never_settled));
    (void)printf("not served      %" PRIu64 " unreachable, %" PRIu64 " timed out, %" PRIu64
                 " refused, %" PRIu64 " failed\n",
                 get(&counts->unreachable), get(&counts->timed_out), get(&counts->refused),
                 get(&counts->failed));
}

static void print_latencies(const double latency_us[POINTS])
{
    (void)printf("latency (ms)   ");
    for (size_t i = 0; i < POINTS; i++) {
        (void)printf(" %s %.2f%s", points[i].name, latency_us[i] / 1000.0,
                     i + 1 < POINTS ? " " : "\n");
    }
}

static void print_repetitions(const struct bench_result *result)
{
    for (size_t i = 0; i < result->measures_n; i++) {
        const struct bench_measure *measure = &result->measures[i];
        (void)printf("repetition %-3zu  %" PRIu64 " in %.1f s (%.1f/s)", i + 1,
                     get(&measure->counts.committed), measure->seconds, per_second(measure));
        for (size_t point = 0; point < POINTS; point++) {
            uint64_t us = histogram_quantile(&measure->latencies, points[point].fraction);
            (void)printf("  %s %.2f", points[point].name, (double)us / 1000.0);
        }
        (void)putchar('\n');
    }
}

static void print_load(const struct bench_result *result, const struct summary *summary)
{
    const struct bench_options *options = result->options;
    unsigned handles = bench_handles(options);
    (void)printf("load            %s, %u clients%s on %u handle%s, ", result->workload->name,
                 options->clients, options->async ? ", asynchronous," : "", handles,
                 handles == 1 ? "" : "s");
    if (options->rate > 0) {
        (void)printf("open loop, %.1f/s due\n", options->rate);
    } else {
        (void)printf("closed loop\n");
    }
    if (options->warmup > 0) {
        (void)printf("warm-up         %" PRIu64 " committed, not counted below\n",
                     summary->warmup_committed);
    }
}

static void print_result(const struct bench_result *result)
{
    struct summary summary;
    summarise(result, &summary);
    print_load(result, &summary);
    if (result->measures_n > 1) {
        print_repetitions(result);
        (void)printf("medians of %zu repetitions, and their counts together:\n",
                     result->measures_n);
    }
    (void)printf("committed       %" PRIu64 " in %.1f s (%.1f/s)\n", get(&summary.counts.committed),
                 summary.seconds, summary.per_second);
    print_counts(&summary.counts);
    if (result->options->rate > 0) {
        (void)printf("overdue         %" PRIu64 " were due and never begun\n",
                     get(&summary.counts.overdue));
    }
    print_latencies(summary.latency_us);
    result->workload->print(result->state, stdout);
    for (size_t i = 0; result->plot && i < result->measures_n; i++) {
        bench_series_print(stdout, &result->measures[i].series);
    }
}

/* ---- for programs ---- */

static void json_counts(struct json *json, const struct bench_counts *counts)
{
    json_member_object_begin(json, "aborted_by");
    for (size_t reason = 0; reason < BENCH_REASONS; reason++) {
        uint64_t n = get(&counts->aborted[reason]);
        if (n > 0) {
            json_member_u64(json, txclient_reason_name((txclient_reason)reason), n);
        }
    }
    json_object_end(json);
    json_member_u64(json, "unknown", get(&counts->unknown));
    json_member_u64(json, "settled_committed", get(&counts->settled_committed));
    json_member_u64(json, "settled_aborted", get(&counts->settled_aborted));
    json_member_u64(json, "never_settled", get(&counts->never_settled));
    json_member_u64(json, "unreachable", get(&counts->unreachable));
    json_member_u64(json, "timed_out", get(&counts->timed_out));
    json_member_u64(json, "refused", get(&counts->refused));
    json_member_u64(json, "failed", get(&counts->failed));
}

static void json_latencies(struct json *json, const double latency_us[POINTS])
{
    json_member_object_begin(json, "latency_us");
    for (size_t i = 0; i < POINTS; i++) {
        json_member_u64(json, points[i].json, (uint64_t)latency_us[i]);
    }
    json_object_end(json);
}

static void json_series(struct json *json, const struct bench_series *series)
{
    json_member_double(json, "slot_seconds", (double)series->width_us / 1e6);
    json_member_array_begin(json, "slots");
    for (size_t i = 0; i < series->n; i++) {
        json_object_begin(json);
        json_member_u64(json, "committed", series->slots[i].committed);
        json_member_u64(json, "slowest_us", series->slots[i].slowest_us);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_repetitions(struct json *json, const struct bench_result *result)
{
    json_member_array_begin(json, "repetitions");
    for (size_t i = 0; i < result->measures_n; i++) {
        struct summary summary;
        struct bench_result one = *result;
        one.measures = &result->measures[i];
        one.measures_n = 1;
        summarise(&one, &summary);
        json_object_begin(json);
        json_member_double(json, "seconds", summary.seconds);
        json_member_u64(json, "committed", get(&summary.counts.committed));
        json_member_double(json, "committed_per_second", summary.per_second);
        json_latencies(json, summary.latency_us);
        json_series(json, &one.measures->series);
        json_object_end(json);
    }
    json_array_end(json);
}

static void json_options(struct json *json, const struct bench_result *result)
{
    const struct bench_options *options = result->options;
    json_member(json, "workload", result->workload->name);
    json_member_u64(json, "clients", options->clients);
    json_member_u64(json, "handles", bench_handles(options));
    json_member(json, "commit_mode", txclient_commit_mode_name(options->commit_mode));
    json_member(json, "calls", options->async ? "asynchronous" : "blocking");
    json_member(json, "loop", options->rate > 0 ? "open" : "closed");
    if (options->rate > 0) {
        json_member_double(json, "rate", options->rate);
    }
    if (result->workload->interactive) {
        json_member(json, "mode", options->interactive ? "interactive" : "one-shot");
    }
}

static void json_result(const struct bench_result *result)
{
    struct json json;
    struct summary summary;
    summarise(result, &summary);
    json_init(&json, stdout);
    json_object_begin(&json);
    json_options(&json, result);
    json_member_double(&json, "seconds", summary.seconds);
    json_member_u64(&json, "committed", get(&summary.counts.committed));
    json_member_double(&json, "committed_per_second", summary.per_second);
    json_member_u64(&json, "aborted", bench_aborted(&summary.counts));
    json_counts(&json, &summary.counts);
    json_member_u64(&json, "overdue", get(&summary.counts.overdue));
    json_member_u64(&json, "warmup_committed", summary.warmup_committed);
    json_latencies(&json, summary.latency_us);
    json_repetitions(&json, result);
    result->workload->json(result->state, &json);
    json_object_end(&json);
    (void)putchar('\n');
}

void bench_report(const struct bench_result *result, bool json)
{
    if (json) {
        json_result(result);
    } else {
        print_result(result);
    }
}

static void json_verdict(const struct bench_verdict *verdict, int64_t sum, int64_t expected_sum,
                         size_t missing)
{
    struct json json;
    json_init(&json, stdout);
    json_object_begin(&json);
    json_member_u64(&json, "checked", verdict->checked);
    json_member_u64(&json, "lost", verdict->lost);
    json_member_u64(&json, "half", verdict->half);
    json_member_u64(&json, "wrong", verdict->wrong);
    json_member_i64(&json, "sum", sum);
    json_member_i64(&json, "expected_sum", expected_sum);
    json_member_u64(&json, "missing_accounts", missing);
    json_object_end(&json);
    (void)putchar('\n');
}

void bench_report_verdict(const struct bench_verdict *verdict, int64_t sum, int64_t expected_sum,
                          size_t missing, bool json)
{
    if (json) {
        json_verdict(verdict, sum, expected_sum, missing);
        return;
    }
    (void)printf("transfers       %zu looked at: %zu lost, %zu on one side only, %zu with another "
                 "amount\n",
                 verdict->checked, verdict->lost, verdict->half, verdict->wrong);
    (void)printf("sum of balances %" PRId64 ", expected %" PRId64 ": %s\n", sum, expected_sum,
                 sum == expected_sum ? "equal" : "NOT EQUAL");
    if (missing > 0) {
        (void)printf("accounts        %zu are missing\n", missing);
    }
}
