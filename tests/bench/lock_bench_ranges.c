/* Ranges: a key against 10,000 ranges, a range against 10,000 ranges or keys. */
#include "lock_bench.h"

#include <stdio.h>

enum { RANGES = 10000, CHECKS = 200000, GAP = 100 };

enum shape {
    DISJOINT,    /* [100 i, 100 i + 50) */
    NESTED,      /* [i, 1,000,000 - i) */
    OVERLAPPING, /* [100 i, 100 i + 5,000) */
    NO_RANGES,
};

/* A manager with 10,000 ranges, each of an owner of its own, and somebody younger than all. */
struct scene {
    struct lockmgr *mgr;
    struct lock_owner *owners[RANGES];
    struct lock_owner *young;
};

static char texts[2][RANGES][BENCH_NAME_BYTES];

static void name_key(char *out, int at)
{
    (void)snprintf(out, BENCH_NAME_BYTES, "account-%07d", at);
}

static void name_range(enum shape shape, int i)
{
    static const int length[] = {[DISJOINT] = 50, [OVERLAPPING] = 5000};
    int from = shape == NESTED ? i : i * GAP;
    int to = shape == NESTED ? RANGES * GAP - i : from + length[shape];
    name_key(texts[0][i], from);
    name_key(texts[1][i], to);
}

static void set(struct scene *scene, enum shape shape, enum tx_lock_policy policy)
{
    scene->mgr = bench_manager(policy);
    for (int i = 0; i < RANGES; i++) {
        scene->owners[i] = bench_begin(scene->mgr, (uint64_t)i + 1);
        if (shape != NO_RANGES) {
            name_range(shape, i);
            bench_must(bench_acquire(scene->mgr, scene->owners[i],
                                     bench_range(texts[0][i], texts[1][i]),
                                     TX_LOCK_S) == LOCK_GRANTED,
                       "a free range was refused");
        }
    }
    scene->young = bench_begin(scene->mgr, RANGES + 1);
    struct lock_name elsewhere = {.space = tx_bytes_str("accounts"), .key = tx_bytes_str("~")};
    bench_must(bench_acquire(scene->mgr, scene->young, elsewhere, TX_LOCK_X) == LOCK_GRANTED,
               "a free key was not granted");
}

static void strike(struct scene *scene)
{
    bench_end(scene->mgr, scene->young);
    for (int i = 0; i < RANGES; i++) {
        bench_end(scene->mgr, scene->owners[i]);
    }
    lockmgr_destroy(&scene->mgr);
}

/* Asks for the names in a scattered order, each of which must give `expected`; what is granted is
 * released, what waits is cancelled. Nanoseconds for each. */
static double ask(struct scene *scene, const struct lock_name names[RANGES], enum tx_lock_mode mode,
                  enum lock_status expected, int checks)
{
    double start = bench_now_ns();
    for (int i = 0; i < checks; i++) {
        struct lock_name name = names[(uint64_t)i * 7919 % RANGES];
        enum lock_status status = bench_acquire(scene->mgr, scene->young, name, mode);
        bench_must(status == expected, "a lock and a range do not see one another rightly");
        if (status == LOCK_GRANTED) {
            bench_release(scene->mgr, scene->young, name);
        } else if (status == LOCK_WAITING) {
            lockmgr_cancel(scene->mgr, scene->young, &bench_events);
        }
    }
    return (bench_now_ns() - start) / checks;
}

static struct lock_name names[RANGES];

/* A writer's keys at first + i * step. */
static double writers(enum shape shape, enum tx_lock_policy policy, int first, int step,
                      enum lock_status expected, int checks)
{
    static struct scene scene;
    set(&scene, shape, policy);
    for (int i = 0; i < RANGES; i++) {
        name_key(texts[0][i], first + i * step);
        names[i] = bench_key(texts[0][i]);
    }
    double ns = ask(&scene, names, TX_LOCK_X, expected, checks);
    strike(&scene);
    return ns;
}

void job_writer_disjoint(double *figures)
{
    figures[0] = writers(DISJOINT, TX_POLICY_WOUND_WAIT, 75, GAP, LOCK_GRANTED, CHECKS);
    figures[1] = writers(DISJOINT, TX_POLICY_NO_WAIT, 25, GAP, LOCK_CONFLICT, CHECKS);
    figures[2] = writers(DISJOINT, TX_POLICY_WOUND_WAIT, 25, GAP, LOCK_WAITING, CHECKS);
}

void job_writer_nested(double *figures)
{
    figures[0] = writers(NESTED, TX_POLICY_WOUND_WAIT, RANGES * GAP, GAP, LOCK_GRANTED, CHECKS);
    figures[1] = writers(NESTED, TX_POLICY_NO_WAIT, 0, 1, LOCK_CONFLICT, CHECKS);
    figures[2] = writers(NESTED, TX_POLICY_WOUND_WAIT, 0, 1, LOCK_WAITING, 2000);
}

void job_writer_overlapping(double *figures)
{
    figures[0] = writers(OVERLAPPING, TX_POLICY_NO_WAIT, 25, GAP, LOCK_CONFLICT, CHECKS);
    figures[1] = writers(OVERLAPPING, TX_POLICY_WOUND_WAIT, 25, GAP, LOCK_WAITING, CHECKS);
}

/* A range that overlaps with some of the others, and that nobody holds yet. */
static double among_ranges(enum shape shape)
{
    static struct scene scene;
    set(&scene, shape, TX_POLICY_WOUND_WAIT);
    for (int i = 0; i < RANGES; i++) {
        name_key(texts[0][i], i * GAP + 10);
        name_key(texts[1][i], i * GAP + 120);
        names[i] = bench_range(texts[0][i], texts[1][i]);
    }
    double ns = ask(&scene, names, TX_LOCK_S, LOCK_GRANTED, CHECKS);
    strike(&scene);
    return ns;
}

void job_range_ranges(double *figures)
{
    figures[0] = among_ranges(DISJOINT);
    figures[1] = among_ranges(NESTED);
}

/* 10,000 keys at 100 i + 50, each written by somebody older; ranges [100 i + from, 100 i + to). */
static double among_keys(enum tx_lock_policy policy, int from, int to, enum lock_status expected)
{
    static struct scene scene;
    set(&scene, NO_RANGES, policy);
    for (int i = 0; i < RANGES; i++) {
        char key[BENCH_NAME_BYTES];
        name_key(key, i * GAP + 50);
        bench_must(bench_acquire(scene.mgr, scene.owners[i], bench_key(key), TX_LOCK_X) ==
                       LOCK_GRANTED,
                   "a free key was not granted");
        name_key(texts[0][i], i * GAP + from);
        name_key(texts[1][i], i * GAP + to);
        names[i] = bench_range(texts[0][i], texts[1][i]);
    }
    /* The keyspace gets its trees with its first range. */
    struct lock_name first = bench_range("b", "c");
    bench_must(bench_acquire(scene.mgr, scene.young, first, TX_LOCK_S) == LOCK_GRANTED,
               "a free range was refused");
    double ns = ask(&scene, names, TX_LOCK_S, expected, CHECKS);
    strike(&scene);
    return ns;
}

void job_range_keys(double *figures)
{
    figures[0] = among_keys(TX_POLICY_WOUND_WAIT, 60, 140, LOCK_GRANTED);
    figures[1] = among_keys(TX_POLICY_NO_WAIT, 40, 60, LOCK_CONFLICT);
    figures[2] = among_keys(TX_POLICY_WOUND_WAIT, 40, 60, LOCK_WAITING);
}
