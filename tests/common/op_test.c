/* Operations: names, and each rule of tx_op_validate() from both sides. */
#include "common/op.h"

#include "tests/common/test.h"

#include <string.h>

static const uint8_t zeroes[TX_VALUE_MAX + 1];

static struct tx_bytes of_len(size_t len)
{
    return tx_bytes(zeroes, len);
}

/* A valid operation of each type. */
static struct tx_op valid(enum tx_op_type type)
{
    return (struct tx_op){
        .type = type,
        .space = tx_bytes_str("accounts"),
        .key = tx_bytes_str("alice"),
        .mode = type == TX_OP_LOCK ? TX_LOCK_X : TX_LOCK_NONE,
        .limit = type == TX_OP_SCAN ? 1 : 0,
    };
}

static void expect(enum tx_error expected, const struct tx_op *op)
{
    struct tx_why why = {{0}};
    assert_int_equal(tx_op_validate(op, &why), expected);
    assert_int_equal(why.text[0] != '\0', expected != TX_OK);
    assert_int_equal(tx_op_validate(op, NULL), expected);
}

static void types_have_names_that_parse(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TX_OP_TYPES_N; i++) {
        enum tx_op_type type = TX_OP_TYPES_N;
        const char *name = tx_op_name((enum tx_op_type)i);
        assert_int_equal(tx_op_type_parse(tx_bytes_str(name), &type), TX_OK);
        assert_int_equal(type, i);
    }
    enum tx_op_type type = TX_OP_ADD;
    assert_int_equal(tx_op_type_parse(tx_bytes_str("get-"), &type), TX_EFORMAT);
    assert_int_equal(tx_op_type_parse(tx_bytes_str("GET"), &type), TX_EFORMAT);
    assert_int_equal(tx_op_type_parse(tx_bytes_str(""), &type), TX_EFORMAT);
    assert_int_equal(type, TX_OP_ADD);
    assert_string_equal(tx_op_name(TX_OP_TYPES_N), "?");
}

static void only_writers_write(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= TX_OP_TYPES_N; i++) {
        bool writes = i == TX_OP_PUT || i == TX_OP_INSERT || i == TX_OP_DELETE || i == TX_OP_ADD;
        assert_int_equal(tx_op_writes((enum tx_op_type)i), writes);
    }
}

static void modes_have_names_that_parse(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TX_LOCK_MODES_N; i++) {
        enum tx_lock_mode mode = TX_LOCK_MODES_N;
        const char *name = tx_lock_mode_name((enum tx_lock_mode)i);
        assert_int_equal(tx_lock_mode_parse(tx_bytes_str(name), &mode), TX_OK);
        assert_int_equal(mode, i);
    }
    enum tx_lock_mode mode = TX_LOCK_U;
    assert_int_equal(tx_lock_mode_parse(tx_bytes_str("y"), &mode), TX_EFORMAT);
    assert_int_equal(mode, TX_LOCK_U);
    assert_string_equal(tx_lock_mode_name(TX_LOCK_MODES_N), "?");
}

static void sizes_at_and_above_their_limits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TX_OP_TYPES_N; i++) {
        size_t longest = i == TX_OP_SCAN ? TX_BOUND_MAX : TX_KEY_MAX;
        struct tx_op op = valid((enum tx_op_type)i);
        expect(TX_OK, &op);
        op.space = of_len(TX_SPACE_MAX);
        op.key = of_len(longest);
        op.value = of_len(TX_VALUE_MAX);
        expect(TX_OK, &op);
        op.space.len++;
        expect(TX_ELIMIT, &op);
        op.space.len--;
        op.key.len++;
        expect(TX_ELIMIT, &op);
        op.key.len--;
        op.value.len++;
        expect(TX_ELIMIT, &op);
    }
}

static void only_a_lock_may_leave_the_space_empty_and_a_scan_the_key(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TX_OP_TYPES_N; i++) {
        bool is_lock = i == TX_OP_LOCK;
        struct tx_op op = valid((enum tx_op_type)i);
        op.key.len = 0;
        expect(is_lock || i == TX_OP_SCAN ? TX_OK : TX_EINVAL, &op);
        op.space.len = 0;
        expect(is_lock ? TX_OK : TX_EINVAL, &op);
        op = valid((enum tx_op_type)i);
        op.space.len = 0; /* a key in no keyspace */
        expect(TX_EINVAL, &op);
    }
}

static void a_lock_has_a_mode_that_fits_its_place(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode <= TX_LOCK_MODES_N; mode++) {
        bool known = mode != TX_LOCK_NONE && mode < TX_LOCK_MODES_N;
        bool for_key = mode == TX_LOCK_S || mode == TX_LOCK_U || mode == TX_LOCK_X;
        struct tx_op op = valid(TX_OP_LOCK);
        op.mode = (enum tx_lock_mode)mode;
        expect(for_key ? TX_OK : TX_EINVAL, &op);
        op.key.len = 0;
        expect(known ? TX_OK : TX_EINVAL, &op);
        op.space.len = 0;
        expect(known ? TX_OK : TX_EINVAL, &op);
    }
}

static void levels_have_names_that_parse(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TX_ISOLATIONS_N; i++) {
        enum tx_isolation isolation = TX_ISOLATIONS_N;
        const char *name = tx_isolation_name((enum tx_isolation)i);
        assert_int_equal(tx_isolation_parse(tx_bytes_str(name), &isolation), TX_OK);
        assert_int_equal(isolation, i);
    }
    enum tx_isolation isolation = TX_READ_COMMITTED;
    assert_int_equal(tx_isolation_parse(tx_bytes_str("snapshot"), &isolation), TX_EFORMAT);
    assert_int_equal(isolation, TX_READ_COMMITTED);
    assert_string_equal(tx_isolation_name(TX_ISOLATIONS_N), "?");
    assert_int_equal((enum tx_isolation)0, TX_SERIALIZABLE); /* what a zeroed request asks for */
}

static void a_scan_has_a_range_that_is_not_empty(void **state)
{
    (void)state;
    struct tx_op op = valid(TX_OP_SCAN);
    op.to = tx_bytes_str("alicf");
    expect(TX_OK, &op);
    op.to = op.key;
    expect(TX_EINVAL, &op);
    op.to = tx_bytes_str("al");
    expect(TX_EINVAL, &op);
    op.to = tx_bytes(NULL, 0); /* up to the end */
    expect(TX_OK, &op);
    op.key = tx_bytes(NULL, 0);
    op.to = of_len(TX_BOUND_MAX);
    expect(TX_OK, &op);
    op.to.len++;
    expect(TX_ELIMIT, &op);
}

static void a_scan_has_a_limit_that_is_not_zero(void **state)
{
    (void)state;
    struct tx_op op = valid(TX_OP_SCAN);
    op.limit = TX_SCAN_ROWS_MAX;
    op.reverse = true;
    expect(TX_OK, &op);
    op.limit++;
    expect(TX_ELIMIT, &op);
    op.limit = 0;
    expect(TX_EINVAL, &op);
}

static void only_a_scan_has_an_end_a_limit_and_a_direction(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TX_OP_TYPES_N; i++) {
        enum tx_error expected = i == TX_OP_SCAN ? TX_OK : TX_EINVAL;
        struct tx_op op = valid((enum tx_op_type)i);
        op.to = tx_bytes_str("b");
        expect(expected, &op);
        op = valid((enum tx_op_type)i);
        op.limit = 7;
        expect(expected, &op);
        op = valid((enum tx_op_type)i);
        op.reverse = true;
        expect(expected, &op);
    }
}

static void only_a_check_expects_absence(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TX_OP_TYPES_N; i++) {
        struct tx_op op = valid((enum tx_op_type)i);
        op.absent = true;
        expect(i == TX_OP_CHECK ? TX_OK : TX_EINVAL, &op);
    }
}

static void an_add_has_its_floor_below_its_ceiling(void **state)
{
    (void)state;
    struct tx_op op = valid(TX_OP_ADD);
    op.min = 5;
    op.max = 4;
    expect(TX_OK, &op); /* neither counts */
    op.has_min = true;
    expect(TX_OK, &op);
    op.has_max = true;
    expect(TX_EINVAL, &op);
    op.max = 5;
    expect(TX_OK, &op);
    op.min = INT64_MIN;
    op.max = INT64_MAX;
    expect(TX_OK, &op);
}

static void an_unknown_type_is_refused(void **state)
{
    (void)state;
    struct tx_op op = valid(TX_OP_GET);
    op.type = TX_OP_TYPES_N;
    expect(TX_EINVAL, &op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_names_that_parse),
        cmocka_unit_test(only_writers_write),
        cmocka_unit_test(modes_have_names_that_parse),
        cmocka_unit_test(sizes_at_and_above_their_limits),
        cmocka_unit_test(only_a_lock_may_leave_the_space_empty_and_a_scan_the_key),
        cmocka_unit_test(levels_have_names_that_parse),
        cmocka_unit_test(a_scan_has_a_range_that_is_not_empty),
        cmocka_unit_test(a_scan_has_a_limit_that_is_not_zero),
        cmocka_unit_test(only_a_scan_has_an_end_a_limit_and_a_direction),
        cmocka_unit_test(a_lock_has_a_mode_that_fits_its_place),
        cmocka_unit_test(only_a_check_expects_absence),
        cmocka_unit_test(an_add_has_its_floor_below_its_ceiling),
        cmocka_unit_test(an_unknown_type_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
