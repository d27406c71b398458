/* Who may send what to whom, and which transaction a message speaks of. */
#include "common/msg.h"

#include "tests/common/test.h"

#include <string.h>

/* The routes, written a second time, as the comments of common/msg.h have them. */
static const char *const routes[TX_MSG_TYPES_N] = {
    [TX_MSG_BEGIN] = "KC",
    [TX_MSG_BEGUN] = "CK",
    [TX_MSG_SUBMIT] = "KC",
    [TX_MSG_COMMIT_REQUEST] = "KC",
    [TX_MSG_ABORT_REQUEST] = "KC",
    [TX_MSG_OUTCOME_REQUEST] = "KC",
    [TX_MSG_OUTCOME] = "CK",
    [TX_MSG_OUTCOME_ACK] = "KC",
    [TX_MSG_OPERATE] = "KP",
    [TX_MSG_OPERATED] = "PK",
    [TX_MSG_JOIN] = "PC",
    [TX_MSG_PREPARE] = "CP",
    [TX_MSG_VOTE] = "PC",
    [TX_MSG_COMMIT] = "CP",
    [TX_MSG_ABORT] = "CP",
    [TX_MSG_ACK] = "PC",
    [TX_MSG_INQUIRE] = "PC PP CP",
    [TX_MSG_WAIT] = "CP",
    [TX_MSG_STATE] = "PP PC",
    [TX_MSG_FORGET] = "CP",
    [TX_MSG_FENCED] = "PC",
    [TX_MSG_HELLO] = "CP",
    [TX_MSG_WELCOME] = "PC",
    [TX_MSG_RESOLVE] = "KP",
    [TX_MSG_STATUS_REQUEST] = "KC KP",
    [TX_MSG_STATUS] = "CK PK",
    [TX_MSG_ERROR] = "CK PK",
    [TX_MSG_LOCKS_REQUEST] = "KP",
    [TX_MSG_LOCKS] = "PK",
    [TX_MSG_CUT_REQUEST] = "KC KP",
    [TX_MSG_CUT] = "CK PK",
    [TX_MSG_BACKUP_REQUEST] = "KC KP",
    [TX_MSG_BACKUP] = "CK PK",
    [TX_MSG_ADMIN_REQUEST] = "KC KP",
    [TX_MSG_TXS_REQUEST] = "KC KP",
    [TX_MSG_TXS] = "CK PK",
    [TX_MSG_ALARMS_REQUEST] = "KC KP",
    [TX_MSG_ALARMS] = "CK PK",
    [TX_MSG_PUT_ASIDE] = "KP",
};

static void each_route_is_as_written(void **state)
{
    (void)state;
    static const char letters[TX_ROLES_N] = {'K', 'C', 'P'};
    for (unsigned type = 0; type < TX_MSG_TYPES_N; type++) {
        for (unsigned from = 0; from < TX_ROLES_N; from++) {
            for (unsigned to = 0; to < TX_ROLES_N; to++) {
                const char pair[3] = {letters[from], letters[to], '\0'};
                assert_int_equal(
                    tx_msg_allowed((enum tx_msg_type)type, (enum tx_role)from, (enum tx_role)to),
                    strstr(routes[type], pair) != NULL);
            }
        }
    }
}

static void what_is_no_type_or_role_is_never_allowed(void **state)
{
    (void)state;
    assert_false(tx_msg_allowed(TX_MSG_TYPES_N, TX_ROLE_CLIENT, TX_ROLE_COORDINATOR));
    assert_false(tx_msg_allowed(TX_MSG_BEGIN, TX_ROLES_N, TX_ROLE_COORDINATOR));
    assert_false(tx_msg_allowed(TX_MSG_BEGIN, TX_ROLE_CLIENT, TX_ROLES_N));
    assert_false(tx_msg_allowed(TX_MSG_STATUS, TX_ROLE_CLIENT, (enum tx_role)77));
}

static void each_message_gives_its_transaction(void **state)
{
    (void)state;
    static const struct tx_id id = {1, 7, 42};
    struct tx_msg msgs[] = {
        {.type = TX_MSG_BEGUN, .begun.id = id},
        {.type = TX_MSG_COMMIT_REQUEST, .finish.id = id},
        {.type = TX_MSG_ABORT_REQUEST, .finish.id = id},
        {.type = TX_MSG_OUTCOME_REQUEST, .finish.id = id},
        {.type = TX_MSG_OUTCOME, .outcome.id = id},
        {.type = TX_MSG_OUTCOME_ACK, .id.id = id},
        {.type = TX_MSG_OPERATE, .operate.id = id},
        {.type = TX_MSG_OPERATED, .operated.id = id},
        {.type = TX_MSG_JOIN, .id.id = id},
        {.type = TX_MSG_PREPARE, .prepare.id = id},
        {.type = TX_MSG_VOTE, .vote.id = id},
        {.type = TX_MSG_COMMIT, .commit.id = id},
        {.type = TX_MSG_ABORT, .abort.id = id},
        {.type = TX_MSG_ACK, .ack.id = id},
        {.type = TX_MSG_INQUIRE, .inquire.id = id},
        {.type = TX_MSG_WAIT, .id.id = id},
        {.type = TX_MSG_STATE, .state.id = id},
        {.type = TX_MSG_FENCED, .fenced.id = id},
        {.type = TX_MSG_RESOLVE, .resolve.id = id},
        {.type = TX_MSG_PUT_ASIDE, .put_aside.id = id},
    };
    for (size_t i = 0; i < sizeof msgs / sizeof msgs[0]; i++) {
        assert_true(tx_id_equal(tx_msg_tx(&msgs[i]), id));
    }
    static const enum tx_msg_type without[] = {
        TX_MSG_BEGIN,         TX_MSG_SUBMIT,         TX_MSG_FORGET,        TX_MSG_HELLO,
        TX_MSG_WELCOME,       TX_MSG_STATUS,         TX_MSG_ERROR,         TX_MSG_STATUS_REQUEST,
        TX_MSG_LOCKS_REQUEST, TX_MSG_LOCKS,          TX_MSG_TXS,           TX_MSG_TXS_REQUEST,
        TX_MSG_ALARMS,        TX_MSG_ALARMS_REQUEST, TX_MSG_ADMIN_REQUEST, TX_MSG_CUT_REQUEST,
        TX_MSG_CUT,           TX_MSG_BACKUP_REQUEST, TX_MSG_BACKUP,
    };
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
        struct tx_msg msg = {.type = without[i]};
        assert_true(tx_id_equal(tx_msg_tx(&msg), (struct tx_id){0}));
    }
    assert_int_equal(sizeof msgs / sizeof msgs[0] + sizeof without / sizeof without[0],
                     TX_MSG_TYPES_N);
}

static void everything_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(tx_msg_name(TX_MSG_COMMIT_REQUEST), "COMMIT_REQUEST");
    assert_string_equal(tx_msg_name(TX_MSG_TYPES_N), "?");
    assert_string_equal(tx_vote_name(TX_VOTE_READ_ONLY), "READ_ONLY");
    assert_string_equal(tx_vote_name(TX_VOTES_N), "?");
    assert_string_equal(tx_state_name(TX_STATE_FORGOTTEN), "FORGOTTEN");
    assert_string_equal(tx_state_name(TX_STATES_N), "?");
    assert_string_equal(tx_heuristic_name(TX_HEURISTIC_NONE), "NONE");
    assert_string_equal(tx_heuristic_name(TX_HEURISTIC_OK), "OK");
    assert_string_equal(tx_heuristic_name(TX_HEURISTIC_DAMAGE), "DAMAGE");
    assert_string_equal(tx_heuristic_name(TX_HEURISTICS_N), "?");
    assert_string_equal(tx_admin_verb_name(TX_ADMIN_LOG_LEVEL), "log-level");
    assert_string_equal(tx_admin_verb_name(TX_ADMIN_VERBS_N), "?");
    for (unsigned type = 0; type < TX_MSG_TYPES_N; type++) {
        assert_true(strlen(tx_msg_name((enum tx_msg_type)type)) > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_route_is_as_written),
        cmocka_unit_test(what_is_no_type_or_role_is_never_allowed),
        cmocka_unit_test(each_message_gives_its_transaction),
        cmocka_unit_test(everything_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
