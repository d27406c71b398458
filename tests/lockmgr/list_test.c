/* The table in pieces: every lock once, however small the pieces; places whose lock is gone, and
 * places that never were; who is in the way, and how much was looked at for it. */
#include "lock_fixture.h"

#include "lockmgr/lock_list.h"

#include <stdio.h>
#include <string.h>

#define SEEN_MAX 8192

struct seen {
    char text[SEEN_MAX]; /* "x s/k, s s/[a,c)" */
    size_t n, n_max;
};

static void print_name(struct lock_name name, char *out, size_t out_size)
{
    (void)snprintf(out, out_size, "%.*s%s%.*s%s%.*s%s", (int)name.space.len,
                   (const char *)name.space.data,
                   name.range         ? "/["
                   : name.key.len > 0 ? "/"
                                      : "",
                   (int)name.key.len, (const char *)name.key.data, name.range ? "," : "",
                   (int)name.to.len, (const char *)name.to.data, name.range ? ")" : "");
}

static bool note(void *arg, struct lock_name name, enum tx_lock_mode mode)
{
    struct seen *seen = arg;
    char text[64];
    size_t used = strlen(seen->text);
    if (seen->n == seen->n_max) {
        return false;
    }
    seen->n++;
    print_name(name, text, sizeof text);
    (void)snprintf(seen->text + used, sizeof seen->text - used, "%s%s %s", used > 0 ? ", " : "",
                   tx_lock_mode_name(mode), text);
    return true;
}

/* What a client keeps of a place: the name is not borrowed. */
struct kept {
    struct lock_place place;
    char space[16], key[16], to[16];
};

static struct tx_bytes keep_part(char out[16], struct tx_bytes part)
{
    assert_true(part.len <= 16);
    if (part.len > 0) {
        memcpy(out, part.data, part.len);
    }
    return tx_bytes(out, part.len);
}

static void keep(struct kept *kept, struct lock_place place)
{
    kept->place = place;
    kept->place.last.space = keep_part(kept->space, place.last.space);
    kept->place.last.key = keep_part(kept->key, place.last.key);
    kept->place.last.to = keep_part(kept->to, place.last.to);
}

/* One piece; true at the end. */
static bool list(const struct fixture *f, int n, struct kept *kept, size_t looks, size_t rows,
                 struct seen *seen)
{
    struct lock_place place = kept->place;
    seen->n_max = seen->n + rows;
    bool end = lockmgr_list_held(f->mgr, f->owners[n], &place, &looks, note, seen);
    keep(kept, place);
    return end;
}

static void expect_list(const struct fixture *f, int n, struct kept *kept, const char *expected)
{
    struct seen seen = {.n_max = SEEN_MAX};
    assert_true(list(f, n, kept, SEEN_MAX, SEEN_MAX, &seen));
    assert_string_equal(seen.text, expected);
}

static void hold_some(struct fixture *f)
{
    static const char *const paths[] = {"s/a", "s/b", "t/a", "s/[c,e)", "u", "s/[,b)"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_int_equal(acquire(f, 1, paths[i], TX_LOCK_S), LOCK_GRANTED);
    }
    assert_int_equal(acquire(f, 1, "t/a", TX_LOCK_X), LOCK_GRANTED);
}

#define ALL_OF_SOME "ix , is s, s s/a, s s/b, ix t, x t/a, s u, s s/[c,e), s s/[,b)"

static void every_lock_comes_once_in_pieces_of_any_size(void **state)
{
    struct fixture *f = *state;
    hold_some(f);
    struct kept whole = {0};
    expect_list(f, 1, &whole, ALL_OF_SOME);
    expect_list(f, 1, &whole, ""); /* at the end it stays */
    for (size_t size = 1; size <= 10; size++) {
        for (int by_rows = 0; by_rows < 2; by_rows++) {
            struct kept kept = {0};
            struct seen seen = {0};
            size_t pieces = 1;
            while (
                !list(f, 1, &kept, by_rows ? SEEN_MAX : size, by_rows ? size : SEEN_MAX, &seen)) {
                pieces++;
            }
            assert_string_equal(seen.text, ALL_OF_SOME);
            assert_int_equal(pieces, (9 + size - 1) / size);
        }
    }
    struct kept none = {0};
    struct seen seen = {0};
    assert_false(list(f, 1, &none, 0, SEEN_MAX, &seen)); /* nothing may be looked at */
    assert_int_equal(none.place.passed, 0);
}

/* As with read committed, where the lock of a read is gone after it. */
static void the_last_one_passed_is_gone(void **state)
{
    struct fixture *f = *state;
    struct kept kept = {0};
    struct seen seen = {0};
    hold_some(f);
    assert_false(list(f, 1, &kept, 4, SEEN_MAX, &seen));
    assert_string_equal(seen.text, "ix , is s, s s/a, s s/b");
    assert_int_equal(release(f, 1, "s/b"), TX_OK);
    expect_list(f, 1, &kept, "ix t, x t/a, s u, s s/[c,e), s s/[,b)");

    assert_int_equal(release(f, 1, "s/[,b)"), TX_OK); /* the very last one */
    assert_int_equal(acquire(f, 1, "s/[q,r)", TX_LOCK_S), LOCK_GRANTED);
    expect_list(f, 1, &kept, "s s/[q,r)");
    assert_int_equal(acquire(f, 1, "s/z", TX_LOCK_X), LOCK_GRANTED); /* before the ranges */
    expect_list(f, 1, &kept, "");
}

static void the_way_over_what_is_left_costs_looks(void **state)
{
    struct fixture *f = *state;
    struct kept kept = {0};
    struct seen seen = {0};
    hold_some(f);
    assert_false(list(f, 1, &kept, 7, SEEN_MAX, &seen));
    assert_int_equal(release(f, 1, "u"), TX_OK);
    seen = (struct seen){0};
    assert_false(list(f, 1, &kept, 4, SEEN_MAX, &seen));
    assert_string_equal(seen.text, "");
    assert_int_equal(kept.place.skip, 2);
    expect_list(f, 1, &kept, "s s/[c,e), s s/[,b)");
}

/* Whoever asks may name any place. */
static void a_place_that_never_was(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"", "q", "s/q", "q/q", "s/[c,f)", "s/[e,c)", "q/[a,b)"};
    hold_some(f);
    assert_int_equal(acquire(f, 2, "q/q", TX_LOCK_X), LOCK_GRANTED); /* another one's */
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        for (uint64_t passed = 0; passed < 5; passed++) {
            struct kept kept = {.place = {.passed = passed == 4 ? UINT64_MAX : passed,
                                          .skip = passed == 3 ? UINT64_MAX : 1,
                                          .last = fixture_name(paths[i])}};
            struct seen seen = {0};
            assert_true(list(f, 1, &kept, SEEN_MAX, SEEN_MAX, &seen));
        }
    }
    struct kept keyless = {.place = {.passed = 1, .last = {.key = tx_bytes_str("k")}}};
    expect_list(f, 1, &keyless, ALL_OF_SOME);
}

/* Locks come and go between the pieces: the end comes all the same, and what was held all the time
 * in front of nothing that went has come. */
static void a_table_that_changes_comes_to_an_end(void **state)
{
    struct fixture *f = *state;
    uint64_t random = 7;
    char path[32];
    for (int round = 0; round < 50; round++) {
        struct kept kept = {0};
        struct seen seen = {0};
        for (int i = 0; i < 40; i++) {
            (void)snprintf(path, sizeof path, "s/k%d", i);
            assert_int_equal(acquire(f, 1, path, TX_LOCK_S), LOCK_GRANTED);
        }
        int pieces = 0;
        while (!list(f, 1, &kept, 1 + (size_t)(round % 3), SEEN_MAX, &seen)) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            if (random >> 63 != 0) { /* what was passed last */
                print_name(kept.place.last, path, sizeof path);
                if (strchr(path, '/') != NULL) {
                    assert_int_equal(release(f, 1, path), TX_OK);
                }
            }
            assert_true(++pieces < 500);
        }
        release_all(f, 1);
    }
}

/* ---- who is in the way ---- */

static void expect_in_way(const struct fixture *f, int n, size_t max, size_t looks, bool wants_more,
                          const char *expected)
{
    struct lock_in_way in_way[64];
    char text[1024] = "";
    bool more;
    size_t found = lockmgr_list_in_way(f->owners[n], in_way, max, &more, &looks);
    for (size_t i = 0; i < found; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s%d%s%s%s", used > 0 ? " " : "",
                       (int)in_way[i].tx.seq - 1, tx_lock_mode_name(in_way[i].mode),
                       in_way[i].range ? "-range" : "", in_way[i].waits ? "-waits" : "");
    }
    assert_string_equal(text, expected);
    assert_int_equal(more, wants_more);
}

static void those_that_hold_come_first(void **state)
{
    struct fixture *f = *state;
    struct lock_wanted wanted;
    assert_int_equal(acquire(f, 1, "s/k", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/k", TX_LOCK_U), LOCK_GRANTED);
    f->now_us = 40;
    assert_int_equal(acquire(f, 3, "s/k", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 4, "s/k", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 5, "s/k", TX_LOCK_X), LOCK_WAITING);
    expect_in_way(f, 1, 9, 100, false, "");
    expect_in_way(f, 3, 9, 100, false, "2u 1s");
    expect_in_way(f, 4, 9, 100, false, "3x-waits");
    expect_in_way(f, 5, 9, 100, false, "2u 1s 3x-waits 4s-waits");
    expect_in_way(f, 5, 3, 100, true, "2u 1s 3x-waits");
    expect_in_way(f, 5, 1, 100, true, "2u");
    expect_in_way(f, 5, 9, 2, true, "2u 1s");
    expect_in_way(f, 5, 9, 0, true, "2u"); /* one is always told */
    expect_in_way(f, 4, 9, 0, false, "3x-waits");
    assert_false(lockmgr_list_wanted(f->owners[1], &wanted));
    assert_true(lockmgr_list_wanted(f->owners[3], &wanted));
    assert_true(wanted.mode == TX_LOCK_X && wanted.since_us == 40 &&
                tx_bytes_equal(wanted.name.key, tx_bytes_str("k")));
}

static void ranges_and_the_writers_inside(void **state)
{
    struct fixture *f = *state;
    struct lock_wanted wanted;
    assert_int_equal(acquire(f, 1, "s/[b,d)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 2, "s/[a,c)", TX_LOCK_S), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/x", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 3, "s/y", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 4, "s/b", TX_LOCK_X), LOCK_WAITING);
    assert_int_equal(acquire(f, 5, "s/[a,z)", TX_LOCK_S), LOCK_WAITING);
    assert_int_equal(acquire(f, 6, "s/b", TX_LOCK_X), LOCK_WAITING);
    expect_in_way(f, 4, 9, 100, false, "2s-range 1s-range");
    expect_in_way(f, 5, 9, 100, false, "3x 4x-waits"); /* 3 in two places: once */
    expect_in_way(f, 6, 9, 100, false, "2s-range 1s-range 4x-waits 5s-range-waits");
    expect_in_way(f, 6, 3, 100, true, "2s-range 1s-range 4x-waits");
    assert_true(lockmgr_list_wanted(f->owners[5], &wanted));
    assert_true(wanted.name.range && wanted.mode == TX_LOCK_S);
}

/* Hundreds of holders in modes that are in nobody's way are not walked along. */
static void what_does_not_conflict_is_not_looked_at(void **state)
{
    struct fixture *f = *state;
    for (int n = 1; n < 60; n++) {
        assert_int_equal(acquire(f, n, "s", TX_LOCK_IS), LOCK_GRANTED);
    }
    assert_int_equal(acquire(f, 60, "s/k", TX_LOCK_X), LOCK_GRANTED);
    assert_int_equal(acquire(f, 61, "s/k", TX_LOCK_X), LOCK_WAITING);
    struct lock_in_way in_way[4];
    size_t looks = 100;
    bool more;
    assert_int_equal(lockmgr_list_in_way(f->owners[61], in_way, 4, &more, &looks), 1);
    assert_true(looks >= 98);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define SCENE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
        SCENE(every_lock_comes_once_in_pieces_of_any_size),
        SCENE(the_last_one_passed_is_gone),
        SCENE(the_way_over_what_is_left_costs_looks),
        SCENE(a_place_that_never_was),
        SCENE(a_table_that_changes_comes_to_an_end),
        SCENE(those_that_hold_come_first),
        SCENE(ranges_and_the_writers_inside),
        SCENE(what_does_not_conflict_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
