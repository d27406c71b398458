#include "liar_raw.h"

#include "network.h"
#include "sim_coordinator.h"
#include "sim_participant.h"

#include <string.h>

/* Longer than any list may be; nobody looks behind the limit. */
static const struct tx_op too_many_ops[TX_OPS_MAX + 1];
static const struct tx_position no_positions[TX_MEMBERS_MAX + 1];

static struct tx_envelope envelope_as(enum tx_role role)
{
    struct tx_envelope envelope = {.cluster = "sim", .role = role, .start = 1, .life = 1};

    if (role == TX_ROLE_COORDINATOR)
        envelope.address = (struct tx_address){"sim://stranger"};
    return envelope;
}

/* ---- for a coordinator ---- */

static void to_coordinator(struct sim *sim, size_t node, const struct tx_msg *msg)
{
    struct tx_envelope envelope = envelope_as(TX_ROLE_CLIENT);
    struct coord_event event = {
        .type = COORD_EVENT_MESSAGE, .client = SIM_LIAR, .envelope = &envelope, .msg = msg};

    sim_coordinator_step(sim, node, &event);
}

static struct tx_msg client_message(struct liar_raw *raw, struct tx_id id, struct tx_token token)
{
    static const char long_key[TX_IDEMPOTENCY_KEY_MAX + 1];
    struct tx_msg msg = {.type = TX_MSG_SUBMIT};

    switch (sim_random_between(&raw->random, 0, 4)) {
    case 0:
        msg.submit.ops = too_many_ops;
        msg.submit.ops_n = TX_OPS_MAX + 1;
        return msg;
    case 1:
        msg.submit.ops = too_many_ops;
        msg.submit.ops_n = 1;
        msg.submit.key = tx_bytes((const uint8_t *)long_key, sizeof long_key);
        return msg;
    case 2:
        msg.type = TX_MSG_BEGIN;
        msg.begin = (struct tx_msg_begin){.age = {1, TX_COORDINATOR_ID_MAX + 1}};
        return msg;
    case 3:
        msg.type = TX_MSG_OUTCOME_REQUEST;
        msg.finish = (struct tx_msg_finish){.req = 1};
        return msg;
    default:
        msg.type = TX_MSG_COMMIT_REQUEST;
        msg.finish = (struct tx_msg_finish){
            .id = id, .token = token, .members = raw->members, .members_n = TX_MEMBERS_MAX + 1};
        return msg;
    }
}

/* ---- for a participant ---- */

static void to_participant(struct sim *sim, size_t node, const struct tx_envelope *envelope,
                           const struct tx_msg *msg)
{
    struct part_event event = {
        .type = PART_EVENT_MESSAGE, .client = SIM_LIAR, .envelope = envelope, .msg = msg};

    sim_participant_step(sim, node, &event);
}

static struct tx_msg prepare(struct liar_raw *raw, const struct tx_name *self, struct tx_id id)
{
    struct tx_msg msg = {.type = TX_MSG_PREPARE,
                         .prepare = {.id = id,
                                     .age = {1, 1},
                                     .one_shot = true,
                                     .members = raw->members,
                                     .members_n = 1,
                                     .known = no_positions,
                                     .ops = too_many_ops}};
    uint64_t choice = sim_random_between(&raw->random, 0, 2);

    raw->members[0].name = *self;
    raw->members[0].incarnation = 1;
    if (choice == 0)
        msg.prepare.members_n = 0;
    else if (choice == 1)
        msg.prepare.members_n = TX_MEMBERS_MAX + 1;
    else
        msg.prepare.ops_n = 1; /* an operation without space and key */
    return msg;
}

static struct tx_msg forget(struct liar_raw *raw)
{
    static const uint64_t unordered[] = {5, 4}, above[] = {11};
    bool order = sim_random_percent(&raw->random, 50);

    return (struct tx_msg){.type = TX_MSG_FORGET,
                           .forget = {.epoch = sim_random_between(&raw->random, 0, 1),
                                      .below = 10,
                                      .open = order ? unordered : above,
                                      .open_n = order ? 2 : 1}};
}

static void participant_message(struct sim *sim, struct liar_raw *raw, size_t node)
{
    struct tx_envelope client = envelope_as(TX_ROLE_CLIENT);
    struct tx_envelope coordinator = sim_network_envelope(sim, 0);
    struct tx_envelope nobody = envelope_as(TX_ROLE_COORDINATOR);
    struct tx_envelope member = envelope_as(TX_ROLE_PARTICIPANT);
    struct tx_id id = {1, coordinator.start, 1};
    struct tx_msg operate = {
        .type = TX_MSG_OPERATE,
        .operate = {.id = id, .age = {1, 1}, .step = 1, .ops = too_many_ops, .ops_n = 1}};
    struct tx_msg inquire = {.type = TX_MSG_INQUIRE};
    struct tx_msg words = forget(raw);
    struct tx_msg work = prepare(raw, &sim->nodes[node].name, id);

    nobody.coordinator = sim_random_percent(&raw->random, 50) ? 0 : TX_COORDINATOR_ID_MAX + 1;
    member.address = (struct tx_address){"sim://stranger"};
    switch (sim_random_between(&raw->random, 0, 4)) {
    case 0:
        to_participant(sim, node, &client, &operate);
        return;
    case 1:
        to_participant(sim, node, &member, &inquire);
        return;
    case 2:
        to_participant(sim, node, &coordinator, &words);
        return;
    case 3:
        to_participant(sim, node, &coordinator, &work);
        return;
    default:
        to_participant(sim, node, &nobody, &inquire);
        return;
    }
}

void liar_raw_arrives(struct sim *sim, struct liar_raw *raw, size_t node, struct tx_id id,
                      struct tx_token token)
{
    struct tx_msg msg;

    if (sim->nodes[node].participant != NULL) {
        participant_message(sim, raw, node);
    } else if (sim->nodes[node].coordinator != NULL) {
        msg = client_message(raw, id, token);
        to_coordinator(sim, node, &msg);
    }
}
