/* The overlay: the newest commit is seen until its LSN is durable, whatever the order of events. */
#include "participant/kv_overlay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct kv_cache cache; /* where a change goes to from here */
static struct kv_spares spares;

/* What the cache says of the key: its value, "-" for none, NULL when it does not know. */
static bool caches(const char *key, const char *value)
{
    bool found = false;
    struct tx_bytes got = {0};
    kv_cache_check(&cache);
    if (!kv_cache_find(&cache, kv_key(tx_bytes_str(key)), &found, &got))
        return value == NULL;
    return value != NULL &&
           (found ? tx_bytes_equal(got, tx_bytes_str(value)) : strcmp(value, "-") == 0);
}

static int setup(void **state)
{
    (void)state;
    kv_cache_init(&cache, 4096);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kv_cache_deinit(&cache);
    kv_spares_deinit(&spares);
    return 0;
}

static void add(struct kv_overlay *overlay, const char *key, const char *value, uint64_t lsn)
{
    struct kv_entry *entry = kv_entry_new(&spares, kv_key(tx_bytes_str(key)), 4);
    struct tx_bytes bytes = tx_bytes_str(value != NULL ? value : "");
    kv_entry_set(entry, value != NULL ? &bytes : NULL);
    kv_overlay_add(overlay, entry, (struct tx_lsn){lsn});
    kv_overlay_check(overlay);
}

static void durable(struct kv_overlay *overlay, uint64_t lsn)
{
    kv_overlay_durable(overlay, (struct tx_lsn){lsn}, &cache);
    kv_overlay_check(overlay);
}

static bool shows(const struct kv_overlay *overlay, const char *key, const char *value)
{
    const struct kv_entry *entry = kv_overlay_find(overlay, kv_key(tx_bytes_str(key)));
    return entry != NULL && !entry->deleted &&
           tx_bytes_equal(kv_entry_value(entry), tx_bytes_str(value));
}

static bool silent(const struct kv_overlay *overlay, const char *key)
{
    return kv_overlay_find(overlay, kv_key(tx_bytes_str(key))) == NULL;
}

static void an_entry_goes_when_its_lsn_is_durable(void **state)
{
    (void)state;
    struct kv_overlay overlay = {.spares = &spares};
    durable(&overlay, 1);
    add(&overlay, "a", "1", 3);
    add(&overlay, "b", "2", 3);
    add(&overlay, "c", NULL, 5);
    durable(&overlay, 2);
    assert_true(shows(&overlay, "a", "1"));
    durable(&overlay, 4);
    assert_true(silent(&overlay, "a") && silent(&overlay, "b"));
    assert_true(caches("a", "1") && caches("b", "2") && caches("c", NULL));
    assert_true(kv_overlay_find(&overlay, kv_key(tx_bytes_str("c")))->deleted);
    durable(&overlay, 5);
    assert_true(silent(&overlay, "c"));
    assert_true(caches("c", "-"));
    assert_null(overlay.first);
    assert_null(overlay.last);
    kv_overlay_deinit(&overlay);
}

static void a_newer_overwrite_stays(void **state)
{
    (void)state;
    struct kv_overlay overlay = {.spares = &spares};
    add(&overlay, "k", "old", 1);
    add(&overlay, "other", "x", 2);
    add(&overlay, "k", "mid", 3);
    add(&overlay, "k", "new", 4);
    assert_true(shows(&overlay, "k", "new"));
    durable(&overlay, 1);
    assert_true(shows(&overlay, "k", "new"));
    durable(&overlay, 3);
    assert_true(shows(&overlay, "k", "new"));
    assert_true(silent(&overlay, "other"));
    assert_true(caches("k", NULL)); /* what is replaced was never to be seen */
    durable(&overlay, 4);
    assert_true(silent(&overlay, "k"));
    assert_true(caches("k", "new"));
    add(&overlay, "k", "again", 9);
    assert_true(shows(&overlay, "k", "again"));
    kv_overlay_deinit(&overlay);
}

/* What was lent out as a batch must stay in place, also when the key is overwritten. */
static void a_replaced_entry_keeps_its_memory(void **state)
{
    (void)state;
    struct kv_overlay overlay = {.spares = &spares};
    add(&overlay, "k", "first", 1);
    struct tx_bytes lent = kv_entry_value(kv_overlay_find(&overlay, kv_key(tx_bytes_str("k"))));
    add(&overlay, "k", "second", 2);
    assert_true(tx_bytes_equal(lent, tx_bytes_str("first")));
    kv_overlay_deinit(&overlay);
    assert_null(overlay.order.root);
    assert_int_equal(overlay.newest_n, 0);
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t pick(uint64_t *random, uint64_t n)
{
    uint64_t z = (*random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % n;
}

/* The order that a scan sees has every key's newest entry, and nothing else. */
static void expect_order(struct kv_overlay *overlay)
{
    const struct kv_map *order = kv_overlay_order(overlay);
    const struct kv_entry *at = kv_map_at_or_after(order, tx_bytes(NULL, 0));
    const struct kv_entry *before = NULL;
    size_t n = 0;
    for (; at != NULL; before = at, at = kv_map_next(order, at), n++) {
        assert_ptr_equal(kv_overlay_find(overlay, kv_key(kv_entry_key(at))), at);
        if (before != NULL)
            assert_true(tx_bytes_compare(kv_entry_key(before), kv_entry_key(at)) < 0);
    }
    assert_int_equal(n, overlay->newest_n);
    kv_overlay_check(overlay);
}

/* Scans now and then, among changes and their becoming durable, with more keys than the table
 * begins with. */
static void scans_see_the_newest_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct kv_overlay overlay = {.spares = &spares};
        uint64_t random = seed, lsn = 1, gone = 0;
        for (unsigned i = 0; i < 600; i++) {
            char key[16], value[32];
            (void)snprintf(key, sizeof(key), "k%03u", (unsigned)pick(&random, 200));
            (void)snprintf(value, sizeof(value), "%u-and-some-more", i);
            value[pick(&random, 17) + 1] = '\0';
            lsn += pick(&random, 2);
            add(&overlay, key, pick(&random, 8) > 0 ? value : NULL, lsn);
            if (pick(&random, 20) == 0)
                expect_order(&overlay);
            if (pick(&random, 30) == 0)
                durable(&overlay, gone = gone + pick(&random, lsn - gone + 1));
        }
        expect_order(&overlay);
        durable(&overlay, lsn);
        expect_order(&overlay);
        kv_overlay_deinit(&overlay);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_entry_goes_when_its_lsn_is_durable, setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_overwrite_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_replaced_entry_keeps_its_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(scans_see_the_newest_in_order, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
