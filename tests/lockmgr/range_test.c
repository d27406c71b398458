/* Ranges of keys, scene by scene: what is inside and what is not, waiting on both sides, wounding,
 * trimming, and how they end. */
#include "lock_fixture.h"

#include <stdio.h>

static void a_range_takes_its_intentions_along(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/[b,d)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(held(f, 1, ""), TX_LOCK_IS);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_IS);
    assert_int_equal(held(f, 1, "s/[b,d)"), TX_LOCK_S);
    assert_int_equal(held(f, 1, "s/[b,e)"), TX_LOCK_NONE);
    assert_int_equal(held(f, 1, "s/b"), TX_LOCK_NONE);
    assert_int_equal(lockmgr_stats(f->mgr).held, 3);
    assert_int_equal(lockmgr_stats(f->mgr).ranges, 1);
    assert_int_equal(acquire(f, 1, "s/[b,d)", TX_LOCK_S), LOCK_GRANTED); /* has it already */
    assert_int_equal(lockmgr_stats(f->mgr).held, 3);
}

/* A key that nobody has ever written is inside like any other. */
static void keys_inside_conflict_and_keys_outside_do_not(void **state)
{
    struct fixture *f = *state;
    static const char *const inside[] = {"s/b", "s/ba", "s/c", "s/czzz"};
    static const char *const outside[] = {"s/a", "s/azzz", "s/d", "s/da", "t/c"};
    assert_int_equal(acquire(f, 1, "s/[b,d)", TX_LOCK_S), LOCK_GRANTED);
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        assert_int_equal(acquire(f, 2, inside[i], TX_LOCK_S), LOCK_GRANTED);
        assert_int_equal(acquire(f, 2, inside[i], TX_LOCK_U), LOCK_GRANTED);
        assert_int_equal(acquire(f, 2, inside[i], TX_LOCK_X), LOCK_WAITING);
        cancel(f, 2);
    }
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_int_equal(acquire(f, 2, outside[i], TX_LOCK_X), LOCK_GRANTED);
    expect_events(f, "");
}

static void open_ends_reach_the_first_and_the_last_key(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/[,b)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "t/[b,)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "u/[,)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/b", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "t/azz", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/a", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 3, "t/zzzz", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 4, "u/q", TX_LOCK_X), LOCK_WAITING);
    release_all(f, 1);
    expect_events(f, "G4 G3 G2");
}

static void a_range_waits_for_writers_inside(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/b", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/d", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/[a,e)", TX_LOCK_S), LOCK_WAITING);
    struct lock_wait_info info;
    assert_true(lockmgr_wait_info(f->mgr, f->owners[3], &info));
    assert_true(info.name.range && info.blockers_n == 2 && info.blocker.seq == 2);
    release_all(f, 1);
    expect_events(f, "");
    release_all(f, 2);
    expect_events(f, "G3");
    assert_int_equal(held(f, 3, "s/[a,e)"), TX_LOCK_S);
}

static void what_one_writes_is_no_obstacle_to_ones_own_scan(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 2, "s/b", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/[a,e)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/c", TX_LOCK_X), LOCK_GRANTED);
    expect_events(f, "");
}

static void an_older_range_wounds_writers_inside(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 5, "s/c", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/d", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 4, "s/b", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/[a,e)", TX_LOCK_S), LOCK_WAITING);
    expect_events(f, "W4 W5"); /* in order of the keys; 2 is older */
}

static void an_older_writer_wounds_ranges_over_its_key(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 3, "s/[a,c)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 4, "s/[b,)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 5, "s/[c,d)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/b", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "W3 W4");
    release_all(f, 3);
    expect_events(f, "");
    release_all(f, 4);
    expect_events(f, "G1");
}

static void a_protected_range_is_not_wounded_but_wanted(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 3, "s/[a,c)", TX_LOCK_S), LOCK_GRANTED);
    protect(f, 3);
    assert_int_equal(acquire(f, 1, "s/b", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "N3");
    release_all(f, 3);
    expect_events(f, "G1");
}

/* Otherwise a stream of scans would keep a writer waiting for ever, and the other way round. */
static void nobody_passes_an_older_waiter(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/[a,c)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/b", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 4, "s/[b,d)", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 2, "s/[b,c)", TX_LOCK_S), LOCK_GRANTED); /* older than the writer */
    assert_int_equal(acquire(f, 5, "s/[c,d)", TX_LOCK_S), LOCK_GRANTED); /* beside it */
    assert_int_equal(acquire(f, 6, "s/cc", TX_LOCK_X), LOCK_WAITING);
    release_all(f, 1);
    release_all(f, 2);
    expect_events(f, "G3");
    release_all(f, 3);
    expect_events(f, "G4");
    release_all(f, 5);
    expect_events(f, "");
    release_all(f, 4);
    expect_events(f, "G6");
}

static void an_older_waiting_range_bars_younger_writers(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/b", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/[a,d)", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 3, "s/c", TX_LOCK_X), LOCK_WAITING);
    expire(f, FIXTURE_TIMEOUT_US); /* both; the older first, and that lets the younger on */
    expect_events(f, "T2 G3");
    assert_int_equal(held(f, 3, "s/c"), TX_LOCK_X);
}

static void a_wounded_waiter_takes_its_range_away(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/b", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "t/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/[a,d)", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 4, "s/c", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 2, "t/k", TX_LOCK_X), LOCK_WAITING);
    expect_events(f, "W3 G4");
}

static void many_ranges_wait_for_one_key(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/b", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/c", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/[a,c)", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 4, "s/[a,d)", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 5, "s/[b,c)", TX_LOCK_S), LOCK_WAITING);
    release_all(f, 1);
    expect_events(f, "G3 G5");
    release_all(f, 2);
    expect_events(f, "G4");
}

static void the_same_range_of_two(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 2, "s/[a,c)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/[a,c)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(release(f, 2, "s/[a,c)"), TX_OK);
    assert_int_equal(release(f, 2, "s/[a,c)"), TX_ENOTFOUND);
    assert_int_equal(held(f, 1, "s/[a,c)"), TX_LOCK_S);
    assert_int_equal(acquire(f, 3, "s/b", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(release(f, 1, "s"), TX_ESTATE);
    assert_int_equal(release(f, 1, "s/[a,c)"), TX_OK);
    expect_events(f, "G3");
    assert_int_equal(release(f, 1, "s"), TX_OK);
}

static enum tx_error trim(struct fixture *f, int n, const char *range, const char *part)
{
    enum tx_error error =
        lockmgr_trim(f->mgr, f->owners[n], fixture_name(range), fixture_name(part), &f->events);
    lockmgr_check(f->mgr);
    return error;
}

static void a_trimmed_range_lets_writers_in(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s/[a,)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/b", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 3, "s/d", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(trim(f, 1, "s/[a,)", "s/[a,c)"), TX_OK);
    expect_events(f, "G3");
    assert_int_equal(held(f, 1, "s/[a,)"), TX_LOCK_NONE);
    assert_int_equal(held(f, 1, "s/[a,c)"), TX_LOCK_S);
    assert_int_equal(trim(f, 1, "s/[a,)", "s/[a,c)"), TX_ENOTFOUND);
    assert_int_equal(acquire(f, 1, "s/[a,d)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(trim(f, 1, "s/[a,d)", "s/[a,c)"), TX_OK); /* which it holds already */
    assert_int_equal(lockmgr_stats(f->mgr).ranges, 1);
    assert_int_equal(trim(f, 1, "s/[a,c)", "s/[a,c)"), TX_OK);
    release_all(f, 1);
    expect_events(f, "G2");
}

/* The keys that were locked before the keyspace had any ranges count as well. */
static void locks_from_before_the_first_range_count(void **state)
{
    struct fixture *f = *state;
    for (int n = 1; n <= 20; n++) {
        char key[16];
        (void)snprintf(key, sizeof key, "s/k%02d", n);
        assert_int_equal(acquire(f, n, key, TX_LOCK_X), LOCK_GRANTED);
    }
    assert_int_equal(acquire(f, 40, "s/[k05,k07)", TX_LOCK_S), LOCK_WAITING);
    release_all(f, 5);
    expect_events(f, "");
    release_all(f, 6);
    expect_events(f, "G40");
    assert_int_equal(acquire(f, 41, "s/[k07x,k08)", TX_LOCK_S), LOCK_GRANTED);
}

static void ranges_count_towards_the_limit(void **state)
{
    struct fixture *f = *state;
    fixture_limit(f, 4);
    assert_int_equal(acquire(f, 1, "s/[a,b)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/[b,c)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/[c,d)", TX_LOCK_S), LOCK_REFUSED);
    assert_int_equal(acquire(f, 1, "s/[b,c)", TX_LOCK_S), LOCK_GRANTED);
}

static void a_scan_meets_a_lock_on_the_keyspace(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(acquire(f, 1, "s", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/[a,b)", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 1, "s/[a,z)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(lockmgr_stats(f->mgr).ranges, 0); /* the keyspace's lock says it all */
    release_all(f, 1);
    expect_events(f, "G2");
}

/* With wait-die a younger reader may not pass an older writer that waits; but the lock on a key
 * inside its own range it has in all but name. */
static void an_own_range_gives_its_keys(void **state)
{
    struct fixture *f = *state;
    fixture_options(f, (struct lockmgr_options){.locks_max = 1000, .policy = TX_POLICY_WAIT_DIE});
    assert_int_equal(acquire(f, 5, "s/[a,c)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/b", TX_LOCK_X), LOCK_WAITING); /* older: it waits */
    assert_int_equal(acquire(f, 6, "s/b", TX_LOCK_S), LOCK_CONFLICT);
    assert_int_equal(acquire(f, 5, "s/b", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(held(f, 5, "s/b"), TX_LOCK_S);
    assert_int_equal(release(f, 5, "s/[a,c)"), TX_OK);
    expect_events(f, ""); /* it waits for the key now */
    release_all(f, 6);
    release_all(f, 5);
    expect_events(f, "G2");
}

static void an_own_range_gives_no_more_than_the_limit(void **state)
{
    struct fixture *f = *state;
    fixture_limit(f, 3);
    assert_int_equal(acquire(f, 1, "s/[a,c)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/b", TX_LOCK_S), LOCK_REFUSED);
    assert_int_equal(held(f, 1, "s/[a,c)"), TX_LOCK_S);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_range_takes_its_intentions_along),
        TEST(keys_inside_conflict_and_keys_outside_do_not),
        TEST(open_ends_reach_the_first_and_the_last_key),
        TEST(a_range_waits_for_writers_inside),
        TEST(what_one_writes_is_no_obstacle_to_ones_own_scan),
        TEST(an_older_range_wounds_writers_inside),
        TEST(an_older_writer_wounds_ranges_over_its_key),
        TEST(a_protected_range_is_not_wounded_but_wanted),
        TEST(nobody_passes_an_older_waiter),
        TEST(an_older_waiting_range_bars_younger_writers),
        TEST(a_wounded_waiter_takes_its_range_away),
        TEST(many_ranges_wait_for_one_key),
        TEST(the_same_range_of_two),
        TEST(a_trimmed_range_lets_writers_in),
        TEST(locks_from_before_the_first_range_count),
        TEST(ranges_count_towards_the_limit),
        TEST(a_scan_meets_a_lock_on_the_keyspace),
        TEST(an_own_range_gives_its_keys),
        TEST(an_own_range_gives_no_more_than_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
