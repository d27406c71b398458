/* Ids, ages, tokens, names and addresses. */
#include "common/ids.h"

#include "tests/common/test.h"

#include <string.h>

static void ids_order_by_coordinator_epoch_and_sequence(void **state)
{
    (void)state;
    static const struct tx_id ordered[] = {
        {1, 1, 1}, {1, 1, 2}, {1, 2, 1}, {1, UINT64_MAX, 1}, {2, 1, 1}, {65535, 1, 1},
    };
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 6; j++) {
            assert_int_equal(tx_id_compare(ordered[i], ordered[j]), (i > j) - (i < j));
            assert_int_equal(tx_id_equal(ordered[i], ordered[j]), i == j);
            assert_int_equal(tx_id_hash(ordered[i]) == tx_id_hash(ordered[j]), i == j);
        }
    }
}

static void an_id_is_valid_within_its_bounds(void **state)
{
    (void)state;
    assert_true(tx_id_valid((struct tx_id){1, 1, 1}));
    assert_true(tx_id_valid((struct tx_id){TX_COORDINATOR_ID_MAX, UINT64_MAX, UINT64_MAX}));
    assert_false(tx_id_valid((struct tx_id){0, 1, 1}));
    assert_false(tx_id_valid((struct tx_id){1, 0, 1}));
    assert_false(tx_id_valid((struct tx_id){1, 1, 0}));
    assert_false(tx_id_valid((struct tx_id){TX_COORDINATOR_ID_MAX + 1, 1, 1}));
}

static void an_id_prints_and_parses(void **state)
{
    (void)state;
    static const struct tx_id ids[] = {{1, 7, 42}, {65535, UINT64_MAX, UINT64_MAX}, {9, 1, 1}};
    for (size_t i = 0; i < 3; i++) {
        char text[TX_ID_TEXT];
        struct tx_id back;
        assert_int_equal(tx_id_parse(tx_id_print(ids[i], text), &back), TX_OK);
        assert_true(tx_id_equal(back, ids[i]));
    }
    char text[TX_ID_TEXT];
    assert_string_equal(tx_id_print(ids[0], text), "1-7-42");
}

static void what_is_not_exactly_an_id_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "1",
        "1-2",
        "1-2-",
        "-1-2-3",
        "1--2",
        "1-2-3-4",
        "1-2-3 ",
        " 1-2-3",
        "1-2-3x",
        "+1-2-3",
        "0-1-1",
        "1-0-1",
        "1-1-0",
        "01-2-3",
        "1-02-3",
        "65536-1-1",
        "1-2-0x3",
        "1-2-18446744073709551616",
        "1-2-99999999999999999999999",
        "4294967297-1-1",
        "1.2.3",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tx_id id = {5, 6, 7};
        assert_int_equal(tx_id_parse(texts[i], &id), TX_EFORMAT);
        assert_true(tx_id_equal(id, (struct tx_id){5, 6, 7})); /* left as it was */
    }
}

static void the_lower_counter_is_older(void **state)
{
    (void)state;
    struct tx_age old = {10, 2};
    assert_int_equal(tx_age_compare(old, (struct tx_age){11, 1}), -1);
    assert_int_equal(tx_age_compare((struct tx_age){11, 1}, old), 1);
    assert_int_equal(tx_age_compare(old, (struct tx_age){10, 3}), -1); /* the tie */
    assert_int_equal(tx_age_compare(old, (struct tx_age){10, 1}), 1);
    assert_int_equal(tx_age_compare(old, old), 0);
}

static void tokens_differ_by_any_byte(void **state)
{
    (void)state;
    struct tx_token a = {{1, 2, 3}};
    for (size_t i = 0; i < sizeof a.bytes; i++) {
        struct tx_token b = a;
        assert_true(tx_token_equal(&a, &b));
        b.bytes[i] ^= 0x80;
        assert_false(tx_token_equal(&a, &b));
    }
}

static void names(void **state)
{
    (void)state;
    struct tx_name name;
    struct tx_name other;
    memset(&name, 'x', sizeof name);
    assert_int_equal(tx_name_set(&name, tx_bytes_str("Node-1_a.b")), TX_OK);
    assert_string_equal(name.s, "Node-1_a.b");
    assert_int_equal(name.s[TX_NAME_MAX], 0); /* nothing of what was there before */
    assert_int_equal(tx_name_set(&other, tx_bytes_str("Node-1_a.c")), TX_OK);
    assert_false(tx_name_equal(&name, &other));
    other = name;
    assert_true(tx_name_equal(&name, &other));

    static const char longest[] = "0123456789012345678901234567890";
    assert_int_equal(sizeof longest - 1, TX_NAME_MAX);
    assert_int_equal(tx_name_set(&name, tx_bytes_str(longest)), TX_OK);
    assert_string_equal(name.s, longest);
    static const char *const bad[] = {
        "", "a b", "a/b", "\xc3\xa4", "a\n", "a:b", "01234567890123456789012345678901"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(tx_name_set(&name, tx_bytes_str(bad[i])), TX_EFORMAT);
        assert_string_equal(name.s, longest); /* left as it was */
    }
    assert_int_equal(tx_name_set(&name, tx_bytes("a\0b", 3)), TX_EFORMAT);
}

static void addresses(void **state)
{
    (void)state;
    struct tx_address address;
    assert_int_equal(tx_address_set(&address, tx_bytes_str("tcp://127.0.0.1:7400")), TX_OK);
    assert_string_equal(address.s, "tcp://127.0.0.1:7400");
    char longest[TX_ADDRESS_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_int_equal(tx_address_set(&address, tx_bytes(longest, TX_ADDRESS_MAX)), TX_OK);
    assert_int_equal(strlen(address.s), TX_ADDRESS_MAX);
    assert_int_equal(tx_address_set(&address, tx_bytes(longest, TX_ADDRESS_MAX + 1)), TX_EFORMAT);
    assert_int_equal(tx_address_set(&address, tx_bytes("a\0b", 3)), TX_EFORMAT);
    assert_int_equal(strlen(address.s), TX_ADDRESS_MAX);
    assert_int_equal(tx_address_set(&address, tx_bytes(NULL, 0)), TX_OK);
    assert_string_equal(address.s, "");
}

static void roles_have_names(void **state)
{
    (void)state;
    assert_string_equal(tx_role_name(TX_ROLE_CLIENT), "client");
    assert_string_equal(tx_role_name(TX_ROLE_COORDINATOR), "coordinator");
    assert_string_equal(tx_role_name(TX_ROLE_PARTICIPANT), "participant");
    assert_string_equal(tx_role_name(TX_ROLES_N), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_order_by_coordinator_epoch_and_sequence),
        cmocka_unit_test(an_id_is_valid_within_its_bounds),
        cmocka_unit_test(an_id_prints_and_parses),
        cmocka_unit_test(what_is_not_exactly_an_id_is_refused),
        cmocka_unit_test(the_lower_counter_is_older),
        cmocka_unit_test(tokens_differ_by_any_byte),
        cmocka_unit_test(names),
        cmocka_unit_test(addresses),
        cmocka_unit_test(roles_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
