/* Ranks never contradict the order of keys, whatever the stem is; and a keyspace with many ranges
 * and keys, whose stem changes several times, answers as a plain comparison does. */
#include "lock_fixture.h"

#include "lockmgr/lock_stem.h"

#include <stdio.h>
#include <string.h>

static uint64_t drawn;

static size_t draw(size_t n)
{
    drawn = drawn * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(drawn >> 33) % n;
}

/* Few letters, the lowest and the highest among them, so that beginnings and zeroes meet. */
static struct tx_bytes draw_bytes(uint8_t *out, size_t len_max)
{
    static const uint8_t letters[] = {0x00, 0x01, 'a', 0xff};
    size_t len = draw(len_max + 1);
    for (size_t i = 0; i < len; i++) {
        out[i] = letters[draw(sizeof letters)];
    }
    return tx_bytes(out, len);
}

static void ranks_follow_the_order(void **state)
{
    (void)state;
    drawn = 1;
    struct lock_stem stem = {0};
    unsigned equal = 0;
    unsigned lower = 0;
    for (int i = 0; i < 300000; i++) {
        uint8_t bytes[3][16];
        if (i % 100 == 0) {
            lock_stem_set(&stem, draw_bytes(bytes[2], 4));
        }
        struct tx_bytes a = draw_bytes(bytes[0], 14);
        struct tx_bytes b = draw_bytes(bytes[1], 14);
        uint64_t rank_a = lock_stem_rank(&stem, a);
        uint64_t rank_b = lock_stem_rank(&stem, b);
        if (tx_bytes_compare(a, b) < 0) {
            assert_true(rank_a <= rank_b);
            lower += rank_a < rank_b;
            equal += rank_a == rank_b;
        } else if (tx_bytes_equal(a, b)) {
            assert_true(rank_a == rank_b);
        }
    }
    assert_true(lower > 10000 && equal > 10000); /* both kinds were met */
    lock_stem_deinit(&stem);
}

static void ranks_decide_behind_the_stem(void **state)
{
    (void)state;
    struct lock_stem stem = {0};
    lock_stem_set(&stem, tx_bytes_str("account-"));
    uint64_t last = lock_stem_rank(&stem, tx_bytes_str("account-"));
    assert_true(last == 0);
    for (int i = 0; i < 1000; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "account-%07d", i);
        uint64_t rank = lock_stem_rank(&stem, tx_bytes_str(key));
        assert_true(rank > last);
        last = rank;
    }
    assert_true(lock_stem_rank(&stem, tx_bytes_str("acc")) == 0);
    assert_true(lock_stem_rank(&stem, tx_bytes_str("b")) == LOCK_RANK_END);
    lock_stem_deinit(&stem);
    assert_true(lock_stem_rank(&stem, tx_bytes_str("b")) == UINT64_C(0x62) << 56);
}

#define RANGES 600
#define OWNERS 100

struct text_range {
    char from[40], to[40];
};
static struct text_range held_ranges[RANGES];

/* Keys that begin alike up to some place: a long one first, so that the stem found for the first
 * few fits badly later on. */
static void draw_key(char *out, size_t size, int step)
{
    static const char *const beginnings[] = {"account-1", "account-", "acc", "b", ""};
    size_t n = step < 20 ? 1 : step < 200 ? 2 : 5;
    (void)snprintf(out, size, "%s%zu", beginnings[draw(n)], draw(3000));
}

/* A key and those that begin with it, up to the digit 5; some begin like many others. */
static void draw_range(struct text_range *range, int step)
{
    char key[32];
    draw_key(key, sizeof key, step);
    (void)snprintf(range->from, sizeof range->from, "%s", key);
    (void)snprintf(range->to, sizeof range->to, "%s5", key);
}

static bool is_locked(const char *key)
{
    for (size_t i = 0; i < RANGES; i++) {
        const struct text_range *range = &held_ranges[i];
        if (range->from[0] != '\0' && strcmp(range->from, key) <= 0 && strcmp(key, range->to) < 0) {
            return true;
        }
    }
    return false;
}

/* Ranges come and go one after the other, of which some were there before; after each of them
 * somebody asks to write a key, and everything is checked. */
static void a_changing_stem_changes_no_answer(void **state)
{
    struct fixture *f = *state;
    fixture_options(f, (struct lockmgr_options){.policy = TX_POLICY_NO_WAIT});
    drawn = 2;
    unsigned refused = 0;
    unsigned granted = 0;
    for (int i = 0; i < 3 * RANGES; i++) {
        struct text_range *range = &held_ranges[i % RANGES];
        int owner = 1 + i % OWNERS;
        char path[120];
        if (range->from[0] != '\0') {
            (void)snprintf(path, sizeof path, "s/[%s,%s)", range->from, range->to);
            assert_int_equal(release(f, owner, path), TX_OK);
            range->from[0] = '\0';
        }
        if (i < 2 * RANGES) {
            draw_range(range, i);
            (void)snprintf(path, sizeof path, "s/[%s,%s)", range->from, range->to);
            if (f->owners[owner] == NULL || held(f, owner, path) == TX_LOCK_NONE) {
                assert_int_equal(acquire(f, owner, path, TX_LOCK_S), LOCK_GRANTED);
            } else {
                range->from[0] = '\0'; /* it has just this one */
            }
        }
        char key[40];
        draw_key(key, sizeof key, i);
        (void)snprintf(path, sizeof path, "s/%s", key);
        bool locked = is_locked(key);
        assert_int_equal(acquire(f, 0, path, TX_LOCK_X), locked ? LOCK_CONFLICT : LOCK_GRANTED);
        refused += locked;
        granted += !locked;
        if (!locked) {
            assert_int_equal(release(f, 0, path), TX_OK);
        }
    }
    assert_true(refused > 100 && granted > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_follow_the_order),
        cmocka_unit_test(ranks_decide_behind_the_stem),
        TEST(a_changing_stem_changes_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
