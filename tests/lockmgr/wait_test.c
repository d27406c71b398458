/* Waiting, scene by scene: wound-wait, queues by age, protected owners, paths that wait on the way,
 * cancelling, time limits, the waits-for view, recovery, and that the oldest always gets on. */
#include "lock_fixture.h"
#include "tests/common/pace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void the_younger_waits(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "");
    assert_true(waiting(f, 2));
    release_all(f, 1);
    expect_events(f, "G2");
    assert_int_equal(held(f, 2, "s/k"), TX_LOCK_X);
}

static void the_older_wounds_and_waits_for_the_release(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_WAITING);
    expect_events(f, "W2");
    assert_true(lockmgr_is_wounded(f->owners[2]));
    assert_int_equal(held(f, 2, "s/k"), TX_LOCK_X);
    release_all(f, 2);
    expect_events(f, "G1");
}

static void a_wound_is_told_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/l", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "W3");
    assert_int_equal(acquire(f, 1, "s/l", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 0, "s/k", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "");
    release_all(f, 3);
    expect_events(f, "G1 G0"); /* released from the last lock to the first */
}

/* What is wounded already gets nothing more, and an unlocked key is no exception. */
static void a_wounded_owner_gets_no_more(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 2, "s/free", TX_LOCK_S), LOCK_WAITING);
    assert_false(waiting(f, 2));
    assert_int_equal(held(f, 2, "s/free"), TX_LOCK_NONE);
    expect_events(f, "W2");
}

static void all_younger_holders_are_wounded_and_the_older_are_not(void **state)
{
    struct fixture *f = *state;
    for (int n = 1; n <= 5; n++) {
        assert_int_equal(acquire(f, n, "s/k", TX_LOCK_S), LOCK_GRANTED);
    }
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "W5 W4");
    release_all(f, 5);
    release_all(f, 4);
    release_all(f, 1);
    expect_events(f, "");
    release_all(f, 2);
    expect_events(f, "G3");
    assert_int_equal(held(f, 3, "s/k"), TX_LOCK_X);
}

/* Two readers both want to write: no deadlock, the older gets it. */
static void conversion_deadlock_older_last(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "");
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "W2");
    assert_false(waiting(f, 2)); /* its request went with the wound */
    release_all(f, 2);
    expect_events(f, "G1");
}

static void conversion_deadlock_older_first(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "W2");
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING);
    release_all(f, 2);
    expect_events(f, "G1");
}

static void updaters_do_not_meet(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_U), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_U), LOCK_WAITING);
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "W2");
    release_all(f, 2);
    expect_events(f, "G1");
    release_all(f, 1);
    expect_events(f, "G3");
}

static void queues_go_by_age_not_by_arrival(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 0, "s/k", TX_LOCK_X), LOCK_GRANTED);
    static const int arrivals[] = {5, 2, 8, 1, 9, 4, 3, 7, 6};
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(acquire(f, arrivals[i], "s/k", TX_LOCK_X), LOCK_WAITING);
    }
    for (int n = 0; n < 9; n++) {
        char granted[8];
        (void)snprintf(granted, sizeof granted, "G%d", n + 1);
        release_all(f, n);
        expect_events(f, granted);
    }
}

/* A younger reader does not slip past an older writer that waits, an older one goes ahead of it. */
static void nobody_overtakes_an_older_waiter(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 5, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 7, "s/k", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_S), LOCK_GRANTED);
    expect_events(f, "");
    cancel(f, 5);
    expect_events(f, "G7");
}

static void a_younger_conversion_does_not_overtake_either(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s", TX_LOCK_IX), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s", TX_LOCK_IS), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s", TX_LOCK_S), LOCK_WAITING); /* 3's IS does not bar it */
    assert_int_equal(acquire(f, 3, "s", TX_LOCK_IX), LOCK_WAITING);
    expect_events(f, "");
    release_all(f, 1);
    expect_events(f, "G2");
    assert_int_equal(held(f, 3, "s"), TX_LOCK_IS);
    release_all(f, 2);
    expect_events(f, "G3");
    assert_int_equal(held(f, 3, "s"), TX_LOCK_IX);
}

static void readers_are_granted_together(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 4, "s/k", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 5, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 6, "s/k", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_S), LOCK_WAITING);
    release_all(f, 1);
    expect_events(f, "G3 G4");
    release_all(f, 3);
    release_all(f, 4);
    expect_events(f, "G5");
}

static void the_protected_are_not_wounded(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 5, "s/k", TX_LOCK_X), LOCK_GRANTED);
    protect(f, 5);
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 2, "", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "N5"); /* once */
    release_all(f, 5);
    expect_events(f, "G1");
    release_all(f, 1);
    expect_events(f, "G2");
}

/* The wounded one waits elsewhere: its request goes, and who stood behind it moves up. */
static void a_wound_lets_those_behind_the_victim_on(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/b", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 4, "s/a", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 4, "s/b", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 6, "s/b", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 3, "s/a", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "W4 G6");
}

static void a_path_waits_at_each_step(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 4, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(held(f, 4, ""), TX_LOCK_NONE);
    assert_int_equal(acquire(f, 2, "s", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_S), LOCK_GRANTED);
    release_all(f, 1);
    expect_events(f, ""); /* on to the keyspace, and waits there */
    assert_int_equal(held(f, 4, ""), TX_LOCK_IX);
    assert_int_equal(held(f, 4, "s"), TX_LOCK_NONE);
    release_all(f, 2);
    expect_events(f, ""); /* on to the key, and waits there */
    assert_int_equal(held(f, 4, "s"), TX_LOCK_IX);
    assert_true(waiting(f, 4));
    release_all(f, 3);
    expect_events(f, "G4");
    assert_int_equal(held(f, 4, "s/k"), TX_LOCK_X);
    assert_int_equal(lockmgr_stats(f->mgr).waits, 1);
}

/* An owner that goes on after a wait meets a younger holder on its next step. */
static void a_path_wounds_on_its_way(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 5, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "");
    release_all(f, 1);
    expect_events(f, "W5");
    release_all(f, 5);
    expect_events(f, "G2");
}

static void cancel_withdraws_and_lets_others_on(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_S), LOCK_WAITING);
    cancel(f, 2);
    expect_events(f, "G3");
    assert_false(waiting(f, 2));
    assert_int_equal(held(f, 2, "s"), TX_LOCK_IX); /* taken on the way, kept */
    cancel(f, 2);
    expect_events(f, "");
}

static void release_all_withdraws_a_waiting_request(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/l", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 4, "s/l", TX_LOCK_S), LOCK_WAITING);
    release_all(f, 2);
    expect_events(f, "G3 G4");
}

static void waits_end_in_order_of_their_deadlines(void **state)
{
    struct fixture *f = *state;
    assert_true(lockmgr_next_deadline(f->mgr) == UINT64_MAX);
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_GRANTED);
    f->now_us = 10;
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING);
    f->now_us = 5;
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_X), LOCK_WAITING);
    f->now_us = 20;
    assert_int_equal(acquire(f, 4, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_true(lockmgr_next_deadline(f->mgr) == 5 + FIXTURE_TIMEOUT_US);
    expire(f, 4 + FIXTURE_TIMEOUT_US);
    expect_events(f, "");
    expire(f, 10 + FIXTURE_TIMEOUT_US);
    expect_events(f, "T3 T2");
    assert_int_equal(held(f, 2, "s"), TX_LOCK_IX);
    assert_true(lockmgr_next_deadline(f->mgr) == 20 + FIXTURE_TIMEOUT_US);
    release_all(f, 1);
    expect_events(f, "G4");
    assert_true(lockmgr_next_deadline(f->mgr) == UINT64_MAX);
}

static void a_timeout_bounds_the_wait_in_all(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_X), LOCK_WAITING);
    expire(f, FIXTURE_TIMEOUT_US - 1);
    release_all(f, 1);
    expect_events(f, "");
    expire(f, FIXTURE_TIMEOUT_US);
    expect_events(f, "T3");
    assert_int_equal(held(f, 3, ""), TX_LOCK_IX);
}

static void a_request_has_its_own_timeout(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 3, "s", TX_LOCK_IX), LOCK_GRANTED);
    enum lock_status status =
        lockmgr_acquire(f->mgr, f->owners[3], fixture_name("s/k"), TX_LOCK_X, 100, 7, &f->events);
    assert_int_equal(status, LOCK_WAITING);
    assert_true(lockmgr_next_deadline(f->mgr) == 107);
    expire(f, 107);
    expect_events(f, "T3");
    status = lockmgr_acquire(f->mgr, f->owners[3], fixture_name("s/k"), TX_LOCK_X, 200, UINT64_MAX,
                             &f->events);
    assert_int_equal(status, LOCK_WAITING);
    expire(f, 1000000);
    expect_events(f, "T2");
    assert_true(waiting(f, 3));
}

static void the_view_names_the_oldest_blocker(void **state)
{
    struct fixture *f = *state;
    struct lock_wait_info info;
    for (int n = 1; n <= 3; n++) {
        assert_int_equal(acquire(f, n, "s/k", TX_LOCK_S), LOCK_GRANTED);
    }
    f->now_us = 42;
    assert_int_equal(acquire(f, 4, "s/k", TX_LOCK_X), LOCK_WAITING);
    f->now_us = 50;
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_U), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 5, "s/k", TX_LOCK_S), LOCK_WAITING);
    assert_false(lockmgr_wait_info(f->mgr, f->owners[1], &info));
    assert_true(lockmgr_wait_info(f->mgr, f->owners[4], &info));
    assert_int_equal(info.waiter.seq, 5);
    assert_int_equal(info.blocker.seq, 2);
    assert_int_equal(info.blockers_n, 3); /* 3 holds and waits, and counts once */
    assert_int_equal(info.mode, TX_LOCK_X);
    assert_int_equal(info.since_us, 42);
    assert_true(tx_bytes_equal(info.name.space, tx_bytes_str("s")));
    assert_true(tx_bytes_equal(info.name.key, tx_bytes_str("k")));
    assert_true(lockmgr_wait_info(f->mgr, f->owners[5], &info));
    assert_int_equal(info.blocker.seq, 4); /* only the writers that wait are in its way */
    assert_int_equal(info.blockers_n, 2);
}

/* What prepared transactions held at the crash, they hold again at once, before anybody else is
 * there. */
static void recovered_owners_get_their_locks_at_once(void **state)
{
    struct fixture *f = *state;
    for (int n = 10; n < 20; n++) {
        char path[16];
        (void)snprintf(path, sizeof path, "s/%d", n);
        assert_int_equal(acquire(f, n, path, TX_LOCK_X), LOCK_GRANTED);
        assert_int_equal(acquire(f, n, "s/shared", TX_LOCK_S), LOCK_GRANTED);
        protect(f, n);
    }
    assert_int_equal(acquire(f, 1, "s/15", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 2, "s/shared", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "N15 N19 N18 N17 N16 N14 N13 N12 N11 N10");
    release_all(f, 15);
    expect_events(f, "G1");
}

/* Equal ages (a retry beside its first attempt): the ids decide, the same way round each time. */
static void equal_ages_are_told_apart(void **state)
{
    struct fixture *f = *state;
    struct tx_age age = {.counter = 7, .coordinator = 1};
    struct lock_name name = fixture_name("s/k");
    struct lock_owner *first =
        lockmgr_begin(f->mgr, (struct tx_id){.coordinator = 1, .epoch = 1, .seq = 100}, age);
    struct lock_owner *second =
        lockmgr_begin(f->mgr, (struct tx_id){.coordinator = 1, .epoch = 1, .seq = 101}, age);
    assert_int_equal(lockmgr_acquire(f->mgr, first, name, TX_LOCK_S, 0, 0, &f->events),
                     LOCK_GRANTED);
    assert_int_equal(lockmgr_acquire(f->mgr, second, name, TX_LOCK_S, 0, 0, &f->events),
                     LOCK_GRANTED);
    assert_int_equal(lockmgr_acquire(f->mgr, second, name, TX_LOCK_X, 0, 0, &f->events),
                     LOCK_WAITING);
    expect_events(f, "");
    assert_int_equal(lockmgr_acquire(f->mgr, first, name, TX_LOCK_X, 0, 0, &f->events),
                     LOCK_WAITING);
    expect_events(f, "W100"); /* the letter and seq - 1 */
    lockmgr_check(f->mgr);
    lockmgr_release_all(f->mgr, &second, &f->events);
    lockmgr_release_all(f->mgr, &first, &f->events);
    expect_events(f, "G99");
}

static void a_long_queue(void **state)
{
    struct fixture *f = *state;
    size_t waiters_n = pace_count(10000, 100);
    struct lock_owner **owners = calloc(waiters_n, sizeof(struct lock_owner *));
    assert_non_null(owners);
    struct lock_name name = fixture_name("s/k");
    assert_int_equal(acquire(f, 0, "s/k", TX_LOCK_X), LOCK_GRANTED);
    for (size_t i = 0; i < waiters_n; i++) {
        /* 7919 has no factor in common with the number of waiters: all ages come once, mixed. */
        uint64_t age = 10 + i * 7919 % waiters_n;
        struct tx_id id = {.coordinator = 2, .epoch = 1, .seq = age};
        owners[age - 10] = lockmgr_begin(f->mgr, id, (struct tx_age){age, 2});
        assert_int_equal(lockmgr_acquire(f->mgr, owners[age - 10], name,
                                         age % 3 == 0 ? TX_LOCK_X : TX_LOCK_S, i, 0, &f->events),
                         LOCK_WAITING);
    }
    expect_events(f, "");
    release_all(f, 0);
    for (size_t i = 0; i < waiters_n; i++) {
        assert_int_equal(lockmgr_held(f->mgr, owners[i], name),
                         (i + 10) % 3 == 0 ? TX_LOCK_X : TX_LOCK_S);
        f->events.events_n = 0;
        lockmgr_release_all(f->mgr, &owners[i], &f->events);
    }
    f->events.events_n = 0;
    free(owners);
}

/* ---- progress ---- */

enum { RIVALS_N = 30, LOCKS_PER_RIVAL = 6, ROUNDS_N = 20000 };

struct rival {
    struct lock_owner *owner;
    uint64_t age, seq;
    int taken;
};

struct race {
    struct fixture *f;
    struct rival rivals[RIVALS_N];
    uint64_t random, next_age, next_seq;
    size_t finished_n, restarted_n;
};

static uint64_t race_random(struct race *race)
{
    race->random = race->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return race->random >> 33;
}

static void rival_start(struct race *race, struct rival *rival, bool keeps_age)
{
    rival->age = keeps_age ? rival->age : ++race->next_age;
    rival->seq = ++race->next_seq;
    rival->taken = 0;
    struct tx_id id = {.coordinator = 1, .epoch = 1, .seq = rival->seq};
    rival->owner = lockmgr_begin(race->f->mgr, id, (struct tx_age){rival->age, 1});
}

static struct rival *rival_of(struct race *race, struct tx_id id)
{
    for (size_t i = 0; i < RIVALS_N; i++) {
        if (race->rivals[i].seq == id.seq) {
            return &race->rivals[i];
        }
    }
    return NULL;
}

/* A wounded one goes and comes again at its old age, as the retry helper of a client does. */
static void race_settle(struct race *race)
{
    for (size_t i = 0; i < race->f->events.events_n; i++) {
        struct lock_event event = race->f->events.events[i];
        struct rival *rival = rival_of(race, event.tx);
        assert_non_null(rival);
        assert_int_not_equal(event.type, LOCK_EVENT_TIMED_OUT);
        if (event.type == LOCK_EVENT_GRANTED) {
            rival->taken++;
        } else {
            lockmgr_release_all(race->f->mgr, &rival->owner, &race->f->events);
            rival_start(race, rival, true);
            race->restarted_n++;
        }
    }
    race->f->events.events_n = 0;
}

static const struct rival *race_oldest(const struct race *race)
{
    const struct rival *oldest = &race->rivals[0];
    for (size_t i = 1; i < RIVALS_N; i++) {
        if (race->rivals[i].age < oldest->age) {
            oldest = &race->rivals[i];
        }
    }
    return oldest;
}

static void race_step(struct race *race, struct rival *rival)
{
    static const enum tx_lock_mode modes[] = {TX_LOCK_S, TX_LOCK_U, TX_LOCK_X, TX_LOCK_X};
    if (lockmgr_is_waiting(rival->owner)) {
        return;
    }
    if (rival->taken == LOCKS_PER_RIVAL) {
        lockmgr_release_all(race->f->mgr, &rival->owner, &race->f->events);
        race->finished_n++;
        rival_start(race, rival, false);
    } else {
        char path[16];
        int len = snprintf(path, sizeof path, "%c/%c", (int)('s' + race_random(race) % 2),
                           (int)('a' + race_random(race) % 4));
        path[race_random(race) % 20 == 0 ? 1 : len] = '\0'; /* now and then a whole keyspace */
        enum lock_status status =
            lockmgr_acquire(race->f->mgr, rival->owner, fixture_name(path),
                            modes[race_random(race) % 4], 0, UINT64_MAX, &race->f->events);
        assert_int_not_equal(status, LOCK_REFUSED);
        rival->taken += status == LOCK_GRANTED;
    }
    race_settle(race);
    lockmgr_check(race->f->mgr);
}

/* As long as the wounded go when they are told, the oldest of all never waits: so each one gets to
 * its end in a bounded number of its own steps once it is the oldest, and it becomes that. */
static void the_oldest_always_gets_on(void **state)
{
    struct race race = {.f = *state, .random = 7};
    for (size_t i = 0; i < RIVALS_N; i++) {
        rival_start(&race, &race.rivals[i], false);
    }
    uint64_t oldest_age = 0;
    int oldest_steps = 0;
    for (int round = 0; round < ROUNDS_N; round++) {
        struct rival *rival = &race.rivals[race_random(&race) % RIVALS_N];
        const struct rival *oldest = race_oldest(&race);
        oldest_steps = oldest->age == oldest_age ? oldest_steps + (rival == oldest) : 0;
        oldest_age = oldest->age;
        assert_true(oldest_steps <= LOCKS_PER_RIVAL + 1);
        race_step(&race, rival);
        assert_false(lockmgr_is_waiting(race_oldest(&race)->owner));
    }
    assert_true(race.finished_n > 100 && race.restarted_n > 100);
    for (size_t i = 0; i < RIVALS_N; i++) {
        lockmgr_release_all(race.f->mgr, &race.rivals[i].owner, &race.f->events);
    }
    race.f->events.events_n = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_younger_waits),
        TEST(the_older_wounds_and_waits_for_the_release),
        TEST(a_wound_is_told_once),
        TEST(a_wounded_owner_gets_no_more),
        TEST(all_younger_holders_are_wounded_and_the_older_are_not),
        TEST(conversion_deadlock_older_last),
        TEST(conversion_deadlock_older_first),
        TEST(updaters_do_not_meet),
        TEST(queues_go_by_age_not_by_arrival),
        TEST(nobody_overtakes_an_older_waiter),
        TEST(a_younger_conversion_does_not_overtake_either),
        TEST(readers_are_granted_together),
        TEST(the_protected_are_not_wounded),
        TEST(a_wound_lets_those_behind_the_victim_on),
        TEST(a_path_waits_at_each_step),
        TEST(a_path_wounds_on_its_way),
        TEST(cancel_withdraws_and_lets_others_on),
        TEST(release_all_withdraws_a_waiting_request),
        TEST(waits_end_in_order_of_their_deadlines),
        TEST(a_timeout_bounds_the_wait_in_all),
        TEST(a_request_has_its_own_timeout),
        TEST(the_view_names_the_oldest_blocker),
        TEST(recovered_owners_get_their_locks_at_once),
        TEST(equal_ages_are_told_apart),
        TEST(a_long_queue),
        TEST(the_oldest_always_gets_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
