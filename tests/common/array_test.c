#include "common/array.h"

#include "tests/common/test.h"
#include "tests/failing_memory.h"

#include <stdlib.h>

static void it_doubles_when_it_is_full_and_keeps_what_is_there(void **state)
{
    (void)state;
    size_t capacity = 0;
    uint32_t *items = NULL;
    for (uint32_t n = 0; n < 25; n++) {
        items = tx_array_room(items, n, &capacity, sizeof *items, 3);
        assert_non_null(items);
        assert_int_equal(capacity, n < 3 ? 3 : n < 6 ? 6 : n < 12 ? 12 : n < 24 ? 24 : 48);
        items[n] = n;
    }
    for (uint32_t i = 0; i < 25; i++) {
        assert_int_equal(items[i], i);
    }
    free(items);
}

static void without_memory_all_is_as_before(void **state)
{
    (void)state;
    size_t capacity = 0;
    char *items = tx_array_room(NULL, 0, &capacity, 1, 1);
    assert_non_null(items);
    items[0] = 'x';
    failing_memory_arm(1, FAILING_ALONE);
    assert_null(tx_array_room(items, 1, &capacity, 1, 1));
    assert_int_equal(failing_memory_failures(), 1);
    (void)failing_memory_set(false);
    assert_int_equal(capacity, 1);
    assert_int_equal(items[0], 'x');
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_doubles_when_it_is_full_and_keeps_what_is_there),
        cmocka_unit_test(without_memory_all_is_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
