/* The cache of values against a plain table: what it says is right, and it keeps to its room. */
#include "participant/kv_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define KEYS_N    64u
#define VALUE_MAX 200u

struct stored {
    bool found;
    char value[VALUE_MAX];
    size_t len;
};

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t pick(uint64_t *random, uint64_t n)
{
    uint64_t z = (*random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % n;
}

static struct kv_key key_of(uint64_t k, char out[16])
{
    return kv_key(tx_bytes(out, (size_t)snprintf(out, 16, "key-%03u", (unsigned)k)));
}

static void change(struct kv_cache *cache, uint64_t *random, uint64_t k, struct stored *stored)
{
    char key[16];
    stored->found = pick(random, 4) > 0;
    stored->len = stored->found ? pick(random, VALUE_MAX) : 0;
    memset(stored->value, (int)pick(random, 256), stored->len);
    struct tx_bytes value = tx_bytes(stored->value, stored->len);
    kv_cache_put(cache, key_of(k, key), stored->found ? &value : NULL);
}

/* How often it knew. */
static uint64_t play(size_t bytes_max, uint64_t seed)
{
    static struct stored stored[KEYS_N];
    struct kv_cache cache;
    uint64_t known = 0;
    memset(stored, 0, sizeof(stored));
    kv_cache_init(&cache, bytes_max);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t k = pick(&seed, KEYS_N);
        char key[16];
        bool found = false;
        struct tx_bytes value = {0};
        if (kv_cache_find(&cache, key_of(k, key), &found, &value)) {
            known++;
            assert_int_equal(found, stored[k].found);
            assert_true(tx_bytes_equal(value, tx_bytes(stored[k].value, stored[k].len)));
        } else if (pick(&seed, 2) == 0) { /* read, and told */
            value = tx_bytes(stored[k].value, stored[k].len);
            kv_cache_put(&cache, key_of(k, key), stored[k].found ? &value : NULL);
        }
        if (pick(&seed, 3) == 0)
            change(&cache, &seed, k, &stored[k]);
        if (i % 64 == 0)
            kv_cache_check(&cache);
    }
    kv_cache_check(&cache);
    assert_true(cache.bytes <= bytes_max);
    kv_cache_deinit(&cache);
    return known;
}

static void what_it_says_is_what_is_stored(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t all = play(1000000, seed), some = play(4096, seed);
        assert_true(all > some && some > 0);
        assert_int_equal(play(0, seed), 0);
        assert_int_equal(play(1, seed), 0); /* no room for anything */
    }
}

/* The old value must not show where the new one is too large to keep. */
static void a_value_too_large_is_forgotten(void **state)
{
    (void)state;
    static uint8_t large[4096];
    struct kv_cache cache;
    bool found;
    struct kv_key key = kv_key(tx_bytes_str("k"));
    struct tx_bytes value = tx_bytes_str("small"), got;
    kv_cache_init(&cache, 4096);
    kv_cache_put(&cache, key, &value);
    assert_true(kv_cache_find(&cache, key, &found, &got) && found);
    assert_true(tx_bytes_equal(got, value));
    value = tx_bytes(large, sizeof(large));
    kv_cache_put(&cache, key, &value);
    assert_false(kv_cache_find(&cache, key, &found, &got));
    kv_cache_check(&cache);
    assert_int_equal(cache.bytes, 0);
    kv_cache_deinit(&cache);
}

static void what_is_asked_for_stays(void **state)
{
    (void)state;
    struct kv_cache cache;
    char key[16];
    bool found;
    struct tx_bytes value = tx_bytes_str("v"), got;
    kv_cache_init(&cache, 4096);
    kv_cache_put(&cache, kv_key(tx_bytes_str("wanted")), &value);
    for (uint64_t k = 0; k < 1000; k++) {
        assert_true(kv_cache_find(&cache, kv_key(tx_bytes_str("wanted")), &found, &got));
        kv_cache_put(&cache, key_of(k, key), &value);
    }
    kv_cache_check(&cache);
    assert_true(kv_cache_find(&cache, key_of(999, key), &found, &got));
    assert_false(kv_cache_find(&cache, key_of(1, key), &found, &got));
    kv_cache_deinit(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says_is_what_is_stored),
        cmocka_unit_test(a_value_too_large_is_forgotten),
        cmocka_unit_test(what_is_asked_for_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
