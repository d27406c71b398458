/* The map from pairs of numbers: against an array that says what must be in it. */
#include "common/assert.h"
#include "common/pair_map.h"
#include "tests/common/test.h"

#include <stdio.h>

#define PAIRS 512u

/* Pairs that share many of their bits, as sequences of an epoch and requests of a client do. */
static uint64_t a_of(unsigned i)
{
    return i % 4;
}

static uint64_t b_of(unsigned i)
{
    return 1 + i / 4;
}

static void expect(const struct pair_map *map, const bool in[PAIRS], unsigned values[PAIRS])
{
    size_t n = 0;
    for (unsigned i = 0; i < PAIRS; i++) {
        void *found = pair_map_find(map, a_of(i), b_of(i));
        assert_ptr_equal(found, in[i] ? &values[i] : NULL);
        n += in[i];
    }
    assert_int_equal(map->n, n);
    pair_map_check(map);
}

static void test_against_an_array(void **state)
{
    (void)state;
    struct pair_map map = {0};
    bool in[PAIRS] = {false};
    unsigned values[PAIRS];
    uint64_t seed = 1;
    expect(&map, in, values);
    for (unsigned step = 0; step < 20000; step++) {
        seed = tx_hash_fold(seed + 1, UINT64_C(0x9e3779b97f4a7c15));
        const unsigned i = (unsigned)(seed % PAIRS);
        if (in[i]) {
            pair_map_remove(&map, a_of(i), b_of(i));
        } else {
            pair_map_add(&map, a_of(i), b_of(i), &values[i]);
        }
        in[i] = !in[i];
        if (step % 64 == 0) {
            expect(&map, in, values);
        }
    }
    expect(&map, in, values);
    pair_map_deinit(&map);
    assert_null(pair_map_find(&map, 1, 1));
}

/* Removed in the order in which they came, as what is retained goes. */
static void test_first_in_first_out(void **state)
{
    (void)state;
    struct pair_map map = {0};
    int value;
    for (uint64_t i = 1; i <= 10000; i++) {
        pair_map_add(&map, 7, i, &value);
        if (i > 1000) {
            pair_map_remove(&map, 7, i - 1000);
            assert_null(pair_map_find(&map, 7, i - 1000));
        }
    }
    assert_int_equal(map.n, 1000);
    assert_true(map.mask < 8192);
    for (uint64_t i = 9001; i <= 10000; i++) {
        assert_ptr_equal(pair_map_find(&map, 7, i), &value);
    }
    pair_map_check(&map);
    pair_map_deinit(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_an_array),
        cmocka_unit_test(test_first_in_first_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
