#include "members.h"

struct driver d;

int members_setup(void **state)
{
    (void)driver_setup(state);
    d.mode = TX_COMMIT_PARTICIPANTS;
    d.members_decide = true;
    return 0;
}

const struct tx_msg_prepare *prepare(char who)
{
    return &driver_sent(&d, who, TX_MSG_PREPARE)->prepare;
}

struct tx_id one_shot(void)
{
    struct tx_id id = submit(&d, "ab", "");
    assert_true(prepare('a')->members_decide);
    assert_true(prepare('b')->members_decide);
    return id;
}

struct tx_id preventing(void)
{
    struct tx_id id = tx_collecting(&d);
    vote(&d, 'b', id, TX_VOTE_YES, 0);
    driver_pass(&d, 30 * SECOND_US);
    (void)driver_sent(&d, 'a', TX_MSG_INQUIRE);
    driver_ignore(&d);
    return id;
}

const struct tx_msg_outcome *assert_committed(struct tx_id id)
{
    assert_state(&d, id, "committed");
    return assert_outcome(&d, id, TX_OUTCOME_COMMITTED, TX_REASON_NONE);
}

void heuristic_ack(char who, struct tx_id id, enum tx_heuristic heuristic)
{
    struct tx_msg msg = {.type = TX_MSG_ACK,
                         .ack = {.id = id,
                                 .incarnation = 5,
                                 .lsn = {200},
                                 .heuristic = heuristic,
                                 .members_decide = true}};
    driver_participant(&d, who, &msg);
}
