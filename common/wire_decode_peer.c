/* What coordinators and participants say to one another: the fields in the order of the structs in
 * common/msg.h. */
#include "common/wire_decoder.h"

static void get_prepare(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_prepare *m = &msg->prepare;
    m->id = wire_get_id(d);
    m->age = wire_get_age(d);
    m->token = wire_get_token(d);
    m->one_phase = wire_get_bool(d, "one_phase");
    m->one_shot = wire_get_bool(d, "one_shot");
    m->lock_timeout_ms = wire_get_u32(d, "lock_timeout_ms");
    m->isolation = (enum tx_isolation)wire_get_enum(d, "isolation", TX_ISOLATIONS_N);
    m->members = wire_get_members(d, "members", TX_MEMBERS_MAX, &m->members_n);
    if (m->members_n == 0) {
        wire_fail(d, "members", "the receiver at least");
    }
    size_t known_n;
    m->known = wire_get_positions(d, "known", TX_MEMBERS_MAX, &known_n);
    if (known_n != m->members_n) {
        wire_fail(d, "known", "a position of each member");
    }
    m->ops = wire_get_ops(d, false, &m->ops_n);
    m->members_decide = wire_get_bool(d, "members_decide");
    m->results_max = wire_get_u64(d, "results_max");
}

static void get_vote(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_vote *m = &msg->vote;
    m->id = wire_get_id(d);
    m->vote = (enum tx_vote)wire_get_enum(d, "vote", TX_VOTES_N);
    m->incarnation = wire_get_u64(d, "incarnation");
    m->lsn.n = wire_get_u64(d, "lsn");
    m->reason = wire_get_reason(d);
    m->text = wire_get_text(d, "text");
    m->results = wire_get_results(d, &m->results_n);
}

static void get_commit(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_commit *m = &msg->commit;
    m->id = wire_get_id(d);
    m->lsn.n = wire_get_u64(d, "lsn");
    m->incarnation = wire_get_u64(d, "incarnation");
}

static void get_abort(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_abort *m = &msg->abort;
    m->id = wire_get_id(d);
    m->reason = wire_get_reason(d);
    m->proved = wire_get_bool(d, "proved");
}

static void get_ack(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_ack *m = &msg->ack;
    m->id = wire_get_id(d);
    m->incarnation = wire_get_u64(d, "incarnation");
    m->lsn.n = wire_get_u64(d, "lsn");
    m->heuristic = (enum tx_heuristic)wire_get_enum(d, "heuristic", TX_HEURISTICS_N);
    m->members_decide = wire_get_bool(d, "members_decide");
}

static void get_inquire(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_inquire *m = &msg->inquire;
    m->id = wire_get_id(d);
    m->in_doubt = wire_get_bool(d, "in_doubt");
    m->wanted = wire_get_bool(d, "wanted");
    m->known = wire_get_position(d, "known");
    m->members_decide = wire_get_bool(d, "members_decide");
    wire_get_name_or_none(d, "to", &m->to);
    m->incarnation = wire_get_u64(d, "incarnation");
}

static void get_state(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_state *m = &msg->state;
    m->id = wire_get_id(d);
    m->state = (enum tx_state)wire_get_enum(d, "state", TX_STATES_N);
    m->incarnation = wire_get_u64(d, "incarnation");
    m->heuristic = wire_get_bool(d, "heuristic");
    m->members_decide = wire_get_bool(d, "members_decide");
    m->below_mark = wire_get_bool(d, "below_mark");
}

static const uint64_t *get_open(struct wire_decoder *d, uint64_t below, size_t *count)
{
    uint64_t *open = wire_get_list(d, "open", TX_OPEN_IDS_MAX, sizeof *open, count);
    for (size_t i = 0; wire_next_element(d, "open", i, *count); i++) {
        open[i] = wire_get_u64(d, "");
        if (open[i] >= below || (i > 0 && open[i] <= open[i - 1])) {
            wire_fail(d, "", "a sequence below the mark, in ascending order");
        }
    }
    return open;
}

static void get_forget(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_forget *m = &msg->forget;
    m->epoch = wire_get_u64(d, "epoch");
    m->below = wire_get_u64(d, "below");
    m->open = get_open(d, m->below, &m->open_n);
}

static void get_fenced(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_fenced *m = &msg->fenced;
    m->id = wire_get_id_or_none(d);
    m->known = wire_get_position(d, "known");
}

static void get_hello(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_hello *m = &msg->hello;
    m->lsn.n = wire_get_u64(d, "lsn");
    m->age_counter = wire_get_u64(d, "age_counter");
    m->number = wire_get_u64(d, "number");
    m->starts = wire_get_positions(d, "starts", TX_LINEAGE_MAX, &m->starts_n);
    m->nodes = wire_get_members(d, "nodes", TX_HELLO_NODES_MAX, &m->nodes_n);
}

static void get_welcome(struct wire_decoder *d, struct tx_msg *msg)
{
    struct tx_msg_welcome *m = &msg->welcome;
    m->incarnation = wire_get_u64(d, "incarnation");
    m->lsn.n = wire_get_u64(d, "lsn");
    m->age_counter = wire_get_u64(d, "age_counter");
    m->refusing = wire_get_bool(d, "refusing");
    m->number = wire_get_u64(d, "number");
    m->starts = wire_get_positions(d, "starts", TX_LINEAGE_MAX, &m->starts_n);
    m->unsettled = wire_get_u64(d, "unsettled");
    m->loss.lsn.n = wire_get_u64(d, "loss_lsn");
    m->loss.start = wire_get_u64(d, "loss_start");
}

wire_get_message *const wire_peer_getters[TX_MSG_TYPES_N] = {
    [TX_MSG_JOIN] = wire_get_only_id, [TX_MSG_COMMIT] = get_commit,
    [TX_MSG_WAIT] = wire_get_only_id, [TX_MSG_PREPARE] = get_prepare,
    [TX_MSG_VOTE] = get_vote,         [TX_MSG_ABORT] = get_abort,
    [TX_MSG_ACK] = get_ack,           [TX_MSG_INQUIRE] = get_inquire,
    [TX_MSG_STATE] = get_state,       [TX_MSG_FORGET] = get_forget,
    [TX_MSG_FENCED] = get_fenced,     [TX_MSG_HELLO] = get_hello,
    [TX_MSG_WELCOME] = get_welcome,
};
