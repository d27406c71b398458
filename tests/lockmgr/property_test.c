/* Random operations on the manager and on the naive model side by side: every status, every event
 * in its order, the deadlines, the counts and the locks must agree, and the manager's invariants
 * hold, after each step.
 *
 * A failure prints the seed; ASSENT_TEST_SEED=<seed> runs that one alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/assert.h"
#include "lock_model.h"
#include "lockmgr/lock_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(ASSENT_SANITIZED) || !defined(__OPTIMIZE__)
#define RUNS_N 10
#else
#define RUNS_N 100
#endif
#define STEPS_N 10000

struct world {
    uint64_t seed, random;
    uint64_t step;
    struct lockmgr *mgr;
    struct lock_owner *owners[MODEL_OWNERS_MAX];
    struct tx_id ids[MODEL_OWNERS_MAX];
    struct lock_events events;
    struct model model;
    int owners_n;
    int listed; /* whose locks are being listed */
    uint64_t seq;
    uint64_t now_us;
    uint64_t counts[2][5];                     /* statuses; events */
    uint64_t escalations_n, ranges_n, trims_n; /* of all runs */
};

static struct world world;

/* Vigna's splitmix64. */
static uint64_t next_random(void)
{
    uint64_t z = world.random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int below(int n)
{
    return (int)(next_random() % (uint64_t)n);
}

static void print_where(const char *text)
{
    (void)fprintf(stderr, "seed %" PRIu64 ", step %" PRIu64 ": %s\n", world.seed, world.step, text);
}

static void agree(bool condition, const char *text)
{
    if (!condition) {
        print_where(text);
        fail_msg("manager and model differ: %s", text);
    }
}

#define AGREE(condition) agree(condition, #condition)

/* In order, and one of each way to keep a name: two of the pools, the heap. */
static const char *const keys[MODEL_KEYS] = {
    "a key that is longer than any of the pools takes: more than ninety-six bytes, here a hundred",
    "k", "key-of-16-bytes!", "key-of-17-bytes!!", "z"};

static struct lock_name place_name(int place)
{
    static const char *const spaces[MODEL_SPACES] = {"a", "accounts", "c"};
    struct lock_name name = {.range = place >= MODEL_PLACES};
    int from;
    int to;
    if (model_range(place, &from, &to)) {
        name.key = from > 0 ? tx_bytes_str(keys[from]) : tx_bytes(NULL, 0);
        name.to = to < MODEL_KEYS ? tx_bytes_str(keys[to]) : tx_bytes(NULL, 0);
        place = model_parent(place);
    } else if (place > MODEL_SPACES) {
        name.key = tx_bytes_str(keys[(place - 1 - MODEL_SPACES) % MODEL_KEYS]);
        place = model_parent(place);
    }
    if (place > 0) {
        name.space = tx_bytes_str(spaces[place - 1]);
    }
    return name;
}

static int owner_of(struct tx_id id)
{
    for (int i = 0; i < world.owners_n; i++) {
        if (tx_id_equal(world.ids[i], id)) {
            return i;
        }
    }
    return -1;
}

/* Few ages, so that many owners share one, as a retry does with its first attempt. */
static void do_begin(int i)
{
    world.seq++;
    struct tx_age age = {.counter = 1 + next_random() % 40,
                         .coordinator = (uint32_t)(1 + below(2))};
    world.ids[i] = (struct tx_id){.coordinator = (uint32_t)(1 + below(2)),
                                  .epoch = (uint64_t)(1 + below(3)),
                                  .seq = world.seq};
    world.owners[i] = lockmgr_begin(world.mgr, world.ids[i], age);
    uint64_t rank[5] = {age.counter, age.coordinator, world.ids[i].coordinator, world.ids[i].epoch,
                        world.ids[i].seq};
    model_begin(&world.model, i, rank);
}

static void do_acquire(int i)
{
    /* Mostly keys in read and write modes; now and then anything on anything. */
    int place = 1 + MODEL_SPACES + below(MODEL_SPACES * MODEL_KEYS);
    int mode = below(2) == 0 ? TX_LOCK_S : TX_LOCK_X;
    if (below(6) == 0) {
        mode = TX_LOCK_U;
    }
    if (below(8) == 0) {
        place = below(1 + MODEL_SPACES);
        mode = 1 + below(below(3) == 0 ? 6 : 3);
    } else if (below(4) == 0) {
        place = MODEL_PLACES + below(MODEL_SPACES * MODEL_RANGES);
        mode = TX_LOCK_S;
        world.ranges_n++;
    }
    uint64_t timeout_us = below(3) == 0 ? 0 : (uint64_t)(1 + below(40));
    uint64_t deadline_us = world.now_us + (timeout_us == 0 ? 50 : timeout_us);
    enum lock_status got =
        lockmgr_acquire(world.mgr, world.owners[i], place_name(place), (enum tx_lock_mode)mode,
                        world.now_us, timeout_us, &world.events);
    enum model_status want = model_acquire(&world.model, i, place, mode, deadline_us);
    AGREE((int)got == (int)want);
    world.counts[0][got]++;
}

static void do_release(int i)
{
    static const enum tx_error errors[] = {TX_OK, TX_ENOTFOUND, TX_ESTATE};
    int place = below(MODEL_ALL);
    enum tx_error got =
        lockmgr_release(world.mgr, world.owners[i], place_name(place), &world.events);
    AGREE(got == errors[model_release(&world.model, i, place)]);
    AGREE(got == TX_ESTATE || lockmgr_held(world.mgr, world.owners[i], place_name(place)) == 0);
}

/* A range that it holds, if there is one, and a place that may be a part of it. */
static void do_trim(int i)
{
    int whole = MODEL_PLACES + below(MODEL_SPACES * MODEL_RANGES);
    for (int n = 0; n < MODEL_ALL && model_held(&world.model, i, whole) == 0; n++) {
        whole = whole + 1 < MODEL_ALL ? whole + 1 : MODEL_PLACES;
    }
    int first = MODEL_PLACES + (model_parent(whole) - 1) * MODEL_RANGES;
    int part = first + below(MODEL_RANGES);
    int from[2];
    int to[2];
    (void)model_range(whole, &from[0], &to[0]);
    (void)model_range(part, &from[1], &to[1]);
    if (from[1] < from[0] || to[1] > to[0]) {
        return;
    }
    enum tx_error got = lockmgr_trim(world.mgr, world.owners[i], place_name(whole),
                                     place_name(part), &world.events);
    AGREE((got == TX_OK ? 0 : 1) == model_trim(&world.model, i, whole, part));
    world.trims_n += got == TX_OK;
}

static void do_release_all(int i)
{
    lockmgr_release_all(world.mgr, &world.owners[i], &world.events);
    AGREE(world.owners[i] == NULL);
    model_release_all(&world.model, i);
}

static void do_expire(void)
{
    world.now_us += next_random() % 12;
    lockmgr_expire(world.mgr, world.now_us, &world.events);
    model_expire(&world.model, world.now_us);
}

static void random_step(void)
{
    int i = below(world.owners_n);
    const struct model_owner *owner = &world.model.owners[i];
    int dice = below(100);
    if (!owner->live) {
        do_begin(i);
    } else if (dice < 4) {
        do_expire();
    } else if (owner->waiting) {
        if (dice < 10) {
            lockmgr_cancel(world.mgr, world.owners[i], &world.events);
            model_cancel(&world.model, i);
        } else if (dice < 14) {
            do_release_all(i);
        }
    } else if (owner->is_protected || owner->wounded) {
        if (dice < 40) {
            do_release_all(i);
        } else if (!owner->is_protected && dice < 50) {
            do_acquire(i);
        }
    } else if (dice < 8) {
        do_trim(i);
    } else if (dice < 12) {
        do_release(i);
    } else if (dice < 18) {
        do_release_all(i);
    } else if (dice < 22) {
        lockmgr_protect(world.mgr, world.owners[i]);
        world.model.owners[i].is_protected = true;
    } else {
        do_acquire(i);
    }
}

static void compare_events(void)
{
    AGREE(world.events.events_n == world.model.events_n);
    for (size_t i = 0; i < world.events.events_n; i++) {
        const struct lock_event *got = &world.events.events[i];
        const struct model_event *want = &world.model.events[i];
        AGREE((int)got->type == (int)want->type && owner_of(got->tx) == want->owner);
        AGREE(got->owner == world.owners[want->owner]);
        world.counts[1][got->type]++;
    }
    world.events.events_n = 0;
    world.model.events_n = 0;
}

/* The list for people names everybody whom the definitions do, each once. */
static void compare_in_way(int i, size_t blockers_n, int oldest)
{
    struct lock_in_way in_way[MODEL_OWNERS_MAX];
    size_t looks = SIZE_MAX;
    bool more;
    bool has_oldest = false;
    size_t n = lockmgr_list_in_way(world.owners[i], in_way, MODEL_OWNERS_MAX, &more, &looks);
    AGREE(n == blockers_n && !more);
    for (size_t at = 0; at < n; at++) {
        has_oldest = has_oldest || owner_of(in_way[at].tx) == oldest;
        AGREE(at == 0 || !in_way[at - 1].waits || in_way[at].waits);
    }
    AGREE(has_oldest);
}

static void compare_wait(int i)
{
    struct lock_wait_info info;
    bool waits = lockmgr_wait_info(world.mgr, world.owners[i], &info);
    const struct model_owner *owner = &world.model.owners[i];
    AGREE(waits == owner->waiting && waits == lockmgr_is_waiting(world.owners[i]));
    AGREE(lockmgr_is_wounded(world.owners[i]) == owner->wounded);
    if (!waits) {
        return;
    }
    int oldest;
    size_t blockers_n = model_blockers(&world.model, i, &oldest);
    /* Somebody who is in the way with several ranges, or in several places of one, counts again. */
    bool spans = info.name.range || (info.name.key.len > 0 && info.mode == TX_LOCK_X);
    AGREE(spans ? info.blockers_n >= blockers_n : info.blockers_n == blockers_n);
    AGREE(owner_of(info.blocker) == oldest && owner_of(info.waiter) == i);
    struct lock_name name = place_name(owner->path[owner->step]);
    AGREE(tx_bytes_equal(info.name.space, name.space) && tx_bytes_equal(info.name.key, name.key));
    compare_in_way(i, blockers_n, oldest);
}

/* In pieces that end anywhere, every lock comes, and no other. */
static bool visit_listed(void *arg, struct lock_name name, enum tx_lock_mode mode)
{
    size_t *listed_n = arg;
    (*listed_n)++;
    AGREE(lockmgr_held(world.mgr, world.owners[world.listed], name) == mode);
    return true;
}

static void compare_listed(int i)
{
    struct lock_place place = {0};
    size_t listed_n = 0;
    size_t held_n = 0;
    size_t looks;
    world.listed = i;
    do
        looks = (size_t)(1 + i % 4);
    while (!lockmgr_list_held(world.mgr, world.owners[i], &place, &looks, visit_listed, &listed_n));
    for (int at = 0; at < MODEL_ALL; at++)
        held_n += model_held(&world.model, i, at) != 0 ? 1 : 0;
    AGREE(listed_n == held_n && place.passed == held_n);
}

static void compare_all(void)
{
    for (int i = 0; i < world.owners_n; i++) {
        if (world.owners[i] == NULL) {
            continue;
        }
        compare_wait(i);
        compare_listed(i);
        for (int place = 0; place < MODEL_ALL; place++) {
            AGREE((int)lockmgr_held(world.mgr, world.owners[i], place_name(place)) ==
                  model_held(&world.model, i, place));
        }
    }
}

static void compare_step(void)
{
    compare_events();
    struct lockmgr_stats stats = lockmgr_stats(world.mgr);
    AGREE(stats.held == world.model.locks_n);
    AGREE(stats.escalations == world.model.escalations_n);
    AGREE(stats.waiting == model_waiting_n(&world.model));
    AGREE(lockmgr_next_deadline(world.mgr) == model_next_deadline(&world.model));
    if (world.step % 64 == 0) {
        compare_all();
    }
    lockmgr_check(world.mgr);
}

/* Forgets all but what is counted over all runs. */
static void world_clear(void)
{
    struct world old = world;
    memset(&world, 0, sizeof world);
    memcpy(world.counts, old.counts, sizeof world.counts);
    world.events = old.events;
    world.escalations_n = old.escalations_n + old.model.escalations_n;
    world.ranges_n = old.ranges_n;
    world.trims_n = old.trims_n;
}

static void run_begin(uint64_t seed)
{
    world_clear();
    world.seed = seed;
    world.random = seed;
    world.owners_n = 4 + below(MODEL_OWNERS_MAX - 3);
    /* In every other run locks are so few that refusals are common. */
    world.model.locks_max = below(2) == 0 ? 10000 : (size_t)(5 + below(60));
    world.model.asking = -1;
    static const enum model_policy policies[] = {MODEL_WOUND_WAIT, MODEL_WAIT_DIE, MODEL_WOUND_WAIT,
                                                 MODEL_NO_WAIT};
    world.model.policy = policies[seed % 4];
    if (below(2) == 0) { /* a keyspace is rarely had alone among many */
        world.model.escalate_at = (size_t)(1 + below(4));
        world.owners_n = 1 + below(5);
    }
    struct lockmgr_options options = {.locks_max = world.model.locks_max,
                                      .wait_timeout_us = 50,
                                      .policy = (enum tx_lock_policy)world.model.policy,
                                      .escalate_at = world.model.escalate_at};
    world.mgr = lockmgr_new(&options);
}

static void run(uint64_t seed)
{
    run_begin(seed);
    for (world.step = 1; world.step <= STEPS_N; world.step++) {
        random_step();
        compare_step();
    }
    for (int i = 0; i < world.owners_n; i++) {
        if (world.owners[i] != NULL) {
            do_release_all(i);
            compare_step();
        }
    }
    AGREE(lockmgr_stats(world.mgr).held == 0 && lockmgr_stats(world.mgr).owners == 0);
    lockmgr_destroy(&world.mgr);
}

static void manager_and_model_agree(void **state)
{
    (void)state;
    tx_assert_hook_set(print_where);
    const char *seed = getenv("ASSENT_TEST_SEED");
    if (seed != NULL) {
        run(strtoull(seed, NULL, 10));
    } else {
        for (uint64_t i = 0; i < RUNS_N; i++) {
            run(1000 + i);
        }
        /* A run that never meets a case proves nothing about it. */
        assert_true(world.escalations_n > 10 * RUNS_N && world.ranges_n > 100 * RUNS_N);
        assert_true(world.trims_n > RUNS_N);
        for (int i = 0; i < 4; i++) {
            assert_true(world.counts[0][i] > 10 * RUNS_N);
        }
        static const uint64_t least[] = {[LOCK_EVENT_GRANTED] = 10 * RUNS_N,
                                         [LOCK_EVENT_WOUNDED] = 10 * RUNS_N,
                                         [LOCK_EVENT_WANTED] = RUNS_N / 2,
                                         [LOCK_EVENT_TIMED_OUT] = 10 * RUNS_N,
                                         [LOCK_EVENT_CONFLICT] = RUNS_N / 10};
        for (int i = 0; i < 5; i++) {
            assert_true(world.counts[1][i] > least[i]);
        }
    }
    lock_events_deinit(&world.events);
    tx_assert_hook_set(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(manager_and_model_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
