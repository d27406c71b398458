/* What coordinators and participants say to one another: the fields in the order of the structs in
 * common/msg.h. */
#include "common/wire_encoder.h"

static void put_prepare(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_prepare *m = &msg->prepare;
    wire_put_id(w, m->id);
    wire_put_age(w, m->age);
    wire_put_token(w, &m->token);
    wire_put_bool(w, m->one_phase);
    wire_put_bool(w, m->one_shot);
    wire_put_u64(w, m->lock_timeout_ms);
    wire_put_u64(w, m->isolation);
    wire_put_members(w, m->members, m->members_n);
    wire_put_positions(w, m->known, m->members_n);
    wire_put_ops(w, m->ops, m->ops_n);
    wire_put_bool(w, m->members_decide);
    wire_put_u64(w, m->results_max);
}

static void put_vote(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_vote *m = &msg->vote;
    wire_put_id(w, m->id);
    wire_put_u64(w, m->vote);
    wire_put_u64(w, m->incarnation);
    wire_put_u64(w, m->lsn.n);
    wire_put_u64(w, m->reason);
    wire_put_text(w, m->text);
    wire_put_results(w, m->results, m->results_n);
}

static void put_commit(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_commit *m = &msg->commit;
    wire_put_id(w, m->id);
    wire_put_u64(w, m->lsn.n);
    wire_put_u64(w, m->incarnation);
}

static void put_abort(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_abort *m = &msg->abort;
    wire_put_id(w, m->id);
    wire_put_u64(w, m->reason);
    wire_put_bool(w, m->proved);
}

static void put_ack(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_ack *m = &msg->ack;
    wire_put_id(w, m->id);
    wire_put_u64(w, m->incarnation);
    wire_put_u64(w, m->lsn.n);
    wire_put_u64(w, m->heuristic);
    wire_put_bool(w, m->members_decide);
}

static void put_inquire(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_inquire *m = &msg->inquire;
    wire_put_id(w, m->id);
    wire_put_bool(w, m->in_doubt);
    wire_put_bool(w, m->wanted);
    wire_put_position(w, m->known);
    wire_put_bool(w, m->members_decide);
    wire_put_string(w, m->to.s);
    wire_put_u64(w, m->incarnation);
}

static void put_state(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_state *m = &msg->state;
    wire_put_id(w, m->id);
    wire_put_u64(w, m->state);
    wire_put_u64(w, m->incarnation);
    wire_put_bool(w, m->heuristic);
    wire_put_bool(w, m->members_decide);
    wire_put_bool(w, m->below_mark);
}

static void put_forget(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_forget *m = &msg->forget;
    wire_put_u64(w, m->epoch);
    wire_put_u64(w, m->below);
    wire_put_array(w, m->open_n);
    for (size_t i = 0; i < m->open_n && wire_put_fits(w); i++) {
        wire_put_u64(w, m->open[i]);
    }
}

static void put_fenced(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_fenced *m = &msg->fenced;
    wire_put_id(w, m->id);
    wire_put_position(w, m->known);
}

static void put_hello(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_hello *m = &msg->hello;
    wire_put_u64(w, m->lsn.n);
    wire_put_u64(w, m->age_counter);
    wire_put_u64(w, m->number);
    wire_put_positions(w, m->starts, m->starts_n);
    wire_put_members(w, m->nodes, m->nodes_n);
}

static void put_welcome(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_welcome *m = &msg->welcome;
    wire_put_u64(w, m->incarnation);
    wire_put_u64(w, m->lsn.n);
    wire_put_u64(w, m->age_counter);
    wire_put_bool(w, m->refusing);
    wire_put_u64(w, m->number);
    wire_put_positions(w, m->starts, m->starts_n);
    wire_put_u64(w, m->unsettled);
    wire_put_u64(w, m->loss.lsn.n);
    wire_put_u64(w, m->loss.start);
}

wire_put_message *const wire_peer_putters[TX_MSG_TYPES_N] = {
    [TX_MSG_JOIN] = wire_put_only_id, [TX_MSG_COMMIT] = put_commit,
    [TX_MSG_WAIT] = wire_put_only_id, [TX_MSG_PREPARE] = put_prepare,
    [TX_MSG_VOTE] = put_vote,         [TX_MSG_ABORT] = put_abort,
    [TX_MSG_ACK] = put_ack,           [TX_MSG_INQUIRE] = put_inquire,
    [TX_MSG_STATE] = put_state,       [TX_MSG_FORGET] = put_forget,
    [TX_MSG_FENCED] = put_fenced,     [TX_MSG_HELLO] = put_hello,
    [TX_MSG_WELCOME] = put_welcome,
};
