/* The overlay: the newest commit is seen until its LSN is durable, whatever the order of events. */
#include "participant/kv_overlay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct kv_cache cache; /* where a change goes to from here */

/* What the cache says of the key: its value, "-" for none, NULL when it does not know. */
static bool caches(const char *key, const char *value)
{
    bool found = false;
    struct tx_bytes got = {0};
    kv_cache_check(&cache);
    if (!kv_cache_find(&cache, tx_bytes_str(key), &found, &got))
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
    return 0;
}

static void add(struct kv_overlay *overlay, const char *key, const char *value, uint64_t lsn)
{
    struct kv_entry *entry = kv_entry_new(tx_bytes_str(key));
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
    const struct kv_entry *entry = kv_overlay_find(overlay, tx_bytes_str(key));
    return entry != NULL && !entry->deleted &&
           tx_bytes_equal(kv_entry_value(entry), tx_bytes_str(value));
}

static bool silent(const struct kv_overlay *overlay, const char *key)
{
    return kv_overlay_find(overlay, tx_bytes_str(key)) == NULL;
}

static void an_entry_goes_when_its_lsn_is_durable(void **state)
{
    (void)state;
    struct kv_overlay overlay = {0};
    durable(&overlay, 1);
    add(&overlay, "a", "1", 3);
    add(&overlay, "b", "2", 3);
    add(&overlay, "c", NULL, 5);
    durable(&overlay, 2);
    assert_true(shows(&overlay, "a", "1"));
    durable(&overlay, 4);
    assert_true(silent(&overlay, "a") && silent(&overlay, "b"));
    assert_true(caches("a", "1") && caches("b", "2") && caches("c", NULL));
    assert_true(kv_overlay_find(&overlay, tx_bytes_str("c"))->deleted);
    durable(&overlay, 5);
    assert_true(silent(&overlay, "c"));
    assert_true(caches("c", "-"));
    assert_null(overlay.first);
    assert_null(overlay.last);
}

static void a_newer_overwrite_stays(void **state)
{
    (void)state;
    struct kv_overlay overlay = {0};
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
    struct kv_overlay overlay = {0};
    add(&overlay, "k", "first", 1);
    struct tx_bytes lent = kv_entry_value(kv_overlay_find(&overlay, tx_bytes_str("k")));
    add(&overlay, "k", "second", 2);
    assert_true(tx_bytes_equal(lent, tx_bytes_str("first")));
    kv_overlay_deinit(&overlay);
    assert_null(overlay.newest.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_entry_goes_when_its_lsn_is_durable, setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_overwrite_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_replaced_entry_keeps_its_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
