/* What clients and operators say to daemons, and the answers: the fields in the order of the
 * structs in common/msg.h. */
#include "common/wire_encoder.h"

static void put_begin(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_begin *m = &msg->begin;
    wire_put_u64(w, m->req);
    wire_put_age(w, m->age);
}

static void put_begun(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_begun *m = &msg->begun;
    wire_put_u64(w, m->req);
    wire_put_id(w, m->id);
    wire_put_age(w, m->age);
    wire_put_token(w, &m->token);
    wire_put_members(w, m->nodes, m->nodes_n);
}

static void put_submit(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_submit *m = &msg->submit;
    wire_put_u64(w, m->req);
    wire_put_bytes(w, m->key);
    wire_put_age(w, m->age);
    wire_put_u64(w, m->timeout_ms);
    wire_put_u64(w, m->lock_timeout_ms);
    wire_put_u64(w, m->isolation);
    wire_put_ops(w, m->ops, m->ops_n);
    wire_put_u64(w, m->mode);
}

static void put_finish(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_finish *m = &msg->finish;
    wire_put_u64(w, m->req);
    wire_put_id(w, m->id);
    wire_put_token(w, &m->token);
    wire_put_members(w, m->members, m->members_n);
    wire_put_u64(w, m->mode);
}

static void put_outcome(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_outcome *m = &msg->outcome;
    wire_put_u64(w, m->req);
    wire_put_id(w, m->id);
    wire_put_u64(w, m->outcome);
    wire_put_u64(w, m->reason);
    wire_put_string(w, m->who.s);
    wire_put_text(w, m->text);
    wire_put_age(w, m->age);
    wire_put_bool(w, m->results_lost);
    wire_put_results(w, m->results, m->results_n);
}

static void put_operate(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_operate *m = &msg->operate;
    wire_put_u64(w, m->req);
    wire_put_id(w, m->id);
    wire_put_token(w, &m->token);
    wire_put_age(w, m->age);
    wire_put_u64(w, m->step);
    wire_put_u64(w, m->lock_timeout_ms);
    wire_put_u64(w, m->isolation);
    wire_put_ops(w, m->ops, m->ops_n);
}

static void put_operated(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_operated *m = &msg->operated;
    wire_put_u64(w, m->req);
    wire_put_id(w, m->id);
    wire_put_u64(w, m->step);
    wire_put_u64(w, m->incarnation);
    wire_put_bool(w, m->wrote);
    wire_put_u64(w, m->reason);
    wire_put_text(w, m->text);
    wire_put_results(w, m->results, m->results_n);
}

static void put_resolve(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_resolve *m = &msg->resolve;
    wire_put_u64(w, m->req);
    wire_put_id(w, m->id);
    wire_put_bool(w, m->commit);
    wire_put_string(w, m->operator_name.s);
}

static void put_status_request(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_status_request *m = &msg->status_request;
    wire_put_u64(w, m->req);
}

static void put_status(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_status *m = &msg->status;
    wire_put_u64(w, m->req);
    wire_put_array(w, m->fields_n);
    for (size_t i = 0; i < m->fields_n && wire_put_fits(w); i++) {
        wire_put_array(w, WIRE_STATUS_FIELD_FIELDS);
        wire_put_text(w, m->fields[i].name);
        wire_put_text(w, m->fields[i].text);
    }
    wire_put_array(w, m->txs_n);
    for (size_t i = 0; i < m->txs_n && wire_put_fits(w); i++) {
        wire_put_array(w, WIRE_STATUS_TX_FIELDS);
        wire_put_id(w, m->txs[i].id);
        wire_put_text(w, m->txs[i].state);
        wire_put_u64(w, m->txs[i].age_ms);
        wire_put_text(w, m->txs[i].detail);
    }
    wire_put_array(w, m->peers_n);
    for (size_t i = 0; i < m->peers_n && wire_put_fits(w); i++) {
        wire_put_array(w, WIRE_STATUS_PEER_FIELDS);
        wire_put_text(w, m->peers[i].name);
        wire_put_text(w, m->peers[i].address);
        wire_put_text(w, m->peers[i].state);
        wire_put_u64(w, m->peers[i].start);
        wire_put_u64(w, m->peers[i].silent_ms);
    }
}

static void put_error(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_error *m = &msg->error;
    wire_put_u64(w, m->req);
    wire_put_u64(w, m->error);
    wire_put_u64(w, m->reason);
    wire_put_text(w, m->text);
}

static void put_place(struct tx_frame_writer *w, const struct tx_locks_place *place)
{
    wire_put_array(w, WIRE_LOCKS_PLACE_FIELDS);
    wire_put_u64(w, place->incarnation);
    wire_put_u64(w, place->serial);
    wire_put_u64(w, place->passed);
    wire_put_u64(w, place->skip);
    wire_put_bool(w, place->range);
    wire_put_bytes(w, place->space);
    wire_put_bytes(w, place->key);
    wire_put_bytes(w, place->to);
}

static void put_locks_request(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_locks_request *m = &msg->locks_request;
    wire_put_u64(w, m->req);
    wire_put_bool(w, m->waiting);
    wire_put_bytes(w, m->space);
    wire_put_id(w, m->tx);
    wire_put_u64(w, m->limit);
    put_place(w, &m->from);
}

static void put_blockers(struct tx_frame_writer *w, const struct tx_lock_blocker *blockers,
                         size_t n)
{
    wire_put_array(w, n);
    for (size_t i = 0; i < n && wire_put_fits(w); i++) {
        wire_put_array(w, WIRE_LOCK_BLOCKER_FIELDS);
        wire_put_id(w, blockers[i].id);
        wire_put_text(w, blockers[i].state);
        wire_put_u64(w, blockers[i].age_ms);
        wire_put_u64(w, blockers[i].mode);
        wire_put_bool(w, blockers[i].waits);
        wire_put_bool(w, blockers[i].range);
    }
}

static void put_locks(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_locks *m = &msg->locks;
    wire_put_u64(w, m->req);
    wire_put_array(w, m->rows_n);
    for (size_t i = 0; i < m->rows_n && wire_put_fits(w); i++) {
        const struct tx_lock_row *row = &m->rows[i];
        wire_put_array(w, WIRE_LOCK_ROW_FIELDS);
        wire_put_id(w, row->id);
        wire_put_age(w, row->age);
        wire_put_text(w, row->state);
        wire_put_u64(w, row->age_ms);
        wire_put_bytes(w, row->space);
        wire_put_bytes(w, row->key);
        wire_put_bytes(w, row->to);
        wire_put_bool(w, row->range);
        wire_put_u64(w, row->mode);
        wire_put_bool(w, row->waiting);
        wire_put_u64(w, row->waited_ms);
        put_blockers(w, row->blockers, row->blockers_n);
        wire_put_bool(w, row->blockers_more);
    }
    wire_put_bool(w, m->more);
    put_place(w, &m->next);
}

static void put_cut_request(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_cut_request *m = &msg->cut_request;
    wire_put_u64(w, m->req);
    wire_put_bool(w, m->begin);
    wire_put_u64(w, m->number);
}

static void put_cut(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_cut *m = &msg->cut;
    wire_put_u64(w, m->req);
    wire_put_u64(w, m->number);
    wire_put_u64(w, m->taken);
    wire_put_u64(w, m->lsn.n);
    wire_put_u64(w, m->time_ms);
}

static void put_backup_request(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_backup_request *m = &msg->backup_request;
    wire_put_u64(w, m->req);
    wire_put_u64(w, m->step);
    wire_put_bytes(w, m->name);
    wire_put_bytes(w, m->directory);
    wire_put_bool(w, m->full);
    wire_put_u64(w, m->patience_ms);
    wire_put_u64(w, m->cut);
    wire_put_u64(w, m->lsn.n);
}

static void put_backup(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_backup *m = &msg->backup;
    wire_put_u64(w, m->req);
    wire_put_u64(w, m->state);
    wire_put_bytes(w, m->node);
    wire_put_u64(w, m->bytes);
    wire_put_u64(w, m->done);
    wire_put_u64(w, m->stored);
    wire_put_u64(w, m->checkpoint.n);
    wire_put_text(w, m->text);
}

static void put_admin_request(struct tx_frame_writer *w, const struct tx_msg *msg)
{
    const struct tx_msg_admin_request *m = &msg->admin_request;
    wire_put_u64(w, m->req);
    wire_put_u64(w, m->verb);
    wire_put_string(w, m->operator_name.s);
    wire_put_text(w, m->text);
}

wire_put_message *const wire_client_putters[TX_MSG_TYPES_N] = {
    [TX_MSG_BEGIN] = put_begin,
    [TX_MSG_BEGUN] = put_begun,
    [TX_MSG_SUBMIT] = put_submit,
    [TX_MSG_COMMIT_REQUEST] = put_finish,
    [TX_MSG_ABORT_REQUEST] = put_finish,
    [TX_MSG_OUTCOME_REQUEST] = put_finish,
    [TX_MSG_OUTCOME] = put_outcome,
    [TX_MSG_OUTCOME_ACK] = wire_put_only_id,
    [TX_MSG_OPERATE] = put_operate,
    [TX_MSG_OPERATED] = put_operated,
    [TX_MSG_RESOLVE] = put_resolve,
    [TX_MSG_STATUS_REQUEST] = put_status_request,
    [TX_MSG_STATUS] = put_status,
    [TX_MSG_ERROR] = put_error,
    [TX_MSG_LOCKS] = put_locks,
    [TX_MSG_LOCKS_REQUEST] = put_locks_request,
    [TX_MSG_CUT] = put_cut,
    [TX_MSG_CUT_REQUEST] = put_cut_request,
    [TX_MSG_BACKUP] = put_backup,
    [TX_MSG_BACKUP_REQUEST] = put_backup_request,
    [TX_MSG_ADMIN_REQUEST] = put_admin_request,
    [TX_MSG_TXS] = wire_put_txs,
    [TX_MSG_TXS_REQUEST] = wire_put_txs_request,
    [TX_MSG_ALARMS] = wire_put_alarms,
    [TX_MSG_ALARMS_REQUEST] = wire_put_alarms_request,
    [TX_MSG_PUT_ASIDE] = wire_put_put_aside,
};
