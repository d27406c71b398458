/* Keys: alone, in queues, by the million. */
#include "lock_bench.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static void take(struct lockmgr *mgr, struct lock_owner *owner, const char *key)
{
    bench_must(bench_acquire(mgr, owner, bench_key(key), TX_LOCK_X) == LOCK_GRANTED,
               "a free key was not granted");
}

/* Acquire and release a key whose intentions are held, beside `others` further locks. */
static double uncontended(size_t others)
{
    enum { N = 1000000, KEYS = 1024 };
    static char text[KEYS][BENCH_NAME_BYTES];
    static struct lock_name names[KEYS];
    struct lockmgr *mgr = bench_manager(TX_POLICY_WOUND_WAIT);
    struct lock_owner *other = bench_begin(mgr, 1);
    struct lock_owner *owner = bench_begin(mgr, 2);
    bench_fill(mgr, other, others);
    for (size_t i = 0; i < KEYS; i++) {
        (void)snprintf(text[i], sizeof text[i], "account-%zu", i * 7919);
        names[i] = bench_key(text[i]);
    }
    take(mgr, owner, "anchor");
    double start = bench_now_ns();
    for (size_t i = 0; i < N; i++) {
        struct lock_name name = names[i % KEYS];
        bench_must(bench_acquire(mgr, owner, name, TX_LOCK_X) == LOCK_GRANTED,
                   "a free key was not granted");
        bench_release(mgr, owner, name);
    }
    double ns = (bench_now_ns() - start) / N;
    bench_end(mgr, owner);
    bench_end(mgr, other);
    lockmgr_destroy(&mgr);
    return ns;
}

void job_uncontended(double *figures)
{
    figures[0] = uncontended(0);
}

void job_uncontended_1M(double *figures)
{
    figures[0] = uncontended(1000000);
}

/* A transaction as the participant runs it. */
void job_transaction(double *figures)
{
    enum { N = 300000 };
    struct lockmgr *mgr = bench_manager(TX_POLICY_WOUND_WAIT);
    double start = bench_now_ns();
    for (size_t i = 0; i < N; i++) {
        struct lock_owner *owner = bench_begin(mgr, i + 1);
        take(mgr, owner, "alice");
        take(mgr, owner, "bob");
        bench_end(mgr, owner);
    }
    figures[0] = (bench_now_ns() - start) / N;
    lockmgr_destroy(&mgr);
}

/* ---- queues ---- */

struct queue_cost {
    double enqueue_ns, hand_over_ns;
};

/* `waiters` younger ones want one key that is held: what it costs each to begin and wait, and each
 * holder to end, which is the next one's grant. */
static struct queue_cost queue(struct lockmgr *mgr, size_t waiters)
{
    struct lock_owner **owners = calloc(waiters + 1, sizeof *owners);
    bench_must(owners != NULL, "no memory");
    owners[0] = bench_begin(mgr, 2);
    take(mgr, owners[0], "hot");
    double start = bench_now_ns();
    for (size_t i = 1; i <= waiters; i++) {
        owners[i] = bench_begin(mgr, i + 2);
        bench_must(bench_acquire(mgr, owners[i], bench_key("hot"), TX_LOCK_X) == LOCK_WAITING,
                   "a held key was granted");
    }
    double middle = bench_now_ns();
    for (size_t i = 0; i < waiters; i++) {
        lockmgr_release_all(mgr, &owners[i], &bench_events);
        bench_must(bench_events.events_n == 1 && bench_events.events[0].owner == owners[i + 1] &&
                       bench_events.events[0].type == LOCK_EVENT_GRANTED,
                   "the next waiter was not granted");
        bench_events.events_n = 0;
    }
    double stop = bench_now_ns();
    bench_end(mgr, owners[waiters]);
    free(owners);
    return (struct queue_cost){(middle - start) / (double)waiters,
                               (stop - middle) / (double)waiters};
}

static double hand_overs(struct lockmgr *mgr, size_t waiters, size_t times)
{
    double sum = 0;
    for (size_t i = 0; i < times; i++) {
        sum += queue(mgr, waiters).hand_over_ns;
    }
    return sum / (double)times;
}

void job_queue(double *figures)
{
    struct lockmgr *mgr = bench_manager(TX_POLICY_WOUND_WAIT);
    struct queue_cost cost = {0};
    for (int i = 0; i < 10; i++) {
        struct queue_cost one = queue(mgr, 10000);
        cost.enqueue_ns += one.enqueue_ns / 10;
        cost.hand_over_ns += one.hand_over_ns / 10;
    }
    figures[0] = cost.enqueue_ns;
    figures[1] = cost.hand_over_ns;
    figures[2] = hand_overs(mgr, 2, 50000);
    lockmgr_destroy(&mgr);
}

/* Two managers, one of them full, by turns, so that both see the same machine. */
void job_beside(double *figures)
{
    enum { OTHERS = 1000000, WAITERS = 100, TURNS = 20, TIMES = 100 };
    struct lockmgr *empty = bench_manager(TX_POLICY_WOUND_WAIT);
    struct lockmgr *full = bench_manager(TX_POLICY_WOUND_WAIT);
    struct lock_owner *other = bench_begin(full, 1);
    bench_fill(full, other, OTHERS);
    for (int i = 0; i < TURNS; i++) {
        figures[0] += hand_overs(empty, WAITERS, TIMES) / TURNS;
        figures[1] += hand_overs(full, WAITERS, TIMES) / TURNS;
    }
    figures[2] = figures[1] / figures[0];
    bench_end(full, other);
    lockmgr_destroy(&empty);
    lockmgr_destroy(&full);
}

/* ---- many ---- */

static double release(size_t locks)
{
    struct lockmgr *mgr = bench_manager(TX_POLICY_WOUND_WAIT);
    struct lock_owner *owner = bench_begin(mgr, 1);
    bench_fill(mgr, owner, locks);
    double start = bench_now_ns();
    bench_end(mgr, owner);
    double ns = (bench_now_ns() - start) / (double)locks;
    bench_must(lockmgr_stats(mgr).held == 0, "something is still held");
    lockmgr_destroy(&mgr);
    return ns;
}

static double lesser(double a, double b)
{
    return a < b ? a : b;
}

/* The sizes by turns, and the least of each: a neighbour that comes or goes is not to look like
 * growth. Both are larger than the caches of most machines, for the same reason. */
void job_release(double *figures)
{
    enum { TURNS = 2, SMALL_ONES = 3 };
    figures[0] = figures[1] = 1e12;
    for (int turn = 0; turn < TURNS; turn++) {
        for (int i = 0; i < SMALL_ONES; i++) {
            figures[0] = lesser(figures[0], release(250000));
        }
        figures[1] = lesser(figures[1], release(1000000));
    }
    figures[2] = figures[1] / figures[0];
}

static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

void job_million(double *figures)
{
    enum { OWNERS = 1000, EACH = 1000, ALL = OWNERS * EACH };
    static struct lock_owner *owners[OWNERS];
    static char text[ALL][BENCH_NAME_BYTES];
    for (size_t i = 0; i < ALL; i++) {
        (void)snprintf(text[i], sizeof text[i], "account-%07zu", i);
    }
    (void)malloc_trim(0);
    size_t before = allocated();
    struct lockmgr *mgr = bench_manager(TX_POLICY_WOUND_WAIT);
    double start = bench_now_ns();
    for (size_t i = 0; i < ALL; i++) {
        if (i % EACH == 0) {
            owners[i / EACH] = bench_begin(mgr, i / EACH + 1);
        }
        take(mgr, owners[i / EACH], text[i]);
    }
    figures[0] = (bench_now_ns() - start) / ALL;
    figures[2] = (double)(allocated() - before) / ALL;
    bench_must(lockmgr_stats(mgr).held == ALL + 2 * OWNERS, "some locks are missing");
    start = bench_now_ns();
    for (size_t i = 0; i < OWNERS; i++) {
        bench_end(mgr, owners[i]);
    }
    figures[1] = (bench_now_ns() - start) / ALL;
    lockmgr_destroy(&mgr);
}
