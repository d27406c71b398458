/* Ranges: a key against 10,000 ranges, a range against 10,000 ranges or keys. */
#include "lock_bench.h"

#include <string.h>

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

/* Two ends of a range, or a key. */
struct text {
    char from[BENCH_NAME_BYTES], to[BENCH_NAME_BYTES];
};

/* "account-" and seven digits. By hand, since it is measured along: twenty nanoseconds or so. */
static void name_key(char *out, int at)
{
    static const char beginning[] = "account-0000000";
    memcpy(out, beginning, sizeof beginning);
    for (size_t i = sizeof beginning - 2; at > 0; i--, at /= 10) {
        out[i] = (char)('0' + at % 10);
    }
}

/* [at, at + length), or the key `at` when that is 0. */
static struct lock_name make_name(struct text *text, int at, int length)
{
    name_key(text->from, at);
    if (length == 0) {
        return bench_key(text->from);
    }
    name_key(text->to, at + length);
    return bench_range(text->from, text->to);
}

static struct lock_name range_of(struct text *text, enum shape shape, int i)
{
    if (shape == NESTED) {
        return make_name(text, i, RANGES * GAP - 2 * i);
    }
    return make_name(text, i * GAP, shape == DISJOINT ? 50 : 5000);
}

static void set(struct scene *scene, enum shape shape, enum tx_lock_policy policy)
{
    scene->mgr = bench_manager(policy);
    for (int i = 0; i < RANGES; i++) {
        scene->owners[i] = bench_begin(scene->mgr, (uint64_t)i + 1);
        if (shape != NO_RANGES) {
            struct text text;
            bench_must(bench_acquire(scene->mgr, scene->owners[i], range_of(&text, shape, i),
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

/* What the young one asks for: keys (length 0) or ranges at `first` + i * `step`, for all i below
 * 10,000 in a scattered order, each of which must give `expected`. */
struct question {
    int first, step, length;
    enum lock_status expected;
    int checks;
};

/* What is granted is released, what waits is cancelled. Nanoseconds for each. */
static double ask(struct scene *scene, const struct question *question)
{
    enum tx_lock_mode mode = question->length == 0 ? TX_LOCK_X : TX_LOCK_S;
    double start = bench_now_ns();
    for (int i = 0; i < question->checks; i++) {
        struct text text;
        int at = question->first + (int)((uint64_t)i * 7919 % RANGES) * question->step;
        struct lock_name name = make_name(&text, at, question->length);
        enum lock_status status = bench_acquire(scene->mgr, scene->young, name, mode);
        bench_must(status == question->expected,
                   "a lock and a range do not see one another rightly");
        if (status == LOCK_GRANTED) {
            bench_release(scene->mgr, scene->young, name);
        } else if (status == LOCK_WAITING) {
            lockmgr_cancel(scene->mgr, scene->young, &bench_events);
        }
    }
    return (bench_now_ns() - start) / question->checks;
}

/* Against 10,000 ranges. */
static double against_ranges(enum shape shape, enum tx_lock_policy policy, struct question question)
{
    static struct scene scene;
    set(&scene, shape, policy);
    double ns = ask(&scene, &question);
    strike(&scene);
    return ns;
}

void job_writer_disjoint(double *figures)
{
    figures[0] = against_ranges(DISJOINT, TX_POLICY_WOUND_WAIT,
                                (struct question){75, GAP, 0, LOCK_GRANTED, CHECKS});
    figures[1] = against_ranges(DISJOINT, TX_POLICY_NO_WAIT,
                                (struct question){25, GAP, 0, LOCK_CONFLICT, CHECKS});
    figures[2] = against_ranges(DISJOINT, TX_POLICY_WOUND_WAIT,
                                (struct question){25, GAP, 0, LOCK_WAITING, CHECKS});
}

void job_writer_nested(double *figures)
{
    figures[0] = against_ranges(NESTED, TX_POLICY_WOUND_WAIT,
                                (struct question){RANGES * GAP, GAP, 0, LOCK_GRANTED, CHECKS});
    figures[1] = against_ranges(NESTED, TX_POLICY_NO_WAIT,
                                (struct question){0, 1, 0, LOCK_CONFLICT, CHECKS});
    figures[2] = against_ranges(NESTED, TX_POLICY_WOUND_WAIT,
                                (struct question){0, 1, 0, LOCK_WAITING, CHECKS / 100});
}

void job_writer_overlapping(double *figures)
{
    figures[0] = against_ranges(OVERLAPPING, TX_POLICY_NO_WAIT,
                                (struct question){25, GAP, 0, LOCK_CONFLICT, CHECKS});
    figures[1] = against_ranges(OVERLAPPING, TX_POLICY_WOUND_WAIT,
                                (struct question){25, GAP, 0, LOCK_WAITING, CHECKS});
}

/* Ranges that overlap with some of the others, and that nobody holds yet. */
void job_range_ranges(double *figures)
{
    struct question question = {10, GAP, 110, LOCK_GRANTED, CHECKS};
    figures[0] = against_ranges(DISJOINT, TX_POLICY_WOUND_WAIT, question);
    figures[1] = against_ranges(NESTED, TX_POLICY_WOUND_WAIT, question);
}

/* Against 10,000 keys at 100 i + 50, each written by somebody older. */
static double against_keys(enum tx_lock_policy policy, struct question question)
{
    static struct scene scene;
    set(&scene, NO_RANGES, policy);
    for (int i = 0; i < RANGES; i++) {
        struct text text;
        bench_must(bench_acquire(scene.mgr, scene.owners[i], make_name(&text, i * GAP + 50, 0),
                                 TX_LOCK_X) == LOCK_GRANTED,
                   "a free key was not granted");
    }
    /* The keyspace gets its trees with its first range. */
    struct lock_name first = bench_range("b", "c");
    bench_must(bench_acquire(scene.mgr, scene.young, first, TX_LOCK_S) == LOCK_GRANTED,
               "a free range was refused");
    double ns = ask(&scene, &question);
    strike(&scene);
    return ns;
}

void job_range_keys(double *figures)
{
    figures[0] =
        against_keys(TX_POLICY_WOUND_WAIT, (struct question){60, GAP, 80, LOCK_GRANTED, CHECKS});
    figures[1] =
        against_keys(TX_POLICY_NO_WAIT, (struct question){40, GAP, 20, LOCK_CONFLICT, CHECKS});
    figures[2] =
        against_keys(TX_POLICY_WOUND_WAIT, (struct question){40, GAP, 20, LOCK_WAITING, CHECKS});
}
