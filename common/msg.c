/* Messages: their names, who may send them to whom, and the transaction they speak of. */
#include "common/msg.h"

#define ROUTE(from, to) (1u << ((unsigned)(from)*TX_ROLES_N + (unsigned)(to)))

enum {
    K_TO_C = ROUTE(TX_ROLE_CLIENT, TX_ROLE_COORDINATOR),
    K_TO_P = ROUTE(TX_ROLE_CLIENT, TX_ROLE_PARTICIPANT),
    C_TO_K = ROUTE(TX_ROLE_COORDINATOR, TX_ROLE_CLIENT),
    C_TO_P = ROUTE(TX_ROLE_COORDINATOR, TX_ROLE_PARTICIPANT),
    P_TO_K = ROUTE(TX_ROLE_PARTICIPANT, TX_ROLE_CLIENT),
    P_TO_C = ROUTE(TX_ROLE_PARTICIPANT, TX_ROLE_COORDINATOR),
    P_TO_P = ROUTE(TX_ROLE_PARTICIPANT, TX_ROLE_PARTICIPANT),
};

static const uint16_t routes[TX_MSG_TYPES_N] = {
    [TX_MSG_BEGIN] = K_TO_C,
    [TX_MSG_BEGUN] = C_TO_K,
    [TX_MSG_SUBMIT] = K_TO_C,
    [TX_MSG_COMMIT_REQUEST] = K_TO_C,
    [TX_MSG_ABORT_REQUEST] = K_TO_C,
    [TX_MSG_OUTCOME_REQUEST] = K_TO_C,
    [TX_MSG_OUTCOME] = C_TO_K,
    [TX_MSG_OUTCOME_ACK] = K_TO_C,
    [TX_MSG_OPERATE] = K_TO_P,
    [TX_MSG_OPERATED] = P_TO_K,
    [TX_MSG_JOIN] = P_TO_C,
    [TX_MSG_PREPARE] = C_TO_P,
    [TX_MSG_VOTE] = P_TO_C,
    [TX_MSG_COMMIT] = C_TO_P,
    [TX_MSG_ABORT] = C_TO_P,
    [TX_MSG_ACK] = P_TO_C,
    [TX_MSG_INQUIRE] = P_TO_C | P_TO_P | C_TO_P,
    [TX_MSG_WAIT] = C_TO_P,
    [TX_MSG_STATE] = P_TO_P | P_TO_C,
    [TX_MSG_FORGET] = C_TO_P,
    [TX_MSG_FENCED] = P_TO_C,
    [TX_MSG_HELLO] = C_TO_P,
    [TX_MSG_WELCOME] = P_TO_C,
    [TX_MSG_RESOLVE] = K_TO_P,
    [TX_MSG_STATUS_REQUEST] = K_TO_C | K_TO_P,
    [TX_MSG_STATUS] = C_TO_K | P_TO_K,
    [TX_MSG_ERROR] = C_TO_K | P_TO_K,
    [TX_MSG_LOCKS_REQUEST] = K_TO_P,
    [TX_MSG_LOCKS] = P_TO_K,
    [TX_MSG_CUT_REQUEST] = K_TO_C | K_TO_P,
    [TX_MSG_CUT] = C_TO_K | P_TO_K,
    [TX_MSG_BACKUP_REQUEST] = K_TO_C | K_TO_P,
    [TX_MSG_BACKUP] = C_TO_K | P_TO_K,
    [TX_MSG_ADMIN_REQUEST] = K_TO_C | K_TO_P,
    [TX_MSG_TXS_REQUEST] = K_TO_C | K_TO_P,
    [TX_MSG_TXS] = C_TO_K | P_TO_K,
    [TX_MSG_ALARMS_REQUEST] = K_TO_C | K_TO_P,
    [TX_MSG_ALARMS] = C_TO_K | P_TO_K,
    [TX_MSG_PUT_ASIDE] = K_TO_P,
};

static const char *const msg_names[TX_MSG_TYPES_N] = {
#define X(name, text) [name] = (text),
    TX_MSGS(X)
#undef X
};

static const char *const vote_names[TX_VOTES_N] = {
#define X(name, text) [name] = (text),
    TX_VOTES(X)
#undef X
};

static const char *const state_names[TX_STATES_N] = {
#define X(name, text) [name] = (text),
    TX_STATES(X)
#undef X
};

const char *tx_msg_name(enum tx_msg_type type)
{
    return (unsigned)type < TX_MSG_TYPES_N ? msg_names[type] : "?";
}

const char *tx_vote_name(enum tx_vote vote)
{
    return (unsigned)vote < TX_VOTES_N ? vote_names[vote] : "?";
}

const char *tx_state_name(enum tx_state state)
{
    return (unsigned)state < TX_STATES_N ? state_names[state] : "?";
}

const char *tx_backup_state_name(enum tx_backup_state state)
{
    static const char *const names[TX_BACKUP_STATES_N] = {
#define X(name, text) [name] = (text),
        TX_BACKUP_STATES(X)
#undef X
    };
    return (unsigned)state < TX_BACKUP_STATES_N ? names[state] : "?";
}

const char *tx_admin_verb_name(enum tx_admin_verb verb)
{
    static const char *const names[TX_ADMIN_VERBS_N] = {
#define X(name, text) [name] = (text),
        TX_ADMIN_VERBS(X)
#undef X
    };
    return (unsigned)verb < TX_ADMIN_VERBS_N ? names[verb] : "?";
}

bool tx_msg_allowed(enum tx_msg_type type, enum tx_role from, enum tx_role to)
{
    if ((unsigned)type >= TX_MSG_TYPES_N || (unsigned)from >= TX_ROLES_N ||
        (unsigned)to >= TX_ROLES_N) {
        return false;
    }
    return (routes[type] & ROUTE(from, to)) != 0;
}

struct tx_id tx_msg_tx(const struct tx_msg *msg)
{
    switch (msg->type) {
    case TX_MSG_BEGUN:
        return msg->begun.id;
    case TX_MSG_COMMIT_REQUEST:
    case TX_MSG_ABORT_REQUEST:
    case TX_MSG_OUTCOME_REQUEST:
        return msg->finish.id;
    case TX_MSG_OUTCOME:
        return msg->outcome.id;
    case TX_MSG_OUTCOME_ACK:
    case TX_MSG_JOIN:
    case TX_MSG_WAIT:
        return msg->id.id;
    case TX_MSG_OPERATE:
        return msg->operate.id;
    case TX_MSG_OPERATED:
        return msg->operated.id;
    case TX_MSG_PREPARE:
        return msg->prepare.id;
    case TX_MSG_VOTE:
        return msg->vote.id;
    case TX_MSG_COMMIT:
        return msg->commit.id;
    case TX_MSG_ABORT:
        return msg->abort.id;
    case TX_MSG_ACK:
        return msg->ack.id;
    case TX_MSG_INQUIRE:
        return msg->inquire.id;
    case TX_MSG_STATE:
        return msg->state.id;
    case TX_MSG_FENCED:
        return msg->fenced.id;
    case TX_MSG_RESOLVE:
        return msg->resolve.id;
    case TX_MSG_PUT_ASIDE:
        return msg->put_aside.id;
    case TX_MSG_BEGIN:
    case TX_MSG_SUBMIT:
    case TX_MSG_FORGET:
    case TX_MSG_HELLO:
    case TX_MSG_WELCOME:
    case TX_MSG_STATUS_REQUEST:
    case TX_MSG_STATUS:
    case TX_MSG_ERROR:
    case TX_MSG_LOCKS_REQUEST:
    case TX_MSG_LOCKS:
    case TX_MSG_CUT_REQUEST:
    case TX_MSG_CUT:
    case TX_MSG_BACKUP_REQUEST:
    case TX_MSG_BACKUP:
    case TX_MSG_ADMIN_REQUEST:
    case TX_MSG_TXS_REQUEST:
    case TX_MSG_TXS:
    case TX_MSG_ALARMS_REQUEST:
    case TX_MSG_ALARMS:
    case TX_MSG_TYPES_N:
        break;
    }
    return (struct tx_id){0};
}
