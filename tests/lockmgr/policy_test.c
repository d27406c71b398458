/* Wait-die, no-wait, and escalation, scene by scene; and that under every policy the oldest gets
 * through a crowd of hostile younger ones. */
#include "lock_fixture.h"

#include <stdio.h>

static void names_of_policies(void **state)
{
    (void)state;
    for (enum tx_lock_policy p = 0; p < TX_LOCK_POLICIES_N; p++) {
        enum tx_lock_policy parsed = TX_LOCK_POLICIES_N;
        assert_int_equal(tx_lock_policy_parse(tx_bytes_str(tx_lock_policy_name(p)), &parsed),
                         TX_OK);
        assert_int_equal(parsed, p);
    }
    enum tx_lock_policy parsed;
    assert_int_equal(tx_lock_policy_parse(tx_bytes_str("waitdie"), &parsed), TX_EFORMAT);
}

static void use(struct fixture *f, enum tx_lock_policy policy)
{
    fixture_options(f, (struct lockmgr_options){.policy = policy});
}

/* ---- wait-die ---- */

static void the_older_waits_and_the_younger_dies(void **state)
{
    struct fixture *f = *state;
    use(f, TX_POLICY_WAIT_DIE);
    assert_int_equal(acquire(f, 5, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 7, "s/k", TX_LOCK_S), LOCK_CONFLICT);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(held(f, 7, "s"), TX_LOCK_IS); /* it keeps what it holds */
    expect_events(f, "");
    assert_int_equal(lockmgr_stats(f->mgr).conflicts, 1);
    release_all(f, 5);
    expect_events(f, "G3");
}

/* Or else readers that come one after another would keep an older writer waiting for ever. */
static void a_younger_one_does_not_pass_an_older_waiter(void **state)
{
    struct fixture *f = *state;
    use(f, TX_POLICY_WAIT_DIE);
    assert_int_equal(acquire(f, 5, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 4, "s/k", TX_LOCK_S), LOCK_CONFLICT);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_S), LOCK_WAITING);
    release_all(f, 5);
    expect_events(f, "G3");
    release_all(f, 3);
    expect_events(f, "G2");
}

static void the_youngest_waiter_is_served_first(void **state)
{
    struct fixture *f = *state;
    use(f, TX_POLICY_WAIT_DIE);
    assert_int_equal(acquire(f, 9, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 6, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 4, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 5, "s/k", TX_LOCK_X), LOCK_CONFLICT);
    release_all(f, 9);
    expect_events(f, "G6");
    release_all(f, 6);
    expect_events(f, "G4");
}

static void ranges_die_and_kill_likewise(void **state)
{
    struct fixture *f = *state;
    use(f, TX_POLICY_WAIT_DIE);
    assert_int_equal(acquire(f, 5, "s/[a,c)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 7, "s/b", TX_LOCK_X), LOCK_CONFLICT);
    assert_int_equal(acquire(f, 3, "s/b", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 4, "s/[b,c)", TX_LOCK_S), LOCK_CONFLICT); /* 3 waits there */
    assert_int_equal(acquire(f, 2, "s/[b,c)", TX_LOCK_S), LOCK_WAITING);  /* for 3 */
    release_all(f, 5);
    expect_events(f, "G3");
    release_all(f, 3);
    expect_events(f, "G2");
}

/* A path whose first step waited may meet somebody older further down. */
static void a_waiter_dies_further_down(void **state)
{
    struct fixture *f = *state;
    use(f, TX_POLICY_WAIT_DIE);
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 9, "s", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 5, "s/k", TX_LOCK_X), LOCK_WAITING);
    release_all(f, 9);
    expect_events(f, "C5");
    assert_false(waiting(f, 5));
}

/* ---- no-wait ---- */

static void nobody_waits(void **state)
{
    struct fixture *f = *state;
    use(f, TX_POLICY_NO_WAIT);
    assert_int_equal(acquire(f, 5, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 6, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 7, "s/k", TX_LOCK_X), LOCK_CONFLICT);
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_X), LOCK_CONFLICT);
    assert_int_equal(acquire(f, 3, "s", TX_LOCK_X), LOCK_CONFLICT);
    assert_int_equal(acquire(f, 8, "s/[a,b)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/a", TX_LOCK_X), LOCK_CONFLICT);
    assert_int_equal(acquire(f, 4, "s/z", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 8, "s/[y,)", TX_LOCK_S), LOCK_CONFLICT);
    assert_int_equal(lockmgr_stats(f->mgr).conflicts, 5);
    assert_int_equal(lockmgr_stats(f->mgr).waits, 0);
    expect_events(f, "");
}

/* ---- escalation ---- */

static void escalate_at(struct fixture *f, size_t n)
{
    fixture_options(f, (struct lockmgr_options){.escalate_at = n});
}

static void take(struct fixture *f, int owner, int from, int to, enum tx_lock_mode mode)
{
    for (int i = from; i < to; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "s/k%03d", i);
        assert_int_equal(acquire(f, owner, key, mode), LOCK_GRANTED);
    }
}

static void many_reads_become_one(void **state)
{
    struct fixture *f = *state;
    escalate_at(f, 10);
    take(f, 1, 0, 10, TX_LOCK_S);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_IS);
    take(f, 1, 10, 11, TX_LOCK_S);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_S);
    assert_int_equal(lockmgr_stats(f->mgr).held, 2);
    assert_int_equal(lockmgr_stats(f->mgr).escalations, 1);
    assert_int_equal(acquire(f, 2, "s/k005", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/never", TX_LOCK_X), LOCK_WAITING);
    release_all(f, 1);
    expect_events(f, "G2");
}

static void one_write_makes_it_exclusive(void **state)
{
    struct fixture *f = *state;
    escalate_at(f, 10);
    take(f, 1, 0, 9, TX_LOCK_S);
    take(f, 1, 9, 10, TX_LOCK_X);
    take(f, 1, 10, 11, TX_LOCK_S);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_X);
    assert_int_equal(acquire(f, 2, "s/elsewhere", TX_LOCK_S), LOCK_WAITING);
}

static void ranges_count_and_go(void **state)
{
    struct fixture *f = *state;
    escalate_at(f, 2);
    assert_int_equal(acquire(f, 1, "s/[a,b)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 1, "s/[c,d)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_S);
    assert_int_equal(lockmgr_stats(f->mgr).held, 2);
    assert_int_equal(lockmgr_stats(f->mgr).ranges, 0);
}

/* It goes on with key locks, and tries again after as many more. */
static void an_escalation_that_would_wait_is_left(void **state)
{
    struct fixture *f = *state;
    escalate_at(f, 10);
    assert_int_equal(acquire(f, 2, "s/other", TX_LOCK_X), LOCK_GRANTED);
    take(f, 1, 0, 15, TX_LOCK_S);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_IS);
    assert_int_equal(lockmgr_stats(f->mgr).escalations_failed, 1);
    expect_events(f, ""); /* nobody is wounded for it */
    release_all(f, 2);
    take(f, 1, 15, 20, TX_LOCK_S);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_IS);
    take(f, 1, 20, 21, TX_LOCK_S);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_S);
}

static void an_escalation_does_not_pass_an_older_waiter(void **state)
{
    struct fixture *f = *state;
    escalate_at(f, 3);
    assert_int_equal(acquire(f, 1, "s", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_X), LOCK_WAITING); /* wants IX on s */
    take(f, 3, 0, 4, TX_LOCK_S);
    assert_int_equal(held(f, 3, "s"), TX_LOCK_IS);
    assert_int_equal(lockmgr_stats(f->mgr).escalations_failed, 1);
    release_all(f, 1);
    expect_events(f, "G2");
}

static void a_write_after_an_escalated_read(void **state)
{
    struct fixture *f = *state;
    escalate_at(f, 3);
    take(f, 1, 0, 4, TX_LOCK_S);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_S);
    take(f, 1, 0, 1, TX_LOCK_X);
    assert_int_equal(held(f, 1, "s"), TX_LOCK_SIX);
    assert_int_equal(held(f, 1, "s/k000"), TX_LOCK_X);
    assert_int_equal(acquire(f, 2, "s/k001", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/k000", TX_LOCK_S), LOCK_WAITING);
}

/* ---- starvation ---- */

#define HOSTILE 40

/* Younger ones without end take and give back what the oldest wants, and begin anew whenever
 * they have lost. How many grants do others get before the oldest has its locks?
 * With any policy under which it may wait, a number that depends on how many they are. */
static uint64_t grants_before_the_oldest(struct fixture *f)
{
    static const char *const wanted[] = {"s/a", "s/b", "s/[a,d)", "s/c"};
    size_t got = 0;
    uint64_t grants = 0;
    bool asked = false;
    for (int turn = 0; got < 4; turn++) {
        assert_true(turn < 100000);
        int n = 1 + turn % HOSTILE;
        if (f->owners[n] != NULL && (turn / HOSTILE) % 3 == 2)
            release_all(f, n);
        else if (f->owners[n] == NULL || !waiting(f, n))
            grants += acquire(f, n, wanted[turn % 4], turn % 4 == 2 ? TX_LOCK_S : TX_LOCK_X) ==
                      LOCK_GRANTED;
        if (!asked && !waiting(f, 0)) {
            asked = acquire(f, 0, wanted[got], got == 2 ? TX_LOCK_S : TX_LOCK_X) == LOCK_WAITING;
            got += !asked;
        }
        for (size_t i = 0; i < f->events.events_n; i++) {
            const struct lock_event *event = &f->events.events[i];
            int who = (int)event->tx.seq - 1;
            if (event->type == LOCK_EVENT_GRANTED && who == 0) {
                asked = false;
                got++;
            } else if (event->type == LOCK_EVENT_GRANTED) {
                grants++;
            } else if (f->owners[who] != NULL) {
                release_all(f, who); /* wounded, or not let in */
            }
        }
        f->events.events_n = 0;
    }
    return grants;
}

static void the_oldest_is_not_starved(void **state)
{
    struct fixture *f = *state;
    for (enum tx_lock_policy policy = TX_POLICY_WOUND_WAIT; policy <= TX_POLICY_WAIT_DIE;
         policy++) {
        use(f, policy);
        assert_int_equal(acquire(f, 0, "t/first", TX_LOCK_X), LOCK_GRANTED);
        assert_true(grants_before_the_oldest(f) <= 4 * HOSTILE);
        f->events.events_n = 0;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_of_policies),
        TEST(the_older_waits_and_the_younger_dies),
        TEST(a_younger_one_does_not_pass_an_older_waiter),
        TEST(the_youngest_waiter_is_served_first),
        TEST(ranges_die_and_kill_likewise),
        TEST(a_waiter_dies_further_down),
        TEST(nobody_waits),
        TEST(many_reads_become_one),
        TEST(one_write_makes_it_exclusive),
        TEST(ranges_count_and_go),
        TEST(an_escalation_that_would_wait_is_left),
        TEST(an_escalation_does_not_pass_an_older_waiter),
        TEST(a_write_after_an_escalated_read),
        TEST(the_oldest_is_not_starved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
