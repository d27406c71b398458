#include "common/array.h"

#include "tests/common/test.h"

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
    size_t capacity = SIZE_MAX / 4;
    char item = 'x';
    assert_null(tx_array_room(&item, capacity, &capacity, 16, 1));
    assert_int_equal(capacity, SIZE_MAX / 4);
    assert_int_equal(item, 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_doubles_when_it_is_full_and_keeps_what_is_there),
        cmocka_unit_test(without_memory_all_is_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
