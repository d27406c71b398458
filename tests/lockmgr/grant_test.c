/* The lock manager without contention, and its edges: the hierarchy, conversions, release, limits,
 * views. */
#include "lock_fixture.h"

#include "lockmgr/lock_mode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void a_key_takes_its_intentions_along(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(held(f, 1, ""), TX_LOCK_IS);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_IS);
    assert_int_equal(held(f, 1, "s/k"), TX_LOCK_S);
    assert_int_equal(held(f, 1, "s/other"), TX_LOCK_NONE);
    assert_int_equal(held(f, 1, "other/k"), TX_LOCK_NONE);
    assert_int_equal(acquire(f, 1, "s/l", TX_LOCK_U), LOCK_GRANTED);
    assert_int_equal(held(f, 1, ""), TX_LOCK_IX);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_IX);
    assert_int_equal(held(f, 1, "s/k"), TX_LOCK_S);
    assert_int_equal(lockmgr_stats(f->mgr).held, 4);
    expect_events(f, "");
}

static void a_keyspace_takes_the_store_along(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s", TX_LOCK_SIX), LOCK_GRANTED);
    assert_int_equal(held(f, 1, ""), TX_LOCK_IX);
    assert_int_equal(acquire(f, 2, "t", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(held(f, 2, ""), TX_LOCK_IS);
    assert_int_equal(acquire(f, 2, "", TX_LOCK_IS), LOCK_GRANTED);
    assert_int_equal(lockmgr_stats(f->mgr).held, 4);
}

static void an_intention_is_a_conversion_too(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_SIX);
    assert_int_equal(held(f, 1, ""), TX_LOCK_IX);
}

/* A key has nothing below it that an intention could speak of. */
static bool fits(const char *path, enum tx_lock_mode mode)
{
    bool is_key = strchr(path, '/') != NULL;
    return !is_key || mode == TX_LOCK_S || mode == TX_LOCK_U || mode == TX_LOCK_X;
}

/* Every conversion, on each level, for an owner alone. */
static void every_conversion_goes_to_the_join(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"", "s", "s/k"};
    for (size_t p = 0; p < 3; p++) {
        for (enum tx_lock_mode a = TX_LOCK_IS; a <= TX_LOCK_X; a++) {
            for (enum tx_lock_mode b = TX_LOCK_IS; b <= TX_LOCK_X; b++) {
                if (!fits(paths[p], a) || !fits(paths[p], b)) {
                    continue;
                }
                assert_int_equal(acquire(f, 1, paths[p], a), LOCK_GRANTED);
                assert_int_equal(acquire(f, 1, paths[p], b), LOCK_GRANTED);
                assert_int_equal(held(f, 1, paths[p]), lock_mode_join(a, b));
                release_all(f, 1);
            }
        }
    }
}

/* The older holds, the younger asks: all 36 pairs, on each level. */
static void every_pair_of_modes(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"", "s", "s/k"};
    for (size_t p = 0; p < 3; p++) {
        for (enum tx_lock_mode a = TX_LOCK_IS; a <= TX_LOCK_X; a++) {
            for (enum tx_lock_mode b = TX_LOCK_IS; b <= TX_LOCK_X; b++) {
                bool conflict = lock_mode_conflicts(a, b);
                if (!fits(paths[p], a) || !fits(paths[p], b)) {
                    continue;
                }
                assert_int_equal(acquire(f, 1, paths[p], a), LOCK_GRANTED);
                assert_int_equal(acquire(f, 2, paths[p], b),
                                 conflict ? LOCK_WAITING : LOCK_GRANTED);
                expect_events(f, "");
                release_all(f, 1);
                expect_events(f, conflict ? "G2" : "");
                assert_int_equal(held(f, 2, paths[p]), b);
                release_all(f, 2);
            }
        }
    }
}

/* Two hold `a` (or what goes with it), one converts to `b`. */
static void every_conversion_beside_another_holder(void **state)
{
    struct fixture *f = *state;
    for (enum tx_lock_mode a = TX_LOCK_IS; a <= TX_LOCK_X; a++) {
        for (enum tx_lock_mode b = TX_LOCK_IS; b <= TX_LOCK_X; b++) {
            for (enum tx_lock_mode c = TX_LOCK_IS; c <= TX_LOCK_X; c++) {
                if (lock_mode_conflicts(a, c)) {
                    continue;
                }
                assert_int_equal(acquire(f, 1, "s", c), LOCK_GRANTED);
                assert_int_equal(acquire(f, 2, "s", a), LOCK_GRANTED);
                enum tx_lock_mode join = lock_mode_join(a, b);
                bool conflict = lock_mode_conflicts(join, c);
                assert_int_equal(acquire(f, 2, "s", b), conflict ? LOCK_WAITING : LOCK_GRANTED);
                assert_int_equal(held(f, 2, "s"), conflict ? a : join);
                release_all(f, 1);
                expect_events(f, conflict ? "G2" : "");
                assert_int_equal(held(f, 2, "s"), join);
                release_all(f, 2);
            }
        }
    }
}

static void coarse_and_fine_locks_meet_at_the_intention(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 3, "t", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 4, "", TX_LOCK_X), LOCK_WAITING);
    release_all(f, 1);
    expect_events(f, "G2");
    release_all(f, 2);
    expect_events(f, "");
    release_all(f, 3);
    expect_events(f, "G4");
}

static void same_key_in_two_keyspaces_is_two_locks(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "t/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "sk/k", TX_LOCK_X), LOCK_GRANTED);
    /* A keyspace and a key of the same bytes. */
    assert_int_equal(acquire(f, 4, "k", TX_LOCK_X), LOCK_GRANTED);
}

static void release_gives_back_one_lock(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(release(f, 1, "s"), TX_ESTATE);
    assert_int_equal(release(f, 1, ""), TX_ESTATE);
    assert_int_equal(release(f, 1, "s/l"), TX_ENOTFOUND);
    assert_int_equal(release(f, 1, "t"), TX_ENOTFOUND);
    expect_events(f, "");
    assert_int_equal(release(f, 1, "s/k"), TX_OK);
    expect_events(f, "G2");
    assert_int_equal(held(f, 1, "s"), TX_LOCK_IS);
    assert_int_equal(release(f, 1, ""), TX_ESTATE);
    assert_int_equal(release(f, 1, "s"), TX_OK);
    assert_int_equal(release(f, 1, ""), TX_OK);
    assert_int_equal(release(f, 1, ""), TX_ENOTFOUND);
    /* And from the beginning once more. */
    assert_int_equal(acquire(f, 1, "s/l", TX_LOCK_X), LOCK_GRANTED);
}

static void refusal_changes_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_limit(f, 5);
    assert_int_equal(acquire(f, 1, "s/a", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/a", TX_LOCK_S), LOCK_REFUSED); /* it would need three */
    struct lockmgr_stats stats = lockmgr_stats(f->mgr);
    assert_int_equal(stats.held, 3);
    assert_int_equal(stats.refusals, 1);
    assert_int_equal(held(f, 2, ""), TX_LOCK_NONE);
    assert_int_equal(held(f, 2, "s"), TX_LOCK_NONE);
    assert_int_equal(acquire(f, 1, "s/b", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/c", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/d", TX_LOCK_X), LOCK_REFUSED);
    /* Conversions take no room. */
    assert_int_equal(acquire(f, 1, "s/b", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(release(f, 1, "s/b"), TX_OK);
    assert_int_equal(acquire(f, 1, "s/d", TX_LOCK_X), LOCK_GRANTED);
    expect_events(f, "");
}

static void a_refused_write_leaves_the_read_intention(void **state)
{
    struct fixture *f = *state;
    fixture_limit(f, 3);
    assert_int_equal(acquire(f, 1, "s/a", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/b", TX_LOCK_X), LOCK_REFUSED);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_IS);
    assert_int_equal(held(f, 1, ""), TX_LOCK_IS);
}

static void what_waiting_requests_will_take_is_reserved(void **state)
{
    struct fixture *f = *state;
    fixture_limit(f, 6);
    assert_int_equal(acquire(f, 1, "s/a", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/b", TX_LOCK_X), LOCK_WAITING); /* holds one, will take two */
    assert_int_equal(lockmgr_stats(f->mgr).held, 4);
    assert_int_equal(acquire(f, 3, "", TX_LOCK_IS), LOCK_REFUSED);
    cancel(f, 2);
    assert_int_equal(acquire(f, 3, "", TX_LOCK_IS), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "t", TX_LOCK_IS), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/b", TX_LOCK_X), LOCK_REFUSED);
    assert_int_equal(acquire(f, 3, "u", TX_LOCK_IS), LOCK_REFUSED);
}

static void names_of_every_length(void **state)
{
    struct fixture *f = *state;
    char *path = calloc(1, TX_KEY_MAX + 3);
    assert_non_null(path);
    memcpy(path, "s/", 2);
    for (size_t len = 1; len <= TX_KEY_MAX; len += len < 130 ? 1 : 661) {
        memset(path + 2, 'k', len);
        path[2 + len] = '\0';
        assert_int_equal(acquire(f, 1, path, TX_LOCK_X), LOCK_GRANTED);
        assert_int_equal(held(f, 1, path), TX_LOCK_X);
    }
    free(path);
}

static void count_held(void *arg, struct lock_name name, enum tx_lock_mode mode)
{
    char *text = arg;
    size_t len = strlen(text);
    (void)snprintf(text + len, 200 - len, "%.*s/%.*s=%s ", (int)name.space.len,
                   name.space.len > 0 ? (const char *)name.space.data : "", (int)name.key.len,
                   name.key.len > 0 ? (const char *)name.key.data : "", tx_lock_mode_name(mode));
}

static void each_held_in_order_of_acquisition(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "t", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/a", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_GRANTED);
    char expected[200];
    (void)snprintf(expected, sizeof expected, "/=%s s/=%s s/k=%s t/=%s s/a=%s ",
                   tx_lock_mode_name(TX_LOCK_IX), tx_lock_mode_name(TX_LOCK_IX),
                   tx_lock_mode_name(TX_LOCK_X), tx_lock_mode_name(TX_LOCK_X),
                   tx_lock_mode_name(TX_LOCK_S));
    char text[200] = "";
    lockmgr_each_held(f->owners[1], count_held, text);
    assert_string_equal(text, expected);
}

static void a_crowd_of_holders(void **state)
{
    struct fixture *f = *state;
    enum { CROWD = 63 };
    for (int n = 0; n < CROWD; n++) {
        assert_int_equal(acquire(f, n, "s/k", TX_LOCK_S), LOCK_GRANTED);
    }
    assert_int_equal(acquire(f, CROWD, "s/k", TX_LOCK_X), LOCK_WAITING);
    for (int n = 0; n < CROWD; n++) {
        assert_int_equal(held(f, n, "s/k"), TX_LOCK_S);
        expect_events(f, "");
        release_all(f, n);
    }
    expect_events(f, "G63");
}

static void many_locks_and_growth(void **state)
{
    struct fixture *f = *state;
    enum { KEYS_N = 20000 };
    char path[32];
    struct lock_owner **owner = &f->owners[1];
    assert_int_equal(acquire(f, 1, "s", TX_LOCK_IX), LOCK_GRANTED);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < KEYS_N; i++) {
            (void)snprintf(path, sizeof path, "s/key%d", i);
            assert_int_equal(
                lockmgr_acquire(f->mgr, *owner, fixture_name(path), TX_LOCK_X, 0, 0, &f->events),
                LOCK_GRANTED);
            /* Everything is found at any moment of the growth. */
            (void)snprintf(path, sizeof path, "s/key%d", i / 2);
            assert_int_equal(held(f, 1, path), TX_LOCK_X);
        }
        lockmgr_check(f->mgr);
        for (int i = KEYS_N - 1; i >= 0 && round == 0; i--) {
            (void)snprintf(path, sizeof path, "s/key%d", i);
            assert_int_equal(lockmgr_release(f->mgr, *owner, fixture_name(path), &f->events),
                             TX_OK);
        }
        assert_int_equal(lockmgr_stats(f->mgr).held, round == 0 ? 2 : KEYS_N + 2);
    }
    release_all(f, 1);
    assert_int_equal(lockmgr_stats(f->mgr).held, 0);
}

static void statistics_count(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_X), LOCK_WAITING);
    release_all(f, 2);
    expire(f, FIXTURE_TIMEOUT_US);
    expect_events(f, "W2 G1 T3");
    struct lockmgr_stats stats = lockmgr_stats(f->mgr);
    assert_int_equal(stats.owners, 2);
    assert_int_equal(stats.held, 5);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.grants, 2);
    assert_int_equal(stats.waits, 2);
    assert_int_equal(stats.wounds, 1);
    assert_int_equal(stats.timeouts, 1);
    assert_int_equal(stats.refusals, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_takes_its_intentions_along),
        TEST(a_keyspace_takes_the_store_along),
        TEST(an_intention_is_a_conversion_too),
        TEST(every_conversion_goes_to_the_join),
        TEST(every_pair_of_modes),
        TEST(every_conversion_beside_another_holder),
        TEST(coarse_and_fine_locks_meet_at_the_intention),
        TEST(same_key_in_two_keyspaces_is_two_locks),
        TEST(release_gives_back_one_lock),
        TEST(refusal_changes_nothing),
        TEST(a_refused_write_leaves_the_read_intention),
        TEST(what_waiting_requests_will_take_is_reserved),
        TEST(names_of_every_length),
        TEST(each_held_in_order_of_acquisition),
        TEST(a_crowd_of_holders),
        TEST(many_locks_and_growth),
        TEST(statistics_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
