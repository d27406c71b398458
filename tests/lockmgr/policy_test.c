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

#define HOSTILE 100
#define WANTED  4

static const char *const wanted[WANTED] = {"s/a", "s/b", "s/[a,d)", "s/c"};

static enum tx_lock_mode wanted_mode(size_t what)
{
    return what == 2 ? TX_LOCK_S : TX_LOCK_X;
}

struct asked {
    size_t what;
    enum tx_lock_mode mode;
};

/* Does what another one asked for stand against what the oldest wants? The range meets the keys. */
static bool stands_against(struct asked other, size_t what)
{
    if (wanted_mode(what) == TX_LOCK_S) {
        return other.mode == TX_LOCK_X;
    }
    return other.what == what || other.what == 2;
}

/* Younger ones without end take and give back what the oldest wants: on their turn they let go of
 * what they have and ask for something at once, with the age that they had. Who has been wounded
 * or not let in is slow, and finds that out on its turn. Most of them read, so that one who wants
 * to write could be passed for ever. */
struct siege {
    struct fixture *f;
    struct asked asked[HOSTILE + 1];
    bool lost[HOSTILE + 1]; /* wounded, or not let in, and not released yet */
    size_t got;             /* by the oldest, which is number 0 */
    bool waits;
    unsigned waited;  /* how often */
    uint64_t grants;  /* to others */
    uint64_t against; /* of these, of something that stood against what it waited for */
};

static void granted(struct siege *siege, int who)
{
    if (who == 0) {
        siege->waits = false;
        siege->got++;
        return;
    }
    siege->grants++;
    siege->against += siege->waits && stands_against(siege->asked[who], siege->got);
}

static void see_events(struct siege *siege)
{
    for (size_t i = 0; i < siege->f->events.events_n; i++) {
        const struct lock_event *event = &siege->f->events.events[i];
        int who = (int)event->tx.seq - 1;
        if (event->type == LOCK_EVENT_GRANTED) {
            granted(siege, who);
        } else {
            siege->lost[who] = true;
        }
    }
    siege->f->events.events_n = 0;
}

static void hostile_turn(struct siege *siege, int turn)
{
    struct fixture *f = siege->f;
    int n = 1 + turn % HOSTILE;
    if (f->owners[n] != NULL && waiting(f, n)) {
        return;
    }
    if (f->owners[n] != NULL) {
        release_all(f, n);
        siege->lost[n] = false;
        see_events(siege);
    }
    size_t what = (size_t)(turn + turn / HOSTILE) % WANTED;
    enum tx_lock_mode mode = turn % 41 == 0 ? wanted_mode(what) : TX_LOCK_S;
    siege->asked[n] = (struct asked){what, mode};
    enum lock_status status = acquire(f, n, wanted[what], mode);
    if (status == LOCK_GRANTED) {
        granted(siege, n);
    }
    siege->lost[n] = siege->lost[n] || status == LOCK_CONFLICT;
}

/* True when it has not been refused. */
static bool oldest_turn(struct siege *siege)
{
    if (siege->waits) {
        return true;
    }
    enum lock_status status = acquire(siege->f, 0, wanted[siege->got], wanted_mode(siege->got));
    siege->waits = status == LOCK_WAITING;
    siege->waited += siege->waits;
    siege->got += status == LOCK_GRANTED;
    return status != LOCK_CONFLICT;
}

/* Until the oldest has all and commits. They have surrounded all that it wants before it comes. */
static struct siege besiege(struct fixture *f)
{
    struct siege siege = {.f = f};
    assert_int_equal(acquire(f, 0, "t/first", TX_LOCK_X), LOCK_GRANTED);
    for (int turn = 0; siege.got < WANTED; turn++) {
        assert_true(turn < 1000 * HOSTILE);
        hostile_turn(&siege, turn);
        see_events(&siege);
        if (turn == 5 * HOSTILE) {
            assert_true(siege.grants >= HOSTILE); /* it is a siege */
            siege.grants = 0;
        }
        if (turn >= 5 * HOSTILE && siege.got < WANTED) {
            assert_true(oldest_turn(&siege));
            see_events(&siege);
        }
    }
    protect(f, 0);
    release_all(f, 0);
    f->events.events_n = 0;
    assert_true(siege.waited > 0);
    assert_true(siege.grants <= WANTED * HOSTILE);
    return siege;
}

static void wound_wait_never_serves_others_first(void **state)
{
    struct fixture *f = *state;
    use(f, TX_POLICY_WOUND_WAIT);
    assert_int_equal(besiege(f).against, 0);
}

static void wait_die_serves_those_who_wait_already(void **state)
{
    struct fixture *f = *state;
    use(f, TX_POLICY_WAIT_DIE);
    assert_true(besiege(f).against <= WANTED * HOSTILE);
}

/* That the bound above is reached: everybody waits for the youngest, and is served before those who
 * are older, the oldest last. Nobody new gets in between. */
static void wait_die_serves_the_oldest_after_all_who_wait(void **state)
{
    struct fixture *f = *state;
    use(f, TX_POLICY_WAIT_DIE);
    for (int n = HOSTILE; n >= 0; n--) {
        assert_int_equal(acquire(f, n, "s/a", TX_LOCK_X),
                         n == HOSTILE ? LOCK_GRANTED : LOCK_WAITING);
    }
    for (int n = HOSTILE; n > 0; n--) {
        release_all(f, n);
        assert_int_equal(f->events.events_n, 1);
        assert_int_equal(f->events.events[0].tx.seq, n); /* the next older one, n - 1 */
        f->events.events_n = 0;
        assert_int_equal(acquire(f, n, "s/a", TX_LOCK_X), LOCK_CONFLICT);
    }
    assert_int_equal(held(f, 0, "s/a"), TX_LOCK_X);
}

/* No such bound: two readers that take turns keep a writer out for as long as they like, and
 * nobody knows that it is there. */
static void no_wait_promises_nothing(void **state)
{
    struct fixture *f = *state;
    use(f, TX_POLICY_NO_WAIT);
    assert_int_equal(acquire(f, 1, "s/a", TX_LOCK_S), LOCK_GRANTED);
    for (int i = 0; i < 10 * HOSTILE; i++) {
        assert_int_equal(acquire(f, 2 - i % 2, "s/a", TX_LOCK_S), LOCK_GRANTED);
        release_all(f, 1 + i % 2);
        assert_int_equal(acquire(f, 0, "s/a", TX_LOCK_X), LOCK_CONFLICT);
        release_all(f, 0);
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
        TEST(wound_wait_never_serves_others_first),
        TEST(wait_die_serves_those_who_wait_already),
        TEST(wait_die_serves_the_oldest_after_all_who_wait),
        TEST(no_wait_promises_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
