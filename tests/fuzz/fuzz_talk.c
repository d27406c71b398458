#include "fuzz_talk.h"

enum tx_msg_type fuzz_talk_type(uint8_t choice, uint8_t odds,
                                const enum tx_msg_type often[FUZZ_OFTEN])
{
    if (choice < odds)
        return often[choice % FUZZ_OFTEN];
    return (enum tx_msg_type)((unsigned)(choice - odds) % TX_MSG_TYPES_N);
}

static struct tx_envelope sender(struct fuzz_talk *talk, enum tx_role role, uint64_t start)
{
    uint64_t life = 0x50 + start;
    talk->msgs->here = (struct tx_position){start, life, {start * 64 + 1}};
    return (struct tx_envelope){.cluster = "demo", .role = role, .start = start, .life = life};
}

struct tx_envelope fuzz_talk_participant(struct fuzz_talk *talk, unsigned node, uint64_t start)
{
    struct tx_envelope from = sender(talk, TX_ROLE_PARTICIPANT, start);
    from.name = fuzz_node_name(node);
    from.address = fuzz_node_address(node);
    return from;
}

struct tx_envelope fuzz_talk_coordinator(struct fuzz_talk *talk, uint32_t id, uint64_t start)
{
    struct tx_envelope from = sender(talk, TX_ROLE_COORDINATOR, start);
    from.coordinator = id;
    from.address = fuzz_coordinator_address(id);
    talk->msgs->coordinator = id;
    return from;
}

/* The transport drops the others before a core sees them. */
static void received(void *arg, const struct tx_envelope *envelope, const struct tx_msg *msg)
{
    struct fuzz_talk *talk = arg;
    if (tx_msg_allowed(msg->type, envelope->role, talk->to))
        talk->receiver(talk->arg, envelope, msg);
}

void fuzz_talk_say(struct fuzz_talk *talk, const struct tx_envelope *from, enum tx_msg_type type)
{
    struct tx_msg msg = fuzz_msg(talk->msgs, type);
    struct tx_envelope stamped = *from;
    talk->said++;
    if (from->role != TX_ROLE_CLIENT)
        stamped.cut = talk->said % 64 == 63 ? UINT64_MAX : talk->said / 8;
    fuzz_send(&stamped, &msg, received, talk);
}

void fuzz_talk_frame(struct fuzz_talk *talk)
{
    fuzz_receive(fuzz_blob(talk->in), received, talk);
}
