/* What the lock manager costs, in time and memory: plain loops around the library, no daemon.
 *
 *     build/release/tests/lock_bench            all of it, three rounds, medians
 *     build/release/tests/lock_bench --json     the same for programs
 *
 * Figures are nanoseconds of this thread's processor time, so that other work on the machine
 * disturbs them little. */
#include "lockmgr/lockmgr.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 3

static struct lock_events events;

static double now_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void must(bool held, const char *what)
{
    if (!held) {
        (void)fprintf(stderr, "lock_bench: %s\n", what);
        exit(70);
    }
}

static struct lockmgr *manager(void)
{
    struct lockmgr_options options = {.locks_max = 20000000, .wait_timeout_us = 1000000};
    return lockmgr_new(&options);
}

static struct lock_owner *begin(struct lockmgr *mgr, uint64_t age)
{
    struct tx_id id = {.coordinator = 1, .epoch = 1, .seq = age};
    return lockmgr_begin(mgr, id, (struct tx_age){.counter = age, .coordinator = 1});
}

static enum lock_status acquire(struct lockmgr *mgr, struct lock_owner *owner, const char *key,
                                enum tx_lock_mode mode)
{
    struct lock_name name = {.space = tx_bytes_str("accounts"), .key = tx_bytes_str(key)};
    return lockmgr_acquire(mgr, owner, name, mode, 1, 0, &events);
}

static enum lock_status acquire_range(struct lockmgr *mgr, struct lock_owner *owner,
                                      const char *from, const char *to)
{
    struct lock_name name = {.space = tx_bytes_str("accounts"),
                             .key = tx_bytes_str(from),
                             .to = tx_bytes_str(to),
                             .range = true};
    return lockmgr_acquire(mgr, owner, name, TX_LOCK_S, 1, 0, &events);
}

static void end(struct lockmgr *mgr, struct lock_owner *owner)
{
    lockmgr_release_all(mgr, &owner, &events);
    events.events_n = 0;
}

/* Acquire and release a key whose intentions are held, beside `others` further locks. */
static double uncontended(size_t others)
{
    enum { N = 1000000, KEYS = 1024 };
    static char keys[KEYS][24];
    struct lockmgr *mgr = manager();
    struct lock_owner *other = begin(mgr, 1);
    struct lock_owner *owner = begin(mgr, 2);
    for (size_t i = 0; i < others; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "other-%zu", i);
        must(acquire(mgr, other, key, TX_LOCK_X) == LOCK_GRANTED, "a free key was not granted");
    }
    for (size_t i = 0; i < KEYS; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "account-%zu", i * 7919);
    }
    must(acquire(mgr, owner, "anchor", TX_LOCK_X) == LOCK_GRANTED, "a free key was not granted");
    double start = now_ns();
    for (size_t i = 0; i < N; i++) {
        const char *key = keys[i % KEYS];
        struct lock_name name = {.space = tx_bytes_str("accounts"), .key = tx_bytes_str(key)};
        must(acquire(mgr, owner, key, TX_LOCK_X) == LOCK_GRANTED, "a free key was not granted");
        must(lockmgr_release(mgr, owner, name, &events) == TX_OK, "a key was not released");
    }
    double ns = (now_ns() - start) / N;
    end(mgr, owner);
    end(mgr, other);
    lockmgr_destroy(&mgr);
    return ns;
}

static double uncontended_small(void)
{
    return uncontended(0);
}

static double uncontended_large(void)
{
    return uncontended(1000000);
}

/* A transaction as the participant runs it: begin, two keys, release of all. */
static double transaction(void)
{
    enum { N = 300000 };
    struct lockmgr *mgr = manager();
    double start = now_ns();
    for (size_t i = 0; i < N; i++) {
        struct lock_owner *owner = begin(mgr, i + 1);
        must(acquire(mgr, owner, "alice", TX_LOCK_X) == LOCK_GRANTED, "a free key was not granted");
        must(acquire(mgr, owner, "bob", TX_LOCK_X) == LOCK_GRANTED, "a free key was not granted");
        end(mgr, owner);
    }
    double ns = (now_ns() - start) / N;
    lockmgr_destroy(&mgr);
    return ns;
}

/* `waiters` want one key that is held: the time from one release to the next grant, with the
 * begin, the wait and the end of a transaction in it. */
static double hand_over(size_t waiters)
{
    struct lockmgr *mgr = manager();
    struct lock_owner **owners = calloc(waiters + 1, sizeof(struct lock_owner *));
    must(owners != NULL, "no memory");
    double start = now_ns();
    for (size_t i = 0; i <= waiters; i++) {
        owners[i] = begin(mgr, i + 1);
        enum lock_status status = acquire(mgr, owners[i], "hot", TX_LOCK_X);
        must(status == (i == 0 ? LOCK_GRANTED : LOCK_WAITING), "the queue is out of order");
    }
    for (size_t i = 0; i <= waiters; i++) {
        lockmgr_release_all(mgr, &owners[i], &events);
        must(events.events_n == (i < waiters ? 1 : 0), "one grant must follow a release");
        events.events_n = 0;
    }
    double ns = (now_ns() - start) / (double)waiters;
    lockmgr_destroy(&mgr);
    free(owners);
    return ns;
}

/* Rounds of 64 on one key, often enough to be measured. */
static double hand_over_64(void)
{
    enum { N = 2000 };
    double sum = 0;
    for (int i = 0; i < N; i++) {
        sum += hand_over(64);
    }
    return sum / N;
}

static double hand_over_10000(void)
{
    return hand_over(10000);
}

/* The same beside a million locks on other keys. */
static double hand_over_beside(void)
{
    enum { WAITERS = 10000, OTHERS = 1000000 };
    struct lockmgr *mgr = manager();
    struct lock_owner *other = begin(mgr, 1);
    static struct lock_owner *owners[WAITERS + 1];
    for (size_t i = 0; i < OTHERS; i++) {
        char key[24];
        (void)snprintf(key, sizeof key, "other-%zu", i);
        must(acquire(mgr, other, key, TX_LOCK_X) == LOCK_GRANTED, "a free key was not granted");
    }
    double start = now_ns();
    for (size_t i = 0; i <= WAITERS; i++) {
        owners[i] = begin(mgr, i + 2);
        must(acquire(mgr, owners[i], "hot", TX_LOCK_X) != LOCK_REFUSED, "a lock was refused");
    }
    for (size_t i = 0; i <= WAITERS; i++) {
        end(mgr, owners[i]);
    }
    double ns = (now_ns() - start) / WAITERS;
    end(mgr, other);
    lockmgr_destroy(&mgr);
    return ns;
}

/* ---- a million locks: 1,000 transactions with 1,000 each ---- */

static double million_bytes, million_release_ns, million_acquire_ns;

static void million(void)
{
    enum { OWNERS = 1000, EACH = 1000 };
    static struct lock_owner *owners[OWNERS];
    (void)malloc_trim(0);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    struct lockmgr *mgr = manager();
    double start = now_ns();
    for (size_t i = 0; i < OWNERS; i++) {
        owners[i] = begin(mgr, i + 1);
        for (size_t j = 0; j < EACH; j++) {
            char key[24];
            (void)snprintf(key, sizeof key, "acct-%07zu", i * EACH + j);
            must(acquire(mgr, owners[i], key, TX_LOCK_X) == LOCK_GRANTED, "a free key was refused");
        }
    }
    million_acquire_ns = (now_ns() - start) / (OWNERS * EACH);
    size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    million_bytes = (double)(after - before) / (OWNERS * EACH);
    start = now_ns();
    for (size_t i = 0; i < OWNERS; i++) {
        end(mgr, owners[i]);
    }
    million_release_ns = (now_ns() - start) / (OWNERS * EACH);
    lockmgr_destroy(&mgr);
}

static double acquire_million(void)
{
    million();
    return million_acquire_ns;
}

static double release_million(void)
{
    million();
    return million_release_ns;
}

static double bytes_million(void)
{
    million();
    return million_bytes;
}

/* ---- 10,000 ranges ---- */

enum { RANGES = 10000, CHECKS = 200000 };

/* Ranges [100 i, 100 i + 50): half of the keys lie in one. */
static struct lockmgr *with_ranges(struct lock_owner *owners[RANGES])
{
    struct lockmgr *mgr = manager();
    for (int i = 0; i < RANGES; i++) {
        char from[16];
        char to[16];
        (void)snprintf(from, sizeof from, "k%07d", i * 100);
        (void)snprintf(to, sizeof to, "k%07d", i * 100 + 50);
        owners[i] = begin(mgr, (uint64_t)i + 1);
        must(acquire_range(mgr, owners[i], from, to) == LOCK_GRANTED, "a free range was refused");
    }
    return mgr;
}

/* Writers' requests against them, all younger: those inside wait and are cancelled, those outside
 * are granted and released. */
static double writers(bool inside)
{
    static struct lock_owner *owners[RANGES];
    struct lockmgr *mgr = with_ranges(owners);
    struct lock_owner *writer = begin(mgr, RANGES + 1);
    must(acquire(mgr, writer, "anchor", TX_LOCK_X) == LOCK_GRANTED, "a free key was not granted");
    double start = now_ns();
    for (int i = 0; i < CHECKS; i++) {
        char key[16];
        int at = (int)((uint64_t)i * 7919 % RANGES);
        (void)snprintf(key, sizeof key, "k%07d", at * 100 + (inside ? 25 : 75));
        enum lock_status status = acquire(mgr, writer, key, TX_LOCK_X);
        must(status == (inside ? LOCK_WAITING : LOCK_GRANTED), "a range was not seen");
        if (inside) {
            lockmgr_cancel(mgr, writer, &events);
        } else {
            struct lock_name name = {.space = tx_bytes_str("accounts"), .key = tx_bytes_str(key)};
            must(lockmgr_release(mgr, writer, name, &events) == TX_OK, "a key was not released");
        }
    }
    double ns = (now_ns() - start) / CHECKS;
    end(mgr, writer);
    for (int i = 0; i < RANGES; i++) {
        end(mgr, owners[i]);
    }
    lockmgr_destroy(&mgr);
    return ns;
}

static double writers_inside(void)
{
    return writers(true);
}

static double writers_outside(void)
{
    return writers(false);
}

/* A range against 10,000 other ranges and 100,000 written keys of others, none of them inside. */
static double ranges_among_writers(void)
{
    static struct lock_owner *owners[RANGES];
    struct lockmgr *mgr = with_ranges(owners);
    struct lock_owner *writer = begin(mgr, RANGES + 1);
    struct lock_owner *reader = begin(mgr, RANGES + 2);
    for (int i = 0; i < 100000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%07d", i / 10 * 100 + 60 + i % 10);
        must(acquire(mgr, writer, key, TX_LOCK_X) == LOCK_GRANTED, "a free key was not granted");
    }
    double start = now_ns();
    for (int i = 0; i < CHECKS; i++) {
        char from[16];
        char to[16];
        int at = (int)((uint64_t)i * 7919 % RANGES);
        (void)snprintf(from, sizeof from, "k%07d", at * 100 + 10);
        (void)snprintf(to, sizeof to, "k%07d", at * 100 + 55);
        must(acquire_range(mgr, reader, from, to) == LOCK_GRANTED, "a free range was refused");
        struct lock_name name = {.space = tx_bytes_str("accounts"),
                                 .key = tx_bytes_str(from),
                                 .to = tx_bytes_str(to),
                                 .range = true};
        must(lockmgr_release(mgr, reader, name, &events) == TX_OK, "a range was not released");
    }
    double ns = (now_ns() - start) / CHECKS;
    end(mgr, reader);
    end(mgr, writer);
    for (int i = 0; i < RANGES; i++) {
        end(mgr, owners[i]);
    }
    lockmgr_destroy(&mgr);
    return ns;
}

/* ---- the program ---- */

static const struct measure {
    const char *name, *unit, *meaning;
    double (*run)(void);
} measures[] = {
    {"uncontended", "ns", "acquire and release of a key, intentions held", uncontended_small},
    {"uncontended_1M", "ns", "the same beside 1,000,000 locks of another", uncontended_large},
    {"transaction", "ns", "begin, two keys with their intentions, release of all", transaction},
    {"hand_over_64", "ns", "begin, wait, grant, release: 64 waiters on a key", hand_over_64},
    {"hand_over_10000", "ns", "the same with 10,000 waiters", hand_over_10000},
    {"hand_over_beside", "ns", "the same beside 1,000,000 other locks", hand_over_beside},
    {"acquire_1M", "ns", "each of 1,000 times 1,000 locks, never seen before", acquire_million},
    {"release_1M", "ns", "each of them, by release of all", release_million},
    {"memory_1M", "bytes", "each of them, owners and tables included", bytes_million},
    {"writer_inside", "ns", "a writer stopped by one of 10,000 ranges, and cancelled",
     writers_inside},
    {"writer_outside", "ns", "a writer beside 10,000 ranges, and its release", writers_outside},
    {"range", "ns", "a range among 10,000 ranges and 100,000 writers, and its release",
     ranges_among_writers},
};
#define MEASURES_N (sizeof measures / sizeof measures[0])

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !json) {
        (void)fprintf(stderr, "usage: lock_bench [--json]\n");
        return 64;
    }
    for (size_t i = 0; i < MEASURES_N; i++) {
        double values[ROUNDS];
        for (size_t j = 0; j < ROUNDS; j++) {
            values[j] = measures[i].run();
        }
        qsort(values, ROUNDS, sizeof values[0], by_value);
        const struct measure *measure = &measures[i];
        double median = values[ROUNDS / 2];
        if (json) {
            (void)printf("{\"name\": \"%s\", \"value\": %.1f, \"unit\": \"%s\"}\n", measure->name,
                         median, measure->unit);
        } else {
            (void)printf("%-17s %8.1f %-5s  %s\n", measure->name, median, measure->unit,
                         measure->meaning);
        }
        (void)fflush(stdout);
    }
    lock_events_deinit(&events);
    return 0;
}
