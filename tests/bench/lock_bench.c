/* The benchmark of the lock manager: a table of figures, each with its target and whether it is
 * met.
 *
 *     build/release/tests/lock_bench              all of it, five rounds in turn, medians
 *     build/release/tests/lock_bench queue        one job
 *     build/release/tests/lock_bench --json       the same for programs
 *     build/release/tests/lock_bench --rounds 3
 *
 * A missed target is told, and is no failure: what else runs on the machine decides, too. */
#include "lock_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS_MAX 99u

struct lock_events bench_events;

/* ---- what the jobs share ---- */

double bench_now_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

void bench_must(bool held, const char *what)
{
    if (!held) {
        (void)fprintf(stderr, "lock_bench: %s\n", what);
        exit(70);
    }
}

struct lockmgr *bench_manager(enum tx_lock_policy policy)
{
    struct lockmgr_options options = {
        .locks_max = 20000000, .wait_timeout_us = 1000000, .policy = policy};
    return lockmgr_new(&options);
}

struct lock_owner *bench_begin(struct lockmgr *mgr, uint64_t age)
{
    struct tx_id id = {.coordinator = 1, .epoch = 1, .seq = age};
    return lockmgr_begin(mgr, id, (struct tx_age){.counter = age, .coordinator = 1});
}

void bench_end(struct lockmgr *mgr, struct lock_owner *owner)
{
    lockmgr_release_all(mgr, &owner, &bench_events);
    bench_events.events_n = 0;
}

struct lock_name bench_key(const char *key)
{
    return (struct lock_name){.space = tx_bytes_str("accounts"), .key = tx_bytes_str(key)};
}

struct lock_name bench_range(const char *from, const char *to)
{
    struct lock_name name = bench_key(from);
    name.to = tx_bytes_str(to);
    name.range = true;
    return name;
}

enum lock_status bench_acquire(struct lockmgr *mgr, struct lock_owner *owner, struct lock_name name,
                               enum tx_lock_mode mode)
{
    return lockmgr_acquire(mgr, owner, name, mode, 1, 0, &bench_events);
}

void bench_release(struct lockmgr *mgr, struct lock_owner *owner, struct lock_name name)
{
    bench_must(lockmgr_release(mgr, owner, name, &bench_events) == TX_OK,
               "a lock was not released");
}

void bench_fill(struct lockmgr *mgr, struct lock_owner *owner, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char key[BENCH_NAME_BYTES];
        (void)snprintf(key, sizeof key, "other-%zu", i);
        bench_must(bench_acquire(mgr, owner, bench_key(key), TX_LOCK_X) == LOCK_GRANTED,
                   "a free key was not granted");
    }
}

/* ---- the table ---- */

struct figure {
    const char *name, *unit;
    double target; /* at most; 0: none */
    const char *meaning;
};

static const struct job {
    const char *name;
    void (*run)(double *figures);
    struct figure figures[BENCH_FIGURES_MAX]; /* ends with one that has no name */
} jobs[] = {
    {"uncontended",
     job_uncontended,
     {{"uncontended", "ns", 300, "acquire and release a key, its two intentions held"}}},
    {"uncontended_1M",
     job_uncontended_1M,
     {{"uncontended_1M", "ns", 0, "the same beside 1,000,000 locks of another"}}},
    {"transaction",
     job_transaction,
     {{"transaction", "ns", 0, "begin, two keys with their intentions, release all"}}},
    {"queue",
     job_queue,
     {{"enqueue_10000", "ns", 0, "begin and wait: each of 10,000 waiters on one key"},
      {"hand_over_10000", "ns", 0, "end of the holder, grant to the next of them"},
      {"hand_over_2", "ns", 0, "the same with two waiters"}}},
    {"beside",
     job_beside,
     {{"hand_over_alone", "ns", 0, "hand-over among 100 waiters, no other resource"},
      {"hand_over_1M", "ns", 0, "the same beside 1,000,000 other locks"},
      {"hand_over_ratio", "times", 1.5, "one by the other: 1 is independent"}}},
    {"release",
     job_release,
     {{"release_250k", "ns", 0, "each of 250,000 locks, by release of all"},
      {"release_1M", "ns", 0, "each of 1,000,000 locks of one transaction"},
      {"release_ratio", "times", 2, "one by the other: 1 is O(n), 4 would be O(n^2)"}}},
    {"million",
     job_million,
     {{"acquire_each", "ns", 0, "1,000 transactions take 1,000 new keys each: a key"},
      {"release_each", "ns", 0, "release of all of them: a key"},
      {"memory_each", "bytes", 160, "a key while all are held, owners and tables too"}}},
    {"writer_disjoint",
     job_writer_disjoint,
     {{"writer_free", "ns", 2000, "a writer beside 10,000 disjoint ranges, and its release"},
      {"writer_refused", "ns", 2000, "a writer inside one of them, refused (no-wait)"},
      {"writer_waits", "ns", 0, "the same waits (wound-wait), and is cancelled"}}},
    {"writer_nested",
     job_writer_nested,
     {{"nested_free", "ns", 2000, "a writer outside 10,000 nested ranges, and its release"},
      {"nested_refused", "ns", 2000, "a writer inside 1 to 10,000 of them, refused"},
      {"nested_waits", "ns", 0, "the same waits for all of them, and is cancelled"}}},
    {"writer_overlapping",
     job_writer_overlapping,
     {{"overlap_refused", "ns", 2000, "a writer inside 50 of 10,000 overlapping, refused"},
      {"overlap_waits", "ns", 0, "the same waits for the 50, and is cancelled"}}},
    {"range_ranges",
     job_range_ranges,
     {{"range_disjoint", "ns", 2000, "a range among 10,000 disjoint ones, and its release"},
      {"range_nested", "ns", 2000, "a range among 10,000 nested ones, and its release"}}},
    {"range_keys",
     job_range_keys,
     {{"range_free", "ns", 2000, "a range between 10,000 written keys, and its release"},
      {"range_refused", "ns", 2000, "a range with one of them inside, refused"},
      {"range_waits", "ns", 0, "the same waits, and is cancelled"}}},
};
#define JOBS_N (sizeof jobs / sizeof jobs[0])

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static const char *verdict(const struct figure *figure, double median)
{
    if (figure->target <= 0) {
        return "";
    }
    return median <= figure->target ? "met" : "MISSED";
}

static void print_figure(const struct figure *figure, double median, double least, bool json)
{
    if (json) {
        (void)printf("{\"name\": \"%s\", \"unit\": \"%s\", \"median\": %.2f, \"least\": %.2f, "
                     "\"target\": %.2f, \"met\": %s}\n",
                     figure->name, figure->unit, median, least, figure->target,
                     figure->target <= 0 || median <= figure->target ? "true" : "false");
    } else {
        char target[32] = "";
        if (figure->target > 0) {
            (void)snprintf(target, sizeof target, "<= %g", figure->target);
        }
        (void)printf("%-16s %9.*f %9.*f %-5s %-8s %-7s %s\n", figure->name, median < 100 ? 2 : 0,
                     median, least < 100 ? 2 : 0, least, figure->unit, target,
                     verdict(figure, median), figure->meaning);
    }
    (void)fflush(stdout);
}

static double values[JOBS_N][BENCH_FIGURES_MAX][ROUNDS_MAX];

/* All of them in turn in every round, so that a busy moment of the machine is not one job's alone.
 */
static void run_jobs(const bool *chosen, unsigned rounds, bool json)
{
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t j = 0; j < JOBS_N; j++) {
            double figures[BENCH_FIGURES_MAX] = {0};
            if (chosen[j]) {
                jobs[j].run(figures);
            }
            for (unsigned i = 0; i < BENCH_FIGURES_MAX; i++) {
                values[j][i][round] = figures[i];
            }
        }
        (void)fprintf(stderr, "round %u of %u\n", round + 1, rounds);
    }
    for (size_t j = 0; j < JOBS_N; j++) {
        for (unsigned i = 0; chosen[j] && i < BENCH_FIGURES_MAX && jobs[j].figures[i].name != NULL;
             i++) {
            double *all = values[j][i];
            qsort(all, rounds, sizeof all[0], by_value);
            print_figure(&jobs[j].figures[i], all[rounds / 2], all[0], json);
        }
    }
}

static const struct job *find_job(const char *name)
{
    for (size_t i = 0; i < JOBS_N; i++) {
        if (strcmp(jobs[i].name, name) == 0) {
            return &jobs[i];
        }
    }
    return NULL;
}

static _Noreturn void usage(void)
{
    (void)fprintf(stderr, "usage: lock_bench [--json] [--rounds 1..99] [JOB...]\njobs:");
    for (size_t i = 0; i < JOBS_N; i++) {
        (void)fprintf(stderr, " %s", jobs[i].name);
    }
    (void)fprintf(stderr, "\n");
    exit(64);
}

int main(int argc, char **argv)
{
    bool json = false;
    unsigned long rounds = 5;
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[at], "--rounds") == 0 && at + 1 < argc) {
            at++;
            rounds = strtoul(argv[at], NULL, 10);
        } else {
            usage();
        }
    }
    bool chosen[JOBS_N];
    for (size_t j = 0; j < JOBS_N; j++) {
        chosen[j] = at == argc;
    }
    for (; at < argc; at++) {
        const struct job *job = find_job(argv[at]);
        if (job == NULL) {
            usage();
        }
        chosen[job - jobs] = true;
    }
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        usage();
    }
    if (!json) {
        (void)printf("%-16s %9s %9s %-5s %-8s %-7s %lu rounds\n", "figure", "median", "least", "",
                     "target", "", rounds);
    }
    run_jobs(chosen, (unsigned)rounds, json);
    lock_events_deinit(&bench_events);
    return 0;
}
