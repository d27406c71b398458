/* Progress, summary and verdict, for people and as JSON. */
#include "client/bench_report.h"

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

static double per_second(const struct bench_result *result)
{
    return result->seconds > 0 ? (double)get(&result->counts.committed) / result->seconds : 0;
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

static void print_result(const struct bench_result *result)
{
    const struct bench_counts *counts = &result->counts;
    const struct histogram *latencies = &result->latencies;
    (void)printf("committed       %" PRIu64 " in %.1f s (%.1f/s)\n", get(&counts->committed),
                 result->seconds, per_second(result));
    print_aborts(counts);
    (void)printf("unknown         %" PRIu64 ", found out: %" PRIu64 " committed, %" PRIu64
                 " aborted; not found out: %" PRIu64 "\n",
                 get(&counts->unknown), get(&counts->settled_committed),
                 get(&counts->settled_aborted), get(&counts->never_settled));
    (void)printf("not served      %" PRIu64 " unreachable, %" PRIu64 " timed out, %" PRIu64
                 " refused, %" PRIu64 " failed\n",
                 get(&counts->unreachable), get(&counts->timed_out), get(&counts->refused),
                 get(&counts->failed));
    (void)printf("latency (ms)    p50 %.2f  p95 %.2f  p99 %.2f  max %.2f\n",
                 (double)histogram_quantile(latencies, 0.50) / 1000.0,
                 (double)histogram_quantile(latencies, 0.95) / 1000.0,
                 (double)histogram_quantile(latencies, 0.99) / 1000.0,
                 (double)latencies->max / 1000.0);
    if (result->bank) {
        (void)printf("sum of balances %" PRId64 " before, %" PRId64 " after: %s\n",
                     result->sum_before, result->sum_after,
                     result->sum_before == result->sum_after ? "equal" : "NOT EQUAL");
    }
    if (result->history != NULL) {
        (void)printf("history         %" PRIu64 " transactions in %s\n", result->history_txs,
                     result->history);
    }
}

/* ---- for programs ---- */

static void json_counts(struct json *json, const struct bench_counts *counts)
{
    json_key(json, "aborted_by");
    json_object_begin(json);
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

static void json_latencies(struct json *json, const struct histogram *latencies)
{
    static const struct {
        const char *name;
        double fraction;
    } points[] = {{"p50", 0.50}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1.0}};
    json_key(json, "latency_us");
    json_object_begin(json);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        json_member_u64(json, points[i].name, histogram_quantile(latencies, points[i].fraction));
    }
    json_object_end(json);
}

static void json_number(struct json *json, const char *name, int64_t value)
{
    json_key(json, name);
    json_i64(json, value);
}

static void json_result(const struct bench_result *result)
{
    struct json json;
    json_init(&json, stdout);
    json_object_begin(&json);
    json_key(&json, "seconds");
    json_double(&json, result->seconds);
    json_member_u64(&json, "committed", get(&result->counts.committed));
    json_key(&json, "committed_per_second");
    json_double(&json, per_second(result));
    json_member_u64(&json, "aborted", bench_aborted(&result->counts));
    json_counts(&json, &result->counts);
    json_latencies(&json, &result->latencies);
    if (result->bank) {
        json_number(&json, "sum_before", result->sum_before);
        json_number(&json, "sum_after", result->sum_after);
        json_key(&json, "sum_holds");
        json_bool(&json, result->sum_before == result->sum_after);
    }
    if (result->history != NULL) {
        json_member(&json, "history", result->history);
        json_member_u64(&json, "history_transactions", result->history_txs);
    }
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
    json_number(&json, "sum", sum);
    json_number(&json, "expected_sum", expected_sum);
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
