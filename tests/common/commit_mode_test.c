#include "common/commit_mode.h"
#include "tests/common/test.h"

static void names_and_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TX_COMMIT_MODES_N; i++) {
        enum tx_commit_mode mode = TX_COMMIT_MODES_N;
        const char *name = tx_commit_mode_name((enum tx_commit_mode)i);
        assert_int_equal(tx_commit_mode_parse(tx_bytes_str(name), &mode), TX_OK);
        assert_int_equal(mode, i);
    }
    enum tx_commit_mode mode = TX_COMMIT_PARTICIPANTS;
    assert_int_equal(tx_commit_mode_parse(tx_bytes_str("Participants"), &mode), TX_EFORMAT);
    assert_int_equal(tx_commit_mode_parse(tx_bytes_str(""), &mode), TX_EFORMAT);
    assert_int_equal(mode, TX_COMMIT_PARTICIPANTS);
    assert_string_equal(tx_commit_mode_name(TX_COMMIT_MODES_N), "?");
    assert_int_equal((enum tx_commit_mode)0,
                     TX_COMMIT_DEFAULT); /* what a zeroed request asks for */
}

static void which_members_can_decide(void **state)
{
    (void)state;
    struct tx_member members[3] = {{.name = {"a"}}, {.name = {"b"}}, {.name = {"c"}}};
    assert_false(tx_members_can_decide(members, 0));
    assert_false(tx_members_can_decide(members, 1));
    assert_true(tx_members_can_decide(members, 2));
    assert_true(tx_members_can_decide(members, 3));
    members[2].read_only = true;
    assert_true(tx_members_can_decide(members, 2));
    assert_false(tx_members_can_decide(members, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_and_back),
                                       cmocka_unit_test(which_members_can_decide)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
